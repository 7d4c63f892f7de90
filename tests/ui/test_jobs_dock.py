"""The jobs dock, and the report of an import."""

from __future__ import annotations

import csv
import threading
from pathlib import Path

import pytest
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtWidgets import (
    QApplication,
    QDockWidget,
    QMainWindow,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from faceapp.errors import NotFound
from faceapp.jobs import Job, JobContext, State
from faceapp.types import EnrolReport, Skipped
from ui.jobs_dock import JobsPanel, progress_text, state_text
from ui.jobs_qt import JobsQt
from ui.report_dialog import ReportDialog, ReportModel, summary

REPORT = EnrolReport(
    people=2,
    photos=3,
    faces=3,
    skipped=(Skipped("/photos/Ann/ß, 1.jpg", "no_face", "There is no face on the photo."),),
    warnings=(Skipped("/photos/Bob/2.jpg", "blurred", "The face is blurred."),),
)


@pytest.fixture
def window(qtbot: QtBot) -> QMainWindow:
    made = QMainWindow()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def panel(window: QMainWindow, jobs: JobsQt) -> JobsPanel:
    dock = QDockWidget(window)
    body = QWidget()
    dock.setWidget(body)
    window.addDockWidget(Qt.BottomDockWidgetArea, dock)
    panel = JobsPanel(jobs, dock)
    QVBoxLayout(body).addWidget(panel)
    window.show()
    return panel


def test_the_newest_job_stands_on_top_and_none_is_out_of_sight(
    qtbot: QtBot, window: QMainWindow, jobs: JobsQt, panel: JobsPanel
) -> None:
    window.setCentralWidget(QWidget())
    window.resize(800, 600)
    go = threading.Event()
    for name in ("first", "second"):
        jobs.manager.submit("import", name, lambda context: go.wait(10), resource=name)
        qtbot.waitUntil(lambda name=name: any(row.job.title == name for row in panel.rows))
    qtbot.wait(50)
    places = [row.mapTo(window, QPoint(0, row.height())).y() for row in panel.rows]
    go.set()
    assert places == sorted(places, reverse=True)
    assert max(places) <= window.height()
    assert not panel.findChild(QScrollArea).verticalScrollBar().maximum()


def test_an_import_shows_how_far_it_is_and_can_be_stopped(
    qtbot: QtBot, jobs: JobsQt, panel: JobsPanel
) -> None:
    go = threading.Event()

    def body(context: JobContext) -> None:
        context.progress(120, 1000, "Importing", rate=12.0)
        go.wait(10)
        while True:
            context.check()

    jobs.manager.submit("import", "Import people", body)
    qtbot.waitUntil(lambda: bool(panel.rows) and panel.rows[0].numbers != "")
    row = panel.rows[0]
    assert row.isVisible()
    assert row.numbers == "120 of 1,000 · 12 photos/s · about 1 min left"
    assert row.text == "Importing"
    row._cancel.click()
    go.set()
    qtbot.waitUntil(lambda: row.job.state is State.CANCELLED)
    assert row.text.startswith("Stopped. What was enrolled stays")


def test_a_failed_job_stays_with_its_reason_until_it_is_closed(
    qtbot: QtBot, jobs: JobsQt, panel: JobsPanel
) -> None:
    def body(context: JobContext) -> None:
        raise NotFound("no_such_folder", "There is no folder /x.", "Was it renamed?")

    jobs.manager.submit("import", "Import x", body)
    qtbot.waitUntil(lambda: bool(panel.rows) and panel.rows[0].job.finished)
    row = panel.rows[0]
    assert row.text == "There is no folder /x. Was it renamed?"
    row._close.click()
    assert panel.rows == []
    assert not panel.isVisible()


def test_of_several_successes_only_the_last_is_told(qtbot: QtBot, jobs: JobsQt, panel: JobsPanel) -> None:
    go = threading.Event()

    def failing(context: JobContext) -> None:
        raise NotFound("no_such_folder", "There is no folder /x.")

    jobs.manager.submit("import", "Import x", failing)
    jobs.manager.submit("import", "Import people", lambda context: REPORT)
    for name in ("first", "second"):
        jobs.manager.submit("morph", name, lambda context: go.wait(10), resource=name)
        qtbot.waitUntil(lambda name=name: any(row.job.title == name for row in panel.rows))
    go.set()
    qtbot.waitUntil(lambda: len(panel.rows) == 3 and all(row.job.finished for row in panel.rows))
    # What a person should look at stays.
    assert [row.job.title for row in panel.rows][:2] == ["Import x", "Import people"]
    jobs.manager.submit("morph", "third", lambda context: None)
    qtbot.waitUntil(lambda: [row.job.title for row in panel.rows[2:]] == ["third"])
    qtbot.waitUntil(lambda: panel.rows[-1].job.finished)
    assert panel.rows[-1].isVisible() and panel.rows[-1].text == "Done."


def test_a_quiet_job_appears_only_when_it_takes_long_and_goes_by_itself(
    qtbot: QtBot, jobs: JobsQt, panel: JobsPanel
) -> None:
    panel._patience.setInterval(50)
    ended: list[object] = []
    jobs.run("A quick look", lambda context: 1, ended.append)
    qtbot.waitUntil(lambda: bool(ended))
    qtbot.wait(150)
    assert panel.rows == []
    go = threading.Event()
    jobs.run("Search the faces", lambda context: go.wait(10), ended.append)
    qtbot.waitUntil(lambda: [row.job.title for row in panel.rows] == ["Search the faces"])
    go.set()
    qtbot.waitUntil(lambda: panel.rows == [])


def test_a_report_opens_from_its_job(qtbot: QtBot, jobs: JobsQt, panel: JobsPanel) -> None:
    jobs.manager.submit("import", "Import people", lambda context: REPORT)
    qtbot.waitUntil(lambda: bool(panel.rows) and panel.rows[0].job.finished)
    row = panel.rows[0]
    assert row.text == "2 people, 3 photos. 1 photo was left out, 1 remark."
    button = next(button for button in row.findChildren(QPushButton) if button.isVisible())
    button.click()
    dialog = panel.window().findChild(ReportDialog)
    assert dialog.isVisible()
    dialog.close()


def test_a_report_is_saved_as_a_table(qtbot: QtBot, tmp_path: Path) -> None:
    dialog = ReportDialog("Import people", REPORT)
    qtbot.addWidget(dialog)
    dialog.save(tmp_path / "report.csv")
    rows = list(csv.reader((tmp_path / "report.csv").read_text("utf-8-sig").splitlines()))
    assert rows[0] == ["File", "Outcome", "Reason"]
    assert rows[1] == ["/photos/Ann/ß, 1.jpg", "left out", "There is no face on the photo."]
    assert rows[2][2] == "The face is blurred."
    dialog.save(tmp_path / "no such folder" / "report.csv")
    assert "could not be saved" in dialog.findChild(QWidget, "reportNotice").text()


def test_a_report_is_copied(qapp: QApplication) -> None:
    assert ReportModel(REPORT).as_csv([1], "\t").splitlines()[1].split("\t")[0] == "/photos/Bob/2.jpg"


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (EnrolReport(1, 1, 1), "1 person, 1 photo."),
        (EnrolReport(2138, 13190, 13190), "2,138 people, 13,190 photos."),
        (REPORT, "2 people, 3 photos. 1 photo was left out, 1 remark."),
    ],
)
def test_the_summary_of_a_report(report: EnrolReport, text: str) -> None:
    assert summary(report) == text


def test_what_a_job_says() -> None:
    job = Job("1", "import", "Import", State.QUEUED)
    assert state_text(job) == "Waiting for its turn"
    assert progress_text(job) == ""
    running = Job("1", "import", "Import", State.RUNNING, done=5, total=None, rate=0.5)
    assert progress_text(running) == "5 · 0.5 photos/s"
