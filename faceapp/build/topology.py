"""The shape of a candidate network: what the search may choose, and what each choice costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal, cast

Activation = Literal["relu", "tanh", "silu", "elu"]
Normalisation = Literal["none", "layer", "batch"]
Optimiser = Literal["adam", "rmsprop", "sgd"]

ACTIVATIONS: tuple[Activation, ...] = ("relu", "tanh", "silu", "elu")
NORMALISATIONS: tuple[Normalisation, ...] = ("none", "layer", "batch")
OPTIMISERS: tuple[Optimiser, ...] = ("adam", "rmsprop", "sgd")

DEEPEST = 3
NARROWEST, WIDEST = 4, 256
DROPOUT = (0.0, 0.6)
LEARNING_RATE = (1e-5, 3e-2)

# What one step costs in onnxruntime beside its multiplications, and how many of those go into a
# microsecond: fitted to sixteen networks, one face at a time on one core of an EPYC. An estimate on
# purpose: a measured time would differ from run to run, and with it the whole search.
STEP_MICROSECONDS = 1.4
MACS_A_MICROSECOND = 14_000.0


@dataclass(frozen=True)
class Topology:
    """A network from an embedding (D,) to a refined embedding (D,) of unit length.

    widths: of the hidden layers, first to last. skip: the embedding is added to what the layers make of
    it, so that they learn a correction instead of everything anew. learning_rate: Adam's scale; the other
    optimisers are scaled to it.
    """

    widths: tuple[int, ...]
    activation: Activation = "relu"
    normalisation: Normalisation = "layer"
    dropout: float = 0.2
    optimiser: Optimiser = "adam"
    learning_rate: float = 3e-4
    skip: bool = True

    def __post_init__(self) -> None:
        good = (
            1 <= len(self.widths) <= DEEPEST
            and all(1 <= width <= WIDEST for width in self.widths)
            and self.activation in ACTIVATIONS
            and self.normalisation in NORMALISATIONS
            and self.optimiser in OPTIMISERS
            and 0 <= self.dropout < 1
            and 0 < self.learning_rate <= 1
        )
        if not good:
            raise ValueError(f"not a network that can be built: {self}")

    @property
    def depth(self) -> int:
        return len(self.widths)

    def parameters(self, dimension: int, people: int) -> int:
        """How many numbers are learned: layers, their norms, one centre a person."""
        sizes = (dimension, *self.widths, dimension)
        layers = sum(before * after + after for before, after in pairwise(sizes))
        norms = 0 if self.normalisation == "none" else 2 * sum(self.widths)
        return layers + norms + people * dimension

    def macs(self, dimension: int, rows: int) -> int:
        """Multiplications for one face. rows: with how many vectors it is compared at the end."""
        sizes = (dimension, *self.widths, dimension)
        layers = sum(before * after for before, after in pairwise(sizes))
        return layers + rows * dimension

    def microseconds(self, dimension: int, rows: int) -> float:
        """About how long one face takes on one core: computed, so that a seed gives it again."""
        # A batch norm is folded into its layer.
        steps = self.depth * (3 if self.normalisation == "layer" else 2) + 4
        return STEP_MICROSECONDS * steps + self.macs(dimension, rows) / MACS_A_MICROSECOND

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "widths": list(self.widths)}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Topology:
        """Raises ValueError, TypeError or KeyError for what is no topology."""
        return Topology(**{**values, "widths": tuple(int(width) for width in values["widths"])})

    def __str__(self) -> str:
        layers = "-".join(str(width) for width in self.widths)
        norm = "" if self.normalisation == "none" else f", {self.normalisation} norm"
        skip = ", skip" if self.skip else ""
        return f"{layers} {self.activation}{norm}{skip}, dropout {self.dropout:.2f}"


# What a build without a search takes.
DEFAULT = Topology((64,))
# Where a search begins, beside chance: sensible networks from small to large.
STARTS = (DEFAULT, Topology((NARROWEST,)), Topology((16,)), Topology((128, 64)))


def suggest(trial: Any) -> Topology:
    """What an Optuna trial chooses.

    Every width is asked for whatever the depth: NSGA-II crosses only parameters that all trials have.
    """
    depth = trial.suggest_int("depth", 1, DEEPEST)
    widths = [trial.suggest_int(f"width_{n}", NARROWEST, WIDEST, log=True) for n in range(1, DEEPEST + 1)]
    return Topology(
        widths=tuple(widths[:depth]),
        activation=cast(Activation, trial.suggest_categorical("activation", ACTIVATIONS)),
        normalisation=cast(Normalisation, trial.suggest_categorical("normalisation", NORMALISATIONS)),
        dropout=trial.suggest_float("dropout", *DROPOUT),
        optimiser=cast(Optimiser, trial.suggest_categorical("optimiser", OPTIMISERS)),
        learning_rate=trial.suggest_float("learning_rate", *LEARNING_RATE, log=True),
        skip=trial.suggest_categorical("skip", (True, False)),
    )


def is_whole(params: Mapping[str, Any]) -> bool:
    """Whether a trial has all that `suggest` asks for: one that was killed while it asked has not."""
    return params.keys() >= as_params(DEFAULT).keys()


def as_params(topology: Topology) -> dict[str, Any]:
    """The parameters with which `suggest` comes to this topology, for a trial that is put in by hand."""
    widths = [*topology.widths, *(DEEPEST - topology.depth) * [topology.widths[-1]]]
    return {
        "depth": topology.depth,
        **{f"width_{number}": width for number, width in enumerate(widths, start=1)},
        "activation": topology.activation,
        "normalisation": topology.normalisation,
        "dropout": topology.dropout,
        "optimiser": topology.optimiser,
        "learning_rate": topology.learning_rate,
        "skip": topology.skip,
    }
