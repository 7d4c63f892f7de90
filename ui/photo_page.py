"""A page that takes photos: what its wells have in common."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QSplitter, QWidget

from faceapp.services import Services
from faceapp.types import Photo
from ui.drop_filter import DropFilter
from ui.jobs_qt import JobsQt
from ui.memory import Memory
from ui.messages import MessageBar
from ui.page import Page
from ui.photo_source import PhotoSource
from ui.photo_well import FolderContent, PhotoWell
from ui.widgets import fill_page, side_by_side


class PhotoPage(Page):
    """A page of three zones, the left one with a well or two. What is dropped anywhere on the page, and what
    other pages hand over, goes into `well`."""

    well: PhotoWell

    def __init__(self, services: Services, jobs: JobsQt, parent: QWidget | None = None) -> None:
        super().__init__(services, jobs, parent)
        self._memory = Memory(services.paths)
        self._splitter = QSplitter(Qt.Horizontal)
        self.messages = MessageBar()

    @property
    def inlet(self) -> PhotoWell:
        """The well that takes what is chosen or pasted now."""
        return self.well

    def open_photo(self, photo: str | Path | Photo) -> None:
        self.well.add([PhotoSource.of(photo)])

    def choose_photos(self) -> None:
        self.inlet.browse()

    def paste(self) -> None:
        self.inlet.paste()

    def _place_zones(
        self, name: str, zones: Sequence[tuple[QWidget, int]], sizes: list[int], *bars: QWidget
    ) -> None:
        """Lay the page out.

        Args:
            name: under which the place of the splitter is kept.
            zones: left, centre and right, each with its least width.
            sizes: their widths the first time.
            bars: what may stand above them besides the messages.
        """
        side_by_side(self._splitter, zones)
        self._memory.restore_splitter(name, self._splitter, sizes)
        fill_page(self, self.messages, *bars, body=self._splitter)
        self._drops = DropFilter(self, self.well)

    def _listen_to(self, *wells: PhotoWell) -> None:
        """Follow wells in what they have in common."""
        for well in wells:
            well.set_last_folder(self._memory.folder("photos"))
            well.refused.connect(self.messages.show_error)
            well.folder_found.connect(partial(self._on_folder_found, well))
            well.photos_added.connect(partial(self._on_photos_came, well))

    def _on_photos_came(self, well: PhotoWell, _: list[int]) -> None:
        self._memory.keep_folder("photos", well.last_folder)
        self.messages.clear()

    def _on_folder_found(self, well: PhotoWell, content: FolderContent) -> None:
        if content.photos:
            well.add(PhotoSource.file(path) for path in content.photos)
            return
        sentence = self.tr("There is no photo in {folder}.").format(folder=content.folder.name)
        self.messages.show_message(sentence, kind="warning")
