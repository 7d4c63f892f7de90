"""Records as JSON-ready values: the shapes that the command line and the REST port share.

They are kept stable. Boxes are x1 y1 x2 y2 in pixels of the upright photo; distances are cosine distances.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from faceapp.errors import BadRequest, FaceAppError
from faceapp.live import Group, Liveness, Period, Presence, Sighting, Track, Vote
from faceapp.tasks.morph import MorphReport
from faceapp.tasks.swap import BatchReport, FaceReport, SwapReport
from faceapp.tasks.swap_video import VideoReport
from faceapp.types import EnrolReport, FaceMatches, Forgotten, Match, Person

if TYPE_CHECKING:
    from faceapp.edit.card import Card
    from faceapp.services.recognition import Between

Json = dict[str, Any]

DISTANCE_DIGITS = 4
PERCENTILE_DIGITS = 3


def error(refusal: FaceAppError) -> Json:
    """{"error": {"code", "message", "hint"}}: the answer to whatever was refused."""
    return {"error": {"code": refusal.code, "message": refusal.sentence, "hint": refusal.hint}}


def person(record: Person) -> Json:
    return {"id": record.id, "name": record.name, "photos": record.photos}


def forgotten(gone: Forgotten) -> Json:
    """What went with people who were forgotten. backups: files that still hold it."""
    return {
        "forgotten": list(gone.people),
        "faces": gone.faces,
        "sightings": gone.sightings,
        "recognisers": list(gone.recognisers),
        "wiped": gone.wiped,
        "backups": list(gone.backups),
    }


def _path(match: Match) -> str:
    return match.photo


def lookalikes(faces: Sequence[FaceMatches], photo: Callable[[Match], str] = _path) -> Json:
    """Every face with the people it resembles; `photo` says where a match's photo can be had."""
    return {
        "faces": [
            {
                "box": face.face.box.as_list(),
                "matches": [
                    {
                        "person": match.person.name,
                        "distance": round(match.distance, DISTANCE_DIGITS),
                        "percentile": round(match.percentile, PERCENTILE_DIGITS),
                        "photo": photo(match),
                    }
                    for match in face.matches
                ],
            }
            for face in faces
        ]
    }


def recognised(photo: str, result: Sequence[FaceMatches] | FaceAppError) -> Json:
    """Who is on one photo, or why that cannot be said."""
    if isinstance(result, FaceAppError):
        return {"photo": photo, "faces": [], "error": str(result)}
    return {"photo": photo, "faces": [_who(face) for face in result]}


def _who(face: FaceMatches) -> Json:
    """A stranger has the distance of the nearest person all the same, and null in an empty library."""
    nearest = face.matches[0] if face.matches else None
    return {
        "box": face.face.box.as_list(),
        "person": face.person.person.name if face.person else None,
        "distance": round(nearest.distance, DISTANCE_DIGITS) if nearest else None,
    }


def watched(frames: int, seconds: float, tracks: Sequence[Track]) -> Json:
    """What was seen on a video or a camera."""
    return {"frames": frames, "seconds": round(seconds, 3), "tracks": [track(seen) for seen in tracks]}


def track(record: Track) -> Json:
    """One track; boxes are [frame, x1, y1, x2, y2]. A stranger has the distance of the nearest person.

    "liveness" is there only where somebody looked: the model for it is optional.
    """
    decision = record.decision
    distance = decision.distance if decision else None
    judged = {"liveness": liveness(record.liveness)} if record.liveness is not None else {}
    return {
        "id": record.id,
        "person": decision.person.name if decision and decision.person else None,
        "visitor": decision.visitor if decision else None,
        "first_frame": record.first_frame,
        "last_frame": record.last_frame,
        "distance": None if distance is None else round(distance, DISTANCE_DIGITS),
        "votes": [_vote(vote) for vote in decision.votes] if decision else [],
        **judged,
        "boxes": [[int(row[0]), *(round(float(value), 1) for value in row[1:])] for row in record.boxes],
    }


def liveness(record: Liveness | None) -> Json | None:
    """A guess, in words as well; null where nobody looked."""
    if record is None:
        return None
    return {"score": round(record.score, 3), "looks": record.looks, "words": record.words}


def _vote(vote: Vote) -> Json:
    return {
        "person": vote.person.name if vote.person else None,
        "count": vote.count,
        "distance": None if vote.distance is None else round(vote.distance, DISTANCE_DIGITS),
    }


def enrolment(report: EnrolReport) -> Json:
    return {
        "people": report.people,
        "photos": report.photos,
        "faces": report.faces,
        "skipped": [{"path": skipped.path, "reason": skipped.reason} for skipped in report.skipped],
    }


def swap(report: SwapReport) -> Json:
    """What a swap into one photo did. boxes: of the changed faces; faces: of all of them, left to right."""
    return {
        "title": report.title,
        "target": report.target,
        "out": report.out,
        "boxes": [face.box.as_list() for face in report.swapped],
        "faces": [_swapped(number, face) for number, face in enumerate(report.faces, start=1)],
        "remarks": list(report.remarks),
    }


