"""The file of a recogniser: what it says in ONNX, and what is refused. No TensorFlow."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from faceapp.build import archive, export
from faceapp.build.baselines import Plain, side_by_side
from faceapp.build.card import Card, Decision, Known, Row, verdict
from faceapp.build.network import Layer, Network, unit
from faceapp.build.recogniser import Recogniser
from faceapp.build.topology import ACTIVATIONS, NORMALISATIONS, Topology
from faceapp.errors import BadRequest, Conflict, FaceAppError, NotFound, TooLarge
from faceapp.models.onnx import session
from faceapp.types import Floats

DIMENSION, PEOPLE = 16, 3


def network(topology: Topology, seed: int = 0, strangers: int = 4) -> Network:
    """One with random weights; the first person has 1 photo, the second 2, the third 3."""
    random = np.random.default_rng(seed)

    def numbers(*shape: int) -> Floats:
        return random.standard_normal(shape).astype(np.float32)

    sizes = (DIMENSION, *topology.widths)
    layers = tuple(
        Layer(numbers(before, after), *(numbers(after) for _ in range(4)), numbers(after) ** 2)
        for before, after in zip(sizes, topology.widths, strict=False)
    )
    owners = np.array([0, 1, 1, 2, 2, 2])
    last = numbers(topology.widths[-1], DIMENSION)
    return Network(
        topology, layers, last, numbers(DIMENSION), unit(numbers(PEOPLE, DIMENSION)),
        unit(numbers(6, DIMENSION)), owners, unit(numbers(strangers, DIMENSION)),
    )  # fmt: skip


def vectors(count: int = 7) -> Floats:
    return unit(np.random.default_rng(5).standard_normal((count, DIMENSION)).astype(np.float32))


def run(model: bytes, given: Floats) -> Floats:
    return np.asarray(session(model, threads=1).run(None, {export.INPUT: given})[0])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("skip", [True, False])
def test_onnx_says_what_the_network_says(activation: Any, normalisation: Any, skip: bool) -> None:
    own = network(Topology((9, 5), activation, normalisation, skip=skip), strangers=4 * skip)
    scores = own.scores(vectors())
    assert np.ptp(scores) > 0.1
    assert np.abs(run(export.onnx_of(own, DIMENSION), vectors()) - scores).max() < 2e-6


@pytest.mark.parametrize("best", [1, 2])
def test_onnx_says_what_a_plain_method_says(best: int) -> None:
    rows, offset = side_by_side(vectors(9), np.array([0, 0, 0, 0, 1, 1, 2, 2, 2]), PEOPLE)
    plain = Plain("knn", PEOPLE, rows, offset, best)
    assert np.abs(run(export.onnx_of(plain, DIMENSION), vectors()) - plain.scores(vectors())).max() < 1e-6


def card(**changes: Any) -> Card:
    decision = Decision("network 8 relu", 0.5, 0.1)
    made = Card(
        name="Test", created="2026-03-02T09:00:00+00:00", embedder="dlib-resnet", dimension=DIMENSION,
        people=(Known("Ann", 4), Known("Ben"), Known("Cid")),
        decisions={"network": decision, "plain": Decision("nearest centroid", 0.4, 0.2)},
        winner="network", verdict="The network is better.", topology=Topology((8,)).as_dict(),
    )  # fmt: skip
    return replace(made, **changes)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A sound recogniser."""
    path = tmp_path / "model.zip"
    plain = Plain("centroid", PEOPLE, unit(vectors(PEOPLE)), np.zeros(PEOPLE, np.float32))
    keras = tmp_path / "model.keras"
    keras.write_bytes(b"not looked into")
    models = [export.onnx_of(model, DIMENSION) for model in (network(Topology((8,))), plain)]
    archive.write(path, card(), dict(zip(("network", "plain"), models, strict=True)), keras)
    return path


def test_a_recogniser_comes_back_from_its_file(file: Path) -> None:
    own = network(Topology((8,)))
    recogniser = Recogniser.open(file)
    assert recogniser.card == card()
    assert np.abs(recogniser.scores(vectors()) - own.scores(vectors())).max() < 2e-6
    plain = Recogniser.open(file, "plain")
    assert plain.decision.title == "nearest centroid"
    assert np.abs(plain.scores(vectors()) - recogniser.scores(vectors())).max() > 0.01


def test_a_file_without_a_network_recognises_by_the_plain_method(file: Path, tmp_path: Path) -> None:
    source = archive.read(file)
    decisions = {"plain": source.card.decisions["plain"]}
    early = replace(source.card, decisions=decisions, winner="plain", topology={})
    place = tmp_path / "early.zip"
    archive.write(place, early, {"plain": source.models["plain"]}, None)
    recogniser = Recogniser.open(place)
    assert np.array_equal(recogniser.scores(vectors()), Recogniser.open(file, "plain").scores(vectors()))
    with pytest.raises(BadRequest, match="no network"):
        Recogniser.open(place, "network")


def test_the_best_person_is_named_from_the_threshold_on(file: Path) -> None:
    own = network(Topology((8,)))
    vector = own.memory[5]
    sound = Recogniser.open(file)
    scores = sound.scores(vector[None])[0]
    order = np.argsort(-scores)
    guesses = sound.rank(vector, 2)
    assert [guess.index for guess in guesses] == order[:2].tolist()
    for threshold, named in ((float(scores.max()), True), (float(scores.max()) + 0.01, False)):
        source = archive.read(file)
        decisions = {**source.card.decisions, "network": Decision("n", threshold, 0.1)}
        changed = Recogniser(archive.Archive(replace(source.card, decisions=decisions), source.models))
        best = changed.rank(vector, 3)
        assert [guess.named for guess in best] == [named, False, False]
        assert (best[0].confidence >= 0.5) is named


