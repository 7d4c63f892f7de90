"""One Job: every state is reached once, cancelling works at every moment, bugs do not stop the queue."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from faceapp.errors import Cancelled, Conflict, NotFound, UnusablePhoto
from faceapp.jobs import InlineExecutor, Job, JobContext, JobManager, State, ThreadExecutor


@pytest.fixture
def threaded() -> Iterator[JobManager]:
    manager = JobManager(ThreadExecutor())
    yield manager
    assert manager.shutdown() == []


def test_result_and_states_in_order() -> None:
    manager = JobManager(InlineExecutor())
    seen: list[State] = []
    manager.subscribe(lambda job: seen.append(job.state))
    job = manager.submit("sum", "Add", lambda context: sum(context.track([1, 2, 3], total=3)))
    assert job.result == 6
    assert (job.done, job.total) == (3, 3)
    assert list(dict.fromkeys(seen)) == [State.QUEUED, State.RUNNING, State.SUCCEEDED]


def test_a_refusal_keeps_its_sentence() -> None:
    def body(context: JobContext) -> None:
        raise UnusablePhoto("broken", "The file is broken.", "Use another one.")

    job = JobManager(InlineExecutor()).submit("read", "Read", body)
    assert job.state is State.FAILED
    assert job.error is not None
    assert str(job.error) == "The file is broken. Use another one."


def test_a_bug_is_logged_once_with_the_job_and_the_queue_goes_on(
    threaded: JobManager, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        bad = threaded.submit("divide", "Divide", lambda context: 1 // 0)
        good = threaded.submit("add", "Add", lambda context: 1 + 1)
        assert threaded.wait(good.id, 10).result == 2
    failed = threaded.get(bad.id)
    assert failed.error is not None
    assert failed.error.code == "internal"
    assert bad.id in failed.error.sentence
    assert "ZeroDivisionError" not in failed.error.sentence
    assert [bad.id in record.getMessage() for record in caplog.records] == [True]


def test_cancel_while_running_and_while_queued(threaded: JobManager) -> None:
    running = threading.Event()
    touched = threading.Event()

    def endless(context: JobContext) -> None:
        running.set()
        while True:
            context.check()

    first = threaded.submit("wait", "Wait", endless)
    second = threaded.submit("touch", "Touch", lambda context: touched.set())
    assert running.wait(10)
    assert threaded.cancel(second.id).state is State.CANCELLED
    threaded.cancel(first.id)
    stopped = threaded.wait(first.id, 10)
    assert stopped.state is State.CANCELLED
    assert isinstance(stopped.error, Cancelled)
    third = threaded.submit("add", "Add", lambda context: 7)
    assert threaded.wait(third.id, 10).result == 7
    assert not touched.is_set()


def test_cancelling_a_finished_job_changes_nothing() -> None:
    manager = JobManager(InlineExecutor())
    job = manager.submit("add", "Add", lambda context: 1)
    assert manager.cancel(job.id) == job
    assert manager.get(job.id).state is State.SUCCEEDED


def test_jobs_of_one_resource_never_overlap_and_two_resources_do(threaded: JobManager) -> None:
    inside: list[str] = []
    overlaps: list[tuple[str, ...]] = []
    meet = threading.Barrier(2, timeout=10)

    def body(name: str) -> None:
        inside.append(name)
        overlaps.append(tuple(inside))
        inside.remove(name)

    jobs = [threaded.submit("x", name, lambda context, name=name: body(name)) for name in "abcdef"]
    for job in jobs:
        threaded.wait(job.id, 10)
    assert all(len(names) == 1 for names in overlaps)
    assert [names[0] for names in overlaps] == list("abcdef")

    one = threaded.submit("meet", "One", lambda context: meet.wait(), resource="camera:0")
    two = threaded.submit("meet", "Two", lambda context: meet.wait(), resource="compute")
    assert threaded.wait(one.id, 10).state is threaded.wait(two.id, 10).state is State.SUCCEEDED


def test_a_resumed_job_counts_what_was_done_before() -> None:
    seen: list[Job] = []
    manager = JobManager(InlineExecutor())
    manager.subscribe(seen.append)
    manager.submit("import", "Import", lambda context: list(context.track("ab", total=10, done=8)))
    progress = [job.done for job in seen if job.state is State.RUNNING and job.total]
    assert progress[0] == 8
    assert progress[-1] == 10
    assert seen[-1].fraction == 1.0


def test_shutdown_cancels_what_is_open_and_refuses_more() -> None:
    manager = JobManager(ThreadExecutor())

    def endless(context: JobContext) -> None:
        while True:
            context.check()

    jobs = [manager.submit("wait", "Wait", endless) for _ in range(3)]
    assert manager.shutdown(10) == []
    assert {manager.get(job.id).state for job in jobs} == {State.CANCELLED}
    with pytest.raises(Conflict):
        manager.submit("add", "Add", lambda context: 1)


def test_a_job_that_will_not_stop_is_named() -> None:
    manager = JobManager(ThreadExecutor())
    release = threading.Event()
    started = threading.Event()

    def deaf(context: JobContext) -> None:
        started.set()
        release.wait(10)

    manager.submit("deaf", "Deaf", deaf, resource="camera:1")
    assert started.wait(10)
    late = manager.shutdown(0.05)
    release.set()
    assert late == ["camera:1"]


def test_unknown_job() -> None:
    with pytest.raises(NotFound, match="no job 12"):
        JobManager(InlineExecutor()).get("12")
