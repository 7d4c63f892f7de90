"""The tables. Rows that a person made are never deleted while they can come back: `active` is cleared
instead, and the journal sets it again (docs/adr/0001-journal.md).

An id is never used twice (AUTOINCREMENT): a window may still show a person that is gone.
An active face always belongs to an active person: whatever takes a person away takes the faces too.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData(naming_convention={
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
})


class UtcTime(TypeDecorator[datetime]):
    """A moment, kept in UTC; comes back aware of its zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.replace(tzinfo=UTC)


class PathText(TypeDecorator[str]):
    """A path as text. One that is not Unicode (old file systems have them) is kept as its bytes."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _active() -> Column[bool]:
    return Column("active", Boolean, nullable=False)


# Word for word what a query's `where(table.c.active)` becomes, or SQLite would not use the index for it.
IS_ACTIVE = text("active = 1")

person = Table(
    "person", metadata, _id(),
    Column("first_name", String(200), nullable=False),
    Column("surname", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Column("folded", Text, nullable=False, comment="full name as db.names.fold leaves it"),
    Column("folded_note", Text, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("no_swap", Boolean, nullable=False, server_default=text("0")),
    _active(),
    sqlite_autoincrement=True,
)
# Two processes cannot make the same name twice.
Index("uq_person_folded_active", person.c.folded, unique=True, sqlite_where=IS_ACTIVE)

photo = Table(
    "photo", metadata, _id(),
    Column("sha256", String(64), nullable=False),
    Column("path", PathText, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    UniqueConstraint("sha256"),
    sqlite_autoincrement=True,
)

face = Table(
    "face", metadata, _id(),
    Column("person_id", Integer, ForeignKey("person.id"), nullable=False),
    Column("photo_id", Integer, ForeignKey("photo.id"), nullable=False),
    *(Column(name, Float, nullable=False) for name in ("x1", "y1", "x2", "y2")),
    Column("landmarks", LargeBinary, nullable=False, comment="float32, x y of each point"),
    *(
        Column(name, Float, nullable=False)
        for name in ("size", "sharpness", "brightness", "contrast", "yaw", "pitch", "roll", "score")
    ),
    _active(),
    Index("ix_face_person", "person_id", "active", "photo_id"),
    Index("ix_face_photo", "photo_id", "active"),
    sqlite_autoincrement=True,
)

# The crop and the vectors have tables of their own, so that listing faces reads neither.
crop = Table(
    "crop", metadata,
    Column("face_id", Integer, ForeignKey("face.id", ondelete="CASCADE"), primary_key=True),
    Column("jpeg", LargeBinary, nullable=False),
)

embedding = Table(
    "embedding", metadata,
    Column("face_id", Integer, ForeignKey("face.id", ondelete="CASCADE"), primary_key=True),
    Column("model_key", String(100), primary_key=True),
    Column("vector", LargeBinary, nullable=False, comment="float32, unit length"),
    Index("ix_embedding_model_key", "model_key"),
    sqlite_with_rowid=False,
)

# Points that somebody placed by hand. A row is never written over: the journal brings the last ones back.
placed_points = Table(
    "placed_points", metadata, _id(),
    Column("face_id", Integer, ForeignKey("face.id", ondelete="CASCADE"), nullable=False),
    Column("points", LargeBinary, nullable=False, comment="float32, x y of each of 68 points"),
    _active(),
    sqlite_autoincrement=True,
)
Index("uq_placed_points_face_id_active", placed_points.c.face_id, unique=True, sqlite_where=IS_ACTIVE)

rejection = Table(
    "rejection", metadata, _id(),
    Column("person_id", Integer, ForeignKey("person.id"), nullable=False, index=True),
    Column("model_key", String(100), nullable=False, index=True),
    Column("vector", LargeBinary, nullable=False, comment="float32, unit length"),
    _active(),
    sqlite_autoincrement=True,
)

journal = Table(
    "journal", metadata, _id(),
    Column("position", Integer, nullable=False, comment="the order in which entries are undone"),
    Column("at", UtcTime, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("undone", Boolean, nullable=False),
    UniqueConstraint("position"),
    sqlite_autoincrement=True,
)

change = Table(
    "change", metadata, _id(),
    Column("journal_id", Integer, ForeignKey("journal.id", ondelete="CASCADE"), nullable=False),
    Column("table_name", String(30), nullable=False),
    Column("row_id", Integer, nullable=False),
    Column("created", Boolean, nullable=False, comment="the row did not exist before"),
    Column("before", JSON, nullable=False, comment="column -> value; empty: depended on, not changed"),
    Column("after", JSON, nullable=False),
    Index("ix_change_journal", "journal_id", "table_name", "row_id"),
)

folder_import = Table(
    "import", metadata, _id(),
    Column("root", PathText, nullable=False, index=True),
    Column("started", UtcTime, nullable=False),
    Column("finished", Boolean, nullable=False),
    # No foreign key: an entry that was undone and forgotten must be told from "none yet".
    Column("journal_id", Integer),
    sqlite_autoincrement=True,
)

import_item = Table(
    "import_item", metadata, _id(),
    Column("import_id", Integer, ForeignKey("import.id"), nullable=False, index=True),
    Column("path", PathText, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified_ns", BigInteger, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("code", String(50), nullable=False),
    Column("reason", PathText, nullable=False, comment="may name the file"),
    _active(),
    sqlite_autoincrement=True,
)
Index(
    "uq_import_item_path_active", import_item.c.import_id, import_item.c.path,
    unique=True, sqlite_where=IS_ACTIVE,
)

# One row. Every write transaction adds one to it, so that any process sees that something changed.
revision = Table(
    "revision", metadata,
    _id(),
    Column("number", Integer, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

# -- who was seen when: not part of the journal -------------------------------------------------------------

# Whom a merged person has become. `active` is the journal's: undoing the merge ends it, and the sightings of
# both people are told apart again without one of them being written.
merger = Table(
    "merger", metadata, _id(),
    Column("person_id", Integer, ForeignKey("person.id", ondelete="CASCADE"), nullable=False),
    Column("into_id", Integer, ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    _active(),
    sqlite_autoincrement=True,
)
Index("uq_merger_person_id_active", merger.c.person_id, unique=True, sqlite_where=IS_ACTIVE)

# The id is the number that people read: "Visitor 7". It is never given twice.
visitor = Table(
    "visitor", metadata, _id(),
    Column("person_id", Integer, ForeignKey("person.id", ondelete="SET NULL"), index=True),
    sqlite_autoincrement=True,
)

sighting = Table(
    "sighting", metadata, _id(),
    Column("source", PathText, nullable=False),
    Column("folded_source", Text, nullable=False, comment="source as db.names.fold leaves it"),
    Column("first", UtcTime, nullable=False, index=True),
    Column("last", UtcTime, nullable=False, index=True),
    Column("person_id", Integer, ForeignKey("person.id", ondelete="SET NULL"), index=True),
    Column("visitor_id", Integer, ForeignKey("visitor.id"), index=True),
    Column("distance", Float),
    sqlite_autoincrement=True,
)

# Apart, so that listing sightings reads neither. The vector stands first: SQLite stops reading behind it.
sighted_face = Table(
    "sighted_face", metadata,
    Column("sighting_id", Integer, ForeignKey("sighting.id", ondelete="CASCADE"), primary_key=True),
    Column("model_key", String(100), nullable=False, index=True),
    Column("vector", LargeBinary, nullable=False, comment="float32, unit length"),
    Column("jpeg", LargeBinary, nullable=False),
)

person_group = Table(
    "person_group", metadata, _id(),
    Column("name", String(200), nullable=False),
    Column("folded", Text, nullable=False, comment="name as db.names.fold leaves it"),
    UniqueConstraint("folded"),
    sqlite_autoincrement=True,
)

group_member = Table(
    "group_member", metadata,
    Column("group_id", Integer, ForeignKey("person_group.id", ondelete="CASCADE"), primary_key=True),
    Column("person_id", Integer, ForeignKey("person.id", ondelete="CASCADE"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)

camera = Table(
    "camera", metadata, _id(),
    Column("name", String(200), nullable=False),
    Column("folded", Text, nullable=False, comment="name as db.names.fold leaves it"),
    Column("address", Text, nullable=False, comment="may hold a password"),
    UniqueConstraint("folded"),
    UniqueConstraint("address"),
    sqlite_autoincrement=True,
)

# As `revision`, for the tables of this part: a sighting must not make a search read all people again.
sighting_revision = Table(
    "sighting_revision", metadata,
    _id(),
    Column("number", Integer, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
