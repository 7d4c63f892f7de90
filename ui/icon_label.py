"""An icon that stands for itself, in the colours of the theme in use."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, Qt
from PyQt5.QtGui import QPalette
from PyQt5.QtWidgets import QLabel

from ui.icons import icon


class IconLabel(QLabel):
    """Draws itself again when the theme changes. side: logical pixels."""

    def __init__(self, name: str, side: int, role: QPalette.ColorRole = QPalette.WindowText) -> None:
        super().__init__()
        self._name, self._side, self._role = name, side, role
        self.setAlignment(Qt.AlignCenter)
        self._draw()

    def show_icon(self, name: str) -> None:
        self._name = name
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.PaletteChange:
            self._draw()
        super().changeEvent(event)

    def _draw(self) -> None:
        self.setPixmap(icon(self._name, self._role).pixmap(self._side, self._side))
