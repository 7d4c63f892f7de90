"""Files made for somebody who asks for them later: kept for a while, deleted when the program ends."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from pathlib import Path

from faceapp.errors import StoreUnavailable

KEPT = 50
# A folder that a killed program left behind goes after a day; a younger one may be another program's.
STALE_SECONDS = 24 * 3600.0
_PREFIX = "run-"


class Results:
    """Names for new files in a folder of this process; the newest are kept. Safe to call from any thread."""

    def __init__(self, folder: Path, kept: int = KEPT) -> None:
        """folder: shared by all processes on the data folder; made when the first name is asked for."""
        self._shared = folder
        self._kept = kept
        self._own: Path | None = None
        self._places: OrderedDict[Path, None] = OrderedDict()
        self._number = 0
        self._lock = threading.Lock()

    def place(self, suffix: str) -> Path:
        """A path where nothing is yet. Asking for too many deletes the oldest. Raises StoreUnavailable."""
        with self._lock:
            if self._own is None:
                self._own = self._make()
            self._number += 1
            place = self._own / f"{self._number:06}{suffix}"
            self._places[place] = None
            while len(self._places) > self._kept:
                self._places.popitem(last=False)[0].unlink(missing_ok=True)
            return place

    def holds(self, place: Path) -> bool:
        """Whether this file is one of the kept ones, and there."""
        with self._lock:
            return place in self._places and place.is_file()

    def close(self) -> None:
        """Delete all of them."""
        with self._lock:
            own, self._own = self._own, None
            self._places.clear()
        if own is not None:
            shutil.rmtree(own, ignore_errors=True)

    def _make(self) -> Path:
        try:
            self._shared.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in self._shared.glob(f"{_PREFIX}*"):
                with contextlib.suppress(OSError):
                    if time.time() - left.stat().st_mtime > STALE_SECONDS:
                        shutil.rmtree(left, ignore_errors=True)
            return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._shared))
        except OSError as error:
            raise StoreUnavailable(
                "results", f"Results cannot be kept: {error.strerror}.", "Is the disk full?"
            ) from error
