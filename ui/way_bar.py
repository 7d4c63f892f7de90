"""The way from face to face: a slider with the faces below it, and play."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import QElapsedTimer, Qt, QTimer, pyqtSignal
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QSlider, QToolButton, QVBoxLayout, QWidget

from ui.elided_label import ElidedLabel
from ui.icons import icon

STEPS = 1000
TICK_MS = 33


class WayBar(QWidget):
    """Signals:
    moved: the moment on the way, 0 to 1, by hand or by playing.
    """

    moved = pyqtSignal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._seconds = 4.0
        self._there_and_back = False
        self._began = 0.0
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=TICK_MS)
        self.play = QToolButton(autoRaise=True)
        self.slider = QSlider(Qt.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(STEPS // 10)
        self.slider.setSingleStep(STEPS // 100)
        self.slider.setAccessibleName(self.tr("Place between the faces"))
        self._share = QLabel()
        self._share.setProperty("role", "quiet")
        self._share.setMinimumWidth(self._share.fontMetrics().horizontalAdvance("100 %") + 4)
        self._names = QHBoxLayout()
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.play)
        row.addWidget(self.slider, 1)
        row.addWidget(self._share)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addLayout(self._names)
        self.play.clicked.connect(self.toggle)
        self.slider.valueChanged.connect(self._on_moved)
        self.slider.sliderPressed.connect(self.pause)
        self._timer.timeout.connect(self._on_tick)
        self._show_playing()
        self.slider.setValue(STEPS // 2)

    @property
    def moment(self) -> float:
        return self.slider.value() / STEPS

    @property
    def playing(self) -> bool:
        return self._timer.isActive()

    def show_names(self, names: Sequence[str]) -> None:
        """The faces of the way, from its start to its end."""
        while self._names.count():
            old = self._names.takeAt(0).widget()
            if old is not None:
                old.setParent(None)
                old.deleteLater()
        for place, name in enumerate(names):
            last = place == len(names) - 1
            label = ElidedLabel(name)
            label.setProperty("role", "quiet")
            label.setAlignment(Qt.AlignLeft if place == 0 else Qt.AlignRight if last else Qt.AlignCenter)
            self._names.addWidget(label, 1)

    def set_pace(self, seconds: float, there_and_back: bool) -> None:
        self._seconds, self._there_and_back = seconds, there_and_back

    def toggle(self) -> None:
        if self.playing:
            self.pause()
            return
        self._began = self.moment / 2 if self._there_and_back else self.moment
        self._clock.start()
        self._timer.start()
        self._show_playing()

    def pause(self) -> None:
        self._timer.stop()
        self._show_playing()

    def step(self, by: int) -> None:
        """By a hundredth of the way."""
        self.pause()
        self.slider.setValue(self.slider.value() + by * STEPS // 100)

    def _on_tick(self) -> None:
        way = (self._began + self._clock.elapsed() / 1000 / self._seconds) % 1.0
        # There and back take the time together.
        moment = 1 - abs(2 * way - 1) if self._there_and_back else way
        self.slider.setValue(round(moment * STEPS))

    def _on_moved(self) -> None:
        self._share.setText(f"{self.moment * 100:.0f} %")
        self.moved.emit(self.moment)

    def _show_playing(self) -> None:
        self.play.setIcon(icon("pause" if self.playing else "play"))
        tip = self.tr("Pause (space)") if self.playing else self.tr("Play (space)")
        self.play.setToolTip(tip)
        self.play.setAccessibleName(tip)
