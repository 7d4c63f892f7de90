"""What can be done with the source that is chosen: play, step, seek, snapshot, record."""

from __future__ import annotations

from functools import partial

from PyQt5.QtCore import Qt, QTimer, pyqtSignal
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from faceapp.stream.status import SourceState
from ui import live_words
from ui.icons import icon
from ui.live_feed import Feed
from ui.widgets import tool_button

SEEK_MS = 150
TICKS = 1000


class LiveControls(QWidget):
    """Signals:
    toggled: play or pause. stepped: by one frame, 1 or -1. sought: seconds.
    snapshot_wanted, record_toggled, stop_wanted: the buttons. landmarks_toggled: whether to draw them.
    all_toggled: one source alone, or all of them. swap_wanted: put faces onto it.
    """

    toggled = pyqtSignal()
    stepped = pyqtSignal(int)
    sought = pyqtSignal(float)
    snapshot_wanted = pyqtSignal()
    record_toggled = pyqtSignal()
    stop_wanted = pyqtSignal()
    landmarks_toggled = pyqtSignal(bool)
    all_toggled = pyqtSignal()
    swap_wanted = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        tr, tool = self.tr, partial(tool_button, flat=True)
        self.play = tool("play", tr("Play (space)"))
        self.back = tool("step-back", tr("One frame back (left arrow)"))
        self.step = tool("step", tr("One frame on (right arrow)"))
        self.slider = QSlider(Qt.Horizontal)
        self.slider.setRange(0, 0)
        self.slider.setAccessibleName(tr("Place in the video"))
        self.time = QLabel()
        self.time.setProperty("role", "quiet")
        self.landmarks = tool("landmarks", tr("Show the five points of every face"), checkable=True)
        self.all = tool("grid", tr("One source alone, or all of them"))
        self.swap = tool("swap", tr("Put other faces onto this source…"), checkable=True)
        self.snapshot = tool("snapshot", tr("Save this picture…"))
        self.record = tool("record", tr("Record a video with boxes and names…"), checkable=True)
        self.stop = tool("stop", tr("Stop this source"))
        self._wanted: float | None = None
        self._pause = QTimer(self, singleShot=True, interval=SEEK_MS)
        self._lay_out()
        self._connect()
        self.show_feed(None)

    def show_feed(self, feed: Feed | None) -> None:
        """What the source allows now, and where it stands. Called many times a second."""
        recorded = feed is not None and not feed.spec.live
        over = feed is not None and feed.status.over
        playing = feed is not None and feed.playing
        self.setEnabled(feed is not None)
        self._show_play(playing, over)
        for widget in (self.back, self.slider, self.time):
            widget.setVisible(recorded)
        self.step.setEnabled(feed is not None and not over and feed.status.state is not SourceState.OPENING)
        self.back.setEnabled(recorded)
        self.swap.setChecked(feed is not None and feed.painter is not None)
        self.snapshot.setEnabled(feed is not None and feed.result is not None)
        self.record.setEnabled(feed is not None and not over)
        if feed is not None and recorded:
            self._show_time(feed)

    def show_recording(self, on: bool) -> None:
        self.record.setChecked(on)
        tip = self.tr("Stop recording") if on else self.tr("Record a video with boxes and names…")
        self.record.setToolTip(tip)
        self.record.setAccessibleName(tip)

    def _show_play(self, playing: bool, over: bool) -> None:
        name = "pause" if playing else "play"
        tip = self.tr("Pause (space)") if playing else self.tr("Play (space)")
        if over:
            tip = self.tr("Begin again (space)")
        if tip != self.play.toolTip():
            self.play.setIcon(icon(name))
            self.play.setToolTip(tip)
            self.play.setAccessibleName(tip)

    def _show_time(self, feed: Feed) -> None:
        self.slider.setEnabled(feed.length > 0)
        length = round(feed.length * TICKS)
        if self.slider.maximum() != length:
            self.slider.setRange(0, length)
            self.slider.setSingleStep(TICKS)
            self.slider.setPageStep(5 * TICKS)
        if not self.slider.isSliderDown() and self._wanted is None:
            self.slider.blockSignals(True)
            self.slider.setValue(round(feed.seconds * TICKS))
            self.slider.blockSignals(False)
        text = f"{live_words.clock(feed.seconds)} / {live_words.clock(feed.length)}"
        if text != self.time.text():
            self.time.setText(text)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for widget in (self.back, self.play, self.step):
            row.addWidget(widget)
        row.addWidget(self.slider, 1)
        row.addWidget(self.time)
        row.addStretch(0)
        for widget in (self.landmarks, self.all, self.swap, self.snapshot, self.record, self.stop):
            row.addWidget(widget)

    def _connect(self) -> None:
        self.play.clicked.connect(self.toggled)
        self.step.clicked.connect(lambda: self.stepped.emit(1))
        self.back.clicked.connect(lambda: self.stepped.emit(-1))
        self.slider.valueChanged.connect(self._on_slid)
        self._pause.timeout.connect(self._on_pause_ended)
        self.landmarks.toggled.connect(self.landmarks_toggled)
        self.all.clicked.connect(self.all_toggled)
        self.swap.clicked.connect(self.swap_wanted)
        self.snapshot.clicked.connect(self.snapshot_wanted)
        self.record.clicked.connect(self.record_toggled)
        self.stop.clicked.connect(self.stop_wanted)

    def _on_slid(self, value: int) -> None:
        """Seeking takes a moment: while the slider is dragged, only now and then."""
        self._wanted = value / TICKS
        if not self._pause.isActive():
            self._pause.start()

    def _on_pause_ended(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self.sought.emit(wanted)
