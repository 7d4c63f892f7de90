"""The newest frame of a source in the size in which it is shown, made beside the main thread."""

from __future__ import annotations

import threading

import numpy as np

from faceapp.live import FrameResult
from faceapp.types import Image

Size = tuple[int, int]


class LivePicture:
    """Takes each result on the thread on which it was made and scales its frame there, if anybody looks.

    Scaling takes milliseconds, and on a machine whose cores are all busy many times that: the main thread
    would stall.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: Size | None = None
        self._made: tuple[Size, Image] | None = None
        self._result: FrameResult | None = None

    @property
    def result(self) -> FrameResult | None:
        """The newest one; its picture is ready, where one was wanted."""
        with self._lock:
            return self._result

    def want(self, size: Size | None) -> None:
        """From the next frame on in that size (width, height); None while nobody looks."""
        with self._lock:
            self._wanted = size

    def take(self, result: FrameResult) -> None:
        """A new result. Called on any thread."""
        with self._lock:
            size = self._wanted
        made = (size, scaled(result.frame.image, size)) if size is not None else None
        with self._lock:
            self._result, self._made = result, made

    def pixels(self, result: FrameResult, size: Size) -> Image:
        """(h, w, 4) BGRX: the frame of `result` in that size; made now where it is not ready."""
        with self._lock:
            made = self._made if self._result is result else None
        return made[1] if made is not None and made[0] == size else scaled(result.frame.image, size)


def scaled(image: Image, size: Size) -> Image:
    """(h, w, 4) BGRX of that size. OpenCV does in one millisecond what takes a QPainter ten."""
    from faceapp.opencv import cv2

    smaller = size[0] < image.shape[1]
    fitted = cv2.resize(image, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return np.ascontiguousarray(cv2.cvtColor(fitted, cv2.COLOR_BGR2BGRA))
