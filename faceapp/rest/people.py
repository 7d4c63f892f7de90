"""The people of the library and their images."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from faceapp import wire
from faceapp.errors import BadRequest, Conflict, NotFound
from faceapp.rest.context import services
from faceapp.types import Person, PersonName

# The largest number that the store can hold; anything above it is an address that does not exist.
LAST_ID = 2**63 - 1
ID = f"<int(max={LAST_ID}):"
ONE_PERSON = f"/people/{ID}person_id>"

blueprint = Blueprint("people", __name__)


def image_url(face_id: int) -> str:
    """Where the picture of an enrolled face is served. An image id is the id of its face."""
    return f"/images/{face_id}"


def detailed(person: Person) -> wire.Json:
    faces = services().people.faces(person.id)
    return {
        **wire.person(person),
        "first_name": person.first_name,
        "surname": person.surname,
        "note": person.note,
        "no_swap": person.no_swap,
        "images": [{"id": face.id, "url": image_url(face.id)} for face in faces],
    }


@blueprint.get("/people")
def find() -> Response:
    """Everybody, or by ?text= (part of a name), ?name= (full name) or ?image= (an image id)."""
    people = services().people
    if "name" in request.args:
        return jsonify(_named(request.args["name"]))
    if "image" in request.args:
        face = people.face(number_argument("image", 0))
        return jsonify([detailed(people.get(face.person_id))])
    limit = number_argument("limit", 0) or None
    found = people.find(request.args.get("text", ""), limit, number_argument("offset", 0))
    return jsonify([wire.person(person) for person in found])


@blueprint.get(ONE_PERSON)
def get(person_id: int) -> Response:
    return jsonify(detailed(services().people.get(person_id)))


@blueprint.patch(ONE_PERSON)
def edit(person_id: int) -> Response:
    """Change "name", or "first_name", "surname" and "note", and "no_swap"; what is not named stays."""
    changes = _body("name", "first_name", "surname", "note", "no_swap")
    people = services().people
    person = people.get(person_id)
    no_swap = _switch(changes, "no_swap", person.no_swap)
    if "name" in changes:
        name = PersonName.parse(_text(changes, "name", ""))
        changes = {"first_name": name.first_name, "surname": name.surname, **changes}
    edited = people.edit(
        person_id,
        _text(changes, "first_name", person.first_name),
        _text(changes, "surname", person.surname),
        _text(changes, "note", person.note),
    )
    edited = people.set_no_swap(person_id, no_swap)
    return jsonify(detailed(edited))


@blueprint.delete(ONE_PERSON)
def delete(person_id: int) -> Response:
    person = services().people.get(person_id)
    services().people.delete([person_id])
    return jsonify({"deleted": [wire.person(person)]})


@blueprint.post(f"{ONE_PERSON}/forget")
def forget(person_id: int) -> Response:
    """Take a person out of the library for good; a deleted one, too."""
    return jsonify(wire.forgotten(services().forgetting.forget([person_id])))


@blueprint.post("/people/merge")
def merge() -> Response:
    """{"into": id, "from": [id, ...]}"""
    body = _body("into", "from")
    others = body.get("from")
    if not isinstance(others, list) or not others:
        raise BadRequest("bad_merge", "“from” must be a list of people's ids.")
    ids = [_id(value) for value in (body.get("into"), *others)]
    return jsonify(detailed(services().people.merge(ids[0], ids[1:])))


@blueprint.post("/undo")
def undo() -> Response:
    """Take back the newest change to people."""
    entry = services().people.undo()
    if entry is None:
        raise Conflict("nothing_to_undo", "There is nothing to take back.")
    return jsonify({"undone": entry.sentence})


@blueprint.get(f"/images/{ID}image_id>")
def image(image_id: int) -> Response:
    """The enrolled face as JPEG."""
    return Response(services().people.crop(image_id), mimetype="image/jpeg")


@blueprint.get("/images/several")
def several_faces() -> Response:
    """The placeholder for a photo with more than one known face."""
    return Response(_SEVERAL_FACES, mimetype="image/svg+xml")


def _named(name: str) -> list[wire.Json]:
    try:
        return [detailed(services().people.named(name))]
    except NotFound:
        return []


def number_argument(name: str, default: int) -> int:
    """A whole number of the address. Raises BadRequest."""
    text = request.args.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest("bad_number", f"“{name}” must be a whole number.")
    return int(text)


def _id(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= LAST_ID:
        raise BadRequest("bad_id", "A person's id must be a whole number.")
    return value


def _body(*allowed: str) -> dict[str, Any]:
    """The JSON object of the request, with no other keys than these."""
    body = request.get_json()
    if not isinstance(body, dict):
        raise BadRequest("bad_json", "The body must be a JSON object.")
    unknown = [key for key in body if key not in allowed]
    if unknown:
        raise BadRequest("bad_json", f"“{unknown[0]}” is not known here.", f"Known are {', '.join(allowed)}.")
    return body


def _text(changes: dict[str, Any], key: str, default: str) -> str:
    value = changes.get(key, default)
    if not isinstance(value, str):
        raise BadRequest("bad_text", f"“{key}” must be text.")
    return value


def _switch(changes: dict[str, Any], key: str, default: bool) -> bool:
    value = changes.get(key, default)
    if not isinstance(value, bool):
        raise BadRequest("bad_switch", f"“{key}” must be true or false.")
    return value


_SEVERAL_FACES = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" fill="#8a8f98">
<circle cx="30" cy="36" r="13"/><path d="M6 80a24 24 0 0 1 48 0z"/>
<circle cx="66" cy="36" r="13"/><path d="M42 80a24 24 0 0 1 48 0z"/></svg>
"""
