"""The small zoom bar in the corner of a canvas."""

from __future__ import annotations

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from ui.icons import icon


class CanvasBar(QFrame):
    """Zoom out, how large, zoom in, fit, pixel for pixel. The keys of the canvas do the same."""

    zoomed_in = pyqtSignal()
    zoomed_out = pyqtSignal()
    fitted = pyqtSignal()
    shown_in_full = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self._zoom = QLabel("100 %", alignment=Qt.AlignCenter)
        self._zoom.setMinimumWidth(self._zoom.fontMetrics().horizontalAdvance("3200 %") + 4)
        smaller = _button("zoom-out", self.tr("Smaller (−)"))
        larger = _button("zoom-in", self.tr("Larger (+)"))
        fit = _button("fit", self.tr("Whole photo (0)"))
        full = _button("", self.tr("Pixel for pixel (1)"), "1:1")
        smaller.clicked.connect(self.zoomed_out)
        larger.clicked.connect(self.zoomed_in)
        fit.clicked.connect(self.fitted)
        full.clicked.connect(self.shown_in_full)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 4, 4, 4)
        row.setSpacing(2)
        for widget in (smaller, self._zoom, larger, fit, full):
            row.addWidget(widget)

    def set_zoom(self, scale: float) -> None:
        """scale: pixels of the screen for one of the photo."""
        self._zoom.setText(f"{scale * 100:.0f} %")


def _button(name: str, tip: str, text: str = "") -> QToolButton:
    button = QToolButton()
    button.setAutoRaise(True)
    button.setText(text)
    if name:
        button.setIcon(icon(name))
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    # The canvas keeps the keys: its own do the same as these buttons.
    button.setFocusPolicy(Qt.NoFocus)
    return button
