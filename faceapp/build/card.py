"""The card of a recogniser: whom it knows, how well, from what it was made; plain JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from faceapp.build.fields import entries, flag, items, line, number, share, text, whole
from faceapp.build.topology import Topology
from faceapp.errors import BadRequest

Which = Literal["network", "plain"]
FORMAT = 1
# What a card from elsewhere may hold at most: far more than any that was built.
MOST_PEOPLE, MOST_CANDIDATES, MOST_ROWS, MOST_POINTS = 20_000, 100_000, 100, 1000
LONGEST_LINE, LONGEST_PATH = 1000, 5000
LARGEST, BIG = 2**63 - 1, 1e9
# How many of the photos that were left out are noted.
MOST_LEFT_OUT = 200


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
class Member:
    """One of the files beside the card. size: in bytes. sha256: in hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Card:
    """Everything about one recogniser.

    embedder, dimension: whose embeddings it takes. decisions: "network", and "plain" for the best plain
    method; no network, and an empty topology, where the build was stopped before one was trained. winner:
    which of the two did better on what was held back. confusion: counts of the winner, rows are who it was,
    the last row strangers, the last column nobody. roc: (strangers named, known named rightly) by method.
    data: counts, the hash of what it learned from, and what was left out. files: every other file in the zip,
    set where that is written; None on a card from before there were digests.
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
    files: dict[str, Member] | None = None
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
        """Read a card from anywhere. Raises BadRequest unless every value on it is what it should be."""
        try:
            values = json.loads(text)
            if not isinstance(values, dict) or "format" not in values:
                raise no_recogniser("its card is that of something else")
            if values["format"] != FORMAT:
                raise BadRequest(
                    "recogniser_newer", "This recogniser was made by another version of the program.",
                    "Install the newest version.",
                )
            return _card(values)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise damaged("its card cannot be read", "bad_card") from error


def no_recogniser(reason: str) -> BadRequest:
    """The refusal of a file that the builder has never written."""
    return BadRequest(
        "no_recogniser", f"The file is no recogniser of this program: {reason}.",
        "Choose a zip that the builder has written.",
    )


def damaged(reason: str, code: str = "damaged_recogniser") -> BadRequest:
    """The refusal of a recogniser's file that is not as the builder wrote it."""
    hint = "Save the recogniser again where it was built, or build it anew."
    return BadRequest(code, f"The file is damaged: {reason}.", hint)


def _card(values: dict[str, Any]) -> Card:
    people = tuple(
        Known(line(one["name"]), _person_id(one["person_id"])) for one in items(values["people"], MOST_PEOPLE)
    )
    decisions = {
        which: _decision(one)
        for which, one in entries(values["decisions"], MOST_ROWS).items()
        if which in ("network", "plain")
    }
    winner = values["winner"]
    if winner not in decisions or len(people) < 2:
        raise ValueError("no decision, or too few people")
    files = values.get("files")
    return Card(
        name=line(values["name"]),
        created=_moment(values["created"]),
        embedder=line(values["embedder"]),
        dimension=whole(values["dimension"], 1, 8192),
        people=people,
        decisions=decisions,
        winner=winner,
        verdict=line(values["verdict"], LONGEST_LINE),
        topology=_topology(values["topology"]) if values["topology"] != {} else {},
        table=tuple(_row(one) for one in items(values["table"], MOST_ROWS)),
        candidates=tuple(_candidate(one) for one in items(values["candidates"], MOST_CANDIDATES)),
        confusion=_confusion(values["confusion"], len(people) + 1),
        roc={
            line(key): [(share(x), share(y)) for x, y in items(points, MOST_POINTS)]
            for key, points in entries(values["roc"], MOST_ROWS).items()
        },
        data=_facts(entries(values["data"], MOST_ROWS)),
        versions={line(key): line(one) for key, one in entries(values["versions"], MOST_ROWS).items()},
        seed=whole(values["seed"], 0, LARGEST),
        files=None if files is None else {
            line(name): _member(one) for name, one in entries(files, MOST_ROWS).items()
        },
    )  # fmt: skip


def _person_id(value: object) -> int | None:
    return None if value is None else whole(value, 1, LARGEST)


def _moment(value: object) -> str:
    """ISO 8601, or nothing where it was not said."""
    moment = text(value, 40)
    if moment:
        datetime.fromisoformat(moment)
    return moment


def _decision(one: dict[str, Any]) -> Decision:
    spread = number(one["spread"], 0, BIG)
    if spread == 0:
        raise ValueError("a spread must be above 0")
    return Decision(line(one["title"]), number(one["threshold"], -BIG, BIG), spread)


def _topology(values: object) -> dict[str, Any]:
    known = entries(values, MOST_ROWS)
    widths = [whole(width, 1, LARGEST) for width in items(known["widths"], MOST_ROWS)]
    return Topology.from_dict({**known, "widths": widths, "skip": flag(known["skip"])}).as_dict()


def _row(one: dict[str, Any]) -> Row:
    return Row(
        method=line(one["method"]),
        title=line(one["title"]),
        accuracy=share(one["accuracy"]),
        known_right=share(one["known_right"]),
        strangers_refused=share(one["strangers_refused"]),
        missed_at_nearest=share(one["missed_at_nearest"]),
        validation=share(one["validation"]),
        parameters=whole(one["parameters"], 0, LARGEST),
        microseconds=number(one["microseconds"], 0, BIG),
    )


def _candidate(one: dict[str, Any]) -> Candidate:
    return Candidate(
        number=whole(one["number"], 0, LARGEST),
        generation=whole(one["generation"], 0, LARGEST),
        topology=_topology(one["topology"]),
        accuracy=share(one["accuracy"]),
        parameters=whole(one["parameters"], 0, LARGEST),
        microseconds=number(one["microseconds"], 0, BIG),
        stopped=flag(one["stopped"]),
        front=flag(one["front"]),
    )


def _confusion(value: object, size: int) -> list[list[int]]:
    """Square, with the strangers and nobody beside the people; or not there."""
    rows = [[whole(count, 0, LARGEST) for count in items(row, size)] for row in items(value, size)]
    if rows and {len(rows), *(len(row) for row in rows)} != {size}:
        raise ValueError("not a square of all people")
    return rows


def _facts(values: dict[str, Any]) -> dict[str, Any]:
    """What a build notes about its data; what it does not note is passed over."""
    counts = ("people", "photos", "strangers", "views")
    facts: dict[str, Any] = {key: whole(values[key], 0, LARGEST) for key in counts if key in values}
    if "hash" in values:
        facts["hash"] = line(values["hash"])
    if "parts" in values:
        parts = entries(values["parts"], MOST_ROWS)
        facts["parts"] = {line(name): [whole(n, 0, LARGEST) for n in pair] for name, pair in parts.items()}
        if any(len(pair) != 2 for pair in facts["parts"].values()):
            raise ValueError("a part has a count of known faces and one of strangers")
    if "left_out" in values:
        facts["left_out"] = [
            {"path": text(one["path"], LONGEST_PATH), "reason": text(one["reason"], LONGEST_PATH)}
            for one in items(values["left_out"], MOST_LEFT_OUT)
        ]
    return facts


def _member(one: dict[str, Any]) -> Member:
    sha256 = line(one["sha256"], 64)
    if len(bytes.fromhex(sha256)) != 32:
        raise ValueError("no SHA-256")
    return Member(whole(one["size"], 0, LARGEST), sha256)


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
