"""Whether the face of a track looks live: looked at now and then, in its good frames, until it is clear.

One look says little: the model errs on single frames, so the mean of several counts. One face a frame at the
most is looked at, whatever the number of tracks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from faceapp.live import Frame, Liveness
from faceapp.models.base import AntiSpoof
from faceapp.stream.track import LiveTrack

# Frames from one look at a track to the next: neighbouring frames say the same.
LOOK_EVERY = 8
# A track is looked at so often at least and at most; in between until the mean is known that well.
FEWEST, MOST = 4, 12
STANDARD_ERROR = 0.06

Ask = Callable[[], "AntiSpoof | None"]


class LivenessCheck:
    """Used by one thread. Who a track is does not depend on it."""

    def __init__(self, ask: Ask) -> None:
        """ask: for the model, at the first look; it comes back with None where there is none."""
        self._ask = ask
        self._asked = False
        self._model: AntiSpoof | None = None

    def look(self, tracks: Sequence[LiveTrack], frame: Frame) -> None:
        """Look at the one of these tracks that has waited longest, if any is due."""
        due = [track for track in tracks if _wanted(track) and frame.number - track.judged >= LOOK_EVERY]
        model = self._get() if due else None
        if model is None:
            return
        track = min(due, key=lambda track: (len(track.live_scores), track.judged))
        track.judged = frame.number
        track.live_scores.append(float(model.score(frame.image, track.box[None])[0]))

    def _get(self) -> AntiSpoof | None:
        if not self._asked:
            self._asked, self._model = True, self._ask()
        return self._model


def liveness(track: LiveTrack) -> Liveness | None:
    """What is known of a track so far; None before the first look."""
    scores = track.live_scores
    return Liveness(float(np.mean(scores)), len(scores)) if scores else None


def _wanted(track: LiveTrack) -> bool:
    """More looks are needed to tell."""
    scores = track.live_scores
    if len(scores) < FEWEST:
        return True
    return len(scores) < MOST and float(np.std(scores)) / math.sqrt(len(scores)) > STANDARD_ERROR
