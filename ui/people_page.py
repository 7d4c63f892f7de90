"""Everybody in the library: find, rename, merge, delete, and hand over to the other pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QCoreApplication, Qt, QTimer, QUrl
from PyQt5.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent
from PyQt5.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from faceapp.errors import Conflict, FaceAppError, NotFound, UnusablePhoto
from faceapp.jobs import JobContext
from faceapp.services import Services
from faceapp.types import Forgotten, Person, PersonName, Photo, StoredFace
from ui import words
from ui.changes import Changes, Recorder, take_back
from ui.crops import Crops
from ui.empty_state import EmptyState
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.library import LIBRARY
from ui.memory import Memory
from ui.merge_dialog import MergeDialog
from ui.messages import UNDO_SECONDS, MessageBar
from ui.name_dialog import NameDialog
from ui.page import Page
from ui.people_list import PeopleList
from ui.people_model import SORTS, PeopleModel
from ui.person_panel import PersonPanel
from ui.person_picker import PersonPicker

TYPING_MS = 150


class PeoplePage(Page):
    """Left the list, right the person."""

    def __init__(self, services: Services, jobs: JobsQt, parent: QWidget | None = None) -> None:
        super().__init__(services, jobs, parent)
        self.setAcceptDrops(True)
        self._wanted: int | None = None
        self.crops = Crops(services, jobs, self)
        self.model = PeopleModel(services, jobs, self)
        self.list = PeopleList(self.model, self.crops)
        self.panel = PersonPanel(self.crops)
        self.notice = MessageBar()
        self.field = QLineEdit(placeholderText=self.tr("Search by name or note"), clearButtonEnabled=True)
        self.order = QComboBox()
        self._count = QLabel()
        self._nobody = EmptyState()
        self._start = self._make_start()
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._make_actions()
        self._lay_out()
        self._connect()
        self.model.search()

    # -- the protocol of pages ---------------------------------------------------------------------
    def open_person(self, person: Person) -> None:
        """Select that person, whatever was searched before."""
        self._wanted = person.id
        if self.field.text():
            self.field.clear()
        elif self.list.select_person(person.id):
            self._wanted = None
        else:
            self.model.refresh()

    def forget_undo(self) -> None:
        self.notice.clear()

    def refresh(self) -> None:
        self.model.refresh()
        self._read_faces()

    # -- changes -------------------------------------------------------------------------------------
    def rename(self, person: Person, name: str) -> None:
        """Give a person another name."""
        parsed = PersonName.parse(name)
        self._edit(person, PersonName(parsed.first_name, parsed.surname, person.note))

    def edit_person(self) -> None:
        """Open the dialog for the selected person."""
        selected = self.list.selected
        if len(selected) != 1:
            return
        dialog = NameDialog(selected[0], self)
        dialog.setAttribute(Qt.WA_DeleteOnClose)
        dialog.chosen.connect(self._edit)
        dialog.open()

    def merge(self, stays: Person, others: list[Person]) -> None:
        """Make several entries one person."""
        ids = [person.id for person in others]
        sentence = self.tr("Merged {0} into {1}.").format(_names(others), stays.name)
        self._wanted = stays.id
        self._write(lambda: self.services.people.merge(stays.id, ids), sentence)

    def merge_selected(self) -> None:
        """Ask which name of the selected people stays; with one selected, first ask for the other."""
        selected = self.list.selected
        if len(selected) > 1:
            self._ask_to_merge(selected)
        elif selected:
            question = self.tr("Who is the same person as {0}?").format(selected[0].name)
            self._pick(
                question, {selected[0].id}, lambda other: self._ask_to_merge([*selected, other], other.id)
            )

    def delete_selected(self) -> None:
        """Delete the selected people; the notice has the way back."""
        people = self.list.selected
        if people:
            self._wanted = self._neighbour()
            ids = [person.id for person in people]
            self._write(
                lambda: self.services.people.delete(ids),
                self.tr("Deleted {0}.").format(_names(people)),
                hint=self.tr("They can come back. “Forget for good…” in the menu leaves nothing behind."),
            )

    def forget_selected(self) -> None:
        """Ask once; then the selected people are gone for good."""
        people = self.list.selected
        if not people:
            return
        box = QMessageBox(
            QMessageBox.Warning,
            self.tr("Forget for good"),
            self.tr("Forget {0} for good? This cannot be undone.").format(_names(people)),
            QMessageBox.Cancel,
            self,
        )
        box.setInformativeText(
            self.tr(
                "Removed: faces, their pictures and vectors, sightings, the recognisers that know them, and "
                "what morphs have learnt. Changes up to the last one that has to do with them leave the "
                "history.\n\n"
                "Not removed: your photo files, results that you saved, and backups of the library."
            )
        )
        box.setAttribute(Qt.WA_DeleteOnClose)
        box.setDefaultButton(QMessageBox.Cancel)
        forget = box.addButton(self.tr("Forget for good"), QMessageBox.DestructiveRole)
        forget.clicked.connect(lambda: self._forget(people))
        box.open()

    def _forget(self, people: list[Person]) -> None:
        ids = [person.id for person in people]
        self._wanted = self._neighbour()

        def done(gone: Forgotten) -> None:
            self.notice.show_message(*_farewell(gone), kind="success" if gone.wiped else "warning")
            self.library_changed.emit()

        self.jobs.run(
            self.tr("Forget"),
            lambda _: self.services.forgetting.forget(ids),
            done,
            self._on_refused,
            resource=LIBRARY,
            owner=self,
        )

    def set_no_swap(self, person: Person, on: bool) -> None:
        """Forbid that this person's face is swapped, or allow it again."""
        forbidden = self.tr("Nobody may swap the face of {0}.")
        allowed = self.tr("The face of {0} may be swapped again.")
        sentence = (forbidden if on else allowed).format(person.name)
        self._write(lambda: self.services.people.set_no_swap(person.id, on), sentence)

    def move_faces(self) -> None:
        """Give the selected faces to another person."""
        person, faces = self.panel.person, self.panel.selected_faces
        if person is None or not faces:
            return
        ids = [face.id for face in faces]

        def move(other: Person) -> None:
            sentence = self.tr("Moved {0} from {1} to {2}.")
            said = sentence.format(words.face_count(len(ids)), person.name, other.name)
            self._write(lambda: self.services.people.move_faces(ids, other.id), said)

        question = self.tr("Who is on the selected photos?")
        self._pick(question, {person.id}, move)

    def remove_faces(self) -> None:
        """Take the selected faces off their person; the photos' files stay."""
        person, faces = self.panel.person, self.panel.selected_faces
        if person is None or not faces:
            return
        ids = [face.id for face in faces]
        sentence = self.tr("Removed {0} of {1}.").format(words.face_count(len(ids)), person.name)
        self._write(lambda: self.services.people.delete_faces(ids), sentence)

    # -- hand-overs ------------------------------------------------------------------------------------
    def find_lookalikes(self) -> None:
        """Search with the selected face, or the person's first one."""
        faces = self.panel.selected_faces or self.panel.faces
        if not faces:
            return
        face = faces[0]

        def body(context: JobContext) -> Photo:
            return self._photo_of(face)

        self.jobs.run(self.tr("Open the photo"), body, self._on_photo_read, self.notice.show_error)

    def add_photos(self) -> None:
        """Enrol more photos of the selected person."""
        if self.panel.person is not None:
            self.enrol_requested.emit(self.panel.person)

    def show_file(self) -> None:
        """Open the selected face's photo in the system's viewer."""
        for face in self.panel.selected_faces[:1]:
            if not QDesktopServices.openUrl(QUrl.fromLocalFile(face.photo.path)):
                self.notice.show_error(_photo_gone(face))

    # -- placing and wiring ------------------------------------------------------------------------------
    def _make_start(self) -> QWidget:
        start = EmptyState()
        start.say(
            "people",
            self.tr("Nobody is enrolled yet."),
            self.tr(
                "Bring in a folder that holds one folder of photos for each person, or begin with one person."
            ),
            self.tr("Import a folder of people…"),
            self.tr("Enrol somebody"),
        )
        start.chosen.connect(self.import_requested)
        start.other_chosen.connect(lambda: self.enrol_requested.emit(None))
        sample = QPushButton(self.tr("Try it with the sample people"), flat=True)
        sample.setProperty("role", "link")
        sample.clicked.connect(self.sample_requested)
        page = QWidget()
        column = QVBoxLayout(page)
        column.addStretch(2)
        column.addWidget(start)
        column.addWidget(sample, 0, Qt.AlignCenter)
        column.addStretch(3)
        return page

    def _make_actions(self) -> None:
        tr = self.tr
        page, people, faces = self, self.list, self.panel.grid
        self.find_action = self._action(tr("Search people"), "find", self._on_find, "Ctrl+F", page)
        self.lookalike_action = self._action(
            tr("Find lookalikes"), "lookalike", self.find_lookalikes, "Ctrl+L", page, people, faces
        )
        self.add_action = self._action(
            tr("Enrol more photos"), "add-photos", self.add_photos, "Ctrl+E", page, people
        )
        self.rename_action = self._action(tr("Rename"), "edit", self._on_rename, "", people)
        self.edit_action = self._action(
            tr("Edit name and note…"), "edit", self.edit_person, "Ctrl+Return", page, people
        )
        # Short enough for the buttons of a small window.
        for action, short in (
            (self.lookalike_action, tr("Lookalikes")),
            (self.add_action, tr("Add photos")),
            (self.edit_action, tr("Edit…")),
        ):
            action.setIconText(short)
        self.merge_action = self._action(tr("Merge…"), "merge", self.merge_selected, "Ctrl+M", page, people)
        self.delete_action = self._action(tr("Delete"), "delete", self.delete_selected, "Del", people)
        self.forget_action = self._action(
            tr("Forget for good…"), "delete", self.forget_selected, "Shift+Del", people
        )
        self.move_action = self._action(tr("Move to another person…"), "move", self.move_faces, "", faces)
        self.file_action = self._action(tr("Open the photo's file"), "photo", self.show_file, "", faces)
        self.remove_action = self._action(tr("Remove this face"), "delete", self.remove_faces, "Del", faces)
        self.panel.take_actions(
            (self.lookalike_action, self.add_action, self.edit_action, self.merge_action, self.delete_action)
        )

    def _lay_out(self) -> None:
        self.field.setAccessibleName(self.tr("Search people"))
        self.field.addAction(icon("find"), QLineEdit.LeadingPosition)
        labels = {"name": self.tr("By name"), "photos": self.tr("Most photos"), "newest": self.tr("Newest")}
        for key in SORTS:
            self.order.addItem(labels[key], key)
        self.order.setAccessibleName(self.tr("Order"))
        self._count.setProperty("role", "quiet")
        self.list.setContextMenuPolicy(Qt.ActionsContextMenu)
        order = QHBoxLayout()
        order.addWidget(self._count, 1)
        order.addWidget(self.order)
        self._found = QStackedWidget()
        self._found.addWidget(self.list)
        self._found.addWidget(self._nobody)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.field)
        column.addLayout(order)
        column.addWidget(self._found, 1)
        self._splitter = QSplitter()
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(left)
        self._splitter.addWidget(self.panel)
        self._splitter.setStretchFactor(1, 1)
        left.setMinimumWidth(260)
        Memory(self.services.paths).restore_splitter("people", self._splitter, [340, 800])
        self._body = QStackedWidget()
        self._body.addWidget(self._splitter)
        self._body.addWidget(self._start)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(8, 8, 8, 8)
        outer.setSpacing(8)
        outer.addWidget(self.notice)
        outer.addWidget(self._body, 1)
        self.setFocusProxy(self.list)

    def _connect(self) -> None:
        self.field.textChanged.connect(self._typing.start)
        self._typing.timeout.connect(self._on_query_changed)
        self.order.currentIndexChanged.connect(self._on_query_changed)
        self.model.loaded.connect(self._on_loaded)
        self.model.failed.connect(self.notice.show_error)
        self.model.rename_requested.connect(self.rename)
        self.list.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.list.doubleClicked.connect(self.edit_person)
        self.panel.selection_changed.connect(self._show_actions)
        self.panel.no_swap_chosen.connect(self.set_no_swap)
        self.panel.grid.doubleClicked.connect(self.find_lookalikes)
        self._show_actions()

    # -- what happens ------------------------------------------------------------------------------
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A folder that is dropped here is imported."""
        if _folders(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        for folder in _folders(event):
            self.services.enrolment.start_import(folder)
        event.acceptProposedAction()

    def _on_find(self) -> None:
        self.field.setFocus()
        self.field.selectAll()

    def _on_rename(self) -> None:
        self.list.edit(self.list.currentIndex())

    def _on_query_changed(self) -> None:
        self.model.search(self.field.text(), self.order.currentData())

    def _on_loaded(self) -> None:
        shown = self.model.rowCount()
        searched = bool(self.model.text.strip())
        self._body.setCurrentIndex(0 if shown or searched else 1)
        self._found.setCurrentIndex(0 if shown else 1)
        self._count.setText(words.people_count(shown))
        if searched and not shown:
            self._nobody.say("find", self.tr("Nobody is called “{0}”.").format(self.model.text.strip()))
        wanted, self._wanted = self._wanted, None
        found = wanted is not None and self.list.select_person(wanted)
        if not found and shown and not self.list.selected:
            self.list.setCurrentIndex(self.model.index(0))
        self._on_selection_changed()

    def _on_selection_changed(self) -> None:
        self.panel.show_people(self.list.selected)
        self._show_actions()
        self._read_faces()

    def _neighbour(self) -> int | None:
        """Who stands next to the selected people: they are selected when those are gone."""
        rows = self.model.rows_of(person.id for person in self.list.selected)
        everybody = self.model.people
        after, before = rows[-1] + 1, rows[0] - 1
        if after < len(everybody):
            return everybody[after].id
        return everybody[before].id if before >= 0 else None

    def _show_actions(self) -> None:
        """Only what can be done now can be chosen."""
        people = len(self.list.selected)
        faces = len(self.panel.selected_faces)
        self.lookalike_action.setEnabled(people == 1 and bool(self.panel.faces))
        for action in (self.add_action, self.rename_action, self.edit_action):
            action.setEnabled(people == 1)
        self.merge_action.setEnabled(people > 0)
        self.delete_action.setEnabled(people > 0)
        self.forget_action.setEnabled(people > 0)
        for action in (self.move_action, self.remove_action):
            action.setEnabled(faces > 0)
        self.file_action.setEnabled(faces == 1)

    def _read_faces(self) -> None:
        person = self.panel.person
        if person is None:
            return

        def body(context: JobContext) -> list[StoredFace]:
            return self.services.people.faces(person.id)

        def done(faces: list[StoredFace]) -> None:
            if self.panel.person is not None and self.panel.person.id == person.id:
                self.panel.show_faces(faces)
                self._show_actions()

        def failed(error: FaceAppError) -> None:
            # Somebody else has just deleted this person: the list will say so in a moment.
            if not isinstance(error, NotFound):
                self.notice.show_error(error)

        self.jobs.run(self.tr("Read the photos"), body, done, failed, resource=LIBRARY, owner=self)

    # -- writing -------------------------------------------------------------------------------------
    def _write(
        self,
        change: Callable[[], Any],
        sentence: str,
        refused: Callable[[FaceAppError], object] | None = None,
        hint: str = "",
    ) -> None:
        """Make a change off the main thread; then say what happened, with the way back."""

        def body(context: JobContext) -> Changes:
            recorder = Recorder(self.services)
            change()
            return recorder.changes()

        def done(changes: Changes) -> None:
            if changes.entries:
                undo = (self.tr("Undo"), lambda: self._take_back(changes))
                self.notice.show_message(
                    sentence, hint, kind="success", action=undo, seconds=UNDO_SECONDS
                )
            self.library_changed.emit()

        title = self.tr("Change the library")
        self.jobs.run(title, body, done, refused or self._on_refused, resource=LIBRARY, owner=self)

    def _take_back(self, changes: Changes) -> None:
        def body(context: JobContext) -> None:
            take_back(self.services, changes)

        def done(_: None) -> None:
            self.library_changed.emit()

        self.jobs.run(self.tr("Undo"), body, done, self._on_refused, resource=LIBRARY, owner=self)

    def _on_refused(self, error: FaceAppError) -> None:
        self.notice.show_error(error)
        self.refresh()

    def _edit(self, person: Person, name: PersonName) -> None:
        def change() -> Person:
            return self.services.people.edit(person.id, name.first_name, name.surname, name.note)

        def refused(error: FaceAppError) -> None:
            if isinstance(error, Conflict):
                self._offer_merge(person, name, error)
                self.refresh()
            else:
                self._on_refused(error)

        renamed = self.tr("Renamed {0} to {1}.").format(person.name, name.full)
        changed = self.tr("Changed the entry of {0}.").format(name.full)
        self._write(change, renamed if name.full != person.name else changed, refused)

    def _offer_merge(self, person: Person, name: PersonName, error: Conflict) -> None:
        """The name is taken: perhaps it is the same person."""
        other = self.services.people.named(name.full)
        merge = (self.tr("Merge…"), lambda: self._ask_to_merge([person, other], other.id))
        self.notice.show_message(error.sentence, error.hint, "warning", merge)

    def _ask_to_merge(self, people: list[Person], keep: int | None = None) -> None:
        dialog = MergeDialog(people, self.crops, self)
        dialog.setAttribute(Qt.WA_DeleteOnClose)
        dialog.confirmed.connect(self.merge)
        if keep is not None:
            dialog.keep(keep)
        dialog.open()

    def _pick(self, question: str, besides: set[int], then: Callable[[Person], object]) -> None:
        picker = PersonPicker(self.services, self.jobs, self.crops, question, besides, self)
        picker.setAttribute(Qt.WA_DeleteOnClose)
        picker.picked.connect(then)
        picker.open()

    # -- photos --------------------------------------------------------------------------------------
    def _photo_of(self, face: StoredFace) -> Photo:
        """The photo that a face is on, or its kept crop where the file has gone. On the job's thread."""
        from faceapp.pipeline.photos import decode_photo, read_photo

        try:
            return read_photo(face.photo.path)
        except (NotFound, UnusablePhoto):
            return decode_photo(self.services.people.crop(face.id), Path(face.photo.path).name)

    def _on_photo_read(self, photo: Photo) -> None:
        if not photo.path:
            said = self.tr("The file {0} is no longer there: the crop that was kept is searched.")
            self.notice.show_message(said.format(photo.name), kind="warning")
        self.lookalike_requested.emit(photo)


def _names(people: list[Person]) -> str:
    return words.listed([person.name for person in people])


def _farewell(gone: Forgotten) -> tuple[str, str]:
    """What went, and what could not."""
    tr = QCoreApplication.translate
    sentence = tr("PeoplePage", "Forgot {0} for good.").format(words.listed(list(gone.people)))
    hints = []
    if gone.recognisers:
        said = tr("PeoplePage", "Deleted with them, for it knew them: {0}.")
        hints.append(said.format(words.listed(list(gone.recognisers))))
    if not gone.wiped:
        hints.append(
            tr(
                "PeoplePage",
                "Traces are left in the library's file: another program is reading it, or the disk is full.",
            )
        )
    if gone.backups:
        said = tr("PeoplePage", "Older copies of the library still hold them, in the folder {0}.")
        hints.append(said.format(Path(gone.backups[0]).parent))
    return sentence, " ".join(hints)


def _photo_gone(face: StoredFace) -> FaceAppError:
    name = Path(face.photo.path).name
    return NotFound("no_such_file", f"The file {name} cannot be opened.", "Was it moved or renamed?")


def _folders(event: QDropEvent) -> list[Path]:
    places = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return [place for place in places if place.is_dir()]
