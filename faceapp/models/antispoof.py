"""Is a face live, or a photo or a screen held before the camera? MiniFASNet, two networks and their mean.

minivision-ai, "Silent-Face-Anti-Spoofing" (2020): each network sees the face with its surroundings, 2.7 and
4.0 times its box, so that the border of a photo or of a screen is in sight. The crop is moved into the image
where it would reach over the border, and is smaller where the image is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faceapp.models.onnx import session
from faceapp.types import Floats, Image, check_image, check_shape

SIDE = 80
# Sides of the crops, in sides of the face's box; in the order of the catalogue's files.
SCALES = 2.7, 4.0
LIVE = 1


class MiniFas:
    """An `AntiSpoof` of several networks, each with its own crop."""

    def __init__(self, networks: Sequence[tuple[float, Any]]) -> None:
        """networks: (sides of the crop in sides of the box, session)."""
        self._networks = tuple(networks)

    @classmethod
    def load(cls, paths: Sequence[Path], threads: int = 0) -> MiniFas:
        """paths: one file for each of SCALES. Raises ModelUnavailable."""
        return cls([(scale, session(path, threads)) for scale, path in zip(SCALES, paths, strict=True)])

    def score(self, image: Image, boxes: Floats) -> Floats:
        """(N,) how likely the faces in boxes (N, 4) are live, 0 to 1."""
        check_image(image)
        check_shape("boxes", boxes, (None, 4))
        scores = [self._score(image, box) for box in boxes]
        return np.array(scores, np.float32)

    def _score(self, image: Image, box: Floats) -> float:
        live = [_live(network, _crop(image, box, scale)) for scale, network in self._networks]
        return float(np.mean(live))


def _live(network: Any, crop: Image) -> float:
    planes = crop.astype(np.float32).transpose(2, 0, 1)[None]
    (logits,) = network.run(None, {network.get_inputs()[0].name: planes})
    powers = np.exp(logits[0] - logits[0].max())
    return float(powers[LIVE] / powers.sum())


def _crop(image: Image, box: Floats, scale: float) -> Image:
    """(SIDE, SIDE, 3) the face with its surroundings, its sides stretched as in the network's training."""
    from faceapp.opencv import cv2

    height, width = image.shape[:2]
    sides = np.maximum(box[2:] - box[:2], 1.0)
    scale = min(scale, (width - 1) / sides[0], (height - 1) / sides[1])
    half = sides * max(scale, 0.0) / 2
    most = np.array([width - 1, height - 1], np.float32)
    # Moved inwards, not cut off: what it misses on one side it shows on the other.
    centre = np.clip((box[:2] + box[2:]) / 2, half, most - half)
    left, top = np.maximum(centre - half, 0).astype(int)
    right, bottom = np.minimum(centre + half, most).astype(int) + 1
    part = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    return np.asarray(cv2.resize(part, (SIDE, SIDE)), np.uint8)
