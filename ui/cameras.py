"""Webcams: which there are, and one that gives frames."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from faceapp.errors import FaceAppError
from faceapp.types import Image

DEVICES = Path("/sys/class/video4linux")
PROBED = 4


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
        if sys.platform.startswith("linux"):
            return _linux_cameras()
        return [CameraInfo(number, f"Camera {number + 1}") for number in range(PROBED) if _answers(number)]

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


def _linux_cameras() -> list[CameraInfo]:
    """One entry a device: the kernel makes a second node, without pictures, for most webcams."""
    found = []
    for device in DEVICES.glob("video*"):
        digits = device.name.removeprefix("video")
        if digits.isdigit() and _line(device / "index") in ("", "0"):
            found.append(CameraInfo(int(digits), _line(device / "name") or f"Camera {digits}"))
    return sorted(found, key=lambda camera: camera.number)


def _line(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _answers(number: int) -> bool:
    from faceapp.opencv import cv2

    capture = cv2.VideoCapture(number)
    opened = bool(capture.isOpened())
    capture.release()
    return opened
