"""What a distance means: the share of strangers who are further apart."""

from __future__ import annotations

import math

import numpy as np

from faceapp.models.base import STRANGER_QUANTILES, Calibration
from faceapp.search.gallery import Gallery
from faceapp.types import Floats

ENOUGH_PEOPLE = 200
PAIRS = 50_000
SEARCHED = 1024
# How often a stranger may get somebody's name by chance, at the most.
FALSE_NAMES = 0.1


def threshold_among(calibration: Calibration, comparisons: int) -> float:
    """The distance up to which two faces count as the same person in a search over `comparisons` people.

    The model's threshold is the best one for a single pair. In a search a stranger is compared with
    everybody, and the more people there are, the more likely one of them is that near by chance: with
    independent comparisons the chance is 1 - (1 - F(d))^n for the share F of pairs of strangers nearer
    than d. The threshold is the distance where that chance is `FALSE_NAMES`, but never above the model's.
    """
    share = 100 * (1 - (1 - FALSE_NAMES) ** (1 / max(1, comparisons)))
    ranks, distances = np.log10(STRANGER_QUANTILES), calibration.strangers
    return min(calibration.threshold, float(np.interp(math.log10(share), ranks, distances)))


def library_threshold(gallery: Gallery, calibration: Calibration) -> float:
    """The distance up to which two faces count as the same person in a search of this library.

    A library that is large enough tells it itself: everybody in it is a stranger to everybody else, so the
    distance from which only the share `FALSE_NAMES` of them is nearer to somebody else is read off. Never
    above the model's own threshold; `threshold_among` serves the smaller ones.
    """
    people = len(gallery.person_ids)
    if people < ENOUGH_PEOPLE:
        return threshold_among(calibration, people)
    nearest = np.quantile(gallery.nearest_strangers(SEARCHED), FALSE_NAMES)
    return min(calibration.threshold, float(nearest))


class Strangers:
    """The distances between faces of different people, as a distribution."""

    def __init__(self, distances: Floats, ranks: Floats, source: str) -> None:
        self._distances = distances
        self._ranks = ranks
        self.source = source

    def percentile(self, distance: float) -> float:
        """The share of pairs of strangers that are further apart than `distance`, 0 to 100."""
        return float(100.0 - np.interp(distance, self._distances, self._ranks, left=0.0, right=100.0))

    @staticmethod
    def of_model(calibration: Calibration) -> Strangers:
        """From the quantiles that are kept with the model."""
        return Strangers(
            np.asarray(calibration.strangers, np.float32),
            np.asarray(STRANGER_QUANTILES, np.float32),
            calibration.source,
        )

    @staticmethod
    def of_gallery(gallery: Gallery) -> Strangers:
        """From random pairs of different people of the user's own library."""
        distances = np.sort(gallery.stranger_distances(PAIRS))
        ranks = np.linspace(0.0, 100.0, len(distances), dtype=np.float32)
        source = f"{len(distances):,} pairs among the {len(gallery.person_ids):,} people of this library"
        return Strangers(distances, ranks, source)

    @staticmethod
    def best(gallery: Gallery, calibration: Calibration) -> Strangers:
        """The library's own distribution when it is large enough, the model's otherwise."""
        if len(gallery.person_ids) >= ENOUGH_PEOPLE:
            return Strangers.of_gallery(gallery)
        return Strangers.of_model(calibration)
