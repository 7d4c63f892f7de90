"""People: names, searching, editing, merging, deleting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from db.store import SqlPeopleStore
from faceapp.errors import BadRequest, Conflict, FaceAppError, NotFound
from faceapp.types import NewFace

MakeFace = Callable[..., NewFace]


def test_a_new_person_is_found(store: SqlPeopleStore) -> None:
    before = datetime.now(UTC)
    added = store.add_person(" Ann ", "Lee", "met in Rome\nin May")
    assert (added.first_name, added.surname, added.note) == ("Ann", "Lee", "met in Rome\nin May")
    assert (added.photos, added.cover_face_id) == (0, None)
    assert added.created is not None
    assert before <= added.created <= datetime.now(UTC)
    assert store.person(added.id) == added
    assert store.people() == [added]
    assert store.people_by_ids([added.id, added.id, 99]) == {added.id: added}
    assert store.count() == (1, 0, 0)


@pytest.mark.parametrize("spelling", [
    "José Ångström", "jose angstrom", "JOSE_ANGSTROM", "  José   Ångström ", "jose _ angstrom",
    "Jose\u0301 A\u030angstro\u0308m",
])
def test_a_name_is_found_however_it_is_spelt(store: SqlPeopleStore, spelling: str) -> None:
    added = store.add_person("José", "Ångström")
    assert store.find_person(spelling) == added
    with pytest.raises(Conflict) as refused:
        store.add_person(spelling)
    assert refused.value.code == "name_taken"
    assert refused.value.sentence == "There is already a person named José Ångström."


@pytest.mark.parametrize(("one", "other"), [("Straße", "STRASSE"), ("İpek", "i̇pek"), ("ﬁona", "Fiona")])
def test_case_is_folded_in_every_alphabet(store: SqlPeopleStore, one: str, other: str) -> None:
    assert store.find_person(other) is None
    added = store.add_person(one)
    assert store.find_person(other) == added


def test_different_names_are_different(store: SqlPeopleStore) -> None:
    ann, anna = store.add_person("Ann"), store.add_person("Anna")
    assert store.find_person("Ann") == ann
    assert store.find_person("Anna") == anna
    assert store.find_person("An") is None


def test_text_is_searched_in_name_and_note(store: SqlPeopleStore) -> None:
    zoe = store.add_person("Zoë", "Ünal")
    ann = store.add_person("ann", "Lee", "a friend of ZOÉ")
    bob = store.add_person("Bob", "100%", "under_score")
    assert store.people() == [ann, bob, zoe]
    assert store.people("zoe") == [ann, zoe]
    assert store.people("e u") == [zoe]
    assert store.people("%") == [bob]
    assert store.people("nobody") == []
    assert store.people(limit=2) == [ann, bob]
    assert store.people(limit=2, offset=2) == [zoe]
    assert store.people(offset=1) == [bob, zoe]


@pytest.mark.parametrize(("first", "surname", "code"), [
    ("", "", "no_name"), ("  ", "\u2003", "no_name"), ("__", "_", "no_name"),
    ("a" * 201, "", "name_too_long"), ("a" * 100, "b" * 100, "name_too_long"),
    ("An\x00n", "", "name_characters"), ("An\nn", "", "name_characters"),
    ("\udce9ric", "", "name_characters"), ("An\u2028n", "", "name_characters"),
])
def test_names_that_are_none_are_refused(store: SqlPeopleStore, first: str, surname: str, code: str) -> None:
    ann = store.add_person("Ann")
    calls: list[Callable[[], object]] = [
        lambda: store.add_person(first, surname),
        lambda: store.edit_person(ann.id, first, surname, ""),
    ]
    for call in calls:
        with pytest.raises(BadRequest) as error:
            call()
        assert error.value.code == code
        assert error.value.sentence.endswith(".")
    assert store.people() == [ann]


def test_the_longest_name_and_a_lone_surname_are_taken(store: SqlPeopleStore) -> None:
    assert store.add_person("a" * 100, "b" * 99).name == "a" * 100 + " " + "b" * 99
    assert store.add_person("", "Pelé").name == "Pelé"


@pytest.mark.parametrize("note", ["x" * 10_001, "a\x07b", "\ud800"])
def test_notes_that_cannot_be_kept_are_refused(store: SqlPeopleStore, note: str) -> None:
    with pytest.raises(BadRequest):
        store.add_person("Ann", note=note)


def test_searching_for_what_is_no_text_finds_nobody(store: SqlPeopleStore) -> None:
    store.add_person("Ann")
    assert store.find_person("\udce9") is None
    assert store.people("\udce9") == []


@pytest.mark.parametrize("unknown", [0, -1, 99, 10**30])
def test_unknown_numbers_are_not_found(store: SqlPeopleStore, unknown: int) -> None:
    calls: list[Callable[[], object]] = [
        lambda: store.person(unknown),
        lambda: store.faces_of(unknown),
        lambda: store.crop(unknown),
        lambda: store.enrol(unknown, []),
        lambda: store.edit_person(unknown, "Ann", "", ""),
        lambda: store.merge_people(unknown, [unknown]),
        lambda: store.delete_people([unknown]),
        lambda: store.delete_faces([unknown]),
        lambda: store.move_faces([unknown], unknown),
        lambda: store.reject(unknown, "test", np.ones(8, np.float32)),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()
    assert store.people_by_ids([unknown]) == {}
    assert store.faces_by_ids([unknown]) == {}
    assert store.journal() == []


def test_editing(store: SqlPeopleStore) -> None:
    ann, bob = store.add_person("Ann", "Lee"), store.add_person("Bob")
    with pytest.raises(Conflict) as refused:
        store.edit_person(bob.id, "ANN", "lee", "")
    assert refused.value.code == "name_taken"
    assert store.edit_person(ann.id, "ANN", "Lee", "").name == "ANN Lee"  # her own name is not in her way
    assert store.edit_person(ann.id, "Anna", "Lee", "x") == store.person(ann.id)
    assert store.find_person("Ann Lee") is None
    assert store.people("anna") == store.people("x")
    assert store.journal()[0].sentence == "Renamed ANN Lee to Anna Lee."
    entries = store.journal()
    store.edit_person(ann.id, "Anna", "Lee", "x")
    assert store.journal() == entries, "nothing was changed, so there is nothing to undo"


def test_a_deleted_name_is_free(store: SqlPeopleStore, new_face: MakeFace) -> None:
    ann = store.add_person("Ann")
    store.enrol(ann.id, [new_face(1)])
    store.reject(ann.id, "test", np.ones(8, np.float32))
    store.delete_people([ann.id, ann.id])
    assert store.people() == []
    assert store.count() == (0, 0, 0)
    assert store.faces_on(new_face(1).sha256) == []
    assert store.rejections("test") == []
    assert store.model_keys() == []
    with pytest.raises(NotFound):
        store.person(ann.id)
    again = store.add_person("Ann")
    assert again.id != ann.id
    store.enrol(again.id, [new_face(1)])  # not "already enrolled": that face was deleted


def test_merging_brings_everything_together(store: SqlPeopleStore, new_face: MakeFace) -> None:
    ann, annie, bob = (store.add_person(name, note=f"note of {name}") for name in ("Ann", "Annie", "Bob"))
    own, _ = store.enrol(ann.id, [new_face(1)])
    others, _ = store.enrol(annie.id, [new_face(2), new_face(3)])
    store.enrol(bob.id, [new_face(4)])
    store.reject(annie.id, "test", np.ones(8, np.float32))
    merged = store.merge_people(ann.id, [annie.id, ann.id, annie.id])
    assert merged.photos == 3
    assert merged.note == "note of Ann\nnote of Annie"
    assert [face.id for face in store.faces_of(ann.id)] == [face.id for face in own + others]
    assert [person_id for person_id, _ in store.rejections("test")] == [ann.id]
    assert [person.name for person in store.people()] == ["Ann", "Bob"]
    assert store.people("of annie") == [merged]
    assert store.journal()[0].sentence == "Merged Annie into Ann."
    with pytest.raises(BadRequest):
        store.merge_people(ann.id, [ann.id])


def test_sentences_count_what_they_do_not_name(store: SqlPeopleStore) -> None:
    ids = [store.add_person(name).id for name in ("Ann", "Bob", "Cy", "Dan", "Eve", "Fay", "Gus", "Hal")]
    store.delete_people(ids[:1])
    store.delete_people(ids[1:3])
    store.delete_people(ids[3:])
    assert [entry.sentence for entry in store.journal(3)] == [
        "Deleted Dan, Eve and 3 others.", "Deleted Bob and Cy.", "Deleted Ann.",
    ]


def test_every_refusal_is_a_sentence(store: SqlPeopleStore) -> None:
    with pytest.raises(FaceAppError) as refused:
        store.person(7)
    assert str(refused.value) == "There is no person with the number 7."
