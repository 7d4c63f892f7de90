"""Small faces on large pictures: overlapping tiles are searched at full resolution, and merged.

A detector shrinks a large picture or leaves out its small faces to stay quick. In a classroom the back row is
twenty pixels wide: there each tile is searched on its own, for smaller faces than in the whole picture.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from faceapp.models.base import Detector
from faceapp.models.boxes import suppress
from faceapp.types import Detections, Floats, Image

TILE = 640
# Neighbouring tiles share so many pixels. A face that no tile shows whole is larger than that, and then the
# search of the whole picture finds it.
SHARED = 160
SMALLEST = 18
# A box this near to a border inside of the picture may be a part of a face that another tile shows whole.
BORDER = 3
SAME_FACE = 0.4
PART_OF_FACE = 0.75


def detect_far(detector: Detector, image: Image, check: Callable[[], None] = lambda: None) -> Detections:
    """The faces of `image`, near and far, best first; landmarks in pixels of the whole picture.

    check: called before each tile; it may raise.
    """
    found = [detector.detect(image)]
    height, width = image.shape[:2]
    for top in starts(height):
        for left in starts(width):
            check()
            tile = image[top : top + TILE, left : left + TILE]
            inside = detector.detect(np.ascontiguousarray(tile), SMALLEST)
            whole = _not_cut(inside.boxes, left, top, width, height)
            found.append(_moved(inside.take(whole), left, top))
    return _merged(found)


def starts(length: int) -> list[int]:
    """Where the tiles of one side begin: as few as cover it, spread evenly, sharing at least SHARED."""
    if length <= TILE:
        return [0]
    count = 1 + -(-(length - TILE) // (TILE - SHARED))
    return [round(number * (length - TILE) / (count - 1)) for number in range(count)]


def _not_cut(boxes: Floats, left: int, top: int, width: int, height: int) -> NDArray[np.bool_]:
    """Which boxes do not touch a border of the tile that is no border of the picture."""
    right, bottom = min(TILE, width - left), min(TILE, height - top)
    cut = (boxes[:, 0] < BORDER) & (left > 0)
    cut |= (boxes[:, 1] < BORDER) & (top > 0)
    cut |= (boxes[:, 2] > right - BORDER) & (left + right < width)
    cut |= (boxes[:, 3] > bottom - BORDER) & (top + bottom < height)
    whole: NDArray[np.bool_] = ~cut
    return whole


def _moved(found: Detections, left: int, top: int) -> Detections:
    corner = np.array([left, top], np.float32)
    points = None if found.landmarks is None else found.landmarks + corner
    return Detections(found.boxes + np.tile(corner, 2), found.scores, points)


def _merged(found: list[Detections]) -> Detections:
    boxes = np.concatenate([some.boxes for some in found])
    scores = np.concatenate([some.scores for some in found])
    points = [some.landmarks for some in found if some.landmarks is not None]
    everything = Detections(boxes, scores, np.concatenate(points) if len(points) == len(found) else None)
    once = everything.take(suppress(boxes, scores, SAME_FACE))
    return once.take(suppress(once.boxes, once.scores, PART_OF_FACE, over="smaller"))
