"""Imports of folders: resuming, one journal entry, and what happens in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from db.store import SqlPeopleStore
from faceapp.errors import BadRequest, Conflict, NotFound
from faceapp.types import ImportItem, NewFace

MakeFace = Callable[..., NewFace]
Dumped = Callable[[SqlPeopleStore], dict[str, Any]]
ROOT = "/data/lfw"
NAMES = ["Ann Lee", "Bob", "Cy", "Dan"]


def bring(store: SqlPeopleStore, import_id: int, index: int, new_face: MakeFace) -> int | None:
    """Import person `index`, who has two photos."""
    paths = [f"{NAMES[index]}/{number}.jpg" for number in (2 * index, 2 * index + 1)]
    faces = [new_face(int(path[:-4].rpartition("/")[2]), path=f"{ROOT}/{path}") for path in paths]
    items = [ImportItem(path, 100, 5, "enrolled") for path in paths]
    first, _, surname = NAMES[index].partition(" ")
    return store.import_person(import_id, first, surname, faces, items)


def test_an_import_carries_on(store: SqlPeopleStore, new_face: MakeFace) -> None:
    import_id, done = store.open_import(ROOT)
    assert done == []
    ann = bring(store, import_id, 0, new_face)
    skipped = ImportItem("x.jpg", 3, 4, "skipped", "no_face", "There is no face.")
    assert store.import_person(import_id, "X", "", [], [skipped]) is None
    assert ann is not None
    assert store.person(ann).name == "Ann Lee"
    assert store.person(ann).photos == 2
    assert store.find_person("X") is None
    again, done = store.open_import(ROOT)
    assert again == import_id
    assert done == [
        ImportItem("Ann Lee/0.jpg", 100, 5, "enrolled"),
        ImportItem("Ann Lee/1.jpg", 100, 5, "enrolled"),
        skipped,
    ]
    other, _ = store.open_import("/data/other")
    assert other != import_id
    store.close_import(import_id)
    fresh, done = store.open_import(ROOT)
    assert fresh != import_id
    assert done == []


def test_all_people_of_an_import_are_one_entry(
    store: SqlPeopleStore, new_face: MakeFace, dumped: Dumped
) -> None:
    before = dumped(store)
    import_id, _ = store.open_import(ROOT)
    bring(store, import_id, 0, new_face)
    assert [entry.sentence for entry in store.journal()] == ["Imported 1 person from lfw."]
    for index in (1, 2, 3):
        bring(store, import_id, index, new_face)
    assert [entry.sentence for entry in store.journal()] == ["Imported 4 people from lfw."]
    after = dumped(store)
    store.undo()
    assert dumped(store) == before
    store.redo()
    assert dumped(store) == after


def test_a_person_who_is_there_gets_the_faces(store: SqlPeopleStore, new_face: MakeFace) -> None:
    ann = store.add_person("ann", "LEE")
    store.enrol(ann.id, [new_face(77)])
    import_id, _ = store.open_import(ROOT)
    assert bring(store, import_id, 0, new_face) == ann.id
    assert store.count() == (1, 3, 3)
    store.undo()
    assert store.count() == (1, 1, 1)


def test_an_undone_import_starts_over(store: SqlPeopleStore, new_face: MakeFace, dumped: Dumped) -> None:
    import_id, _ = store.open_import(ROOT)
    bring(store, import_id, 0, new_face)
    whole = dumped(store)["embeddings"][2]
    store.undo()
    with pytest.raises(Conflict) as refused:
        bring(store, import_id, 1, new_face)
    assert refused.value.code == "import_undone"
    import_id, done = store.open_import(ROOT)
    assert done == [], "its files have to be read again"
    bring(store, import_id, 0, new_face)
    assert dumped(store)["embeddings"][2] == whole
    assert len(store.journal()) == 1


def test_an_import_that_was_undone_and_forgotten_stops_too(store: SqlPeopleStore, new_face: MakeFace) -> None:
    import_id, _ = store.open_import(ROOT)
    bring(store, import_id, 0, new_face)
    store.undo()
    store.add_person("Zoe")
    with pytest.raises(Conflict):
        bring(store, import_id, 1, new_face)


def test_redo_after_a_resumed_import_does_no_harm(store: SqlPeopleStore, new_face: MakeFace) -> None:
    import_id, _ = store.open_import(ROOT)
    bring(store, import_id, 0, new_face)
    store.undo()
    import_id, _ = store.open_import(ROOT)
    note = ImportItem("Ann Lee/0.jpg", 100, 5, "skipped", "no_face", "There is no face.")
    store.import_person(import_id, "Ann", "Lee", [], [note])
    store.redo()
    assert store.count() == (1, 2, 2)
    _, done = store.open_import(ROOT)
    assert [item.path for item in done].count("Ann Lee/0.jpg") == 1


def test_other_changes_in_between_do_not_cut_an_import(store: SqlPeopleStore, new_face: MakeFace) -> None:
    import_id, _ = store.open_import(ROOT)
    bring(store, import_id, 0, new_face)
    store.add_person("Zoe")
    bring(store, import_id, 1, new_face)
    assert [entry.sentence for entry in store.journal()] == ["Imported 2 people from lfw.", "Added Zoe."]
    store.undo()
    assert [person.name for person in store.people()] == ["Zoe"]


def test_two_imports_at_once_are_one_entry_each(store: SqlPeopleStore, new_face: MakeFace) -> None:
    one, other = store.open_import(ROOT)[0], store.open_import("/data/team")[0]
    for import_id, index in ((one, 0), (other, 1), (one, 2), (other, 3)):
        bring(store, import_id, index, new_face)
    assert [entry.sentence for entry in store.journal()] == [
        "Imported 2 people from team.", "Imported 2 people from lfw.",
    ]
    store.undo()
    assert [person.name for person in store.people()] == ["Ann Lee", "Cy"]


def test_a_change_of_what_was_imported_begins_a_second_entry(
    store: SqlPeopleStore, new_face: MakeFace, dumped: Dumped
) -> None:
    empty = dumped(store)
    import_id, _ = store.open_import(ROOT)
    ann = bring(store, import_id, 0, new_face)
    assert ann is not None
    store.edit_person(ann, "Anna", "Lee", "")
    bring(store, import_id, 1, new_face)
    bring(store, import_id, 2, new_face)
    assert [entry.sentence for entry in store.journal()] == [
        "Imported 2 people from lfw.", "Renamed Ann Lee to Anna Lee.", "Imported 1 person from lfw.",
    ]
    whole = dumped(store)
    while store.undo():
        pass
    assert dumped(store) == empty
    while store.redo():
        pass
    assert dumped(store) == whole


def test_a_name_that_a_deletion_freed_is_given_back_in_order(
    store: SqlPeopleStore, new_face: MakeFace, dumped: Dumped
) -> None:
    empty = dumped(store)
    import_id, _ = store.open_import(ROOT)
    bring(store, import_id, 0, new_face)
    store.delete_people([store.add_person("Bob").id])
    bring(store, import_id, 1, new_face)  # a second Bob
    whole = dumped(store)
    while store.undo():
        pass
    assert dumped(store) == empty
    while store.redo():
        pass
    assert dumped(store) == whole


def test_a_file_that_changed_is_noted_anew(store: SqlPeopleStore, new_face: MakeFace) -> None:
    import_id, _ = store.open_import(ROOT)
    bring(store, import_id, 0, new_face)
    newer = ImportItem("Ann Lee/0.jpg", 101, 6, "enrolled")
    store.import_person(import_id, "Ann", "Lee", [new_face(9, path=f"{ROOT}/Ann Lee/0.jpg")], [newer])
    _, done = store.open_import(ROOT)
    assert sorted(done, key=lambda item: item.path)[0] == newer
    assert len(done) == 2
    assert store.journal()[0].sentence == "Imported 1 person from lfw."
    store.undo()
    assert store.count() == (0, 0, 0)
    store.redo()
    assert store.count() == (1, 3, 3)
    assert newer in store.open_import(ROOT)[1]


def test_faces_that_are_enrolled_are_not_enrolled_twice(store: SqlPeopleStore, new_face: MakeFace) -> None:
    zoe = store.add_person("Zoe")
    store.enrol(zoe.id, [new_face(0)])
    import_id, _ = store.open_import(ROOT)
    bring(store, import_id, 0, new_face)
    assert store.count() == (2, 2, 2)
    outcome = {item.path: (item.outcome, item.code, item.reason) for item in store.open_import(ROOT)[1]}
    assert outcome == {
        "Ann Lee/0.jpg": ("skipped", "already_enrolled", "This face is already enrolled as Zoe."),
        "Ann Lee/1.jpg": ("enrolled", "", ""),
    }


def test_a_person_of_whom_nothing_is_new_is_not_made(store: SqlPeopleStore, new_face: MakeFace) -> None:
    zoe = store.add_person("Zoe")
    store.enrol(zoe.id, [new_face(0), new_face(1)])
    import_id, _ = store.open_import(ROOT)
    assert bring(store, import_id, 0, new_face) is None
    assert store.people() == [store.person(zoe.id)]


def test_two_copies_in_one_folder_are_one_face(store: SqlPeopleStore, new_face: MakeFace) -> None:
    import_id, _ = store.open_import(ROOT)
    copies = [new_face(1, path=f"{ROOT}/Ann/{name}.jpg") for name in "ab"]
    items = [ImportItem(f"Ann/{name}.jpg", 1, 1, "enrolled") for name in "ab"]
    store.import_person(import_id, "Ann", "", copies, items)
    assert store.count() == (1, 1, 1)
    assert {item.path: item.reason for item in store.open_import(ROOT)[1]} == {
        "Ann/a.jpg": "", "Ann/b.jpg": "This face is already enrolled as Ann.",
    }


def test_the_same_person_sent_twice_changes_nothing(store: SqlPeopleStore, new_face: MakeFace) -> None:
    import_id, _ = store.open_import(ROOT)
    ann = bring(store, import_id, 0, new_face)
    done = store.open_import(ROOT)
    assert bring(store, import_id, 0, new_face) == ann
    assert store.count() == (1, 2, 2)
    assert store.open_import(ROOT) == done


def test_refusals(store: SqlPeopleStore, new_face: MakeFace) -> None:
    with pytest.raises(NotFound):
        store.import_person(99, "Ann", "", [], [])
    import_id, _ = store.open_import(ROOT)
    with pytest.raises(BadRequest):
        store.import_person(import_id, "An\nn", "", [new_face(1)], [ImportItem("a", 1, 1, "enrolled")])
    assert store.open_import(ROOT) == (import_id, [])


def test_odd_file_names_come_back(store: SqlPeopleStore, new_face: MakeFace) -> None:
    odd = b"\xe9ric".decode("utf-8", "surrogateescape")
    root = f"/data/{odd}"
    import_id, _ = store.open_import(root)
    item = ImportItem(f"Ann/{odd}.jpg", 1, 2**62, "warned", "blurred", f"{odd}.jpg is blurred.")
    store.import_person(import_id, "Ann", "", [new_face(1)], [item])
    assert store.open_import(root) == (import_id, [item])
    assert store.journal()[0].sentence == "Imported 1 person from ?ric."


def test_a_large_import_is_undone_by_few_statements(
    store: SqlPeopleStore, new_face: MakeFace
) -> None:
    """Undo does not run one statement a row: so 5,000 photos take well under a second."""
    import_id, _ = store.open_import(ROOT)
    for person in range(10):
        numbers = range(person * 100, person * 100 + 100)
        store.import_person(
            import_id, f"Person {person}", "", [new_face(number) for number in numbers],
            [ImportItem(f"{number}.jpg", 1, 1, "enrolled") for number in numbers],
        )
    assert store.count() == (10, 1000, 1000)
    statements = []

    from sqlalchemy import event

    engine = store._writer._engine
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    store.undo()
    assert store.count() == (0, 0, 0)
    assert len(statements) < 20
    store.redo()
    assert store.count() == (10, 1000, 1000)
