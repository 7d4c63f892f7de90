"""Photos of a test's own: several put on one wall, and images as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faceapp.opencv import cv2
from faceapp.types import Image


def jpeg(image: Image) -> bytes:
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1])


def save(path: Path, image: Image) -> Path:
    """Write the image in the format of the name; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())
    return path


def together(width: int, height: int, *parts: tuple[Image, int, int, float]) -> Image:
    """Photos on a grey wall: (image, left, top, scale) each."""
    wall = np.full((height, width, 3), 128, np.uint8)
    for image, left, top, scale in parts:
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        wall[top : top + small.shape[0], left : left + small.shape[1]] = small
    return wall
