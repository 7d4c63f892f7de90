"""Lanes that are QThreads, and callbacks on the main thread."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from PyQt5 import sip
from PyQt5.QtCore import QObject, QThread
from PyQt5.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from faceapp.errors import Cancelled, FaceAppError, NotFound
from faceapp.jobs import InlineExecutor, Job, JobContext, JobManager, State
from faceapp.services import Services
from ui.jobs_qt import JobsQt, QtExecutor

ROOT = Path(__file__).resolve().parents[2]


def test_calls_of_one_lane_run_in_order_on_one_qthread() -> None:
    executor = QtExecutor()
    order: list[int] = []
    threads: list[object] = []

    def call(number: int) -> None:
        order.append(number)
        threads.append(QThread.currentThread())

    for number in range(50):
        executor.submit("a", lambda number=number: call(number))
    assert executor.shutdown(10) == []
    assert order == list(range(50))
    assert len({id(thread) for thread in threads}) == 1


def test_two_lanes_run_side_by_side() -> None:
    executor = QtExecutor()
    both = threading.Barrier(2, timeout=10)
    passed: list[str] = []
    for lane in ("a", "b"):
        executor.submit(lane, lambda lane=lane: (both.wait(), passed.append(lane)))
    assert executor.shutdown(10) == []
    assert sorted(passed) == ["a", "b"]


def test_a_late_lane_is_named_and_left_to_end_by_itself() -> None:
    executor = QtExecutor()
    go, ended = threading.Event(), threading.Event()
    executor.submit("slow", lambda: (go.wait(10), ended.set()))
    executor.submit("quick", lambda: None)
    assert executor.shutdown(0.05) == ["slow"]
    go.set()
    assert ended.wait(10)


def test_the_executor_works_before_there_is_an_application() -> None:
    program = (
        "from ui.jobs_qt import QtExecutor\n"
        "executor = QtExecutor()\n"
        "executor.submit('a', lambda: print('ran', flush=True))\n"
        "print(executor.shutdown(10))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (0, "ran\n[]\n"), run.stderr


def test_the_result_comes_on_the_main_thread(qtbot: QtBot, jobs: JobsQt) -> None:
    got: list[tuple[Any, bool]] = []
    owner = QObject()

    def done(result: Any) -> None:
        got.append((result, QThread.currentThread() is QApplication.instance().thread()))

    jobs.run("Add", lambda context: 1 + 1, done, owner=owner)
    qtbot.waitUntil(lambda: bool(got))
    assert got == [(2, True)]


def test_a_failure_comes_as_its_error(qtbot: QtBot, jobs: JobsQt) -> None:
    def body(context: JobContext) -> None:
        raise NotFound("no_such_file", "There is no “a.jpg”.")

    failed: list[FaceAppError] = []
    jobs.run("Read", body, pytest.fail, failed.append)
    qtbot.waitUntil(lambda: bool(failed))
    assert failed[0].code == "no_such_file"


def test_a_job_that_is_stopped_comes_as_cancelled(qtbot: QtBot, jobs: JobsQt) -> None:
    running = threading.Event()

    def body(context: JobContext) -> None:
        running.set()
        while True:
            context.check()

    failed: list[FaceAppError] = []
    job = jobs.run("Spin", body, pytest.fail, failed.append)
    assert running.wait(10)
    jobs.cancel(job)
    qtbot.waitUntil(lambda: bool(failed))
    assert isinstance(failed[0], Cancelled)
    assert jobs.manager.get(job.id).state is State.CANCELLED


def test_nobody_is_called_whose_owner_has_gone(qtbot: QtBot, jobs: JobsQt) -> None:
    go = threading.Event()
    called: list[object] = []
    owner, still_there = QObject(), QObject()
    jobs.run("Late", lambda context: go.wait(10), called.append, called.append, owner=owner)
    sip.delete(owner)
    go.set()
    after: list[object] = []
    jobs.run("After", lambda context: None, after.append, owner=still_there)
    qtbot.waitUntil(lambda: bool(after))
    assert called == []


def test_the_owner_is_the_object_that_the_callback_belongs_to(qtbot: QtBot, jobs: JobsQt) -> None:
    called: list[object] = []

    class Asker(QObject):
        def on_done(self, result: object) -> None:
            called.append(result)

    go = threading.Event()
    asker = Asker()
    jobs.run("Late", lambda context: go.wait(10), asker.on_done)
    sip.delete(asker)
    go.set()
    after: list[object] = []
    jobs.run("After", lambda context: None, after.append)
    qtbot.waitUntil(lambda: bool(after))
    assert called == []


def test_news_of_a_busy_job_is_coalesced_and_ends_with_its_end(qtbot: QtBot, jobs: JobsQt) -> None:
    def body(context: JobContext) -> str:
        # Past the manager's own pacing: every call is a change.
        for number in range(500):
            jobs.manager._change(job_id[0], done=number)
        return "ready"

    news: list[Job] = []
    job_id: list[str] = []
    jobs.job_changed.connect(news.append)
    started = threading.Event()
    job = jobs.run("Busy", lambda context: (started.wait(10), body(context))[1])
    job_id.append(job.id)
    started.set()
    qtbot.waitUntil(lambda: bool(news) and news[-1].finished)
    assert news[-1].result == "ready"
    assert len(news) < 100


def test_watching_a_job_that_has_ended_calls_back_all_the_same(qtbot: QtBot, jobs: JobsQt) -> None:
    job = jobs.manager.submit("enrol", "Enrol Ann", lambda context: "enrolled")
    jobs.manager.wait(job.id, 10)
    got: list[str] = []
    jobs.watch(job, got.append)
    assert got == []
    qtbot.waitUntil(lambda: bool(got))
    qtbot.wait(100)
    assert got == ["enrolled"]


def test_an_inline_executor_calls_back_later_too(qtbot: QtBot) -> None:
    jobs = JobsQt(JobManager(InlineExecutor()))
    got: list[int] = []
    jobs.run("Add", lambda context: 3, got.append)
    assert got == []
    qtbot.waitUntil(lambda: got == [3])
    jobs.close()


def test_a_bug_in_one_callback_does_not_swallow_the_next(qtbot: QtBot, jobs: JobsQt) -> None:
    got: list[object] = []

    def buggy(result: object) -> None:
        raise KeyError("a bug")

    job = jobs.manager.submit("view", "Two watch", lambda context: "result")
    with qtbot.capture_exceptions() as bugs:
        jobs.watch(job, buggy)
        jobs.watch(job, got.append)
        qtbot.waitUntil(lambda: bool(got))
    assert got == ["result"]
    assert [kind for kind, _, _ in bugs] == [KeyError]


def test_after_the_end_nothing_is_called(qtbot: QtBot, services: Services) -> None:
    jobs = JobsQt(services.jobs)
    called: list[object] = []
    job = jobs.run("Late", lambda context: None, called.append)
    services.jobs.wait(job.id, 10)
    jobs.close()
    qtbot.wait(100)
    assert called == []
