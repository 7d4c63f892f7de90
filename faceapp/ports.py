"""What the core needs from outside, as Protocols. `db` implements the store; `ui` an executor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from faceapp.live import Camera, Group, NewSighting, Sighting, SightingFilter
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


class PeopleStore(Protocol):
    """People, photos, faces and embeddings. Every write is one transaction and one journal entry.

    Safe to call from any thread; a call that writes comes back when the write is on the disk.
    Raises NotFound, Conflict and StoreUnavailable.
    """

    def revision(self) -> int:
        """A number that grows with every write, by this process or another."""

    # -- reading ---------------------------------------------------------------------------
    def people(self, text: str = "", limit: int | None = None, offset: int = 0) -> list[Person]:
        """People whose name or note contains `text`, ignoring case and accents, by name."""

    def count(self) -> tuple[int, int, int]:
        """How many people, photos and faces are enrolled."""

    def person(self, person_id: int) -> Person: ...

    def people_by_ids(self, person_ids: Sequence[int]) -> dict[int, Person]: ...

    def find_person(self, name: str) -> Person | None:
        """The person of that full name; case, accents, runs of spaces and underscores do not count."""

    def faces_of(self, person_id: int) -> list[StoredFace]: ...

    def faces_by_ids(self, face_ids: Sequence[int]) -> dict[int, StoredFace]: ...

    def faces_on(self, sha256: str) -> list[StoredFace]:
        """The enrolled faces of the photo with these bytes."""

    def crop(self, face_id: int) -> bytes:
        """The JPEG bytes of an enrolled face's crop."""

    def embeddings(self, model_key: str) -> EmbeddingRows:
        """Every enrolled face's embedding under that model, in order of face id."""

    def model_keys(self) -> list[str]:
        """The models that the enrolled faces were embedded with."""

    def rejections(self, model_key: str) -> list[tuple[int, Floats]]:
        """"Not this person": (person id, embedding (D,)) pairs."""

    def points(self, face_id: int) -> Floats | None:
        """(68, 2) points of an enrolled face in pixels of its photo, where somebody placed them by hand."""

    def points_on(self, sha256: str) -> list[tuple[Box, Floats]]:
        """Box and hand-placed points of every enrolled face of that photo that has some."""

    # -- writing: each is one journal entry that `undo` takes back ---------------------------
    def add_person(self, first_name: str, surname: str = "", note: str = "") -> Person: ...

    def enrol(
        self, who: int | PersonName, faces: Sequence[NewFace], step: int | None = None
    ) -> tuple[list[StoredFace], int]:
        """Enrol faces for a person found by number or name, or made new by that name, as one change.

        step: what the last call for the same enrolment came back with: then all its faces and people are
        one journal entry, however many calls it takes. Comes back with the faces and the step. Raises
        Conflict when one of the faces is enrolled already (then none is), or when that entry was undone
        meanwhile (enrolment_undone).
        """

    def edit_person(self, person_id: int, first_name: str, surname: str, note: str) -> Person:
        """Raise Conflict when another person has that name (the window then offers a merge)."""

    def merge_people(self, into_id: int, from_ids: Sequence[int]) -> Person: ...

    def delete_people(self, person_ids: Sequence[int]) -> None: ...

    def delete_faces(self, face_ids: Sequence[int]) -> None:
        """A person whose last face goes stays, without a photo."""

    def move_faces(self, face_ids: Sequence[int], person_id: int) -> None: ...

    def reject(self, person_id: int, model_key: str, embedding: Floats) -> None:
        """Remember that a face with this embedding is not this person."""

    def set_no_swap(self, person_id: int, on: bool) -> Person:
        """Whether nobody may swap this person's face."""

    def set_points(self, face_id: int, points: Floats | None) -> None:
        """Keep the points (68, 2) that somebody placed by hand; None: use those that are found again."""

    # -- forgetting: nothing brings it back --------------------------------------------------
    def deleted_people(self, name: str) -> list[int]:
        """The numbers of deleted people of that name, who could still come back."""

    def traces(self, person_ids: Sequence[int]) -> Traces:
        """What is known of these people, deleted or not."""

    def forget_people(self, person_ids: Sequence[int]) -> Forgotten:
        """Take these people out of the library with everything about them: their faces, crops, embeddings,
        rejections, sightings, and the journal up to the newest change that has to do with them, with whatever
        only that could have brought back."""

    # -- journal --------------------------------------------------------------------------------
    def journal(self, limit: int = 50) -> list[JournalEntry]:
        """Newest first."""

    def undo(self) -> JournalEntry | None:
        """Take back the newest change that stands; None when there is nothing to take back."""

    def redo(self) -> JournalEntry | None:
        """Do again what was taken back last; None when there is nothing (or something was changed since)."""

    # -- folder imports, which carry on after a kill ---------------------------------------------
    def open_import(self, root: str) -> tuple[int, list[ImportItem]]:
        """The id of the unfinished import of that folder with what it has done, or a new one."""

    def import_person(
        self,
        import_id: int,
        first_name: str,
        surname: str,
        faces: Sequence[NewFace],
        items: Sequence[ImportItem],
    ) -> int | None:
        """In one transaction: the person (found by name or new, none when `faces` is empty) with
        these faces, and what became of each file. Comes back with the person's id. All persons of
        one import are one journal entry: `undo` takes the whole import back."""

    def close_import(self, import_id: int) -> None: ...

    def close(self) -> None:
        """Drain the writer and let go of the file. May be called twice."""


