"""One enrolled person beside the searched face."""

from __future__ import annotations

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QImage, QMouseEvent, QPixmap, QResizeEvent
from PyQt5.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from faceapp.types import Match
from ui import face_words
from ui.elided_label import ElidedLabel
from ui.icons import icon
from ui.images import tile

SIDE = 64
MARGIN, GAP = 12, 4


class MatchRow(QFrame):
    """Both faces, the name, how alike they are, and what can be done about it.

    Signals carry the `Match`: compare_wanted, morph_wanted, people_wanted, rejected.
    """

    compare_wanted = pyqtSignal(object)
    morph_wanted = pyqtSignal(object)
    people_wanted = pyqtSignal(object)
    rejected = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self._match: Match | None = None
        self._query = _picture(self.tr("The searched face"))
        self._person = _picture(self.tr("The enrolled person"))
        self._name = ElidedLabel()
        self._name.setProperty("role", "heading")
        self._badge = QLabel()
        self._resemblance = ElidedLabel()
        self._distance = QLabel()
        self._distance.setProperty("role", "quiet")
        self.compare_button = _button("compare", self.tr("Compare"), self.tr("See both large, side by side"))
        self.morph_button = _button(
            "morph", self.tr("Morph"), self.tr("Turn the searched face into this person")
        )
        self.people_button = _button(
            "people", self.tr("People"), self.tr("Show this person on the People page")
        )
        self.reject_button = _button(
            "not-this",
            self.tr("Not them"),
            self.tr("Remember that this is somebody else, and leave this result out"),
        )
        self._buttons = (self.compare_button, self.morph_button, self.people_button, self.reject_button)
        self._lay_out()
        # As narrow as the column that it stands in: see `resizeEvent`.
        self.setMinimumWidth(1)
        self.compare_button.clicked.connect(lambda: self.compare_wanted.emit(self._match))
        self.morph_button.clicked.connect(lambda: self.morph_wanted.emit(self._match))
        self.people_button.clicked.connect(lambda: self.people_wanted.emit(self._match))
        self.reject_button.clicked.connect(lambda: self.rejected.emit(self._match))

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        for label in (self._name, self._badge, self._resemblance, self._distance):
            words.addWidget(label)
        words.addStretch(1)
        pictures = QHBoxLayout()
        pictures.setSpacing(4)
        pictures.addWidget(self._query, 0, Qt.AlignTop)
        pictures.addWidget(self._person, 0, Qt.AlignTop)
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP)
        for button in self._buttons:
            buttons.addWidget(button)
        buttons.addStretch(1)
        grid = QGridLayout(self)
        grid.setContentsMargins(MARGIN, 12, MARGIN, 8)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        grid.addLayout(pictures, 0, 0, Qt.AlignTop)
        grid.addLayout(words, 0, 1)
        grid.addLayout(buttons, 1, 0, 1, 2)

    @property
    def match(self) -> Match | None:
        return self._match

    def show_match(self, match: Match, explanation: str) -> None:
        """explanation: rich text for a hover over the numbers."""
        if self._match is None or self._match.face_id != match.face_id:
            self._person.clear()
        self._match = match
        self._name.setText(match.person.name)
        face_words.show_badge(self._badge, match)
        self._resemblance.setText(face_words.resemblance(match))
        self._distance.setText(face_words.distance(match))
        for label in (self._badge, self._resemblance, self._distance):
            label.setToolTip(explanation)
        self.setAccessibleName(
            f"{match.person.name}. {face_words.badge(match)[2:]}. {face_words.resemblance(match)}."
        )

    def show_query(self, picture: QImage) -> None:
        self._query.setPixmap(_tile(self, picture))

    def show_person(self, picture: QImage) -> None:
        self._person.setPixmap(_tile(self, picture))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where four words have no room, the last ones are told by their icons and tooltips alone."""
        super().resizeEvent(event)
        room = self.contentsRect().width() - 2 * MARGIN
        for count in range(len(self._buttons), -1, -1):
            styles = [Qt.ToolButtonTextBesideIcon] * count
            styles += [Qt.ToolButtonIconOnly] * (len(self._buttons) - count)
            for button, style in zip(self._buttons, styles, strict=True):
                button.setToolButtonStyle(style)
            if sum(button.sizeHint().width() + GAP for button in self._buttons) <= room + GAP:
                return

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.LeftButton:
            self.compare_wanted.emit(self._match)


def _tile(widget: QWidget, picture: QImage) -> QPixmap:
    if picture.isNull():
        return QPixmap()
    return QPixmap.fromImage(tile(picture, SIDE, widget.devicePixelRatioF(), 6))


def _picture(name: str) -> QLabel:
    label = QLabel(alignment=Qt.AlignCenter)
    label.setFixedSize(SIDE, SIDE)
    label.setAccessibleName(name)
    label.setToolTip(name)
    return label


def _button(name: str, text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setIcon(icon(name))
    button.setText(text)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setToolButtonStyle(Qt.ToolButtonTextBesideIcon)
    return button
