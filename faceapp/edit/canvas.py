"""Faces of different photos brought to one canvas: eyes level, centred and of one size.

The crop is about FFHQ's (Karras and others, 2019, "recreate_aligned_images") and a little wider, so that
hair and some of the shoulders are seen. What lies outside of the photo is the photo mirrored, and blurred
the more the further outside it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceapp.edit import points as parts
from faceapp.edit import warp
from faceapp.edit.warp import Matrix
from faceapp.opencv import cv2
from faceapp.types import Floats, Image, check_image, check_shape

Marked = NDArray[np.bool_]
# The side of the canvas against the distance between the eyes, and against that from the eyes to the mouth:
# the larger one counts, since eyes come close to each other on a face that is turned aside.
PER_EYES = 4.5
PER_MOUTH = 4.05
# Where the middle between the eyes lies, as shares of the width and the height.
EYES_ACROSS, EYES_DOWN = 0.5, 0.45
# Outside of the photo the picture is wholly blurred from this share of the side on, by this sigma.
FADE = 0.08
BLUR = 0.04


@dataclass(frozen=True, eq=False)
class Aligned:
    """One face on the canvas.

    image (S, S, 3) uint8. points (68, 2): pixels of the canvas. to_canvas (2, 3): from the photo.
    inside (S, S) bool: what the photo really shows. enlarged: by how much the photo was enlarged.
    """

    image: Image
    points: Floats
    to_canvas: Matrix
    inside: Marked
    enlarged: float

    def __post_init__(self) -> None:
        check_image(self.image)
        check_shape("points", self.points, (68, 2))


def place(points: Floats, size: int) -> Matrix:
    """The (2, 3) similarity from the photo of these points (68, 2) to a canvas of `size` pixels."""
    check_shape("points", points, (68, 2))
    left, right = parts.eye_centres(points)
    eyes = (left + right) / 2
    across = right - left
    down = points[parts.MOUTH].mean(0) - eyes
    side = max(PER_EYES * float(np.hypot(*across)), PER_MOUTH * float(np.hypot(*down)), 4.0)
    # A face with both eyes in one place has no level: its mouth says where down is.
    level = across if float(np.hypot(*across)) > 1e-3 else np.array((down[1], -down[0]))
    turn = level / max(1e-6, float(np.hypot(*level))) * (size / side)
    cosine, sine = float(turn[0]), -float(turn[1])
    matrix = np.array([(cosine, -sine, 0.0), (sine, cosine, 0.0)])
    matrix[:, 2] = np.array((EYES_ACROSS, EYES_DOWN)) * size - matrix[:, :2] @ eyes
    return matrix


def align(image: Image, points: Floats, size: int) -> Aligned:
    """The face with these points (68, 2) on a canvas of `size` pixels."""
    check_image(image)
    matrix = place(points, size)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    cut, to_cut = _reduced(image, matrix, size, scale)
    to_canvas = _after(matrix, warp.invert(to_cut))
    kind = cv2.INTER_CUBIC
    shown = cv2.warpAffine(cut, to_canvas, (size, size), flags=kind, borderMode=cv2.BORDER_REFLECT_101)
    height, width = image.shape[:2]
    outline = warp.apply(matrix, _corners(width, height) - 0.5)
    inside = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(inside, np.rint(outline * 16).astype(np.int32), 1, cv2.LINE_8, 4)
    return Aligned(
        _faded(shown, inside), warp.apply(matrix, points), matrix, inside.astype(bool), max(1.0, scale)
    )


def _reduced(image: Image, matrix: Matrix, size: int, scale: float) -> tuple[Image, Matrix]:
    """The part of the photo that the canvas shows, no larger than it must be, and the way to it.

    A photo that shrinks is averaged over areas first: reading single pixels of it would show steps.
    """
    corners = warp.apply(warp.invert(matrix), _corners(size, size))
    margin = 4 / min(scale, 1.0)
    height, width = image.shape[:2]
    last = (width - 1, height - 1)
    left, top = np.clip(np.floor(corners.min(0) - margin), 0, last).astype(int)
    right, bottom = 1 + np.clip(np.ceil(corners.max(0) + margin), (left, top), last).astype(int)
    cut = image[top:bottom, left:right]
    if scale >= 1.0:
        return cut, np.array([(1.0, 0.0, -left), (0.0, 1.0, -top)])
    wide = max(1, round((right - left) * scale))
    high = max(1, round((bottom - top) * scale))
    across, down = wide / (right - left), high / (bottom - top)
    smaller = cv2.resize(cut, (wide, high), interpolation=cv2.INTER_AREA)
    # The middle of the first pixel is half a pixel inside, before and after.
    return smaller, np.array(
        [(across, 0.0, (0.5 - left) * across - 0.5), (0.0, down, (0.5 - top) * down - 0.5)]
    )


def _corners(width: int, height: int) -> Floats:
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)


def _after(second: Matrix, first: Matrix) -> Matrix:
    """The (2, 3) matrix of `first` and then `second`."""
    both: Matrix = np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]])
    return both


def _faded(image: Image, inside: Image) -> Image:
    """The image, blurred where it is not inside (H, W), the more the further away from it."""
    if inside.all():
        return image
    size = len(image)
    away = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
    share = np.clip(away / (FADE * size), 0, 1)[..., None]
    small = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), max(0.5, BLUR * size / 4), borderType=cv2.BORDER_REPLICATE)
    soft = cv2.resize(soft, (size, size), interpolation=cv2.INTER_LINEAR)
    mixed: Image = np.rint(image + (soft.astype(np.float32) - image) * share).astype(np.uint8)
    return mixed
