"""One build, inside of the training process: plain methods, search, the last test, the card, the file."""

from __future__ import annotations

import importlib.metadata
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from faceapp import __version__
from faceapp.build import archive, baselines, export, openset
from faceapp.build.baselines import Plain
from faceapp.build.card import Candidate, Card, Decision, Row, verdict
from faceapp.build.dataset import TEST, VALIDATION, Dataset
from faceapp.build.network import Network
from faceapp.build.openset import Scores
from faceapp.build.search import Search, Tried, fronted
from faceapp.build.topology import DEFAULT
from faceapp.build.workspace import Request, Workspace
from faceapp.types import Floats

Message = dict[str, Any]
Tell = Callable[[Message], None]

PACKAGES = ("tensorflow-cpu", "tensorflow", "keras", "optuna", "scikit-learn", "onnx", "onnxruntime", "numpy")
TIMED_CALLS = 200


class Judged:
    """A method with its scores on both held-back parts, and the threshold from the first."""

    def __init__(self, data: Dataset, model: Network | Plain) -> None:
        self.model = model
        self.validation = score(data, model, VALIDATION)
        self.test = score(data, model, TEST)
        self.threshold, self.accuracy = openset.calibrate(self.validation)
        self.spread = openset.spread(self.validation, self.threshold)

    @property
    def title(self) -> str:
        return self.model.title if isinstance(self.model, Plain) else f"network {self.model.topology}"

    @property
    def kind(self) -> str:
        return self.model.kind if isinstance(self.model, Plain) else "network"

    def row(self, data: Dataset, false_names: float, onnx: bytes) -> Row:
        found = openset.result(self.test, self.threshold)
        own = self.model
        learned = own.parameters if isinstance(own, Plain) else own.topology.parameters(
            data.dimension, len(data.names)
        )  # fmt: skip
        return Row(
            method=self.kind,
            title=self.title,
            accuracy=found.accuracy,
            known_right=found.known_right,
            strangers_refused=found.strangers_refused,
            missed_at_nearest=openset.missed_at(self.test, false_names),
            validation=self.accuracy,
            parameters=learned,
            microseconds=measured(onnx, data.known(TEST)[0]),
        )


def score(data: Dataset, model: Network | Plain, part: int) -> Scores:
    """What a method says about a part."""
    return data.scores(part, model.scores(data.known(part)[0]), model.scores(data.strangers(part)))


def build(workspace: Workspace, tell: Tell, stop: Callable[[], bool]) -> None:
    """Search, and write the file whenever there is a better one: whenever it ends, the best so far is there.

    At first that is the best plain method. tell: is given messages for people, "progress", "baselines" and
    "candidate". Raises FaceAppError.
    """
    request, data = workspace.request(), Dataset.load(workspace.data)
    tell({"kind": "progress", "done": 0, "total": None, "message": "Fitting the plain methods"})
    plain = [Judged(data, model) for model in baselines.fit(data)]
    reference = max(method.accuracy for method in plain)
    tell({"kind": "baselines", "rows": [[method.title, method.accuracy] for method in plain]})
    if not workspace.model.exists():
        _write(workspace, request, data, plain, None, [], keras=False)
    tell({"kind": "progress", "done": 0, "total": None, "message": "Starting TensorFlow"})
    from faceapp.build.population import Population

    population = Population(data, request.seed, reference, request.threads)
    if not request.budget.search:
        trained = next(iter(population.train([DEFAULT])))[0][1]
        _write(workspace, request, data, plain, trained.network, [], keras=True)
        return
    _search(workspace, request, data, plain, population, tell, stop)


