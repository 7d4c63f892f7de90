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
FOREHEAD = slice(68, 68 + len(_FOREHEAD_BASE))
FACE_POINTS = 68 + len(_FOREHEAD_BASE)


def eye_distance(points: Floats) -> float:
    """Pixels between the centres of the eyes, the unit of sizes and errors; never below 1."""
    left, right = eye_centres(points)
    return max(1.0, float(np.hypot(*(right - left))))


def eye_centres(points: Floats) -> tuple[Floats, Floats]:
    return points[LEFT_EYE].mean(0), points[RIGHT_EYE].mean(0)


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
