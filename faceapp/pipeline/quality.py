"""How fit a face is for enrolment."""

from __future__ import annotations

import math

import numpy as np

from faceapp.opencv import cv2
from faceapp.types import Box, Floats, Image, Quality, Refusal

SIDE = 96
LUMA = np.array([0.114, 0.587, 0.299], np.float32)
SMALLEST = 32.0
BLURRED = 0.05
DARK, BRIGHT = 0.12, 0.93
YAW, PITCH, ROLL = 55.0, 45.0, 60.0


def measure(image: Image, box: Floats, landmarks: Floats, score: float) -> Quality:
    """The quality of one face: box (4,), landmarks (5, 2)."""
    x1, y1, x2, y2 = (float(value) for value in box)
    height, width = image.shape[:2]
    crop = image[
        max(0, int(y1)) : max(int(y1) + 2, min(height, math.ceil(y2))),
        max(0, int(x1)) : max(int(x1) + 2, min(width, math.ceil(x2))),
    ]
    grey = cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) @ LUMA / 255
    contrast = float(grey.std())
    detail = float(cv2.Laplacian(grey, cv2.CV_32F).var()) / max(contrast**2, 1e-6)
    yaw, pitch, roll = pose(landmarks)
    size = min(x2 - x1, y2 - y1)
    return Quality(size, detail / (detail + 0.1), float(grey.mean()), contrast, yaw, pitch, roll, score)


def pose(landmarks: Floats) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees, from where the nose lies between eyes and mouth."""
    left, right, nose, mouth_left, mouth_right = np.asarray(landmarks, np.float64)
    across = right - left
    roll = math.degrees(math.atan2(across[1], across[0]))
    turn = np.array([[math.cos(math.radians(-roll)), -math.sin(math.radians(-roll))],
                     [math.sin(math.radians(-roll)), math.cos(math.radians(-roll))]])
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    nose_x, nose_y = turn @ (nose - eyes)
    _, mouth_y = turn @ (mouth - eyes)
    wide = max(float(np.hypot(*across)), float(mouth_y) * 0.5, 1e-3)
    yaw = math.degrees(math.asin(max(-1.0, min(1.0, nose_x / wide * 1.3))))
    tall = max(float(mouth_y), 1e-3)
    pitch = max(-90.0, min(90.0, (float(nose_y) / tall - 0.58) * 140))
    return yaw, pitch, roll


def issues(quality: Quality, image_size: tuple[int, int]) -> tuple[Refusal, ...]:
    """What speaks against enrolling a face; image_size is (width, height)."""
    found = []
    if quality.size < SMALLEST:
        found.append(Refusal("too_small", f"The face is only {quality.size:.0f} pixels wide.", "Use a larger photo."))
    if quality.sharpness < BLURRED:
        found.append(Refusal("blurred", "The face is blurred.", "Use a sharper photo."))
    if quality.brightness < DARK:
        found.append(Refusal("dark", "The face is too dark.", "Use a photo with more light."))
    if quality.brightness > BRIGHT:
        found.append(Refusal("bright", "The face is too bright.", "Use a photo with less light."))
    if abs(quality.yaw) > YAW or abs(quality.pitch) > PITCH or abs(quality.roll) > ROLL:
        found.append(Refusal("extreme_pose", "The face is turned away.", "Use a photo that looks at the camera."))
    return tuple(found)


_ = Box
