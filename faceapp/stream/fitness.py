"""How well a face can be recognised in a frame."""

from __future__ import annotations

import math

from faceapp.pipeline.quality import YAW, measure
from faceapp.types import Floats, Image


def fitness(image: Image, box: Floats, landmarks: Floats, score: float) -> float:
    """0 to 1, from how sharp the face in box (4,) is and how far it is turned away.

    landmarks (5, 2); score: the detector's.
    """
    quality = measure(image, box, landmarks, score)
    turned = max(abs(quality.yaw) / YAW, abs(quality.pitch) / YAW)
    return quality.sharpness * math.exp(-((turned / 1.2) ** 2))
