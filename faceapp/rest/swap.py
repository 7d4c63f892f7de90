"""/create_mix, the address that the swap started from, and the files that jobs made.

Faces of some photos are put onto the most similar faces of a crowd photo; the boxes of the changed faces
and a title come back. Photos come as uploads, or as addresses that are in the list of allowed cameras.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from flask import Blueprint, Response, jsonify, request
from werkzeug.datastructures import FileStorage

from faceapp import wire
from faceapp.edit.cast import CastChoices
from faceapp.errors import BadRequest, Cancelled, Conflict, NotFound, StoreUnavailable, TooLarge
from faceapp.jobs import Job
from faceapp.pipeline.photos import decode_photo, photo_from_pixels
from faceapp.rest.classroom import allowed_camera
from faceapp.rest.context import context, services
from faceapp.services.classroom import Busy
from faceapp.tasks.morph import MorphReport
from faceapp.tasks.swap import SwapReport
from faceapp.types import Photo

SOURCES = ("me", "friend", "faces")
MOST_PHOTOS = 20
MOST_POINTS = 500
# Mixes that wait or run; each holds its photos in memory.
MOST_WAITING = 8
POLL_SECONDS = 0.2
TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
OTHER_TYPES = {".gif": "image/gif", ".apng": "image/apng", ".mp4": "video/mp4", ".tif": "image/tiff"}
# What else jobs make.
MORPH_TYPES = {".gif": "image/gif", ".apng": "image/apng", ".mp4": "video/mp4"}
TRUE, FALSE = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off", "none")

Fields = Mapping[str, Any]

blueprint = Blueprint("swap", __name__)


@blueprint.post("/create_mix")
def create_mix() -> tuple[Response, int]:
    """Put the faces of `me`, `friend` and `faces` into `crowd`: 202 with the job, 200 with `wait`."""
    fields = _fields()
    wait = _yes(fields, "wait") or _yes(request.args, "wait")
    settings = services().swaps.settings(
        preset=_text(fields, "preset"),
        likeness=_share(fields, "likeness"),
        colour=_text(fields, "colour") or None,
    )
    suffix = f".{_text(fields, 'format') or 'jpg'}"
    if suffix not in TYPES:
        raise BadRequest("bad_format", "“format” is jpg, png or webp.")
    if sum(job.kind == "swap" and not job.finished for job in services().jobs.all()) >= MOST_WAITING:
        raise Busy("swaps_busy", "Too many swaps are waiting.", "Try again in a moment.")
    with context().slots:
        sources, crowd = _photos(fields)
        choices = CastChoices(
            points=_points(fields, crowd),
            max_distance=_limit(fields, "max_distance", 2.0, 2.0),
            max_turn=_limit(fields, "max_turn", 180.0, 60.0),
            everyone=_yes(fields, "everyone"),
            far=_yes(fields, "small_faces"),
        )
        out = services().swaps.results.place(suffix)
        job = services().swaps.start_photo(sources, crowd, out, settings, choices)
    if not wait:
        return jsonify(answer(job)), 202
    return jsonify(answer(finished(job))), 200


@blueprint.get("/results/<job_id>")
def result(job_id: str) -> Response:
    """The file that a job made. 409 while it is not ready, 404 when it is gone."""
    job = services().jobs.get(job_id)
    if not job.finished:
        raise Conflict("not_ready", "The result is not ready yet.", f"Ask /jobs/{job_id} how far it is.")
    if job.error is not None:
        raise job.error
    place = _file(job)
    try:
        data = place.read_bytes() if place is not None else None
    except FileNotFoundError:
        data = None
    if place is None or data is None:
        raise NotFound("no_such_result", "There is no such result any more.", "Only the newest are kept.")
    return Response(data, mimetype={**TYPES, **MORPH_TYPES}.get(place.suffix, "application/octet-stream"))


def answer(job: Job) -> wire.Json:
    """What a client of /create_mix sees; the last four are null while the job is not done."""
    document = wire.swap(job.result) if isinstance(job.result, SwapReport) else {}
    return {
        "id": job.id,
        "state": job.state.value,
        "job": f"/jobs/{job.id}",
        "file": f"/results/{job.id}",
        **{name: document.get(name) for name in ("title", "boxes", "faces", "remarks")},
    }


def report(job: Job, found: SwapReport) -> wire.Json:
    """The report of a job; `out` is an address for a file that the port hands out."""
    document = wire.swap(found)
    return {**document, "out": f"/results/{job.id}"} if _file(job) is not None else document


def _file(job: Job) -> Path | None:
    """The kept file of a job. A file that the user saved elsewhere is not handed out."""
    place = Path(job.result.out) if isinstance(job.result, SwapReport | MorphReport) else None
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


# -- photos -------------------------------------------------------------------------------------


def _photos(fields: Fields) -> tuple[list[Photo], Photo]:
    """The source photos and the crowd. Raises BadRequest, TooLarge, Forbidden, and what a photo refuses."""
    given = {role: _given(fields, role) for role in (*SOURCES, "crowd")}
    if not any(given[role] for role in SOURCES):
        raise BadRequest("no_source", "Whose face is to be used is missing.", "Send it as “me” or “faces”.")
    if len(given["crowd"]) != 1:
        hint = "Send one photo, or one address, as “crowd”."
        raise BadRequest("no_crowd", "The photo that the faces go into is missing.", hint)
    if sum(map(len, given.values())) > MOST_PHOTOS:
        raise TooLarge("too_many_photos", f"More than {MOST_PHOTOS} photos were sent.", "Send fewer.")
    sources = [
        _turned(_photo(each, role), fields, "" if role == "faces" else f"{role}_")
        if role != "faces"
        else _photo(each, role)
        for role in SOURCES
        for each in given[role]
    ]
    return sources, _turned(_photo(given["crowd"][0], "crowd"), fields, "")


def _given(fields: Fields, role: str) -> list[FileStorage | str]:
    """The uploads and addresses of one role."""
    files: list[FileStorage | str] = [file for file in request.files.getlist(role) if file.filename]
    value = fields.get(role)
    values = value if isinstance(value, list) else [value] if value not in (None, "") else []
    if not all(isinstance(each, str) for each in values):
        raise BadRequest("bad_address", f"“{role}” must be an address.")
    return [*files, *(each for each in values if each)]


def _photo(given: FileStorage | str, role: str) -> Photo:
    """An upload's bytes, or a fresh picture of an allowed address."""
    if isinstance(given, str):
        return photo_from_pixels(services().classroom.look(allowed_camera(given)).image, role)
    return decode_photo(given.stream.read(), role)


