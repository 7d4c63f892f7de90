"""Folder imports: what each has done so far, so that it can carry on after a kill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import PurePath
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from db import journal, people, photos
from db.journal import Changes
from db.names import checked_name, full_name
from db.rows import insert_row
from db.tables import folder_import, import_item, person
from faceapp.errors import NotFound
from faceapp.types import ImportItem, NewFace


def open_(connection: Connection, root: str) -> tuple[int, list[ImportItem]]:
    row = connection.execute(
        select(folder_import).where(folder_import.c.root == root, ~folder_import.c.finished)
        .order_by(folder_import.c.id.desc())
    ).first()
    if row is None:
        values = {"root": root, "started": journal.now(), "finished": False}
        return insert_row(connection, folder_import, values), []
    if row.journal_id is not None and not journal.stands(connection, row.journal_id):
        # It was undone: what it does from here on is a change of its own.
        connection.execute(update(folder_import).where(folder_import.c.id == row.id).values(journal_id=None))
    items = connection.execute(
        select(import_item).where(import_item.c.import_id == row.id, import_item.c.active)
        .order_by(import_item.c.id)
    )
    return row.id, [_record(item) for item in items]


def add_person(
    connection: Connection,
    import_id: int,
    first_name: str,
    surname: str,
    new_faces: Sequence[NewFace],
    items: Sequence[ImportItem],
) -> int | None:
    """The person with these faces; None where there is none.

    A face that is enrolled already (another process was quicker) is not enrolled twice: its file is noted as
    skipped.
    """
    root = connection.execute(select(folder_import.c.root).where(folder_import.c.id == import_id)).scalar()
    if root is None:
        raise NotFound("no_import", f"There is no import with the number {import_id}.")
    if not new_faces:
        _note(connection, import_id, items)
        return None
    first_name, surname = checked_name(first_name, surname)
    known = people.by_name(connection, full_name(first_name, surname))
    fresh, owners = _sorted_out(connection, new_faces, full_name(first_name, surname))
    late = [item for item in items if PurePath(root, item.path) in owners]
    _note(connection, import_id, [
        replace(
            item, outcome="skipped", code="already_enrolled",
            reason=f"This face is already enrolled as {owners[PurePath(root, item.path)]}.",
        )
        for item in late if not _is_noted(connection, import_id, item)
    ])
    if not fresh:
        _note(connection, import_id, [item for item in items if item not in late])
        return known.id if known else None
    with journal.import_entry(connection, import_id) as changes:
        person_id = known.id if known else people.create(changes, first_name, surname)
        changes.touch(person, person_id)
        for new in fresh:
            photos.add(changes, person_id, new)
        for item in items:
            if item not in late:
                _record_item(changes, import_id, item)
    return person_id


def close(connection: Connection, import_id: int) -> None:
    connection.execute(update(folder_import).where(folder_import.c.id == import_id).values(finished=True))


def _sorted_out(
    connection: Connection, new_faces: Sequence[NewFace], name: str
) -> tuple[list[NewFace], dict[PurePath, str]]:
    """The faces that nobody has enrolled, and by file those that somebody has, with whose they are."""
    fresh: list[NewFace] = []
    owners: dict[PurePath, str] = {}
    for new in new_faces:
        twin = any(
            new.sha256 == other.sha256 and new.face.box.same_face(other.face.box) for other in fresh
        )
        owner = photos.enrolled_as(connection, new)
        if twin or owner:
            owners[PurePath(new.path)] = owner.name if owner else name
        else:
            fresh.append(new)
    for new in fresh:  # a file of which anything is new was not skipped
        owners.pop(PurePath(new.path), None)
    return fresh, owners


def _note(connection: Connection, import_id: int, items: Sequence[ImportItem]) -> None:
    """Remember files that brought nobody. This changes no person, so it is not in the journal."""
    for item in items:
        # Also a note that was undone: redoing it would make two of the same file.
        connection.execute(
            delete(import_item).where(import_item.c.import_id == import_id, import_item.c.path == item.path)
        )
        connection.execute(insert(import_item).values(import_id=import_id, active=True, **asdict(item)))


def _record_item(changes: Changes, import_id: int, item: ImportItem) -> None:
    """Remember a file that brought a face; undone together with the face, it will be read again."""
    before = changes.connection.scalars(
        select(import_item.c.id).where(
            import_item.c.import_id == import_id, import_item.c.path == item.path, import_item.c.active
        )
    ).all()
    if before:
        changes.update(import_item, before, {"active": False})
    changes.create(import_item, {"import_id": import_id, **asdict(item)})


def _is_noted(connection: Connection, import_id: int, item: ImportItem) -> bool:
    """Whether this very file, unchanged since, has been done: two processes import one folder."""
    return connection.execute(
        select(import_item.c.id).where(
            import_item.c.import_id == import_id, import_item.c.path == item.path, import_item.c.active,
            import_item.c.size == item.size, import_item.c.modified_ns == item.modified_ns,
        )
    ).first() is not None


def _record(row: Row[Any]) -> ImportItem:
    return ImportItem(row.path, row.size, row.modified_ns, row.outcome, row.code, row.reason)
