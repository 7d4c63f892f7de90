"""The library: `Store` on SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from db import forgetting, imports, journal, people, photos, schema
from db.library import Library
from db.sighting_store import SqlSightingStore
from faceapp.ports import PeopleStore, Store
from faceapp.types import (
    Box,
    EmbeddingRows,
    Floats,
    Forgotten,
    ImportItem,
    JournalEntry,
    NewFace,
    Person,
    PersonName,
    StoredFace,
    Traces,
)


def open_store(path: Path, backups: Path) -> SqlStore:
    """Open the library at `path`; made where there is none, migrated (after a copy into `backups`) where it
    is of an older version. Raises StoreUnavailable."""
    schema.prepare(path, backups)
    return SqlStore(path, backups)


class SqlPeopleStore(Library, PeopleStore):
    """People, photos, faces, journal and imports."""

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

    def crop(self, face_id: int) -> bytes:
        return self._read(photos.jpeg, face_id)

    def embeddings(self, model_key: str) -> EmbeddingRows:
        return self._read(photos.embeddings, model_key)

    def model_keys(self) -> list[str]:
        return self._read(photos.model_keys)

    def rejections(self, model_key: str) -> list[tuple[int, Floats]]:
        return self._read(photos.rejections, model_key)

    def points(self, face_id: int) -> Floats | None:
        return self._read(photos.points, face_id)

    def points_on(self, sha256: str) -> list[tuple[Box, Floats]]:
        return self._read(photos.points_on, sha256)

    # -- writing -------------------------------------------------------------------------------
    def add_person(self, first_name: str, surname: str = "", note: str = "") -> Person:
        return self._write(people.add, first_name, surname, note)

    def enrol(
        self, who: int | PersonName, faces: Sequence[NewFace], step: int | None = None
    ) -> tuple[list[StoredFace], int]:
        return self._write(photos.enrol, who, faces, step)

    def edit_person(self, person_id: int, first_name: str, surname: str, note: str) -> Person:
        return self._write(people.edit, person_id, first_name, surname, note)

    def merge_people(self, into_id: int, from_ids: Sequence[int]) -> Person:
        return self._write(people.merge, into_id, from_ids)

    def delete_people(self, person_ids: Sequence[int]) -> None:
        self._write(people.remove, person_ids)

    def deleted_people(self, name: str) -> list[int]:
        return self._read(forgetting.deleted, name)

    def traces(self, person_ids: Sequence[int]) -> Traces:
        return self._read(forgetting.traces, person_ids)

    def forget_people(self, person_ids: Sequence[int]) -> Forgotten:
        gone = self._write(forgetting.forget, person_ids)
        return replace(gone, wiped=self._scrub())

    def delete_faces(self, face_ids: Sequence[int]) -> None:
        self._write(photos.remove, face_ids)

    def move_faces(self, face_ids: Sequence[int], person_id: int) -> None:
        self._write(photos.move, face_ids, person_id)

    def reject(self, person_id: int, model_key: str, embedding: Floats) -> None:
        self._write(photos.reject, person_id, model_key, embedding)

    def set_no_swap(self, person_id: int, on: bool) -> Person:
        return self._write(people.set_no_swap, person_id, on)

    def set_points(self, face_id: int, points: Floats | None) -> None:
        self._write(photos.set_points, face_id, points)

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


class SqlStore(SqlPeopleStore, SqlSightingStore, Store):
    """Everything that the library holds."""
