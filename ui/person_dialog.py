"""Enrols one face, beside the window."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt5.QtCore import Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QImage, QPixmap
from PyQt5.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from faceapp.errors import FaceAppError
from faceapp.jobs import JobContext
from faceapp.services import Services
from faceapp.types import Face, Person, PersonName, Photo, Refusal
from ui import face_words
from ui.changes import Changes
from ui.images import tile
from ui.jobs_qt import JobsQt
from ui.library import LIBRARY
from ui.messages import MessageBar
from ui.person_form import KnownNames, PersonForm
from ui.verdict import Verdict, VerdictCard, judge

SIDE = 144


@dataclass(frozen=True)
class EnrolledFace:
    person: Person
    step: int

    @property
    def changes(self) -> Changes:
        return Changes((self.step,))


def enrol_face(
    services: Services,
    photo: Photo,
    face: Face,
    name: PersonName,
    person_id: int | None,
    step: int | None = None,
) -> EnrolledFace:
    """Enrol an analysed face. On a job's thread. Raises Conflict when it is enrolled already.

    step: that of the faces before this one, when several are enrolled together.
    """
    enrolled = services.enrolment.enrol_face(photo, face, name, person_id, step)
    return EnrolledFace(enrolled.person, enrolled.step)


class PersonDialog(QDialog):
    """Modeless: the window stays usable. It closes itself when the face is enrolled.

    Signals:
        enrolled: the person's name, and the `Changes` that take it back.
    """

    enrolled = pyqtSignal(str, object)

    def __init__(
        self,
        services: Services,
        jobs: JobsQt,
        photo: Photo,
        face: Face,
        crop: QImage,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Enrol this face"))
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.setModal(False)
        self._services, self._jobs = services, jobs
        self._photo, self._face = photo, face
        self._verdict: Verdict | None = None
        self._anyway = self._busy = False
        self._picture = QLabel()
        self._picture.setPixmap(QPixmap.fromImage(tile(crop, SIDE, self.devicePixelRatioF(), 8)))
        self._quality = QLabel(face_words.quality(face.quality), wordWrap=True)
        self._quality.setProperty("role", "quiet")
        self.form = PersonForm()
        self.card = VerdictCard()
        self.messages = MessageBar()
        self.enrol_button = QPushButton(self.tr("Enrol"))
        self.enrol_button.setDefault(True)
        self.enrol_button.setProperty("role", "primary")
        self._cancel = QPushButton(self.tr("Cancel"))
        self._lay_out()
        self._connect()
        self._update()
        self._jobs.run(self.tr("Names"), lambda _: KnownNames(services.people.find()), self.form.set_known)
        self._jobs.run(
            self.tr("Check the face"),
            lambda _: judge(services, photo, face),
            self._on_judged,
            self._on_failed,
        )

    def _lay_out(self) -> None:
        self._quality.setMaximumWidth(SIDE)
        self._picture.setAccessibleName(self.tr("The face to enrol"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.addWidget(self._picture, 0, 0, Qt.AlignTop)
        grid.addWidget(self._quality, 1, 0, Qt.AlignTop)
        grid.addWidget(self.form, 0, 1, 2, 1, Qt.AlignTop)
        grid.setColumnStretch(1, 1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self._cancel)
        buttons.addWidget(self.enrol_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(self.messages)
        column.addLayout(grid)
        column.addWidget(self.card)
        column.addLayout(buttons)
        self.setMinimumWidth(520)
        self.form.first_name.setFocus()

    def _connect(self) -> None:
        self.form.changed.connect(self._on_name_changed)
        self.card.anyway_chosen.connect(self._on_anyway)
        self.card.twin_chosen.connect(self._on_twin_chosen)
        self.enrol_button.clicked.connect(self.enrol)
        self._cancel.clicked.connect(self.reject)

    def _on_judged(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self._update()

    def _on_name_changed(self) -> None:
        self._anyway = False
        self._update()

    def _on_anyway(self) -> None:
        self._anyway = True
        self._update()
        if self.form.complete:
            self.enrol()
        else:
            self.form.first_name.setFocus()

    def _on_twin_chosen(self, twin: Person) -> None:
        self.form.set_person(twin)
        self.enrol()

    def _standing(self) -> tuple[Refusal, ...]:
        """What still speaks against enrolling the face under the name in the form."""
        if self._verdict is None:
            return ()
        known = self.form.known
        return self._verdict.against(known.id if known else None)

    def _update(self) -> None:
        verdict = self._verdict
        refusals = self._standing()
        barred = verdict is not None and verdict.final is not None
        self.card.setVisible(verdict is None or bool(refusals))
        if verdict is None:
            self.card.say("info", self.tr("The face is being checked…"))
        elif refusals and self._anyway and not barred:
            self.card.say("info", self.tr("It will be enrolled all the same."))
        elif refusals:
            self.card.say_refusals(refusals, verdict.twin, leave=False)
        settled = verdict is not None and not barred and (self._anyway or not refusals)
        self.enrol_button.setEnabled(settled and self.form.complete and not self._busy)
        known = self.form.known
        # What the card says takes more or less room.
        QTimer.singleShot(0, self.adjustSize)
        self.enrol_button.setText(
            self.tr("Add to {name}").format(name=known.name) if known else self.tr("Enrol")
        )

    def enrol(self) -> None:
        """Enrol the face under the name in the form; nothing happens while that is not allowed."""
        if not self.enrol_button.isEnabled():
            return
        self._busy = True
        self._update()
        self.messages.clear()
        name, known = self.form.name(), self.form.known
        person_id = known.id if known else None

        def body(_: JobContext) -> EnrolledFace:
            return enrol_face(self._services, self._photo, self._face, name, person_id)

        title = self.tr("Enrol {name}").format(name=name.full)
        self._jobs.run(title, body, self._on_enrolled, self._on_failed, resource=LIBRARY, owner=self)

    def _on_enrolled(self, enrolled: EnrolledFace) -> None:
        self.enrolled.emit(enrolled.person.name, enrolled.changes)
        self.accept()

    def _on_failed(self, error: FaceAppError) -> None:
        self._busy = False
        self._update()
        self.messages.show_error(error)
