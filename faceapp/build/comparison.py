"""Two recognisers on the same photos, which neither has learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceapp.build.dataset import STRANGER, TEST, TRAIN, Dataset
from faceapp.build.recogniser import Recogniser
from faceapp.errors import Conflict
from faceapp.types import Floats


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two. data: what it was built from; None where that was elsewhere."""

    recogniser: Recogniser
    data: Dataset | None

    @property
    def names(self) -> set[str]:
        return {known.name for known in self.recogniser.card.people}


@dataclass(frozen=True, eq=False)
class HeldBack:
    """Photos to compare on: known people (N, D) with their names, and strangers (M, D)."""

    known: Floats
    names: tuple[str, ...]
    strangers: Floats

    def shares(self, recogniser: Recogniser) -> tuple[float, float]:
        """The share of the known whom it names rightly, and of the strangers to whom it gives no name."""
        found = [recogniser.rank(vector, 1)[0] for vector in self.known]
        right = [
            guess.named and guess.known.name == name for guess, name in zip(found, self.names, strict=True)
        ]
        refused = [not recogniser.rank(vector, 1)[0].named for vector in self.strangers]
        return float(np.mean(right)), float(np.mean(refused))


def held_back(one: Side, other: Side) -> HeldBack:
    """The people that both know and strangers, on photos that the first held back to the end and the second
    has not learned from. Raises Conflict when there are none, with the reason."""
    model, another = one.recogniser.card.embedder, other.recogniser.card.embedder
    if model != another:
        raise Conflict(
            "model_mismatch", f"The two recognisers were built with different models, {model} and {another}.",
            "Compare two that were built with the same model.",
        )
    shared = one.names & other.names
    if not shared:
        raise Conflict(
            "nothing_shared", "The two recognisers know none of the same people.",
            "Compare two that were built from some of the same people.",
        )
    if one.data is None:
        raise _not_here(one, other)
    return _chosen(one.data, shared, other.data)


def _not_here(one: Side, other: Side) -> Conflict:
    """The refusal where the photos of the first are not here; raises Conflict where those of the other, which
    are here, would be no use either."""
    if other.data is None:
        return Conflict(
            "no_held_back", "Both recognisers were built elsewhere: their photos are not here.",
            "Compare one of them with a recogniser that was built here.",
        )
    held_back(other, one)
    return Conflict(
        "no_held_back", "The first recogniser was built elsewhere: its photos are not here.",
        "Compare the other way round.",
    )


def _chosen(data: Dataset, shared: set[str], learned: Dataset | None) -> HeldBack:
    rows = data.parts == TEST
    if learned is not None:
        rows &= ~np.isin(data.photos, learned.photos[learned.parts == TRAIN])
    known = rows & np.isin(data.people, [n for n, name in enumerate(data.names) if name in shared])
    strange = rows & (data.people == STRANGER)
    if not known.any():
        raise Conflict(
            "all_learned", "The second recogniser has learned from all the photos that the first held back.",
            "Build the first one anew with more photos of these people.",
        )
    if not strange.any():
        raise Conflict(
            "no_strangers", "There are no strangers to compare the two recognisers on.",
            "Build the first one anew with other people in the library, or with a folder of strangers.",
        )
    names = tuple(data.names[person] for person in data.people[known])
    return HeldBack(data.vectors[known], names, data.vectors[strange])