class SightingStore(Protocol):
    """Who was seen when, the visitors, the groups for attendance and the cameras. Not part of the people's
    journal: the person of a sighting is looked up when it is read, so undo and redo show at once.

    Safe to call from any thread, as `PeopleStore` is, and raises the same errors.
    """

    def sighting_revision(self) -> int:
        """A number that grows with every write of sightings, visitors, groups and cameras but
        `extend_sightings`. `PeopleStore.revision` does not grow with these."""

    def add_sighting(self, sighting: NewSighting) -> int: ...

    def extend_sightings(self, lasts: Mapping[int, datetime]) -> None:
        """The tracks of these sightings were there until then, all in one transaction; an earlier time than
        what is known changes nothing. Those that were deleted meanwhile are passed over."""

    def sightings(
        self, chosen: SightingFilter, limit: int | None = None, offset: int = 0
    ) -> list[Sighting]:
        """Newest first; those of which any part is from `since` up to `until`. Those of deleted people
        stay, without a person."""

    def count_sightings(self, chosen: SightingFilter) -> int: ...

    def sighting_sources(self) -> list[str]:
        """Every source that anybody was seen by, by name."""

    def sighting_crop(self, sighting_id: int) -> bytes: ...

    def delete_sightings(self, chosen: SightingFilter) -> int:
        """For good, with their crops and embeddings; comes back with how many."""

    def delete_these_sightings(self, sighting_ids: Sequence[int]) -> int:
        """The same by number; those that are gone already are passed over."""

    def correct_sighting(self, sighting_id: int, person_id: int | None) -> None:
        """Say who it was; None for nobody who is enrolled."""

    def strangers(self, model_key: str) -> list[tuple[int, int | None]]:
        """(sighting id, visitor number or None) of everybody who was seen without being known, by id: also
        strangers who were seen once, and visitors who have a name by now."""

    def sighted(self, sighting_ids: Sequence[int]) -> dict[int, Floats]:
        """The embeddings (D,) of these sightings; without those that are gone."""

    def visitor_of(self, sighting_id: int) -> int:
        """The visitor of that sighting; a new number, given to the sighting, where it has none."""

    def visitor_person(self, visitor: int) -> Person | None:
        """Who that visitor is by now; None while they have no name."""

    def name_visitor(self, visitor: int, person_id: int) -> int:
        """From now on, and in all earlier sightings, that visitor is this person; how many took the name."""

    def groups(self) -> list[Group]: ...

    def save_group(self, name: str, person_ids: Sequence[int]) -> Group:
        """Make a group or replace its members."""

    def delete_group(self, group_id: int) -> None: ...

    def cameras(self) -> list[Camera]:
        """The cameras that may be opened by address, by name."""

    def add_camera(self, name: str, address: str) -> Camera:
        """Raise Conflict when the name or the address is there already."""

    def remove_camera(self, name: str) -> None: ...


class Store(PeopleStore, SightingStore, Protocol):
    """The whole library: one file, one thread that writes."""


class Executor(Protocol):
    """Runs functions on named lanes: calls on one lane run one after another, in order."""

    def submit(self, lane: str, call: Callable[[], None]) -> None: ...

    def shutdown(self, timeout: float) -> list[str]:
        """Stop; wait up to `timeout` seconds; come back with the names of lanes still busy."""
