"""What stands where there is nothing yet: an icon, a sentence, how to begin."""

from __future__ import annotations

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QPalette, QResizeEvent
from PyQt5.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from ui.icon_label import IconLabel

ICON_SIDE = 56


class EmptyState(QWidget):
    """One sentence, at most two buttons. Empty itself until `say`."""

    chosen = pyqtSignal()  # the first button
    other_chosen = pyqtSignal()  # the second

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = IconLabel("photo", ICON_SIDE, QPalette.Dark)
        self._title = QLabel(alignment=Qt.AlignCenter, wordWrap=True)
        self._title.setProperty("role", "title")
        self._text = QLabel(alignment=Qt.AlignCenter, wordWrap=True)
        self._text.setProperty("role", "empty")
        self._button = QPushButton()
        self._button.setProperty("role", "primary")
        self._other = QPushButton()
        self._button.clicked.connect(self.chosen)
        self._other.clicked.connect(self.other_chosen)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(1)
        for label in (self._icon, self._title, self._text):
            column.addWidget(label)
        column.addSpacing(8)
        for button in (self._button, self._other):
            column.addWidget(button, 0, Qt.AlignCenter)
        column.addStretch(1)
        self.say("photo", "")

    def say(self, picture: str, title: str, text: str = "", button: str = "", other: str = "") -> None:
        """picture: the name of an icon. button, other: labels; "" for none."""
        self._icon.show_icon(picture)
        self._title.setText(title)
        self._title.setVisible(bool(title))
        self._text.setText(text)
        self._text.setVisible(bool(text))
        for widget, label in ((self._button, button), (self._other, other)):
            widget.setText(label)
            widget.setVisible(bool(label))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """In a low place the icon gives its room to the words: none of them may be cut off."""
        words = self.layout().totalHeightForWidth(self.width())
        if not self._icon.isHidden():
            words -= ICON_SIDE
        self._icon.setVisible(words + ICON_SIDE <= self.height() or not self.height())

    @property
    def title(self) -> str:
        return str(self._title.text())

    @property
    def button(self) -> QPushButton:
        return self._button

    @property
    def other(self) -> QPushButton:
        return self._other