def _turned(photo: Photo, fields: Fields, before: str) -> Photo:
    """The photo as the fields rotation, flip and crop want it, in this order.

    before: what the names of its fields begin with, "me_" or "friend_"; the crowd's have nothing before.
    """
    turns = _rotation(fields, f"{before}rotation")
    flip = _flip(fields, f"{before}flip")
    crop = _numbers(fields, f"{before}crop")
    if not turns and flip is None and not crop:
        return photo
    # Quarters clockwise, as a photo is turned in an album.
    image = np.rot90(photo.image, -turns)
    if flip is not None:
        image = np.flip(image, axis=flip)
    if crop:
        x1, y1, x2, y2 = _area(crop, image.shape[1], image.shape[0])
        image = image[y1:y2, x1:x2]
    changed = f"{photo.sha256} {turns} {flip} {crop}"
    digest = hashlib.sha256(changed.encode()).hexdigest()
    return Photo(np.ascontiguousarray(image), digest, name=photo.name)


def _area(crop: list[float], width: int, height: int) -> tuple[int, int, int, int]:
    """x1 y1 x2 y2 of x y w h, which are pixels, or shares where none is above 1."""
    if len(crop) != 4:
        raise BadRequest("bad_crop", "“crop” must be four numbers: x, y, width, height.")
    x, y, across, down = _pixels(crop, width, height)
    x1, y1 = max(0, round(x)), max(0, round(y))
    x2, y2 = min(width, round(x + across)), min(height, round(y + down))
    if x2 <= x1 or y2 <= y1:
        raise BadRequest("bad_crop", "“crop” leaves nothing of the photo.")
    return x1, y1, x2, y2


