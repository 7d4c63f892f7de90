"""Attendance: a period and a group, and who was present, late or absent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from PyQt5.QtCore import QDateTime, Qt, QTime, QUrl
from PyQt5.QtGui import QDesktopServices
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDateTimeEdit,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from faceapp.errors import BadRequest
from faceapp.jobs import JobContext
from faceapp.live import Group, Period, Presence
from faceapp.services import Services
from ui import live_words
from ui.group_dialog import LANE, GroupDialog
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.memory import Memory
from ui.messages import NOTICE_SECONDS, MessageBar

SIGNS = {"present": "✓", "late": "!", "absent": "✕"}


class AttendanceDialog(QDialog):
    """Modeless. The table follows every change of period and group."""

    def __init__(self, services: Services, jobs: JobsQt, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Attendance"))
        self.resize(720, 600)
        self._services = services
        self._jobs = jobs
        self._memory = Memory(services.paths)
        self._number = 0
        self.rows: list[Presence] = []
        self.group = QComboBox()
        self.start = _edit(self.tr("From"))
        self.end = _edit(self.tr("Until"))
        self.grace = QSpinBox(minimum=0, maximum=600, value=5)
        self.table = QTableWidget(0, 4)
        self.summary = QLabel()
        self.messages = MessageBar()
        self.edit_groups = QPushButton(self.tr("Groups…"))
        self.csv_button = QPushButton(icon("export"), self.tr("Save as CSV…"))
        self.page_button = QPushButton(icon("save"), self.tr("Printable page…"))
        self._fill()
        self._lay_out()
        self._connect()
        self.read_groups()

    @property
    def period(self) -> Period:
        """What is chosen. Raises BadRequest when it ends before it begins."""
        start, end = _utc(self.start), _utc(self.end)
        if end <= start:
            raise BadRequest("bad_period", "The period ends before it begins.", "Choose a later end.")
        return Period(start, end, timedelta(minutes=self.grace.value()))

    def read_groups(self) -> None:
        """Read the groups again; the chosen one stays."""
        self._jobs.run(
            self.tr("Read the groups"),
            lambda _: self._services.sightings.groups(),
            self._on_groups_read,
            self.messages.show_error,
            LANE,
            owner=self,
        )

    def read(self) -> None:
        """Read who was there."""
        try:
            period = self.period
        except BadRequest as error:
            self.messages.show_error(error)
            return
        self.messages.clear()
        self._number += 1
        number, group = self._number, self.group.currentData()

        def body(_: JobContext) -> list[Presence]:
            return self._services.sightings.attendance(period, group)

        def done(rows: list[Presence]) -> None:
            if number == self._number:
                self._show(rows)

        self._jobs.run(self.tr("Attendance"), body, done, self.messages.show_error, LANE, owner=self)

    def save(self, suffix: str) -> None:
        """Ask for a file and write the table; a page is opened in the browser, to be printed there."""
        kinds = {"csv": self.tr("Table (*.csv)"), "html": self.tr("Page (*.html)")}
        start = str(Path(self._memory.folder("export")) / f"attendance.{suffix}")
        name, _ = QFileDialog.getSaveFileName(self, self.tr("Save attendance"), start, kinds[suffix])
        if name:
            self._memory.keep_folder("export", Path(name).parent)
            self.write(Path(name).with_suffix(f".{suffix}"), show=suffix == "html")

    def write(self, path: Path, show: bool = False) -> None:
        """Write the table as CSV, or as a page where the name ends in .html."""
        try:
            period = self.period
        except BadRequest as error:
            self.messages.show_error(error)
            return
        group = self.group.currentData()

        def done(_: object) -> None:
            said = self.tr("Saved {0}.").format(path.name)
            self.messages.show_message(said, kind="success", seconds=NOTICE_SECONDS)
            if show:
                QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

        self._jobs.run(
            self.tr("Save attendance"),
            lambda _: self._services.sightings.export_attendance(path, period, group),
            done,
            self.messages.show_error,
            LANE,
            owner=self,
        )

    def show_groups(self) -> None:
        """Make and change groups."""
        dialog = GroupDialog(self._services, self._jobs, self)
        dialog.setAttribute(Qt.WA_DeleteOnClose)
        dialog.changed.connect(self.read_groups)
        dialog.show()

    def _fill(self) -> None:
        now = QDateTime.currentDateTime()
        self.start.setDateTime(QDateTime(now.date(), QTime(8, 0)))
        self.end.setDateTime(QDateTime(now.date(), QTime(18, 0)))
        self.grace.setSuffix(self.tr(" minutes"))
        self.grace.setButtonSymbols(QSpinBox.NoButtons)
        self.grace.setToolTip(self.tr("Whoever is first seen later than this after the start is late."))
        self.group.addItem(self.tr("Everybody in the library"), None)
        headings = [self.tr("Name"), self.tr("State"), self.tr("First seen"), self.tr("Last seen")]
        self.table.setHorizontalHeaderLabels(headings)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.Stretch)
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignLeft | Qt.AlignVCenter)
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setEditTriggers(QAbstractItemView.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectRows)
        self.table.setTabKeyNavigation(False)
        self.table.setAccessibleName(self.tr("Attendance"))
        self.summary.setProperty("role", "heading")
        for button in (self.edit_groups, self.csv_button, self.page_button):
            button.setAutoDefault(False)

    def _lay_out(self) -> None:
        form = QGridLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(8)
        row = QHBoxLayout()
        row.addWidget(self.group, 1)
        row.addWidget(self.edit_groups)
        form.addWidget(QLabel(self.tr("Who")), 0, 0)
        form.addLayout(row, 0, 1, 1, 3)
        form.addWidget(QLabel(self.tr("From")), 1, 0)
        form.addWidget(self.start, 1, 1)
        form.addWidget(QLabel(self.tr("until")), 1, 2)
        form.addWidget(self.end, 1, 3)
        form.addWidget(QLabel(self.tr("Late after")), 2, 0)
        form.addWidget(self.grace, 2, 1)
        form.setColumnStretch(1, 1)
        form.setColumnStretch(3, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.summary, 1)
        foot.addWidget(self.csv_button)
        foot.addWidget(self.page_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addLayout(form)
        column.addWidget(self.messages)
        column.addWidget(self.table, 1)
        column.addLayout(foot)

    def _connect(self) -> None:
        for edit in (self.start, self.end):
            edit.dateTimeChanged.connect(self.read)
        self.grace.valueChanged.connect(self.read)
        self.group.currentIndexChanged.connect(self.read)
        self.edit_groups.clicked.connect(self.show_groups)
        self.csv_button.clicked.connect(lambda: self.save("csv"))
        self.page_button.clicked.connect(lambda: self.save("html"))

    def _on_groups_read(self, groups: list[Group]) -> None:
        chosen = self.group.currentData()
        self.group.blockSignals(True)
        while self.group.count() > 1:
            self.group.removeItem(1)
        for group in groups:
            self.group.addItem(f"{group.name} ({len(group.person_ids)})", group)
            if chosen is not None and group.id == chosen.id:
                self.group.setCurrentIndex(self.group.count() - 1)
        self.group.blockSignals(False)
        self.read()

    def _show(self, rows: list[Presence]) -> None:
        self.rows = rows
        said = {"present": self.tr("present"), "late": self.tr("late"), "absent": self.tr("absent")}
        self.table.setRowCount(len(rows))
        for number, row in enumerate(rows):
            cells = (
                row.person.name,
                f"{SIGNS[row.state]} {said[row.state]}",
                live_words.moment(row.first) if row.first else "–",
                live_words.moment(row.last) if row.last else "–",
            )
            for column, text in enumerate(cells):
                self.table.setItem(number, column, QTableWidgetItem(text))
        counts = [
            f"{sum(row.state == state for row in rows)} {said[state]}"
            for state in ("present", "late", "absent")
        ]
        self.summary.setText(", ".join(counts))


def _edit(name: str) -> QDateTimeEdit:
    edit = QDateTimeEdit(calendarPopup=True)
    edit.setDisplayFormat("yyyy-MM-dd HH:mm")
    edit.setAccessibleName(name)
    return edit


def _utc(edit: QDateTimeEdit) -> datetime:
    return datetime.fromtimestamp(edit.dateTime().toSecsSinceEpoch(), UTC)
