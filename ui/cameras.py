"""Webcams: which there are, and one that gives frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from faceapp.errors import FaceAppError
from faceapp.stream.sources import list_webcams
from faceapp.types import Image


@dataclass(frozen=True)
class CameraInfo:
    """number: what the system counts it as."""

    number: int
    name: str


class Camera(Protocol):
    """A camera that is open. Used by one thread."""

    def read(self) -> Image | None:
        """The next frame, (H, W, 3) BGR; None when the camera gives no more. It waits for the frame."""

    def close(self) -> None:
        """Give the device back. May be called twice."""


class Cameras(Protocol):
    """The cameras of the machine. Both calls may take seconds: never on the main thread."""

    def find(self) -> list[CameraInfo]: ...

    def open(self, number: int) -> Camera:
        """Raises FaceAppError when the camera is gone, or in use by another program."""


class SystemCameras:
    """The cameras that OpenCV opens."""

    def find(self) -> list[CameraInfo]:
        return [CameraInfo(int(spec.address), spec.name) for spec in list_webcams()]

    def open(self, number: int) -> Camera:
        from faceapp.opencv import cv2

        capture = cv2.VideoCapture(number)
        if not capture.isOpened():
            capture.release()
            raise cannot_open()
        return _OpenCvCamera(capture)


class _OpenCvCamera:
    def __init__(self, capture: Any) -> None:
        self._capture = capture

    def read(self) -> Image | None:
        got, frame = self._capture.read()
        return np.asarray(frame, np.uint8) if got and frame is not None else None

    def close(self) -> None:
        self._capture.release()


def cannot_open() -> FaceAppError:
    return FaceAppError(
        "camera_not_opened",
        "The camera could not be opened.",
        "Close other programs that use it, and allow cameras in the settings of the system.",
    )
