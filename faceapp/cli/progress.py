"""The progress line on standard error, and the way to wait for a job at a terminal."""

from __future__ import annotations

import sys
import time
from typing import Any, Self

from faceapp.cli import output
from faceapp.errors import Cancelled
from faceapp.jobs import Job, JobManager

POLL_SECONDS = 0.2
# A terminal gets one line that changes; a log file gets a line now and then.
TERMINAL_INTERVAL = 0.1
LOG_INTERVAL = 10.0
CANCEL_SECONDS = 30.0


class Progress:
    """Says how far some work is. `with Progress() as progress: progress.show(...)`"""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._next = 0.0 if self._terminal else time.monotonic() + LOG_INTERVAL
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()

    def show(self, done: int, total: int | None, message: str = "", rate: float | None = None) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        text = describe(done, total, message, rate)
        if self._terminal:
            self._next = now + TERMINAL_INTERVAL
            sys.stderr.write("\r" + text.ljust(self._width))
            sys.stderr.flush()
            self._width = max(self._width, len(text))
        else:
            self._next = now + LOG_INTERVAL
            output.remark(text)


def describe(done: int, total: int | None, message: str, rate: float | None) -> str:
    """ "Importing  120 of 4774  3 %  41.3/s  1:52 left"."""
    parts = [message] if message else []
    if total:
        parts += [f"{done} of {total}", f"{100 * done // total} %"]
    if rate:
        parts.append(f"{rate:.1f}/s")
        if total and total > done:
            seconds = round((total - done) / rate)
            parts.append(f"{seconds // 60}:{seconds % 60:02} left")
    return "  ".join(parts)


def finish(jobs: JobManager, job: Job, stopped: str, hint: str) -> Any:
    """Wait for a job with a progress line; comes back with its result.

    Ctrl-C cancels it. Raises the job's error, or Cancelled with the sentence `stopped` and the hint.
    """
    try:
        with Progress() as progress:
            while not job.finished:
                if job.started is not None:
                    progress.show(job.done, job.total, job.message, job.rate)
                job = jobs.wait(job.id, POLL_SECONDS)
    except KeyboardInterrupt:
        output.remark("Stopping.")
        jobs.cancel(job.id)
        job = jobs.wait(job.id, CANCEL_SECONDS)
        if not job.finished:
            raise Cancelled("cancelled", stopped, hint) from None
    if isinstance(job.error, Cancelled):
        raise Cancelled("cancelled", stopped, hint)
    if job.error is not None:
        raise job.error
    return job.result
