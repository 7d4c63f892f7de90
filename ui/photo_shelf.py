"""Photos that stay in memory for a while, so that a change of mind does not read every file again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from faceapp.jobs import JobContext
from faceapp.types import Photo
from ui.photo_source import PhotoSource

PHOTOS_KEPT = 12


class Shelf:
    """The photos that were read last. For job threads."""

    def __init__(self) -> None:
        self._photos: OrderedDict[PhotoSource, Photo] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, source: PhotoSource) -> Photo:
        """Raises NotFound, UnusablePhoto, TooLarge."""
        with self._lock:
            kept = self._photos.get(source)
        photo = kept or source.read()
        with self._lock:
            self._photos[source] = photo
            self._photos.move_to_end(source)
            while len(self._photos) > PHOTOS_KEPT:
                self._photos.popitem(last=False)
        return photo

    def read_all(self, context: JobContext, sources: Sequence[PhotoSource]) -> list[Photo]:
        photos = []
        for source in sources:
            context.check()
            photos.append(self.read(source))
        return photos
