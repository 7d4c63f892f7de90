"""Faces: enrolling, crops, embeddings, moving, deleting, rejecting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from db.store import SqlPeopleStore
from faceapp.errors import Conflict, NotFound
from faceapp.types import Box, NewFace

MakeFace = Callable[..., NewFace]
SHA = "5" * 64


def test_an_enrolled_face_comes_back_whole(store: SqlPeopleStore, new_face: MakeFace) -> None:
    ann = store.add_person("Ann")
    new = new_face(1)
    (stored,), _ = store.enrol(ann.id, [new])
    assert (stored.person_id, stored.box, stored.quality) == (ann.id, new.face.box, new.face.quality)
    np.testing.assert_array_equal(stored.landmarks, new.face.landmarks)
    assert stored.landmarks.dtype == np.float32
    assert (stored.photo.sha256, stored.photo.path) == (new.sha256, new.path)
    assert store.faces_of(ann.id)[0].photo == stored.photo
    assert store.crop(stored.id) == new.crop
    person = store.person(ann.id)
    assert (person.photos, person.cover_face_id) == (1, stored.id)
    assert [face.id for face in store.faces_on(new.sha256)] == [stored.id]
    assert list(store.faces_by_ids([stored.id, 99])) == [stored.id]


def test_numpy_numbers_are_numbers(store: SqlPeopleStore, new_face: MakeFace) -> None:
    ann = store.add_person("Ann")
    new = new_face(1)
    box = Box(*np.array([1.5, 2, 3, 4], np.float32))
    (stored,), _ = store.enrol(int(np.int64(ann.id)), [replace(new, face=replace(new.face, box=box))])
    assert stored.box == Box(1.5, 2, 3, 4)
    rows = store.embeddings("test")
    face_ids, person_ids = list(rows.face_ids), list(rows.person_ids)  # of np.int64
    assert store.faces_by_ids(face_ids)[stored.id].id == stored.id
    assert store.people_by_ids(person_ids)[ann.id].name == "Ann"
    assert store.crop(face_ids[0]) == new.crop
    store.delete_faces(face_ids)


def test_the_same_face_is_not_enrolled_twice(store: SqlPeopleStore, new_face: MakeFace) -> None:
    ann, bob = store.add_person("Ann"), store.add_person("Bob")
    store.enrol(ann.id, [new_face(1, sha256=SHA)])
    with pytest.raises(Conflict) as refused:
        # 40 wide, 10 aside: they share 30 of 50, an IoU of 0.6
        store.enrol(bob.id, [new_face(3), new_face(2, sha256=SHA, left=10)])
    assert refused.value.code == "already_enrolled"
    assert refused.value.sentence == "This face is already enrolled as Ann."
    assert store.count() == (2, 1, 1), "of a refused enrolment nothing stays"
    store.enrol(bob.id, [new_face(2, sha256=SHA, left=20)])  # 20 of 60: another face of that photo
    assert store.count() == (2, 1, 2)
    with pytest.raises(Conflict):
        store.enrol(bob.id, [new_face(4), new_face(4)])


def test_a_pasted_photo_learns_its_path(store: SqlPeopleStore, new_face: MakeFace) -> None:
    ann = store.add_person("Ann")
    (first,), _ = store.enrol(ann.id, [new_face(1, sha256=SHA, path="")])
    assert first.photo.path == ""
    store.enrol(ann.id, [new_face(2, sha256=SHA, left=50, path="/a.jpg")])
    store.enrol(ann.id, [new_face(3, sha256=SHA, left=100, path="/b.jpg")])
    assert store.faces_of(ann.id)[0].photo.path == "/a.jpg"
    assert store.person(ann.id).photos == 1


def test_a_path_need_not_be_unicode(store: SqlPeopleStore, new_face: MakeFace) -> None:
    ann = store.add_person("Ann")
    odd = b"/photos/\xe9ric.jpg".decode("utf-8", "surrogateescape")
    store.enrol(ann.id, [new_face(1, path=odd)])
    assert store.faces_of(ann.id)[0].photo.path == odd


def test_embeddings_are_ordered_and_apart_by_model(store: SqlPeopleStore, new_face: MakeFace) -> None:
    ann, bob = store.add_person("Ann"), store.add_person("Bob")
    store.enrol(bob.id, [new_face(1), new_face(2, model_key="other")])
    store.enrol(ann.id, [new_face(3)])
    rows = store.embeddings("test")
    assert rows.model_key == "test"
    assert rows.revision == store.revision()
    assert rows.person_ids.tolist() == [bob.id, ann.id]
    assert rows.face_ids.tolist() == sorted(rows.face_ids.tolist())
    expected = [new_face(number).face.embedding for number in (1, 3)]
    np.testing.assert_array_equal(rows.vectors, expected)
    assert rows.vectors.dtype == np.float32
    assert rows.vectors.flags.writeable
    assert store.model_keys() == ["other", "test"]
    store.delete_people([bob.id])
    assert store.model_keys() == ["test"]
    assert len(store.embeddings("other").face_ids) == 0


def test_an_empty_library_has_no_embeddings(store: SqlPeopleStore) -> None:
    rows = store.embeddings("test")
    assert (rows.vectors.shape, rows.face_ids.shape, rows.person_ids.shape) == ((0, 0), (0,), (0,))
    assert store.model_keys() == []
    assert store.count() == (0, 0, 0)


def test_moving_faces(store: SqlPeopleStore, new_face: MakeFace) -> None:
    ann, bob = store.add_person("Ann"), store.add_person("Bob")
    (one, two), _ = store.enrol(ann.id, [new_face(1), new_face(2)])
    store.move_faces([one.id], bob.id)
    assert store.journal()[0].sentence == "Moved a face of Ann to Bob."
    assert [face.id for face in store.faces_of(bob.id)] == [one.id]
    assert store.embeddings("test").person_ids.tolist() == [bob.id, ann.id]
    entries = store.journal()
    store.move_faces([one.id], bob.id)
    assert store.journal() == entries
    store.move_faces([one.id, two.id], ann.id)
    assert store.journal()[0].sentence == "Moved a face of Bob to Ann."


def test_a_person_without_a_face_stays(store: SqlPeopleStore, new_face: MakeFace) -> None:
    ann = store.add_person("Ann")
    (face,), _ = store.enrol(ann.id, [new_face(1)])
    store.delete_faces([face.id])
    assert store.person(ann.id) == ann
    assert store.faces_of(ann.id) == []
    with pytest.raises(NotFound):
        store.crop(face.id)
    with pytest.raises(NotFound):
        store.delete_faces([face.id])


def test_rejections_are_kept_by_model(store: SqlPeopleStore) -> None:
    ann = store.add_person("Ann")
    vector = np.linspace(-1, 1, 8, dtype=np.float32)
    store.reject(ann.id, "test", vector)
    ((person_id, kept),) = store.rejections("test")
    assert person_id == ann.id
    np.testing.assert_array_equal(kept, vector)
    assert store.rejections("other") == []


def test_a_face_without_an_embedding_is_a_bug(store: SqlPeopleStore, new_face: MakeFace) -> None:
    ann = store.add_person("Ann")
    new = new_face(1)
    with pytest.raises(ValueError, match="embedding"):
        store.enrol(ann.id, [replace(new, face=replace(new.face, embedding=None))])
    assert store.count() == (1, 0, 0)


def test_many_numbers_in_one_question(store: SqlPeopleStore) -> None:
    ann = store.add_person("Ann")
    assert list(store.people_by_ids(range(300_000))) == [ann.id]
