"""/create_mix, the address that the swap started from.

Faces of some photos are put onto the most similar faces of a crowd photo; the boxes of the changed faces
and a title come back. Photos come as uploads, or as addresses that are in the list of allowed cameras. The
crowd may also be a video that is uploaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from flask import Blueprint, Response, jsonify, request
from werkzeug.datastructures import FileStorage
from werkzeug.utils import secure_filename

from faceapp import wire
from faceapp.edit.cast import CastChoices
from faceapp.edit.results import not_written
from faceapp.errors import (
    BadRequest,
    FaceAppError,
    TooLarge,
    UnusablePhoto,
)
from faceapp.jobs import Job
from faceapp.pipeline.kinds import other_kind, picture_kind
from faceapp.pipeline.photos import photo_from_pixels
from faceapp.rest.classroom import allowed_camera
from faceapp.rest.context import context, services
from faceapp.rest.results import check_photos, check_waiting, finished, kept, started
from faceapp.rest.uploads import NAME_LENGTH, decoded
from faceapp.stream.sources import SourceLost
from faceapp.tasks.swap import SwapReport
from faceapp.tasks.swap_video import VideoReport
from faceapp.types import Photo

if TYPE_CHECKING:
    from faceapp.edit.frames import Clip
    from faceapp.edit.swap import SwapSettings

SOURCES = ("me", "friend", "faces")
MOST_POINTS = 500
# No photo has a side of so many pixels.
LARGEST_NUMBER = 1_000_000
# Of a video, as its head describes it.
MOST_SECONDS, MOST_PIXELS = 600, 3840 * 2160
HEAD_BYTES = 4096
PHOTOS, VIDEOS = (".jpg", ".png", ".webp"), (".mp4", ".mkv")
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
    check_waiting("swap")
    with context().slots:
        given = _all_given(fields)
        (crowd,) = given.pop("crowd")
        sources = _sources(fields, given)
        if isinstance(crowd, FileStorage) and _is_video(crowd):
            job = _start_video(fields, sources, crowd, settings)
        else:
            job = _start_photo(fields, sources, crowd, settings)
    if not wait:
        return jsonify(answer(job)), 202
    return jsonify(answer(finished(job))), 200


def _start_photo(
    fields: Fields, sources: list[Photo], given: FileStorage | str, settings: SwapSettings
) -> Job:
    suffix = _suffix(fields, PHOTOS)
    crowd = _turned(_photo(given, "crowd"), fields, "")
    choices = _choices(fields, crowd.width, crowd.height)
    out = services().swaps.results.place(suffix)
    return services().swaps.start_photo(sources, crowd, out, settings, choices)


def _start_video(
    fields: Fields, sources: list[Photo], given: FileStorage, settings: SwapSettings
) -> Job:
    """The video is kept while the job runs. Raises BadRequest, TooLarge, UnusablePhoto, StoreUnavailable."""
    suffix = _suffix(fields, VIDEOS)
    if any(_text(fields, name) for name in ("rotation", "flip", "crop")):
        sentence = "“rotation”, “flip” and “crop” are for photos: a video stays as it is."
        raise BadRequest("photo_only", sentence, "Leave them out.")
    results, swaps = services().swaps.results, services().swaps
    place = results.place(f"-{secure_filename(given.filename or '')[-NAME_LENGTH:] or 'crowd'}")
    try:
        given.save(place)
        clip = swaps.videos.open(place)
        _check_clip(clip)
        choices = _choices(fields, clip.width, clip.height)
        job = swaps.start_video(sources, place, results.place(suffix), settings, choices)
    except FaceAppError as error:
        place.unlink(missing_ok=True)
        if isinstance(error, SourceLost):
            raise UnusablePhoto(error.code, error.sentence, error.hint) from error
        raise
    except OSError as error:
        place.unlink(missing_ok=True)
        raise not_written(place, error) from error
    _remove_after(job, place)
    return job


def _check_clip(clip: Clip) -> None:
    """A port is no workshop: longer and larger videos are for the window and the command line."""
    seconds = clip.frames / clip.fps
    if seconds > MOST_SECONDS or clip.width * clip.height > MOST_PIXELS:
        sentence = f"The video has {clip.width}x{clip.height} pixels and {seconds:.0f} seconds."
        hint = f"At most {MOST_SECONDS} seconds and 3840x2160 pixels are taken. The window takes any."
        raise TooLarge("video_too_large", sentence, hint)


def _remove_after(job: Job, place: Path) -> None:
    """Remove an upload when its job has ended, however it does."""

    def listen(changed: Job) -> None:
        if changed.id == job.id and changed.finished:
            leave()
            with contextlib.suppress(OSError):  # the program's end removes what is still open
                place.unlink(missing_ok=True)

    leave = services().jobs.subscribe(listen)
    listen(services().jobs.get(job.id))


def answer(job: Job) -> wire.Json:
    """What a client of /create_mix sees; what the job made is null while it is not done."""
    document = report(job, job.result) if isinstance(job.result, SwapReport | VideoReport) else {}
    return {
        **started(job),
        **{name: document.get(name) for name in ("title", "boxes", "faces", "remarks")},
        "video": document if isinstance(job.result, VideoReport) else None,
    }


def report(job: Job, found: SwapReport | VideoReport) -> wire.Json:
    """The report of a job; `out` is an address for a file that the port hands out, and `target` no path."""
    if isinstance(found, SwapReport):
        document = wire.swap(found)
    else:
        title = f"{found.swapped} of {found.frames} frames swapped"
        document = {"title": title, **wire.swapped_video(found)}
    if kept(job) is None:
        return document
    return {**document, "out": f"/results/{job.id}", "target": "crowd"}


# -- photos -------------------------------------------------------------------------------------


def _all_given(fields: Fields) -> dict[str, list[FileStorage | str]]:
    """The uploads and addresses of every role. Raises BadRequest, TooLarge."""
    given = {role: _given(fields, role) for role in (*SOURCES, "crowd")}
    if not any(given[role] for role in SOURCES):
        raise BadRequest("no_source", "Whose face is to be used is missing.", "Send it as “me” or “faces”.")
    if len(given["crowd"]) != 1:
        hint = "Send one photo, one video, or one address, as “crowd”."
        sentence = "The photo that the faces go into is missing."
        if given["crowd"]:
            sentence = f"There are {len(given['crowd'])} photos that the faces are to go into."
        raise BadRequest("no_crowd", sentence, hint)
    check_photos(sum(map(len, given.values())))
    return given


def _sources(fields: Fields, given: Mapping[str, list[FileStorage | str]]) -> list[Photo]:
    """The photos of the faces to use. Raises BadRequest, Forbidden, and what a photo refuses."""
    return [
        _turned(_photo(each, role), fields, "" if role == "faces" else f"{role}_")
        if role != "faces"
        else _photo(each, role)
        for role in SOURCES
        for each in given[role]
    ]


def _is_video(file: FileStorage) -> bool:
    """By its first bytes alone: a list of other files or addresses, whatever its name, is never opened."""
    head = file.stream.read(HEAD_BYTES)
    file.stream.seek(0)
    return not picture_kind(head) and "video" in other_kind(head)


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
    return decoded(given, role, role)


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
    # Its bytes stay those of the upload: they tell what the result has not.
    return replace(photo, image=np.ascontiguousarray(image), sha256=digest)


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


def _suffix(fields: Fields, known: Sequence[str]) -> str:
    """The ending of the result's file; the first one where none is asked for."""
    suffix = f".{_text(fields, 'format').lower()}" if _text(fields, "format") else known[0]
    if suffix not in known:
        *first, last = (ending[1:] for ending in known)
        raise BadRequest("bad_format", f"“format” is {', '.join(first)} or {last} here.")
    return suffix


def _choices(fields: Fields, width: int, height: int) -> CastChoices:
    """Who goes where, for a crowd of that size."""
    return CastChoices(
        points=_points(fields, width, height),
        max_distance=_limit(fields, "max_distance", 2.0, 2.0),
        max_turn=_limit(fields, "max_turn", 180.0, 60.0),
        everyone=_yes(fields, "everyone"),
        far=_yes(fields, "small_faces"),
    )


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


def _points(fields: Fields, width: int, height: int) -> tuple[tuple[float, float], ...]:
    """The tapped points, in pixels of the crowd as it is after rotation, flip and crop."""
    numbers = _numbers(fields, "points")
    if len(numbers) % 2 or len(numbers) > 2 * MOST_POINTS:
        raise BadRequest("bad_points", "“points” must be pairs of numbers: x, y, x, y, ...")
    if not numbers:
        return ()
    pixels = _pixels(numbers, width, height)
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
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise BadRequest("bad_field", f"“{name}” must be numbers.")
        # Also what is no number or infinite; a whole number may be longer than any float.
        if not -LARGEST_NUMBER <= number <= LARGEST_NUMBER:
            raise BadRequest("bad_field", f"“{name}” must be numbers, none of them beyond a million.")
    return [float(number) for number in numbers]
