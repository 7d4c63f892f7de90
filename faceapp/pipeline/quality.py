"""How fit a face is for enrolment: measured, and said in sentences.

The limits were set on 4,774 photos of LFW (docs/models.md): they refuse fewer than two in a hundred,
and nearly all of the same faces blurred, darkened, made small or turned away.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from faceapp.types import Floats, Image, Quality, Refusal

# Every face is measured at this size, so that sharpness does not depend on the photo's resolution.
SIDE = 64
# The share of detail (see `_sharpness`) at which sharpness is 0.5.
HALF_SHARP = 0.1

SMALLEST = 32.0
BLURRED = 0.3
DARK, BRIGHT = 0.1, 0.92
PALE = 0.04
YAW, PITCH, ROLL = 45.0, 45.0, 60.0
# A photo with a longer side than this has enough pixels: the face was too far away.
LARGE_PHOTO = 1000

# The five points of a mean face in millimetres: x to the right and y down as in the image, z towards the
# camera. x and y are the median of MTCNN's points on 700 photos of LFW, upright, mirrored as well and with
# 62 mm between the eyes; z is rough anthropometry.
HEAD = np.array([(-31, -37, -28), (31, -37, -28), (0, 0, 0), (-27, 31, -22), (27, 31, -22)], np.float64)
_CENTRED = HEAD - HEAD.mean(0)
_FROM_POINTS: NDArray[np.float64] = np.linalg.pinv(_CENTRED)


def measure(image: Image, box: Floats, landmarks: Floats, score: float) -> Quality:
    """The quality of one face: box (4,), landmarks (5, 2), the detector's score."""
    luma = _luma(image, box)
    contrast = float(luma.std())
    yaw, pitch, roll = pose(landmarks)
    return Quality(
        size=float(min(box[2] - box[0], box[3] - box[1])),
        sharpness=_sharpness(luma, contrast),
        brightness=float(luma.mean()),
        contrast=contrast,
        yaw=yaw, pitch=pitch, roll=roll,
        score=score,
    )


def pose(landmarks: Floats) -> tuple[float, float, float]:
    """Yaw, pitch, roll in degrees from five points (5, 2); yaw > 0 looks to the right of the image,
    pitch > 0 down, roll > 0 leans clockwise.

    The first step of POSIT (DeMenthon, Davis 1995): the matrix that carries `HEAD` to the points without
    perspective, by least squares, and the rotation nearest to it. Points of a detector are good for some
    ten degrees; beyond 60 degrees they lag behind.
    """
    points = np.asarray(landmarks, np.float64)
    to_image = (_FROM_POINTS @ (points - points.mean(0))).T
    left, size, right = np.linalg.svd(to_image, full_matrices=False)
    if size[1] <= 1e-6:
        return 0.0, 0.0, 0.0  # all points on one line say nothing
    along, down = left @ right
    towards = np.cross(along, down)
    # The rotation is a yaw, then a pitch, then a roll; `towards` is its last row, which no roll changes.
    yaw = math.degrees(math.atan2(-towards[0], towards[2]))
    pitch = math.degrees(math.asin(float(np.clip(-towards[1], -1, 1))))
    roll = math.degrees(math.atan2(-along[1], down[1]))
    return yaw, pitch, roll


def issues(quality: Quality, image_size: tuple[int, int]) -> tuple[Refusal, ...]:
    """What speaks against enrolling a face on a photo of `image_size` (width, height); nothing if fit."""
    found = []
    if quality.size < SMALLEST:
        hint = "Use a larger photo." if max(image_size) <= LARGE_PHOTO else "Use a photo taken from closer."
        found.append(Refusal("too_small", f"The face is only {quality.size:.0f} pixels wide.", hint))
    if quality.brightness < DARK:
        found.append(Refusal("dark", "The face is too dark.", "Use a photo with more light on the face."))
    if quality.brightness > BRIGHT:
        found.append(Refusal("bright", "The face is overexposed.", "Use a photo with less light."))
    if quality.contrast < PALE and DARK <= quality.brightness <= BRIGHT:
        found.append(Refusal("low_contrast", "The face has hardly any contrast.", "Use a clearer photo."))
    if quality.sharpness < BLURRED:
        found.append(Refusal("blurred", "The face is blurred.", "Use a sharper photo."))
    turned = max(abs(quality.yaw) / YAW, abs(quality.pitch) / PITCH, abs(quality.roll) / ROLL)
    if turned > 1:
        found.append(
            Refusal("extreme_pose", _turn(quality), "Use a photo on which the face looks towards the camera.")
        )
    return tuple(found)


def _turn(quality: Quality) -> str:
    if abs(quality.yaw) > YAW:
        return f"The face is turned {abs(quality.yaw):.0f} degrees to the side."
    if abs(quality.pitch) > PITCH:
        return f"The face looks {abs(quality.pitch):.0f} degrees {'down' if quality.pitch > 0 else 'up'}."
    return f"The head is tilted by {abs(quality.roll):.0f} degrees."


def _luma(image: Image, box: Floats) -> Floats:
    """(SIDE, SIDE) luma 0..1 of the part of the box that lies on the image."""
    from faceapp.opencv import cv2

    height, width = image.shape[:2]
    x1, x2 = np.clip(np.rint(box[[0, 2]]), 0, width).astype(int)
    y1, y2 = np.clip(np.rint(box[[1, 3]]), 0, height).astype(int)
    x1, y1 = min(x1, width - 1), min(y1, height - 1)
    crop = image[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
    interpolation = cv2.INTER_AREA if min(crop.shape[:2]) >= SIDE else cv2.INTER_LINEAR
    small = cv2.resize(crop, (SIDE, SIDE), interpolation=interpolation)
    luma: Floats = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32) / 255
    return luma


def _sharpness(luma: Floats, contrast: float) -> float:
    """0 (blurred) to 1: the variance of the Laplacian (Pech-Pacheco and others 2000) as a share of the
    variance of the luma, so that pale and dark faces are no less sharp."""
    from faceapp.opencv import cv2

    detail = float(cv2.Laplacian(luma, cv2.CV_32F, ksize=1).var()) / max(contrast**2, 1e-5)
    return detail / (detail + HALF_SHARP)
