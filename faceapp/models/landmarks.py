"""dlib's landmarkers: 5 and 68 points in a face's box."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from faceapp.types import Floats, Image, check_image, check_shape


class DlibLandmarker:
    """A `Landmarker`. A dlib object must not be used from two threads: every thread reads its own."""

    def __init__(self, file: Path, points: int) -> None:
        self.points = points
        self._file = file
        self._own = threading.local()
        self._predictor()

    def locate(self, image: Image, boxes: Floats) -> Floats:
        check_image(image)
        check_shape("boxes", boxes, (None, 4))
        import dlib

        rgb = np.ascontiguousarray(image[:, :, ::-1])
        predictor = self._predictor()
        found = np.empty((len(boxes), self.points, 2), np.float32)
        for points, box in zip(found, boxes, strict=True):
            shape = predictor(rgb, dlib.rectangle(*(round(float(value)) for value in box)))
            points[...] = [(part.x, part.y) for part in shape.parts()]
        return found

    def _predictor(self) -> Any:
        if not hasattr(self._own, "predictor"):
            import dlib

            self._own.predictor = dlib.shape_predictor(str(self._file))
        return self._own.predictor
