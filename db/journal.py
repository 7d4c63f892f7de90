"""The history of every change to people, and the way back and forth in it.

An entry is a sentence and a list of row changes. A row that an entry made is never deleted while the entry
can be undone or redone: its `active` flag is cleared and set. So undo and redo are the same for every
operation: write the old or the new values back (docs/adr/0001-journal.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, delete, exists, func, insert, select, update

from db.names import full_name
from db.rows import ids_of, insert_row
from db.tables import (
    change,
    face,
    folder_import,
    import_item,
    journal,
    merger,
    metadata,
    person,
    photo,
    placed_points,
    rejection,
)
from faceapp.errors import Conflict
from faceapp.types import JournalEntry

Values = dict[str, Any]


def now() -> datetime:
    return datetime.now(UTC)


class Changes:
    """What one entry changes; every write of people goes through one of these."""

    def __init__(self, connection: Connection, journal_id: int) -> None:
        self.connection = connection
        self.journal_id = journal_id
        self._rows: list[Values] = []

    def create(self, table: Table, values: Values) -> int:
        """Insert an active row; comes back with its id."""
        row_id = insert_row(self.connection, table, {**values, "active": True})
        self._note(table, row_id, {"active": False}, {"active": True}, created=True)
        return row_id

    def update(self, table: Table, row_ids: Sequence[int], values: Values) -> None:
        """Set the same values in all these rows."""
        columns = [table.c[name] for name in values]
        chosen = table.c.id.in_(ids_of(row_ids))
        for row in self.connection.execute(select(table.c.id, *columns).where(chosen)):
            self._note(table, row.id, {name: row._mapping[name] for name in values}, values)
        self.connection.execute(update(table).where(chosen).values(**values))

    def touch(self, table: Table, row_id: int) -> None:
        """Note that the entry depends on this row."""
        self._note(table, row_id, {}, {})

    def save(self) -> None:
        if self._rows:
            self.connection.execute(insert(change), self._rows)
            self._rows = []

    def _note(self, table: Table, row_id: int, before: Values, after: Values, created: bool = False) -> None:
        self._rows.append({
            "journal_id": self.journal_id, "table_name": table.name, "row_id": row_id,
            "created": created, "before": before, "after": after,
        })


@contextmanager
def entry(connection: Connection, sentence: str) -> Iterator[Changes]:
    """A new entry, newest of all. What had been undone before can no longer be redone."""
    forget_undone(connection)
    changes = Changes(connection, _append(connection, sentence))
    yield changes
    changes.save()


@contextmanager
def import_entry(connection: Connection, import_id: int) -> Iterator[Changes]:
    """The entry of this import, so that all its people are taken back at once.

    It is kept the newest one as it grows. Only where somebody has meanwhile changed what this import
    brought, a second entry begins: the entries could not be undone in another order than they were made.
    Raises Conflict when the import was undone while it ran.
    """
    chosen = folder_import.c.id == import_id
    journal_id = connection.execute(select(folder_import.c.journal_id).where(chosen)).scalar_one()
    if journal_id is not None and not stands(connection, journal_id):
        raise Conflict(
            "import_undone", "This import was undone while it was running.", "Start it again to carry on."
        )
    changes = Changes(connection, _grown(connection, journal_id))
    if changes.journal_id != journal_id:
        values = {"journal_id": changes.journal_id}
        connection.execute(update(folder_import).where(chosen).values(**values))
    yield changes
    changes.save()
    _say(connection, changes.journal_id, _import_sentence(connection, changes.journal_id, import_id))


@contextmanager
def enrolment_entry(connection: Connection, step: int | None) -> Iterator[Changes]:
    """The entry of an enrolment, so that a person and all their photos are taken back at once.

    step: the entry that the enrolment has begun with earlier photos; None for its first one. It grows as that
    of an import does, and begins again where somebody has meanwhile changed what it brought. Raises Conflict
    when it was undone meanwhile.
    """
    if step is not None and not stands(connection, step):
        raise Conflict(
            "enrolment_undone", "This enrolment was undone while it was running.",
            "Start it again to carry on.",
        )
    changes = Changes(connection, _grown(connection, step))
    yield changes
    changes.save()
    _say(connection, changes.journal_id, _enrolment_sentence(connection, changes.journal_id))


def entries(connection: Connection, limit: int) -> list[JournalEntry]:
    rows = connection.execute(select(journal).order_by(journal.c.position.desc()).limit(limit))
    return [_record(row) for row in rows]


def undo(connection: Connection) -> JournalEntry | None:
    newest = select(journal).where(~journal.c.undone).order_by(journal.c.position.desc()).limit(1)
    return _turn(connection, connection.execute(newest).first(), undone=True)


def redo(connection: Connection) -> JournalEntry | None:
    oldest = select(journal).where(journal.c.undone).order_by(journal.c.position).limit(1)
    return _turn(connection, connection.execute(oldest).first(), undone=False)


def stands(connection: Connection, journal_id: int) -> bool:
    """Whether the entry is there and not undone."""
    return bool(connection.execute(
        select(exists().where(journal.c.id == journal_id, ~journal.c.undone))
    ).scalar_one())


def forget_undone(connection: Connection) -> None:
    """Drop the entries that were undone, with the rows that they had made: nothing can bring them back."""
    undone = journal.c.undone
    if not connection.execute(select(exists().where(undone))).scalar_one():
        return

    def made(table: Table) -> Any:
        return select(change.c.row_id).join(journal).where(
            undone, change.c.created, change.c.table_name == table.name
        )

    photo_ids = list(connection.scalars(
        select(face.c.photo_id).where(face.c.id.in_(made(face))).distinct()
    ))
    for table in (rejection, import_item, merger, placed_points, face, person):
        connection.execute(delete(table).where(table.c.id.in_(made(table))))
    unused = ~exists().where(face.c.photo_id == photo.c.id)
    connection.execute(delete(photo).where(photo.c.id.in_(ids_of(photo_ids)), unused))
    connection.execute(delete(journal).where(undone))


def _turn(connection: Connection, row: Row[Any] | None, undone: bool) -> JournalEntry | None:
    if row is None:
        return None
    _apply(connection, row.id, undone)
    connection.execute(update(journal).where(journal.c.id == row.id).values(undone=undone))
    return _record(row, undone)


def _apply(connection: Connection, journal_id: int, backwards: bool) -> None:
    """Write the values from before the entry (or from after it) into its rows."""
    order = change.c.id.desc() if backwards else change.c.id
    final: dict[tuple[str, int], Values] = defaultdict(dict)
    for row in connection.execute(select(change).where(change.c.journal_id == journal_id).order_by(order)):
        final[row.table_name, row.row_id].update(row.before if backwards else row.after)
    alike: dict[tuple[str, tuple[str, ...]], list[Values]] = defaultdict(list)
    for (table_name, row_id), values in final.items():
        if values:
            alike[table_name, tuple(sorted(values))].append({**values, "row_id": row_id})
    # Rows that go come first: one that comes may need the name of one that goes.
    for goes in (True, False):
        for (table_name, columns), rows in alike.items():
            some = [row for row in rows if (row.get("active") is False) == goes]
            if some:
                table = metadata.tables[table_name]
                statement = update(table).where(table.c.id == bindparam("row_id"))
                connection.execute(statement.values({name: bindparam(name) for name in columns}), some)


def _append(connection: Connection, sentence: str) -> int:
    values = {"position": _next_position(connection), "at": now(), "sentence": sentence, "undone": False}
    return insert_row(connection, journal, values)


def _grown(connection: Connection, journal_id: int | None) -> int:
    """That entry as the newest one, or a new one where there is none or it can no longer be moved."""
    forget_undone(connection)
    if journal_id is not None and _move_to_end(connection, journal_id):
        return journal_id
    return _append(connection, "")


def _say(connection: Connection, journal_id: int, sentence: str) -> None:
    connection.execute(
        update(journal).where(journal.c.id == journal_id).values(sentence=sentence, at=now())
    )


def _next_position(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.max(journal.c.position), 0))).scalar_one()) + 1


def _move_to_end(connection: Connection, journal_id: int) -> bool:
    """Make a standing entry the newest one; False where a later entry depends on its rows."""
    place = select(journal.c.position).where(journal.c.id == journal_id)
    position = connection.execute(place).scalar_one()
    later, own = change.alias(), change.alias()
    depends = (
        select(later.c.id)
        .join(journal, journal.c.id == later.c.journal_id)
        .join(own, (own.c.table_name == later.c.table_name) & (own.c.row_id == later.c.row_id))
        .where(journal.c.position > position, own.c.journal_id == journal_id)
    )
    last = _next_position(connection) - 1
    if position == last:
        return True
    if connection.execute(depends.limit(1)).first() is not None:
        return False
    connection.execute(update(journal).where(journal.c.id == journal_id).values(position=last + 1))
    return True


def _import_sentence(connection: Connection, journal_id: int, import_id: int) -> str:
    count = connection.execute(
        select(func.count(change.c.row_id.distinct()))
        .where(change.c.journal_id == journal_id, change.c.table_name == person.name)
    ).scalar_one()
    root = connection.execute(
        select(folder_import.c.root).where(folder_import.c.id == import_id)
    ).scalar_one()
    folder = root.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or root
    people = "1 person" if count == 1 else f"{count:,} people"
    return f"Imported {people} from {folder.encode('utf-8', 'replace').decode()}."


def _enrolment_sentence(connection: Connection, journal_id: int) -> str:
    def noted(table: Table) -> Any:
        return select(change.c.row_id).distinct().where(
            change.c.journal_id == journal_id, change.c.table_name == table.name
        )

    faces = connection.execute(select(func.count()).select_from(noted(face).subquery())).scalar_one()
    owners = connection.execute(
        select(person.c.first_name, person.c.surname).where(person.c.id.in_(noted(person)))
    ).all()
    whose = full_name(*owners[0]) if len(owners) == 1 else f"{len(owners):,} people"
    return f"Enrolled a face of {whose}." if faces == 1 else f"Enrolled {faces:,} faces of {whose}."


def _record(row: Row[Any], undone: bool | None = None) -> JournalEntry:
    return JournalEntry(row.id, row.at, row.sentence, row.undone if undone is None else undone)
