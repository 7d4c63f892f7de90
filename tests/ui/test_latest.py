"""Work of which only the newest counts: what is told of a job that was stopped, dropped or overtaken."""

from __future__ import annotations

import threading

import pytest
from PyQt5.QtCore import QObject

from faceapp.errors import Cancelled
from faceapp.jobs import JobContext
from faceapp.services import Services
from ui.jobs_qt import JobsQt
from ui.latest import Latest


class Work:
    """A `Latest` with bodies that go on until they are stopped, and what it told."""

    def __init__(self, jobs: JobsQt) -> None:
        self.owner = QObject()
        self.latest = Latest(jobs, "Work", "work", self.owner)
        self.started = threading.Event()
        self.told: list[object] = []

    def ask_endless(self) -> None:
        self.latest.ask(self._go_on, self.told.append, self.told.append)

    def ask(self, result: str) -> None:
        self.latest.ask(lambda _: result, self.told.append, self.told.append)

    def _go_on(self, context: JobContext) -> None:
        self.started.set()
        while True:
            context.check()
            threading.Event().wait(0.005)


@pytest.fixture
def work(jobs: JobsQt, until) -> Work:
    made = Work(jobs)
    made.ask_endless()
    until(made.started.is_set)
    return made


def stop_in_dock(services: Services) -> None:
    (running,) = (job for job in services.jobs.all() if not job.finished)
    services.jobs.cancel(running.id)


def test_who_asked_is_told_that_somebody_stopped_it(work: Work, services: Services, until) -> None:
    stop_in_dock(services)
    until(lambda: work.told)
    assert isinstance(work.told[0], Cancelled)
    assert not work.latest.busy
    work.ask("the next")
    until(lambda: work.told[1:] == ["the next"])


def test_what_is_dropped_tells_nothing(work: Work, settle) -> None:
    work.latest.drop()
    settle()
    assert work.told == []


def test_what_waits_goes_on_when_the_one_before_is_stopped(work: Work, services: Services, until) -> None:
    work.ask("never run")
    work.ask("the newest")
    stop_in_dock(services)
    until(lambda: work.told)
    assert work.told == ["the newest"]
