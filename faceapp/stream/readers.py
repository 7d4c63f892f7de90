"""Opens sources and reads their frames one by one. Waiting, reconnecting and dropping are `capture`'s."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Protocol

import numpy as np

from faceapp.stream.picture import READS_TRIED, Picture
from faceapp.stream.sources import SourceLost, SourceSpec

# Of a folder of pictures, which have no times of their own.
FOLDER_FPS = 25.0


class Reader(Protocol):
    """An open source. Used by one thread; `interrupt` may be called by any.

    fps: frames a second, 0 where that is not known. frames: how many, 0 where that is not known.
    """

    fps: float
    frames: int

    def read(self) -> Picture | None:
        """The next picture; it waits for it. None at the end. Raises SourceLost."""

    def interrupt(self) -> None:
        """Let a `read` that waits come back soon, if that is possible."""

    def close(self) -> None:
        """Give the device back. May be called twice."""


class Seekable(Reader, Protocol):
    """A reader of what can be had again."""

    def seek(self, number: int) -> None:
        """Go on with that frame, counted from 0."""


def open_recorded(spec: SourceSpec) -> Seekable:
    """A video file or a folder of pictures. Raises SourceLost, UnusablePhoto or NotFound."""
    if spec.kind == "folder":
        return FolderReader(Path(spec.address))
    return FileReader(Path(spec.address))


def open_live(spec: SourceSpec, stopped: threading.Event) -> Reader:
    """A camera. Raises SourceLost."""
    if spec.kind == "webcam":
        return DeviceReader(int(spec.address))
    if spec.kind == "rtsp":
        from faceapp.stream.rtsp import RtspReader

        return RtspReader(spec.address, stopped)
    from faceapp.stream.http import HttpReader

    return HttpReader(spec.address, stopped)


class FileReader:
    """A video file, read by OpenCV's FFmpeg, upright."""

    def __init__(self, path: Path) -> None:
        from faceapp.opencv import cv2

        self._cv2 = cv2
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceLost("video_unreadable", f"“{path.name}” cannot be read as a video.")
        self.fps = _positive(self._capture.get(cv2.CAP_PROP_FPS)) or FOLDER_FPS
        self.frames = int(_positive(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self._number = 0

    def read(self) -> Picture | None:
        got, image = self._capture.read()
        if not got or image is None:
            return None
        # The container's own time stamps: a variable rate is common in videos of phones.
        stamp = float(self._capture.get(self._cv2.CAP_PROP_POS_MSEC)) / 1000
        seconds = stamp if stamp > 0 or self._number == 0 else self._number / self.fps
        self._number += 1
        return Picture(np.asarray(image, np.uint8), max(0.0, seconds))

    def seek(self, number: int) -> None:
        self._capture.set(self._cv2.CAP_PROP_POS_FRAMES, float(number))
        self._number = number

    def interrupt(self) -> None:
        """Nothing to do: a file answers at once."""

    def close(self) -> None:
        self._capture.release()


class FolderReader:
    """The pictures of a folder in natural order, as frames."""

    def __init__(self, folder: Path) -> None:
        from faceapp.pipeline.photos import find_photos

        self._paths = find_photos(folder)
        if not self._paths:
            raise SourceLost("no_frames", f"“{folder.name}” holds no pictures.")
        self.fps = FOLDER_FPS
        self.frames = len(self._paths)
        self._number = 0

    def read(self) -> Picture | None:
        from faceapp.pipeline.photos import read_photo

        if self._number >= len(self._paths):
            return None
        path, seconds = self._paths[self._number], self._number / self.fps
        self._number += 1
        return Picture(read_photo(path).image, seconds)

    def seek(self, number: int) -> None:
        self._number = number

    def interrupt(self) -> None:
        """Nothing to do: a file answers at once."""

    def close(self) -> None:
        """Nothing is open."""


class DeviceReader:
    """A webcam by its number."""

    frames = 0

    def __init__(self, number: int) -> None:
        from faceapp.opencv import cv2

        capture = cv2.VideoCapture(number)
        if not capture.isOpened():
            capture.release()
            raise SourceLost(
                "camera_not_opened",
                "The camera does not answer.",
                "Is it switched on, and not in use by another program?",
            )
        self._capture = capture
        self.fps = _positive(capture.get(cv2.CAP_PROP_FPS))

    def read(self) -> Picture | None:
        for _ in range(READS_TRIED):
            got, image = self._capture.read()
            if got and image is not None:
                return Picture(np.asarray(image, np.uint8))
        raise SourceLost("camera_vanished", "The camera does not send pictures any more.")

    def interrupt(self) -> None:
        """OpenCV cannot be interrupted; the driver's own time-out ends a read."""

    def close(self) -> None:
        self._capture.release()


def _positive(value: float) -> float:
    """Containers that do not know a figure give 0, a negative one or no number."""
    return float(value) if 0 < value < 1e7 else 0.0
