"""Text of several lines that is exactly as high as its lines."""

from __future__ import annotations

from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import QLabel


class WrappedLabel(QLabel):
    """A form and a scroll area give a label that wraps the height of its narrowest shape, or too little;
    this one claims what its lines need at the width that it was given."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.setWordWrap(True)

    def setText(self, text: str) -> None:
        super().setText(text)
        self._claim()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._claim()

    def _claim(self) -> None:
        # A label needs no less than the least height it was given.
        self.setMinimumHeight(0)
        height = self.heightForWidth(self.width())
        if height > 0:
            self.setFixedHeight(height)
