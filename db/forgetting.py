"""People who are forgotten: every row that holds something of theirs goes, and cannot come back.

The journal is linear and its entries hold old values. So it is cut where these people last occur in it: that
entry and all older ones go, and with them whatever only those could have brought back
(docs/adr/0001-journal.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, func, or_, select, update

from db import journal
from db.names import fold, full_name
from db.rows import ids_of
from db.tables import (
    change,
    face,
    folder_import,
    import_item,
    merger,
    person,
    photo,
    placed_points,
    rejection,
    sighting,
    sighting_revision,
    visitor,
)
from db.tables import journal as history
from faceapp.errors import NotFound
from faceapp.types import Forgotten, PersonName, Traces


def deleted(connection: Connection, name: str) -> list[int]:
    """The deleted people of that name; not those who have become somebody else."""
    merged = exists().where(merger.c.person_id == person.c.id, merger.c.active)
    query = select(person.c.id).where(person.c.folded == fold(name), ~person.c.active, ~merged)
    return list(connection.scalars(query.order_by(person.c.id)))


def traces(connection: Connection, person_ids: Sequence[int]) -> Traces:
    """Raises NotFound for a number that is nobody's, not even a deleted person's."""
    ids = _with_merged(connection, person_ids)
    mine = person.c.id.in_(ids_of(ids))
    rows = connection.execute(select(person).where(mine).order_by(person.c.id)).all()
    shown = {row.id: full_name(row.first_name, row.surname) for row in rows}
    for one in person_ids:
        if one not in shown:
            raise NotFound("no_person", f"There is no person with the number {one}.")
    photos = select(photo.c.sha256).join(face).where(face.c.person_id.in_(ids_of(ids))).distinct()
    return Traces(
        person_ids=tuple(ids),
        shown=tuple(shown[one] for one in dict.fromkeys(person_ids)),
        names=tuple(dict.fromkeys([*shown.values(), *_former_names(connection, ids)])),
        photos=tuple(connection.scalars(photos)),
    )


def forget(connection: Connection, person_ids: Sequence[int]) -> Forgotten:
    """Deleted people, too. Raises NotFound."""
    journal.forget_undone(connection)
    found = traces(connection, person_ids)
    mine = ids_of(found.person_ids)
    own = face.c.person_id.in_(mine)
    faces = int(connection.execute(select(func.count()).where(own, face.c.active)).scalar_one())
    paths = list(connection.scalars(select(photo.c.path).join(face).where(own).distinct()))
    _cut_history(connection, found.person_ids)
    sightings = _forget_sightings(connection, mine)
    for table in (rejection, face):
        connection.execute(delete(table).where(table.c.person_id.in_(mine)))
    connection.execute(delete(person).where(person.c.id.in_(mine)))
    _forget_lost(connection)
    _forget_imports(connection, {fold(name) for name in found.names}, {PurePath(path) for path in paths})
    return Forgotten(found.shown, faces, sightings, tuple(_forget_photos(connection)))


def _with_merged(connection: Connection, person_ids: Sequence[int]) -> list[int]:
    """These people, and everybody who was merged into them, step by step."""
    ids = {int(one) for one in person_ids}
    while True:
        query = select(merger.c.person_id).where(merger.c.into_id.in_(ids_of(sorted(ids))), merger.c.active)
        more = set(connection.scalars(query)) - ids
        if not more:
            return sorted(ids)
        ids |= more


def _former_names(connection: Connection, ids: Sequence[int]) -> Iterable[str]:
    query = select(change.c.before, change.c.after).where(
        change.c.table_name == person.name, change.c.row_id.in_(ids_of(ids))
    )
    for row in connection.execute(query):
        for values in (row.before, row.after):
            if "first_name" in values:
                yield full_name(values["first_name"], values["surname"])


def _cut_history(connection: Connection, ids: Sequence[int]) -> None:
    """Drop the entries up to the newest one that has to do with these people."""
    mine = ids_of(ids)
    faces = select(face.c.id).where(face.c.person_id.in_(mine))

    def rows(table: Table, which: Any) -> ColumnElement[bool]:
        return (change.c.table_name == table.name) & change.c.row_id.in_(which)

    concerns = or_(
        rows(person, mine),
        rows(face, faces),
        rows(placed_points, select(placed_points.c.id).where(placed_points.c.face_id.in_(faces))),
        rows(rejection, select(rejection.c.id).where(rejection.c.person_id.in_(mine))),
        rows(merger, select(merger.c.id).where(merger.c.person_id.in_(mine) | merger.c.into_id.in_(mine))),
        *(func.json_extract(values, "$.person_id").in_(mine) for values in (change.c.before, change.c.after)),
    )
    query = select(func.max(history.c.position)).join(change, change.c.journal_id == history.c.id)
    last = connection.execute(query.where(concerns)).scalar()
    if last is None:
        return
    gone = select(history.c.id).where(history.c.position <= last)
    # What an unfinished import brings from here on is an entry of its own.
    connection.execute(
        update(folder_import).where(folder_import.c.journal_id.in_(gone)).values(journal_id=None)
    )
    connection.execute(delete(history).where(history.c.position <= last))


def _forget_sightings(connection: Connection, mine: Any) -> int:
    visitors = select(visitor.c.id).where(visitor.c.person_id.in_(mine))
    theirs = or_(
        sighting.c.person_id.in_(mine), sighting.c.person_id.is_(None) & sighting.c.visitor_id.in_(visitors)
    )
    connection.execute(update(sighting_revision).values(number=sighting_revision.c.number + 1))
    return connection.execute(delete(sighting).where(theirs)).rowcount


def _forget_lost(connection: Connection) -> None:
    """What was deleted or taken back, and no entry of the journal can bring back any more.

    A person who was merged stays as long as the one they have become: sightings lead there.
    """
    merged = exists().where(merger.c.person_id == person.c.id, merger.c.active)
    for table in (rejection, import_item, merger, placed_points, face, person):
        known = select(change.c.row_id).where(change.c.table_name == table.name)
        lost = ~table.c.active & table.c.id.not_in(known)
        connection.execute(delete(table).where(lost, *([~merged] if table is person else [])))


def _forget_imports(connection: Connection, names: set[str], paths: set[PurePath]) -> None:
    """Files that imports have noted name people. Of a finished import nobody asks them any more."""
    finished = select(folder_import.c.id).where(folder_import.c.finished)
    connection.execute(delete(import_item).where(import_item.c.import_id.in_(finished)))
    connection.execute(delete(folder_import).where(folder_import.c.finished))
    query = select(import_item.c.id, import_item.c.path, import_item.c.reason, folder_import.c.root)
    theirs = [
        row.id
        for row in connection.execute(query.join(folder_import))
        if fold(PersonName.parse(row.path.split("/", 1)[0]).full) in names
        or PurePath(row.root, row.path) in paths
        or any(name in fold(row.reason) for name in names)
    ]
    connection.execute(delete(import_item).where(import_item.c.id.in_(ids_of(theirs))))


def _forget_photos(connection: Connection) -> list[str]:
    """The photos that no face is on any more; comes back with their paths."""
    unused = ~exists().where(face.c.photo_id == photo.c.id)
    paths = list(connection.scalars(select(photo.c.path).where(unused)))
    connection.execute(delete(photo).where(unused))
    return paths
