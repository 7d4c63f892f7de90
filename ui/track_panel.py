"""The tracks of a source with their crops, and why the selected one has its name."""

from __future__ import annotations

from collections.abc import Iterable

from PyQt5.QtCore import QSize, Qt, pyqtSignal
from PyQt5.QtGui import QIcon, QImage, QPixmap
from PyQt5.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from faceapp.stream.watcher import Why
from ui import face_mark, live_words
from ui.icons import icon
from ui.images import from_jpeg, tile
from ui.live_feed import TrackRow

CROP = 44
BEST = 48
BEST_SHOWN = 5
LEAST_HEIGHT = 260
ID_ROLE = Qt.UserRole


class TrackPanel(QSplitter):
    """Above the tracks, newest first; below them the reasons.

    Signals:
        track_chosen: its number. enrol_wanted, name_wanted, search_wanted: for the chosen track.
    """

    track_chosen = pyqtSignal(int)
    enrol_wanted = pyqtSignal()
    name_wanted = pyqtSignal()
    search_wanted = pyqtSignal()

    def __init__(self) -> None:
        super().__init__(Qt.Vertical)
        self.setChildrenCollapsible(False)
        self._items: dict[int, QListWidgetItem] = {}
        self._crops: dict[int, int] = {}
        self.list = QListWidget()
        self.list.setIconSize(QSize(CROP, CROP))
        self.list.setAccessibleName(self.tr("Faces so far, newest first"))
        self.list.setVerticalScrollMode(QListWidget.ScrollPerPixel)
        self._heading = QLabel(self.tr("Faces"))
        self._heading.setProperty("role", "heading")
        self.why = WhyPanel()
        above = QWidget()
        column = QVBoxLayout(above)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._heading)
        column.addWidget(self.list, 1)
        self.addWidget(above)
        self.addWidget(self.why)
        self.setStretchFactor(0, 1)
        self.setSizes([400, LEAST_HEIGHT])
        self.list.currentItemChanged.connect(self._on_current_changed)
        self.list.itemDoubleClicked.connect(lambda _: self.enrol_wanted.emit())
        self.why.enrol_button.clicked.connect(self.enrol_wanted)
        self.why.name_button.clicked.connect(self.name_wanted)
        self.why.search_button.clicked.connect(self.search_wanted)

    @property
    def selected(self) -> int:
        """The number of the selected track, 0 for none."""
        item = self.list.currentItem()
        return int(item.data(ID_ROLE)) if item is not None else 0

    def show_rows(self, rows: Iterable[TrackRow]) -> None:
        """Bring the list up to date; the selection and the place stay."""
        shown = {row.id: row for row in rows}
        for gone in set(self._items) - set(shown):
            self.list.takeItem(self.list.row(self._items.pop(gone)))
            self._crops.pop(gone, None)
        for number in sorted(shown):
            if number not in self._items:
                item = QListWidgetItem()
                item.setData(ID_ROLE, number)
                self._items[number] = item
                self.list.insertItem(0, item)
            self._describe(self._items[number], shown[number])
        here = sum(row.here for row in shown.values())
        self._heading.setText(self.tr("Faces · {0} here, {1} so far").format(here, len(shown)))

    def select(self, track_id: int) -> None:
        """Select a track (0: none) without telling anybody."""
        self.list.blockSignals(True)
        item = self._items.get(track_id)
        self.list.setCurrentItem(item)
        if item is not None:
            self.list.scrollToItem(item)
        self.list.blockSignals(False)

    def _describe(self, item: QListWidgetItem, row: TrackRow) -> None:
        marked = live_words.mark(row.face)
        sign = face_mark.STROKES[marked.state].sign
        name = live_words.who(row.face.decision) or live_words.progress(row.face)
        state = live_words.progress(row.face) if row.face.decision is not None else ""
        when = self.tr("{0} to {1}").format(live_words.clock(row.first), live_words.clock(row.last))
        below = " · ".join(part for part in (f"#{row.id}", state, when) if part)
        text = f"{sign} {name}\n{below}"
        if text != item.text():
            item.setText(text)
            item.setToolTip(live_words.tooltip(row.face))
        if self._crops.get(row.id) != row.crop.cacheKey():
            self._crops[row.id] = row.crop.cacheKey()
            item.setIcon(_picture(row.crop, CROP, self.devicePixelRatioF()))

    def _on_current_changed(self) -> None:
        self.track_chosen.emit(self.selected)


