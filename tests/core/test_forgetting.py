"""Forgetting people beside the library: kept photos, recognisers, what is still recognised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceapp.build.card import Known
from faceapp.build.dataset import STRANGER, TRAIN, Dataset
from faceapp.build.workspace import Request, Workspace
from faceapp.errors import Conflict, NotFound
from faceapp.pipeline.photos import decode_photo, read_photo
from faceapp.services import Services
from faceapp.services.recognisers import FOLDER, Entry
from faceapp.types import PersonName

GRACE = PersonName("Grace", "Hopper")


@pytest.fixture
def grace(services: Services, portrait_files: dict[str, Path]) -> int:
    """From bytes, as a paste is: the program keeps a file of its own. Eileen comes from her file."""
    eileen = PersonName("Eileen", "Collins")
    services.enrolment.enrol(read_photo(portrait_files["astronaut"]), eileen, face=0)
    pasted = decode_photo(portrait_files["hopper"].read_bytes(), "pasted.jpg")
    return services.enrolment.enrol(pasted, GRACE).person.id


def workspace(services: Services, build_id: str, *people: Known) -> Workspace:
    """The folder of a build that was stopped."""
    made = Workspace(services.paths.data / FOLDER / build_id)
    made.folder.mkdir(parents=True)
    made.write_request(Request(build_id, f"Recogniser {build_id}", "2026-01-01", "test", people))
    return made


def test_the_copy_of_a_pasted_photo_goes_and_the_users_file_stays(
    services: Services, grace: int, portrait_files: dict[str, Path]
) -> None:
    (kept,) = [path for path in services.paths.photos.rglob("*") if path.is_file()]
    gone = services.forgetting.forget([grace])
    assert gone.photos == (str(kept),) and not kept.exists()
    eileen = services.people.named("Eileen Collins")
    services.forgetting.forget([eileen.id])
    assert portrait_files["astronaut"].exists()
    assert services.people.count() == (0, 0, 0)


def test_what_latent_morphs_have_learnt_goes(services: Services, grace: int) -> None:
    folder = services.paths.latent / "projections"
    folder.mkdir(parents=True)
    (folder / "her.npz").write_bytes(b"her face")
    services.forgetting.forget([grace])
    assert not folder.exists()


def test_she_is_a_stranger_at_once(services: Services, grace: int, portrait_files: dict[str, Path]) -> None:
    photo = read_photo(portrait_files["hopper"])
    assert services.recognition.recognise(photo)[0].person is not None
    services.forgetting.forget([grace])
    assert [face.person for face in services.recognition.recognise(photo)] == [None]


def test_recognisers_forget_her_too(services: Services, grace: int) -> None:
    (face,) = services.people.faces(grace)
    workspace(services, "byid", Known("Another Name", grace))
    workspace(services, "byname", Known("grace_hopper"))
    other = workspace(services, "other", Known("Eileen Collins"))
    photos = np.array([face.photo.sha256, "a" * 64, "b" * 64])
    vectors = np.eye(3, dtype=np.float32)
    rows = np.full(3, TRAIN), np.ones(3, np.bool_), photos
    Dataset(("Eileen Collins",), vectors, np.array([STRANGER, STRANGER, 0]), *rows).save(other.data)
    gone = services.forgetting.forget([grace])
    assert sorted(gone.recognisers) == ["Recogniser byid", "Recogniser byname"]
    assert [entry.id for entry in services.recognisers.all()] == ["other"]
    left = Dataset.load(other.data)
    assert left.photos.tolist() == ["a" * 64, "b" * 64]
    assert left.vectors.tolist() == [[0, 1, 0], [0, 0, 1]]


def test_nothing_is_forgotten_while_a_recogniser_learns(
    services: Services, grace: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    building = Entry("one", "Staff", "2026-01-01", "building")
    monkeypatch.setattr(services.recognisers, "all", lambda: [building])
    with pytest.raises(Conflict, match="Staff is being built"):
        services.forgetting.forget([grace])
    assert services.people.count()[0] == 2
    with pytest.raises(NotFound):
        services.forgetting.forget([grace + 100])


def test_backups_that_still_hold_her_are_named(services: Services, grace: int) -> None:
    old = services.paths.backups / "library-2026-01-01T000000-0002.sqlite3"
    old.parent.mkdir(exist_ok=True)
    old.write_bytes(b"Grace")
    assert services.forgetting.forget([grace]).backups == (str(old),)
