"""Several entries that are one person: whose name stays?"""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import QRect, QSize, pyqtSignal
from PyQt5.QtGui import QPainter, QPaintEvent
from PyQt5.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from faceapp.types import Person
from ui import words
from ui.crops import Crops
from ui.face_row import paint_person

FACE = 72
MOST_HEIGHT = 360


class PersonFace(QWidget):
    """The face of one person."""

    def __init__(self, person: Person, crops: Crops) -> None:
        super().__init__()
        self._person = person
        self._crops = crops
        self.setFixedSize(QSize(FACE, FACE))
        self.setAccessibleName(person.name)
        crops.loaded.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        paint_person(painter, QRect(0, 0, FACE, FACE), self._crops, self._person)
        painter.end()


class MergeDialog(QDialog):
    """Shows the faces that become one person, asks for the name that stays, and says what happens.

    Signals:
        confirmed: the Person who stays, and the list of those who go.
    """

    confirmed = pyqtSignal(object, object)

    def __init__(self, people: Sequence[Person], crops: Crops, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Merge {0} entries").format(len(people)))
        self.setMinimumWidth(440)
        self._people = sorted(people, key=lambda person: -person.photos)
        self._names = QButtonGroup(self)
        self._sentence = QLabel(wordWrap=True)
        self._sentence.setMinimumHeight(48)
        self._buttons = QDialogButtonBox(QDialogButtonBox.Cancel)
        self._merge = self._buttons.addButton(self.tr("Merge"), QDialogButtonBox.AcceptRole)
        self._merge.setDefault(True)
        question = QLabel(self.tr("Which name stays?"))
        question.setProperty("role", "heading")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(16)
        column.addWidget(question)
        column.addWidget(self._make_rows(crops))
        column.addWidget(self._sentence)
        column.addWidget(self._buttons)
        self._names.buttonClicked.connect(self._say)
        self._buttons.accepted.connect(self._on_accepted)
        self._buttons.rejected.connect(self.reject)
        self._names.button(0).setChecked(True)
        self._say()

    @property
    def sentence(self) -> str:
        """What is about to happen."""
        return str(self._sentence.text())

    def keep(self, person_id: int) -> None:
        """Choose the name that stays."""
        row = [person.id for person in self._people].index(person_id)
        self._names.button(row).setChecked(True)
        self._say()

    def _make_rows(self, crops: Crops) -> QScrollArea:
        body = QWidget()
        grid = QGridLayout(body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(8)
        grid.setColumnStretch(1, 1)
        for row, person in enumerate(self._people):
            name = QRadioButton(f"{person.name}\n{words.photo_count(person.photos)}")
            self._names.addButton(name, row)
            grid.addWidget(PersonFace(person, crops), row, 0)
            grid.addWidget(name, row, 1)
        area = QScrollArea(widgetResizable=True)
        area.setWidget(body)
        area.setFixedHeight(min(MOST_HEIGHT, len(self._people) * (FACE + 8)))
        return area

    def _choice(self) -> tuple[Person, list[Person]]:
        stays = self._people[max(0, self._names.checkedId())]
        return stays, [person for person in self._people if person.id != stays.id]

    def _say(self) -> None:
        stays, others = self._choice()
        photos = words.photo_count(sum(person.photos for person in self._people))
        self._sentence.setText(
            self.tr("{0} will become {1}, with {2} in all. You can undo this.").format(
                words.listed([person.name for person in others]), stays.name, photos
            )
        )

    def _on_accepted(self) -> None:
        stays, others = self._choice()
        self.accept()
        self.confirmed.emit(stays, others)
