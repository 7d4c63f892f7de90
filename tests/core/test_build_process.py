"""The training process: TensorFlow in a process of its own, killed, gone on with, cancelled, reproducible."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from faceapp.build import archive, openset
from faceapp.build.card import Card, Known
from faceapp.build.dataset import STRANGER, TEST, Dataset, split, split_strangers, stack
from faceapp.build.network import unit
from faceapp.build.process import TrainingProcess
from faceapp.build.recogniser import Recogniser
from faceapp.build.search import GENERATION
from faceapp.build.workspace import Budget, Request, Workspace
from faceapp.errors import Cancelled, Conflict, FaceAppError, StoreUnavailable
from faceapp.jobs import JobContext
from faceapp.tasks.build import train

DIMENSION, PEOPLE = 24, 5


def made(seed: int = 0) -> Dataset:
    """People whose faces lie around a centre, close enough to be mistaken now and then."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((PEOPLE, DIMENSION))
    labels = np.repeat(np.arange(PEOPLE), 8)
    noise = 0.5 * random.standard_normal((len(labels), DIMENSION))
    vectors = unit((centres[labels] + noise).astype(np.float32))
    hashes = [f"{index:064x}" for index in range(len(labels))]
    parts = split(labels, hashes, vectors, seed)
    rows = [
        (vector, int(label), int(part), True, sha256)
        for vector, label, part, sha256 in zip(vectors, labels, parts, hashes, strict=True)
    ]
    strangers = unit(random.standard_normal((60, DIMENSION)).astype(np.float32))
    rows += [
        (vector, STRANGER, int(part), True, f"s{index}")
        for index, (vector, part) in enumerate(zip(strangers, split_strangers(60, seed), strict=True))
    ]
    return stack([f"Person {index}" for index in range(PEOPLE)], rows)


def prepared(folder: Path, budget: Budget, seed: int = 0) -> Workspace:
    folder.mkdir(parents=True)
    workspace = Workspace(folder)
    data = made()
    data.save(workspace.data)
    people = tuple(Known(name) for name in data.names)
    created = "2026-03-02T09:00:00+00:00"
    request = Request(folder.name, "Test", created, "dlib-resnet", people, budget, seed, threads=1)
    workspace.write_request(request)
    return workspace


def killed_after(workspace: Workspace, candidates: int) -> int:
    """Start, and kill the process without a warning after so many candidates; how many were finished."""
    process = TrainingProcess(workspace.folder, workspace.log)
    finished = 0
    try:
        for message in process.messages(0.1):
            finished += message is not None and message["kind"] == "candidate"
            if finished >= candidates:
                break
    finally:
        process.close()
    return finished


@pytest.mark.timeout(900)
def test_a_killed_search_goes_on_with_every_candidate_and_ends_the_same(tmp_path: Path) -> None:
    budget = Budget(6)
    undisturbed = train(JobContext.silent(), prepared(tmp_path / "a" / "one", budget))
    workspace = prepared(tmp_path / "b" / "one", budget)
    before = killed_after(workspace, 1)
    seen: list[int] = []

    def heard(message: dict[str, object]) -> None:
        if message["kind"] == "candidate":
            seen.append(int(str(message["number"])))

    gone_on = train(JobContext.silent(), workspace, heard)
    assert 1 <= before < budget.candidates
    assert len(seen) == len(set(seen)) == budget.candidates
    assert gone_on.candidates == undisturbed.candidates
    assert gone_on.topology == undisturbed.topology
    one, other = (Recogniser.open(tmp_path / place / "one" / "model.zip", "network") for place in ("a", "b"))
    vectors = made().known(TEST)[0]
    assert np.array_equal(one.scores(vectors), other.scores(vectors))
    check(undisturbed, one, workspace)


def check(card: Card, recogniser: Recogniser, workspace: Workspace) -> None:
    """The card says what the model in the file does."""
    data = made()
    known, strangers = recogniser.scores(data.known(TEST)[0]), recogniser.scores(data.strangers(TEST))
    found = openset.result(data.scores(TEST, known, strangers), card.decisions["network"].threshold)
    row = next(row for row in card.table if row.method == "network")
    assert row.accuracy == pytest.approx(found.accuracy, abs=1e-9)
    assert {row.method for row in card.table} == {"network", "nearest", "centroid", "svm", "knn"}
    assert row.accuracy > 0.8
    front = [one for one in card.candidates if one.front]
    costs = [(-one.accuracy, float(one.parameters), one.microseconds) for one in front]
    assert openset.front(costs) == list(range(len(front)))
    assert sum(map(sum, card.confusion)) == len(data.known(TEST)[0]) + len(data.strangers(TEST))
    with archive.zipfile.ZipFile(workspace.model) as file:
        assert set(file.namelist()) == archive.NAMES