class WhyPanel(QFrame):
    """Votes, distances and the best views of one track, and what can be done with it."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.title = QLabel(wordWrap=True)
        self.title.setProperty("role", "heading")
        self.reason = QLabel(wordWrap=True)
        self.votes = QLabel(wordWrap=True)
        self.votes.setProperty("role", "quiet")
        self._best = [QLabel() for _ in range(BEST_SHOWN)]
        self.enrol_button = QPushButton(icon("enrol"), self.tr("Enrol…"))
        self.name_button = QPushButton(icon("person"), self.tr("This is…"))
        self.search_button = QPushButton(icon("lookalike"), self.tr("Lookalikes"))
        best = QHBoxLayout()
        best.setSpacing(4)
        for label in self._best:
            best.addWidget(label)
        best.addStretch(1)
        buttons = QGridLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.enrol_button, 0, 0)
        buttons.addWidget(self.name_button, 0, 1)
        buttons.addWidget(self.search_button, 1, 0, 1, 2)
        said = QWidget()
        inside = QVBoxLayout(said)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        inside.addWidget(self.title)
        inside.addWidget(self.reason)
        inside.addLayout(best)
        inside.addWidget(self.votes)
        inside.addStretch(1)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        scroll.setWidget(said)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(scroll, 1)
        column.addLayout(buttons)
        self.setMinimumHeight(LEAST_HEIGHT)
        self.clear()

    def clear(self) -> None:
        """No track is selected."""
        self.title.setText(self.tr("Why?"))
        self.reason.setText(self.tr("Click a face to see why it has its name, to correct it or to enrol it."))
        self.votes.clear()
        self._show_crops(())
        self._allow(False, False)

    def show_row(self, row: TrackRow, why: Why | None) -> None:
        """why: None while it is being read, or when the track is not remembered any more."""
        decision = row.face.decision
        name = live_words.who(decision) or live_words.progress(row.face)
        self.title.setText(self.tr("{0} · face {1}").format(name, row.id))
        votes = why.votes if why is not None else decision.votes if decision is not None else ()
        faces = sum(vote.count for vote in votes)
        lines = [live_words.vote(vote, faces) for vote in votes]
        if decision is not None and decision.distance is not None:
            nearest = (
                self.tr("Distance of the mean: {0:.3f}")
                if decision.person
                else self.tr("Distance of the mean to the nearest person: {0:.3f}")
            )
            lines.append(nearest.format(decision.distance))
        if row.face.liveness is not None:
            lines.append(live_words.live(row.face.liveness))
        self.votes.setText("\n".join(lines))
        reason = decision.reason if decision is not None else why.reason if why is not None else ""
        self.reason.setText(reason or live_words.progress(row.face))
        self._show_crops(why.crops if why is not None else ())
        self._allow(True, True)

    def _allow(self, name: bool, face: bool) -> None:
        self.name_button.setEnabled(name)
        for button in (self.enrol_button, self.search_button):
            button.setEnabled(face)

    def _show_crops(self, crops: tuple[bytes, ...]) -> None:
        for label, data in zip(self._best, [*crops, *[b""] * BEST_SHOWN], strict=False):
            label.setVisible(bool(data))
            if data:
                picture = tile(from_jpeg(data), BEST, self.devicePixelRatioF(), 6)
                label.setPixmap(QPixmap.fromImage(picture))


def _picture(crop: QImage, side: int, ratio: float) -> QIcon:
    made = QIcon()
    pixmap = QPixmap.fromImage(tile(crop, side, ratio, 6))
    # The same when selected: a face is not tinted.
    made.addPixmap(pixmap, QIcon.Normal)
    made.addPixmap(pixmap, QIcon.Selected)
    return made
