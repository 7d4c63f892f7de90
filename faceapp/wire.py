"""Records as JSON-ready values: the shapes that the command line and the REST port share.

They are kept stable. Boxes are x1 y1 x2 y2 in pixels of the upright photo; distances are cosine distances.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from faceapp.errors import FaceAppError
from faceapp.types import EnrolReport, FaceMatches, Match, Person

Json = dict[str, Any]

DISTANCE_DIGITS = 4
PERCENTILE_DIGITS = 3


def error(refusal: FaceAppError) -> Json:
    """{"error": {"code", "message", "hint"}}: the answer to whatever was refused."""
    return {"error": {"code": refusal.code, "message": refusal.sentence, "hint": refusal.hint}}


def person(record: Person) -> Json:
    return {"id": record.id, "name": record.name, "photos": record.photos}


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


def enrolment(report: EnrolReport) -> Json:
    return {
        "people": report.people,
        "photos": report.photos,
        "faces": report.faces,
        "skipped": [{"path": skipped.path, "reason": skipped.reason} for skipped in report.skipped],
    }
