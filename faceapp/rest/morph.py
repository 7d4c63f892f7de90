"""/morph, the address that the morph started from.

After /upload and /retrieval it morphs the uploaded face with its lookalike; with photos in the request it
morphs those. The file is made by a job and fetched from /results/<id>.
"""

from __future__ import annotations

import math
from dataclasses import replace

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from faceapp import wire
from faceapp.errors import BadRequest, FaceAppError, NotFound, TooLarge
from faceapp.jobs import Job
from faceapp.pipeline.choice import no_face
from faceapp.pipeline.photos import decode_photo
from faceapp.rest.context import context, services
from faceapp.rest.refusals import said_twice
from faceapp.rest.results import check_photos, check_waiting, finished, result, started
from faceapp.rest.seeds import UPLOAD_COOKIE
from faceapp.rest.swap import FALSE, TRUE
from faceapp.rest.uploads import FIELDS, decoded, plain_name, uploaded_photo
from faceapp.services.morphs import MorphSettings, background
from faceapp.tasks.morph import PICTURES, STILLS, MorphReport
from faceapp.types import Face, Photo

FORMATS = ("mp4", "gif", "webp", "apng", "png", "jpg")
# A port is no workshop: larger files are for the command line.
MOST_PIXELS = 2_000 * 512 * 512

blueprint = Blueprint("morph", __name__)


blueprint.register_error_handler(FaceAppError, said_twice)
blueprint.register_error_handler(HTTPException, said_twice)


@blueprint.route("/morph", methods=["GET", "POST"])
def morph() -> tuple[Response, int] | Response:
    """Start a morph: 202 with the job. With `wait` it answers with the file."""
    if request.is_json:
        sentence = "This address takes its settings as fields of a form or of the address, not as JSON."
        raise BadRequest("form_wanted", sentence, "Send them like ?frames=40, or with the photos.")
    settings = _settings()
    wait = _yes("wait")
    average, route = _yes("average"), _text("latent")
    single = average or settings.frames == 1
    suffix = f".{_choice('format', FORMATS, 'png' if single else 'mp4')}"
    if single and suffix not in PICTURES:
        sentence = "“format” is png, jpg or webp for one picture."
        raise BadRequest("bad_format", sentence, "A sequence has two frames or more.")
    still = single or suffix in STILLS
    place = _real("place", -1, 2)
    if place is not None and (average or not still):
        sentence = "“place” goes with one picture between people."
        raise BadRequest("place_without_picture", sentence, "Ask for format=png, without average.")
    check_waiting("morph")
    with context().slots:
        photos, faces = _photos()
        morphs, out = services().morphs, services().swaps.results.place(suffix)
        if route:
            of_all = replace(settings, frames=1) if average else settings
            job = morphs.start_latent(photos, out, route, of_all, faces, place=place)
        elif average:
            job = morphs.start_average(photos, out, settings, faces)
        elif still:
            job = morphs.start_picture(photos, out, settings, faces, place=place)
        else:
            job = morphs.start_sequence(photos, out, settings, faces)
    if not wait:
        return jsonify(answer(job)), 202
    return result(finished(job).id)


@blueprint.post("/between")
def between() -> Response:
    """The pairs of enrolled people that the face of the upload is most likely a mixture of."""
    with uploaded_photo() as photo:
        found = services().morphs.between(photo, _number("top", 5, 1, 50))
    return jsonify(wire.between(found))


def answer(job: Job) -> wire.Json:
    """What a client of /morph sees; the report is null while the job is not done."""
    return {
        **started(job),
        "report": report(job, job.result) if isinstance(job.result, MorphReport) else None,
    }


def report(job: Job, found: MorphReport) -> wire.Json:
    """The report of a job; `out` is the address of the file."""
    return {**wire.morph(found), "out": f"/results/{job.id}"}


# -- photos -------------------------------------------------------------------------------------


def _photos() -> tuple[list[Photo], list[int | None]]:
    """The photos of the request, or the uploaded one and its lookalike; and which face of each is meant."""
    files = [file for field in FIELDS for file in request.files.getlist(field) if file.filename]
    check_photos(len(files))
    if files:
        photos = [
            decoded(file, plain_name(file), plain_name(file) or f"photo {number}")
            for number, file in enumerate(files, start=1)
        ]
        if len(photos) > 1 or _yes("average"):
            return photos, [None] * len(photos)
        photo = photos[0]
        faces = services().morphs.read(photo)
        if not faces:
            raise no_face()
        index, face = 0, faces[0].face
    else:
        photo, face = _uploaded()
        found = [one.face.box.overlap(face.box) for one in services().morphs.read(photo)]
        if not found:
            raise no_face()
        index = found.index(max(found))
    matches = services().recognition.search(face, top=1).matches
    if not matches:
        raise NotFound("empty_library", "Nobody is enrolled yet.", "Add people first, or send two photos.")
    other, place = services().morphs.enrolled(matches[0].face_id)
    return [photo, other], [index, place]


def _uploaded() -> tuple[Photo, Face]:
    """The photo of /upload: by ?id=, else by this client's cookie, else the newest one."""
    uploads = context().uploads
    upload_id = _text("id") or request.cookies.get(UPLOAD_COOKIE) or uploads.newest_id()
    face, file = uploads.get(upload_id), uploads.file(upload_id)
    if face is None:
        raise NotFound("no_upload", "There is no such upload.", "Send the photo to /upload first.")
    if file is None:
        raise NotFound("upload_gone", "The uploaded photo is no longer kept.", "Send it to /upload again.")
    return decode_photo(*file), face


# -- fields -------------------------------------------------------------------------------------


def _settings() -> MorphSettings:
    frames = _number("frames", 60, 1, 2000)
    size = _number("size", 512, 64, 2048)
    if frames * size * size > MOST_PIXELS:
        raise TooLarge("too_many_pixels", "So many frames of that size are too much.", "Ask for fewer.")
    return MorphSettings(
        size=size,
        frames=frames,
        seconds=_real("seconds", 0.01, 600) or frames / 15,
        shape=_real("shape", -1, 2),
        colour=_real("colour", -1, 2),
        detail=_real("detail", -1, 2),
        ease=_yes("ease"),
        ping_pong=_yes("ping_pong"),
        loop=_yes("loop"),
        even=not _yes("plain_pace"),
        background=background(_text("background") or "dissolve"),
        symmetry=_real("symmetry", 0, 1) or 0.0,
    )


def _text(name: str) -> str:
    return request.values.get(name, "").strip()


def _yes(name: str) -> bool:
    text = _text(name).lower()
    if text not in (*TRUE, *FALSE):
        raise BadRequest("bad_field", f"“{name}” is 1 or 0.")
    return text in TRUE


def _choice(name: str, choices: tuple[str, ...], default: str) -> str:
    text = _text(name).lower() or default
    if text not in choices:
        raise BadRequest(f"bad_{name}", f"“{name}” is one of {', '.join(choices)}.")
    return text


def _number(name: str, default: int, least: int, most: int) -> int:
    text = _text(name) or str(default)
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else -1
    if not least <= number <= most:
        raise BadRequest(f"bad_{name}", f"“{name}” must be a number from {least} to {most}.")
    return number


def _real(name: str, least: float, most: float) -> float | None:
    text = _text(name)
    try:
        number = float(text) if text else None
    except ValueError:
        number = math.nan
    if number is not None and not least <= number <= most:
        raise BadRequest(f"bad_{name}", f"“{name}” must be a number from {least:g} to {most:g}.")
    return number
