"""Jobs under Qt: lanes that are QThreads, and news of jobs on the main thread."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PyQt5 import sip
from PyQt5.QtCore import QObject, Qt, QThread, QTimer, pyqtSignal

from faceapp.errors import FaceAppError, NotFound
from faceapp.jobs import Job, JobContext, JobManager, State
from faceapp.jobs.manager import STACK_BYTES

log = logging.getLogger(__name__)

NEWS_INTERVAL_MS = 50

Call = Callable[[], None]
Done = Callable[[Any], object]
Failed = Callable[[FaceAppError], object]


class _Lane(QThread):
    """Runs calls one after another until it is told to end."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(f"jobs:{name}")
        self.setStackSize(STACK_BYTES)
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()

    def submit(self, call: Call) -> None:
        self._calls.put(call)

    def end(self) -> None:
        self._calls.put(None)

    def run(self) -> None:
        threading.current_thread().name = self.objectName()
        while (call := self._calls.get()) is not None:
            call()


# A thread that did not stop in time stays referenced: Qt aborts when the object of a running one goes.
_late: list[_Lane] = []


class QtExecutor:
    """One QThread a lane, made when the lane is first used. It may be made before the QApplication."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, lane: str, call: Call) -> None:
        with self._lock:
            if self._closed:
                log.warning("A call for %s came after the end.", lane)
                return
            if lane not in self._lanes:
                self._lanes[lane] = _Lane(lane)
                self._lanes[lane].start()
            self._lanes[lane].submit(call)

    def shutdown(self, timeout: float) -> list[str]:
        """End every lane; comes back with the names of those that are still busy after `timeout` s."""
        with self._lock:
            self._closed = True
            lanes, self._lanes = self._lanes, {}
        for thread in lanes.values():
            thread.end()
        end = time.monotonic() + timeout
        late = [name for name, thread in lanes.items() if not thread.wait(_left_ms(end))]
        _late.extend(lanes[name] for name in late)
        return late


def _left_ms(end: float) -> int:
    return max(0, int((end - time.monotonic()) * 1000))


@dataclass(frozen=True)
class _Watch:
    owner: QObject | None
    done: Done | None
    failed: Failed | None

    def deliver(self, job: Job) -> None:
        if self.owner is not None and sip.isdeleted(self.owner):
            return
        if job.state is State.SUCCEEDED:
            if self.done is not None:
                self.done(job.result)
        elif self.failed is not None and job.error is not None:
            self.failed(job.error)


class JobsQt(QObject):
    """News of all jobs on the main thread, and jobs whose end calls back there.

    Signals:
        job_changed: a `Job`. Progress comes at most 20 times a second, the end at once.
    """

    job_changed = pyqtSignal(object)
    _woken = pyqtSignal()

    def __init__(self, manager: JobManager) -> None:
        super().__init__()
        self.manager = manager
        self._news: dict[str, Job] = {}
        self._watches: dict[str, list[_Watch]] = {}
        self._ended: deque[tuple[_Watch, Job]] = deque()
        self._lock = threading.Lock()
        self._pause = QTimer(self, singleShot=True, interval=NEWS_INTERVAL_MS)
        self._pause.timeout.connect(self._deliver)
        # Queued on the main thread too: nobody is called back before `run` has come back.
        self._woken.connect(self._on_woken, Qt.QueuedConnection)
        self._leave = manager.subscribe(self._on_job_changed)

    def run(
        self,
        title: str,
        body: Callable[[JobContext], Any],
        done: Done | None = None,
        failed: Failed | None = None,
        resource: str = "view",
        kind: str = "view",
        owner: QObject | None = None,
    ) -> Job:
        """Run `body(context)` behind the other jobs of `resource`, then one of two calls on the main thread.

        Args:
            done: called with what `body` returned.
            failed: called with the FaceAppError (a `Cancelled` too) of a job that did not succeed.
            kind: "view" jobs are quiet: the jobs dock shows them only when they take over a second.
            owner: neither is called once this object is deleted. Left out, it is the QObject that
                `done` or `failed` is a method of.
        """
        job = self.manager.submit(kind, title, body, resource)
        self.watch(job, done, failed, owner)
        return job

    def watch(
        self, job: Job, done: Done | None = None, failed: Failed | None = None, owner: QObject | None = None
    ) -> None:
        """Call back on the main thread when a job that was started elsewhere ends; see `run`."""
        watch = _Watch(owner or _receiver(done) or _receiver(failed), done, failed)
        self._watches.setdefault(job.id, []).append(watch)
        current = self.manager.get(job.id)
        if current.finished:
            self._on_job_changed(current)

    def cancel(self, job: Job | None) -> None:
        """Ask a job to stop; nothing happens for None or a job that has finished."""
        if job is None:
            return
        try:
            if not self.manager.get(job.id).finished:
                self.manager.cancel(job.id)
        except NotFound:
            log.debug("Job %s has been forgotten.", job.id)

    def close(self) -> None:
        """No more news; waiting calls are dropped."""
        self._leave()
        self._pause.stop()
        self._watches.clear()
        self._ended.clear()
        with self._lock:
            self._news.clear()

    def _on_job_changed(self, job: Job) -> None:
        """On whatever thread made the change."""
        with self._lock:
            wake = not self._news
            self._news[job.id] = job
        if wake or job.finished:
            self._woken.emit()

    def _on_woken(self) -> None:
        with self._lock:
            ended = any(job.finished for job in self._news.values())
        if ended or not self._pause.isActive():
            self._deliver()

    def _deliver(self) -> None:
        with self._lock:
            news, self._news = list(self._news.values()), {}
        if not news:
            return
        self._pause.start()
        for job in news:
            self.job_changed.emit(job)
        for job in news:
            if job.finished:
                self._ended += [(watch, job) for watch in self._watches.pop(job.id, [])]
        self._call_back()

    def _call_back(self) -> None:
        if not self._ended:
            return
        watch, job = self._ended.popleft()
        if self._ended:
            # Each on its own turn: a bug in one callback must not swallow the next.
            QTimer.singleShot(0, self._call_back)
        watch.deliver(job)


def _receiver(call: Callable[..., object] | None) -> QObject | None:
    receiver = getattr(call, "__self__", None)
    return receiver if isinstance(receiver, QObject) else None
