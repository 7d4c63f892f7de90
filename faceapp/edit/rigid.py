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
from faceapp.types import Box, Floats, check_shape

Doubles = NDArray[np.float64]
# Points further away than this share of the distance between the eyes stay where they are.
REACH = 0.45
# The warp is worked out for every so many pixels and read between them.
GRID = 8
# So much around the points moves along, as a share of the longer side of the face; the rest stays.
ROOM = 0.4
# Places on each side of that which stay where they are.
RIM = 16

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


def _moved(places: Doubles, start: Doubles, end: Doubles) -> Doubles:
    # Products of places far from 0 would swallow what tells them apart.
    middle = start.mean(0)
    places, start, end = places - middle, start - middle, end - middle
    squares = np.subtract.outer(places[:, 0], start[:, 0]) ** 2
    squares += np.subtract.outer(places[:, 1], start[:, 1]) ** 2
    np.maximum(squares, 1e-8, out=squares)
    # The third power of the distance.
    weights = 1 / (squares * np.sqrt(squares))
    weights /= weights.sum(1, keepdims=True)
    along = (start * end).sum(1)
    across = start[:, 0] * end[:, 1] - start[:, 1] * end[:, 0]
    means = weights @ np.column_stack([start, end, along, across])
    centre, new_centre = means[:, :2], means[:, 2:4]
    # The best rotation of the plane, as the cosine and the sine of its angle times one factor.
    cosine = means[:, 4] - (centre * new_centre).sum(1)
    sine = means[:, 5] - (centre[:, 0] * new_centre[:, 1] - centre[:, 1] * new_centre[:, 0])
    length = np.hypot(cosine, sine)
    still = length < 1e-12
    cosine, sine = np.where(still, 1.0, cosine), np.where(still, 0.0, sine)
    length = np.where(still, 1.0, length)
    x, y = (places - centre).T
    turned = np.stack([cosine * x - sine * y, sine * x + cosine * y], 1) / length[:, None]
    moved: Doubles = turned + new_centre + middle
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


def room_of(before: Floats, after: Floats, width: int, height: int) -> Box:
    """The part of a photo that moves when its points `before` (P, 2) go to `after` (P, 2)."""
    both = np.concatenate([before, after])
    room = ROOM * float(np.ptp(before, axis=0).max())
    (x1, y1), (x2, y2) = (both.min(0) - room).tolist(), (both.max(0) + room).tolist()
    return Box(max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2))


def _rim(room: Box) -> Floats:
    """(4 x RIM, 2) places along the border of a part of the photo."""
    share = np.arange(RIM) / RIM
    way = np.concatenate([share, np.ones(RIM), 1 - share, np.zeros(RIM)])
    # The way down is the way across, a side later.
    around = np.stack([way, np.roll(way, RIM)], 1)
    return (around * (room.width, room.height) + (room.x1, room.y1) - 0.5).astype(np.float32)


def preview(before: Floats, after: Floats, room: Box, part: Box, size: tuple[int, int]) -> Warp:
    """What a drag does to the face: the warp that brings points `before` (P, 2) to `after` (P, 2).

    Args:
        room: the part of the photo that moves, its border stays; see `room_of`.
        part: what is shown of it. size: width and height of the result, the pixels in which that is shown.
    """
    check_shape("after", after, before.shape)
    width, height = size
    rim = _rim(room)
    target, source = np.concatenate([after, rim]), np.concatenate([before, rim])
    scale = np.array((part.width / width, part.height / height))
    corner = np.array((part.x1, part.y1)) + scale / 2 - 0.5  # the middle of the first pixel
    rows, columns = -(-height // GRID) + 1, -(-width // GRID) + 1
    down, across = np.mgrid[0:rows, 0:columns] * GRID
    places = np.stack([across.ravel(), down.ravel()], 1) * scale + corner
    moved = (deform(places, target, source) - places).astype(np.float32)
    # The corner of the grid is the middle of the first pixel: read at p / GRID, which resize does not do.
    step = np.array([(1 / GRID, 0, 0), (0, 1 / GRID, 0)])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    shift = cv2.warpAffine(
        moved.reshape(rows, columns, 2), step, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    x = shift[..., 0] + (np.arange(width) * scale[0] + corner[0]).astype(np.float32)[None]
    y = shift[..., 1] + (np.arange(height) * scale[1] + corner[1]).astype(np.float32)[:, None]
    return Warp(np.ascontiguousarray(x), np.ascontiguousarray(y))
