"""The mixture that is equally like two people, and as like them as can be.

Half-way in pixels is seldom half-way between two people: one of them has the features that are remembered,
and a mixture looks a little like somebody else altogether. From half-way on, the mixture is moved until its
embedding is as near as it gets to both people alike: along the way, in its shape and its detail against its
colour, and in the places of its features. Features move together with what is near them (smooth random
displacements: Luethi, Gerig, Jud and Vetter, 2018, "Gaussian process morphable models"), by a few hundredths
of the distance between the eyes: hardly more than found points are uncertain by. The embedding is taken as
linear around a mixture (Gauss and Newton's method, from differences), and moves cost the more the larger
they are, since they fit the embedder better than the eye.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from faceapp.edit import morph
from faceapp.edit.morph import Background, Mixed, Stack, Weights
from faceapp.edit.retime import Doubles
from faceapp.types import Floats, check_shape

# What moves along the way: shape, colour and detail together, shape against colour, detail alone; and the
# standard deviation of each.
WAYS = np.array([(1.0, 1.0, 1.0), (1.0, -1.0, 0.0), (0.0, 0.0, 1.0)])
USUAL_WAYS = np.array((0.1, 0.05, 0.05))
# So far from half-way shape, colour and detail may go.
FARTHEST = 0.35
# Points of a face within about this many distances between the eyes move together, by this standard
# deviation (in the same unit); the smoothest so many displacements are tried, across and down each.
TOGETHER = 0.25
USUAL_SHIFT = 0.05
SMOOTHEST = 30
# What a move of a standard deviation costs, in squares of an embedding's change.
COST = 0.0005
# The embedding's slope is measured so many standard deviations to both sides.
PROBE = 0.7
HALVINGS = 30


@dataclass(frozen=True, eq=False)
class Mixture:
    """places (3,): of shape, colour and detail, 0 the first and 1 the last person. moved (F, 2): by how much
    each point of the face is moved beside that, in distances between the eyes; None where none is."""

    places: Doubles
    moved: Floats | None = None

    @staticmethod
    def at(place: float) -> Mixture:
        return Mixture(np.full(3, float(place)))


@dataclass(frozen=True, eq=False)
class _Moves:
    """What may be moved by how much, each by a standard deviation: places (M, 3), points (M, F, 2)."""

    places: Doubles
    points: Doubles

    def __len__(self) -> int:
        return len(self.places)

    def first(self, count: int) -> _Moves:
        return _Moves(self.places[:count], self.points[:count])

    def applied(self, mixture: Mixture, amounts: Doubles) -> Mixture:
        """The mixture with so much (M,) of every move."""
        moved = np.tensordot(amounts, self.points, 1).astype(np.float32)
        together = moved if mixture.moved is None else mixture.moved + moved
        return Mixture(mixture.places + amounts @ self.places, together)


def mixed(own: Stack, mixture: Mixture, background: Background | None = None) -> Mixed:
    """The picture of a mixture of two people."""
    return morph.mix(own, Weights.at(0.5, 2, *mixture.places.tolist()), background, mixture.moved)


def balanced(embed: Callable[[Sequence[Mixture]], Floats], shape: Doubles) -> Mixture:
    """The mixture that is equally like both people.

    Args:
        embed: the unit embeddings (n, D) of mixtures. It is asked for some 140 of them.
        shape: (F, 2) the points of the face between the people, in distances between the eyes.
    """
    check_shape("shape", shape, (None, 2))
    moves = _moves(shape)
    ends = embed([Mixture.at(0), Mixture.at(1)]).astype(np.float64)
    mixture = Mixture.at(0.5)
    # Identity may move slowly at first and quickly then: the way is found in two steps, features come last.
    for tried in (moves.first(len(WAYS)), moves.first(len(WAYS)), moves):
        mixture = _nearer(embed, tried, mixture, ends)
    return mixture


def _moves(shape: Doubles) -> _Moves:
    """The moves along the way, then the features', the smoothest displacements first."""
    fields = _displacements(shape)
    points = np.zeros((len(WAYS) + 2 * len(fields), len(shape), 2))
    for axis in (0, 1):
        points[len(WAYS) + axis :: 2, :, axis] = fields
    places = np.zeros((len(points), 3))
    places[: len(WAYS)] = WAYS * USUAL_WAYS[:, None]
    return _Moves(places, points)


def _displacements(shape: Doubles) -> Doubles:
    """(K, F) how far each point goes with each of the smoothest displacements, by a standard deviation."""
    apart = ((shape[:, None] - shape[None]) ** 2).sum(2)
    variances, fields = np.linalg.eigh(np.exp(-apart / (2 * TOGETHER**2)))
    smoothest = slice(None, -SMOOTHEST - 1, -1)
    scales = USUAL_SHIFT * np.sqrt(np.maximum(variances[smoothest], 0))
    scaled: Doubles = scales[:, None] * fields.T[smoothest]
    return scaled


def _nearer(
    embed: Callable[[Sequence[Mixture]], Floats], moves: _Moves, start: Mixture, ends: Doubles
) -> Mixture:
    """The mixture after one step of every move."""
    probes = PROBE * np.eye(len(moves))
    around = [moves.applied(start, probe) for probe in (*probes, *-probes)]
    rows = embed([start, *around]).astype(np.float64)
    here, ahead, back = rows[0], rows[1 : 1 + len(moves)], rows[1 + len(moves) :]
    nearer = moves.applied(start, _best(here, (ahead - back) / (2 * PROBE), ends))
    return replace(nearer, places=np.clip(nearer.places, 0.5 - FARTHEST, 0.5 + FARTHEST))


def _best(here: Doubles, slopes: Doubles, ends: Doubles) -> Doubles:
    """(M,) the moves that bring the embedding `here` (D,) nearest to the farther one of `ends` (2, D).

    slopes (M, D): how each move changes the embedding. The best place is also the nearest one to some point
    between the ends; that point is halved for until both ends are equally far.
    """
    normal = slopes @ slopes.T + COST * np.eye(len(slopes))
    low, high = 0.0, 1.0
    amounts = np.zeros(len(slopes))
    for _ in range(HALVINGS):
        share = (low + high) / 2
        target = (1 - share) * ends[0] + share * ends[1]
        amounts = np.linalg.solve(normal, slopes @ (target - here))
        to_first, to_last = np.linalg.norm(here + amounts @ slopes - ends, axis=1)
        low, high = (share, high) if to_first < to_last else (low, share)
    return amounts
