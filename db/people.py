"""People: reading them, and adding, editing, merging and deleting them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from db import journal
from db.names import checked_name, checked_note, fold, full_name
from db.rows import ids_of
from db.tables import face, merger, person, rejection
from faceapp.errors import BadRequest, Conflict, NotFound
from faceapp.types import Person

NAMED_IN_SENTENCE = 3  # a sentence of the journal names so many people; the others are counted
NO_LIMIT = -1  # SQLite's word for it

# Active people with what is counted about them; counted only for rows that are fetched.
OWN = (face.c.person_id == person.c.id) & face.c.active
PEOPLE = select(
    person,
    select(func.count(face.c.photo_id.distinct())).where(OWN).scalar_subquery().label("photos"),
    select(func.min(face.c.id)).where(OWN).scalar_subquery().label("cover_face_id"),
).where(person.c.active)


def people(connection: Connection, text: str = "", limit: int | None = None, offset: int = 0) -> list[Person]:
    wanted = fold(text)
    query = PEOPLE.order_by(person.c.folded).limit(NO_LIMIT if limit is None else limit).offset(offset)
    if wanted:
        query = query.where(or_(
            func.instr(person.c.folded, wanted) > 0, func.instr(person.c.folded_note, wanted) > 0
        ))
    return [_record(row) for row in connection.execute(query)]


def by_id(connection: Connection, person_id: int) -> Person:
    found = by_ids(connection, [person_id])
    if not found:
        raise NotFound("no_person", f"There is no person with the number {person_id}.")
    return found[int(person_id)]


def by_ids(connection: Connection, person_ids: Sequence[int]) -> dict[int, Person]:
    rows = connection.execute(PEOPLE.where(person.c.id.in_(ids_of(person_ids))))
    return {row.id: _record(row) for row in rows}


def by_name(connection: Connection, name: str) -> Person | None:
    row = connection.execute(PEOPLE.where(person.c.folded == fold(name))).first()
    return None if row is None else _record(row)


def add(connection: Connection, first_name: str, surname: str = "", note: str = "") -> Person:
    first_name, surname = checked_name(first_name, surname)
    note = checked_note(note)
    name = full_name(first_name, surname)
    _require_free(connection, name)
    with journal.entry(connection, f"Added {name}.") as changes:
        person_id = create(changes, first_name, surname, note)
    return by_id(connection, person_id)


def create(changes: journal.Changes, first_name: str, surname: str, note: str = "") -> int:
    """Insert a person whose name has been checked and is free; comes back with the id."""
    return changes.create(person, {**_columns(first_name, surname, note), "created": journal.now()})


def edit(connection: Connection, person_id: int, first_name: str, surname: str, note: str) -> Person:
    before = by_id(connection, person_id)
    first_name, surname = checked_name(first_name, surname)
    note = checked_note(note)
    if (before.first_name, before.surname, before.note) == (first_name, surname, note):
        return before
    name = full_name(first_name, surname)
    _require_free(connection, name, besides=before.id)
    renamed = name != before.name
    sentence = f"Renamed {before.name} to {name}." if renamed else f"Changed the entry of {name}."
    with journal.entry(connection, sentence) as changes:
        changes.update(person, [before.id], _columns(first_name, surname, note))
    return by_id(connection, person_id)


def set_no_swap(connection: Connection, person_id: int, on: bool) -> Person:
    before = by_id(connection, person_id)
    if before.no_swap == on:
        return before
    forbidden, allowed = "Nobody may swap the face of {}.", "The face of {} may be swapped again."
    with journal.entry(connection, (forbidden if on else allowed).format(before.name)) as changes:
        changes.update(person, [before.id], {"no_swap": on})
    return by_id(connection, person_id)


def merge(connection: Connection, into_id: int, from_ids: Sequence[int]) -> Person:
    """Faces, rejections, notes and sightings of the others go to `into_id`; the others go. If one of them may
    not be swapped, the one who stays may not."""
    into = by_id(connection, into_id)
    others = _require(connection, [other for other in from_ids if int(other) != into.id])
    if not others:
        raise BadRequest("nothing_to_merge", "Choose at least two people to merge.")
    notes = dict.fromkeys(note for note in (into.note, *(other.note for other in others)) if note)
    ids = [other.id for other in others]
    with journal.entry(connection, f"Merged {_names(others)} into {into.name}.") as changes:
        changes.touch(person, into.id)
        for table in (face, rejection):
            changes.update(table, _active_rows(connection, table, ids), {"person_id": into.id})
        changes.update(person, ids, {"active": False})
        for one in ids:
            changes.create(merger, {"person_id": one, "into_id": into.id})
        note = "\n".join(notes)
        if note != into.note:
            changes.update(person, [into.id], {"note": note, "folded_note": fold(note)})
        if not into.no_swap and any(other.no_swap for other in others):
            changes.update(person, [into.id], {"no_swap": True})
    return by_id(connection, into.id)


def remove(connection: Connection, person_ids: Sequence[int]) -> None:
    chosen = _require(connection, person_ids)
    if not chosen:
        return
    ids = [one.id for one in chosen]
    with journal.entry(connection, f"Deleted {_names(chosen)}.") as changes:
        for table in (face, rejection):
            changes.update(table, _active_rows(connection, table, ids), {"active": False})
        changes.update(person, ids, {"active": False})


def _record(row: Row[Any]) -> Person:
    return Person(
        id=row.id, first_name=row.first_name, surname=row.surname, note=row.note,
        photos=row.photos, cover_face_id=row.cover_face_id, created=row.created, no_swap=row.no_swap,
    )


def _columns(first_name: str, surname: str, note: str) -> dict[str, str]:
    return {
        "first_name": first_name, "surname": surname, "note": note,
        "folded": fold(full_name(first_name, surname)), "folded_note": fold(note),
    }


def _require(connection: Connection, person_ids: Sequence[int]) -> list[Person]:
    """These people, each once. Raises NotFound for the first that is not there."""
    found = by_ids(connection, person_ids)
    for person_id in person_ids:
        if person_id not in found:
            raise NotFound("no_person", f"There is no person with the number {person_id}.")
    return [found[int(person_id)] for person_id in dict.fromkeys(person_ids)]


def _require_free(connection: Connection, name: str, besides: int | None = None) -> None:
    taken = by_name(connection, name)
    if taken is not None and taken.id != besides:
        raise Conflict(
            "name_taken", f"There is already a person named {taken.name}.",
            "Choose another name, or merge the two people.",
        )


def _active_rows(connection: Connection, table: Any, person_ids: Sequence[int]) -> list[int]:
    return list(connection.scalars(
        select(table.c.id).where(table.c.person_id.in_(ids_of(person_ids)), table.c.active)
    ))


def _names(chosen: Sequence[Person]) -> str:
    names = [one.name for one in chosen]
    if len(names) > NAMED_IN_SENTENCE:
        named = NAMED_IN_SENTENCE - 1
        names = [*names[:named], f"{len(names) - named:,} others"]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
