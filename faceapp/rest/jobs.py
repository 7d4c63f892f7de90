"""Long work: how far it is, and the way to stop it."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from faceapp import wire
from faceapp.jobs import Job
from faceapp.rest import morph, swap
from faceapp.rest.context import services
from faceapp.tasks.morph import MorphReport
from faceapp.tasks.swap import BatchReport, SwapReport
from faceapp.tasks.swap_video import VideoReport
from faceapp.types import EnrolReport

blueprint = Blueprint("jobs", __name__)


def shape(job: Job) -> wire.Json:
    return {
        "id": job.id,
        "kind": job.kind,
        "title": job.title,
        "state": job.state.value,
        "done": job.done,
        "total": job.total,
        "message": job.message,
        "rate": job.rate,
        "seconds_left": job.seconds_left,
        "error": wire.error(job.error)["error"] if job.error else None,
        "result": _result(job),
    }


def _result(job: Job) -> wire.Json | None:
    """What came of it, where that is more than having been done."""
    if isinstance(job.result, EnrolReport):
        return wire.enrolment(job.result)
    if isinstance(job.result, SwapReport | VideoReport):
        return swap.report(job, job.result)
    if isinstance(job.result, MorphReport):
        return morph.report(job, job.result)
    if isinstance(job.result, BatchReport):
        return wire.swaps(job.result)
    return None


@blueprint.get("/jobs")
def all_jobs() -> Response:
    return jsonify([shape(job) for job in services().jobs.all()])


@blueprint.get("/jobs/<job_id>")
def get(job_id: str) -> Response:
    return jsonify(shape(services().jobs.get(job_id)))


@blueprint.delete("/jobs/<job_id>")
def cancel(job_id: str) -> tuple[Response, int]:
    """Ask it to stop; it may take a moment, so look at its state afterwards."""
    return jsonify(shape(services().jobs.cancel(job_id))), 202
