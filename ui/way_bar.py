"""The way from face to face: a slider with the faces below it, and play."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import QElapsedTimer, Qt, QTimer, pyqtSignal
from PyQt5.QtWidgets import QGridLayout, QLabel, QSlider, QToolButton, QWidget

from ui.icons import icon
from ui.key_names import KeyNames

STEPS = 1000
TICK_MS = 33


class WayBar(QWidget):
    """Signals:
    moved: the moment on the way, 0 to 1, by hand or by playing.
    """

    moved = pyqtSignal(float)

    def __init__(self) -> None:
        super().__init__()
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
        self.names = KeyNames()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.play, 0, 0)
        grid.addWidget(self.slider, 0, 1)
        grid.addWidget(self._share, 0, 2)
        grid.addWidget(self.names, 1, 1)
        self.play.clicked.connect(self.toggle)
        self.names.chosen.connect(self._on_face_chosen)
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
        self.names.show_names(names)

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

    def _on_face_chosen(self, place: float) -> None:
        self.pause()
        self.slider.setValue(round(place * STEPS))

    def _on_moved(self) -> None:
        self._share.setText(f"{self.moment * 100:.0f} %")
        self.moved.emit(self.moment)

    def _show_playing(self) -> None:
        self.play.setIcon(icon("pause" if self.playing else "play"))
        tip = self.tr("Pause (space)") if self.playing else self.tr("Play (space)")
        self.play.setToolTip(tip)
        self.play.setAccessibleName(tip)
