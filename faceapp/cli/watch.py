"""`recognise` for videos, cameras and addresses."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from faceapp import wire
from faceapp.cli import output
from faceapp.cli.progress import Progress
from faceapp.errors import Cancelled, FaceAppError
from faceapp.jobs import JobContext
from faceapp.live import LiveSettings, Track
from faceapp.services import Services
from faceapp.stream.sources import SourceSpec, is_video

if TYPE_CHECKING:
    from faceapp.stream.session import LiveSession
    from faceapp.tasks.watch import WatchReport

CSV_HEADER = (
    "track", "person", "visitor", "first_frame", "last_frame", "distance", "votes", "faces", "live", "looks",
)  # fmt: skip
POLL_SECONDS = 0.2


def source(text: str) -> SourceSpec | None:
    """The video, camera or address that is meant; None where it is a photo or a folder of photos.

    Raises BadRequest for an address that names no camera.
    """
    if os.path.isdir(text):
        return None
    if os.path.exists(text):
        return SourceSpec("file", text, os.path.basename(text)) if is_video(Path(text)) else None
    if "://" in text or text.removeprefix("webcam:").isdigit():
        return SourceSpec.parse(text)
    return None


def recognise(spec: SourceSpec, arguments: argparse.Namespace, services: Services) -> None:
    """Follow every face and say who it is; a camera until Ctrl-C or for --seconds."""
    settings = _settings(arguments, services)
    report = (_camera if spec.live else _file)(spec, settings, arguments, services)
    if arguments.json:
        output.document(wire.watched(report.frames, report.seconds, report.tracks))
    elif arguments.csv:
        output.csv_row(CSV_HEADER)
        for track in report.tracks:
            output.csv_row(_csv_row(track))
    else:
        _show(report)
    if report.remark:
        output.remark(report.remark)


def _settings(arguments: argparse.Namespace, services: Services) -> LiveSettings:
    default = LiveSettings()
    return LiveSettings(
        min_face=arguments.min_face or default.min_face,
        decide_after=arguments.frames or default.decide_after,
        method="fuse" if arguments.fuse else "vote",
        one_person_once=services.settings.current.one_person_once,
    )


def _file(
    spec: SourceSpec, settings: LiveSettings, arguments: argparse.Namespace, services: Services
) -> WatchReport:
    start = time.monotonic()
    with Progress() as progress:

        def tell(done: int, total: int | None, message: str, rate: float | None) -> None:
            elapsed = time.monotonic() - start
            progress.show(done, total, message, done / elapsed if elapsed else None)

        context = JobContext(tell, lambda: False)
        try:
            return services.live.watch_file(context, spec, settings, out=arguments.out)
        except KeyboardInterrupt:
            raise Cancelled("cancelled", f"Stopped in the middle of {spec.name}.") from None


def _camera(
    spec: SourceSpec, settings: LiveSettings, arguments: argparse.Namespace, services: Services
) -> WatchReport:
    """Until Ctrl-C, which is the usual end, or until the time is over. Raises FaceAppError when no picture
    ever came."""
    from faceapp.tasks.watch import WatchReport

    session = services.live.open(spec, settings, keep=False)
    start = time.monotonic()
    try:
        if arguments.out is not None:
            session.record(arguments.out)
        _wait(session, arguments.seconds)
    except KeyboardInterrupt:
        output.remark("Stopping.")
    finally:
        session.stop()
    stats, tracks = session.stats, session.tracks()
    if not stats.frames:
        raise FaceAppError("no_picture", f"{spec.name} sent no picture.", session.problem)
    return WatchReport(stats.frames, time.monotonic() - start, tracks, stats, session.recording_problem)


def _wait(session: LiveSession, seconds: float | None) -> None:
    """Say how the camera is doing whenever that changes."""
    end = None if seconds is None else time.monotonic() + seconds
    said = ""
    while not session.status.over and (end is None or time.monotonic() < end):
        sentence = session.status.sentence
        if sentence != said:
            output.remark(sentence)
            said = sentence
        time.sleep(POLL_SECONDS)


def _show(report: WatchReport) -> None:
    rows = [
        [str(track.id), _who(track), f"frames {track.first_frame}-{track.last_frame}", _why(track)]
        for track in report.tracks
    ]
    if rows:
        output.table([["", "who", "when", "why"], *rows], right=frozenset({0}))
    else:
        output.line("No face was seen.")
    output.line(f"{report.frames} frames, {report.seconds:.1f} seconds, {len(report.tracks)} tracks.")


def _who(track: Track) -> str:
    decision = track.decision
    if decision is None:
        return "too short or too small"
    if decision.person is not None:
        return f"{decision.person.name} ({decision.distance:.3f})"
    return f"visitor {decision.visitor}" if decision.visitor else "unknown"


def _why(track: Track) -> str:
    reason = track.decision.reason if track.decision is not None else ""
    live = track.liveness
    guess = f"It {live.words} ({live.score:.2f})." if live is not None and live.verdict != "unsure" else ""
    return " ".join(part for part in (reason, guess) if part)


def _csv_row(track: Track) -> list[object]:
    record = wire.track(track)
    decision = track.decision
    person = decision.person if decision else None
    votes = [vote.count for vote in decision.votes if vote.person == person] if decision else []
    cells = [record[key] for key in ("id", "person", "visitor", "first_frame", "last_frame", "distance")]
    return [
        *("" if cell is None else cell for cell in cells),
        sum(votes) if decision else "",
        decision.faces if decision else 0,
        *((round(live.score, 3), live.words) if (live := track.liveness) is not None else ("", "")),
    ]
