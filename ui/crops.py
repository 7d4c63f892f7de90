"""The crops of enrolled faces as small round-cornered tiles, loaded when they are first looked at."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from PyQt5.QtCore import QObject, QTimer, pyqtSignal
from PyQt5.QtGui import QImage, QPixmap

from faceapp.errors import NotFound
from faceapp.jobs import JobContext
from faceapp.services import Services
from ui.images import from_jpeg, tile
from ui.jobs_qt import JobsQt

LANE = "thumbnails"
BATCH = 48
# Whoever scrolls fast leaves behind more than anybody will look at.
MOST_WAITING = 400
MOST_BYTES = 64 * 1024 * 1024
BYTES_PER_PIXEL = 4


@dataclass(frozen=True)
class _Key:
    face_id: int
    side: int
    ratio: float

    @property
    def bytes(self) -> int:
        return int((self.side * self.ratio) ** 2) * BYTES_PER_PIXEL


class Crops(QObject):
    """A bounded cache; the least recently seen tiles go first.

    Signals:
        loaded: more tiles are there; who painted without them paints again.
    """

    loaded = pyqtSignal()

    def __init__(self, services: Services, jobs: JobsQt, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._jobs = jobs
        self._tiles: OrderedDict[_Key, QPixmap] = OrderedDict()
        self._bytes = 0
        self._waiting: OrderedDict[_Key, None] = OrderedDict()
        self._loading = False
        # One turn of the event loop: everything that one repaint asks for becomes one batch.
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._start)

    def tile(self, face_id: int, side: int, ratio: float = 1.0) -> QPixmap | None:
        """The face's tile of `side` logical pixels; None while it is being loaded or cannot be read."""
        key = _Key(face_id, side, ratio)
        if key in self._tiles:
            self._tiles.move_to_end(key)
            found = self._tiles[key]
            return None if found.isNull() else found
        self._waiting[key] = None
        self._waiting.move_to_end(key)
        if not self._loading and not self._soon.isActive():
            self._soon.start()
        return None

    def _start(self) -> None:
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popitem(last=False)
        batch = [self._waiting.popitem()[0] for _ in range(min(BATCH, len(self._waiting)))]
        if not batch:
            return

        def body(context: JobContext) -> list[tuple[_Key, QImage]]:
            return [(key, self._read(key)) for key in batch]

        self._loading = True
        self._jobs.run(self.tr("Thumbnails"), body, self._on_loaded, self._on_failed, resource=LANE)

    def _read(self, key: _Key) -> QImage:
        """On the job's thread. A face that has been removed meanwhile has a null picture."""
        try:
            picture = from_jpeg(self._bytes_of(key.face_id))
        except NotFound:
            return QImage()
        return picture if picture.isNull() else tile(picture, key.side, key.ratio)

    def _bytes_of(self, face_id: int) -> bytes:
        """On the job's thread: the JPEG bytes of a crop. Raises NotFound."""
        return self._services.people.crop(face_id)

    def _on_loaded(self, tiles: list[tuple[_Key, QImage]]) -> None:
        for key, picture in tiles:
            self._tiles[key] = QPixmap.fromImage(picture)
            self._bytes += key.bytes
        while self._bytes > MOST_BYTES:
            self._bytes -= self._tiles.popitem(last=False)[0].bytes
        self._loading = False
        self.loaded.emit()
        self._start()

    def _on_failed(self, _: object) -> None:
        """The library cannot be read: the page that shows it says so."""
        self._loading = False
        self._waiting.clear()
