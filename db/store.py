"""The library: `PeopleStore` on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, update

from db import engine, imports, journal, people, photos, schema
from db.failures import translated
from db.tables import revision
from db.writer import Writer
from faceapp.errors import StoreUnavailable
from faceapp.ports import PeopleStore
from faceapp.types import (
    EmbeddingRows,
    Floats,
    ImportItem,
    JournalEntry,
    NewFace,
    Person,
    StoredFace,
    StoredPhoto,
)

P = ParamSpec("P")
T = TypeVar("T")


def open_store(path: Path, backups: Path) -> SqlPeopleStore:
    """Open the library at `path`; made where there is none, migrated (after a copy into `backups`) where it
    is of an older version. Raises StoreUnavailable."""
    schema.prepare(path, backups)
    return SqlPeopleStore(path, backups)


class SqlPeopleStore(PeopleStore):
    """Readers have connections of their own; one thread writes."""

    def __init__(self, path: Path, backups: Path) -> None:
        self._path = path
        self._backups = backups
        self._closed = False
        self._readers = engine.reading_engine(path)
        self._writer = Writer(engine.writing_engine(path))

    def __enter__(self) -> SqlPeopleStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._closed = True
        self._writer.close()
        self._readers.dispose()

    # -- reading -------------------------------------------------------------------------------
    def revision(self) -> int:
        return self._read(photos.current_revision)

    def people(self, text: str = "", limit: int | None = None, offset: int = 0) -> list[Person]:
        return self._read(people.people, text, limit, offset)

    def count(self) -> tuple[int, int, int]:
        return self._read(photos.count)

    def person(self, person_id: int) -> Person:
        return self._read(people.by_id, person_id)

    def people_by_ids(self, person_ids: Sequence[int]) -> dict[int, Person]:
        return self._read(people.by_ids, person_ids)

    def find_person(self, name: str) -> Person | None:
        return self._read(people.by_name, name)

    def faces_of(self, person_id: int) -> list[StoredFace]:
        return self._read(photos.of_person, person_id)

    def faces_by_ids(self, face_ids: Sequence[int]) -> dict[int, StoredFace]:
        return self._read(photos.by_ids, face_ids)

    def faces_on(self, sha256: str) -> list[StoredFace]:
        return self._read(photos.on_photo, sha256)

    def photo(self, photo_id: int) -> StoredPhoto:
        return self._read(photos.photo_by_id, photo_id)

    def crop(self, face_id: int) -> bytes:
        return self._read(photos.jpeg, face_id)

    def embeddings(self, model_key: str) -> EmbeddingRows:
        return self._read(photos.embeddings, model_key)

    def model_keys(self) -> list[str]:
        return self._read(photos.model_keys)

    def rejections(self, model_key: str) -> list[tuple[int, Floats]]:
        return self._read(photos.rejections, model_key)

    # -- writing -------------------------------------------------------------------------------
    def add_person(self, first_name: str, surname: str = "", note: str = "") -> Person:
        return self._write(people.add, first_name, surname, note)

    def enrol(self, person_id: int, faces: Sequence[NewFace]) -> list[StoredFace]:
        return self._write(photos.enrol, person_id, faces)

    def edit_person(self, person_id: int, first_name: str, surname: str, note: str) -> Person:
        return self._write(people.edit, person_id, first_name, surname, note)

    def merge_people(self, into_id: int, from_ids: Sequence[int]) -> Person:
        return self._write(people.merge, into_id, from_ids)

    def delete_people(self, person_ids: Sequence[int]) -> None:
        self._write(people.remove, person_ids)

    def delete_faces(self, face_ids: Sequence[int]) -> None:
        self._write(photos.remove, face_ids)

    def move_faces(self, face_ids: Sequence[int], person_id: int) -> None:
        self._write(photos.move, face_ids, person_id)

    def reject(self, person_id: int, model_key: str, embedding: Floats) -> None:
        self._write(photos.reject, person_id, model_key, embedding)

    # -- journal -------------------------------------------------------------------------------
    def journal(self, limit: int = 50) -> list[JournalEntry]:
        return self._read(journal.entries, limit)

    def undo(self) -> JournalEntry | None:
        return self._write(journal.undo)

    def redo(self) -> JournalEntry | None:
        return self._write(journal.redo)

    # -- folder imports ------------------------------------------------------------------------
    def open_import(self, root: str) -> tuple[int, list[ImportItem]]:
        return self._write(imports.open_, root)

    def import_person(
        self,
        import_id: int,
        first_name: str,
        surname: str,
        faces: Sequence[NewFace],
        items: Sequence[ImportItem],
    ) -> int | None:
        return self._write(imports.add_person, import_id, first_name, surname, faces, items)

    def close_import(self, import_id: int) -> None:
        self._write(imports.close, import_id)

    def _read(
        self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `query` on one snapshot of the library."""
        if self._closed:
            raise StoreUnavailable("store_closed", "The library is closed.")
        with translated(self._path, self._backups), self._readers.begin() as connection:
            return query(connection, *args, **kwargs)

    def _write(
        self, change: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `change` on the writer's thread, in one transaction that also raises the revision."""

        def work(connection: Connection) -> T:
            connection.execute(update(revision).values(number=revision.c.number + 1))
            return change(connection, *args, **kwargs)

        with translated(self._path, self._backups):
            return self._writer.call(work)
