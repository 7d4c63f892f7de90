"""Every job that takes longer than a moment: how far it is, how to stop it, how it ended."""

from __future__ import annotations

from functools import partial

from PyQt5.QtCore import Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QPalette
from PyQt5.QtWidgets import (
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from faceapp.jobs import Job, State
from faceapp.types import EnrolReport
from ui import words
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.report_dialog import ReportDialog, summary

QUIET_KIND = "view"
QUIET_MS = 1000
END_SHOWN_MS = 8000
MOST_HEIGHT = 176
# What a job's `done` and `total` count, by kind.
UNITS = {"import": "photos", "enrol": "photos"}

STOPPED = {
    "import": "Stopped. What was enrolled stays; import the folder again and it carries on.",
    "enrol": "Stopped. What was enrolled stays.",
}


class JobRow(QFrame):
    """One job. Follows it from queued to its end."""

    cancel_requested = pyqtSignal(str)
    closed = pyqtSignal(str)
    people_requested = pyqtSignal(object)

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.setObjectName("jobRow")
        self.job = job
        self._icon = QLabel()
        self._title = QLabel(job.title)
        self._title.setProperty("role", "heading")
        self._text = QLabel(wordWrap=False)
        self._text.setProperty("role", "quiet")
        self._text.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
        self._numbers = QLabel()
        self._numbers.setProperty("role", "quiet")
        self._bar = QProgressBar(textVisible=False)
        self._report = QPushButton(self.tr("Report…"))
        self._cancel = QToolButton(autoRaise=True, toolTip=self.tr("Stop this job"))
        self._cancel.setIcon(icon("cancel"))
        self._cancel.setAccessibleName(self.tr("Stop {0}").format(job.title))
        self._close = QToolButton(autoRaise=True, toolTip=self.tr("Take this job off the list"))
        self._close.setIcon(icon("close"))
        self._close.setAccessibleName(self.tr("Close {0}").format(job.title))
        self._lay_out()
        self._report.clicked.connect(self._on_report_clicked)
        self._cancel.clicked.connect(self._on_cancel_clicked)
        self._close.clicked.connect(lambda: self.closed.emit(self.job.id))
        self.follow(job)

    @property
    def text(self) -> str:
        return str(self._text.text())

    @property
    def numbers(self) -> str:
        return str(self._numbers.text())

    def follow(self, job: Job) -> None:
        """Show the newest state of the job."""
        self.job = job
        self._cancel.setVisible(not job.finished)
        self._close.setVisible(job.finished)
        self._bar.setVisible(job.state is State.RUNNING)
        self._report.setVisible(isinstance(job.result, EnrolReport) and has_remarks(job.result))
        self._icon.setPixmap(_state_icon(job.state))
        self._text.setText(state_text(job))
        self._text.setToolTip(state_text(job))
        self._numbers.setText(progress_text(job))
        self._bar.setRange(0, 0 if job.fraction is None else 1000)
        if job.fraction is not None:
            self._bar.setValue(round(1000 * job.fraction))
        self.setAccessibleName(f"{job.title}: {job.state.value}")

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._icon)
        line.addWidget(self._title)
        line.addWidget(self._text, 1)
        for widget in (self._numbers, self._report, self._cancel, self._close):
            line.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 8, 6)
        column.setSpacing(4)
        column.addLayout(line)
        column.addWidget(self._bar)

    def _on_cancel_clicked(self) -> None:
        self._cancel.setEnabled(False)
        self._text.setText(self.tr("Stopping…"))
        self.cancel_requested.emit(self.job.id)

    def _on_report_clicked(self) -> None:
        ReportDialog(self.job.title, self.job.result, self.window()).show()


