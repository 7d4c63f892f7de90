"""The points of a face that an edit works on: iBUG's 68, nine on the forehead, and the border of the photo.

The 68 points end at the brows. What is above them carries much of who somebody is: with the forehead a
swapped face is recognised as its source far more often.
"""

from __future__ import annotations

import numpy as np

from faceapp.types import Floats, check_shape

# Where parts are among the 68 points.
JAW = slice(0, 17)
BROWS = slice(17, 27)
NOSE = slice(27, 36)
LEFT_EYE = slice(36, 42)
RIGHT_EYE = slice(42, 48)
MOUTH = slice(48, 68)
INNER_MOUTH = slice(60, 68)

# A forehead point stands above a temple or a brow by this share of 0.62 of the way from the eyes to the chin.
_FOREHEAD_BASE = (0, 17, 18, 19, 27, 24, 25, 26, 16)
_FOREHEAD_RISE = np.array((0.30, 0.42, 0.50, 0.54, 0.55, 0.54, 0.50, 0.42, 0.30))
_FOREHEAD_HEIGHT = 0.62
FACE_POINTS = 68 + len(_FOREHEAD_BASE)
# Around the face: along the jaw from the left temple, then back over the forehead.
_OUTLINE = (*range(17), *range(76, 67, -1))


def eye_distance(points: Floats) -> float:
    """Pixels between the centres of the eyes, the unit of sizes and errors; never below 1."""
    left, right = eye_centres(points)
    return max(1.0, float(np.hypot(*(right - left))))


def eye_centres(points: Floats) -> tuple[Floats, Floats]:
    # `mean` takes twice as long for so few, and this is asked for all the time.
    return points[LEFT_EYE].sum(0) / 6, points[RIGHT_EYE].sum(0) / 6


def upward(points: Floats) -> Floats:
    """(2,) from the chin to the middle between the eyes, as long as that is."""
    left, right = eye_centres(points)
    way: Floats = (left + right) / 2 - points[8]
    return way


def with_forehead(points: Floats) -> Floats:
    """(77, 2): the 68 points (68, 2) and nine on the forehead, from the left temple to the right one."""
    check_shape("points", points, (68, 2))
    base = points[list(_FOREHEAD_BASE)].copy()
    # The root of the nose is lower than the brows: the middle starts at their height.
    base[4] = points[BROWS][[4, 5]].mean(0)
    rise = (_FOREHEAD_RISE * _FOREHEAD_HEIGHT)[:, None] * upward(points)
    return np.concatenate([points, base + rise]).astype(np.float32)


def border(width: int, height: int) -> Floats:
    """(8, 2) corners and middles of the sides of an image, clockwise from the top left."""
    right, bottom = width - 1.0, height - 1.0
    return np.array(
        [(0, 0), (right / 2, 0), (right, 0), (right, bottom / 2),
         (right, bottom), (right / 2, bottom), (0, bottom), (0, bottom / 2)],
        np.float32,
    )  # fmt: skip


def size(points: Floats) -> float:
    """Pixels of a face's unit: the eye distance, or half of the way from the eyes to the chin where that is
    more. A head that turns away draws its eyes together, but not its height."""
    return max(eye_distance(points), float(np.hypot(*upward(points))) / 2)


def upright(points: Floats) -> float:
    """Radians by which the head leans clockwise: the eyes' line and the chin's say the same on a frontal
    face, and share the answer on a turned one."""
    left, right = eye_centres(points)
    along, up = right - left, upward(points)
    across = np.array((-up[1], up[0]))  # a quarter turn clockwise of "up" is "to the right"
    way = along / max(1e-6, float(np.hypot(*along))) + across / max(1e-6, float(np.hypot(*across)))
    return float(np.arctan2(way[1], way[0]))


def ring(points: Floats, margin: float) -> Floats:
    """(26, 2): the outline of 77 points (77, 2) pushed outwards by `margin` of the face's unit.

    Warps that know these points as well are defined a little way around the face, where blending looks.
    """
    outline = points[list(_OUTLINE)]
    middle = (points[36] + points[45]) / 4 + points[8] / 4 + points[72] / 4
    away = outline - middle
    length = np.maximum(np.hypot(away[:, 0], away[:, 1]), 1e-6)[:, None]
    pushed: Floats = (outline + away / length * (margin * size(points))).astype(np.float32)
    return pushed


def five_of(points: Floats) -> Floats:
    """(5, 2) eyes, tip of the nose, corners of the mouth, as detectors give them, of points (68, 2)."""
    check_shape("points", points, (68, 2))
    left, right = eye_centres(points)
    return np.stack([left, right, points[30], points[48], points[54]]).astype(np.float32)
