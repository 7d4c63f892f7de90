"""Sightings, visitors, groups and cameras, and what they become when people change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_sightings import ALL, START, make, new_visitor, who

from db.store import SqlStore, open_store
from faceapp.errors import BadRequest, Conflict, NotFound
from faceapp.live import Group, SightingFilter
from faceapp.types import NewFace

MakeFace = Callable[..., NewFace]
def test_what_is_put_in_comes_out(store: SqlStore) -> None:
    ann = store.add_person("Ann")
    number = store.add_sighting(make(1, ann.id))
    (found,) = store.sightings(ALL)
    assert (found.id, found.source, found.person, found.visitor) == (number, "door", ann, None)
    assert found.first == START + timedelta(minutes=1)
    assert found.last - found.first == timedelta(seconds=30)
    assert found.first.tzinfo is UTC
    assert found.distance == pytest.approx(0.1)
    assert store.sighting_crop(number) == b"picture 1"


def test_times_of_any_zone_are_one_moment(store: SqlStore) -> None:
    tokyo = timezone(timedelta(hours=9))
    store.add_sighting(replace(make(0), first=START.astimezone(tokyo), last=START.astimezone(tokyo)))
    assert [found.first for found in store.sightings(ALL)] == [START]
    assert store.count_sightings(SightingFilter(since=START, until=START + timedelta(seconds=1))) == 1


def test_a_sighting_gets_longer_and_never_shorter(store: SqlStore) -> None:
    number = store.add_sighting(make(0))
    late = START + timedelta(hours=1)
    store.extend_sightings({999: late, number: late})
    store.extend_sightings({number: START})
    (found,) = store.sightings(ALL)
    assert (found.first, found.last) == (START, late)


def test_filters(store: SqlStore) -> None:
    ann, bob = store.add_person("Zoë", "Ünal"), store.add_person("Bob")
    visitor = new_visitor(store)
    for new in (make(0, ann.id), make(10, bob.id, source="Café"), make(20, None, visitor), make(30)):
        store.add_sighting(new)

    def numbers(**chosen: object) -> list[int]:
        found = store.sightings(SightingFilter(**chosen))  # type: ignore[arg-type]
        assert store.count_sightings(SightingFilter(**chosen)) == len(found)  # type: ignore[arg-type]
        return [int((one.first - START).total_seconds() // 60) for one in found]

    assert numbers() == [30, 20, 10, 0]
    assert numbers(source="Café") == [10]
    assert numbers(source="caf") == []
    assert numbers(text="cafe") == [10]
    assert numbers(text="unal") == [0]
    assert numbers(text=f"VISITOR {visitor}") == [20]
    assert numbers(text="%") == []
    assert numbers(person_ids=(bob.id, ann.id)) == [10, 0]
    assert numbers(person_ids=()) == []
    assert numbers(visitor=visitor) == [20]
    assert numbers(visitor=10**30) == []
    assert numbers(since=START + timedelta(minutes=10, seconds=30)) == [30, 20, 10]
    assert numbers(since=START + timedelta(minutes=10, seconds=31)) == [30, 20]
    assert numbers(until=START + timedelta(minutes=10)) == [0]
    assert [found.source for found in store.sightings(ALL, limit=2, offset=2)] == ["Café", "door"]
    assert store.sighting_sources() == ["Café", "door"]


def test_a_visitor_who_is_named_takes_all_sightings_along(store: SqlStore) -> None:
    visitor, other = new_visitor(store), new_visitor(store)
    for new in (make(0, None, visitor), make(1, None, visitor), make(2, None, other), make(3)):
        store.add_sighting(new)
    ann = store.add_person("Ann")
    assert store.name_visitor(visitor, ann.id) == 2
    assert who(store) == ["", str(other), "Ann", "Ann"]
    assert who(store, SightingFilter(person_ids=(ann.id,))) == ["Ann", "Ann"]
    assert store.visitor_person(visitor) == ann
    assert store.visitor_person(other) is None
    store.add_sighting(make(4, None, visitor))
    assert who(store)[0] == "Ann", "later ones too"
    assert [visitor for _, visitor in store.strangers("test")] == [visitor, visitor, other, None, visitor]
    assert store.strangers("another model") == []


def test_a_number_is_given_to_a_sighting_once(store: SqlStore) -> None:
    first, second = store.add_sighting(make(0)), store.add_sighting(make(1))
    number = store.visitor_of(first)
    assert store.visitor_of(first) == number
    assert store.visitor_of(second) == number + 1
    store.delete_sightings(ALL)
    assert new_visitor(store) == number + 2, "a number is never given twice"


def test_embeddings_come_back_as_they_were(store: SqlStore) -> None:
    new = make(5)
    number = store.add_sighting(new)
    ((_, vector),) = store.sighted([number, 999]).items()
    assert vector.dtype == np.float32
    assert vector.tolist() == new.embedding.tolist()


def test_merged_people_and_back(store: SqlStore) -> None:
    ann, annie, anna = (store.add_person(name) for name in ("Ann", "Annie", "Anna"))
    for new in (make(0, ann.id), make(1, annie.id), make(2, anna.id)):
        store.add_sighting(new)
    store.save_group("class", [annie.id, ann.id])
    store.merge_people(annie.id, [anna.id])
    assert who(store) == ["Annie", "Annie", "Ann"]
    store.merge_people(ann.id, [annie.id])
    assert who(store) == ["Ann", "Ann", "Ann"]
    assert who(store, SightingFilter(person_ids=(annie.id,))) == ["Ann", "Ann", "Ann"], "by an old number"
    assert store.groups()[0].person_ids == (ann.id,)
    store.add_sighting(make(3, annie.id))  # decided before the merge
    store.undo()
    assert who(store) == ["Annie", "Annie", "Annie", "Ann"]
    assert store.groups()[0].person_ids == (ann.id, annie.id)
    store.undo()
    assert who(store) == ["Annie", "Anna", "Annie", "Ann"]
    store.redo()
    store.redo()
    assert set(who(store)) == {"Ann"}


def test_a_correction_outlives_undoing_a_merge(store: SqlStore) -> None:
    ann, annie, bob = (store.add_person(name) for name in ("Ann", "Annie", "Bob"))
    number = store.add_sighting(make(0, annie.id))
    store.merge_people(ann.id, [annie.id])
    store.correct_sighting(number, bob.id)
    store.undo()
    assert who(store) == ["Bob"]


def test_sightings_of_deleted_people_stay_without_a_person(store: SqlStore) -> None:
    ann = store.add_person("Ann")
    visitor = new_visitor(store)
    store.add_sighting(make(0, ann.id))
    store.add_sighting(make(1, None, visitor))
    store.name_visitor(visitor, ann.id)
    store.delete_people([ann.id])
    assert who(store) == [str(visitor), ""]
    assert store.groups() == []
    store.undo()
    assert who(store) == ["Ann", "Ann"]
    store.undo()  # nobody was ever added
    store.add_person("Bob")  # and that is final now
    assert who(store) == [str(visitor), ""]
    store.add_sighting(make(2, ann.id))
    assert who(store)[0] == "", "decided before it was undone"


def test_merging_is_undone_after_its_people_were_forgotten(store: SqlStore) -> None:
    ann = store.add_person("Ann")
    annie = store.add_person("Annie")
    store.add_sighting(make(0, annie.id))
    store.merge_people(ann.id, [annie.id])
    store.undo()
    store.undo()
    store.add_person("Bob")
    assert [person.name for person in store.people()] == ["Ann", "Bob"]
    assert who(store) == [""]


def test_corrections(store: SqlStore) -> None:
    ann, bob = store.add_person("Ann"), store.add_person("Bob")
    visitor = new_visitor(store)
    known = store.add_sighting(make(0, ann.id))
    stranger = store.add_sighting(make(1, None, visitor))
    other = store.add_sighting(make(2, None, visitor))
    store.correct_sighting(known, None)
    store.correct_sighting(stranger, bob.id)
    assert who(store) == [str(visitor), "Bob", ""]
    store.name_visitor(visitor, ann.id)
    assert who(store) == ["Ann", "Bob", ""], "a corrected sighting is not that visitor's any more"
    store.correct_sighting(other, None)
    assert who(store) == ["", "Bob", ""]


def test_deleting(store: SqlStore) -> None:
    ann = store.add_person("Ann")
    numbers = [store.add_sighting(make(number, ann.id)) for number in range(6)]
    assert store.delete_sightings(SightingFilter(until=START + timedelta(minutes=2))) == 2
    assert store.delete_these_sightings([numbers[3], numbers[0], 999]) == 1
    assert [found.id for found in store.sightings(ALL)] == [numbers[5], numbers[4], numbers[2]]
    for gone in (numbers[0], numbers[3]):
        with pytest.raises(NotFound):
            store.sighting_crop(gone)
        store.extend_sightings({gone: START})  # deleted meanwhile: nothing comes back
    assert store.delete_sightings(ALL) == 3
    assert store.sightings(ALL) == []
    assert store.people() == [ann]


def test_groups(store: SqlStore) -> None:
    ann, bob, cy = (store.add_person(name) for name in ("Ann", "Bob", "Cy"))
    first = store.save_group(" 7 b ", [bob.id, ann.id, bob.id])
    assert first == Group(first.id, "7 b", (ann.id, bob.id))
    assert store.save_group("7 B", [cy.id]).id == first.id
    empty = store.save_group("Émilie's", [])
    assert store.groups() == [Group(first.id, "7 B", (cy.id,)), empty]
    store.delete_people([cy.id])
    assert store.groups()[0].person_ids == ()
    store.undo()
    assert store.groups()[0].person_ids == (cy.id,)
    with pytest.raises(NotFound):
        store.save_group("x", [99])
    with pytest.raises(BadRequest):
        store.save_group(" ", [])
    store.delete_group(first.id)
    assert store.groups() == [empty]


def test_cameras(store: SqlStore) -> None:
    door = store.add_camera("Door", "http://10.0.0.5/shot.jpg")
    with pytest.raises(Conflict):
        store.add_camera("DOOR", "http://10.0.0.6/shot.jpg")
    with pytest.raises(Conflict):
        store.add_camera("Hall", "http://10.0.0.5/shot.jpg")
    assert store.cameras() == [door]
    store.remove_camera("door")
    assert store.cameras() == []
    with pytest.raises(NotFound):
        store.remove_camera("door")


@pytest.mark.parametrize("unknown", [0, -1, 99, 10**30])
def test_unknown_numbers_are_not_found(store: SqlStore, unknown: int) -> None:
    ann = store.add_person("Ann")
    calls: list[Callable[[], object]] = [
        lambda: store.sighting_crop(unknown),
        lambda: store.correct_sighting(unknown, ann.id),
        lambda: store.visitor_of(unknown),
        lambda: store.visitor_person(unknown),
        lambda: store.name_visitor(unknown, ann.id),
        lambda: store.name_visitor(new_visitor(store), unknown),
        lambda: store.correct_sighting(store.add_sighting(make(0)), unknown),
        lambda: store.add_sighting(make(0, None, unknown)),
        lambda: store.delete_group(unknown),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()
    assert store.delete_these_sightings([unknown]) == 0


def test_a_sighting_is_no_change_of_people(store: SqlStore) -> None:
    ann = store.add_person("Ann")
    people, journal, sightings = store.revision(), store.journal(), store.sighting_revision()
    number = store.add_sighting(make(0, ann.id))
    assert store.sighting_revision() == sightings + 1
    store.extend_sightings({number: START + timedelta(hours=1)})
    assert store.sighting_revision() == sightings + 1
    store.correct_sighting(number, None)
    assert store.sighting_revision() == sightings + 2
    assert (store.revision(), store.journal()) == (people, journal)
    assert store.undo() is not None, "which was adding Ann"
    assert store.count_sightings(ALL) == 1


STEPS = st.lists(
    st.tuples(st.sampled_from(["merge", "delete", "rename", "undo", "redo", "see", "name", "correct"]),
              st.integers(0, 5), st.integers(0, 5)),
    min_size=3, max_size=14,
)  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_undo_and_redo_turn_the_sightings_with_the_people(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]
) -> None:
    """Whatever happens, undoing a change of people shows every sighting as before it, redoing as after it."""
    folder: Path = tmp_path_factory.mktemp("turn")
    with open_store(folder / "library.sqlite3", folder) as store:
        ids = [store.add_person(f"P{number}").id for number in range(6)]
        visitor = new_visitor(store)
        for number, person_id in enumerate(ids):
            store.add_sighting(make(number, person_id))
        store.add_sighting(make(9, None, visitor))
        for turn, (step, one, other) in enumerate(steps):
            present = {person.id for person in store.people()}
            before = who(store)
            if step == "merge" and one != other and {ids[one], ids[other]} <= present:
                store.merge_people(ids[one], [ids[other]])
            elif step == "delete" and ids[one] in present:
                store.delete_people([ids[one]])
            elif step == "rename" and ids[one] in present:
                store.edit_person(ids[one], f"P{one} in turn {turn}", "", "")
            else:
                _change_no_people(store, step, ids, one, other, visitor, present)
                continue
            after = who(store)
            store.undo()
            assert who(store) == before
            store.redo()
            assert who(store) == after


def _change_no_people(
    store: SqlStore, step: str, ids: list[int], one: int, other: int, visitor: int, present: set[int]
) -> None:
    if step == "undo" and len(store.journal()) > len(ids):
        store.undo()
    elif step == "redo":
        store.redo()
    elif step == "see":
        store.add_sighting(make(20 + one, ids[other]))
    elif step == "name" and ids[one] in present:
        store.name_visitor(visitor, ids[one])
        assert store.visitor_person(visitor) == store.person(ids[one])
    elif step == "correct" and ids[one] in present:
        chosen = store.sightings(ALL)[other]
        store.correct_sighting(chosen.id, ids[one])
        corrected = {seen.id: seen.person for seen in store.sightings(ALL)}[chosen.id]
        assert corrected == store.person(ids[one])
