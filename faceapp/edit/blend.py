"""Joining a face to a photo: what the border of the pasted part lacks in colour is spread over its inside.

Poisson blending (Pérez, Gangnet, Blake 2003) adds to the pasted pixels the harmonic membrane through the
differences at their border. On a disc that membrane is the mean of the differences, each weighted by one
over the squared way to it (Poisson's kernel); a face is near enough to a disc. Written as a weighted mean
it needs no pixels beyond the photo's border, and a place of the border where hair or a cap lies is simply
left out: `cv2.seamlessClone` fails at the first and lets the second glow all over the face.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from faceapp.opencv import cv2
from faceapp.types import Floats, Image

# Every so many pixels of the upright copy the membrane is computed; between them it is read smoothly.
_STEP = 4
_MOST_PLACES = 160
# What single places of the rim may add to the slope of the light, in units of 0..255.
_LARGEST = 60.0
# How far a slope is held back, in squares of half a copy.
_HOLD = 0.05


def membrane(difference: Floats, rim: Floats, blur: float, wanted: NDArray[np.bool_] | None = None) -> Floats:
    """(H, W, 3) float32: differences (H, W, 3) at the rim, spread smoothly over everything.

    rim: (H, W) 0..1, how far a pixel's difference counts. blur: pixels over which the rim's differences
    are averaged first, so that no single pixel shines inwards. wanted: (H, W), where the result is looked
    at; elsewhere it may be anything. Zero where no pixel of the rim counts.
    """
    height, width = rim.shape
    y, x = np.nonzero(rim > 0.05)
    if not len(x):
        return np.zeros_like(difference)
    chosen = np.linspace(0, len(x) - 1, min(len(x), _MOST_PLACES)).astype(int)
    part, corner = _cut(rim > 0, math.ceil(4 * blur) + 1)
    y, x = y[chosen], x[chosen]
    near = y - corner[0], x - corner[1]
    weight = cv2.GaussianBlur(rim[part], (0, 0), blur)[near]
    total = cv2.GaussianBlur(difference[part] * threefold(rim[part]), (0, 0), blur)[near]
    values = np.clip(total / np.maximum(weight, 1e-4)[:, None], -_LARGEST, _LARGEST)
    # (N, 4): what the places say and how much they count, so that one product gives both sums.
    shares = np.column_stack([values, np.ones(len(x))]).astype(np.float32) * rim[y, x, None]
    rows, columns = (slice(0, height), slice(0, width)) if wanted is None else _cut(wanted, 1)[0]
    down = np.arange(rows.start // _STEP * _STEP, rows.stop + _STEP, _STEP, dtype=np.float32)
    across = np.arange(columns.start // _STEP * _STEP, columns.stop + _STEP, _STEP, dtype=np.float32)
    upright = (down[:, None] - y.astype(np.float32)) ** 2 + np.float32(blur**2)
    level = (across[:, None] - x.astype(np.float32)) ** 2
    squared = upright[:, None] + level[None]
    sums = np.reciprocal(squared, out=squared).reshape(-1, len(x)) @ shares
    coarse = (sums[:, :3] / sums[:, 3:]).reshape(len(down), len(across), 3)
    # The first pixel of the coarse membrane lies on the first of the fine one, not between them.
    matrix = np.array([(1 / _STEP, 0, -across[0] / _STEP), (0, 1 / _STEP, -down[0] / _STEP)])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    spread: Floats = cv2.warpAffine(
        coarse, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return spread


def _cut(mask: NDArray[np.bool_], margin: int) -> tuple[tuple[slice, slice], tuple[int, int]]:
    """The part of a mask (H, W) that is True, with a margin; and its corner y, x. All where nothing is."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return (slice(0, mask.shape[0]), slice(0, mask.shape[1])), (0, 0)
    top, left = max(0, int(rows[0]) - margin), max(0, int(columns[0]) - margin)
    bottom, right = min(mask.shape[0], int(rows[-1]) + margin + 1), int(columns[-1]) + margin + 1
    return (slice(top, bottom), slice(left, min(mask.shape[1], right))), (top, left)


def slope(difference: Floats, weight: Floats) -> Floats:
    """(H, W, 3) float32: the plane through differences (H, W, 3), each counted by its weight (H, W).

    It turns the light that falls on one face to the side from which it falls on the other. Zero where
    nothing has weight.
    """
    height, width = weight.shape
    chosen = (weight > 0.5).astype(np.float32)
    count = int(np.count_nonzero(chosen))
    if count < 30:
        return np.zeros_like(difference)
    across, down = (_powers(size) for size in (width, height))
    # The normal equations, summed row by row: sums[i, j] is that of down^i across^j.
    sums = down.T @ (chosen @ across).astype(np.float64)
    rows = np.array([
        (sums[0, 0], sums[0, 1], sums[1, 0]),
        (sums[0, 1], sums[0, 2] + _HOLD * count, sums[1, 1]),
        (sums[1, 0], sums[1, 1], sums[2, 0] + _HOLD * count),
    ])  # fmt: skip
    shown = (difference * threefold(chosen)).reshape(height, -1)
    level, steep = (down[:, :2].T @ shown).reshape(2, width, 3)
    values = np.linalg.solve(rows, np.stack([level.sum(0), across[:, 1] @ level, steep.sum(0)]))
    first, second, third = values.astype(np.float32)
    # As a product: a sum that repeats along all three axes at once takes twenty times as long.
    parts = np.stack([(first + across[:, 1:2] * second).ravel(), np.tile(third, width)])
    plane: Floats = (down[:, :2] @ parts).reshape(height, width, 3)
    return plane


@cache
def _powers(size: int) -> Floats:
    """(size, 3): one, the place from -1 to 1 along a side, and its square."""
    place = np.linspace(-1, 1, size, endpoint=False, dtype=np.float32)
    return np.stack([np.ones_like(place), place, place**2], 1)


def threefold(values: Floats) -> Floats:
    """(H, W, 3) the same values (H, W) for each colour: quicker than what repeats them by itself."""
    repeated: Floats = cv2.merge((values, values, values))
    return repeated


def feathered(mask: NDArray[np.bool_], width: float) -> Floats:
    """(H, W) float32: 0 outside of a mask, rising to 1 over `width` pixels inside it."""
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inside = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    return smooth((inside - 0.5) / max(width, 0.5))


def smooth(share: Floats) -> Floats:
    """From 0 to 1 without an edge at either; what is beyond them stays there."""
    inner = np.clip(share, 0, 1)
    soft: Floats = (inner * inner * (3 - 2 * inner)).astype(np.float32)
    return soft


def paste(canvas: Image, patch: Floats, alpha: Floats, box: tuple[int, int, int, int]) -> None:
    """Lay a patch (H, W, 3) on a canvas, in place, at box x1 y1 x2 y2.

    Where alpha (H, W) is 0, not a bit changes.
    """
    x1, y1, x2, y2 = box
    under = canvas[y1:y2, x1:x2]
    mixed = patch - under
    mixed *= threefold(alpha)
    mixed += under
    np.clip(mixed, 0, 255, out=mixed)
    # A whole number stays itself, so that nothing changes where alpha is 0.
    mixed += 0.5
    under[...] = mixed.astype(np.uint8)
