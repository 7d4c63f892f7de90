"""The addresses of the classroom system: /modelfr, /modelin, /modelat on the picture of an allowed camera.

Fields and shapes follow the document they were described in; there `id` is what a person is enrolled as,
which here is the name. What is refused has a status and a sentence instead of an empty list.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from flask import Blueprint, Response, jsonify, request

from faceapp import wire
from faceapp.errors import BadRequest
from faceapp.live import Camera
from faceapp.rest.context import context, services
from faceapp.types import Face, Floats, Match

NUMBERS = 10
LANDMARK_LENGTH = 1000
# Far outside of any picture, and well inside of what a float32 holds.
LARGEST = 1e6

blueprint = Blueprint("classroom", __name__)


def allowed_camera(text: str) -> Camera:
    """The camera of an address, or of a name. Raises BadRequest for none, Forbidden for another."""
    if not text.strip():
        raise BadRequest("no_camera", "The camera is missing.", "Send its address as ?ip=http://...")
    return services().cameras.allowed(text)


@blueprint.get("/modelfr")
def where() -> Response:
    """Where the faces are: {"box": [{"x1", "y1", "x2", "y2", "landmarks"}]}, the biggest first."""
    look = services().classroom.look(allowed_camera(request.args.get("ip", "")))
    with context().slots:
        faces = services().classroom.faces(look)
    faces_by_size = sorted(faces, key=lambda face: face.box.width * face.box.height, reverse=True)
    return jsonify({"box": [_box(face) for face in faces_by_size]})


@blueprint.get("/modelin")
def who() -> Response:
    """Who has the face with these landmarks: {"id": [name]}, empty for a stranger or nobody."""
    landmarks = _landmarks(request.args.get("landmark", ""))
    look = services().classroom.look(allowed_camera(request.args.get("ip", "")))
    with context().slots:
        match = services().classroom.who(look, landmarks)
    return jsonify(_people([match] if match else []))


@blueprint.get("/modelat")
def attend() -> Response:
    """Everybody known in the picture, left to right: {"id": [name, ...]}. Kept for the attendance."""
    look = services().classroom.look(allowed_camera(request.args.get("ip", "")))
    with context().slots:
        matches = services().classroom.attend(look)
    return jsonify(_people(matches))


def _people(matches: list[Match]) -> wire.Json:
    return {
        "id": [match.person.name for match in matches],
        "people": [
            {
                "id": match.person.id,
                "name": match.person.name,
                "distance": round(match.distance, wire.DISTANCE_DIGITS),
            }
            for match in matches
        ],
    }


def _box(face: Face) -> wire.Json:
    """landmarks: x y of the left eye, right eye, nose, left and right corner of the mouth."""
    corners = dict(zip(("x1", "y1", "x2", "y2"), face.box.as_list(), strict=True))
    return {**corners, "landmarks": [round(float(value), 1) for value in face.landmarks.ravel()]}


def _landmarks(text: str) -> Floats:
    """(5, 2) from "[x, y, ...]", "[[x, y], ...]" or "x,y,...". Raises BadRequest."""
    words = text.strip()
    try:
        values = json.loads(words if words.startswith("[") else f"[{words}]")
    except (ValueError, RecursionError):
        values = []
    numbers = _flat(values)
    good = [type(value) in (int, float) and abs(value) <= LARGEST for value in numbers]
    if len(words) > LANDMARK_LENGTH or len(numbers) != NUMBERS or not all(good):
        raise BadRequest(
            "bad_landmarks", "“landmark” must be the ten numbers of a face.", "Take them from /modelfr."
        )
    return np.array(numbers, np.float32).reshape(-1, 2)


def _flat(values: list[Any]) -> list[Any]:
    """[[x, y], ...] as [x, y, ...]."""
    flat: list[Any] = []
    for value in values:
        flat += value if isinstance(value, list) else [value]
    return flat