def swaps(report: BatchReport) -> Json:
    """What a swap into a folder did, the most doubtful result first."""
    return {
        "out": report.out,
        "results": [swap(result) for result in report.results],
        "skipped": [{"path": skipped.path, "reason": skipped.reason} for skipped in report.skipped],
    }


def swapped_video(report: VideoReport) -> Json:
    """What a swap into a video did. person, source: numbers from 1. suspects: frames to look at."""
    return {
        "target": report.clip,
        "out": report.out,
        "frames": report.frames,
        "seconds": round(report.seconds, 3),
        "swapped_frames": report.swapped,
        "resumed_frames": report.resumed,
        "sound": report.sound,
        "people": [
            {
                "person": person.number + 1,
                "frames": person.frames,
                "source": None if person.source is None else person.source + 1,
                "name": person.name or None,
                "distance": None if person.distance is None else round(person.distance, DISTANCE_DIGITS),
                "reason": person.reason or None,
            }
            for person in report.people
        ],
        "suspects": [
            {"first": suspect.first, "last": suspect.last, "reason": suspect.sentence}
            for suspect in report.suspects
        ],
        "remarks": list(report.remarks),
    }


def _swapped(number: int, face: FaceReport) -> Json:
    """face, source: numbers from 1. A face that was left as it is has no card, and a reason."""
    return {
        "face": number,
        "box": face.box.as_list(),
        "source": None if face.source is None else face.source + 1,
        "name": face.name or None,
        "distance": None if face.distance is None else round(face.distance, DISTANCE_DIGITS),
        "reason": face.reason or None,
        "card": card(face.card) if face.card else None,
    }


def card(record: Card) -> Json:
    """The self-check of one swapped face."""
    return {
        "to_source": round(record.to_source, DISTANCE_DIGITS),
        "to_target": round(record.to_target, DISTANCE_DIGITS),
        "threshold": round(record.threshold, DISTANCE_DIGITS),
        "recognised": record.recognised,
        "expression_error": round(record.expression, 3),
        "seam": round(record.seam, 3),
        "turned": round(record.turned, 1),
        "unsure": round(record.unsure, 3),
        "doubt": round(record.doubt, 2),
        "sentences": list(record.sentences),
    }


def morph(report: MorphReport) -> Json:
    """What became of a morph. place: of a picture on the way, -1 to 2; route: what made it."""
    return {
        "kind": report.kind,
        "out": report.out,
        "photos": list(report.photos),
        "frames": report.frames,
        "seconds": report.seconds,
        "size": report.size,
        "place": None if report.place is None else round(report.place, 3),
        "route": report.route,
        "remarks": list(report.remarks),
    }


def between(found: Sequence[Between]) -> Json:
    """The pairs of people that a face may be a mixture of, best first; share: of the second one."""
    return {
        "pairs": [
            {
                "people": [pair.person.name, pair.other.name],
                "share": round(pair.share, 3),
                "figure": round(pair.figure, 3),
                "suspicious": pair.suspicious,
            }
            for pair in found
        ]
    }


def sighting(record: Sighting) -> Json:
    return {
        "id": record.id,
        "source": record.source,
        "first": moment(record.first),
        "last": moment(record.last),
        "person": {"id": record.person.id, "name": record.person.name} if record.person else None,
        "visitor": record.visitor,
        "distance": None if record.distance is None else round(record.distance, DISTANCE_DIGITS),
    }


def attendance(period: Period, group: Group | None, rows: Sequence[Presence]) -> Json:
    return {
        "from": moment(period.start),
        "to": moment(period.end),
        "group": group.name if group else None,
        "people": [presence(row) for row in rows],
    }


def presence(record: Presence) -> Json:
    return {
        "person": {"id": record.person.id, "name": record.person.name},
        "state": record.state,
        "first": moment(record.first),
        "last": moment(record.last),
    }


def moment(at: datetime | None) -> str | None:
    """2026-03-02T09:00:00+00:00: UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else None


def parse_moment(text: str, end: bool = False) -> datetime:
    """The moment that "2026-03-02T09:00", "2026-03-02", or "09:00" of today means, in local time unless it
    says another offset. A day without a time begins at midnight, and as an `end` it includes the day.

    Raises BadRequest.
    """
    # A plus sign in an address that was not written as %2B comes as a space.
    words = re.sub(r"(T.*\d) (\d\d:?\d\d)$", r"\1+\2", text.strip())
    try:
        if re.fullmatch(r"\d\d:\d\d(:\d\d)?", words):
            at = datetime.combine(datetime.now().astimezone().date(), time.fromisoformat(words))
        else:
            at = datetime.fromisoformat(words)
            if end and re.fullmatch(r"\d{4}-\d\d-\d\d", words):
                at += timedelta(days=1)
        return at.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        hint = "Write 2026-03-02T09:00, 2026-03-02 or 09:00."
        raise BadRequest("bad_time", f"“{text[:40]}” is not a time.", hint) from error
