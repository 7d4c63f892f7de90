"""Cuts upright faces of one size out of a photo, the way that each embedder was trained on.

`dlib_chips` follows dlib's `get_face_chip` (dlib/image_transforms/interpolation.h, Boost licence): a
similarity transform from five points, and for large faces a pyramid first, so that nothing is skipped
when they shrink. `arcface_chips` is the 112 pixel layout of ArcFace (insightface, face_align.py).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from faceapp.types import Detections, Floats, Image, check_image, check_shape

Doubles = NDArray[np.float64]

DLIB_SIZE = 150
DLIB_PADDING = 0.25
# The mean face of dlib's five points, width 1: right-most eye corner, its inner corner, left-most eye
# corner, its inner corner, base of the nose.
DLIB_POINTS = np.array(
    [
        (0.8595674595992, 0.2134981538014),
        (0.6460604764104, 0.2289674387677),
        (0.1205750620789, 0.2137274526848),
        (0.3340850613712, 0.2290642403242),
        (0.4901123135679, 0.6277975316475),
    ]
)
# (5, 2) where those points belong in a chip.
DLIB_TEMPLATE = (DLIB_POINTS + DLIB_PADDING) / (1 + 2 * DLIB_PADDING) * DLIB_SIZE
# left eye, right eye, nose, left and right corner of the mouth in 112 x 112
ARCFACE_POINTS = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]
)
ARCFACE_SIZE = 112
OUTSIDE = -1e9
# Where five points of `types.py` lie in dlib's chip, and how large dlib's frontal face box is against
# the spread of those points: medians over 211 faces of HELEN, WIDER FACE and group photos.
CHIP_POINTS = np.array([(47.0, 45.0), (100.2, 45.0), (73.6, 77.0), (49.7, 101.0), (97.4, 101.0)])
BOX_PER_SPREAD = 1.73


def similarity(source: Doubles | Floats, target: Doubles | Floats) -> Doubles:
    """The (2, 3) matrix of the rotation, scale and shift that brings `source` (P, 2) nearest to `target`.

    Least squares without mirroring, as Umeyama (1991) gives it; closed form in two dimensions.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    from_centre, to_centre = source.mean(0), target.mean(0)
    a, b = source - from_centre, target - to_centre
    spread = float((a * a).sum())
    if spread <= 0:
        raise ValueError("similarity: all points are the same")
    cosine = float((a * b).sum()) / spread
    sine = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    turn = np.array([(cosine, -sine), (sine, cosine)])
    return np.column_stack([turn, to_centre - turn @ from_centre])


def dlib_boxes(faces: Detections) -> Floats:
    """(N, 4) boxes as dlib's frontal face detector draws them: its landmarks start from there.

    From the five points where there are some, since every detector draws its boxes differently; else
    square boxes of the same centre and area.
    """
    if faces.landmarks is not None:
        centre = faces.landmarks.mean(1)
        half = BOX_PER_SPREAD / 2 * np.sqrt(((faces.landmarks - centre[:, None]) ** 2).sum((1, 2)))
    else:
        centre = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
        half = np.sqrt(np.maximum((faces.boxes[:, 2:] - faces.boxes[:, :2]).prod(1), 1)) / 2
    return np.concatenate([centre - half[:, None], centre + half[:, None]], 1).astype(np.float32)


def five_points(dlib_points: Floats) -> Floats:
    """(N, 5, 2) eyes, nose and mouth corners as they lie in the mean face around dlib's five points."""
    points = np.empty((len(dlib_points), 5, 2), np.float32)
    for five, face in zip(points, dlib_points, strict=True):
        to_photo = similarity(DLIB_TEMPLATE, face)
        five[...] = CHIP_POINTS @ to_photo[:, :2].T + to_photo[:, 2]
    return points


def dlib_chips(image: Image, points: Floats, width: float = 1.0) -> Image:
    """(N, DLIB_SIZE, DLIB_SIZE, 3) chips for dlib's own five points (N, 5, 2), in its order.

    Outside is black. width: how much of the photo a chip shows, against dlib's own chip, around the same
    centre.
    """
    check_image(image)
    check_shape("points", points, (None, 5, 2))
    chips = np.empty((len(points), DLIB_SIZE, DLIB_SIZE, 3), np.uint8)
    for chip, face in zip(chips, points, strict=True):
        to_photo = similarity(DLIB_TEMPLATE, face)
        to_photo[:, 2] += to_photo[:, :2] @ (DLIB_SIZE / 2, DLIB_SIZE / 2) * (1 - width)
        to_photo[:, :2] *= width
        chip[...] = _dlib_chip(image, to_photo)
    return chips


