"""The addresses of the builder: /build_recognizer, /is_available, /recognizers.

Fields follow the document they were described in: photos come as `images`, named for the people on them, and
`status` is 0 when there is no error. What is refused has the usual envelope and its HTTP status as well.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request, send_file
from werkzeug.exceptions import HTTPException

from faceapp import wire
from faceapp.build.upload import Upload
from faceapp.build.workspace import Budget
from faceapp.errors import BadRequest, FaceAppError, NotFound
from faceapp.rest.context import context, services
from faceapp.rest.refusals import twice
from faceapp.rest.uploads import uploaded_photo
from faceapp.services.recognisers import DEFAULT_BUDGET, Entry, NamedFace

FIELDS = ("images", "images[]", "files", "file")
MOST_PARTS = 6000
MOST_CANDIDATES = 2000
MOST_SECONDS = 24 * 3600
LARGEST_SEED = 2**31 - 1
LONGEST_NAME = 100
TRUE, FALSE = ("", "1", "true", "yes", "on"), ("0", "false", "no", "off")

blueprint = Blueprint("recognisers", __name__)


@blueprint.post("/build_recognizer")
def build() -> tuple[Response, int]:
    """Start a build from photos: 202 {"status": 0, "id"}. optimize=0 takes one sensible network instead of
    searching; `candidates` or `seconds` is the budget, `seed` a number, `name` what to call it."""
    try:
        budget, seed = _budget(), _whole("seed", 0, 0, LARGEST_SEED)
        request.max_form_parts = MOST_PARTS
        # They lie in memory until they are written: as many at a time as photos.
        with context().slots:
            files = [
                Upload(file.filename, file.stream.read())
                for field in FIELDS
                for file in request.files.getlist(field)
                if file.filename
            ]
            name = request.form.get("name", "")[:LONGEST_NAME]
            entry = services().recognisers.start_upload(files, name, budget, seed)
    except (FaceAppError, HTTPException) as error:
        document, status = twice(error)
        return jsonify({"status": 1, "id": None, **document}), status
    return jsonify({"status": 0, "id": entry.id, "job": f"/jobs/{entry.job_id}"}), 202


@blueprint.get("/is_available")
def is_available() -> tuple[Response, int]:
    """{"available": 0|1} with how far it is. Without ?id= the newest is meant. A build that failed answers
    with the status of its error."""
    build_id = request.args.get("id", "")
    entry = services().recognisers.get(build_id) if build_id else _newest()
    status = entry.error.status if entry.state == "failed" and entry.error else 200
    return jsonify({"available": int(entry.available), **shape(entry)}), status


@blueprint.get("/recognizers")
def all_recognisers() -> Response:
    return jsonify([shape(entry) for entry in services().recognisers.all()])


@blueprint.get("/recognizers/<build_id>")
def download(build_id: str) -> Response:
    """The zip: card, Keras, ONNX. 404 while it is not built."""
    path = services().recognisers.file(build_id)
    return send_file(
        path.resolve(), mimetype="application/zip", as_attachment=True, download_name=f"{build_id}.zip"
    )


@blueprint.get("/recognizers/<build_id>/card")
def card(build_id: str) -> Response:
    """Whom it knows and how well it does beside the plain methods."""
    entry = services().recognisers.get(build_id)
    if entry.card is None:
        raise NotFound("not_built", "This recogniser is not built yet.", "Ask /is_available how far it is.")
    return jsonify({**shape(entry), **entry.card.summary()})


@blueprint.delete("/recognizers/<build_id>")
def delete(build_id: str) -> tuple[Response, int]:
    """Delete it; a build that runs is stopped instead, and keeps the best so far."""
    recognisers = services().recognisers
    if recognisers.get(build_id).state in ("waiting", "building"):
        return jsonify(shape(recognisers.cancel(build_id))), 202
    recognisers.delete(build_id)
    return jsonify({"deleted": build_id}), 200


@blueprint.post("/recognizers/<build_id>/predict")
def predict(build_id: str) -> Response:
    """Who is on the photo of the request, by this recogniser: {"faces": [{"box", "person", "people"}]}."""
    services().recognisers.file(build_id)
    with uploaded_photo() as photo:
        faces = services().recognisers.predict(build_id, photo)
    return jsonify({"photo": photo.name, "faces": [_face(face) for face in faces]})


@blueprint.post("/recognizers/<build_id>/use")
def use(build_id: str) -> Response:
    """Recognise with it from now on, everywhere; `none` for nearest neighbour again."""
    services().recognisers.use("" if build_id == "none" else build_id)
    return jsonify({"using": services().settings.current.recogniser or None})


@blueprint.get("/recognizers/<build_id>/compare")
def compare(build_id: str) -> Response:
    """This recogniser beside ?with=, on the photos that this one held back."""
    other = request.args.get("with", "")
    found = services().recognisers.compare(build_id, other)
    return jsonify(
        {
            "photos": found.photos,
            "strangers": found.strangers,
            "recognizers": [
                {
                    "id": one.entry.id,
                    "name": one.entry.name,
                    "accuracy": one.accuracy,
                    "known_right": one.known_right,
                    "strangers_refused": one.strangers_refused,
                }
                for one in (found.one, found.other)
            ],
        }
    )


def shape(entry: Entry) -> wire.Json:
    return {
        "id": entry.id,
        "name": entry.name,
        "created": entry.created,
        "state": entry.state,
        "done": entry.done,
        "total": entry.total,
        # The last step of a build says nothing about one that is ready.
        "message": "" if entry.state == "ready" else entry.message,
        "verdict": entry.card.verdict if entry.card else None,
        "error": wire.error(entry.error)["error"] if entry.error else None,
    }


def _face(named: NamedFace) -> wire.Json:
    return {
        "box": named.face.box.as_list(),
        "person": named.name,
        "people": [
            {
                "person": guess.known.name,
                "score": round(guess.score, wire.DISTANCE_DIGITS),
                "confidence": round(guess.confidence, wire.DISTANCE_DIGITS),
            }
            for guess in named.guesses
        ],
    }


def _newest() -> Entry:
    entries = services().recognisers.all()
    if not entries:
        hint = "Send photos to /build_recognizer."
        raise NotFound("no_such_recogniser", "No recogniser was built yet.", hint)
    return entries[0]


def _budget() -> Budget:
    word = request.form.get("optimize", request.args.get("optimize", "1")).strip().lower()
    if word not in TRUE + FALSE:
        raise BadRequest("bad_optimize", "“optimize” is 0 or 1.")
    if word in FALSE:
        return Budget(1)
    if request.values.get("seconds"):
        return Budget(seconds=float(_whole("seconds", 60, 5, MOST_SECONDS)))
    return Budget(_whole("candidates", DEFAULT_BUDGET.candidates, 1, MOST_CANDIDATES))


def _whole(field: str, default: int, least: int, most: int) -> int:
    text = request.form.get(field, request.args.get(field, "")).strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most):
        raise BadRequest(f"bad_{field}", f"“{field}” must be a number from {least} to {most}.")
    return int(text)
