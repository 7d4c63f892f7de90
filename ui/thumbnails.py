"""Loads thumbnails behind the window: only those that are shown, the last one asked for first."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from PyQt5.QtCore import QObject, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QImage, QImageReader

from faceapp.errors import FaceAppError
from faceapp.jobs import JobContext
from faceapp.stream.sources import is_video
from faceapp.types import Image
from ui.jobs_qt import JobsQt
from ui.photo_source import PhotoSource
from ui.picture import thumbnail

SIDE = 128
# A file that says that it is larger goes through the loader, which knows its limits.
QUICK_PIXELS = 100_000_000


class ThumbnailLoader(QObject):
    """Signals:
    loaded: key and QImage. A photo that cannot be read stays without a thumbnail: the page says why.
    """

    loaded = pyqtSignal(int, QImage)

    def __init__(self, jobs: JobsQt, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._wanted: deque[tuple[int, PhotoSource]] = deque()
        self._running = False

    def want(self, key: int, source: PhotoSource) -> None:
        self._wanted.append((key, source))
        self._start()

    def forget(self) -> None:
        """What was asked for is not wanted any more."""
        self._wanted.clear()

    def _start(self) -> None:
        if self._running or not self._wanted:
            return
        self._running = True
        self._jobs.run(
            self.tr("Thumbnails"),
            self._work,
            self._on_ended,
            self._on_ended,
            resource="thumbnails",
            owner=self,
        )

    def _on_ended(self, _: object) -> None:
        self._running = False
        self._start()

    def _work(self, context: JobContext) -> None:
        while True:
            context.check()
            try:
                key, source = self._wanted.pop()
            except IndexError:
                return
            try:
                image = load_thumbnail(source)
            except FaceAppError:
                continue
            self.loaded.emit(key, image)


def load_thumbnail(source: PhotoSource) -> QImage:
    """A square picture of `SIDE` pixels or a little more; of a video its first frame.

    Raises as `PhotoSource.read` does, and SourceLost.
    """
    quick = _quick(source)
    if quick is None and source.path is not None and is_video(source.path):
        return thumbnail(_first_frame(source.path), size=SIDE)
    return thumbnail(source.read().image, size=SIDE) if quick is None else quick


def _first_frame(path: Path) -> Image:
    from faceapp.edit.frames import develop, open_clip, read_frames

    clip = open_clip(path)
    return develop(clip, next(read_frames(clip))).image


def _quick(source: PhotoSource) -> QImage | None:
    """Let Qt decode a file small, which is far quicker for a JPEG; None where Qt does not read it."""
    if source.path is None or not source.path.is_file():
        return None
    reader = QImageReader(str(source.path))
    reader.setAutoTransform(True)
    size = reader.size()
    if not size.isValid() or size.width() * size.height() > QUICK_PIXELS:
        return None
    reader.setScaledSize(size.scaled(QSize(SIDE, SIDE), Qt.KeepAspectRatioByExpanding))
    image = reader.read()
    return None if image.isNull() else image
