"""/results: the files that jobs made. And what the addresses that start such jobs have in common."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, send_file

from faceapp import wire
from faceapp.config import MEGABYTE
from faceapp.errors import Cancelled, Conflict, NotFound, StoreUnavailable, TooLarge
from faceapp.jobs import Job
from faceapp.rest.context import context, services
from faceapp.services.classroom import Busy
from faceapp.tasks.morph import MorphReport
from faceapp.tasks.swap import SwapReport
from faceapp.tasks.swap_video import VideoReport

MOST_PHOTOS = 20
# Jobs of one kind that wait or run; each holds its photos in memory.
MOST_WAITING = 8
# Larger files are read while they are sent.
LARGE = 8 * MEGABYTE
POLL_SECONDS = 0.2
TYPES = {
    ".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".gif": "image/gif",
    ".apng": "image/apng", ".mp4": "video/mp4", ".mkv": "video/x-matroska",
}  # fmt: skip

blueprint = Blueprint("results", __name__)


@blueprint.get("/results/<job_id>")
def result(job_id: str) -> Response:
    """The file that a job made. 409 while it is not ready, 404 when it is gone."""
    job = services().jobs.get(job_id)
    if not job.finished:
        raise Conflict("not_ready", "The result is not ready yet.", f"Ask /jobs/{job_id} how far it is.")
    if job.error is not None:
        raise job.error
    place = kept(job)
    try:
        if place is not None:
            return _sent(place)
    except FileNotFoundError:
        pass
    raise NotFound("no_such_result", "There is no such result any more.", "Only the newest are kept.")


def _sent(place: Path) -> Response:
    """The file; a large one not read into memory, and in parts for who asks. Raises FileNotFoundError."""
    mimetype = TYPES.get(place.suffix, "application/octet-stream")
    if place.stat().st_size > LARGE:
        return send_file(place.absolute(), mimetype, conditional=True)
    return Response(place.read_bytes(), mimetype=mimetype)


def kept(job: Job) -> Path | None:
    """The kept file of a job. A file that the user saved elsewhere is not handed out."""
    made = isinstance(job.result, SwapReport | MorphReport | VideoReport)
    place = Path(job.result.out) if made else None
    return place if place is not None and services().swaps.results.holds(place) else None


def finished(job: Job) -> Job:
    """Wait for it, as long as the port is open. Raises what went wrong."""
    while not job.finished:
        job = services().jobs.wait(job.id, POLL_SECONDS)
        if context().closing.is_set() and not job.finished:
            services().jobs.cancel(job.id)
            raise StoreUnavailable("closing", "The port is closing.", "Start it again.")
    if isinstance(job.error, Cancelled):
        raise Conflict("cancelled", "The job was cancelled.")
    if job.error is not None:
        raise job.error
    return job


def started(job: Job) -> wire.Json:
    """What a client sees of a job that it started, whatever the job makes."""
    return {"id": job.id, "state": job.state.value, "job": f"/jobs/{job.id}", "file": f"/results/{job.id}"}


def check_waiting(kind: str) -> None:
    """Raise Busy when too many jobs of that kind, "swap" or "morph", wait or run."""
    if sum(job.kind == kind and not job.finished for job in services().jobs.all()) >= MOST_WAITING:
        raise Busy(f"{kind}s_busy", f"Too many {kind}s are waiting.", "Try again in a moment.")


def check_photos(count: int) -> None:
    """Raise TooLarge for more photos than one request may have."""
    if count > MOST_PHOTOS:
        raise TooLarge("too_many_photos", f"More than {MOST_PHOTOS} photos were sent.", "Send fewer.")
