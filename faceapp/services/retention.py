"""Sightings are kept for as many days as the settings say, and not a day longer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from faceapp.errors import FaceAppError

log = logging.getLogger(__name__)

DAY = 24 * 60 * 60.0


class Retention:
    """Deletes what is too old, at once and then every day, on a thread of its own."""

    def __init__(self, apply: Callable[[], int], interval: float = DAY) -> None:
        self._apply = apply
        self._interval = interval
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._apply()
            except FaceAppError as error:
                log.warning("Old sightings were not deleted: %s It is tried again later.", error)
            self._stopped.wait(self._interval)
