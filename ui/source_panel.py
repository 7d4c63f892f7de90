"""What can be watched: webcams, remembered cameras, the last videos; and ways to add more."""

from __future__ import annotations

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
)

from faceapp.stream.sources import SourceSpec
from faceapp.stream.status import SourceState, Status
from ui import live_words
from ui.icons import icon
from ui.widgets import tool_button

SPEC_ROLE = Qt.UserRole
# Each state has its sign, not only its words.
SIGNS = {
    SourceState.OPENING: "…",
    SourceState.RUNNING: "▶",
    SourceState.PAUSED: "❚❚",
    SourceState.RECONNECTING: "!",
    SourceState.ENDED: "■",
    SourceState.FAILED: "✕",
    SourceState.STOPPED: "■",
}


class SourcePanel(QFrame):
    """The list of sources, open or not.

    Signals:
        opened: a `SourceSpec` to watch. chosen: an open one that was pointed at. closed: one to stop.
        forgotten: one that is not to be remembered any more.
        video_wanted, folder_wanted, address_wanted, webcams_wanted: the buttons.
    """

    opened = pyqtSignal(object)
    chosen = pyqtSignal(object)
    closed = pyqtSignal(object)
    forgotten = pyqtSignal(object)
    video_wanted = pyqtSignal()
    folder_wanted = pyqtSignal()
    address_wanted = pyqtSignal()
    webcams_wanted = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "well")
        self._specs: tuple[SourceSpec, ...] = ()
        self._open: dict[SourceSpec, Status] = {}
        self._kept: frozenset[SourceSpec] = frozenset()
        self.list = QListWidget()
        self.list.setProperty("role", "bare")
        self.list.setAccessibleName(self.tr("Sources"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.ElideMiddle)
        self.open_button = QPushButton(self.tr("Watch"))
        self.open_button.setProperty("role", "primary")
        self.forget_button = tool_button("delete", self.tr("Forget this source"), flat=True)
        self.refresh_button = tool_button("refresh", self.tr("Look for webcams again"), flat=True)
        self.video_button = self._adder("video", self.tr("Video…"))
        self.folder_button = self._adder("frames", self.tr("Frames…"))
        self.address_button = self._adder("address", self.tr("Camera address…"))
        self._lay_out()
        self._connect()
        self._show_buttons()

    # -- what is shown -------------------------------------------------------------------------------
    def show_sources(self, specs: list[SourceSpec], kept: set[SourceSpec]) -> None:
        """The sources in their order. kept: those that can be forgotten."""
        self._kept = frozenset(kept)
        if tuple(specs) != self._specs:
            self._specs = tuple(specs)
            self._fill()
        self._show_buttons()

    def show_open(self, opened: dict[SourceSpec, Status]) -> None:
        """Which of them are open, and how they are doing."""
        self._open = dict(opened)
        for row in range(self.list.count()):
            self._describe(self.list.item(row))
        self._show_buttons()

    def select(self, spec: SourceSpec) -> None:
        """Point at a source without telling anybody."""
        if spec == self.selected:
            return
        self.list.blockSignals(True)
        for row in range(self.list.count()):
            if self.list.item(row).data(SPEC_ROLE) == spec:
                self.list.setCurrentRow(row)
        self.list.blockSignals(False)
        self._show_buttons()

    @property
    def selected(self) -> SourceSpec | None:
        item = self.list.currentItem()
        spec = item.data(SPEC_ROLE) if item is not None else None
        return spec if isinstance(spec, SourceSpec) else None

    def set_inviting(self, inviting: bool) -> None:
        """Something that can be dropped is over the page."""
        self.setProperty("hot", inviting)
        self.style().unpolish(self)
        self.style().polish(self)

    def _fill(self) -> None:
        before = self.selected
        self.list.blockSignals(True)
        self.list.clear()
        for spec in self._specs:
            item = QListWidgetItem(icon(live_words.KIND_ICONS[spec.kind]), "")
            item.setData(SPEC_ROLE, spec)
            self._describe(item)
            self.list.addItem(item)
            if spec == before:
                self.list.setCurrentItem(item)
        if self.list.currentItem() is None and self.list.count():
            self.list.setCurrentRow(0)
        self.list.blockSignals(False)

    def _describe(self, item: QListWidgetItem) -> None:
        spec = item.data(SPEC_ROLE)
        status = self._open.get(spec)
        below = live_words.kind(spec)
        if status is not None:
            below = f"{SIGNS[status.state]} {live_words.state(status)}"
        text = f"{spec.name}\n{below}"
        if item.text() != text:
            item.setText(text)
            item.setToolTip(f"{spec.name}\n{status.sentence if status is not None else below}")
            font = item.font()
            font.setBold(status is not None)
            item.setFont(font)

    def _show_buttons(self) -> None:
        spec = self.selected
        is_open = spec is not None and spec in self._open
        self.open_button.setText(self.tr("Stop") if is_open else self.tr("Watch"))
        self.open_button.setEnabled(spec is not None)
        self.forget_button.setEnabled(spec in self._kept and not is_open)

    # -- placing and wiring --------------------------------------------------------------------------
    def _adder(self, name: str, text: str) -> QPushButton:
        button = QPushButton(icon(name), text)
        button.setAutoDefault(False)
        return button

    def _lay_out(self) -> None:
        heading = QLabel(self.tr("Sources"))
        heading.setProperty("role", "heading")
        head = QHBoxLayout()
        head.addWidget(heading, 1)
        head.addWidget(self.refresh_button)
        act = QHBoxLayout()
        act.addWidget(self.open_button, 1)
        act.addWidget(self.forget_button)
        adders = QGridLayout()
        adders.setSpacing(8)
        adders.addWidget(self.video_button, 0, 0)
        adders.addWidget(self.folder_button, 0, 1)
        adders.addWidget(self.address_button, 1, 0, 1, 2)
        hint = QLabel(self.tr("or drop a video or a folder of frames here"), alignment=Qt.AlignCenter)
        hint.setWordWrap(True)
        hint.setProperty("role", "quiet")
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.list, 1)
        column.addLayout(act)
        column.addLayout(adders)
        column.addWidget(hint)

    def _connect(self) -> None:
        self.list.currentItemChanged.connect(self._on_current_changed)
        self.list.itemActivated.connect(self._on_activated)
        self.open_button.clicked.connect(self._on_open_clicked)
        self.forget_button.clicked.connect(lambda: self.forgotten.emit(self.selected))
        self.refresh_button.clicked.connect(self.webcams_wanted)
        self.video_button.clicked.connect(self.video_wanted)
        self.folder_button.clicked.connect(self.folder_wanted)
        self.address_button.clicked.connect(self.address_wanted)

    def _on_current_changed(self) -> None:
        self._show_buttons()
        if self.selected in self._open:
            self.chosen.emit(self.selected)

    def _on_activated(self) -> None:
        if self.selected is not None:
            (self.chosen if self.selected in self._open else self.opened).emit(self.selected)

    def _on_open_clicked(self) -> None:
        if self.selected is not None:
            (self.closed if self.selected in self._open else self.opened).emit(self.selected)
