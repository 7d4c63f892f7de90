"""The addresses that the program started from: /is_alive, /add, /search, /upload, /retrieval.

Their fields, messages and status codes follow the documents they were described in. A refusal has the same
envelope as everywhere, and its sentence once more as "message", which is where those clients look.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from faceapp import __version__, wire
from faceapp.errors import BadRequest, FaceAppError, NotFound, UnusableFace
from faceapp.pipeline.choice import no_face, subject
from faceapp.rest.context import context, services
from faceapp.rest.people import image_url
from faceapp.rest.refusals import said_twice
from faceapp.rest.uploads import uploaded_photo
from faceapp.types import Face, Match, PersonName

UNKNOWN = "Image Unknown"
SEVERAL = "Found More Known Faces"
CLEAR_PICTURE = "Upload a clear picture of a person with the face looking at the camera."
UPLOAD_COOKIE = "faceapp_upload"

blueprint = Blueprint("seeds", __name__)


blueprint.register_error_handler(FaceAppError, said_twice)
blueprint.register_error_handler(HTTPException, said_twice)


@blueprint.get("/is_alive")
def is_alive() -> Response:
    return jsonify({"alive": True, "version": __version__})


@blueprint.post("/add")
def add() -> tuple[Response, int]:
    """Enrol the face of an upload. Fields: files, first_name, sur_name; face and anyway if need be."""
    name = _name()
    face = _face_number()
    with uploaded_photo(by_extension=True) as photo:
        try:
            enrolled = services().enrolment.enrol(photo, name, face, anyway="anyway" in request.form)
        except UnusableFace as error:
            if error.code != no_face().code:
                raise
            raise UnusableFace(error.code, error.sentence, CLEAR_PICTURE) from error
    remarks = (refusal.sentence for refusal in enrolled.overruled)
    answer = {
        "image_id": enrolled.face.id,
        "image_url": image_url(enrolled.face.id),
        "person": wire.person(enrolled.person),
        "message": " ".join((f"{enrolled.person.name} was added.", *remarks)),
    }
    return jsonify(answer), 202


@blueprint.post("/search")
def search() -> Response:
    """Who is on the upload: one known person with their image, several, or nobody."""
    with uploaded_photo(by_extension=True) as photo:
        faces = services().recognition.recognise(photo)
    known = {face.person.person.id: face.person for face in faces if face.person}
    if len(known) > 1:
        names = [match.person.name for match in known.values()]
        return jsonify({"message": SEVERAL, "names": names, "image_url": "/images/several"})
    if known:
        return jsonify(_found(next(iter(known.values()))))
    hint = "" if faces else f"{no_face().sentence} {CLEAR_PICTURE}"
    return jsonify({"message": UNKNOWN, "faces": len(faces), "hint": hint})


@blueprint.post("/upload")
def upload() -> tuple[Response, int]:
    """Keep the face of an upload for /retrieval. The id says which upload is meant; a cookie has it too."""
    with uploaded_photo(by_extension=True) as photo:
        faces = services().analyser.faces(photo.image)
        if not faces:
            raise no_face()
        face = faces[subject(faces, photo.width, photo.height)[0]]
    upload_id = context().uploads.add(face, photo.data or b"", photo.name)
    answer = jsonify({"id": upload_id, "file": photo.name, "retrieval": f"/retrieval?id={upload_id}"})
    answer.set_cookie(UPLOAD_COOKIE, upload_id, httponly=True, samesite="Strict")
    return answer, 201


@blueprint.get("/retrieval")
def retrieval() -> Response:
    """The enrolled person who looks most like the uploaded face."""
    matches = services().recognition.search(_uploaded_face(), top=1).matches
    if not matches:
        raise NotFound("empty_library", "Nobody is enrolled yet.", "Add people first.")
    best = matches[0]
    return jsonify({"path_to_file": image_url(best.face_id), **_found(best)})


def _uploaded_face() -> Face:
    """By ?id=, else by this client's cookie, else (a client without either) the newest upload."""
    upload_id = request.args.get("id") or request.cookies.get(UPLOAD_COOKIE)
    uploads = context().uploads
    face = uploads.get(upload_id) if upload_id else uploads.newest()
    if face is None:
        raise NotFound("no_upload", "There is no such upload.", "Send the photo to /upload first.")
    return face


def _found(match: Match) -> wire.Json:
    return {
        "name": match.person.name,
        "image_url": image_url(match.face_id),
        "person": wire.person(match.person),
        "distance": round(match.distance, wire.DISTANCE_DIGITS),
        "percentile": round(match.percentile, wire.PERCENTILE_DIGITS),
    }


def _name() -> PersonName:
    first = request.form.get("first_name", "").strip()
    if not first:
        raise BadRequest("no_name", "The name is missing.", "Send it in the fields first_name and sur_name.")
    return PersonName(first, request.form.get("sur_name", "").strip(), request.form.get("note", "").strip())


def _face_number() -> int | None:
    """The index of the face that the field "face" names, which counts from 1."""
    text = request.form.get("face", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text[:9]) >= 1 and len(text) < 10):
        raise BadRequest("bad_face", "“face” must be a number from 1.")
    return int(text) - 1
