"""What goes in: a place for drops, and browse, paste, webcam and sample; the photos that came, below."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PyQt5.QtCore import QMimeData, Qt, pyqtSignal
from PyQt5.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QImage
from PyQt5.QtWidgets import (
    QApplication,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from faceapp.errors import BadRequest
from faceapp.jobs import JobContext
from ui.cameras import Cameras, SystemCameras
from ui.icon_label import IconLabel
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.photo_list import PhotoList, PhotoListModel
from ui.photo_source import PhotoSource, can_give, given
from ui.thumbnails import ThumbnailLoader
from ui.webcam_dialog import WebcamDialog


@dataclass(frozen=True)
class FolderContent:
    """What lies in a folder: photos anywhere below it, and the folders in it that hold photos."""

    folder: Path
    photos: tuple[Path, ...]
    people: tuple[str, ...]


def look_into(folder: Path) -> FolderContent:
    """Raises NotFound, BadRequest and UnusablePhoto; takes its time on a large folder."""
    from faceapp.pipeline.photos import find_photos

    photos = tuple(find_photos(folder))
    below = (photo.relative_to(folder).parts for photo in photos)
    people = dict.fromkeys(parts[0] for parts in below if len(parts) > 1)
    return FolderContent(folder, photos, tuple(people))


class PhotoWell(QFrame):
    """Takes photos in every way there is, and lists them when there are several.

    Signals:
        photos_added: the keys of the photos that came, in order.
        current_changed: the key of the photo to show, -1 for none.
        removal_wanted: the keys of photos that the user wants out of the list.
        folder_found: a `FolderContent`.
        refused: a FaceAppError: what was given cannot be taken.
        sample_wanted: the sample button was pressed.
    """

    photos_added = pyqtSignal(list)
    current_changed = pyqtSignal(int)
    removal_wanted = pyqtSignal(list)
    folder_found = pyqtSignal(object)
    refused = pyqtSignal(object)
    sample_wanted = pyqtSignal()

    def __init__(
        self,
        jobs: JobsQt,
        cameras: Cameras | None = None,
        title: str = "",
        compact: bool = False,
        videos: bool = False,
    ) -> None:
        """title: what the photos are for. compact: for a page with several wells, without words to spare.
        videos: video files may be chosen as well."""
        super().__init__()
        self.setAcceptDrops(True)
        self._invitation = title or self.tr("Drop photos here")
        self._compact = compact
        self._videos = videos
        self._jobs = jobs
        self._cameras = cameras or SystemCameras()
        self._last_folder = ""
        self._webcam: WebcamDialog | None = None
        self.model = PhotoListModel(self)
        self.list = PhotoList(self.model, self)
        self._thumbnails = ThumbnailLoader(jobs, self)
        self._sheet = QFrame()
        self._sheet.setProperty("role", "well")
        self._title = QLabel(alignment=Qt.AlignCenter)
        self._title.setProperty("role", "heading")
        self._hint = QLabel(alignment=Qt.AlignCenter)
        self._hint.setProperty("role", "quiet")
        self._icon = IconLabel("add-photos", 40)
        self.browse_button = _button("open", self.tr("Browse…"), self.tr("Choose photos (Ctrl+O)"))
        self.folder_button = _button("folder", self.tr("Folder…"), self.tr("Take every photo of a folder"))
        self.paste_button = _button(
            "paste", self.tr("Paste"), self.tr("Take the picture or the files copied (Ctrl+V)")
        )
        self.webcam_button = _button("camera", self.tr("Webcam…"), self.tr("Take a photo with a camera"))
        self.sample_button = _button(
            "photo", self.tr("Sample"), self.tr("Try it with a photo that comes with the program")
        )
        self._count = QLabel()
        self._count.setProperty("role", "quiet")
        self._clear = QToolButton(text=self.tr("Clear"), toolTip=self.tr("Take all photos out of the list"))
        self._lay_out()
        self._connect()
        self._on_rows_changed()

    def _lay_out(self) -> None:
        self._title.setText(self._invitation)
        self._hint.setText(
            self.tr("Drop photos here") if self._compact else self.tr("from a folder or a browser")
        )
        self._clear.setAutoRaise(True)
        self._lay_out_sheet()
        foot = QHBoxLayout()
        foot.addWidget(self._count, 1)
        foot.addWidget(self._clear)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._sheet)
        column.addWidget(self.list, 1)
        column.addLayout(foot)
        column.addStretch(0)

        last_button = self.webcam_button if self._compact else self.sample_button
        QWidget.setTabOrder(last_button, self.list)
        QWidget.setTabOrder(self.list, self._clear)

    def _lay_out_sheet(self) -> None:
        sheet = QVBoxLayout(self._sheet)
        sheet.setContentsMargins(12, 8 if self._compact else 16, 12, 8 if self._compact else 12)
        sheet.setSpacing(4)
        for label in (self._icon, self._title, self._hint):
            sheet.addWidget(label)
        sheet.addSpacing(4 if self._compact else 8)
        buttons = QGridLayout()
        buttons.setSpacing(8)
        four = (self.browse_button, self.folder_button, self.paste_button, self.webcam_button)
        for place, button in enumerate(four):
            if self._compact:
                button.setAccessibleName(button.text())
                button.setText("")
                buttons.addWidget(button, 0, place)
            else:
                buttons.addWidget(button, place // 2, place % 2)
        if self._compact:
            self.sample_button.hide()
        else:
            buttons.addWidget(self.sample_button, 2, 0, 1, 2)
        sheet.addLayout(buttons)

    def _connect(self) -> None:
        self.browse_button.clicked.connect(self.browse)
        self.folder_button.clicked.connect(self.browse_folder)
        self.paste_button.clicked.connect(self.paste)
        self.webcam_button.clicked.connect(self.open_webcam)
        self.sample_button.clicked.connect(self.sample_wanted)
        self._clear.clicked.connect(lambda: self.removal_wanted.emit(self.model.keys()))
        self.list.current_changed.connect(self.current_changed)
        self.list.removal_wanted.connect(self.removal_wanted)
        self.model.thumbnail_wanted.connect(self._on_thumbnail_wanted)
        self._thumbnails.loaded.connect(self._on_thumbnail_loaded)
        for signal in (self.model.rowsInserted, self.model.rowsRemoved, self.model.modelReset):
            signal.connect(self._on_rows_changed)

    # -- taking photos -------------------------------------------------------------------------

    def add(self, sources: Iterable[PhotoSource]) -> list[int]:
        """List the photos and make the first of them current; comes back with their keys."""
        keys = self.model.add(sources)
        if keys:
            self.photos_added.emit(keys)
            self.list.make_current(keys[0])
        return keys

    def take(self, mime: QMimeData) -> bool:
        """Take a drop or a paste; False when there is nothing of use in it."""
        gift = given(mime)
        if gift.sources:
            self.add(gift.sources)
        for folder in gift.folders:
            self.look_into(folder)
        if gift.refused is not None:
            self.refused.emit(gift.refused)
        return bool(gift)

    def paste(self) -> None:
        mime = QApplication.clipboard().mimeData()
        if mime is None or not self.take(mime):
            self.refused.emit(
                BadRequest(
                    "nothing_to_paste",
                    self.tr("There is no picture and no file on the clipboard."),
                    self.tr("Copy a photo in the file manager, or a picture in the browser."),
                )
            )

    def browse(self) -> None:
        from faceapp.pipeline.photos import PHOTO_EXTENSIONS
        from faceapp.stream.sources import VIDEO_EXTENSIONS

        known = PHOTO_EXTENSIONS | VIDEO_EXTENSIONS if self._videos else PHOTO_EXTENSIONS
        patterns = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in sorted(known))
        kind = self.tr("Photos and videos") if self._videos else self.tr("Photos")
        kinds = ";;".join((f"{kind} ({patterns})", self.tr("All files") + " (*)"))
        title = self.tr("Choose photos")
        names, _ = QFileDialog.getOpenFileNames(self, title, self._last_folder, kinds)
        if names:
            self._last_folder = str(Path(names[0]).parent)
            self.add([PhotoSource.file(Path(name)) for name in names])

    def browse_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, self.tr("Choose a folder"), self._last_folder)
        if name:
            self._last_folder = name
            self.look_into(Path(name))

    def look_into(self, folder: Path) -> None:
        """Find a folder's photos behind the window; `folder_found` brings them."""

        def body(context: JobContext) -> FolderContent:
            context.check()
            return look_into(folder)

        title = self.tr("Look for photos in {folder}").format(folder=folder.name)
        self._jobs.run(title, body, self.folder_found.emit, self.refused.emit, resource="files", owner=self)

    def open_webcam(self) -> None:
        """Show the webcam dialog beside the window; the photo that it takes comes as any other."""
        if self._webcam is None:
            self._webcam = WebcamDialog(self._cameras, self)
            self._webcam.photo_taken.connect(lambda source: self.add([source]))
            self._webcam.finished.connect(self._on_webcam_finished)
        self._webcam.show()
        self._webcam.raise_()

    def _on_webcam_finished(self) -> None:
        dialog, self._webcam = self._webcam, None
        if dialog is not None:
            dialog.deleteLater()

    @property
    def last_folder(self) -> str:
        return self._last_folder

    def set_last_folder(self, folder: str) -> None:
        self._last_folder = folder

    # -- what is listed --------------------------------------------------------------------------

    @property
    def sources(self) -> list[PhotoSource]:
        """Everything that is listed, in its order."""
        return self.model.sources()

    def source(self, key: int) -> PhotoSource | None:
        item = self.model.item(key)
        return None if item is None else item.source

    def remove(self, keys: Iterable[int]) -> None:
        self.model.remove(keys)

    def _on_rows_changed(self) -> None:
        count = self.model.rowCount()
        listed = count > 0
        self.list.setVisible(listed)
        self._count.setVisible(listed)
        self._clear.setVisible(listed)
        self._icon.setVisible(not listed and not self._compact)
        self._hint.setVisible(not listed)
        self._count.setText(
            self.tr("One photo") if count == 1 else self.tr("{count} photos").format(count=count)
        )
        self.layout().setStretch(3, 0 if listed else 1)

    def _on_thumbnail_wanted(self, key: int) -> None:
        source = self.source(key)
        if source is not None:
            self._thumbnails.want(key, source)

    def _on_thumbnail_loaded(self, key: int, image: QImage) -> None:
        item = self.model.item(key)
        if item is not None and item.thumbnail is None:
            self.model.change(key, thumbnail=image)

    # -- drops -----------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if can_give(event.mimeData()):
            event.setDropAction(Qt.CopyAction)
            event.accept()
            self.set_inviting(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.set_inviting(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.set_inviting(False)
        if self.take(event.mimeData()):
            event.setDropAction(Qt.CopyAction)
            event.accept()

    def set_inviting(self, inviting: bool) -> None:
        """Show that a drop would be taken."""
        self._sheet.setProperty("hot", inviting)
        self._sheet.style().unpolish(self._sheet)
        self._sheet.style().polish(self._sheet)
        self._title.setText(self.tr("Let go to take them") if inviting else self._invitation)


def _button(name: str, text: str, tip: str) -> QPushButton:
    button = QPushButton(icon(name), text, autoDefault=False)
    button.setToolTip(tip)
    return button
