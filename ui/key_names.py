"""The faces of a way, each under its place on the slider; a click goes there."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import QEvent, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QHelpEvent, QMouseEvent, QPainter, QPaintEvent
from PyQt5.QtWidgets import QSizePolicy, QToolTip, QWidget

from ui.theme import colour

TICK = 4
GAP = 8


class KeyNames(QWidget):
    """Signals:
    chosen: the place (0 to 1) of the face that was clicked.
    """

    chosen = pyqtSignal(float)

    def __init__(self) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self.setMinimumWidth(1)
        self.hide()

    @property
    def names(self) -> tuple[str, ...]:
        return self._names

    def show_names(self, names: Sequence[str]) -> None:
        """The faces from the start of the way to its end; none hides the row."""
        self._names = tuple(names)
        self.setAccessibleName(", ".join(self._names))
        self.setVisible(bool(names))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, self.fontMetrics().height() + TICK + 2)

    def place(self, number: int) -> float:
        """Where on the way a face is, 0 to 1."""
        return number / max(1, len(self._names) - 1)

    def frame(self, number: int) -> QRectF:
        """The room of a name: under its place, and inside the widget at the ends."""
        steps = max(1, len(self._names) - 1)
        middle = self.place(number) * self.width()
        half = self.width() / steps / 2
        left, right = max(0.0, middle - half), min(float(self.width()), middle + half)
        return QRectF(left, TICK, right - left - GAP / 2, self.height() - TICK)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        metrics = self.fontMetrics()
        last = len(self._names) - 1
        for number, name in enumerate(self._names):
            x = min(self.width() - 1.0, self.place(number) * self.width())
            painter.setPen(colour("faint"))
            painter.drawLine(int(x), 0, int(x), TICK - 1)
            painter.setPen(colour("quiet"))
            room = self.frame(number)
            side = Qt.AlignLeft if number == 0 else Qt.AlignRight if number == last else Qt.AlignHCenter
            text = metrics.elidedText(name, Qt.ElideRight, int(room.width()))
            painter.drawText(room, int(side | Qt.AlignVCenter), text)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        number = self._at(event.localPos().x())
        if number >= 0 and event.button() == Qt.LeftButton:
            self.chosen.emit(self.place(number))

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.ToolTip:
            number = self._at(event.pos().x())
            name = self._names[number] if number >= 0 else ""
            QToolTip.showText(event.globalPos(), self.tr("Go to {name}").format(name=name), self)
            return True
        return bool(super().event(event))

    def _at(self, x: float) -> int:
        steps = len(self._names) - 1
        return min(max(0, round(x / max(1, self.width()) * steps)), steps)
