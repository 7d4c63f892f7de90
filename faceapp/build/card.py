"""The card of a recogniser: whom it knows, how well, from what it was made; plain JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from faceapp.errors import BadRequest

Which = Literal["network", "plain"]
FORMAT = 1
MOST_PEOPLE = 20_000


@dataclass(frozen=True)
class Known:
    """Somebody whom a recogniser can name. person_id: in the library it was built from, or None."""

    name: str
    person_id: int | None = None


@dataclass(frozen=True)
class Decision:
    """How scores become names. threshold: from which score on a face gets a name. spread: a unit for
    scores, so that different methods can be compared: half the way from the threshold to a usual face."""

    title: str
    threshold: float
    spread: float


@dataclass(frozen=True)
class Row:
    """One method in the table: all on photos and strangers that were held back.

    missed_at_nearest: the share of known faces without their name at the threshold at which as many
    strangers get a name as with nearest neighbour. validation: the accuracy on which it was chosen.
    microseconds: measured, one face on one core.
    """

    method: str
    title: str
    accuracy: float
    known_right: float
    strangers_refused: float
    missed_at_nearest: float
    validation: float
    parameters: int
    microseconds: float


@dataclass(frozen=True)
class Candidate:
    """One network that was tried. accuracy: on the validation part, smoothed. front: no other one is better
    in one of accuracy, parameters and time without being worse in another."""

    number: int
    generation: int
    topology: dict[str, Any]
    accuracy: float
    parameters: int
    microseconds: float
    stopped: bool = False
    front: bool = False


@dataclass(frozen=True)
class Card:
    """Everything about one recogniser.

    embedder, dimension: whose embeddings it takes. decisions: "network", and "plain" for the best plain
    method; no network, and an empty topology, where the build was stopped before one was trained. winner:
    which of the two did better on what was held back. confusion: counts of the winner, rows are who it was,
    the last row strangers, the last column nobody. roc: (strangers named, known named rightly) by method.
    data: counts, the hash of what it learned from, and what was left out.
    """

    name: str
    created: str
    embedder: str
    dimension: int
    people: tuple[Known, ...]
    decisions: dict[str, Decision]
    winner: Which
    verdict: str
    topology: dict[str, Any]
    table: tuple[Row, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    confusion: list[list[int]] = field(default_factory=list)
    roc: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    seed: int = 0
    format: int = FORMAT

    def summary(self) -> dict[str, Any]:
        """What REST and the command line show of it."""
        return {
            "name": self.name,
            "created": self.created,
            "embedder": self.embedder,
            "people": [known.name for known in self.people],
            "winner": self.winner,
            "verdict": self.verdict,
            "topology": self.topology,
            "table": [asdict(row) for row in self.table],
            "candidates": len(self.candidates),
            "seed": self.seed,
            "data": self.data,
            "versions": self.versions,
        }

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @staticmethod
    def from_json(text: str | bytes) -> Card:
        """Raises BadRequest unless it is a card that can be used."""
        try:
            values = json.loads(text)
            if values["format"] != FORMAT:
                raise BadRequest(
                    "recogniser_newer", "This recogniser was made by another version of the program.",
                    "Install the newest version.",
                )
            return _card(values)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BadRequest("bad_card", "The card of this recogniser cannot be read.") from error


def _card(values: dict[str, Any]) -> Card:
    people = tuple(Known(_name(one["name"]), _whole(one["person_id"])) for one in values["people"])
    decisions = {
        which: Decision(str(one["title"]), _number(one["threshold"]), _number(one["spread"]))
        for which, one in values["decisions"].items()
        if which in ("network", "plain")
    }
    winner = values["winner"]
    if winner not in decisions or not 2 <= len(people) <= MOST_PEOPLE:
        raise ValueError("no decision, or too few or too many people")
    if min(one.spread for one in decisions.values()) <= 0:
        raise ValueError("a spread must be above 0")
    dimension = values["dimension"]
    if type(dimension) is not int or not 1 <= dimension <= 8192:
        raise ValueError("bad dimension")
    return Card(
        name=_name(values["name"]),
        created=str(values["created"]),
        embedder=str(values["embedder"]),
        dimension=dimension,
        people=people,
        decisions=decisions,
        winner=winner,
        verdict=str(values["verdict"]),
        topology=dict(values["topology"]),
        table=tuple(Row(**one) for one in values["table"]),
        candidates=tuple(Candidate(**one) for one in values["candidates"]),
        confusion=[[int(count) for count in row] for row in values["confusion"]],
        roc={str(key): [(float(x), float(y)) for x, y in line] for key, line in values["roc"].items()},
        data=dict(values["data"]),
        versions={str(key): str(version) for key, version in values["versions"].items()},
        seed=int(values["seed"]),
    )


def verdict(network: Row | None, plain: Sequence[Row]) -> tuple[Which, str]:
    """Which is better on what was held back, and a sentence that says so. As good is not better: then the
    plain method is taken, which has nothing to go wrong. network: None where none is trained yet."""
    best = max(plain, key=lambda row: row.accuracy)
    if network is None:
        sentence = f"No network was trained yet: this is plain {best.title}, {100 * best.accuracy:.1f} %."
        return "plain", f"{sentence} Let the build go on for a network."
    figures = f"{100 * network.accuracy:.1f} % against {100 * best.accuracy:.1f} %"
    if network.accuracy > best.accuracy:
        return "network", f"The network is better than every plain method: {figures} ({best.title})."
    better = "better than" if best.accuracy > network.accuracy else "as good as"
    return "plain", f"Plain {best.title} is {better} the network, {figures}: use that."


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > 200:
        raise ValueError("bad name")
    return value


def _number(value: object) -> float:
    if type(value) not in (int, float) or not abs(float(str(value))) < 1e9:
        raise ValueError("bad number")
    return float(str(value))


def _whole(value: object) -> int | None:
    if value is not None and type(value) is not int:
        raise ValueError("bad id")
    return value if isinstance(value, int) else None
