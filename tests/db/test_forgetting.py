"""Forgetting people: what goes, what stays, and that the bytes are gone from the files."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from db.store import SqlStore, open_store
from faceapp.errors import NotFound
from faceapp.live import NewSighting, SightingFilter
from faceapp.types import ImportItem, NewFace, PersonName

MakeFace = Callable[..., NewFace]
Dumped = Callable[[SqlStore], dict[str, Any]]
NAME = "Xanthippe"


def vector(number: int) -> np.ndarray:
    return np.random.default_rng(1000 + number).standard_normal(8).astype(np.float32)


def files(library: Path) -> bytes:
    """Everything that is on the disk of the library."""
    return b"".join(path.read_bytes() for path in sorted(library.parent.glob(f"{library.name}*")))


def seen(person_id: int | None, number: int) -> NewSighting:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return NewSighting(
        source="door", first=now, last=now, person_id=person_id, visitor=None, distance=0.1,
        model_key="test", embedding=vector(number), crop=f"sighted {number}".encode(),
    )


@pytest.fixture
def known(store: SqlStore, new_face: MakeFace) -> SqlStore:
    """Ann (1), face 1; Xanthippe (2), faces 2 and 3, and everything else that can be known of somebody."""
    store.enrol(PersonName("Ann"), [new_face(1)])
    faces, _ = store.enrol(PersonName(NAME, "Bulwer", "secretnote"), [new_face(2), new_face(3)])
    her = faces[0].person_id
    store.edit_person(her, NAME, "Quillfeather", "othernote")
    store.reject(her, "test", vector(1))
    store.set_points(faces[0].id, np.full((68, 2), 77.7, np.float32))
    store.add_sighting(seen(her, 2))
    store.add_sighting(seen(1, 3))
    store.save_group("Club", [her, 1])
    return store


def secrets(new_face: MakeFace) -> list[bytes]:
    """What must not be found in the files once she is forgotten."""
    rows = [new_face(number) for number in (2, 3)]
    embeddings = [row.face.embedding.tobytes() for row in rows if row.face.embedding is not None]
    return [
        *embeddings, *(row.crop for row in rows), *(row.face.landmarks.tobytes() for row in rows),
        *(row.sha256.encode() for row in rows), *(row.path.encode() for row in rows),
        vector(1).tobytes(), vector(2).tobytes(), b"sighted 2", np.full(8, 77.7, np.float32).tobytes(),
        NAME.encode(), NAME.lower().encode(), b"Bulwer", b"bulwer", b"Quillfeather",
        b"secretnote", b"othernote",
    ]  # fmt: skip


def test_nothing_of_hers_is_left_in_the_files(known: SqlStore, library: Path, new_face: MakeFace) -> None:
    assert all(secret in files(library) for secret in secrets(new_face))
    gone = known.forget_people([2])
    assert (gone.people, gone.faces, gone.sightings) == ((f"{NAME} Quillfeather",), 2, 1)
    assert gone.photos == ("/photos/00002.jpg", "/photos/00003.jpg")
    assert gone.wiped
    left = files(library)
    assert [secret for secret in secrets(new_face) if secret in left] == []
    others = new_face(1)
    assert others.face.embedding is not None
    assert all(kept in left for kept in (others.face.embedding.tobytes(), others.crop, b"sighted 3", b"Ann"))


def test_the_others_stay_and_she_cannot_come_back(known: SqlStore) -> None:
    before = known.revision(), known.sighting_revision()
    known.forget_people([2])
    assert [person.name for person in known.people()] == ["Ann"]
    assert known.count() == (1, 1, 1)
    assert [one.person.name for one in known.sightings(SightingFilter()) if one.person] == ["Ann"]
    assert [group.person_ids for group in known.groups()] == [(1,)]
    assert known.revision() > before[0] and known.sighting_revision() > before[1]
    assert (known.journal(), known.undo(), known.redo()) == ([], None, None)


def test_a_deleted_person_is_found_by_name_and_forgotten(
    known: SqlStore, library: Path, new_face: MakeFace
) -> None:
    known.delete_people([2])
    assert known.deleted_people("xanthippe  QUILLFEATHER") == [2]
    assert known.deleted_people("Ann") == []
    known.forget_people([2])
    left = files(library)
    assert [secret for secret in secrets(new_face) if secret in left] == []
    assert known.deleted_people(f"{NAME} Quillfeather") == []
    with pytest.raises(NotFound):
        known.forget_people([2])


def test_whoever_was_merged_into_her_is_forgotten_too(
    known: SqlStore, library: Path, new_face: MakeFace
) -> None:
    faces, _ = known.enrol(PersonName("Wilhelmina"), [new_face(4)])
    known.add_sighting(seen(faces[0].person_id, 5))
    known.merge_people(2, [faces[0].person_id])
    assert known.deleted_people("Wilhelmina") == []  # she is Xanthippe now
    assert known.traces([2]).names == (f"{NAME} Quillfeather", "Wilhelmina", f"{NAME} Bulwer")
    gone = known.forget_people([2])
    assert (gone.faces, gone.sightings) == (3, 2)
    left = files(library)
    words = b"Wilhelmina", b"wilhelmina", b"sighted 5"
    assert [secret for secret in (*secrets(new_face), *words) if secret in left] == []


def test_later_changes_of_others_can_still_be_undone(
    known: SqlStore, new_face: MakeFace, dumped: Dumped
) -> None:
    (moved,), _ = known.enrol(2, [new_face(6)])
    known.move_faces([moved.id], 1)
    known.enrol(PersonName("Bob"), [new_face(7)])
    known.edit_person(1, "Anna", "", "")
    known.forget_people([2])
    sentences = ["Renamed Ann to Anna.", "Enrolled a face of Bob."]
    assert [entry.sentence for entry in known.journal()] == sentences
    after = dumped(known)
    while known.undo():
        pass
    assert [(person.name, person.photos) for person in known.people()] == [("Ann", 2)]
    assert sorted(dumped(known)["faces"]) == [1, moved.id]  # a face that was said to be Ann's is hers
    while known.redo():
        pass
    assert dumped(known) == after


def test_what_only_dropped_entries_could_bring_back_goes_with_them(
    store: SqlStore, library: Path, new_face: MakeFace
) -> None:
    old, _ = store.enrol(PersonName("Oldest"), [new_face(1)])
    store.delete_people([old[0].person_id])
    her, _ = store.enrol(PersonName(NAME), [new_face(2)])
    late, _ = store.enrol(PersonName("Late"), [new_face(3)])
    store.delete_people([late[0].person_id])
    store.forget_people([her[0].person_id])
    assert b"Oldest" not in files(library)
    assert store.undo() is not None
    assert [(person.name, person.photos) for person in store.people()] == [("Late", 1)]


def test_sightings_of_a_merged_person_outlast_the_journal(store: SqlStore, new_face: MakeFace) -> None:
    ann, annie = store.add_person("Ann"), store.add_person("Annie")
    store.add_sighting(seen(annie.id, 1))
    store.merge_people(ann.id, [annie.id])
    her, _ = store.enrol(PersonName(NAME), [new_face(2)])
    store.forget_people([her[0].person_id])
    assert [one.person.name for one in store.sightings(SightingFilter()) if one.person] == ["Ann"]


def test_imports_forget_her_files_and_carry_on(store: SqlStore, library: Path, new_face: MakeFace) -> None:
    def item(path: str, reason: str = "") -> ImportItem:
        return ImportItem(path, 1, 1, "skipped" if reason else "enrolled", "x" if reason else "", reason)

    number, _ = store.open_import("/album")
    face = replace(new_face(2), path=f"/album/{NAME}_B/1.jpg")
    her = store.import_person(number, NAME, "B", [face], [item(f"{NAME}_B/1.jpg")])
    store.import_person(number, "Ann", "", [new_face(1)], [item("Ann/1.jpg")])
    store.import_person(number, "", "", (), [item("Ann/2.jpg", f"This face is enrolled as {NAME} B.")])
    assert her is not None
    store.forget_people([her])
    assert NAME.encode() not in files(library) and NAME.lower().encode() not in files(library)
    same, items = store.open_import("/album")
    assert (same, [one.path for one in items]) == (number, ["Ann/1.jpg"])
    store.import_person(number, "Bob", "", [new_face(3)], [item("Bob/1.jpg")])
    store.close_import(number)
    assert [person.name for person in store.people()] == ["Ann", "Bob"]
    store.undo()
    assert [person.name for person in store.people()] == ["Ann"]


def test_it_says_so_when_another_program_holds_the_file(
    known: SqlStore, library: Path, backups: Path, new_face: MakeFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.engine.BUSY_SECONDS", 0.2)
    with open_store(library, backups) as other, closing(sqlite3.connect(library)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM person").fetchone()
        assert not other.forget_people([2]).wiped
        assert other.people() != []
    assert [person.name for person in known.people()] == ["Ann"]
    known.forget_people([1])
    assert not any(secret in files(library) for secret in secrets(new_face))
