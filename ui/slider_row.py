"""A slider with its name, what its ends mean, and its value."""

from __future__ import annotations

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QMouseEvent
from PyQt5.QtWidgets import QGridLayout, QLabel, QSlider, QWidget

# A slider stands on hundredths.
STEP = 0.01


def percent(value: float) -> str:
    return f"{value * 100:.0f} %"


class SliderRow(QWidget):
    """Sets one number. A double click on the name brings the first value back.

    Signals:
        value_changed: while it is dragged. settled: when it is let go, or was changed by a key.
    """

    value_changed = pyqtSignal(float)
    settled = pyqtSignal(float)

    def __init__(
        self,
        title: str,
        low: float,
        high: float,
        value: float,
        ends: tuple[str, str] = ("", ""),
        tip: str = ""
    ) -> None:
        """ends: what the lowest and the highest value mean."""
        super().__init__()
        self._low, self._first = low, value
        self._title = QLabel(title)
        self._number = QLabel()
        self._number.setProperty("role", "quiet")
        self.slider = QSlider(Qt.Horizontal)
        self.slider.setRange(0, round((high - low) / STEP))
        self.slider.setPageStep(max(1, self.slider.maximum() // 10))
        self.slider.setAccessibleName(title)
        if tip:
            self.setToolTip(tip)
        self._lay_out(ends)
        self.slider.valueChanged.connect(self._on_value_changed)
        self.slider.sliderReleased.connect(lambda: self.settled.emit(self.value))
        self.set_value(value)

    def _lay_out(self, ends: tuple[str, str]) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.addWidget(self._title, 0, 0)
        grid.addWidget(self._number, 0, 1, Qt.AlignRight)
        grid.addWidget(self.slider, 1, 0, 1, 2)
        if any(ends):
            for place, (text, side) in enumerate(zip(ends, (Qt.AlignLeft, Qt.AlignRight), strict=True)):
                label = QLabel(text)
                label.setProperty("role", "quiet")
                grid.addWidget(label, 2, place, side)

    @property
    def value(self) -> float:
        return round(self._low + self.slider.value() * STEP, 2)

    def set_value(self, value: float) -> None:
        """Set it without telling anybody."""
        blocked = self.slider.blockSignals(True)
        self.slider.setValue(round((value - self._low) / STEP))
        self.slider.blockSignals(blocked)
        self._say()

    def _say(self) -> None:
        self._number.setText(percent(self.value))
        self.slider.setAccessibleDescription(self._number.text())

    def _on_value_changed(self) -> None:
        self._say()
        self.value_changed.emit(self.value)
        if not self.slider.isSliderDown():
            self.settled.emit(self.value)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._title.geometry().contains(event.pos()):
            self.set_value(self._first)
            self._on_value_changed()
