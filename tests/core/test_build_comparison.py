"""Two recognisers side by side, and what is said where there is nothing to compare them on. No TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceapp.build import archive, baselines, export
from faceapp.build.card import Card, Decision, Known
from faceapp.build.dataset import STRANGER, TEST, TRAIN, Dataset, split, split_strangers, stack
from faceapp.build.network import unit
from faceapp.errors import Conflict, FaceAppError
from faceapp.services import Services
from faceapp.services.recognisers import Entry

DIMENSION = 16


def made(names: Sequence[str], strangers: int = 30) -> Dataset:
    """Six photos of each person; the same ones whoever else is there."""
    rows = []
    for name in names:
        random = np.random.default_rng(list(name.encode()))
        own = random.standard_normal(DIMENSION) + 0.2 * random.standard_normal((6, DIMENSION))
        vectors = unit(own.astype(np.float32))
        parts = split(np.zeros(6, np.int64), [f"{name}{n}" for n in range(6)], vectors, 0)
        rows += [
            (vector, names.index(name), int(part), True, f"{name}{n}")
            for n, (vector, part) in enumerate(zip(vectors, parts, strict=True))
        ]
    strange = unit(np.random.default_rng(1).standard_normal((strangers, DIMENSION)).astype(np.float32))
    rows += [
        (vector, STRANGER, int(part), True, f"stranger{n}")
        for n, (vector, part) in enumerate(zip(strange, split_strangers(strangers, 0), strict=True))
    ]
    return stack(names, rows)


def added(
    services: Services, folder: Path, data: Dataset, here: bool = True, threshold: float = 0.8, **changes: str
) -> Entry:
    """A recogniser by nearest neighbour. here: it was built on this computer, so that its data are there."""
    path = folder / "made.zip"
    card = Card(
        name="Made", created="2026-03-02T09:00:00+00:00", embedder=services.analyser.model_key,
        dimension=data.dimension, people=tuple(Known(name) for name in data.names),
        decisions={"plain": Decision("nearest", threshold, 0.1)}, winner="plain", verdict="Fine.",
        topology={},
    )  # fmt: skip
    archive.write(path, card, {"plain": export.onnx_of(baselines.nearest(data), data.dimension)}, None)
    entry = services.recognisers.import_file(path)
    workspace = services.recognisers._workspace(entry.id)
    if here:
        data.save(workspace.data)
    if changes:
        read = archive.read(workspace.model)
        archive.write(workspace.model, replace(read.card, **changes), read.models, None)
    return entry


def refusal(services: Services, one: Entry, other: Entry) -> FaceAppError:
    with pytest.raises(Conflict) as refused:
        services.recognisers.compare(one.id, other.id)
    assert refused.value.sentence.endswith(".") and refused.value.hint.endswith(".")
    return refused.value


def test_both_are_tried_on_what_neither_has_learned(services: Services, tmp_path: Path) -> None:
    data = made(["Ann", "Ben", "Cid"])
    one = added(services, tmp_path, data)
    other = added(services, tmp_path, made(["Ben", "Cid", "Dora"]), here=False, threshold=2.0)
    found = services.recognisers.compare(one.id, other.id)
    shared = (data.parts == TEST) & np.isin(data.people, [1, 2])
    assert (found.photos, found.strangers) == (shared.sum(), len(data.strangers(TEST)))
    assert found.one.entry.id == one.id and found.one.known_right == 1.0
    # Nothing reaches a threshold of 2.
    assert (found.other.known_right, found.other.strangers_refused, found.other.accuracy) == (0.0, 1.0, 0.5)


def test_the_other_way_round_is_advised_only_where_it_works(services: Services, tmp_path: Path) -> None:
    people = ["Ann", "Ben"]
    here, away = (added(services, tmp_path, made(people), here=one) for one in (True, False))
    advised = refusal(services, away, here)
    assert advised.code == "no_held_back" and advised.hint == "Compare the other way round."
    assert services.recognisers.compare(here.id, away.id).photos > 0
    both = refusal(services, away, added(services, tmp_path, made(people), here=False))
    assert both.code == "no_held_back" and "Both" in both.sentence and "other way" not in both.hint


def test_each_reason_why_there_is_nothing_to_compare(services: Services, tmp_path: Path) -> None:
    people = ["Ann", "Ben"]
    one = added(services, tmp_path, made(people))
    others = added(services, tmp_path, made(["Cid", "Dora"]), here=False)
    learned = made(people)
    learned = replace(learned, parts=np.full_like(learned.parts, TRAIN))
    everything = added(services, tmp_path, learned)
    alone = added(services, tmp_path, made(people, strangers=0))
    away = added(services, tmp_path, made(people), here=False)
    other_model = added(services, tmp_path, made(people), embedder="another-model")
    reasons = {
        "nothing_shared": ((one, others), "same people"),
        "all_learned": ((one, everything), "learned from"),
        "no_strangers": ((alone, away), "stranger"),
        "model_mismatch": ((one, other_model), "another-model"),
    }
    for code, ((first, second), words) in reasons.items():
        found = refusal(services, first, second)
        assert found.code == code and words in found.sentence
        assert "other way" not in found.hint
    # Whose photos are not here is not the reason, where those of the other would be no use either.
    assert refusal(services, others, one).code == "nothing_shared"
    assert refusal(services, away, alone).code == "no_strangers"
