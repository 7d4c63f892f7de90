"""Cameras that speak RTSP, read by OpenCV's FFmpeg in a process of their own.

FFmpeg cannot be interrupted while a camera keeps it waiting, and it waits for seconds. A process can be ended
at any moment, so nothing that a camera does holds up the window; nor does a stream that makes FFmpeg crash.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import struct
import threading
import time
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from faceapp.stream.picture import READS_TRIED, Picture
from faceapp.stream.sources import SourceLost

OPEN_MS = READ_MS = 5000
# Without a word from the process for so long (it says something within the times above, and has to start).
SILENT_SECONDS = 12.0
POLL_SECONDS = 0.1
# Before each picture: height and width. None of either: the camera was not opened.
HEAD = struct.Struct("<II")


class RtspReader:
    """A `Reader`."""

    fps = 0.0
    frames = 0

    def __init__(self, address: str, stopped: threading.Event) -> None:
        self._stopped = stopped
        context = multiprocessing.get_context("spawn")
        self._pictures, ours = context.Pipe(duplex=False)
        self._process = context.Process(target=read, args=(address, ours), name="rtsp", daemon=True)
        self._process.start()
        # Only the process holds this end now: when it is gone, reading ends.
        ours.close()

    def read(self) -> Picture | None:
        """The next picture. Raises SourceLost."""
        try:
            return Picture(self._next())
        except (EOFError, OSError) as error:
            raise _vanished() from error

    def _next(self) -> Any:
        end = time.monotonic() + SILENT_SECONDS
        while not self._pictures.poll(POLL_SECONDS):
            if self._stopped.is_set():
                raise SourceLost("stopped", "Stopped.")
            if time.monotonic() > end:
                raise SourceLost("camera_silent", "The camera does not answer.")
        height, width = HEAD.unpack(self._pictures.recv_bytes(HEAD.size))
        if not height:
            raise SourceLost(
                "camera_not_opened",
                "The camera does not answer.",
                "Is it switched on, and is the address right?",
            )
        return np.frombuffer(self._pictures.recv_bytes(), np.uint8).reshape(height, width, 3)

    def interrupt(self) -> None:
        """A `read` that waits looks whether it is to stop every tenth of a second."""

    def close(self) -> None:
        if self._pictures.closed:
            return
        self._pictures.close()
        self._process.kill()
        self._process.join()
        self._process.close()


def read(address: str, pictures: Connection) -> None:
    """What the process does: read until the camera is gone or nobody listens any more."""
    # Ctrl-C in a terminal reaches every process of the program: the one that reads decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from faceapp.opencv import cv2

    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MS]
    capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, limits)
    # Nobody listens any more: nothing is left to do.
    with contextlib.suppress(OSError):
        if not capture.isOpened():
            pictures.send_bytes(HEAD.pack(0, 0))
        failures = 0
        while capture.isOpened() and failures < READS_TRIED:
            got, image = capture.read()
            failures = 0 if got else failures + 1
            if got and image is not None:
                pictures.send_bytes(HEAD.pack(*image.shape[:2]))
                pictures.send_bytes(np.ascontiguousarray(image).data.cast("B"))
    capture.release()


def _vanished() -> SourceLost:
    return SourceLost("camera_vanished", "The camera does not send pictures any more.")
