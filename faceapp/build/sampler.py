"""The sampler of the search: Optuna's NSGA-II that never asks for the same network twice.

It imports Optuna, which takes a second: import it where a search is at work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import NSGAIISampler
from optuna.trial import FixedTrial, FrozenTrial

from faceapp.build.topology import Topology, is_whole, suggest

# How often a child is drawn again while it is one that was there before.
TRIES = 50


class DistinctSampler(NSGAIISampler):  # type: ignore[misc]
    """Children of NSGA-II that differ from every candidate before them.

    Crossing two networks that are much alike often gives one of them back, and training it again says
    nothing new: with 10 networks a generation that is one candidate in six.
    """

    def sample_relative(
        self, study: Any, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The parameters of a child; empty in the first generation, which is drawn by chance."""
        known = {
            topology_of(other.params)
            for other in study.get_trials(deepcopy=False)
            if other.number != trial.number and is_whole(other.params)
        }
        child: dict[str, Any] = {}
        for _ in range(TRIES):
            child = super().sample_relative(study, trial, search_space)
            if not child:
                return child
            # NSGA-II leaves out what is to mutate, to be drawn by chance.
            for name in [name for name in search_space if name not in child]:
                child[name] = self.sample_independent(study, trial, name, search_space[name])
            if topology_of(child) not in known:
                break
        return child


def topology_of(params: Mapping[str, Any]) -> Topology:
    """The network that parameters stand for: the same one where they differ in what it does not use."""
    return suggest(FixedTrial(dict(params)))
