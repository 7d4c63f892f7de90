"""What can be done with a face that is followed: ask why, say who it is, enrol it, look for lookalikes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PyQt5.QtCore import QObject, Qt, pyqtSignal
from PyQt5.QtWidgets import QWidget

from faceapp.errors import FaceAppError
from faceapp.jobs import JobContext
from faceapp.live import Decision
from faceapp.services import Services
from faceapp.stream.watcher import Why
from faceapp.types import Person, Photo
from ui import live_face
from ui.crops import Crops
from ui.jobs_qt import JobsQt
from ui.library import LIBRARY
from ui.live_face import FoundFace
from ui.live_feed import Feed
from ui.messages import NOTICE_SECONDS, MessageBar
from ui.person_dialog import PersonDialog
from ui.person_picker import PersonPicker
from ui.track_panel import TrackPanel

LANE = "live"


class TrackActions(QObject):
    """Works on the selected track of `feed`, which the page sets.

    Signals:
        lookalike_requested: a `Photo` whose face shall be searched.
        library_changed: somebody was enrolled.
    """

    lookalike_requested = pyqtSignal(object)
    library_changed = pyqtSignal()

    def __init__(
        self, services: Services, jobs: JobsQt, panel: TrackPanel, messages: MessageBar, window: QWidget
    ) -> None:
        super().__init__(window)
        self._services = services
        self._jobs = jobs
        self._panel = panel
        self._messages = messages
        self._window = window
        self._crops = Crops(services, jobs, self)
        self._why: Why | None = None
        self._reading_why = False
        self.feed: Feed | None = None
        panel.enrol_wanted.connect(self.enrol)
        panel.name_wanted.connect(self.name)
        panel.search_wanted.connect(self.search)

    # -- why -----------------------------------------------------------------------------------------
    def show_feed(self, feed: Feed | None) -> None:
        """Turn to another source, or to none; nothing of it is selected."""
        self.feed, self._why = feed, None
        self._panel.show_rows(feed.rows.values() if feed is not None else ())

    def show_rows(self) -> None:
        """The tracks say something else."""
        self._panel.show_rows(self.feed.rows.values() if self.feed is not None else ())
        self._show_why()

    def choose(self) -> None:
        """Another track was selected."""
        self._why = None
        self._show_why()
        self.read_why()

    def read_why(self) -> None:
        """It waits for the frame at work, so not on the main thread; one reading at a time."""
        feed, track_id = self.feed, self._panel.selected
        if feed is None or not track_id or self._reading_why:
            return
        self._reading_why = True

        def done(why: Why | None) -> None:
            self._reading_why = False
            if feed is self.feed and track_id == self._panel.selected:
                self._why = why
                row = feed.rows.get(track_id)
                if row is not None:
                    self._panel.why.show_row(row, why)

        def failed(error: FaceAppError) -> None:
            self._reading_why = False
            self._messages.show_error(error)

        self._jobs.run(self.tr("Why"), lambda _: feed.session.why(track_id), done, failed, LANE, owner=self)

    def _show_why(self) -> None:
        row = self.feed.rows.get(self._panel.selected) if self.feed is not None else None
        if row is None:
            self._panel.why.clear()
            return
        why = self._why if self._why is not None and self._why.track_id == row.id else None
        self._panel.why.show_row(row, why)
        if why is None or why.decision is not row.face.decision:
            self.read_why()

    # -- saying who it is ----------------------------------------------------------------------------
    def name(self) -> None:
        """Say who the selected face is."""
        feed, track_id = self.feed, self._panel.selected
        if feed is None or not track_id:
            return
        question = self.tr("Who is face {0}?").format(track_id)
        picker = PersonPicker(self._services, self._jobs, self._crops, question, set(), self._window)
        picker.setAttribute(Qt.WA_DeleteOnClose)
        picker.picked.connect(lambda person: self.say(feed, track_id, person))
        picker.open()

    def say_nobody(self) -> None:
        """The selected face is nobody who is enrolled."""
        if self.feed is not None and self._panel.selected:
            self.say(self.feed, self._panel.selected, None)

    def say(self, feed: Feed, track_id: int, person: Person | None) -> None:
        """The user has said who a track is; a visitor gets the name in all earlier sightings too."""
        row = feed.rows.get(track_id)
        decision = row.face.decision if row is not None else None
        visitor = decision.visitor if decision is not None else None

        def body(_: JobContext) -> int:
            feed.session.say(track_id, person)
            if visitor is None or person is None:
                return 0
            return self._services.sightings.name_visitor(visitor, person.id)

        def done(renamed: int) -> None:
            before = decision or Decision(None, None, None, (), 0, feed.settings.method)
            feed.say(track_id, replace(before, person=person, visitor=None, reason=self.tr("You said so.")))
            name = person.name if person is not None else self.tr("nobody who is enrolled")
            text = self.tr("Face {0} is {1}.").format(track_id, name)
            if renamed:
                text += " " + self.tr("{0} earlier sightings have the name now.").format(renamed)
            self._messages.show_message(text, kind="success", seconds=NOTICE_SECONDS)
            self.read_why()

        title = self.tr("Correct a name")
        self._jobs.run(title, body, done, self._messages.show_error, LIBRARY, owner=self)

    # -- enrolling and searching ---------------------------------------------------------------------
    def enrol(self) -> None:
        """Open the enrol-person dialog with the selected face, as it is in the picture now."""
        feed, track_id = self.feed, self._panel.selected

        def then(found: object) -> None:
            if feed is not None and isinstance(found, FoundFace):
                self._show_enrolment(feed, track_id, found)

        self._with_face(self.tr("Look at the face"), then, analysed=True)

    def search(self) -> None:
        """Look for lookalikes of the selected face."""
        self._with_face(self.tr("Cut the face out"), self.lookalike_requested.emit, analysed=False)

    def _with_face(self, title: str, then: Callable[[object], object], analysed: bool) -> None:
        """Cut the selected face out of the newest frame behind the window, and go on with it."""
        feed, track_id = self.feed, self._panel.selected
        if feed is None or feed.result is None or not track_id:
            return
        result, face, name = feed.result, feed.face(track_id), feed.spec.name
        if face is None:
            self._messages.show_error(live_face.gone())
            return

        def body(_: JobContext) -> FoundFace | Photo:
            if analysed:
                return live_face.find(self._services, result, face.box, name)
            return live_face.cut(result, face.box, name)[0]

        self._jobs.run(title, body, then, self._messages.show_error, LANE, owner=self)

    def _show_enrolment(self, feed: Feed, track_id: int, found: FoundFace) -> None:
        dialog = PersonDialog(
            self._services, self._jobs, found.photo, found.face, found.crop, self._window
        )
        dialog.enrolled.connect(lambda name, _: self._on_enrolled(feed, track_id, name))
        dialog.show()

    def _on_enrolled(self, feed: Feed, track_id: int, name: str) -> None:
        """Whoever was enrolled from a track is who the track is."""
        self.library_changed.emit()
        self._jobs.run(
            self.tr("Read the person"),
            lambda _: self._services.people.named(name),
            lambda person: self.say(feed, track_id, person),
            self._messages.show_error,
            LIBRARY,
            owner=self,
        )
