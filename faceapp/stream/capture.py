"""The thread that reads a camera, and nothing else: reconnects when it fails, keeps the newest frame."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from faceapp.errors import FaceAppError
from faceapp.live import Frame
from faceapp.stream.readers import Reader, open_live
from faceapp.stream.slot import LatestSlot
from faceapp.stream.sources import SourceSpec
from faceapp.stream.status import SourceState, Status

log = logging.getLogger(__name__)

# Seconds between tries: doubled each time.
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0
# After that long without a picture the camera counts as silent, whatever its driver says.
SILENT_SECONDS = 5.0

Opener = Callable[[SourceSpec, threading.Event], Reader]


class Capture:
    """Reads one camera until it is stopped. `run` belongs on a thread of its own."""

    def __init__(self, spec: SourceSpec, opener: Opener = open_live, first_wait: float = FIRST_WAIT) -> None:
        self._spec = spec
        self._opener = opener
        self._first_wait = first_wait
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._reader: Reader | None = None
        self._status = Status(SourceState.OPENING, f"Opening {spec.name}.")
        self._arrived = self._started = time.monotonic()
        self._number = 0
        self.problem = ""
        self.slot: LatestSlot[Frame] = LatestSlot()

    @property
    def status(self) -> Status:
        with self._lock:
            status, silent = self._status, time.monotonic() - self._arrived
        if status.state is SourceState.RUNNING and silent > SILENT_SECONDS:
            return Status(SourceState.RECONNECTING, f"No picture for {silent:.0f} seconds.")
        return status

    def run(self) -> None:
        """Read until `stop`."""
        tries = 0
        try:
            while not self._stopped.is_set():
                before = self._number
                problem = self._read()
                tries = 1 if self._number > before else tries + 1
                if not self._stopped.is_set():
                    self._wait(problem, tries)
        finally:
            self._set(Status(SourceState.STOPPED, "Stopped."))
            self.slot.close()

    def stop(self) -> None:
        """Ask `run` to end; a reader that waits is interrupted where that is possible."""
        self._stopped.set()
        self.slot.close()
        with self._lock:
            reader = self._reader
        if reader is not None:
            reader.interrupt()

    def _read(self) -> FaceAppError:
        """Open the camera and read it until it fails; comes back with why."""
        reader: Reader | None = None
        try:
            reader = self._opener(self._spec, self._stopped)
            with self._lock:
                self._reader = reader
            while not self._stopped.is_set():
                picture = reader.read()
                if picture is None:
                    break
                self._put(Frame(picture.image, self._number, self._seconds(), datetime.now(UTC)))
        except FaceAppError as error:
            return error
        finally:
            with self._lock:
                self._reader = None
            if reader is not None:
                with contextlib.suppress(OSError):
                    reader.close()
        return FaceAppError("camera_vanished", "The camera does not send pictures any more.")

    def _seconds(self) -> float:
        return time.monotonic() - self._started

    def _put(self, frame: Frame) -> None:
        with self._lock:
            self._arrived = time.monotonic()
            self._number += 1
            if self._status.state is not SourceState.RUNNING:
                log.info("%s runs.", self._spec.name)
                self.problem = ""
                self._status = Status(SourceState.RUNNING, "Running.")
        self.slot.put(frame)

    def _wait(self, problem: FaceAppError, tries: int) -> None:
        self.problem = str(problem)
        self._set(
            Status(SourceState.RECONNECTING, f"{problem.sentence} Reconnecting, try {tries}.", tries)
        )
        log.info("%s: %s Try %d.", self._spec.name, problem.sentence, tries)
        self._stopped.wait(min(self._first_wait * 2 ** min(tries - 1, 10), LONGEST_WAIT))

    def _set(self, status: Status) -> None:
        with self._lock:
            self._status = status
