"""The right side of the People page: one person with all photos, or what can be done with several."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import QRect, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QPainter, QPaintEvent
from PyQt5.QtWidgets import (
    QAction,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from faceapp.types import Person, StoredFace
from ui import words
from ui.crops import Crops
from ui.empty_state import EmptyState
from ui.face_row import paint_person
from ui.faces_view import FacesModel, FacesView

COVER = 96
STACK = 5


class PersonPanel(QFrame):
    """Signals:
    selection_changed: other faces are selected.
    no_swap_chosen: the Person, and whether their face must never be swapped.
    """

    selection_changed = pyqtSignal()
    no_swap_chosen = pyqtSignal(object, bool)

    def __init__(self, crops: Crops) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.person: Person | None = None
        self._faces = FacesModel(self)
        self._covers = _Covers(crops)
        self._name = QLabel(wordWrap=True)
        self._name.setProperty("role", "title")
        self._about = QLabel()
        self._about.setProperty("role", "quiet")
        self._note = QLabel(wordWrap=True)
        self.no_swap = QCheckBox(self.tr("Never swap this person's face"))
        self._buttons = QHBoxLayout()
        self.grid = FacesView(self._faces, crops)
        self._empty = EmptyState()
        self._without = EmptyState()
        self._body = QStackedWidget()
        self._lay_out()
        self.grid.selectionModel().selectionChanged.connect(self.selection_changed)
        self._faces.modelReset.connect(self.selection_changed)
        self.no_swap.clicked.connect(self._on_no_swap_clicked)
        self.show_people([])

    @property
    def faces(self) -> list[StoredFace]:
        """All faces of the person who is shown."""
        return self._faces.faces

    @property
    def selected_faces(self) -> list[StoredFace]:
        return self.grid.selected

    def take_actions(self, actions: Sequence[QAction]) -> None:
        """The buttons below the name."""
        for action in actions:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonTextBesideIcon)
            button.setIconSize(QSize(20, 20))
            button.setProperty("role", "action")
            button.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)
            self._buttons.addWidget(button)
        self._buttons.addStretch(1)

    def show_people(self, people: Sequence[Person]) -> None:
        """One person, several, or nobody. Their photos come with `show_faces`."""
        before = self.person
        self.person = people[0] if len(people) == 1 else None
        if before is None or self.person is None or before.id != self.person.id:
            self._faces.show([])
        self._covers.show_people(people)
        self._name.setText(words.listed([person.name for person in people]))
        photos = words.photo_count(sum(person.photos for person in people))
        several = self.tr("{0} selected, {1}").format(words.people_count(len(people)), photos)
        self._about.setText(several if len(people) > 1 else self._when(people[0], photos) if people else "")
        self._note.setText(self.person.note if self.person else "")
        self._note.setVisible(bool(self._note.text()))
        self.no_swap.setVisible(self.person is not None)
        self.no_swap.setChecked(self.person is not None and self.person.no_swap)
        self._body.setCurrentIndex(1 if people else 0)
        self.grid.setVisible(self.person is not None and bool(self.person.photos))
        self._without.setVisible(not self.grid.isVisibleTo(self))
        if self.person is not None and not self.person.photos:
            sentence = self.tr("{0} has no photo.").format(self.person.name)
            self._without.say(
                "photo", sentence, self.tr("Without one, nobody can be recognised as this person.")
            )
        elif len(people) > 1:
            self._without.say("merge", "", self.tr("Are they the same person? Merge them into one."))

    def show_faces(self, faces: list[StoredFace]) -> None:
        """The photos of the person who is shown."""
        self._faces.show(faces)

    def _on_no_swap_clicked(self, on: bool) -> None:
        if self.person is not None:
            self.no_swap_chosen.emit(self.person, on)

    def _when(self, person: Person, photos: str) -> str:
        if person.created is None:
            return photos
        day = person.created.astimezone().strftime("%d %B %Y").lstrip("0")
        return self.tr("{0}, enrolled {1}").format(photos, day)

    def _lay_out(self) -> None:
        self._empty.say("person", "", self.tr("Choose a person to see their photos."))
        self._buttons.setSpacing(8)
        for label in (self._name, self._note):
            label.setTextFormat(Qt.PlainText)
            label.setTextInteractionFlags(Qt.TextSelectableByMouse)
        titles = QVBoxLayout()
        titles.setSpacing(2)
        titles.addStretch(1)
        self.no_swap.setToolTip(self.tr(
            "Swapping this face, or putting it on somebody else, is refused: for people who did not agree."
        ))
        for widget in (self._name, self._about, self._note, self.no_swap):
            titles.addWidget(widget)
        titles.addStretch(1)
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(self._covers, 0, Qt.AlignTop)
        head.addLayout(titles, 1)
        line = QFrame()
        line.setProperty("role", "line")
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(16, 16, 16, 8)
        column.setSpacing(12)
        column.addLayout(head)
        column.addLayout(self._buttons)
        column.addWidget(line)
        column.addWidget(self.grid, 1)
        column.addWidget(self._without, 1)
        self._body.addWidget(self._empty)
        self._body.addWidget(full)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._body)


class _Covers(QWidget):
    """The face of one person, or of several one beside the other."""

    def __init__(self, crops: Crops) -> None:
        super().__init__()
        self._crops = crops
        self._people: Sequence[Person] = ()
        crops.loaded.connect(self.update)

    def show_people(self, people: Sequence[Person]) -> None:
        self._people = people[:STACK]
        step = COVER // 2 if len(people) > 1 else 0
        self.setFixedSize(QSize(COVER + step * max(0, len(self._people) - 1), COVER))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        for place in range(len(self._people) - 1, -1, -1):
            area = QRect(place * (COVER // 2), 0, COVER, COVER)
            paint_person(painter, area, self._crops, self._people[place])
        painter.end()
