"""The search for the best network: NSGA-II over topologies, kept on the disk after every candidate.

Optuna keeps the study in SQLite: a killed search goes on with its candidates, and several processes may
work on one study. A candidate is a pure function of the seed, its number and the candidates asked for
before it, and candidates of a generation are trained in the same groups whatever was interrupted: with
one process a seed gives the same result again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from faceapp.build import openset
from faceapp.build.topology import STARTS, Topology, as_params, is_whole, suggest
from faceapp.build.workspace import Budget, Workspace

if TYPE_CHECKING:
    from faceapp.build.network import Network
    from faceapp.build.population import Population

Sampler = Literal["nsga2", "random"]

# A small population makes more generations of the same budget.
GENERATION = 10
# A network that is further than this behind the best plain method is worth nothing, however small it is.
WORTHLESS = 0.005
# Of networks that are within this of the best accuracy the smallest is taken.
AS_GOOD = 0.001
MOST_CANDIDATES = 5000


@dataclass(frozen=True)
class Tried:
    """A candidate that is finished."""

    number: int
    topology: Topology
    accuracy: float
    parameters: int
    microseconds: float
    stopped: bool

    @property
    def generation(self) -> int:
        return self.number // GENERATION

    @property
    def costs(self) -> tuple[float, float, float]:
        """What is to be small."""
        return -self.accuracy, float(self.parameters), self.microseconds


class Search:
    """One process at work on a study.

    tell: is given every finished candidate and the number of candidates so far, also those of an earlier run.
    stop: asked often; True ends the search with what there is.
    """

    def __init__(
        self,
        workspace: Workspace,
        population: Population,
        budget: Budget,
        seed: int,
        tell: Callable[[Tried, int], None],
        stop: Callable[[], bool],
        sampler: Sampler = "nsga2",
    ) -> None:
        self._workspace = workspace
        self._population = population
        self._budget = budget
        self._seed = seed
        self._tell = tell
        self._stop = stop
        self._kind: Sampler = sampler
        self._worker = uuid.uuid4().hex
        self._networks: dict[int, Network] = {}
        self._end = time.monotonic() + budget.seconds if budget.seconds is not None else None
        self._study = self._open()

    def run(self, after: Callable[[], None] = lambda: None) -> None:
        """Until the budget is spent or `stop` says so. `after`: called after each group of candidates."""
        for tried in self.tried():
            self._tell(tried, len(self._study.get_trials(deepcopy=False)))
        with self._workspace.working(self._worker):
            while not self._over():
                batch = self._batch()
                if not batch:
                    return
                self._train(batch, after)

    def tried(self) -> list[Tried]:
        """All finished candidates, in order."""
        import optuna

        finished = self._study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
        return [_tried(trial) for trial in finished]

    def best(self) -> Tried | None:
        """The smallest of those that are as good as the best one."""
        return chosen(self.tried())

    def network(self, tried: Tried) -> Network:
        """The trained network of a candidate; trained again, to the same bits, where another process did."""
        if tried.number not in self._networks:
            topologies, first = self._generation(tried.number)
            others = {index for index in range(len(topologies)) if first + index != tried.number}
            for group in self._population.train(topologies, finished=others):
                self._networks |= {first + index: trained.network for index, trained in group}
        return self._networks[tried.number]

    def _over(self) -> bool:
        return self._stop() or (self._end is not None and time.monotonic() >= self._end)

    def _open(self) -> Any:
        import optuna

        from faceapp.build.storage import open_storage

        with self._workspace.locked():
            study = optuna.create_study(
                study_name=self._workspace.folder.name,
                storage=open_storage(self._workspace.studies),
                directions=["maximize", "minimize", "minimize"],
                load_if_exists=True,
            )
            if not study.get_trials(deepcopy=False):
                for topology in STARTS:
                    study.enqueue_trial(as_params(topology))
            return study

    def _batch(self) -> list[Any]:
        """The trials of the generation to work on: one that a dead process left, or a new one.

        Empty when the budget is spent.
        """
        import optuna

        running = optuna.trial.TrialState.RUNNING
        with self._workspace.locked():
            trials = self._study.get_trials(deepcopy=False)
            left = [trial for trial in trials if trial.state == running and self._is_left(trial)]
            asked = sum(trial.state != optuna.trial.TrialState.WAITING for trial in trials)
            if left:
                batch = left[0].number // GENERATION
            elif asked < self._candidates():
                batch = asked // GENERATION
            else:
                return []
            first = batch * GENERATION
            until = min(first + GENERATION, max(self._candidates(), first + 1))
            for trial in trials[first:asked]:
                if trial.state == running and not is_whole(trial.params):
                    self._ask(trial.number, trial)
            while asked < until:
                self._ask(asked)
                asked += 1
            own: list[Any] = self._study.get_trials(deepcopy=False)[first:until]
            for trial in own:
                if trial.state == running:
                    self._study._storage.set_trial_user_attr(trial._trial_id, "worker", self._worker)
            return own

    def _candidates(self) -> int:
        return MOST_CANDIDATES if self._budget.seconds is not None else self._budget.candidates

    def _is_left(self, trial: Any) -> bool:
        """Whether nobody works on this trial any more."""
        worker = trial.user_attrs.get("worker", "")
        return worker != self._worker and not (worker and self._workspace.alive(worker))

    def _ask(self, number: int, begun: Any = None) -> None:
        """Choose the next candidate. A sampler of its own makes it independent of what this process did.

        begun: the trial of that number, where a process died in the middle of choosing.
        """
        import optuna

        from faceapp.build.sampler import DistinctSampler

        seed = (1_000_003 * (self._seed + 1) + number) % 2**32
        if self._kind == "random":
            self._study.sampler = optuna.samplers.RandomSampler(seed=seed)
        else:
            self._study.sampler = DistinctSampler(population_size=GENERATION, seed=seed)
        suggest(self._study.ask() if begun is None else optuna.trial.Trial(self._study, begun._trial_id))

    def _generation(self, number: int) -> tuple[list[Topology], int]:
        """The topologies of the generation that a number belongs to, and its first number."""
        first = number // GENERATION * GENERATION
        trials = self._study.get_trials(deepcopy=False)[first : first + GENERATION]
        return [_topology(trial) for trial in trials], first

    def _train(self, batch: list[Any], after: Callable[[], None]) -> None:
        """Train a generation; every group is on the disk as soon as it is finished."""
        import optuna

        topologies = [_topology(trial) for trial in batch]
        finished = {index for index, trial in enumerate(batch) if trial.state.is_finished()}
        for group in self._population.train(topologies, self._over, finished):
            for index, trained in group:
                self._networks[batch[index].number] = trained.network
                if index in finished:
                    continue
                known = trained.network
                dimension = known.memory.shape[1]
                rows = len(known.memory) + len(known.centres) + len(known.strangers)
                values = (
                    min(max(trained.accuracy, 0.0), 1.0),
                    float(trained.topology.parameters(dimension, len(known.centres))),
                    trained.topology.microseconds(dimension, rows),
                )
                trial = optuna.trial.Trial(self._study, batch[index]._trial_id)
                trial.set_user_attr("stopped", trained.stopped)
                behind = self._population.reference - values[0]
                # NSGA-II takes any network with 0 before all others, and those by how little they have.
                trial.set_constraint("worthless", max(0.0, behind - WORTHLESS))
                self._study.tell(batch[index].number, values)
                tried = Tried(batch[index].number, trained.topology, *values[:1], int(values[1]), values[2],
                              trained.stopped)  # fmt: skip
                self._tell(tried, len(self._study.get_trials(deepcopy=False)))
            after()
        self._forget()

    def _forget(self) -> None:
        """Keep the networks alone that may still be chosen."""
        tried = self.tried()
        best = max((one.accuracy for one in tried), default=0.0)
        near = {one.number for one in tried if one.accuracy >= best - AS_GOOD}
        self._networks = {number: net for number, net in self._networks.items() if number in near}


def chosen(tried: list[Tried]) -> Tried | None:
    """The smallest of the candidates that are as good as the best one."""
    if not tried:
        return None
    best = max(one.accuracy for one in tried)
    near = [one for one in tried if one.accuracy >= best - AS_GOOD]
    return min(near, key=lambda one: (one.parameters, -one.accuracy, one.number))


def fronted(tried: list[Tried]) -> set[int]:
    """The numbers of the candidates that no other one beats."""
    return {tried[index].number for index in openset.front([one.costs for one in tried])}


def _topology(trial: Any) -> Topology:
    import optuna

    return suggest(optuna.trial.FixedTrial(trial.params))


def _tried(trial: Any) -> Tried:
    accuracy, parameters, microseconds = trial.values
    stopped = bool(trial.user_attrs.get("stopped", False))
    return Tried(trial.number, _topology(trial), accuracy, int(parameters), microseconds, stopped)
