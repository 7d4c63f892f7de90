"""How good scores are when strangers come too: threshold, open-set accuracy, ROC, confusion, hypervolume.

Scores are (N, C): how well each of N faces fits each of C people, more is better. A face gets the name of the
best person when that score reaches the threshold, and no name otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceapp.types import Floats, Ints

Doubles = NDArray[np.float64]

# The bandwidth of the smoothed accuracy, in standard deviations of the scores. A step function over some
# hundred faces has a best threshold by chance; smoothed it loses less on new photos.
BANDWIDTH = 0.5
GRID = 400
LEAST = 1e-6


@dataclass(frozen=True, eq=False)
class Scores:
    """What one method says about known faces and about strangers.

    known (N, C) with labels (N,), the right column of each; strangers (M, C).
    """

    known: Floats
    labels: Ints
    strangers: Floats

    def right(self) -> NDArray[np.bool_]:
        """(N,) whether the best person is the right one, whatever the threshold."""
        return np.asarray(self.known.argmax(1) == self.labels)

    def best(self) -> tuple[Doubles, Doubles]:
        """The score of the best person, of known faces (N,) and of strangers (M,)."""
        return self.known.max(1).astype(np.float64), self.strangers.max(1).astype(np.float64)


@dataclass(frozen=True)
class Result:
    """What came of it at one threshold, each 0 to 1.

    accuracy: the mean of the shares of known faces that were named rightly and of strangers that were
    refused, so that it does not depend on how many of each were held back. named_wrong: known faces
    with another person's name. false_names: strangers with a name.
    """

    accuracy: float
    known_right: float
    strangers_refused: float
    named_wrong: float
    known: int
    strangers: int

    @property
    def false_names(self) -> float:
        return 1.0 - self.strangers_refused


def result(scores: Scores, threshold: float) -> Result:
    """Count at that threshold."""
    right = scores.right()
    known, strangers = scores.best()
    named = known >= threshold
    known_right = float((right & named).mean())
    refused = float((strangers < threshold).mean())
    return Result(
        accuracy=(known_right + refused) / 2,
        known_right=known_right,
        strangers_refused=refused,
        named_wrong=float((~right & named).mean()),
        known=len(known),
        strangers=len(strangers),
    )


def calibrate(scores: Scores) -> tuple[float, float]:
    """The threshold with the best smoothed accuracy, and that accuracy.

    Each score counts as a Gaussian around itself instead of as a step.
    """
    right = scores.right()
    known, strangers = scores.best()
    good = known[right] if right.any() else known
    widths = BANDWIDTH * max(float(good.std()), LEAST), BANDWIDTH * max(float(strangers.std()), LEAST)
    grid = np.linspace(min(known.min(), strangers.min()), max(known.max(), strangers.max()), GRID)
    named = above((good[None] - grid[:, None]) / widths[0]).sum(1) / len(known)
    refused = above((grid[:, None] - strangers[None]) / widths[1]).mean(1)
    accuracy = (named * bool(right.any()) + refused) / 2
    # In the middle of a plateau, not at its edge.
    best = np.flatnonzero(accuracy >= accuracy.max() - 1e-9)
    at = int(best[len(best) // 2])
    return float(grid[at]), float(accuracy[at])


def above(deviations: Doubles) -> Doubles:
    """The distribution function of the standard Gaussian: its share below each value, to 1e-7.

    Abramowitz and Stegun 7.1.26, so that neither SciPy nor a loop is needed.
    """
    x = np.abs(deviations) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * x)
    terms = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
    tail = sum(term * t**power for power, term in enumerate(terms, start=1)) * np.exp(-x * x) / 2
    return np.asarray(np.where(deviations >= 0, 1 - tail, tail))


def spread(scores: Scores, threshold: float) -> float:
    """A unit for scores: half the way from the threshold to a usual face of a known person."""
    right = scores.right()
    known, strangers = scores.best()
    if right.any():
        usual = float(np.median(known[right])) - threshold
    else:
        usual = threshold - float(np.median(strangers))
    return max(usual / 2, LEAST)


def threshold_at(strangers: Doubles, false_names: float) -> float:
    """The lowest threshold at which at most that share of strangers (M,) gets a name."""
    ranked = np.sort(strangers)[::-1]
    allowed = math.floor(false_names * len(ranked) + 1e-9)
    if allowed >= len(ranked):
        return float(ranked[-1])
    # Just above the first stranger who must not get one.
    return float(np.nextafter(ranked[allowed], np.inf))


def missed_at(scores: Scores, false_names: float) -> float:
    """The share of known faces without their right name, where so many strangers get a name."""
    return 1.0 - result(scores, threshold_at(scores.best()[1], false_names)).known_right


def roc(scores: Scores, points: int = 60) -> list[tuple[float, float]]:
    """(share of strangers with a name, share of known faces named rightly), from strict to lenient."""
    right = scores.right()
    known, strangers = scores.best()
    thresholds = np.quantile(np.concatenate([known, strangers]), np.linspace(1, 0, points))
    return [
        (float((strangers >= limit).mean()), float((right & (known >= limit)).mean()))
        for limit in thresholds
    ]


def confusion(scores: Scores, threshold: float) -> list[list[int]]:
    """Counts (C + 1, C + 1): rows are who it was, columns who it was taken for; the last is nobody."""
    people = scores.known.shape[1]
    counts = np.zeros((people + 1, people + 1), np.int64)
    for values, labels in (
        (scores.known, scores.labels),
        (scores.strangers, np.full(len(scores.strangers), people)),
    ):
        given = np.where(values.max(1) >= threshold, values.argmax(1), people)
        np.add.at(counts, (labels, given), 1)
    return [[int(count) for count in row] for row in counts]


def front(points: Sequence[tuple[float, ...]]) -> list[int]:
    """The indices of the points that no other one beats; every value is to be small. Equal ones all stay."""
    values = np.asarray(points, np.float64).reshape(len(points), -1)
    kept = []
    for index, own in enumerate(values):
        beaten = (values <= own).all(1) & (values < own).any(1)
        if not beaten.any():
            kept.append(index)
    return kept


def hypervolume(points: Sequence[tuple[float, ...]], reference: tuple[float, ...]) -> float:
    """The volume that the points (every value is to be small) cover up to the reference point.

    Cut into slices along the last value, each as thick as the gap to the next point.
    """
    inside = {point for point in points if all(map(float.__lt__, point, reference))}
    if not inside:
        return 0.0
    if len(reference) == 1:
        return reference[0] - min(inside)[0]
    ordered = sorted(inside, key=lambda point: point[-1])
    ends = [*(point[-1] for point in ordered[1:]), reference[-1]]
    return sum(
        (end - point[-1]) * hypervolume([one[:-1] for one in ordered[: count + 1]], reference[:-1])
        for count, (point, end) in enumerate(zip(ordered, ends, strict=True))
        if end > point[-1]
    )
