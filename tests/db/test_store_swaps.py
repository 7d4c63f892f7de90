"""What swap, morph and average ask the store: who must not be swapped, and points placed by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from db.store import SqlPeopleStore, open_store
from faceapp.errors import NotFound
from faceapp.types import Box, NewFace

MakeFace = Callable[..., NewFace]
OLD = Path(__file__).parent / "library_0001.sql"
POINTS = np.random.default_rng(1).uniform(0, 100, (68, 2)).astype(np.float32)
SHA = "ab" * 32


def test_a_person_may_be_swapped_until_somebody_forbids_it(store: SqlPeopleStore) -> None:
    ann, bob = store.add_person("Ann"), store.add_person("Bob")
    assert not ann.no_swap
    forbidden = store.set_no_swap(ann.id, True)
    assert forbidden.no_swap
    assert store.person(ann.id) == forbidden
    assert [person.no_swap for person in store.people()] == [True, False]
    assert store.find_person("Bob") == bob
    assert store.edit_person(ann.id, "Anna", "", "").no_swap, "a new name does not lift it"
    assert not store.set_no_swap(ann.id, False).no_swap
    assert store.journal()[0].sentence == "The face of Anna may be swapped again."


def test_what_is_so_already_is_no_change(store: SqlPeopleStore, new_face: MakeFace) -> None:
    ann = store.add_person("Ann")
    (face,), _ = store.enrol(ann.id, [new_face(1)])
    store.set_no_swap(ann.id, False)
    store.set_points(face.id, None)
    store.set_points(face.id, POINTS)
    store.set_points(face.id, POINTS.copy())
    store.set_no_swap(ann.id, True)
    store.set_no_swap(ann.id, True)
    assert [entry.sentence for entry in store.journal()] == [
        "Nobody may swap the face of Ann.", "Placed the points of a face of Ann.",
        "Enrolled a face of Ann.", "Added Ann.",
    ]


@pytest.mark.parametrize("forbidden", ["into", "other", "both", "none"])
def test_merged_people_stay_forbidden(store: SqlPeopleStore, forbidden: str) -> None:
    ann, bob = store.add_person("Ann"), store.add_person("Bob")
    store.set_no_swap(ann.id, forbidden in ("into", "both"))
    store.set_no_swap(bob.id, forbidden in ("other", "both"))
    before = store.people()
    assert store.merge_people(ann.id, [bob.id]).no_swap == (forbidden != "none")
    store.undo()
    assert store.people() == before


def test_points_are_kept_with_their_face(store: SqlPeopleStore, new_face: MakeFace) -> None:
    ann, bob = store.add_person("Ann"), store.add_person("Bob")
    (first, second), _ = store.enrol(ann.id, [new_face(1, sha256=SHA), new_face(2, sha256=SHA, left=50)])
    (other,), _ = store.enrol(bob.id, [new_face(3)])
    assert store.points(first.id) is None
    assert store.points_on(SHA) == []
    store.set_points(first.id, POINTS)
    store.set_points(first.id, POINTS + 2)
    store.set_points(second.id, POINTS[::-1])
    store.set_points(other.id, POINTS)
    kept = store.points(first.id)
    assert kept is not None
    np.testing.assert_array_equal(kept, POINTS + 2)
    (one_box, one), (other_box, two) = store.points_on(SHA)
    assert (one_box, other_box) == (Box(0, 10, 40, 60), Box(50, 10, 90, 60))
    np.testing.assert_array_equal(one, POINTS + 2)
    np.testing.assert_array_equal(two, POINTS[::-1])
    store.move_faces([first.id], bob.id)
    assert store.points(first.id) is not None, "they go with the face"


def test_points_of_a_deleted_face_come_back_with_it(store: SqlPeopleStore, new_face: MakeFace) -> None:
    ann = store.add_person("Ann")
    (face,), _ = store.enrol(ann.id, [new_face(1, sha256=SHA)])
    store.set_points(face.id, POINTS)
    store.delete_people([ann.id])
    assert store.points_on(SHA) == []
    with pytest.raises(NotFound):
        store.points(face.id)
    store.undo()
    assert len(store.points_on(SHA)) == 1


@pytest.mark.parametrize("wrong", [
    POINTS[:67], POINTS.reshape(-1), np.full((68, 2), np.nan, np.float32),
])
def test_what_are_no_points_is_a_bug(store: SqlPeopleStore, new_face: MakeFace, wrong: np.ndarray) -> None:
    ann = store.add_person("Ann")
    (face,), _ = store.enrol(ann.id, [new_face(1)])
    with pytest.raises(ValueError, match="points"):
        store.set_points(face.id, wrong)
    assert store.points(face.id) is None


@pytest.mark.parametrize("unknown", [0, 99, -1, 2**70])
def test_unknown_numbers_are_not_found(store: SqlPeopleStore, unknown: int) -> None:
    for call in (
        lambda: store.set_no_swap(unknown, True), lambda: store.points(unknown),
        lambda: store.set_points(unknown, POINTS), lambda: store.set_points(unknown, None),
    ):
        with pytest.raises(NotFound):
            call()
    assert store.points_on("no such photo") == []


def test_an_old_library_may_swap_everybody_and_gives_no_number_twice(library: Path, backups: Path) -> None:
    with closing(sqlite3.connect(library)) as connection:
        connection.executescript(OLD.read_text("utf-8"))
        connection.execute("UPDATE sqlite_sequence SET seq = 41 WHERE name = 'person'")  # forgotten people
        connection.commit()
        connection.execute("PRAGMA journal_mode = WAL")
    with open_store(library, backups) as store:
        people = store.people()
        assert [(person.name, person.no_swap) for person in people] == [
            ("Ann Lee", False), ("Bob Zoë", False), ("Cy", False),
        ]
        ann = people[0]
        face = store.faces_of(ann.id)[0]
        store.set_no_swap(ann.id, True)
        store.set_points(face.id, POINTS)
        assert store.add_person("New").id == 42
        with pytest.raises(Exception, match="already a person"):
            store.add_person("Ann Lee")
        for _ in range(3):
            store.undo()
        assert store.people() == people
        assert store.points(face.id) is None
