"""Where in a video the picture is, and the places worth a look."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

from ui import live_words
from ui.elided_label import ElidedLabel
from ui.icons import icon


class FrameBar(QWidget):
    """Hidden while there is one picture alone.

    Signals:
        moved: the frame to show.
    """

    moved = pyqtSignal(int)

    def __init__(self) -> None:
        super().__init__()
        self._seconds: Callable[[int], float] = float
        self._doubts: tuple[tuple[int, str], ...] = ()
        self.slider = QSlider(Qt.Horizontal)
        self.slider.setAccessibleName(self.tr("Frame of the video"))
        self._time = QLabel()
        self._time.setProperty("role", "quiet")
        self.next_doubt = QToolButton()
        self.next_doubt.setIcon(icon("warning"))
        self.next_doubt.setToolButtonStyle(Qt.ToolButtonTextBesideIcon)
        self.next_doubt.setToolTip(self.tr("Go to the next place that may look odd"))
        self._why = ElidedLabel()
        self._why.setProperty("role", "quiet")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.slider, 3)
        row.addWidget(self._time)
        row.addWidget(self.next_doubt)
        row.addWidget(self._why, 2)
        self.slider.valueChanged.connect(self._on_moved)
        self.next_doubt.clicked.connect(self._on_next_doubt)
        self.show_frames(1, float)

    @property
    def frame(self) -> int:
        return self.slider.value()

    def show_frames(self, frames: int, seconds: Callable[[int], float]) -> None:
        """Another video, from its start; one frame hides the bar."""
        self._seconds = seconds
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, frames - 1))
        self.slider.setPageStep(max(1, frames // 20))
        self.slider.setValue(0)
        self.slider.blockSignals(False)
        self.setVisible(frames > 1)
        self.show_doubts(())
        self._say()

    def show_doubts(self, doubts: Sequence[tuple[int, str]]) -> None:
        """Frames that may look odd, with the reason of each."""
        self._doubts = tuple(doubts)
        self.next_doubt.setVisible(bool(doubts))
        self.next_doubt.setText(self.tr("{n} to look at").format(n=len(doubts)))
        self._say()

    def _say(self) -> None:
        end = self._seconds(self.slider.maximum())
        self._time.setText(f"{live_words.clock(self._seconds(self.frame))} / {live_words.clock(end)}")
        self._why.setText(dict(self._doubts).get(self.frame, ""))

    def _on_moved(self) -> None:
        self._say()
        self.moved.emit(self.frame)

    def _on_next_doubt(self) -> None:
        places = sorted({frame for frame, _ in self._doubts})
        later = [frame for frame in places if frame > self.frame]
        self.slider.setValue((later or places)[0])
