"""Points placed by hand: dragging one, its neighbours follow, and the photo shows what that does.

Rigid deformation by moving least squares (Schaefer, McPhail, Warren, 2006, "Image deformation using moving
least squares"): every place moves by the rotation and shift that fits the moved points best, nearer ones
counting more. Nothing is stretched or sheared.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceapp.edit import points as parts
from faceapp.edit.warp import Warp
from faceapp.opencv import cv2
from faceapp.types import Floats, Image, check_shape

Doubles = NDArray[np.float64]
# Points further away than this share of the distance between the eyes stay where they are.
REACH = 0.45
# The exponent of the distance: nearer points count more the larger it is.
FALL = 1.5
# The warp is worked out for every so many pixels and read between them.
GRID = 8
# Places on each side of a photo that stay where they are.
RIM = 12

# The point on the other side of the face; those on the midline stand for themselves.
MIRROR = np.array(
    [16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
     26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 27, 28, 29, 30, 35, 34, 33, 32, 31,
     45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
     54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65],
    np.int64,
)  # fmt: skip


def mirrored(points: Floats, width: float) -> Floats:
    """(68, 2) the points of the mirrored photo, `width` pixels wide, in iBUG's order."""
    check_shape("points", points, (68, 2))
    flipped = points[MIRROR].copy()
    flipped[:, 0] = width - 1 - flipped[:, 0]
    return flipped


def deform(places: Floats, before: Floats, after: Floats) -> Floats:
    """(n, 2) where `places` (n, 2) go when the points `before` (P, 2) go to `after` (P, 2)."""
    check_shape("after", after, before.shape)
    result = np.empty((len(places), 2), np.float64)
    start, end = before.astype(np.float64), after.astype(np.float64)
    # In slices: the weights of all places at once are large.
    for first in range(0, len(places), 4096):
        part = slice(first, first + 4096)
        result[part] = _moved(np.asarray(places[part], np.float64), start, end)
    return result.astype(np.float32)


def _moved(
    places: Doubles,
    start: Doubles,
    end: Doubles,
) -> Doubles:
    squares = ((places[:, None] - start) ** 2).sum(2)
    weights = 1 / np.maximum(squares, 1e-8) ** FALL
    weights /= weights.sum(1, keepdims=True)
    centre, new_centre = weights @ start, weights @ end
    own = start - centre[:, None]
    new = end - new_centre[:, None]
    # The best rotation of the plane, as the cosine and the sine of its angle times one factor.
    cosine = (weights * (own * new).sum(2)).sum(1)
    sine = (weights * (own[..., 0] * new[..., 1] - own[..., 1] * new[..., 0])).sum(1)
    length = np.hypot(cosine, sine)
    still = length < 1e-12
    cosine, sine = np.where(still, 1.0, cosine), np.where(still, 0.0, sine)
    length = np.where(still, 1.0, length)
    x, y = (places - centre).T
    turned = np.stack([cosine * x - sine * y, sine * x + cosine * y], 1) / length[:, None]
    moved: Doubles = turned + new_centre
    return moved


def drag(
    points: Floats, index: int, to: tuple[float, float], symmetric: bool = False, reach: float = REACH
) -> Floats:
    """(68, 2) the points after one was dragged; its neighbours follow, those further away stay.

    Args:
        index: which point.
        to: where it is now, pixels of the photo.
        symmetric: its partner on the other side moves as in a mirror, and a point of the midline stays on it.
        reach: how far the neighbours follow, as a share of the distance between the eyes; 0: none does.
    """
    check_shape("points", points, (68, 2))
    if not 0 <= index < 68:
        raise ValueError(f"drag: there is no point {index}")
    moves = {index: np.asarray(to, np.float64) - points[index]}
    if symmetric:
        partner = int(MIRROR[index])
        across = _across(points)
        sideways = float(moves[index] @ across) * across
        if partner == index:
            moves[index] = moves[index] - sideways
        else:
            moves[partner] = moves[index] - 2 * sideways
    held = list(moves)
    distances = np.linalg.norm(points[:, None] - points[held], axis=2).min(1)
    stays = distances > reach * parts.eye_distance(points)
    controls = np.flatnonzero(stays | np.isin(np.arange(68), held))
    goals = points.astype(np.float64)
    for number, move in moves.items():
        goals[number] = goals[number] + move
    result = deform(points, points[controls], goals[controls].astype(np.float32))
    result[controls] = goals[controls]
    return result


def _across(points: Floats) -> Doubles:
    """(2,) of length 1: from the left side of the face to the right one."""
    way: Doubles = (points[MIRROR] - points)[np.arange(68) < MIRROR].mean(0).astype(np.float64)
    across: Doubles = way / max(1e-9, float(np.hypot(*way)))
    return across


def _rim(width: int, height: int) -> Floats:
    """(4 x RIM, 2) places along the border of a photo, which stay."""
    share = np.arange(RIM, dtype=np.float32) / RIM
    right, bottom, none = share * (width - 1), share * (height - 1), np.zeros(RIM, np.float32)
    sides = (
        (right, none), (none + width - 1, bottom), (width - 1 - right, none + height - 1),
        (none, height - 1 - bottom),
    )  # fmt: skip
    return np.concatenate([np.stack(side, 1) for side in sides]).astype(np.float32)


def preview(image: Image, before: Floats, after: Floats) -> Image:
    """The photo with the points `before` (P, 2) moved to `after` (P, 2): what a drag does to the face."""
    check_shape("after", after, before.shape)
    height, width = image.shape[:2]
    corners = _rim(width, height)
    target, source = np.concatenate([after, corners]), np.concatenate([before, corners])
    rows, columns = -(-height // GRID) + 1, -(-width // GRID) + 1
    down, across = np.mgrid[0:rows, 0:columns].astype(np.float32) * GRID
    places = np.stack([across.ravel(), down.ravel()], 1)
    moved = deform(places, target, source) - places
    # The corner of the grid is the middle of the first pixel: read at p / GRID, which resize does not do.
    step = np.array([(1 / GRID, 0, 0), (0, 1 / GRID, 0)])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    shift = cv2.warpAffine(
        moved.reshape(rows, columns, 2), step, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    x = shift[..., 0] + np.arange(width, dtype=np.float32)[None]
    y = shift[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return np.asarray(Warp(np.ascontiguousarray(x), np.ascontiguousarray(y)).read(image), np.uint8)
