"""Where a picture is equally like two people: the places of its shape, its colour and its detail.

Half-way in pixels is seldom half-way between two people: one of them has the features that are remembered.
The picture is moved along the way, and its shape and detail a little against its colour, until its embedding
is as near as it gets to both people alike. The embedding is taken as linear around a picture (Gauss and
Newton's method, from differences), and large moves of shape against colour cost something, since they fit
the embedder better than the eye.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from faceapp.edit.retime import Doubles
from faceapp.types import Floats

# What moves: shape, colour and detail together, shape against colour, detail alone.
MOVES = np.array([(1.0, 1.0, 1.0), (1.0, -1.0, 0.0), (0.0, 0.0, 1.0)])
# What a move costs, in squares of an embedding's change for each whole way.
COSTS = np.array((0.005, 0.25, 0.25))
# The embedding's slope is measured over so much of the way to both sides, round by round.
PROBES = (0.12, 0.06)
# So far from half-way shape, colour and detail may go.
FARTHEST = 0.35
HALVINGS = 30


def balanced(embed: Callable[[Doubles], Floats]) -> Doubles:
    """(3,) the places of shape, colour and detail, 0 the first and 1 the last person.

    embed: the unit embeddings (n, D) of the mixtures at places (n, 3). It is asked for sixteen.
    """
    ends = embed(np.array([np.zeros(3), np.ones(3)])).astype(np.float64)
    places = np.full(3, 0.5)
    for probe in PROBES:
        around = probe * np.concatenate([MOVES, -MOVES])
        rows = embed(np.concatenate([places[None], places + around])).astype(np.float64)
        ahead, back = rows[1 : 1 + len(MOVES)], rows[1 + len(MOVES) :]
        move = _best(rows[0], (ahead - back) / (2 * probe), ends)
        places = np.clip(places + move @ MOVES, 0.5 - FARTHEST, 0.5 + FARTHEST)
    return places


def _best(here: Doubles, slopes: Doubles, ends: Doubles) -> Doubles:
    """(M,) the moves that bring the embedding `here` (D,) nearest to the farther one of `ends` (2, D).

    slopes (M, D): how each move changes the embedding. The best place is also the nearest one to some point
    between the ends; that point is halved for until both ends are equally far.
    """
    normal = slopes @ slopes.T + np.diag(COSTS)
    low, high = 0.0, 1.0
    moves = np.zeros(len(slopes))
    for _ in range(HALVINGS):
        share = (low + high) / 2
        target = (1 - share) * ends[0] + share * ends[1]
        moves = np.linalg.solve(normal, slopes @ (target - here))
        to_first, to_last = np.linalg.norm(here + moves @ slopes - ends, axis=1)
        low, high = (share, high) if to_first < to_last else (low, share)
    return moves
