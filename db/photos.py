"""Faces with their photos, crops and embeddings: reading, enrolling, moving and deleting them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, func, insert, select, update

from db import journal, people
from db.journal import Changes
from db.names import checked_name, checked_note, full_name
from db.rows import ids_of, insert_row
from db.tables import crop, embedding, face, person, photo, placed_points, rejection, revision
from faceapp.errors import Conflict, NotFound
from faceapp.types import (
    Box,
    EmbeddingRows,
    Floats,
    NewFace,
    Person,
    PersonName,
    Quality,
    StoredFace,
    StoredPhoto,
    check_shape,
)

POINTS = 68  # of a face, in the order of iBUG
FLOAT32 = np.dtype("<f4")  # as vectors and landmarks are kept, on every machine
QUALITY = ("size", "sharpness", "brightness", "contrast", "yaw", "pitch", "roll", "score")

# Active faces with their photos.
FACES = (
    select(face, photo.c.sha256, photo.c.path, photo.c.width, photo.c.height)
    .join(photo).where(face.c.active).order_by(face.c.id)
)


def count(connection: Connection) -> tuple[int, int, int]:
    many = select(func.count()).select_from(person).where(person.c.active).scalar_subquery()
    photos = func.count(face.c.photo_id.distinct())
    row = connection.execute(select(many, photos, func.count()).select_from(face).where(face.c.active)).one()
    return row[0], row[1], row[2]


def of_person(connection: Connection, person_id: int) -> list[StoredFace]:
    people.by_id(connection, person_id)
    return _records(connection, FACES.where(face.c.person_id == int(person_id)))


def by_ids(connection: Connection, face_ids: Sequence[int]) -> dict[int, StoredFace]:
    found = _records(connection, FACES.where(face.c.id.in_(ids_of(face_ids))))
    return {one.id: one for one in found}


def on_photo(connection: Connection, sha256: str) -> list[StoredFace]:
    return _records(connection, FACES.where(photo.c.sha256 == sha256))


def jpeg(connection: Connection, face_id: int) -> bytes:
    query = select(crop.c.jpeg).join(face).where(face.c.id.in_(ids_of([face_id])), face.c.active)
    found = connection.execute(query).scalar()
    if found is None:
        raise _no_face(face_id)
    return bytes(found)


def embeddings(connection: Connection, model_key: str) -> EmbeddingRows:
    """All vectors under that model; (0, 0) where there is none."""
    number = current_revision(connection)  # the same snapshot as the rows: one transaction
    rows = connection.execute(
        select(face.c.id, face.c.person_id, embedding.c.vector).join(embedding)
        .where(face.c.active, embedding.c.model_key == model_key).order_by(embedding.c.face_id)
    ).all()
    vectors = np.frombuffer(b"".join(row[2] for row in rows), FLOAT32)
    return EmbeddingRows(
        model_key, number,
        face_ids=np.fromiter((row[0] for row in rows), np.int64, len(rows)),
        person_ids=np.fromiter((row[1] for row in rows), np.int64, len(rows)),
        vectors=vectors.reshape(len(rows), len(vectors) // max(len(rows), 1)).astype(np.float32),
    )


def model_keys(connection: Connection) -> list[str]:
    keys = list(connection.scalars(select(embedding.c.model_key).distinct().order_by(embedding.c.model_key)))
    used = select(face.c.id).join(embedding).where(face.c.active).limit(1)
    return [key for key in keys if connection.scalar(used.where(embedding.c.model_key == key)) is not None]


def rejections(connection: Connection, model_key: str) -> list[tuple[int, Floats]]:
    rows = connection.execute(
        select(rejection.c.person_id, rejection.c.vector)
        .where(rejection.c.active, rejection.c.model_key == model_key).order_by(rejection.c.id)
    )
    return [(row.person_id, _floats(row.vector)) for row in rows]


def points(connection: Connection, face_id: int) -> Floats | None:
    _require(connection, [face_id])
    row = connection.execute(_placed().where(face.c.id.in_(ids_of([face_id])))).first()
    return None if row is None else _floats(row.points).reshape(-1, 2)


def points_on(connection: Connection, sha256: str) -> list[tuple[Box, Floats]]:
    on_it = _placed().join(photo, photo.c.id == face.c.photo_id).where(photo.c.sha256 == sha256)
    rows = connection.execute(on_it.order_by(face.c.id))
    return [(Box(row.x1, row.y1, row.x2, row.y2), _floats(row.points).reshape(-1, 2)) for row in rows]


def _placed() -> Select[Any]:
    """Hand-placed points of active faces, with the boxes of the faces."""
    return (
        select(face.c.id, face.c.x1, face.c.y1, face.c.x2, face.c.y2, placed_points.c.points)
        .join(placed_points, placed_points.c.face_id == face.c.id)
        .where(face.c.active, placed_points.c.active)
    )


def current_revision(connection: Connection) -> int:
    return int(connection.execute(select(revision.c.number)).scalar_one())


def enrol(
    connection: Connection, who: int | PersonName, faces: Sequence[NewFace], step: int | None = None
) -> tuple[list[StoredFace], int]:
    """For a person found by number or name, or made new, in one entry of the journal; see `PeopleStore`."""
    with journal.enrolment_entry(connection, step) as changes:
        owner_id = _owner(changes, who)
        changes.touch(person, owner_id)
        face_ids = []
        for new in faces:
            known = enrolled_as(connection, new)
            if known is not None:
                raise Conflict("already_enrolled", f"This face is already enrolled as {known.name}.")
            face_ids.append(add(changes, owner_id, new))
    found = by_ids(connection, face_ids)
    return [found[face_id] for face_id in face_ids], changes.journal_id


def _owner(changes: Changes, who: int | PersonName) -> int:
    if not isinstance(who, PersonName):
        return people.by_id(changes.connection, who).id
    first_name, surname = checked_name(who.first_name, who.surname)
    note = checked_note(who.note)
    known = people.by_name(changes.connection, full_name(first_name, surname))
    return known.id if known else people.create(changes, first_name, surname, note)


def enrolled_as(connection: Connection, new: NewFace) -> Person | None:
    """Whose face this is already: the same photo, and (nearly) the same box."""
    for known in on_photo(connection, new.sha256):
        if known.box.same_face(new.face.box):
            return people.by_id(connection, known.person_id)
    return None


def add(changes: Changes, person_id: int, new: NewFace) -> int:
    """Insert the face with its crop, its embedding and, where it is new, its photo."""
    vector = new.face.embedding
    if vector is None:
        raise ValueError("a face without an embedding cannot be enrolled")
    check_shape("embedding", vector, (None,))
    box, connection = new.face.box, changes.connection
    face_id = changes.create(face, {
        "person_id": person_id, "photo_id": _photo_id(connection, new),
        "x1": float(box.x1), "y1": float(box.y1), "x2": float(box.x2), "y2": float(box.y2),
        "landmarks": _bytes(new.face.landmarks),
        **{name: float(value) for name, value in asdict(new.face.quality).items()},
    })
    connection.execute(insert(crop), {"face_id": face_id, "jpeg": new.crop})
    connection.execute(
        insert(embedding), {"face_id": face_id, "model_key": new.model_key, "vector": _bytes(vector)}
    )
    return face_id


def remove(connection: Connection, face_ids: Sequence[int]) -> None:
    chosen = _require(connection, face_ids)
    if not chosen:
        return
    with journal.entry(connection, f"Deleted {_of_whom(connection, chosen)}.") as changes:
        changes.update(face, [one.id for one in chosen], {"active": False})


def move(connection: Connection, face_ids: Sequence[int], person_id: int) -> None:
    to = people.by_id(connection, person_id)
    chosen = [one for one in _require(connection, face_ids) if one.person_id != to.id]
    if not chosen:
        return
    with journal.entry(connection, f"Moved {_of_whom(connection, chosen)} to {to.name}.") as changes:
        changes.touch(person, to.id)
        changes.update(face, [one.id for one in chosen], {"person_id": to.id})


def reject(connection: Connection, person_id: int, model_key: str, vector: Floats) -> None:
    check_shape("embedding", vector, (None,))
    owner = people.by_id(connection, person_id)
    with journal.entry(connection, f"Noted that a face is not {owner.name}.") as changes:
        changes.touch(person, owner.id)
        changes.create(
            rejection, {"person_id": owner.id, "model_key": model_key, "vector": _bytes(vector)}
        )


def set_points(connection: Connection, face_id: int, placed: Floats | None) -> None:
    chosen = _require(connection, [face_id])
    if placed is not None:
        check_shape("points", placed, (POINTS, 2))
        if not np.isfinite(placed).all():
            raise ValueError("points: some are not numbers")
    new = None if placed is None else _bytes(placed)
    mine = (placed_points.c.face_id == chosen[0].id, placed_points.c.active)
    before = connection.execute(select(placed_points).where(*mine)).first()
    if new == (before and before.points):
        return
    whose = _of_whom(connection, chosen)
    what = "Placed the points of" if new else "Gave up the points placed by hand on"
    with journal.entry(connection, f"{what} {whose}.") as changes:
        changes.touch(face, chosen[0].id)
        if before is not None:
            changes.update(placed_points, [before.id], {"active": False})
        if new is not None:
            changes.create(placed_points, {"face_id": chosen[0].id, "points": new})


def _records(connection: Connection, query: Select[Any]) -> list[StoredFace]:
    return [_record(row) for row in connection.execute(query)]


def _record(row: Row[Any]) -> StoredFace:
    return StoredFace(
        id=row.id, person_id=row.person_id,
        photo=StoredPhoto(row.photo_id, row.sha256, row.path, row.width, row.height),
        box=Box(row.x1, row.y1, row.x2, row.y2),
        landmarks=_floats(row.landmarks).reshape(-1, 2),
        quality=Quality(*(getattr(row, name) for name in QUALITY)),
    )


def _photo_id(connection: Connection, new: NewFace) -> int:
    known = connection.execute(select(photo.c.id, photo.c.path).where(photo.c.sha256 == new.sha256)).first()
    if known is None:
        values = {"sha256": new.sha256, "path": new.path, "width": new.width, "height": new.height}
        return insert_row(connection, photo, values)
    if new.path and not known.path:  # it came as a paste first, and now from a file
        connection.execute(update(photo).where(photo.c.id == known.id).values(path=new.path))
    return int(known.id)


def _require(connection: Connection, face_ids: Sequence[int]) -> list[StoredFace]:
    """These faces, each once. Raises NotFound for the first that is not there."""
    found = by_ids(connection, face_ids)
    for face_id in face_ids:
        if face_id not in found:
            raise _no_face(face_id)
    return [found[int(face_id)] for face_id in dict.fromkeys(face_ids)]


def _no_face(face_id: int) -> NotFound:
    return NotFound("no_face", f"There is no face with the number {face_id}.")


def _of_whom(connection: Connection, chosen: Sequence[StoredFace]) -> str:
    owners = {one.person_id for one in chosen}
    whose = people.by_id(connection, owners.pop()).name if len(owners) == 1 else f"{len(owners):,} people"
    return f"a face of {whose}" if len(chosen) == 1 else f"{len(chosen):,} faces of {whose}"


def _bytes(array: Floats) -> bytes:
    return np.ascontiguousarray(array, FLOAT32).tobytes()


def _floats(data: bytes) -> Floats:
    return np.frombuffer(data, FLOAT32).astype(np.float32)

