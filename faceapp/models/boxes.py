"""Arithmetic on many boxes at once; boxes are (N, 4) float32 x1 y1 x2 y2."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceapp.types import Floats, Ints

# Every box is compared with every other one: more candidates than this only cost memory.
MOST = 2000


def overlaps(boxes: Floats, others: Floats, over: Literal["union", "smaller"] = "union") -> Floats:
    """(N, M): the shared area of each pair, divided by its union or by the smaller of the two."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    width_height = np.maximum(high - low, 0)
    shared = width_height[..., 0] * width_height[..., 1]
    areas, other_areas = _areas(boxes)[:, None], _areas(others)[None]
    whole = areas + other_areas - shared if over == "union" else np.minimum(areas, other_areas)
    ratio: Floats = shared / np.maximum(whole, 1e-6)
    return ratio


def suppress(
    boxes: Floats, scores: Floats, limit: float, over: Literal["union", "smaller"] = "union"
) -> Ints:
    """Positions of the boxes that stay, best first: greedy non-maximum suppression of at most `MOST` boxes.

    A box goes when a better one that stays overlaps it by more than `limit`. Instead of one pass of
    Python per box the rule is applied to all boxes until nothing changes: the outcome is the same,
    since box k is settled after k rounds at the latest, and in practice after three or four.
    """
    order = np.argsort(-scores, kind="stable")[:MOST]
    clashes = np.triu(overlaps(boxes[order], boxes[order], over) > limit, 1)
    stays: NDArray[np.bool_] = np.ones(len(order), np.bool_)
    while True:
        # Rows are the better boxes: does any of them that stays clash with this column's box?
        settled = np.asarray(~clashes[stays].any(0))
        if (settled == stays).all():
            break
        stays = settled
    kept: Ints = order[stays]
    return kept


def squares(boxes: Floats) -> Floats:
    """Boxes with the same centre, both sides as long as the longer one."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(1, keepdims=True) / 2
    return np.concatenate([centre - half, centre + half], 1)


def _areas(boxes: Floats) -> Floats:
    areas: Floats = np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0)
    return areas