def point_chips(image: Image, points: Floats, template: Doubles, size: int) -> Image:
    """(N, size, size, 3) chips in which five points (N, 5, 2) come nearest to `template` (5, 2).

    Points in the order of `types.py`; the template in pixels of the chip. Outside is black.
    """
    check_image(image)
    check_shape("points", points, (None, 5, 2))
    chips = np.empty((len(points), size, size, 3), np.uint8)
    for chip, face in zip(chips, points, strict=True):
        to_photo = similarity(template, face)
        halvings = _halvings(math.hypot(to_photo[0, 0], to_photo[1, 0]) * size, size)
        chip[...] = _sample(image, to_photo, halvings, size, misplaced=0.0)
    return chips


def arcface_chips(image: Image, points: Floats, size: int = ARCFACE_SIZE) -> Image:
    """(N, size, size, 3) chips of ArcFace's layout for five points (N, 5, 2)."""
    return point_chips(image, points, ARCFACE_POINTS * (size / ARCFACE_SIZE), size)


def _dlib_chip(image: Image, to_photo: Doubles) -> Image:
    """One chip with the steps of dlib: its rectangles end on the last pixel, not after it."""
    size = DLIB_SIZE
    centre = to_photo[:, :2] @ (size / 2, size / 2) + to_photo[:, 2]
    scale = max(math.hypot(to_photo[0, 0], to_photo[1, 0]), 1e-6)
    span = scale * size - 1
    turn = to_photo[:, :2] / scale * (span / (size - 1))
    corner = centre - turn @ ((size - 1) / 2, (size - 1) / 2)
    return _sample(image, np.column_stack([turn, corner]), _halvings(span, size), size, misplaced=0.25)


def _halvings(span: float, size: int) -> int:
    """How often the photo is halved before a chip of `size` is cut from `span` pixels of it."""
    count = 0
    while span / 2 + 1 > size:
        span /= 2
        count += 1
    return count


def _sample(image: Image, to_photo: Doubles, halvings: int, size: int, misplaced: float) -> Image:
    """Read the pixels of a chip. misplaced: dlib's pyramid puts each level that far off, right and up."""
    from faceapp.opencv import cv2

    image, to_photo = _around(image, to_photo, size, halvings)
    pixels = image.astype(np.float32)
    for _ in range(halvings):
        if min(pixels.shape[:2]) <= 8:
            break
        # the same 1 4 6 4 1 filter in both; dlib's first pixel is OpenCV's second
        rows, columns = (pixels.shape[0] - 3) // 2, (pixels.shape[1] - 3) // 2
        pixels = np.floor(cv2.pyrDown(pixels)[1 : 1 + rows, 1 : 1 + columns])
        to_photo = to_photo / 2
        to_photo[:, 2] -= (1 + misplaced, 1 - misplaced)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    # a pixel that lies only partly on the photo is black as well
    chip = cv2.warpAffine(pixels, to_photo, (size, size), flags=flags, borderValue=(OUTSIDE,) * 3)
    chip_pixels: Image = np.maximum(chip, 0).astype(np.uint8)
    return chip_pixels


def _around(image: Image, to_photo: Doubles, size: int, halvings: int) -> tuple[Image, Doubles]:
    """The part of the photo that a chip needs, and the matrix for it. dlib's margin, so that the pixels
    of the pyramid fall on the same places."""
    margin = 2**halvings * 4 - 2
    last = size - 1
    corners = np.array([(0, 0), (last, 0), (0, last), (last, last)]) @ to_photo[:, :2].T + to_photo[:, 2]
    height, width = image.shape[:2]
    left, top = np.floor(np.clip(corners.min(0) - margin, 0, (width - 1, height - 1)) + 0.5).astype(int)
    right, bottom = np.floor(np.clip(corners.max(0) + margin, 0, (width - 1, height - 1)) + 0.5).astype(int)
    moved = to_photo.copy()
    moved[:, 2] -= (left, top)
    return image[top : bottom + 1, left : right + 1], moved
