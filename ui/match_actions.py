"""What can be done with a face that was searched, and with somebody it resembles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtWidgets import QAction, QApplication, QFileDialog, QMenu, QWidget

from faceapp.jobs import JobContext
from faceapp.services import Services
from faceapp.types import Match, Photo
from ui import handover, match_export
from ui.changes import Changes, Recorder, take_back
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.library import LIBRARY
from ui.memory import Memory
from ui.messages import UNDO_SECONDS, MessageBar
from ui.person_dialog import PersonDialog
from ui.search_job import Found


@dataclass(frozen=True, eq=False)
class Chosen:
    """photo, found: None until they are there. index: of the face that is selected, -1 for none."""

    photo: Photo | None = None
    found: Found | None = None
    index: int = -1


class MatchActions(QObject):
    """Enrols, hands over, rejects, copies and saves, and offers to take back what it wrote.

    Signals:
        written: the library was written to.
        compare_wanted: a `Match` to show beside the face. compare_ended: there is nothing to compare now.
        morph_requested, swap_requested, enrol_requested, people_requested: as those of a `Page`.
    """

    written = pyqtSignal()
    compare_wanted = pyqtSignal(object)
    compare_ended = pyqtSignal()
    morph_requested = pyqtSignal(object)
    swap_requested = pyqtSignal(object)
    enrol_requested = pyqtSignal(object)
    people_requested = pyqtSignal(int)

    def __init__(
        self,
        services: Services,
        jobs: JobsQt,
        messages: MessageBar,
        chosen: Callable[[], Chosen],
        window: QWidget,
    ) -> None:
        """chosen: tells what is shown at that moment."""
        super().__init__(window)
        self._services = services
        self._jobs = jobs
        self._messages = messages
        self._memory = Memory(services.paths)
        self._chosen = chosen
        self._window = window

    @property
    def _photo(self) -> Photo | None:
        return self._chosen().photo

    @property
    def _found(self) -> Found | None:
        return self._chosen().found

    @property
    def _selected(self) -> int:
        return self._chosen().index

    def menu(self, index: int) -> QMenu | None:
        """The menu of a face, or of the photo alone where `index` is -1."""
        if self._photo is None:
            return None
        menu = QMenu(self._window)
        if index >= 0 and self._found is not None:
            _act(menu, "enrol", self.tr("Enrol this face…"), self.enrol_face)
            best = next(iter(self._found.faces[index].matches), None)
            if best is not None:
                self._add_match_actions(menu, best)
            menu.addSeparator()
            _act(menu, "copy", self.tr("Copy the face"), lambda: self._copy_face(index))
        _act(menu, "swap", self.tr("Swap faces on this photo"), self._swap_photo)
        _act(menu, "add-photos", self.tr("Open the photo on the Enrol page"), self._enrol_photo)
        return menu

    def _add_match_actions(self, menu: QMenu, match: Match) -> None:
        name = match.person.name
        _act(
            menu,
            "compare",
            self.tr("Compare with {name}").format(name=name),
            lambda: self.compare_wanted.emit(match),
        )
        _act(menu, "morph", self.tr("Morph into {name}").format(name=name), lambda: self.morph_with(match))
        _act(
            menu,
            "swap",
            self.tr("Put {name}'s face here").format(name=name),
            lambda: self.swap_with(match),
        )
        show = self.tr("Show {name} in People").format(name=name)
        _act(menu, "people", show, lambda: self.people_requested.emit(match.person.id))
        _act(menu, "not-this", self.tr("Not {name}").format(name=name), lambda: self.reject(match))

    def _copy_face(self, index: int) -> None:
        assert self._found is not None
        QApplication.clipboard().setImage(self._found.crops[index])

    def _enrol_photo(self) -> None:
        if self._photo is not None:
            self.enrol_requested.emit(self._photo)

    def _swap_photo(self) -> None:
        if self._photo is not None:
            self.swap_requested.emit([self._photo])

    def morph_with(self, match: Match) -> None:
        """Take the selected face and an enrolled one to the Morph page."""
        photo, found = self._photo, self._found
        if photo is None or found is None or self._selected < 0:
            return
        boxes, index = [one.face.box for one in found.faces], self._selected

        def body(_: JobContext) -> list[Photo]:
            mine = handover.alone(photo, boxes, index)
            return [mine, handover.enrolled(self._services, match.face_id)]

        self._hand_over(match, body, self.morph_requested.emit)

    def swap_with(self, match: Match) -> None:
        """Take this photo and an enrolled face to the Swap page."""
        photo = self._photo
        if photo is None:
            return

        def body(_: JobContext) -> list[Photo]:
            return [photo, handover.enrolled(self._services, match.face_id)]

        self._hand_over(match, body, self.swap_requested.emit)

    def _hand_over(
        self, match: Match, body: Callable[[JobContext], list[Photo]], tell: Callable[[list[Photo]], object]
    ) -> None:
        title = self.tr("Open the photo of {name}").format(name=match.person.name)
        self._jobs.run(title, body, tell, self._messages.show_error, owner=self)

    def enrol_face(self) -> None:
        """Open the enrol-person dialog for the selected face, beside the window."""
        if self._photo is None or self._found is None or self._selected < 0:
            return
        found = self._found.faces[self._selected]
        crop = self._found.crops[self._selected]
        dialog = PersonDialog(self._services, self._jobs, self._photo, found.face, crop, self._window)
        dialog.enrolled.connect(self._on_enrolled)
        dialog.show()

    def _on_enrolled(self, name: str, changes: Changes) -> None:
        self._said_with_undo(self.tr("Enrolled {name}.").format(name=name), changes)
        self.written.emit()

    def reject(self, match: Match) -> None:
        """Remember that the selected face is not this person."""
        if self._found is None or self._selected < 0:
            return
        face = self._found.faces[self._selected].face

        def body(_: JobContext) -> Changes:
            recorder = Recorder(self._services)
            self._services.recognition.reject(match.person.id, face)
            return recorder.changes()

        sentence = self.tr("Remembered: this is not {name}.").format(name=match.person.name)
        self._jobs.run(
            self.tr("Remember"),
            body,
            lambda changes: self._on_rejected(sentence, changes),
            self._messages.show_error,
            resource=LIBRARY,
            owner=self,
        )

    def _on_rejected(self, sentence: str, changes: Changes) -> None:
        self._said_with_undo(sentence, changes)
        self.compare_ended.emit()
        self.written.emit()

    def _said_with_undo(self, sentence: str, changes: Changes) -> None:
        action = (self.tr("Undo"), lambda: self._take_back(changes))
        self._messages.show_message(sentence, kind="success", action=action, seconds=UNDO_SECONDS)

    def _take_back(self, changes: Changes) -> None:
        self._jobs.run(
            self.tr("Undo"),
            lambda _: take_back(self._services, changes),
            lambda _: self.written.emit(),
            self._messages.show_error,
            resource=LIBRARY,
            owner=self,
        )

    def copy_results(self) -> None:
        """Put the matches of all faces onto the clipboard, as a table."""
        if self._found is not None:
            QApplication.clipboard().setText(match_export.as_table(self._found.faces))
            self._messages.show_message(
                self.tr("The results were copied as a table."), kind="success", seconds=5
            )

    def ask_place(self) -> None:
        """Ask where the results are to be saved."""
        stem = Path(self._photo.name).stem if self._photo is not None and self._photo.name else "photo"
        place = str(Path(self._memory.folder("results")) / f"{stem}-lookalikes.json")
        title = self.tr("Save the results")
        name, _ = QFileDialog.getSaveFileName(
            self._window, title, place, self.tr("JSON (*.json);;Table (*.csv)")
        )
        if name:
            self.save_results(Path(name))

    def save_results(self, path: Path) -> None:
        """Write the matches of all faces: a table where the name ends in .csv, JSON otherwise."""
        if self._found is None:
            return
        self._memory.keep_folder("results", path.parent)
        faces = self._found.faces
        self._jobs.run(
            self.tr("Save the results"),
            lambda _: match_export.save(path, faces),
            lambda saved: self._messages.show_message(
                self.tr("Saved as {name}.").format(name=saved.name), kind="success", seconds=5
            ),
            self._messages.show_error,
            resource="files",
            owner=self,
        )


def _act(menu: QMenu, name: str, text: str, call: object) -> QAction:
    action = menu.addAction(icon(name), text)
    action.triggered.connect(lambda _=False: call())  # type: ignore[operator]
    return action
