"""The people of the library: list, rename, merge, delete, take back."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from faceapp.errors import NotFound
from faceapp.ports import PeopleStore
from faceapp.types import Floats, JournalEntry, Person, StoredFace


class People:
    """Every change is remembered and can be taken back."""

    def __init__(self, store: PeopleStore) -> None:
        self._store = store

    def revision(self) -> int:
        """A number that grows with every change, also by another process."""
        return self._store.revision()

    def count(self) -> tuple[int, int, int]:
        """How many people, photos and faces are enrolled."""
        return self._store.count()

    def find(self, text: str = "", limit: int | None = None, offset: int = 0) -> list[Person]:
        """People whose name or note contains `text`, by name."""
        return self._store.people(text, limit, offset)

    def get(self, person_id: int) -> Person:
        return self._store.person(person_id)

    def named(self, name: str) -> Person:
        """The person of that name. Raises NotFound, with the names that are close."""
        person = self._store.find_person(name)
        if person is not None:
            return person
        known = [candidate.name for candidate in self._store.people()]
        close = difflib.get_close_matches(name, known, n=3)
        hint = f"Did you mean {' or '.join(close)}?" if close else ""
        raise NotFound("no_such_person", f"Nobody is called “{name}”.", hint)

    def faces(self, person_id: int) -> list[StoredFace]:
        return self._store.faces_of(person_id)

    def face(self, face_id: int) -> StoredFace:
        faces = self._store.faces_by_ids([face_id])
        if face_id not in faces:
            raise NotFound("no_such_face", f"There is no face {face_id}.")
        return faces[face_id]

    def crop(self, face_id: int) -> bytes:
        """JPEG bytes of an enrolled face."""
        return self._store.crop(face_id)

    def edit(self, person_id: int, first_name: str, surname: str = "", note: str = "") -> Person:
        """Raises Conflict when somebody else has that name."""
        return self._store.edit_person(person_id, first_name, surname, note)

    def set_no_swap(self, person_id: int, on: bool) -> Person:
        """Whether nobody may swap this person's face."""
        return self._store.set_no_swap(person_id, on)

    def points(self, face_id: int) -> Floats | None:
        """(68, 2) points in pixels of the photo, where somebody placed them by hand."""
        return self._store.points(face_id)

    def set_points(self, face_id: int, points: Floats | None) -> None:
        """Keep points (68, 2) placed by hand; None: go back to those that are found."""
        self._store.set_points(face_id, points)

    def merge(self, into_id: int, from_ids: Sequence[int]) -> Person:
        return self._store.merge_people(into_id, from_ids)

    def delete(self, person_ids: Sequence[int]) -> None:
        self._store.delete_people(person_ids)

    def delete_faces(self, face_ids: Sequence[int]) -> None:
        self._store.delete_faces(face_ids)

    def move_faces(self, face_ids: Sequence[int], person_id: int) -> None:
        self._store.move_faces(face_ids, person_id)

    def journal(self, limit: int = 50) -> list[JournalEntry]:
        return self._store.journal(limit)

    def undo(self) -> JournalEntry | None:
        """Take back the newest change; None when there is nothing to take back."""
        return self._store.undo()

    def redo(self) -> JournalEntry | None:
        """Do again what was taken back last; None when there is nothing."""
        return self._store.redo()