def _search(
    workspace: Workspace,
    request: Request,
    data: Dataset,
    plain: list[Judged],
    population: Any,
    tell: Tell,
    stop: Callable[[], bool],
) -> None:
    budget = request.budget
    total = None if budget.seconds is not None else budget.candidates
    finished: list[Tried] = []
    written: list[int] = []

    def told(tried: Tried, count: int) -> None:
        finished.append(tried)
        tell({"kind": "candidate", **_candidate(tried, False)})
        best = max(one.accuracy for one in finished)
        message = f"Generation {tried.generation + 1}, best so far {100 * best:.1f} %"
        tell({"kind": "progress", "done": len(finished), "total": total, "message": message})

    def keep(last: bool = False) -> None:
        best = search.best()
        if best is not None and (last or written != [best.number]):
            # Keras' file takes its time: not for one who waits for the end.
            keras = last and not stop()
            _write(workspace, request, data, plain, search.network(best), search.tried(), keras)
            written[:] = [best.number]

    search = Search(workspace, population, budget, request.seed, told, stop)
    search.run(after=keep)
    tell({"kind": "progress", "done": len(finished), "total": total, "message": "Writing the recogniser"})
    keep(last=True)


def _write(
    workspace: Workspace,
    request: Request,
    data: Dataset,
    plain: list[Judged],
    network: Network | None,
    tried: list[Tried],
    keras: bool,
) -> None:
    """Judge the network beside the plain methods on what was held back to the end, and write the file.

    network: None where none is trained yet.
    """
    own = [Judged(data, network)] if network is not None else []
    nearest = next(method for method in plain if method.kind == "nearest")
    false_names = openset.result(nearest.test, nearest.threshold).false_names
    files = {method.kind: export.onnx_of(method.model, data.dimension) for method in (*own, *plain)}
    rows = {method.kind: method.row(data, false_names, files[method.kind]) for method in (*own, *plain)}
    winner, sentence = verdict(rows.get("network"), [rows[method.kind] for method in plain])
    best = max(plain, key=lambda method: rows[method.kind].accuracy)
    used = {"network": own[0], "plain": best} if own else {"plain": best}
    card = Card(
        name=request.name,
        created=request.created,
        embedder=request.embedder,
        dimension=data.dimension,
        people=request.people,
        decisions={which: _decision(method) for which, method in used.items()},
        winner=winner,
        verdict=sentence,
        topology=network.topology.as_dict() if network is not None else {},
        table=tuple(rows.values()),
        candidates=_candidates(tried),
        confusion=openset.confusion(used[winner].test, used[winner].threshold),
        roc={method.kind: openset.roc(method.test) for method in (*own, *plain)},
        data=request.facts,
        versions=_versions(),
        seed=request.seed,
    )
    if keras and network is not None:
        export.write_keras(network, workspace.keras)
    models = {which: files[method.kind] for which, method in used.items()}
    archive.write(workspace.model, card, models, workspace.keras if keras else None)


def _decision(method: Judged) -> Decision:
    return Decision(method.title, method.threshold, method.spread)


def _candidates(tried: list[Tried]) -> tuple[Candidate, ...]:
    front = fronted(tried) if tried else set()
    return tuple(Candidate(**_candidate(one, one.number in front)) for one in tried)


def _candidate(tried: Tried, front: bool) -> Message:
    return {
        "number": tried.number,
        "generation": tried.generation,
        "topology": tried.topology.as_dict(),
        "accuracy": tried.accuracy,
        "parameters": tried.parameters,
        "microseconds": tried.microseconds,
        "stopped": tried.stopped,
        "front": front,
    }


def measured(model: bytes, vectors: Floats) -> float:
    """The median time of one face in onnxruntime on one core, in microseconds."""
    from faceapp.models.onnx import session

    run = session(model, threads=1).run
    face = vectors[:1]
    times = []
    for _ in range(TIMED_CALLS):
        start = time.perf_counter()
        run([export.OUTPUT], {export.INPUT: face})
        times.append(time.perf_counter() - start)
    return round(1e6 * statistics.median(times), 1)


def _versions() -> dict[str, str]:
    versions = {"faceapp": __version__}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def with_front(candidates: list[Candidate]) -> list[Candidate]:
    """The candidates with `front` set by comparing them with each other."""
    if not candidates:
        return []
    costs = [(-one.accuracy, float(one.parameters), one.microseconds) for one in candidates]
    front = set(openset.front(costs))
    return [replace(one, front=index in front) for index, one in enumerate(candidates)]