@pytest.mark.timeout(900)
def test_cancelling_keeps_the_best_so_far_and_memory_stays_in_the_other_process(tmp_path: Path) -> None:
    workspace = prepared(tmp_path / "one", Budget(seconds=600.0))
    kinds: list[object] = []
    before = memory()
    context = JobContext(lambda **_: None, lambda: "candidate" in kinds)
    with pytest.raises(Cancelled):
        train(context, workspace, lambda message: kinds.append(message["kind"]))
    # In the middle of the first generation.
    assert 1 <= kinds.count("candidate") < GENERATION
    card = archive.read(workspace.model).card
    assert len(card.candidates) >= 1
    assert "network" in card.decisions
    assert not workspace.finished
    # TensorFlow alone takes 400 MB.
    assert memory() - before < 100
    assert "tensorflow" not in sys.modules


def test_cancelling_before_the_first_candidate_keeps_the_best_plain_method(tmp_path: Path) -> None:
    workspace = prepared(tmp_path / "one", Budget(seconds=600.0))
    kinds: list[object] = []
    context = JobContext(lambda **_: None, workspace.model.exists)
    with pytest.raises(Cancelled):
        train(context, workspace, lambda message: kinds.append(message["kind"]))
    assert "candidate" not in kinds
    recogniser = Recogniser.open(workspace.model)
    assert recogniser.which == recogniser.card.winner == "plain"
    assert not workspace.finished
    data = made()
    vectors, people = data.known(TEST)
    assert (recogniser.scores(vectors).argmax(1) == people).mean() > 0.8


def memory() -> float:
    """The resident memory of this process in megabytes; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return 0.0
    return pages * 4096 / 1e6


def test_damaged_data_are_a_sentence_of_the_other_process(tmp_path: Path) -> None:
    workspace = prepared(tmp_path / "one", Budget(1))
    workspace.data.write_bytes(b"damaged")
    with pytest.raises(Conflict, match="damaged"):
        train(JobContext.silent(), workspace)


def test_a_process_that_dies_is_a_sentence(tmp_path: Path) -> None:
    workspace = prepared(tmp_path / "one", Budget(1))
    process = TrainingProcess(workspace.folder, workspace.log)
    messages = process.messages(0.05)
    try:
        next(messages)
        process._process.kill()
        with pytest.raises(FaceAppError, match="ended by itself"):
            for _ in messages:
                pass
    finally:
        process.close()


def test_a_lock_goes_with_its_holder(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert not workspace.alive("somebody")
    with workspace.working("somebody"):
        assert workspace.alive("somebody")
    assert not workspace.alive("somebody")
    (tmp_path / "worker-dead.lock").touch()
    assert not workspace.alive("dead")


def test_a_damaged_file_of_searches_is_a_sentence(tmp_path: Path) -> None:
    workspace = prepared(tmp_path / "one", Budget(3))
    workspace.studies.write_bytes(b"no database" * 100)
    with pytest.raises(StoreUnavailable, match="searches"):
        train(JobContext.silent(), workspace)


@pytest.mark.timeout(900)
def test_two_processes_share_a_search(tmp_path: Path) -> None:
    workspace = prepared(tmp_path / "one", Budget(GENERATION + 1))
    processes = [TrainingProcess(workspace.folder, workspace.log) for _ in range(2)]
    try:
        for process in processes:
            for _ in process.messages(0.1):
                pass
    finally:
        for process in processes:
            process.close()
    candidates = archive.read(workspace.model).card.candidates
    numbers = [one.number for one in candidates]
    # Whoever ends first writes the file before the other one's candidates are finished.
    assert numbers and numbers == sorted(set(numbers))
    from faceapp.build.storage import forget, open_storage

    storage = open_storage(workspace.studies)
    (study,) = storage.get_all_studies()
    trials = storage.get_all_trials(study._study_id)
    assert [trial.number for trial in trials if trial.state.is_finished()] == list(range(GENERATION + 1))
    assert len({trial.user_attrs["worker"] for trial in trials}) == 2
    storage.remove_session()
    storage.engine.dispose()
    forget(workspace.studies, "one")
    assert open_storage(workspace.studies).get_all_studies() == []
