"""Faces put onto a source while it runs: whose they are, and how."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from faceapp.edit.swap import Engine, SwapSettings
from faceapp.errors import FaceAppError
from faceapp.jobs import JobContext
from faceapp.services import Services
from ui.drop_filter import DropFilter
from ui.jobs_qt import JobsQt
from ui.latest import Latest
from ui.live_feed import Feed
from ui.messages import MessageBar
from ui.photo_shelf import Shelf
from ui.photo_source import PhotoSource
from ui.photo_well import FolderContent, PhotoWell
from ui.slider_row import SliderRow

if TYPE_CHECKING:
    from faceapp.edit.live_swap import LiveSwap

LANE = "live swap"


def ready(
    context: JobContext,
    services: Services,
    shelf: Shelf,
    sources: Sequence[PhotoSource],
    settings: SwapSettings,
    everyone: bool,
) -> LiveSwap:
    """What a session paints with. On a job's thread. Raises FaceAppError when no face can be used."""
    photos = shelf.read_all(context, sources)
    return services.swaps.videos.live(photos, settings, everyone)


class LiveSwapDialog(QDialog):
    """Stays open beside the window while a source is watched. Closing it does not end the swap.

    Signals:
        changed: faces are put onto the source now, or no more.
    """

    changed = pyqtSignal(bool)

    def __init__(self, services: Services, jobs: JobsQt, feed: Feed, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Swap faces on {source}").format(source=feed.spec.name))
        self.resize(360, 480)
        self._services = services
        self._feed = feed
        self._shelf = Shelf()
        self._painters = Latest(jobs, self.tr("Faces to put on"), LANE, self)
        self.messages = MessageBar()
        self.well = PhotoWell(jobs, title=self.tr("Faces to put on"), compact=True)
        self.likeness = SliderRow(
            self.tr("Likeness"), 0, 1, 1, (self.tr("expression as it is"), self.tr("likeness"))
        )
        self.everyone = QCheckBox(self.tr("Everybody gets a face"))
        self.everyone.setChecked(True)
        self.neural = QCheckBox(self.tr("Drawn by your own network, which is slow"))
        self.neural.setVisible(services.models.plugins.ready)
        self._hint = QLabel(
            self.tr("The picture with swapped faces is what is shown, recorded and sent over REST."),
            wordWrap=True,
        )
        self._hint.setProperty("role", "quiet")
        self.switch = QPushButton(self.tr("Swap"), checkable=True)
        self.switch.setProperty("role", "primary")
        self._lay_out()
        self._connect()
        self._tell()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.switch)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(self.messages)
        column.addWidget(self.well, 1)
        for widget in (self.likeness, self.everyone, self.neural, self._hint):
            column.addWidget(widget)
        column.addLayout(buttons)
        self._drops = DropFilter(self, self.well)

    def _connect(self) -> None:
        self.well.photos_added.connect(lambda _: self._on_faces_changed())
        self.well.removal_wanted.connect(self._on_removal_wanted)
        self.well.folder_found.connect(self._on_folder_found)
        self.well.refused.connect(self.messages.show_error)
        for box in (self.everyone, self.neural):
            box.toggled.connect(lambda _: self._on_faces_changed())
        self.likeness.value_changed.connect(self._on_likeness_changed)
        self.switch.toggled.connect(self._on_switched)

    @property
    def settings(self) -> SwapSettings:
        engine: Engine = "neural" if self.neural.isChecked() else "classical"
        return SwapSettings(likeness=self.likeness.value, engine=engine)

    def _on_folder_found(self, content: FolderContent) -> None:
        self.well.add(PhotoSource.file(path) for path in content.photos)

    def _on_removal_wanted(self, keys: list[int]) -> None:
        self.well.remove(keys)
        self._on_faces_changed()

    def _on_faces_changed(self) -> None:
        self.messages.clear()
        self._tell()
        if not self.well.sources:
            self.switch.setChecked(False)
        elif self.switch.isChecked():
            self._prepare()

    def _on_switched(self, on: bool) -> None:
        self._tell()
        if on:
            self._prepare()
            return
        self._painters.drop()
        self._feed.paint_with(None)
        self.changed.emit(False)

    def _prepare(self) -> None:
        body = partial(
            ready,
            services=self._services,
            shelf=self._shelf,
            sources=self.well.sources,
            settings=self.settings,
            everyone=self.everyone.isChecked(),
        )
        self._painters.ask(body, self._on_ready, self._on_failed)

    def _on_ready(self, painter: LiveSwap) -> None:
        painter.settings = self.settings  # the slider may have moved meanwhile
        self._feed.paint_with(painter)
        self.changed.emit(True)

    def _on_failed(self, error: FaceAppError) -> None:
        self.switch.setChecked(False)
        self.messages.show_error(error)

    def _on_likeness_changed(self, likeness: float) -> None:
        painter = self._feed.painter
        if painter is not None:
            painter.settings = self.settings

    def _tell(self) -> None:
        on = self.switch.isChecked()
        self.switch.setText(self.tr("Stop swapping") if on else self.tr("Swap"))
        self.switch.setEnabled(on or bool(self.well.sources))
        self.switch.setDefault(not on)
