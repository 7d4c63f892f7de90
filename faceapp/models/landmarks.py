"""dlib's landmarkers: 5 points (corners of the eyes, base of the nose) and 68 points of the whole face.

Kazemi, Sullivan: One millisecond face alignment with an ensemble of regression trees, 2014.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from faceapp.errors import ModelUnavailable
from faceapp.types import Floats, Image, check_image, check_shape


class DlibLandmarker:
    """A `Landmarker` with dlib's own points in dlib's own order, for boxes as they are given.

    5: right-most eye corner, its inner corner, left-most eye corner, its inner corner, base of the nose
    (right and left of the image). 68: the order of iBUG's 300-W.
    """

    def __init__(self, path: Path, points: int) -> None:
        """Reads the .dat file. Raises ModelUnavailable."""
        self.points = points
        self._predictor = _read(path)
        # A dlib object must not be used by two threads at once. One for each thread would keep the 100 MB
        # of the 68 points many times over, and gain nothing: dlib holds the interpreter's lock meanwhile.
        self._turn = threading.Lock()

    def locate(self, image: Image, boxes: Floats) -> Floats:
        check_image(image)
        check_shape("boxes", boxes, (None, 4))
        import dlib

        from faceapp.opencv import cv2

        found = np.zeros((len(boxes), self.points, 2), np.float32)
        if not len(boxes):
            return found
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        with self._turn:
            for points, box in zip(found, np.rint(boxes).astype(int).tolist(), strict=True):
                shape = self._predictor(rgb, dlib.rectangle(*box))
                points[:] = [(part.x, part.y) for part in shape.parts()]
        return found


def _read(path: Path) -> Any:
    import dlib

    try:
        return dlib.shape_predictor(str(path))
    except RuntimeError as error:
        raise ModelUnavailable(
            "model_broken", f"The landmark file {path.name} cannot be read.",
            "Install the face_recognition_models package again.",
        ) from error


def five_points(points: Floats) -> Floats:
    """(N, 5, 2) in the order of `types.py` from 68 points (N, 68, 2).

    An eye is the mean of its six points, the nose its tip, a corner of the mouth its outer point.
    """
    check_shape("points", points, (None, 68, 2))
    eyes = points[:, 36:42].mean(1), points[:, 42:48].mean(1)
    return np.stack([*eyes, points[:, 30], points[:, 48], points[:, 54]], 1).astype(np.float32)
