"""Who was seen, where and when: find, name, correct, delete, export; and attendance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PyQt5.QtCore import QDateTime, Qt, QTimer
from PyQt5.QtGui import QHideEvent, QImage, QShowEvent
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QAction,
    QComboBox,
    QDateTimeEdit,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMessageBox,
    QSpinBox,
    QStackedWidget,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from faceapp.errors import FaceAppError, UnusableFace
from faceapp.jobs import JobContext
from faceapp.live import Sighting, SightingFilter
from faceapp.services import Services
from faceapp.types import Face, Person, Photo
from ui import words
from ui.attendance_dialog import AttendanceDialog
from ui.crops import Crops
from ui.empty_state import EmptyState
from ui.face_row import ROW
from ui.images import from_jpeg
from ui.jobs_qt import JobsQt
from ui.memory import Memory
from ui.messages import NOTICE_SECONDS, MessageBar
from ui.page import Page
from ui.person_dialog import PersonDialog
from ui.person_picker import PersonPicker
from ui.sightings_model import LANE, SIGHTING_ROLE, SightingCrops, SightingDelegate, SightingsModel

TYPING_MS = 150
POLL_MS = 2000
CALM_MS = 800
BETWEEN = -1


class SightingsPage(Page):
    """One table. It follows what the cameras see while it is shown."""

    def __init__(self, services: Services, jobs: JobsQt, parent: QWidget | None = None) -> None:
        super().__init__(services, jobs, parent)
        self._memory = Memory(services.paths)
        self._revision: object = None
        self.model = SightingsModel(services, jobs, self)
        self._tiles = SightingCrops(services, jobs, self)
        self._crops = Crops(services, jobs, self)
        self.messages = MessageBar()
        self.field = QLineEdit(placeholderText=self.tr("Search by name or source"), clearButtonEnabled=True)
        self.source = QComboBox()
        self.period = QComboBox()
        self.since = _moment(self.tr("From"))
        self.until = _moment(self.tr("Until"))
        self.keep_days = QSpinBox()
        self.count = QLabel()
        self.table = QTableView()
        self.empty = EmptyState()
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._calm = QTimer(self, singleShot=True, interval=CALM_MS)
        self._poll = QTimer(self, interval=POLL_MS)
        self._make_actions()
        self._fill()
        self._lay_out()
        self._connect()
        self._search()

    # -- the protocol of pages -----------------------------------------------------------------------
    def refresh(self) -> None:
        self.model.refresh()

    def choose_place(self) -> bool:
        if self.model.total:
            self.export()
        return self.model.total > 0

    def stop(self) -> None:
        for timer in (self._typing, self._calm, self._poll):
            timer.stop()

    # -- what can be done ----------------------------------------------------------------------------
    @property
    def selected(self) -> list[Sighting]:
        rows = self.table.selectionModel().selectedRows()
        return [index.data(SIGHTING_ROLE) for index in sorted(rows, key=lambda index: index.row())]

    def ask_who(self) -> None:
        """Ask which enrolled person the selected sightings show."""
        chosen = self.selected
        if not chosen:
            return
        question = self.tr("Who is this? All sightings of a visitor take the name.")
        picker = PersonPicker(self.services, self.jobs, self._crops, question, set(), self)
        picker.setAttribute(Qt.WA_DeleteOnClose)
        picker.picked.connect(lambda person: self.say(chosen, person))
        picker.open()

    def say(self, sightings: list[Sighting], person: Person | None) -> None:
        """The user says who it was; a visitor's earlier and later sightings take the name."""
        kept = self.services.sightings

        def body(_: JobContext) -> int:
            visitors = {each.visitor for each in sightings if each.visitor is not None and person is not None}
            named = sum(kept.name_visitor(visitor, person.id) for visitor in visitors if person is not None)
            for sighting in sightings:
                if sighting.visitor is None or person is None:
                    kept.correct(sighting.id, person.id if person is not None else None)
                    named += 1
            return named

        def done(named: int) -> None:
            name = person.name if person is not None else self.tr("nobody who is enrolled")
            what = words.counted(named, self.tr("sighting is"), self.tr("sightings are"))
            self._said(self.tr("{0} now {1}.").format(what, name))

        self._write(self.tr("Name sightings"), body, done)

    def enrol(self) -> None:
        """Enrol whoever the selected sighting shows, with its picture."""
        chosen = self.selected[:1]
        if not chosen:
            return
        sighting = chosen[0]

        def body(_: JobContext) -> tuple[Photo, Face, bytes]:
            from faceapp.pipeline.photos import decode_photo

            data = self.services.sightings.crop(sighting.id)
            photo = decode_photo(data, f"{sighting.source} {sighting.id}.jpg")
            faces = self.services.analyser.faces(photo.image)
            if not faces:
                raise UnusableFace(
                    "face_not_clear",
                    "The face is not clear enough in this picture.",
                    "Enrol this person from a better photo, then choose “This is…”.",
                )
            return photo, faces[0], data

        def done(found: tuple[Photo, Face, bytes]) -> None:
            photo, face, data = found
            crop: QImage = from_jpeg(data)
            dialog = PersonDialog(self.services, self.jobs, photo, face, crop, self)
            dialog.enrolled.connect(lambda name, _: self._on_enrolled(chosen, name))
            dialog.show()

        self.jobs.run(self.tr("Look at the face"), body, done, self.messages.show_error, LANE, owner=self)

    def delete_selected(self) -> None:
        """Delete the selected sightings for good, after a question: there is no way back."""
        ids = [sighting.id for sighting in self.selected]
        if ids:
            what = words.counted(len(ids), self.tr("sighting"), self.tr("sightings"))
            self._ask(what, lambda _: self.services.sightings.delete_these(ids))

    def delete_shown(self) -> None:
        """Delete everything that fits the filter, after a question."""
        chosen = self.model.filter
        if self.model.total:
            what = words.counted(self.model.total, self.tr("sighting"), self.tr("sightings"))
            if chosen == SightingFilter():
                what = self.tr("all {0}").format(what)
            self._ask(what, lambda _: self.services.sightings.delete(chosen))

    def export(self) -> None:
        """Ask for a file and write what fits the filter as CSV."""
        start = str(Path(self._memory.folder("export")) / "sightings.csv")
        name, _ = QFileDialog.getSaveFileName(
            self, self.tr("Export sightings"), start, self.tr("Table (*.csv)")
        )
        if name:
            self._memory.keep_folder("export", Path(name).parent)
            self.write_csv(Path(name))

    def write_csv(self, path: Path) -> None:
        path = path if path.suffix else path.with_suffix(".csv")
        chosen = self.model.filter

        def done(count: int) -> None:
            what = words.counted(count, self.tr("sighting"), self.tr("sightings"))
            self._said(self.tr("Wrote {0} to {1}.").format(what, path.name))

        self.jobs.run(
            self.tr("Export sightings"),
            lambda _: self.services.sightings.export(path, chosen),
            done,
            self.messages.show_error,
            LANE,
            owner=self,
        )

    def show_attendance(self) -> None:
        """Who of a group was there in a period."""
        dialog = AttendanceDialog(self.services, self.jobs, self)
        dialog.setAttribute(Qt.WA_DeleteOnClose)
        dialog.show()

    # -- placing and wiring --------------------------------------------------------------------------
    def _make_actions(self) -> None:
        tr = self.tr
        self.name_action = self._action(tr("This is…"), "person", self.ask_who, "Ctrl+T", self)
        self.enrol_action = self._action(tr("Enrol…"), "enrol", self.enrol, "Ctrl+E", self)
        self.nobody_action = self._action(
            tr("Nobody I know"), "not-this", lambda: self.say(self.selected, None), "", self
        )
        self.delete_action = self._action(tr("Delete"), "delete", self.delete_selected, "Del", self.table)
        self.nobody_action.setToolTip(tr("The name is wrong: this is nobody who is enrolled"))
        self.clear_action = self._action(tr("Delete all…"), "delete", self.delete_shown, "", self)
        self.clear_action.setToolTip(tr("Delete all sightings that are listed above"))
        self.export_action = self._action(tr("Export…"), "export", self.export, "", self)
        self.attendance_action = self._action(
            tr("Attendance…"), "attendance", self.show_attendance, "Ctrl+Shift+A", self
        )
        for action in (self.name_action, self.enrol_action, self.nobody_action):
            self.table.addAction(action)

    def _fill(self) -> None:
        tr = self.tr
        self.source.addItem(tr("Every source"), "")
        for label, days in (
            (tr("Any time"), 0),
            (tr("Today"), 1),
            (tr("The last 7 days"), 7),
            (tr("The last 30 days"), 30),
            (tr("Between…"), BETWEEN),
        ):
            self.period.addItem(label, days)
        self.keep_days.setRange(0, 36_500)
        self.keep_days.setButtonSymbols(QSpinBox.NoButtons)
        self.keep_days.setSpecialValueText(tr("for ever"))
        self.keep_days.setSuffix(tr(" days"))
        self.keep_days.setValue(self.services.settings.current.keep_sightings_days)
        self.keep_days.setToolTip(tr("Older sightings are deleted for good, with their pictures. 0: never."))
        today = QDateTime.currentDateTime()
        self.since.setDateTime(today.addDays(-1))
        self.until.setDateTime(today)
        for widget, name in (
            (self.field, tr("Search sightings")),
            (self.source, tr("Source")),
            (self.period, tr("Time")),
            (self.keep_days, tr("Keep sightings")),
        ):
            widget.setAccessibleName(name)
        self.count.setProperty("role", "quiet")

    def _lay_out(self) -> None:
        filters = QHBoxLayout()
        filters.setSpacing(8)
        filters.addWidget(self.field, 1)
        for widget in (self.source, self.period, self.since, self.until):
            filters.addWidget(widget)
        filters.addWidget(self.count)
        for action in (self.export_action, self.attendance_action):
            filters.addWidget(_button(action))
        acts = QHBoxLayout()
        acts.setSpacing(8)
        for action in (self.name_action, self.enrol_action, self.nobody_action, self.delete_action):
            acts.addWidget(_button(action))
        acts.addStretch(1)
        acts.addWidget(QLabel(self.tr("Keep")))
        acts.addWidget(self.keep_days)
        acts.addWidget(_button(self.clear_action))
        self._dress_table()
        self.empty.say(
            "sightings",
            self.tr("Nobody has been seen yet."),
            self.tr("Whoever is recognised on the Live page is listed here, with time, place and picture."),
            self.tr("Watch a camera or a video"),
        )
        self._body = QStackedWidget()
        self._body.addWidget(self.table)
        self._body.addWidget(self.empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.messages)
        column.addLayout(filters)
        column.addWidget(self._body, 1)
        column.addLayout(acts)
        self.setFocusProxy(self.table)

    def _dress_table(self) -> None:
        table = self.table
        table.setModel(self.model)
        table.setItemDelegate(SightingDelegate(self._tiles, table))
        table.setProperty("role", "painted")
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.Fixed)
        table.verticalHeader().setDefaultSectionSize(ROW)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.Stretch)
        header.setHighlightSections(False)
        header.setSectionResizeMode(len(self.model.headings) - 1, QHeaderView.Fixed)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.setSelectionBehavior(QAbstractItemView.SelectRows)
        table.setSelectionMode(QAbstractItemView.ExtendedSelection)
        table.setVerticalScrollMode(QAbstractItemView.ScrollPerPixel)
        table.setContextMenuPolicy(Qt.ActionsContextMenu)
        table.setAccessibleName(self.tr("Sightings, newest first"))

    def _connect(self) -> None:
        self.field.textChanged.connect(self._typing.start)
        self._typing.timeout.connect(self._search)
        for box in (self.source, self.period):
            box.currentIndexChanged.connect(self._search)
        for edit in (self.since, self.until):
            edit.dateTimeChanged.connect(self._typing.start)
        self.keep_days.valueChanged.connect(self._calm.start)
        self._calm.timeout.connect(self._on_keep_changed)
        self._poll.timeout.connect(self._on_poll)
        self.empty.chosen.connect(self.live_requested)
        self.model.loaded.connect(self._on_loaded)
        self.model.failed.connect(self.messages.show_error)
        self._tiles.loaded.connect(self.table.viewport().update)
        self.table.selectionModel().selectionChanged.connect(self._show_actions)
        self.table.doubleClicked.connect(self.ask_who)
        self._show_actions()

    # -- what happens --------------------------------------------------------------------------------
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._poll.start()
        self._on_poll()

    def hideEvent(self, event: QHideEvent) -> None:
        self._poll.stop()
        super().hideEvent(event)

    def _on_poll(self) -> None:
        """Cameras go on seeing people: the list follows while it is shown."""
        try:
            revision = self.services.sightings.revision()
        except FaceAppError as error:
            self._poll.stop()
            self.messages.show_error(error)
            return
        if revision != self._revision:
            self._revision = revision
            self.model.refresh()

    def _search(self) -> None:
        days = self.period.currentData()
        between = days == BETWEEN
        self.since.setVisible(between)
        self.until.setVisible(between)
        chosen = SightingFilter(source=self.source.currentData() or "", text=self.field.text().strip())
        if between:
            chosen = replace(chosen, since=_utc(self.since), until=_utc(self.until))
        elif days:
            midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
            chosen = replace(chosen, since=(midnight - timedelta(days=days - 1)).astimezone(UTC))
        self.model.search(chosen)

    def _on_loaded(self) -> None:
        total = self.model.total
        self.count.setText(words.counted(total, self.tr("sighting"), self.tr("sightings")))
        unfiltered = self.model.filter == SightingFilter()
        self._body.setCurrentIndex(0 if total or not unfiltered else 1)
        known = [self.source.itemData(index) for index in range(1, self.source.count())]
        if known != self.model.sources:
            self._show_known_sources()
        self._show_actions()

    def _show_known_sources(self) -> None:
        chosen = self.source.currentData()
        self.source.blockSignals(True)
        while self.source.count() > 1:
            self.source.removeItem(1)
        for source in self.model.sources:
            self.source.addItem(source, source)
        self.source.setCurrentIndex(max(0, self.source.findData(chosen)))
        self.source.blockSignals(False)

    def _show_actions(self) -> None:
        chosen = bool(self.table.selectionModel().selectedRows())
        for action in (self.name_action, self.enrol_action, self.nobody_action, self.delete_action):
            action.setEnabled(chosen)
        for action in (self.clear_action, self.export_action):
            action.setEnabled(self.model.total > 0)

    def _on_keep_changed(self) -> None:
        try:
            self.services.settings.change(keep_sightings_days=self.keep_days.value())
        except FaceAppError as error:
            self.messages.show_error(error)
            return
        kept = self.services.sightings
        self._write(self.tr("Delete old sightings"), lambda _: kept.apply_retention(), self._on_deleted)

    def _on_enrolled(self, chosen: list[Sighting], name: str) -> None:
        self.library_changed.emit()
        self.jobs.run(
            self.tr("Read the person"),
            lambda _: self.services.people.named(name),
            lambda person: self.say(chosen, person),
            self.messages.show_error,
            LANE,
            owner=self,
        )

    def _ask(self, what: str, change: Callable[[JobContext], int]) -> None:
        box = QMessageBox(
            QMessageBox.Warning,
            self.tr("Delete sightings"),
            self.tr("Delete {0} for good, with their pictures?").format(what),
            QMessageBox.Cancel,
            self,
        )
        box.setAttribute(Qt.WA_DeleteOnClose)
        delete = box.addButton(self.tr("Delete"), QMessageBox.DestructiveRole)
        delete.clicked.connect(lambda: self._write(self.tr("Delete sightings"), change, self._on_deleted))
        box.open()

    def _on_deleted(self, count: int) -> None:
        if count:
            what = words.counted(count, self.tr("sighting"), self.tr("sightings"))
            self._said(self.tr("Deleted {0}.").format(what))
        else:
            self.model.refresh()

    def _said(self, sentence: str) -> None:
        self.messages.show_message(sentence, kind="success", seconds=NOTICE_SECONDS)
        self.model.refresh()

    def _write(self, title: str, body: Callable[[JobContext], int], done: Callable[[int], None]) -> None:
        self.jobs.run(title, body, done, self.messages.show_error, LANE, owner=self)


def _button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonTextBesideIcon)
    button.setProperty("role", "action")
    return button


def _moment(name: str) -> QDateTimeEdit:
    edit = QDateTimeEdit(calendarPopup=True)
    edit.setDisplayFormat("yyyy-MM-dd HH:mm")
    edit.setAccessibleName(name)
    edit.setToolTip(name)
    return edit


def _utc(edit: QDateTimeEdit) -> datetime:
    return datetime.fromtimestamp(edit.dateTime().toSecsSinceEpoch(), UTC)
