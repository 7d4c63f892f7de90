"""The job that puts the photos of a list into the library, what it says at its end, and its undo."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import QObject, pyqtSignal

from faceapp.errors import FaceAppError
from faceapp.jobs import Job
from faceapp.services import Services
from faceapp.types import PersonName
from ui import enrol_job, words
from ui.changes import Changes, take_back
from ui.enrol_job import Wish
from ui.jobs_qt import JobsQt
from ui.library import LIBRARY
from ui.messages import MessageBar
from ui.person_dialog import EnrolledFace
from ui.photo_source import PhotoSource

UNDO_SECONDS = 30


class Enrolling(QObject):
    """One at a time.

    Signals:
        refused: (key, FaceAppError): this photo was not taken.
        ended: ({key: EnrolledFace}, FaceAppError or None): the job is over, well or not.
        taken_back: the `PhotoSource`s whose enrolment was undone.
    """

    refused = pyqtSignal(int, object)
    ended = pyqtSignal(object, object)
    taken_back = pyqtSignal(object)
    _enrolled = pyqtSignal(int, object)

    def __init__(self, services: Services, jobs: JobsQt, messages: MessageBar, parent: QObject) -> None:
        super().__init__(parent)
        self._services = services
        self._jobs = jobs
        self._messages = messages
        self._job: Job | None = None
        self._done: dict[int, EnrolledFace] = {}
        self._enrolled.connect(self._on_face_enrolled)

    @property
    def job(self) -> Job | None:
        """The one that runs."""
        return self._job

    def start(self, wishes: Sequence[Wish], name: PersonName, person_id: int | None) -> None:
        """Enrol photos; those that wish for nobody else go to `name`, or to the person of that id."""
        self._done = {}
        self._messages.clear()
        self._job = self._jobs.run(
            self.tr("Enrol {name}").format(name=name.full),
            lambda context: enrol_job.enrol_all(
                context, self._services, list(wishes), name, person_id, self._enrolled.emit
            ),
            lambda report: self._on_ended(None),
            self._on_ended,
            kind="enrol",
            resource=LIBRARY,
            owner=self,
        )

    def _on_face_enrolled(self, key: int, outcome: EnrolledFace | FaceAppError) -> None:
        if isinstance(outcome, EnrolledFace):
            self._done[key] = outcome
        else:
            self.refused.emit(key, outcome)

    def _on_ended(self, error: FaceAppError | None) -> None:
        self._job = None
        done, self._done = self._done, {}
        self.ended.emit(done, error)

    def say(self, done: dict[int, EnrolledFace], sources: list[PhotoSource], left: int) -> None:
        """Say who was enrolled, and offer to take it back. left: photos that are still in the list."""
        people = list(dict.fromkeys(each.person.name for each in done.values()))
        changes = sum((each.changes for each in done.values()), Changes())
        text = self.tr("Enrolled {names} with {photos}.").format(
            names=words.listed(people), photos=words.photo_count(len(done))
        )
        hint = self.tr("{photos} left in the list, each with its reason.") if left else ""
        self._messages.show_message(
            text,
            hint.format(photos=words.photo_count(left)),
            kind="success",
            action=(self.tr("Undo"), lambda: self._take_back(changes, sources)),
            seconds=0 if left else UNDO_SECONDS,
        )

    def _take_back(self, changes: Changes, sources: list[PhotoSource]) -> None:
        self._jobs.run(
            self.tr("Undo"),
            lambda _: take_back(self._services, changes),
            lambda _: self.taken_back.emit(sources),
            self._messages.show_error,
            resource=LIBRARY,
            owner=self,
        )
