"""Long work: how far it is, and the way to stop it."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from faceapp import wire
from faceapp.jobs import Job
from faceapp.rest.context import services
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
        "result": wire.enrolment(job.result) if isinstance(job.result, EnrolReport) else None,
    }


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
