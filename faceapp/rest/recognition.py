"""Who is on a photo, and whom its faces resemble."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from faceapp import wire
from faceapp.errors import BadRequest
from faceapp.rest.context import services
from faceapp.rest.people import image_url
from faceapp.rest.uploads import uploaded_photo

MOST_MATCHES = 1000

blueprint = Blueprint("recognition", __name__)


@blueprint.post("/lookalike")
def lookalike() -> Response:
    top = _top()
    with uploaded_photo() as photo:
        faces = services().recognition.lookalikes(photo, top)
    return jsonify(wire.lookalikes(faces, photo=lambda match: image_url(match.face_id)))


@blueprint.post("/recognise")
def recognise() -> Response:
    """The same list as the command line's, with the one photo of the request."""
    with uploaded_photo() as photo:
        faces = services().recognition.recognise(photo)
    return jsonify([wire.recognised(photo.name, faces)])


def _top() -> int:
    text = request.values.get("top", "")
    if not text:
        return services().settings.current.top
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_MATCHES):
        raise BadRequest("bad_top", f"“top” must be a number from 1 to {MOST_MATCHES}.")
    return int(text)
