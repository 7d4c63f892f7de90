"""The Flask app: blueprints, limits, and what goes with every request and every answer."""

from __future__ import annotations

import re
import uuid

from flask import Flask, Response, g, request

from faceapp.config import MEGABYTE
from faceapp.rest import (
    classroom,
    context,
    guard,
    jobs,
    live,
    morph,
    people,
    recognisers,
    recognition,
    refusals,
    results,
    seeds,
    sightings,
    swap,
)
from faceapp.services import Services

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def create_app(services: Services) -> Flask:
    """A WSGI app on these services. Every answer is JSON or a JPEG; every refusal has the one envelope."""
    app = Flask("faceapp.rest", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's own provider has it
    context.install(app, services)
    app.before_request(_name_request)
    app.before_request(guard.check_caller)
    app.before_request(_limit_upload)
    app.after_request(_finish)
    refusals.install(app)
    for area in (
        seeds, recognition, people, jobs, results, classroom, live, sightings, swap, morph, recognisers
    ):  # fmt: skip
        app.register_blueprint(area.blueprint)
    return app


def _name_request() -> None:
    """Every request has an id: the caller's own, when it is a plain word, or a new one."""
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex[:12]


def _limit_upload() -> None:
    # Read at every request: the setting may change while the port is open.
    request.max_content_length = context.services().settings.current.upload_limit_mb * MEGABYTE


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
