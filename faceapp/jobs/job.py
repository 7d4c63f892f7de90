"""The record of one piece of long work, and what its body may do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from faceapp.errors import Cancelled, FaceAppError

T = TypeVar("T")


class State(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Job:
    """A snapshot of one piece of work. done and total count the body's own units.

    rate: units a second since the start of the tracked work. Times are time.monotonic() seconds.
    """

    id: str
    kind: str
    title: str
    state: State = State.QUEUED
    done: int = 0
    total: int | None = None
    message: str = ""
    started: float | None = None
    updated: float | None = None
    rate: float | None = None
    error: FaceAppError | None = None
    result: Any = field(default=None, compare=False, repr=False)

    @property
    def finished(self) -> bool:
        return self.state in (State.SUCCEEDED, State.FAILED, State.CANCELLED)

    @property
    def fraction(self) -> float | None:
        """0 to 1, or None while the amount of work is unknown."""
        return self.done / self.total if self.total else None

    @property
    def seconds_left(self) -> float | None:
        if self.total is None or not self.rate:
            return None
        return (self.total - self.done) / self.rate


class JobContext:
    """What a body gets: it reports progress and learns that it was cancelled, nothing else."""

    def __init__(self, report: Callable[..., None], cancelled: Callable[[], bool]) -> None:
        self._report = report
        self._cancelled = cancelled

    def check(self) -> None:
        """Raise Cancelled when the user has stopped the job."""
        if self._cancelled():
            raise Cancelled()

    def progress(
        self, done: int, total: int | None = None, message: str = "", rate: float | None = None
    ) -> None:
        """Report how far the work is. Also a point of cancelling."""
        self.check()
        self._report(done=done, total=total, message=message, rate=rate)

    def track(
        self, items: Iterable[T], total: int | None = None, message: str = "", done: int = 0
    ) -> Iterator[T]:
        """Iterate with progress; `done` units were finished before (a resumed job)."""
        start = time.monotonic()
        first = done
        self.progress(done, total, message)
        for item in items:
            yield item
            done += 1
            elapsed = time.monotonic() - start
            rate = (done - first) / elapsed if elapsed > 0 else None
            self.progress(done, total, message, rate)

    @staticmethod
    def silent() -> JobContext:
        """A context for work that nobody watches."""
        return JobContext(lambda **_: None, lambda: False)
