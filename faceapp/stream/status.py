"""How a source is doing, for a person."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SourceState(StrEnum):
    OPENING = "opening"
    RUNNING = "running"
    PAUSED = "paused"
    RECONNECTING = "reconnecting"
    ENDED = "ended"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Status:
    """sentence: what to show. tries: how often it was tried in vain since the last picture.

    warning: what does not work though the pictures come, such as a library that is full; "" for nothing.
    """

    state: SourceState
    sentence: str
    tries: int = 0
    warning: str = ""

    @property
    def words(self) -> str:
        """All there is to say."""
        return " ".join(part for part in (self.sentence, self.warning) if part)

    @property
    def over(self) -> bool:
        """No more frames will come."""
        return self.state in (SourceState.ENDED, SourceState.FAILED, SourceState.STOPPED)
