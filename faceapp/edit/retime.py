"""When a sequence shows which mixture: identity moves evenly, slow at people if wished, there and back.

Half-way in pixels is not half-way between two people: who is seen changes quickly at some mixtures and
hardly at others. Embeddings at some places of the way say how far a viewer has come; the way is then walked
at an even pace (arc length), through a curve that never turns back (Fritsch and Carlson, 1980, "Monotone
piecewise cubic interpolation").
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceapp.types import Floats, check_shape

Doubles = NDArray[np.float64]
Marked = NDArray[np.bool_]
# Places at which the identity is measured, for each two neighbours of the way.
SAMPLES = 11
# A stretch without any change of identity still takes this share of an even pace.
SLOWEST = 0.05
# A stretch that does not lead from one person to the next takes this share of its time: hardly a frame then
# shows it. Less would make jumps of such stretches.
ASTRAY = 0.45
# A place so near to one that is measured already (as a share of their distance) says nothing new.
NEAR = 0.12
# A change of a distance that is none.
ALMOST = 1e-9


@dataclass(frozen=True, eq=False)
class Pace:
    """Which place is reached when: `places` (K,) at the shares `times` (K,) of the way, both 0 to 1."""

    times: Doubles
    places: Doubles

    def __post_init__(self) -> None:
        check_shape("places", self.places, self.times.shape)

    def __call__(self, moments: Doubles) -> Doubles:
        """(n,) the places at `moments` (n,), 0 to 1."""
        from scipy.interpolate import PchipInterpolator

        inner = np.clip(moments, 0.0, 1.0)
        places: Doubles = np.clip(PchipInterpolator(self.times, self.places)(inner), 0.0, 1.0)
        return places

    @staticmethod
    def plain() -> Pace:
        """The pace of the mixture itself."""
        ends = np.array((0.0, 1.0))
        return Pace(ends, ends)


def even(places: Doubles, embeddings: Floats, faces: int = 2) -> Pace:
    """The pace at which identity moves evenly past `faces` people.

    Args:
        places: (K,) rising from 0 to 1.
        embeddings: (K, D) unit vectors of the faces at these places.
    """
    check_shape("embeddings", embeddings, (len(places), None))
    steps = np.linalg.norm(np.diff(embeddings.astype(np.float64), axis=0), axis=1)
    if steps.sum() < 1e-6:
        return Pace.plain()
    # Two photos of one person may hardly differ anywhere: nowhere may the pace become a jump.
    steps = np.maximum(steps, SLOWEST * steps.mean() * np.diff(places) * len(steps))
    steps *= np.where(_onwards(places, embeddings, faces), 1.0, ASTRAY)
    times = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    times[-1] = 1.0
    return Pace(times, np.asarray(places, np.float64))


def _onwards(places: Doubles, embeddings: Floats, faces: int) -> Marked:
    """(K - 1,) which steps lead away from the person behind and towards the person ahead.

    Between two people who look alike the embedder's own uncertainty is as large as a step. What counts is
    the nearest course of the distances that never turns back (isotonic regression): a step belongs to a dip
    where that course stands still.
    """
    from scipy.optimize import isotonic_regression

    onwards = np.ones(len(places) - 1, bool)
    ends = np.searchsorted(places, np.linspace(0, 1, faces) - 1e-9)
    for start, end in itertools.pairwise(ends.tolist()):
        own = embeddings[start : end + 1].astype(np.float64)
        if len(own) < 2:
            continue
        behind, ahead = 1 - own @ own[0], 1 - own @ own[-1]
        gone = np.diff(isotonic_regression(behind).x) > ALMOST
        left = np.diff(isotonic_regression(ahead, increasing=False).x) < -ALMOST
        onwards[start:end] = gone & left
    return onwards


def measured(embed: Callable[[Doubles], Floats], faces: int = 2, rounds: int = 2) -> Pace:
    """The even pace past `faces` people.

    embed: the embeddings (n, D) of the faces at places (n,). It is asked `rounds` times: the second time at
    the places where the first pace expects equal steps, which finds the quick stretches.
    """
    count = (faces - 1) * (SAMPLES - 1) + 1
    places = np.linspace(0, 1, count)
    rows = embed(places)
    pace = even(places, rows, faces)
    for _ in range(rounds - 1):
        more = pace(np.linspace(0, 1, count))
        more = more[np.abs(more[:, None] - places).min(1) > NEAR / (count - 1)]
        if not len(more):
            break
        places, rows = np.concatenate([places, more]), np.concatenate([rows, embed(more)])
        order = np.argsort(places)
        places, rows = places[order], rows[order]
        pace = even(places, rows, faces)
    return pace


def moments(
    frames: int, faces: int = 2, ease: bool = False, ping_pong: bool = False, loop: bool = False
) -> Doubles:
    """(frames,) when each frame is on its way past `faces` key frames, 0 to 1.

    ease: slow at every person. ping_pong: there and back. loop: the way ends where it began. Both without
    the first frame once more at the end, so that the sequence can be repeated.
    """
    if frames < 1:
        raise ValueError(f"moments: {frames} frames")
    if frames == 1:
        return np.array((0.5,))
    if ping_pong:
        way = 1 - np.abs(2 * np.arange(frames) / frames - 1)
    elif loop:
        way = np.arange(frames) / frames
    else:
        way = np.linspace(0, 1, frames)
    return eased(way, faces) if ease else way


def eased(way: Doubles, faces: int = 2) -> Doubles:
    """The same way, slow near each of `faces` people."""
    along = way * (faces - 1)
    person = np.minimum(np.floor(along), faces - 2)
    rest = along - person
    slow: Doubles = (person + rest * rest * (3 - 2 * rest)) / (faces - 1)
    return slow
