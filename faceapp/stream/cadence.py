"""How often the detector runs: as the user says, or as fits the machine and what is to be seen."""

from __future__ import annotations

import math

# Share of the time that the detector may take where the machine decides how often it runs.
DETECT_SHARE = 0.35
LEAST_EVERY, MOST_EVERY = 3, 15
# Of a file, so that the same file gives the same tracks on every machine; more seldom, step by step, while
# the detector finds nothing but what is followed anyway.
FILE_EVERY, CALM_EVERY = 6, 10


class Cadence:
    """Frames from one detection to the next. every: as it is now."""

    def __init__(self, wanted: int, live: bool) -> None:
        """wanted: by the user; 0 as fits. live: a camera, whose frames must not be waited for."""
        self._live = live
        self._interval = 0.04
        self._before: float | None = None
        self.want(wanted)

    def want(self, wanted: int) -> None:
        """The user says so many frames; 0 as fits."""
        self._wanted = wanted
        self.every = wanted or FILE_EVERY

    def adapt(self, seconds: float, detection: float | None, calm: bool) -> None:
        """After a frame. seconds: its time. detection: seconds that the detector took, None where it did not
        run. calm: it found nothing but what was followed anyway."""
        before, self._before = self._before, seconds
        if self._wanted or before is None:
            return
        if not self._live:
            if detection is not None:
                self.every = min(self.every + 1, CALM_EVERY) if calm else FILE_EVERY
            return
        self._interval += 0.05 * (min(max(seconds - before, 0.005), 0.5) - self._interval)
        if detection is not None:
            fitting = math.ceil(detection / (DETECT_SHARE * self._interval))
            fitting = min(max(fitting, LEAST_EVERY), MOST_EVERY)
            # One step at a time: a single slow detection says little.
            self.every += (fitting > self.every) - (fitting < self.every)
