"""The file of a recogniser: what it says in ONNX, and what is refused. No TensorFlow."""

from __future__ import annotations

import hashlib
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
from made_zips import zipped

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
    assert replace(recogniser.card, files=None) == card()
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


def parts_of(file: Path | io.BytesIO) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as source:
        return {name: source.read(name) for name in source.namelist()}


def sealed(parts: dict[str, bytes]) -> dict[str, bytes]:
    """As somebody packs it who puts the right digests on the card."""
    members = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in parts.items()
        if name != "card.json"
    }
    return with_card(parts, files=members)


def unsealed(parts: dict[str, bytes]) -> dict[str, bytes]:
    """As it was written before cards had digests."""
    values = json.loads(parts["card.json"])
    del values["files"]
    return {**parts, "card.json": json.dumps(values).encode()}


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


Spoil = Callable[[dict[str, bytes]], dict[str, bytes]]


SPOILT: dict[str, tuple[Spoil, type[FaceAppError]]] = {
    "a path": (lambda parts: {**parts, "../evil.txt": b"x"}, BadRequest),
    "something else": (lambda parts: {**parts, "model.pkl": b"x"}, BadRequest),
    "no card": (lambda parts: {name: parts[name] for name in parts if name != "card.json"}, BadRequest),
    "no network": (lambda parts: {name: parts[name] for name in parts if name != "model.onnx"}, BadRequest),
    "bomb": (lambda parts: {**parts, "model.onnx": bytes(50_000_000)}, TooLarge),
    "bomb as card": (lambda parts: {**parts, "card.json": b" " * 40_000_000}, TooLarge),
    "no onnx": (lambda parts: sealed({**parts, "model.onnx": b"\x80\x04pickle"}), BadRequest),
    "other operator": (lambda parts: sealed(other_operator(parts)), BadRequest),
    "outside data": (lambda parts: sealed(outside_data(parts)), BadRequest),
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
    archive.read(zipped(parts))
    with pytest.raises(error) as refused:
        Recogniser(archive.read(zipped(spoil(parts))))
    assert refused.value.sentence.endswith(".")


def changed_byte(parts: dict[str, bytes], name: str) -> dict[str, bytes]:
    data = bytearray(parts[name])
    data[len(data) // 2] ^= 1
    return {**parts, name: bytes(data)}


def without(parts: dict[str, bytes], *names: str) -> dict[str, bytes]:
    return {name: data for name, data in parts.items() if name not in names}


def unnamed(parts: dict[str, bytes], name: str) -> dict[str, bytes]:
    """The card says nothing of that member."""
    files = json.loads(parts["card.json"])["files"]
    return with_card(parts, files=without(files, name))


def swapped(parts: dict[str, bytes]) -> dict[str, bytes]:
    return {**parts, "model.onnx": parts["plain.onnx"], "plain.onnx": parts["model.onnx"]}


TAMPERED: dict[str, tuple[Spoil, str]] = {
    "swapped": (swapped, "model.onnx"),
    "network": (lambda parts: changed_byte(parts, "model.onnx"), "model.onnx"),
    "plain": (lambda parts: changed_byte(parts, "plain.onnx"), "plain.onnx"),
    "keras": (lambda parts: changed_byte(parts, "model.keras"), "model.keras"),
    "longer": (lambda parts: {**parts, "model.keras": parts["model.keras"] + b"x"}, "model.keras"),
    "missing": (lambda parts: without(parts, "model.keras"), "model.keras"),
    "not named": (lambda parts: unnamed(parts, "model.keras"), "model.keras"),
    "none named": (lambda parts: with_card(parts, files={}), "model.keras"),
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_a_member_that_is_not_what_was_built_is_refused(kind: str, file: Path) -> None:
    spoil, member = TAMPERED[kind]
    parts = parts_of(file)
    with pytest.raises(BadRequest, match="damaged") as refused:
        archive.read(zipped(spoil(parts)))
    assert refused.value.code == "damaged_recogniser"
    assert f"“{member}”" in refused.value.sentence and refused.value.sentence.endswith(".")
    assert "again" in refused.value.hint


def test_the_card_names_every_other_member(file: Path) -> None:
    parts = parts_of(file)
    assert parts.keys() == {"card.json", "model.onnx", "plain.onnx", "model.keras"}
    assert sealed(parts)["card.json"] == with_card(parts)["card.json"]


def test_a_file_from_before_there_were_digests_loads(file: Path, tmp_path: Path) -> None:
    parts = parts_of(file)
    before = archive.read(zipped(unsealed(parts)))
    assert before.card == card() and before.models == archive.read(file).models
    # As before, what is in it is taken as it is.
    assert archive.read(zipped(unsealed(swapped(parts)))).models != before.models
    # Taken in and written anew it has them.
    archive.write(tmp_path / "new.zip", before.card, before.models, None)
    files = archive.read(tmp_path / "new.zip").card.files
    assert files is not None and files.keys() == {"model.onnx", "plain.onnx"}


NAN, LONG = float("nan"), "x" * 100_000
ROW = {"method": "network", "title": "n", "accuracy": 0.9, "known_right": 0.9, "strangers_refused": 0.9,
       "missed_at_nearest": 0.1, "validation": 0.9, "parameters": 100, "microseconds": 9.5}  # fmt: skip
CANDIDATE = {"number": 0, "generation": 0, "topology": Topology((8,)).as_dict(), "accuracy": 0.9,
             "parameters": 100, "microseconds": 9.5, "stopped": False, "front": True}  # fmt: skip
SQUARE = [[1, 0, 0, 1]] * (PEOPLE + 1)
FACTS = {"hash": "0" * 64, "people": 3, "photos": 30, "strangers": 9, "parts": {"learned": [18, 3]},
         "views": 90, "left_out": [{"path": "Ann/1.jpg", "reason": "No face."}]}  # fmt: skip
FULL = {"table": [ROW], "candidates": [CANDIDATE], "confusion": SQUARE, "data": FACTS, "seed": 7,
        "roc": {"network": [[0.0, 0.5], [1.0, 1.0]]}, "versions": {"numpy": "2.4"}}  # fmt: skip
WRONG: dict[str, tuple[object, ...]] = {
    "name": (None, 5, "", " ", "x" * 201, "A\nB", "\x1b[2J", "\ud800", ["A"]),
    "created": (None, 5, {}, "yesterday", LONG),
    "embedder": (None, 5, "", LONG),
    "verdict": (None, 5, {"a": 1}, ["x"], True, "", LONG, "two\nlines", "\x1b[31m"),
    "dimension": (None, 0, 8193, 16.0, "16", True),
    "people": (None, {}, "AB", [{"name": "A", "person_id": 1}], [{"name": "A", "person_id": -1}] * 3,
               [{"name": 5, "person_id": 1}] * 3, [{"name": "A", "person_id": "1"}] * 3),
    "decisions": (None, [], {}, {"network": None},
                  {"network": {"title": None, "threshold": 0.1, "spread": 1.0}},
                  {"network": {"title": "n", "threshold": 10**400, "spread": 1.0}}),
    "winner": (None, "svm", [], {}),
    "topology": (None, [], {"widths": [8]}, {**Topology((8,)).as_dict(), "skip": "yes"},
                 {**Topology((8,)).as_dict(), "widths": ["8"]}, {**Topology((8,)).as_dict(), "more": 1}),
    "table": (None, {}, "x", [None], [{}], [{**ROW, "accuracy": "0.9"}], [{**ROW, "accuracy": 1.5}],
              [{**ROW, "accuracy": NAN}], [{**ROW, "parameters": -1}], [{**ROW, "title": LONG}],
              [{**ROW, "microseconds": float("inf")}], [ROW] * 1000),
    "candidates": (None, [None], [{**CANDIDATE, "front": 1}], [{**CANDIDATE, "topology": []}],
                   [{**CANDIDATE, "number": 0.5}], [{**CANDIDATE, "accuracy": None}]),
    "confusion": (None, [[1]], [[1, 2, 3]] * 4, [[1, 0, 0, -1]] * 4, [["1"] * 4] * 4, [SQUARE] * 4),
    "roc": (None, [], {"network": [[0.1]]}, {"network": [[0.1, 2.0]]}, {"network": [["0", "1"]]}),
    "data": (None, [], {"hash": 5}, {"hash": LONG}, {"people": "3"}, {"photos": -1}, {"parts": {"x": [1]}},
             {"parts": []}, {"left_out": [{"path": 1, "reason": "x"}]}, {"left_out": "Ann"}),
    "versions": (None, [], {"numpy": 2}, {"numpy": LONG}),
    "seed": (None, "7", -1, 1.5, True, 10**30),
    "format": (None, "1", 2),
    "files": ([], 5, {"model.onnx": 5}, {"model.onnx": {"size": -1, "sha256": "0" * 64}},
              {"model.onnx": {"size": 5, "sha256": "nonsense"}}, {"model.onnx": {"size": 5}}),
}  # fmt: skip


@pytest.mark.parametrize("key", WRONG)
def test_a_card_with_a_wrong_value_is_refused(key: str, file: Path) -> None:
    parts = with_card(parts_of(file), **FULL)
    read = archive.read(zipped(parts)).card
    assert read.table[0].accuracy == 0.9 and read.candidates[0].front and read.data == FACTS
    assert Card.from_json(read.to_json()) == read
    for value in WRONG[key]:
        with pytest.raises(BadRequest) as refused:
            archive.read(zipped(with_card(parts, **{key: value})))
        assert refused.value.code in ("bad_card", "recogniser_newer"), value
        assert refused.value.sentence.endswith(".") and refused.value.hint


@pytest.mark.parametrize("key", [key for key in WRONG if key not in ("format", "files")])
def test_a_card_without_a_value_is_refused(key: str, file: Path) -> None:
    parts = parts_of(file)
    values = json.loads(parts["card.json"])
    del values[key]
    with pytest.raises(BadRequest, match="damaged"):
        archive.read(zipped({**parts, "card.json": json.dumps(values).encode()}))


def encrypted(data: bytes) -> bytes:
    """The zip says that its first member has a password."""
    spoilt = bytearray(data)
    for start, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        spoilt[spoilt.index(start) + at] |= 1
    return bytes(spoilt)


def spoilt_middle(data: bytes) -> bytes:
    half = len(data) // 2
    return data[:half] + bytes(255 - byte for byte in data[half : half + 40]) + data[half + 40 :]


KINDS: dict[str, tuple[Callable[[bytes], bytes], str, str]] = {
    "empty": (lambda _: b"", "not_a_zip", "is not a zip file"),
    "text": (lambda _: b"no zip at all", "not_a_zip", "is not a zip file"),
    "pickle": (lambda _: b"\x80\x04\x95", "not_a_zip", "is not a zip file"),
    "photos": (lambda _: zipped({"Ann/1.jpg": b"x"}), "no_recogniser", "no recogniser of this program"),
    "nothing in it": (lambda _: zipped({}), "no_recogniser", "no recogniser of this program"),
    "another card": (
        lambda _: zipped({"card.json": b'{"suit": 1}'}), "no_recogniser", "no recogniser of this program"
    ),
    "password": (encrypted, "no_recogniser", "no recogniser of this program"),
    "other method": (
        lambda data: zipped(parts_of(io.BytesIO(data)), zipfile.ZIP_LZMA),
        "no_recogniser",
        "no recogniser of this program",
    ),
    "a start": (lambda _: b"PK\x03\x04", "damaged_recogniser", "is damaged"),
    "half": (lambda data: data[: len(data) // 2], "damaged_recogniser", "is damaged"),
    "nearly all": (lambda data: data[:-10], "damaged_recogniser", "is damaged"),
    "first letter": (lambda data: b"X" + data[1:], "damaged_recogniser", "is damaged"),
    "middle": (spoilt_middle, "damaged_recogniser", "is damaged"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_no_zip_and_no_recogniser_and_a_damaged_one_are_told_apart(kind: str, file: Path) -> None:
    spoil, code, words = KINDS[kind]
    with pytest.raises(BadRequest, match=words) as refused:
        archive.read(spoil(file.read_bytes()))
    assert refused.value.code == code
    assert refused.value.sentence.endswith(".") and refused.value.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
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
