"""dlib's HOG detector: slow and for upright faces alone, but hardly ever takes another thing for a face."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import numpy as np

from faceapp.models.landmarks import DlibLandmarker, five_points
from faceapp.models.patience import PatientCopy
from faceapp.types import Detections, Floats, Image, check_image

# Its window is 80 pixels wide: smaller faces are found in an enlarged image.
WINDOW = 80
# The features of the finest level need some four bytes a pixel, and as long as this many take a second.
PIXELS = 16_000_000
THOROUGH_MIN_FACE = 30
THOROUGH_THRESHOLD = -0.1


class DlibHog:
    """A `Detector`; its five points are made from dlib's 68."""

    def __init__(self, landmarks_68: Path) -> None:
        """Raises ModelUnavailable."""
        self._landmarker = DlibLandmarker(landmarks_68, 68)
        # dlib lets other threads run while this one searches, so each thread has its own object.
        self._mine = threading.local()

    def detect(self, image: Image, min_face: int = 40, doubtful: bool = False) -> Detections:
        check_image(image)
        return self._search(image, min_face, THOROUGH_THRESHOLD if doubtful else 0.0)

    def detect_thorough(self, image: Image) -> Detections:
        check_image(image)
        copy = PatientCopy.of(image)
        return copy.back(self._search(copy.image, THOROUGH_MIN_FACE, THOROUGH_THRESHOLD))

    def _search(self, image: Image, min_face: int, threshold: float) -> Detections:
        from faceapp.opencv import cv2

        height, width = image.shape[:2]
        scale = min(WINDOW / max(min_face, 1), math.sqrt(PIXELS / (height * width)))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        rgb = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), cv2.COLOR_BGR2RGB)
        rectangles, margins, _ = self._detector().run(rgb, 0, threshold)
        corners = [(box.left(), box.top(), box.right(), box.bottom()) for box in rectangles]
        boxes = np.array(corners, np.float32).reshape(-1, 4) / np.float32(scale)
        points = five_points(self._landmarker.locate(image, boxes))
        return Detections(boxes, _probabilities(np.array(margins, np.float32)), points)

    def _detector(self) -> Any:
        import dlib

        if not hasattr(self._mine, "detector"):
            self._mine.detector = dlib.get_frontal_face_detector()
        return self._mine.detector


def _probabilities(margins: Floats) -> Floats:
    """The support vector machine's margins, squashed to 0..1 so that they read like other scores."""
    return np.asarray(1 / (1 + np.exp(-2 * margins)), np.float32)
