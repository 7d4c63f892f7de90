"""`swap`: faces of photos onto the faces of a photo, a folder of photos, or a video."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from faceapp import wire
from faceapp.cli import output
from faceapp.cli.photos import read_photos
from faceapp.cli.progress import finish
from faceapp.edit.cast import CastChoices
from faceapp.errors import BadRequest, Cancelled
from faceapp.jobs import Job, JobManager
from faceapp.services import Services
from faceapp.stream.recorder import SUFFIXES
from faceapp.stream.sources import is_video
from faceapp.tasks.swap import BatchReport, FaceReport, SwapReport, written_suffix
from faceapp.tasks.swap_video import VideoReport

STOPPED = "Stopped: nothing was written."
STOPPED_FOLDER = "Stopped: the results so far stay in the folder."
STOPPED_VIDEO = "Stopped in the middle of the video: what is finished of it is kept for some days."
GO_ON = "Run the same command again to go on from there."


def run(arguments: argparse.Namespace, services: Services) -> None:
    """Swap, and say of every face what became of it. Raises FaceAppError when nothing can be swapped."""
    settings = services.swaps.settings(
        preset=arguments.preset or "", likeness=arguments.likeness, colour=arguments.colour,
        engine=arguments.engine,
    )  # fmt: skip
    choices = CastChoices(
        locks={face - 1: source - 1 for face, source in arguments.lock},
        leave=frozenset(number - 1 for number in arguments.leave),
        max_distance=arguments.max_distance,
        max_turn=arguments.max_turn,
        everyone=arguments.everyone,
        far=arguments.small_faces,
    )
    sources = read_photos(arguments.faces)
    swaps, jobs, into, out = services.swaps, services.jobs, arguments.into, arguments.out
    if os.path.isdir(into):
        if arguments.leave or arguments.lock:
            raise BadRequest("faces_of_many", "--leave and --lock go with one photo, not with a folder.")
        job = swaps.start_batch(sources, into, out, settings, choices)
        _tell_folder(finish(jobs, job, STOPPED_FOLDER, ""), arguments.json)
    elif _is_moving(into, out):
        job = swaps.start_video(sources, into, _place(out, f"{into.stem}.mp4"), settings, choices)
        _tell_video(_finished_video(jobs, job), arguments.json)
    else:
        (target,) = read_photos([into])
        place = _place(out, f"{into.stem}{written_suffix(into.suffix)}")
        job = swaps.start_photo(sources, target, place, settings, choices)
        _tell_photo(finish(jobs, job, STOPPED, ""), arguments.json)


def _is_moving(target: Path, out: Path) -> bool:
    """Whether a video is to come out; a GIF becomes one where the result has the name of a video."""
    return is_video(target) or (target.suffix.lower() == ".gif" and out.suffix.lower() in SUFFIXES)


def _place(out: Path, name: str) -> Path:
    """The file of the result: in a folder, one of that name."""
    return out / name if os.path.isdir(out) else out


def _finished_video(jobs: JobManager, job: Job) -> VideoReport:
    try:
        report: VideoReport = finish(jobs, job, STOPPED_VIDEO, GO_ON)
    except Cancelled as stopped:
        # The job says how far it was.
        raise jobs.get(job.id).error or stopped from None
    return report


def _tell_photo(report: SwapReport, as_document: bool) -> None:
    if as_document:
        output.document(wire.swap(report))
    else:
        _show(report)
    _remark(report)


def _tell_folder(report: BatchReport, as_document: bool) -> None:
    if as_document:
        output.document(wire.swaps(report))
        return
    for result in report.results:
        _show(result)
        _remark(result)
    for skipped in report.skipped:
        output.line(f"Skipped {skipped.path}: {skipped.reason}")
    photos = "1 photo" if len(report.results) == 1 else f"{len(report.results)} photos"
    output.line(f"{photos} in {report.out}, the most doubtful first; {len(report.skipped)} skipped.")


def _tell_video(report: VideoReport, as_document: bool) -> None:
    if as_document:
        output.document(wire.swapped_video(report))
    else:
        _show_video(report)
    _remark(report)


def _show_video(report: VideoReport) -> None:
    again = f", {report.resumed} from an earlier run" if report.resumed else ""
    output.line(f"{report.out}: {report.swapped} of {report.frames} frames swapped{again}")
    rows = [
        [
            f"{person.number + 1:4}",
            person.name or ("left" if person.source is None else f"source {person.source + 1}"),
            "" if person.distance is None else f"{person.distance:.3f}",
            f"{person.frames} frames",
            person.reason,
        ]
        for person in report.people
    ]
    if rows:
        output.table(rows, right=frozenset({0, 2, 3}))
    for suspect in report.suspects:
        output.line(f"Look at frames {suspect.first}-{suspect.last}: {suspect.sentence}")


def _show(report: SwapReport) -> None:
    output.line(f"{report.out}: {report.title}")
    rows = [_row(number, face) for number, face in enumerate(report.faces, start=1)]
    output.table(rows, right=frozenset({0, 2}))


def _row(number: int, face: FaceReport) -> list[str]:
    if face.card is None or face.source is None:
        return [f"{number:4}", "left", "", face.reason]
    distance = f"{face.distance:.3f}" if face.distance is not None else ""
    who = face.name or f"source {face.source + 1}"
    return [f"{number:4}", who, distance, " ".join(face.card.sentences)]


def _remark(report: SwapReport | VideoReport) -> None:
    for remark in report.remarks:
        output.remark(remark)
