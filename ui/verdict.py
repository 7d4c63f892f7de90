"""What speaks against enrolling a face, and the card that says so and offers the ways out."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from faceapp.services import Services
from faceapp.services.enrolment import FINAL
from faceapp.types import Face, Person, Photo, Refusal
from ui.icon_label import IconLabel

LOOKS_LIKE = "looks_like"
ICON_SIDE = 20


@dataclass(frozen=True)
class Verdict:
    """refusals: all that was found, for nobody in particular. twin: the enrolled person it looks like."""

    refusals: tuple[Refusal, ...] = ()
    twin: Person | None = None

    def against(self, person_id: int | None) -> tuple[Refusal, ...]:
        """What still speaks against it when the face is meant for this person (None: a new one)."""
        its_own = self.twin is not None and self.twin.id == person_id
        return tuple(refusal for refusal in self.refusals if refusal.code != LOOKS_LIKE or not its_own)

    @property
    def final(self) -> Refusal | None:
        """What no "enrol anyway" overrules."""
        return next((refusal for refusal in self.refusals if refusal.code in FINAL), None)


def judge(
    services: Services, photo: Photo, face: Face, refusals: tuple[Refusal, ...] | None = None
) -> Verdict:
    """The verdict on an analysed face. On a job's thread."""
    found = services.enrolment.check(photo, face) if refusals is None else refusals
    if not any(refusal.code == LOOKS_LIKE for refusal in found):
        return Verdict(found)
    best = services.recognition.search(face, top=1).person
    return Verdict(found, best.person if best else None)


class VerdictCard(QFrame):
    """Says what is wrong with a face, one reason below the other, or that nothing is.

    Signals:
        anyway_chosen: enrol in spite of it. twin_chosen: a `Person`, add the face to them instead.
        left_out: do not enrol this photo.
    """

    anyway_chosen = pyqtSignal()
    twin_chosen = pyqtSignal(object)
    left_out = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("messageBar")
        self._twin: Person | None = None
        self._icon = IconLabel("info", ICON_SIDE)
        self._sentence = QLabel(objectName="messageSentence", wordWrap=True)
        self._hint = QLabel(objectName="messageHint", wordWrap=True)
        for label in (self._sentence, self._hint):
            label.setTextFormat(Qt.PlainText)
        self.twin_button = QPushButton()
        self.anyway_button = QPushButton(self.tr("Enrol anyway"))
        self.leave_button = QPushButton(self.tr("Leave out"))
        self._lay_out()
        self.twin_button.clicked.connect(lambda: self.twin_chosen.emit(self._twin))
        self.anyway_button.clicked.connect(self.anyway_chosen)
        self.leave_button.clicked.connect(self.left_out)

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self._sentence)
        words.addWidget(self._hint)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._icon, 0, Qt.AlignTop)
        row.addLayout(words, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.anyway_button)
        buttons.addWidget(self.leave_button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.twin_button, 0, Qt.AlignLeft)
        column.addLayout(buttons)

    def say(
        self,
        kind: str,
        sentence: str,
        hint: str = "",
        twin: Person | None = None,
        anyway: bool = False,
        leave: bool = False,
    ) -> None:
        """kind: "info", "success", "warning" or "error". The buttons show as asked for."""
        self._twin = twin
        self.setProperty("kind", kind)
        for widget in (self, self._sentence, self._hint):
            widget.style().unpolish(widget)
            widget.style().polish(widget)
        signs = {"info": "info", "success": "done", "warning": "warning", "error": "error"}
        self._icon.show_icon(signs[kind])
        self._sentence.setText(sentence)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self.twin_button.setVisible(twin is not None)
        if twin is not None:
            self.twin_button.setText(self.tr("Add to {name} instead").format(name=twin.name))
        self.anyway_button.setVisible(anyway)
        self.leave_button.setVisible(leave)
        self.setAccessibleName(f"{sentence} {hint}".strip())

    def say_refusals(
        self, refusals: tuple[Refusal, ...], twin: Person | None = None, leave: bool = True
    ) -> None:
        """Show reasons, the first as the headline, with the ways out that they leave."""
        final = any(refusal.code in FINAL for refusal in refusals)
        shown = [refusal for refusal in refusals if refusal.code in FINAL] if final else list(refusals)
        lines = [f"{shown[0].hint}"] + [f"{each.sentence} {each.hint}" for each in shown[1:]]
        self.say(
            "info" if final else "warning",
            shown[0].sentence,
            "\n".join(line.strip() for line in lines if line.strip()),
            twin=twin if any(each.code == LOOKS_LIKE for each in shown) else None,
            anyway=not final,
            leave=leave,
        )

    @property
    def sentence(self) -> str:
        return str(self._sentence.text())

    @property
    def hint(self) -> str:
        return str(self._hint.text())
