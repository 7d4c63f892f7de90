"""The annotated video, written beside its place and moved there when it is whole; with the file's sound.

PyAV writes H.264, which every player knows, and can copy sound; OpenCV can do neither.
"""

from __future__ import annotations

import contextlib
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

from faceapp.errors import BadRequest, FaceAppError
from faceapp.live import FrameResult
from faceapp.stream.drawing import draw
from faceapp.stream.sound import Sound
from faceapp.types import Image

TICKS = 90_000
SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv")
# A longer gap, or a step back, is a jump in the file: the sound ends there, and the gap is not recorded.
JUMP_SECONDS = 1.0
NOMINAL_FPS = 25


class Recorder:
    """Takes results in order; `finish` or `discard` ends it. Used by one thread at a time."""

    def __init__(self, path: Path, sound: Path | None = None, live: bool = False) -> None:
        """sound: the video whose sound is kept, or None. Raises BadRequest, FaceAppError."""
        if path.suffix.lower() not in SUFFIXES:
            raise BadRequest("video_name", "The name of the video must end with .mp4 or .mkv.")
        self._path = path
        self._temporary = path.with_name(f".{path.stem}.part{path.suffix}")
        self._sound_path = sound
        self._live = live
        self._output: Any = None
        self._video: Any = None
        self._sound: Sound | None = None
        self._size = (0, 0)
        self._first = self._before = self._shift = 0.0
        self._ticks = -1
        # Kept in the file's metadata, when it is set before the first frame.
        self.comment = ""

    def add(self, result: FrameResult) -> None:
        """One more frame. Raises FaceAppError when it cannot be written."""
        import av

        image = draw(result)
        try:
            if self._output is None:
                self._open(image, result.frame.seconds)
            self._write(image, result.frame.seconds)
        except (av.FFmpegError, OSError) as error:
            self.discard()
            raise _failed(self._path, error) from error

    def finish(self) -> Path | None:
        """Complete the video and put it in its place; None when there was no frame."""
        import av

        if self._output is None:
            return None
        try:
            for packet in self._video.encode():
                self._output.mux(packet)
            if self._sound is not None:
                self._sound.pump(self._before - self._first + 1 / NOMINAL_FPS)
                self._sound.close()
            self._output.close()
            os.replace(self._temporary, self._path)
        except (av.FFmpegError, OSError) as error:
            self.discard()
            raise _failed(self._path, error) from error
        self._output = None
        return self._path

    def discard(self) -> None:
        """Give up; nothing is left behind."""
        import av

        output, self._output = self._output, None
        if self._sound is not None:
            self._sound.close()
        if output is not None:
            with contextlib.suppress(av.FFmpegError, OSError):
                output.close()
        self._temporary.unlink(missing_ok=True)

    def _open(self, image: Image, seconds: float) -> None:
        import av

        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._output = av.open(str(self._temporary), "w")
        if self.comment:
            self._output.metadata["comment"] = self.comment
        self._first = self._before = seconds
        # Half the colour in each direction needs even sides.
        self._size = max(2, image.shape[1] // 2 * 2), max(2, image.shape[0] // 2 * 2)
        self._video = self._output.add_stream("libx264", rate=NOMINAL_FPS, options={"preset": "veryfast"})
        self._video.width, self._video.height = self._size
        self._video.pix_fmt = "yuv420p"
        self._video.codec_context.time_base = Fraction(1, TICKS)
        if self._sound_path is not None:
            self._sound = Sound.of(self._sound_path, self._output, seconds)

    def _write(self, image: Image, seconds: float) -> None:
        import av

        step = seconds - self._before
        if not 0 <= step <= JUMP_SECONDS and not self._live:
            self._shift += step - 1 / NOMINAL_FPS
            if self._sound is not None:
                self._sound.close()
                self._sound = None
        self._before = seconds
        self._ticks = max(self._ticks + 1, round((seconds - self._first - self._shift) * TICKS))
        frame = av.VideoFrame.from_ndarray(self._fitted(image), format="bgr24")
        frame.pts, frame.time_base = self._ticks, Fraction(1, TICKS)
        for packet in self._video.encode(frame):
            self._output.mux(packet)
        if self._sound is not None:
            self._sound.pump(seconds - self._first)

    def _fitted(self, image: Image) -> Image:
        """The frame in the video's size: a camera may change its own."""
        from faceapp.opencv import cv2

        width, height = self._size
        if abs(image.shape[1] - width) <= 1 and abs(image.shape[0] - height) <= 1:
            return image[:height, :width]
        fitted: Image = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        return fitted


def _failed(path: Path, error: Exception) -> FaceAppError:
    reason = getattr(error, "strerror", None) or "the encoder refused"
    return FaceAppError(
        "video_not_written", f"“{path.name}” could not be written: {reason}.", "Is the disk full?"
    )