class JobsPanel(QWidget):
    """The rows inside the jobs dock. Shows the dock while there is a row, hides it when there is none."""

    def __init__(self, jobs: JobsQt, dock: QDockWidget) -> None:
        super().__init__(dock)
        self._jobs = jobs
        self._dock = dock
        self._rows: dict[str, JobRow] = {}
        self._quiet: dict[str, Job] = {}
        self._patience = QTimer(self, singleShot=True, interval=QUIET_MS)
        self._patience.timeout.connect(self._on_patience_ended)
        self._column = QVBoxLayout()
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._column.setAlignment(Qt.AlignTop)
        body = QWidget()
        body.setLayout(self._column)
        self._area = QScrollArea(widgetResizable=True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self._area.setWidget(body)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._area)
        dock.hide()
        jobs.job_changed.connect(self._on_job_changed)

    @property
    def rows(self) -> list[JobRow]:
        """The rows that are shown, oldest first."""
        return list(self._rows.values())

    def _on_job_changed(self, job: Job) -> None:
        if job.id in self._rows:
            self._rows[job.id].follow(job)
            self._end(job)
        elif job.kind == QUIET_KIND:
            self._wait_quietly(job)
        else:
            self._add(job)
            self._end(job)

    def _wait_quietly(self, job: Job) -> None:
        if job.finished:
            self._quiet.pop(job.id, None)
            return
        self._quiet[job.id] = job
        if not self._patience.isActive():
            self._patience.start()

    def _on_patience_ended(self) -> None:
        waiting, self._quiet = self._quiet, {}
        for job in waiting.values():
            self._add(job)

    def _add(self, job: Job) -> None:
        self._drop_successes()
        row = JobRow(job)
        row.cancel_requested.connect(self._on_cancel_requested)
        row.closed.connect(self._remove)
        self._rows[job.id] = row
        # The newest on top: in a low window it is the one that is seen.
        self._column.insertWidget(0, row)
        self._fit()

    def _end(self, job: Job) -> None:
        """A quiet job goes away by itself: its page tells the result. So does an end without remarks."""
        if not job.finished:
            return
        if job.kind == QUIET_KIND:
            self._remove(job.id)
        elif _goes(job):
            self._drop_successes(job.id)
            leave = QTimer(self._rows[job.id], singleShot=True)
            leave.timeout.connect(partial(self._remove, job.id))
            leave.start(END_SHOWN_MS)

    def _drop_successes(self, but: str = "") -> None:
        """One success is told at a time: several saved files would take up the height of the page."""
        for job in [row.job for row in self.rows]:
            if job.id != but and job.state is State.SUCCEEDED and _goes(job):
                self._remove(job.id)

    def _remove(self, job_id: str) -> None:
        row = self._rows.pop(job_id, None)
        if row is not None:
            self._column.removeWidget(row)
            row.deleteLater()
            self._fit()

    def _on_cancel_requested(self, job_id: str) -> None:
        self._jobs.cancel(self._jobs.manager.get(job_id))

    def _fit(self) -> None:
        height = sum(row.sizeHint().height() + self._column.spacing() for row in self._rows.values())
        self._area.setFixedHeight(min(MOST_HEIGHT, height))
        # The layouts around hear of it at the next turn of the event loop only.
        for widget in (self, self._dock.widget()):
            widget.layout().invalidate()
            widget.updateGeometry()
        # The dock would keep the height of its fullest moment.
        self._dock.widget().setMaximumHeight(self._dock.widget().sizeHint().height())
        self._dock.setVisible(bool(self._rows))


def has_remarks(result: object) -> bool:
    return isinstance(result, EnrolReport) and bool(result.skipped or result.warnings)


def _goes(job: Job) -> bool:
    """A job whose row goes away by itself: its end needs nobody's attention."""
    return job.finished and job.state is not State.FAILED and not has_remarks(job.result)


def state_text(job: Job) -> str:
    """What a job does, or how it ended."""
    if job.state is State.QUEUED:
        return "Waiting for its turn"
    if job.state is State.CANCELLED:
        return STOPPED.get(job.kind, "Stopped.")
    if job.error is not None:
        return str(job.error)
    if isinstance(job.result, EnrolReport):
        return summary(job.result)
    return "Done." if job.state is State.SUCCEEDED else job.message


def progress_text(job: Job) -> str:
    """ "120 of 13,233 · 12 photos/s · about 18 min left"."""
    if job.state is not State.RUNNING:
        return ""
    parts = []
    if job.total:
        parts.append(f"{words.number(job.done)} of {words.number(job.total)}")
    elif job.done:
        parts.append(words.number(job.done))
    if job.rate:
        parts.append(words.rate(job.rate, UNITS.get(job.kind, "")))
    if job.seconds_left is not None:
        parts.append(words.time_left(job.seconds_left))
    return " · ".join(parts)


def _state_icon(state: State) -> object:
    names = {
        State.QUEUED: ("waiting", QPalette.Dark),
        State.RUNNING: ("running", QPalette.Highlight),
        State.SUCCEEDED: ("done", QPalette.Highlight),
        State.FAILED: ("error", QPalette.BrightText),
        State.CANCELLED: ("cancel", QPalette.Dark),
    }
    name, role = names[state]
    return icon(name, role).pixmap(20, 20)
