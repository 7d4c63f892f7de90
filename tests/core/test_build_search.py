"""The search itself, with candidates that are not trained: what it asks for, and how it goes on."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna

from faceapp.build.search import GENERATION, Sampler, Search, Tried, chosen
from faceapp.build.storage import open_storage
from faceapp.build.topology import STARTS, Topology
from faceapp.build.workspace import Budget, Workspace

DIMENSION, PEOPLE = 32, 4


class Untrained:
    """Stands for the population: the accuracy is a smooth function of the topology."""

    reference = 0.97

    def train(
        self,
        topologies: Sequence[Topology],
        stop: Callable[[], bool] = lambda: False,
        finished: Collection[int] = (),
    ) -> Iterator[list[tuple[int, Any]]]:
        for index, topology in enumerate(topologies):
            if stop():
                return
            if index not in finished:
                yield [(index, trained(topology))]


def trained(topology: Topology) -> Any:
    network = SimpleNamespace(
        memory=np.zeros((10, DIMENSION)), centres=np.zeros((PEOPLE, DIMENSION)), strangers=np.zeros((5, 1))
    )
    return SimpleNamespace(topology=topology, network=network, accuracy=accuracy(topology), stopped=False)


def accuracy(topology: Topology) -> float:
    """A plateau, as with faces: a skip and a rate not far from 1e-3 are on it, more units a little higher."""
    rate = max(0.0, abs(math.log10(topology.learning_rate) + 3) - 0.5)
    units = math.log2(sum(topology.widths) / 4) / 8
    return 0.97 - 0.02 * rate - 0.3 * (not topology.skip) + 0.01 * units


def searched(
    folder: Path, candidates: int, seed: int = 0, kind: Sampler = "nsga2", most: int = 10_000
) -> list[Tried]:
    """Search in that folder; stopped after `most` candidates."""
    folder.mkdir(parents=True, exist_ok=True)
    told: list[Tried] = []

    def tell(tried: Tried, _: int) -> None:
        told.append(tried)

    population: Any = Untrained()
    search = Search(
        Workspace(folder), population, Budget(candidates), seed, tell, lambda: len(told) >= most, kind
    )
    search.run()
    return search.tried()


def test_no_network_is_trained_twice_and_it_begins_with_sensible_ones(tmp_path: Path) -> None:
    found = searched(tmp_path / "study", 4 * GENERATION)
    topologies = [one.topology for one in found]
    assert len(set(topologies)) == len(topologies) == 4 * GENERATION
    assert tuple(topologies[: len(STARTS)]) == STARTS


def test_it_learns_what_is_good_and_chance_does_not(tmp_path: Path) -> None:
    worthless: dict[Sampler, int] = {"nsga2": 0, "random": 0}
    for kind in worthless:
        late = searched(tmp_path / kind, 5 * GENERATION, 0, kind)[3 * GENERATION :]
        worthless[kind] = sum(one.accuracy < 0.9 for one in late)
    assert worthless["nsga2"] < 0.7 * worthless["random"]


def test_a_stopped_search_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    undisturbed = searched(tmp_path / "a" / "study", 2 * GENERATION)
    searched(tmp_path / "b" / "study", 2 * GENERATION, most=GENERATION + 4)
    assert searched(tmp_path / "b" / "study", 2 * GENERATION) == undisturbed


def test_a_process_that_died_while_it_chose_loses_no_candidate(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    searched(folder, GENERATION)
    study = optuna.load_study(study_name="study", storage=open_storage(Workspace(folder).studies))
    study.ask().suggest_int("depth", 1, 3)
    found = searched(folder, 2 * GENERATION)
    assert [one.number for one in found] == list(range(2 * GENERATION))


def test_of_those_that_are_as_good_the_smallest_is_taken() -> None:
    def tried(number: int, accuracy: float, parameters: int) -> Tried:
        return Tried(number, Topology((8,)), accuracy, parameters, 1.0, False)

    best = chosen([tried(0, 0.99, 900), tried(1, 0.9895, 500), tried(2, 0.98, 10)])
    assert best is not None and best.number == 1
    assert chosen([]) is None