def test_another_embedder_and_another_length_are_refused(file: Path) -> None:
    recogniser = Recogniser.open(file)
    recogniser.check("dlib-resnet")
    with pytest.raises(Conflict, match="dlib-resnet"):
        recogniser.check("mobileface")
    with pytest.raises(ValueError, match="shape"):
        recogniser.scores(np.zeros((1, DIMENSION + 1), np.float32))


def parts_of(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as source:
        return {name: source.read(name) for name in source.namelist()}


def packed(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in parts.items():
            target.writestr(name, data)
    return buffer.getvalue()


def with_card(parts: dict[str, bytes], **changes: Any) -> dict[str, bytes]:
    return {**parts, "card.json": json.dumps({**json.loads(parts["card.json"]), **changes}).encode()}


def other_operator(parts: dict[str, bytes]) -> dict[str, bytes]:
    model = onnx.load_model_from_string(parts["model.onnx"])
    model.graph.node[0].op_type = "Loop"
    return {**parts, "model.onnx": model.SerializeToString()}


def outside_data(parts: dict[str, bytes]) -> dict[str, bytes]:
    model = onnx.load_model_from_string(parts["model.onnx"])
    place = model.graph.initializer[0].external_data.add()
    place.key, place.value = "location", "/etc/passwd"
    return {**parts, "model.onnx": model.SerializeToString()}


SPOILT: dict[str, tuple[Callable[[dict[str, bytes]], dict[str, bytes]], type[FaceAppError]]] = {
    "a path": (lambda parts: {**parts, "../evil.txt": b"x"}, BadRequest),
    "something else": (lambda parts: {**parts, "model.pkl": b"x"}, BadRequest),
    "no card": (lambda parts: {name: parts[name] for name in parts if name != "card.json"}, BadRequest),
    "no network": (lambda parts: {name: parts[name] for name in parts if name != "model.onnx"}, BadRequest),
    "bomb": (lambda parts: {**parts, "model.onnx": bytes(50_000_000)}, TooLarge),
    "bomb as card": (lambda parts: {**parts, "card.json": b" " * 40_000_000}, TooLarge),
    "no onnx": (lambda parts: {**parts, "model.onnx": b"\x80\x04pickle"}, BadRequest),
    "other operator": (other_operator, BadRequest),
    "outside data": (outside_data, BadRequest),
    "fewer people": (lambda parts: with_card(parts, people=[{"name": "A", "person_id": 1}]), BadRequest),
    "other people": (
        lambda parts: with_card(parts, people=[{"name": str(n), "person_id": None} for n in range(4)]),
        BadRequest,
    ),
    "other length": (lambda parts: with_card(parts, dimension=128), BadRequest),
    "newer": (lambda parts: with_card(parts, format=2), BadRequest),
    "bad threshold": (
        lambda parts: with_card(
            parts, decisions={"network": {"title": "n", "threshold": float("nan"), "spread": 1.0}}
        ),
        BadRequest,
    ),
    "bad spread": (
        lambda parts: with_card(parts, decisions={"network": {"title": "n", "threshold": 0.1, "spread": 0}}),
        BadRequest,
    ),
    "a list": (lambda parts: {**parts, "card.json": b"[1]"}, BadRequest),
    "deep": (lambda parts: {**parts, "card.json": b"[" * 20_000}, FaceAppError),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPOILT)
def test_a_spoilt_file_is_a_sentence(kind: str, file: Path) -> None:
    spoil, error = SPOILT[kind]
    parts = parts_of(file)
    archive.read(packed(parts))
    with pytest.raises(error) as refused:
        Recogniser(archive.read(packed(spoil(parts))))
    assert refused.value.sentence.endswith(".")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"no zip at all", b"\x80\x04\x95"])
def test_what_is_no_zip_is_a_sentence(data: bytes) -> None:
    with pytest.raises(BadRequest, match="no recogniser"):
        archive.read(data)


def test_a_cut_off_file_and_none(file: Path, tmp_path: Path) -> None:
    data = file.read_bytes()
    for length in (len(data) // 2, len(data) - 10):
        with pytest.raises(BadRequest):
            archive.read(data[:length])
    with pytest.raises(NotFound):
        archive.read(tmp_path / "none.zip")


def test_nothing_is_left_when_writing_fails(tmp_path: Path) -> None:
    place = tmp_path / "model.zip"
    with pytest.raises(FaceAppError):
        archive.write(place, card(), {"network": b"x"}, tmp_path / "no-such.keras")
    assert list(tmp_path.iterdir()) == []


def row(method: str, accuracy: float) -> Row:
    return Row(method, method, accuracy, accuracy, accuracy, 0.0, accuracy, 1, 1.0)


@pytest.mark.parametrize(
    ("network_", "plain", "winner", "word"),
    [(0.99, 0.98, "network", "better than every"), (0.98, 0.99, "plain", "better than the network"),
     (0.98, 0.98, "plain", "as good as")],
)  # fmt: skip
def test_the_verdict_is_honest(network_: float, plain: float, winner: str, word: str) -> None:
    which, sentence = verdict(row("network", network_), [row("svm", 0.5), row("nearest", plain)])
    assert which == winner
    assert word in sentence and f"{100 * plain:.1f} %" in sentence


def test_without_a_network_the_plain_method_is_offered() -> None:
    which, sentence = verdict(None, [row("svm", 0.5), row("nearest", 0.98)])
    assert which == "plain"
    assert "nearest" in sentence and "98.0 %" in sentence