def _pixels(numbers: list[float], width: int, height: int) -> list[float]:
    """x y x y ... in pixels; numbers of which none is above 1 are shares of the photo."""
    if max(numbers) > 1:
        return numbers
    return [number * (height if place % 2 else width) for place, number in enumerate(numbers)]


# -- fields -------------------------------------------------------------------------------------


def _fields() -> Fields:
    """The fields of a form or a JSON object. Raises BadRequest."""
    if not request.is_json:
        faces = request.form.getlist("faces")
        return {**request.form.to_dict(), **({"faces": faces} if faces else {})}
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise BadRequest("bad_json", "The request is no JSON object.", 'Send {"me": ..., "crowd": ...}.')
    return found


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)


def _yes(fields: Fields, name: str) -> bool:
    text = _text(fields, name).lower()
    if text not in (*TRUE, *FALSE):
        raise BadRequest("bad_field", f"“{name}” is 1 or 0.")
    return text in TRUE


def _rotation(fields: Fields, name: str) -> int:
    """How many quarters clockwise."""
    text = _text(fields, name) or "0"
    if text not in ("0", "90", "180", "270"):
        raise BadRequest("bad_rotation", f"“{name}” is 0, 90, 180 or 270.")
    return int(text) // 90


def _flip(fields: Fields, name: str) -> int | None:
    """The axis that is mirrored: 1 for left and right, 0 for top and bottom."""
    text = _text(fields, name).lower()
    if text in FALSE:
        return None
    if text in ("vertical", "v"):
        return 0
    if text in (*TRUE, "horizontal", "h"):
        return 1
    raise BadRequest("bad_flip", f"“{name}” is 0, 1 (left and right) or “vertical”.")


def _share(fields: Fields, name: str) -> float | None:
    return _limit(fields, name, 1.0, 1.0) if _text(fields, name) else None


def _limit(fields: Fields, name: str, most: float, default: float) -> float:
    numbers = _numbers(fields, name) or [default]
    if len(numbers) != 1 or not 0 <= numbers[0] <= most:
        raise BadRequest("bad_field", f"“{name}” is a number from 0 to {most:g}.")
    return numbers[0]


def _points(fields: Fields, crowd: Photo) -> tuple[tuple[float, float], ...]:
    """The tapped points, in pixels of the crowd photo as it is after rotation, flip and crop."""
    numbers = _numbers(fields, "points")
    if len(numbers) % 2 or len(numbers) > 2 * MOST_POINTS:
        raise BadRequest("bad_points", "“points” must be pairs of numbers: x, y, x, y, ...")
    if not numbers:
        return ()
    pixels = _pixels(numbers, crowd.width, crowd.height)
    return tuple(zip(pixels[::2], pixels[1::2], strict=True))


def _numbers(fields: Fields, name: str) -> list[float]:
    """Numbers as JSON wants them, nested or not, or as "1,2,3" or "1,2;3,4". Raises BadRequest."""
    value = fields.get(name)
    if isinstance(value, str):
        words = value.strip().replace(";", ",")
        try:
            value = json.loads(words if words.startswith("[") else f"[{words}]")
        except (ValueError, RecursionError):
            value = [None]
    numbers: list[Any] = []
    for each in value if isinstance(value, list) else [] if value is None else [value]:
        numbers += each if isinstance(each, list) else [each]
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise BadRequest("bad_field", f"“{name}” must be numbers.")
    return [float(number) for number in numbers]
