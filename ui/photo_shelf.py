"""Photos that stay in memory for a while, so that a change of mind does not read every file again."""

from __future__ import annotations

from collections.abc import Sequence

from faceapp.errors import FaceAppError
from faceapp.jobs import JobContext
from faceapp.services.kept import Kept
from faceapp.types import Photo
from ui.photo_source import PhotoSource

PHOTOS_KEPT = 12


class Shelf:
    """The photos that were read last. For job threads."""

    def __init__(self) -> None:
        self._photos: Kept[Photo] = Kept(PHOTOS_KEPT)

    def read(self, source: PhotoSource) -> Photo:
        """Raises NotFound, UnusablePhoto, TooLarge."""
        return self._photos.get(source) or self._photos.put(source, source.read())

    def read_all(self, context: JobContext, sources: Sequence[PhotoSource]) -> list[Photo]:
        """In their order. Raises as `read`, with the name of the photo that cannot be read."""
        photos = []
        for source in sources:
            context.check()
            try:
                photos.append(self.read(source))
            except FaceAppError as error:
                if len(sources) == 1:
                    raise
                raise type(error)(error.code, f"{source.name}: {error.sentence}", error.hint) from error
        return photos
