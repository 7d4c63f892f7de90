"""Queues jobs, one FIFO per resource, and tells listeners how they go."""

from __future__ import annotations

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from faceapp.errors import Cancelled, Conflict, FaceAppError, NotFound
from faceapp.jobs.job import Job, JobContext, State
from faceapp.ports import Executor

log = logging.getLogger(__name__)

Body = Callable[[JobContext], Any]
Listener = Callable[[Job], None]

STACK_BYTES = 8 * 1024 * 1024
PROGRESS_INTERVAL = 0.05
FINISHED_KEPT = 200


class InlineExecutor:
    """Runs every call at once, on the caller's thread: for tests and the command line."""

    def submit(self, lane: str, call: Callable[[], None]) -> None:
        call()

    def shutdown(self, timeout: float) -> list[str]:
        return []


class ThreadExecutor:
    """One plain thread a lane, made when the lane is first used."""

    def __init__(self) -> None:
        self._lanes: dict[str, tuple[queue.SimpleQueue[Callable[[], None] | None], threading.Thread]] = {}
        self._lock = threading.Lock()

    def submit(self, lane: str, call: Callable[[], None]) -> None:
        with self._lock:
            if lane not in self._lanes:
                self._lanes[lane] = self._start(lane)
            self._lanes[lane][0].put(call)

    def _start(
        self, lane: str
    ) -> tuple[queue.SimpleQueue[Callable[[], None] | None], threading.Thread]:
        calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()

        def work() -> None:
            while (call := calls.get()) is not None:
                call()

        thread = threading.Thread(target=work, name=f"jobs:{lane}", daemon=True)
        thread.start()
        return calls, thread

    def shutdown(self, timeout: float) -> list[str]:
        with self._lock:
            lanes, self._lanes = self._lanes, {}
        for calls, _ in lanes.values():
            calls.put(None)
        end = time.monotonic() + timeout
        for _, thread in lanes.values():
            thread.join(max(0.0, end - time.monotonic()))
        return [lane for lane, (_, thread) in lanes.items() if thread.is_alive()]


class JobManager:
    """Submits, watches and cancels jobs. Safe to call from any thread."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._jobs: dict[str, Job] = {}
        self._cancelling: set[str] = set()
        self._listeners: list[Listener] = []
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._closed = False

    def submit(self, kind: str, title: str, body: Body, resource: str = "compute") -> Job:
        """Queue `body` behind the other jobs of `resource`; comes back at once."""
        job = Job(uuid.uuid4().hex[:8], kind, title)
        with self._lock:
            if self._closed:
                raise Conflict("closing", "The program is closing.", "Start it again.")
            self._jobs[job.id] = job
            self._forget_old()
        self._tell(job)
        self._executor.submit(resource, lambda: self._run(job.id, body))
        return self.get(job.id)

    def get(self, job_id: str) -> Job:
        with self._lock:
            if job_id not in self._jobs:
                raise NotFound("no_such_job", f"There is no job {job_id}.")
            return self._jobs[job_id]

    def all(self) -> list[Job]:
        """Every job that is remembered, oldest first."""
        with self._lock:
            return list(self._jobs.values())

    def cancel(self, job_id: str) -> Job:
        """Ask a job to stop. A queued one is cancelled at once; a finished one stays as it is."""
        job = self.get(job_id)
        with self._lock:
            self._cancelling.add(job_id)
            queued = self._jobs[job_id].state is State.QUEUED
        if queued:
            job = self._change(job_id, state=State.CANCELLED, error=Cancelled())
        return job

    def wait(self, job_id: str, timeout: float | None = None) -> Job:
        """Block until the job has finished or `timeout` seconds have passed."""
        with self._changed:
            self._changed.wait_for(lambda: self.get(job_id).finished, timeout)
            return self.get(job_id)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` on every change, on the thread that made it; comes back with the way out."""
        with self._lock:
            self._listeners.append(listener)

        def leave() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return leave

    def shutdown(self, timeout: float = 5.0) -> list[str]:
        """Cancel everything and wait; comes back with the names of resources still busy."""
        with self._lock:
            self._closed = True
            open_jobs = [job.id for job in self._jobs.values() if not job.finished]
        for job_id in open_jobs:
            self.cancel(job_id)
        late = self._executor.shutdown(timeout)
        for lane in late:
            log.warning("The jobs on %s did not stop within %.0f s.", lane, timeout)
        return late

    def _run(self, job_id: str, body: Body) -> None:
        if self._change(job_id, state=State.RUNNING, started=time.monotonic()).finished:
            return
        context = JobContext(
            lambda **progress: self._progress(job_id, **progress),
            lambda: job_id in self._cancelling,
        )
        try:
            result = body(context)
        except Cancelled as stopped:
            self._change(job_id, state=State.CANCELLED, error=stopped)
        except FaceAppError as error:
            self._change(job_id, state=State.FAILED, error=error)
        except Exception:  # a bug, whatever it is: logged once, and the program goes on
            log.exception("Job %s failed.", job_id)
            sentence = f"Something went wrong inside the program (job {job_id})."
            internal = FaceAppError("internal", sentence, "The log has the details.")
            self._change(job_id, state=State.FAILED, error=internal)
        else:
            self._change(job_id, state=State.SUCCEEDED, result=result)

    def _progress(self, job_id: str, **progress: Any) -> None:
        job = self.get(job_id)
        now = time.monotonic()
        due = job.updated is None or now - job.updated >= PROGRESS_INTERVAL
        ended = progress["total"] is not None and progress["done"] >= progress["total"]
        if due or ended:
            self._change(job_id, updated=now, **progress)

    def _change(self, job_id: str, **changes: Any) -> Job:
        with self._changed:
            job = self._jobs[job_id]
            if job.finished:
                return job
            job = self._jobs[job_id] = replace(job, **changes)
            if job.finished:
                self._cancelling.discard(job_id)
            self._changed.notify_all()
        self._tell(job)
        return job

    def _tell(self, job: Job) -> None:
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(job)

    def _forget_old(self) -> None:
        finished = [job.id for job in self._jobs.values() if job.finished]
        for job_id in finished[: max(0, len(finished) - FINISHED_KEPT)]:
            del self._jobs[job_id]
