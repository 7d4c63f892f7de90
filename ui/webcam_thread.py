"""The thread that owns a camera while a dialog shows it: the newest frame wins."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from faceapp.errors import FaceAppError
from faceapp.types import Image
from ui.cameras import Camera, CameraInfo, Cameras

log = logging.getLogger(__name__)

# A read of a live camera may fail now and then; so many in a row mean that it is gone.
READS_TRIED = 3


@dataclass(frozen=True, eq=False)
class CameraView:
    """What is known of the camera at one moment.

    cameras: those found, None while the search goes on. live: frames come. count: frames so far.
    """

    cameras: tuple[CameraInfo, ...] | None = None
    live: bool = False
    frame: Image | None = None
    count: int = 0
    error: FaceAppError | None = None


class WebcamThread:
    """Finds the cameras when none is named, opens one, reads until `stop`. Never touches a widget."""

    def __init__(self, cameras: Cameras, number: int | None = None) -> None:
        self._cameras = cameras
        self._number = number
        self._lock = threading.Lock()
        self._view = CameraView()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webcam", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; it gives the device back itself, even when it opens late."""
        self._stopped.set()

    def wait(self, timeout: float) -> bool:
        """Whether the thread ended within `timeout` seconds."""
        self._thread.join(timeout)
        if self._thread.is_alive():
            log.warning(
                "The camera did not let go within %.1f s; it is closed as soon as it answers.", timeout
            )
        return not self._thread.is_alive()

    def view(self) -> CameraView:
        with self._lock:
            return self._view

    def _set(self, view: CameraView) -> None:
        with self._lock:
            self._view = view

    def _run(self) -> None:
        found: tuple[CameraInfo, ...] = ()
        try:
            found = tuple(self._cameras.find())
            if not found:
                raise no_camera()
            self._set(CameraView(found))
            known = [camera.number for camera in found]
            number = self._number if self._number in known else known[0]
            if not self._stopped.is_set():
                self._read(self._cameras.open(number), found)
        except FaceAppError as error:
            self._set(CameraView(found, error=error))

    def _read(self, camera: Camera, found: tuple[CameraInfo, ...]) -> None:
        count = failed = 0
        try:
            while not self._stopped.is_set():
                frame = camera.read()
                if frame is not None:
                    count, failed = count + 1, 0
                    self._set(CameraView(found, True, frame, count))
                    continue
                failed += 1
                if failed >= READS_TRIED:
                    raise camera_vanished()
                self._stopped.wait(0.05)
        finally:
            camera.close()


def no_camera() -> FaceAppError:
    return FaceAppError(
        "no_camera",
        "No camera was found.",
        "Plug one in and press “Try again”. A laptop's camera may be switched off by a key or a slider.",
    )


def camera_vanished() -> FaceAppError:
    return FaceAppError(
        "camera_vanished",
        "The camera does not send pictures any more.",
        "Was it unplugged, or taken by another program? Plug it in and press “Try again”.",
    )


def camera_silent() -> FaceAppError:
    return FaceAppError(
        "camera_silent",
        "The camera does not answer.",
        "Wait a moment and press “Try again”, or choose another camera.",
    )
