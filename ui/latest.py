"""Work that a slider asks for: one piece at a time, and of those that wait only the newest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt5.QtCore import QObject

from faceapp.errors import Cancelled
from faceapp.jobs import Job, JobContext
from ui.jobs_qt import Done, Failed, JobsQt

Body = Callable[[JobContext], Any]


class Latest(QObject):
    """Runs bodies in a lane of its own. What is asked for while one runs takes the place of what waits."""

    def __init__(self, jobs: JobsQt, title: str, lane: str, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._title = title
        self._lane = lane
        self._running: Job | None = None
        self._waiting: tuple[Body, Done, Failed] | None = None
        self._number = 0

    @property
    def busy(self) -> bool:
        return self._running is not None

    def ask(self, body: Body, done: Done, failed: Failed) -> None:
        """Run `body`, now or after the one that runs; `done` or `failed` is called unless it is dropped.

        `failed` gets a `Cancelled` where somebody else stopped it and nothing waits to take its place.
        """
        self._waiting = (body, done, failed)
        self._next()

    def drop(self) -> None:
        """Nobody is interested any more: neither in what runs nor in what waits."""
        self._waiting = None
        self._number += 1
        self._jobs.cancel(self._running)

    def _next(self) -> None:
        if self._running is not None or self._waiting is None:
            return
        (body, done, failed), self._waiting = self._waiting, None
        self._number += 1
        number = self._number
        self._running = self._jobs.run(
            self._title,
            body,
            lambda result: self._on_ended(number, done, result),
            lambda error: self._on_ended(number, failed, error),
            resource=self._lane,
            owner=self,
        )

    def _on_ended(self, number: int, tell: Callable[[Any], object], what: Any) -> None:
        self._running = None
        replaced = isinstance(what, Cancelled) and self._waiting is not None
        if number == self._number and not replaced:
            tell(what)
        self._next()
