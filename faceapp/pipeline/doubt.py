"""Found faces that are most likely none: a fold of cloth, a letter on a wall.

What a detector takes for a face by chance it does not find again in another view; a face it does. So a face
that it was not quite sure of is looked at once more, alone, mirrored and at one size. On the data of
docs/models.md this tells faces from others far better than the detector's score, the sharpness, how well the
five points fit a head, or how far the 68 points are from them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceapp.models.base import Detector
from faceapp.models.boxes import overlaps
from faceapp.types import Detections, Floats, Image

# The score from which on no second look is taken, by detector. The others were not measured.
SURE = {"mtcnn": 0.98}
# The side of the second look's picture in sides of the face's box, and the side of that box in its pixels.
AROUND, SIDE = 3.0, 72.0
# It is found again when a box shares so much of their union.
SAME = 0.35


def doubtful(detector: Detector, key: str, image: Image, found: Detections) -> NDArray[np.bool_]:
    """(N,) which of the faces are not found again. key: the detector's, as in the catalogue."""
    again = found.scores < SURE.get(key, -np.inf)
    result = np.zeros(len(found), np.bool_)
    for index in np.flatnonzero(again):
        result[index] = not _seen_again(detector, image, found.boxes[index])
    return result


def _seen_again(detector: Detector, image: Image, box: Floats) -> bool:
    picture, expected = _mirrored(image, box)
    boxes = detector.detect(picture).boxes
    return bool(len(boxes)) and float(overlaps(boxes, expected).max()) > SAME


def _mirrored(image: Image, box: Floats) -> tuple[Image, Floats]:
    """The surroundings of a box (4,), mirrored, and where the box is in them, (1, 4)."""
    from faceapp.opencv import cv2

    side = int(AROUND * SIDE)
    centre = (box[:2] + box[2:]) / 2
    size = box[2:] - box[:2]
    scale = SIDE / float(size.max())
    middle = (side - 1) / 2
    matrix = np.array([
        [-scale, 0.0, middle + scale * centre[0]],
        [0.0, scale, middle - scale * centre[1]],
    ])
    picture: Image = cv2.warpAffine(image, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
    half = size * scale / 2
    return picture, np.concatenate([middle - half, middle + half])[None].astype(np.float32)
