"""Undo and redo: of every operation, and of any sequence of operations."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.store import SqlPeopleStore, open_store
from faceapp.errors import BadRequest, Conflict
from faceapp.types import ImportItem, NewFace, PersonName

MakeFace = Callable[..., NewFace]
Dumped = Callable[[SqlPeopleStore], dict[str, Any]]
VECTOR = np.ones(8, np.float32)
POINTS = np.arange(136, dtype=np.float32).reshape(68, 2)


@pytest.fixture
def peopled(store: SqlPeopleStore, new_face: MakeFace) -> SqlPeopleStore:
    """Ann (1) has the faces 1 and 2, Bob (2) has face 3 with points placed by hand; one rejection for Bob."""
    ann, bob = store.add_person("Ann", note="a"), store.add_person("Bob", note="b")
    store.enrol(ann.id, [new_face(1), new_face(2)])
    store.enrol(bob.id, [new_face(3)])
    store.reject(bob.id, "test", VECTOR)
    store.set_points(3, POINTS)
    return store


OPERATIONS: dict[str, Callable[[SqlPeopleStore, MakeFace], object]] = {
    "Added Cy.": lambda store, _: store.add_person("Cy"),
    "Enrolled a face of Bob.": lambda store, new_face: store.enrol(2, [new_face(7)]),
    "Enrolled 2 faces of Bob.": lambda store, new_face: store.enrol(2, [new_face(7), new_face(8)]),
    "Renamed Ann to Anna Lee.": lambda store, _: store.edit_person(1, "Anna", "Lee", "a"),
    "Changed the entry of Ann.": lambda store, _: store.edit_person(1, "Ann", "", "other"),
    "Merged Bob into Ann.": lambda store, _: store.merge_people(1, [2]),
    "Deleted Ann and Bob.": lambda store, _: store.delete_people([1, 2]),
    "Deleted 2 faces of Ann.": lambda store, _: store.delete_faces([1, 2]),
    "Moved a face of Ann to Bob.": lambda store, _: store.move_faces([1], 2),
    "Moved 2 faces of 2 people to Cy.": lambda store, _: store.move_faces([1, 3], store.add_person("Cy").id),
    "Noted that a face is not Ann.": lambda store, _: store.reject(1, "test", VECTOR),
    "Nobody may swap the face of Ann.": lambda store, _: store.set_no_swap(1, True),
    "Placed the points of a face of Ann.": lambda store, _: store.set_points(1, POINTS),
    "Placed the points of a face of Bob.": lambda store, _: store.set_points(3, POINTS + 1),
    "Gave up the points placed by hand on a face of Bob.": lambda store, _: store.set_points(3, None),
}


@pytest.mark.parametrize("sentence", OPERATIONS)
def test_each_operation_is_undone_and_redone(
    peopled: SqlPeopleStore, new_face: MakeFace, dumped: Dumped, sentence: str
) -> None:
    before, entries = dumped(peopled), peopled.journal()
    OPERATIONS[sentence](peopled, new_face)
    after, made = dumped(peopled), len(peopled.journal()) - len(entries)
    assert after != before
    assert peopled.journal()[0].sentence == sentence
    for _ in range(made):
        undone = peopled.undo()
        assert undone is not None
        assert undone.undone
    assert dumped(peopled) == before
    assert [entry.undone for entry in peopled.journal()] == [True] * made + [False] * len(entries)
    for _ in range(made):
        redone = peopled.redo()
        assert redone is not None
        assert not redone.undone
    assert redone is not None
    assert redone.sentence == sentence
    assert dumped(peopled) == after
    assert peopled.redo() is None


def test_nothing_to_undo_or_redo(store: SqlPeopleStore) -> None:
    assert store.undo() is None
    assert store.redo() is None
    assert store.journal() == []
    store.add_person("Ann")
    assert store.redo() is None
    assert store.undo() is not None
    assert store.undo() is None


def test_a_new_change_ends_redo(store: SqlPeopleStore, new_face: MakeFace) -> None:
    ann = store.add_person("Ann")
    store.enrol(ann.id, [new_face(1)])
    store.undo()
    store.add_person("Bob")
    assert store.redo() is None
    assert [entry.sentence for entry in store.journal()] == ["Added Bob.", "Added Ann."]
    store.undo()
    store.undo()
    assert store.people() == []


def test_what_can_never_come_back_is_wiped(store: SqlPeopleStore, library: Path, new_face: MakeFace) -> None:
    import sqlite3

    def rows() -> list[int]:
        with sqlite3.connect(library) as connection:
            tables = ("person", "photo", "face", "crop", "embedding", "rejection", "placed_points")
            counts = [connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables]
        connection.close()
        return counts

    store.add_person("Ann")
    before = rows()
    bob = store.add_person("Bob")
    store.enrol(bob.id, [new_face(1)])
    store.reject(bob.id, "test", VECTOR)
    store.set_points(1, POINTS)
    store.set_points(1, POINTS + 1)
    for _ in range(5):
        store.undo()
    store.edit_person(1, "Anna", "", "")
    assert rows() == before
    assert store.add_person("Cy").id > bob.id, "a number is never given twice"


def test_refused_operations_leave_redo_alone(store: SqlPeopleStore) -> None:
    store.add_person("Ann")
    store.add_person("Bob")
    store.undo()
    with pytest.raises(Conflict):
        store.add_person("ann")
    assert store.redo() is not None


def test_the_revision_grows_with_every_write(peopled: SqlPeopleStore) -> None:
    seen = [peopled.revision()]
    writes: list[Callable[[], object]] = [
        lambda: peopled.add_person("Cy"), peopled.undo, peopled.redo, lambda: peopled.delete_faces([1]),
    ]
    for write in writes:
        write()
        seen.append(peopled.revision())
    peopled.people()
    assert peopled.revision() == seen[-1]
    assert all(one < other for one, other in itertools.pairwise(seen))


def test_the_journal_is_in_order_of_time(peopled: SqlPeopleStore) -> None:
    entries = peopled.journal()
    assert len(entries) == 6
    assert peopled.journal(2) == entries[:2]
    assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)


NAMES = ["Ann", "Bob", "Cy", "Dan"]
number = st.integers(0, 40)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([
            "add", "enrol", "edit", "merge", "delete", "delete_faces", "move", "reject", "import", "import",
            "no_swap", "points", "undo", "redo",
        ]),
        number, number, number,
    ),
    min_size=1, max_size=25,
)


class Actor:
    """Does what a step says, on whoever is there; steps that the store refuses are refusals."""

    def __init__(self, store: SqlPeopleStore, new_face: MakeFace) -> None:
        self.store, self.new_face = store, new_face
        self.imports = [store.open_import(f"/data/folder{index}")[0] for index in range(2)]

    def do(self, kind: str, a: int, b: int, c: int) -> None:
        people = [person.id for person in self.store.people()]
        faces = self.store.embeddings("test").face_ids.tolist()
        name = NAMES[a % len(NAMES)]
        if kind == "add":
            self.store.add_person(name, note=str(b))
        elif kind == "import":
            index = c % 2
            new = self.new_face(a + 50 * b, path=f"/data/folder{index}/{a}.jpg")
            items = [ImportItem(f"{a}.jpg", 1, b, "enrolled")]
            self.store.import_person(self.imports[index], name, "", [new] if b % 4 else [], items)
        elif kind == "undo":
            self.store.undo()
        elif kind == "redo":
            self.store.redo()
        elif people and kind in ("enrol", "edit", "merge", "delete", "reject", "no_swap"):
            one, other = people[a % len(people)], people[b % len(people)]
            if kind == "enrol":
                self.store.enrol(one, [self.new_face(b), self.new_face(c)])
            elif kind == "edit":
                self.store.edit_person(one, NAMES[b % len(NAMES)], "", str(c))
            elif kind == "merge" and one != other:
                self.store.merge_people(one, [other])
            elif kind == "delete":
                self.store.delete_people([one])
            elif kind == "reject":
                self.store.reject(one, "test", VECTOR * b)
            elif kind == "no_swap":
                self.store.set_no_swap(one, b % 3 > 0)
        elif faces and kind == "points":
            self.store.set_points(faces[a % len(faces)], POINTS * b if c % 3 else None)
        elif faces and kind == "delete_faces":
            self.store.delete_faces(faces[a % len(faces):][:3])
        elif faces and people and kind == "move":
            self.store.move_faces(faces[a % len(faces):][:3], people[b % len(people)])


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_any_history_is_taken_back_and_done_again(
    new_face: MakeFace, dumped: Dumped, steps: list[tuple[str, int, int, int]]
) -> None:
    with tempfile.TemporaryDirectory() as name, open_store(Path(name, "l.sqlite3"), Path(name)) as store:
        initial = dumped(store)
        actor = Actor(store, new_face)
        for step in steps:
            try:
                actor.do(*step)
            except Conflict:
                continue
        while store.redo():
            pass
        states = [dumped(store)]
        while store.undo():
            states.append(dumped(store))
        assert states[-1] == initial
        for state in reversed(states[:-1]):
            assert store.redo() is not None
            assert dumped(store) == state
        assert store.redo() is None


def test_a_new_person_with_photos_is_one_change(
    store: SqlPeopleStore, new_face: MakeFace, dumped: Dumped
) -> None:
    bob = store.add_person("Bob")
    before = dumped(store)
    (first,), step = store.enrol(PersonName("Ann", "Lee", "a note"), [new_face(1)])
    assert store.person(first.person_id).note == "a note"
    assert store.journal()[0].sentence == "Enrolled a face of Ann Lee."
    (second,), step = store.enrol(PersonName("ann", "lee"), [new_face(2)], step)
    assert second.person_id == first.person_id
    assert store.journal()[0].sentence == "Enrolled 2 faces of Ann Lee."
    _, same = store.enrol(bob.id, [new_face(3)], step)
    assert same == step
    assert [entry.sentence for entry in store.journal()] == ["Enrolled 3 faces of 2 people.", "Added Bob."]
    after = dumped(store)
    store.undo()
    assert dumped(store) == before
    store.redo()
    assert dumped(store) == after


def test_an_enrolment_stays_one_change_beside_others_until_one_depends_on_it(
    store: SqlPeopleStore, new_face: MakeFace
) -> None:
    (face,), step = store.enrol(PersonName("Ann"), [new_face(1)])
    store.add_person("Bob")
    assert store.enrol(PersonName("Ann"), [new_face(2)], step)[1] == step
    assert [entry.sentence for entry in store.journal()] == ["Enrolled 2 faces of Ann.", "Added Bob."]
    store.edit_person(face.person_id, "Anna", "", "")
    _, other = store.enrol(face.person_id, [new_face(3)], step)
    assert other != step
    store.undo()
    store.undo()
    assert [(person.name, person.photos) for person in store.people()] == [("Ann", 2), ("Bob", 0)]
    store.undo()
    assert [person.name for person in store.people()] == ["Bob"]


def test_an_enrolment_that_was_undone_while_it_ran_is_stopped(
    store: SqlPeopleStore, new_face: MakeFace
) -> None:
    _, step = store.enrol(PersonName("Ann"), [new_face(1)])
    store.undo()
    with pytest.raises(Conflict) as refused:
        store.enrol(PersonName("Ann"), [new_face(2)], step)
    assert refused.value.code == "enrolment_undone"
    assert store.count() == (0, 0, 0)
    store.enrol(PersonName("Ann"), [new_face(2)])
    with pytest.raises(Conflict):
        store.enrol(PersonName("Ann"), [new_face(3)], step)
    assert store.count() == (1, 1, 1)


def test_an_enrolment_that_is_refused_makes_nobody(store: SqlPeopleStore, new_face: MakeFace) -> None:
    store.enrol(PersonName("Ann"), [new_face(1)])
    with pytest.raises(Conflict, match="already enrolled as Ann"):
        store.enrol(PersonName("Bob"), [new_face(2), new_face(1)])
    with pytest.raises(BadRequest):
        store.enrol(PersonName(" "), [new_face(2)])
    assert (store.count(), len(store.journal())) == ((1, 1, 1), 1)
