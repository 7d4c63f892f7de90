"""A recogniser built from photos, used, compared, imported: services and command line, on real faces."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import Run, runner
from made_people import NAMES, folder_of_people, made_photos

import main
from faceapp.build import archive
from faceapp.build.upload import Upload
from faceapp.build.workspace import Budget
from faceapp.errors import BadRequest, Conflict, FaceAppError, NotFound, StoreUnavailable, UnusableFace
from faceapp.jobs import State
from faceapp.models.registry import Models
from faceapp.pipeline.photos import decode_photo, read_photo
from faceapp.services import Services
from faceapp.services.recognisers import FOLDER
from faceapp.types import Image, PersonName


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, models: Models, astronaut: Image, hopper: Image) -> Path:
    root = tmp_path_factory.mktemp("people")
    return folder_of_people(root, models, {"astronaut": astronaut, "hopper": hopper}, 7)


@pytest.fixture(scope="module")
def built(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recogniser of the two, built once by the command line in a process of its own."""
    import subprocess
    import sys

    place = tmp_path_factory.mktemp("built")
    words = ["build", "--from", str(people), "--no-search", "--seed", "3", "--name", "Two", "--json"]
    places = ["--out", str(place / "two.zip"), "--data-dir", str(place / "data")]
    done = subprocess.run(
        [sys.executable, main.__file__, *words, *places], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["people"] == sorted(NAMES.values())
    assert "network" in document["verdict"]
    assert {row["method"] for row in document["table"]} >= {"network", "nearest"}
    return place / "two.zip"


@pytest.fixture
def run(services: Services, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    return runner(services, monkeypatch, capfd)


@pytest.mark.timeout(900)
def test_recognise_with_a_file_names_people_who_are_not_in_the_library(
    run: Run, built: Path, models: Models, hopper: Image, astronaut: Image, tmp_path: Path
) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    for key, image in (("astronaut", astronaut), ("hopper", hopper)):
        (folder / f"{key}.jpg").write_bytes(made_photos(models, image, 1, seed=77)[0])
    plain = run("recognise", folder, "--json")
    assert [face["person"] for photo in json.loads(plain.out) for face in photo["faces"]] == [None, None]
    ended = run("recognise", folder, "--with", built, "--json")
    assert ended.status == 0, ended.err
    found = {Path(photo["photo"]).stem: photo["faces"][0] for photo in json.loads(ended.out)}
    assert {key: face["person"] for key, face in found.items()} == NAMES
    assert all(0 <= face["distance"] < 0.1 for face in found.values())


@pytest.mark.timeout(900)
def test_an_imported_recogniser_is_used_everywhere_and_lets_go_again(
    services: Services, built: Path, portrait_files: dict[str, Path], models: Models, hopper: Image
) -> None:
    photo = decode_photo(made_photos(models, hopper, 1, seed=5)[0])
    entry = services.recognisers.import_file(built)
    assert (entry.state, entry.name) == ("ready", "Two")
    assert entry.card is not None and all(known.person_id is None for known in entry.card.people)
    assert services.recognition.recognise(photo)[0].person is None
    services.recognisers.use(entry.id)
    match = services.recognition.recognise(photo)[0].person
    assert match is not None and match.person.name == "Grace Hopper" and match.person.id < 0
    embedding = services.analyser.faces(photo.image)[0].embedding
    assert embedding is not None
    assert services.live._search(embedding)[0].person.name == "Grace Hopper"
    # Lookalikes stay a search in the library.
    assert services.recognition.lookalikes(photo)[0].matches == ()
    grace = services.enrolment.enrol(read_photo(portrait_files["hopper"]), PersonName.parse("grace hopper"))
    match = services.recognition.recognise(photo)[0].person
    assert match is not None and match.person.id == grace.person.id and match.face_id == grace.face.id
    face = services.analyser.faces(photo.image, views=2)[0]
    services.recognition.reject(grace.person.id, face)
    assert services.recognition.recognise(photo)[0].person is None
    # The file is damaged behind the program's back: nearest neighbour goes on, with a sentence.
    services.recognisers.use(entry.id, "plain")
    services.recognisers.file(entry.id).write_bytes(b"damaged")
    assert services.recognisers.active() is None
    assert services.recognisers.problem is not None and services.recognisers.problem.code == "not_a_zip"
    services.recognisers.delete(entry.id)
    assert services.settings.current.recogniser == ""
    assert services.recognisers.all() == []
    with pytest.raises(NotFound):
        services.recognisers.get(entry.id)


@pytest.mark.timeout(900)
def test_a_sighting_of_somebody_who_is_not_in_the_library_has_no_person(
    services: Services, built: Path, hopper: Image
) -> None:
    from datetime import UTC, datetime

    from faceapp.live import NewSighting
    from faceapp.services.recognition import stand_in

    recogniser = services.recognisers.give(built)
    embedding = services.analyser.faces(hopper)[0].embedding
    assert embedding is not None
    person = stand_in(recogniser.rank(embedding, 1)[0])
    now = datetime.now(UTC)
    number = services.sightings.record(
        NewSighting(
            "Room 5", now, now, person.id, None, 0.05, services.analyser.model_key, embedding, b"jpeg"
        )
    )
    assert [(one.id, one.person) for one in services.sightings.find()] == [(number, None)]


@pytest.mark.timeout(900)
def test_a_build_from_the_library_searches_uses_ids_and_is_compared(
    services: Services, built: Path, people: Path
) -> None:
    job = services.enrolment.start_import(people)
    assert services.jobs.wait(job.id, 120).state is State.SUCCEEDED
    ids = [person.id for person in services.people.find()]
    entry = services.recognisers.start(ids, "Mine", Budget(2), seed=1)
    assert entry.state in ("waiting", "building")
    with pytest.raises(Conflict, match="is being built"):
        services.recognisers.delete(entry.id)
    assert entry.job_id is not None
    done = services.jobs.wait(entry.job_id, 600)
    assert done.state is State.SUCCEEDED, done.error
    entry = services.recognisers.get(entry.id)
    assert entry.state == "ready" and entry.card is not None
    assert [known.person_id for known in entry.card.people] == ids
    assert len(services.recognisers.candidates(entry.id)) == 2
    assert dict(services.recognisers.plain(entry.id)).keys() >= {"nearest neighbour", "linear SVM"}
    people_by_id = {person.id: person.name for person in services.people.find()}
    services.recognisers.use(entry.id, "network")
    photo = read_photo(sorted((people / "Grace_Hopper").iterdir())[0])
    match = services.recognition.recognise(photo)[0].person
    assert match is not None and people_by_id[match.person.id] == "Grace Hopper"
    assert [face.name for face in services.recognisers.predict(entry.id, photo)] == ["Grace Hopper"]
    other = services.recognisers.import_file(built)
    # Two people and nobody else: whichever of the two is the first.
    for one, another in ((entry, other), (other, entry)):
        with pytest.raises(Conflict, match="no strangers"):
            services.recognisers.compare(one.id, another.id)


def refused(call: Callable[[], object], kind: type[FaceAppError], words: str) -> None:
    with pytest.raises(kind) as error:
        call()
    assert words in error.value.sentence and error.value.sentence.endswith(".")


def test_what_cannot_be_built_is_a_sentence_at_once(services: Services, tmp_path: Path, people: Path) -> None:
    start = services.recognisers.start_folder
    refused(lambda: start(tmp_path / "none"), NotFound, "no folder")
    (tmp_path / "empty").mkdir()
    refused(lambda: start(tmp_path / "empty"), BadRequest, "no photos")
    shutil.copytree(people / "Grace_Hopper", tmp_path / "one" / "Grace")
    refused(lambda: start(tmp_path / "one"), BadRequest, "Only one person")
    # The card of what is built could not be read.
    long, strange = tmp_path / "long", tmp_path / "strange"
    for root, name in ((long, "x" * 201), (strange, "A\x07nn")):
        shutil.copytree(people / "Grace_Hopper", root / name)
        shutil.copytree(people / "Eileen_Collins", root / "Eileen")
        refused(lambda root=root: start(root), BadRequest, "cannot be the name of a person")
    refused(lambda: start(people, "x" * 201), BadRequest, "cannot be the name of a recogniser")
    refused(lambda: services.recognisers.start([]), BadRequest, "Nobody has")
    refused(lambda: services.recognisers.start([4711, 4712]), NotFound, "no")
    assert services.recognisers.all() == []


def test_nothing_is_left_of_a_file_that_could_not_be_taken_in(
    services: Services, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreUnavailable("recogniser_not_written", "model.zip could not be written: disk full.")

    monkeypatch.setattr(archive, "write", full)
    refused(lambda: services.recognisers.import_file(built), StoreUnavailable, "could not be written")
    folder = services.paths.data / FOLDER
    assert list(folder.iterdir()) == []
    shutil.rmtree(folder)
    folder.write_bytes(b"a file where the folder is to be")
    refused(lambda: services.recognisers.import_file(built), StoreUnavailable, "could not be written")


def test_photos_without_a_face_are_a_sentence(services: Services, tmp_path: Path) -> None:
    from faceapp.opencv import cv2

    noise = [bytes(cv2.imencode(".png", np.full((60, 60, 3), 40 * shade, np.uint8))[1]) for shade in range(6)]
    files = [Upload(f"{'AB'[index % 2]}/{index}.png", data) for index, data in enumerate(noise)]
    refused(lambda: services.recognisers.start_upload(files), UnusableFace, "No face")
    assert services.recognisers.all() == []
    for index, data in enumerate(noise):
        place = tmp_path / "noise" / "AB"[index % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{index}.png").write_bytes(data)
    entry = services.recognisers.start_folder(tmp_path / "noise")
    assert entry.job_id is not None
    job = services.jobs.wait(entry.job_id, 60)
    assert isinstance(job.error, UnusableFace)
    failed = services.recognisers.get(entry.id)
    assert failed.state == "failed" and failed.error is job.error and not failed.available


def test_an_upload_that_gives_the_same_photos_for_two_people_is_told_so(
    services: Services, people: Path
) -> None:
    photos = [path.read_bytes() for path in sorted((people / "Grace_Hopper").iterdir())[:3]]
    files = [Upload(f"{name}/{n}.jpg", data) for name in ("Ann", "Ben") for n, data in enumerate(photos)]
    entry = services.recognisers.start_upload(files)
    assert entry.job_id is not None
    error = services.jobs.wait(entry.job_id, 60).error
    assert isinstance(error, BadRequest) and error.code == "too_few_people"
    # By the name under which it came, not by that under which it was kept.
    assert "0.jpg: The photo is given for Ann and for Ben" in error.sentence


def test_a_place_that_takes_no_file_is_told_before_the_search(
    run: Run, services: Services, people: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    ended = run("build", "--from", people, "--out", tmp_path / "file" / "model.zip")
    assert ended.status == 1 and "“model.zip” could not be written" in ended.err
    assert services.recognisers.all() == []


def test_the_folder_of_the_file_is_made(
    run: Run, services: Services, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of a search it would be too late to say that it is not there."""
    entry = services.recognisers.import_file(built)
    job = services.jobs.submit("build", "Built before", lambda _: entry.card)
    monkeypatch.setattr(
        services.recognisers, "start", lambda *_: dataclasses.replace(entry, job_id=job.id)
    )
    out = tmp_path / "new" / "folder" / "model.zip"
    ended = run("build", "--out", out)
    assert ended.status == 0, ended.err
    assert out.read_bytes() == services.recognisers.file(entry.id).read_bytes()


def test_wrong_usage(run: Run, tmp_path: Path, people: Path) -> None:
    out = tmp_path / "out.zip"
    for budget in ("0", "five", "5d", "-3", "m", f"{'9' * 400}h"):
        assert run("build", "--from", people, "--budget", budget, "--out", out).status == 2
    assert run("build", "--from", people, "--people", "Ann", "--out", out).status == 2
    ended = run("build", "--out", out)
    assert ended.status == 1 and "Nobody has" in ended.err
    (tmp_path / "no.zip").write_bytes(b"no zip")
    ended = run("recognise", people, "--with", tmp_path / "no.zip")
    assert ended.status == 1 and "is not a zip file" in ended.err
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "budget"),
    [("40", Budget(40)), ("40 candidates", Budget(40)), ("5m", Budget(seconds=300.0)),
     ("90s", Budget(seconds=90.0)), ("1h", Budget(seconds=3600.0))],
)  # fmt: skip
def test_budgets(text: str, budget: Budget) -> None:
    from faceapp.cli.parser import parse

    assert parse(["build", "--budget", text, "--out", "x.zip"]).budget == budget
