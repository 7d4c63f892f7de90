"""What a watcher tells about its tracks, so that somebody can write it down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from faceapp.stream.track import LiveTrack


class Book(Protocol):
    """Called on the watcher's thread, so nothing but `close` may wait for a disk; and nothing raises."""

    @property
    def problem(self) -> str:
        """Why something is not written yet, for a person; "" while all is well."""

    def decided(self, track: LiveTrack) -> None:
        """The track has a decision, or another one than before."""

    def seen(self, tracks: Sequence[LiveTrack]) -> None:
        """These are in the newest frame. Called with every frame."""

    def ended(self, track: LiveTrack) -> None:
        """The track is gone."""

    def close(self) -> None:
        """Write what is left. May be called twice."""
