"""A photo that was given but not yet read, and what a drop or a paste holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PyQt5.QtCore import QCoreApplication, QMimeData
from PyQt5.QtGui import QImage

from faceapp.errors import FaceAppError, UnusablePhoto
from faceapp.types import Image, Photo
from ui.images import to_bgr

# Pictures as browsers and other programs put them onto the clipboard, best first.
PICTURE_FORMATS = (
    "image/png",
    "image/jpeg",
    "image/webp",
    "image/tiff",
    "image/gif",
    "image/bmp",
    "image/avif",
)


@dataclass(frozen=True, eq=False)
class PhotoSource:
    """Where a photo comes from: a file, the bytes of one, a picture, or a photo that is in memory already."""

    name: str
    path: Path | None = None
    data: bytes | None = None
    picture: QImage | Image | None = None
    photo: Photo | None = None

    @staticmethod
    def file(path: Path) -> PhotoSource:
        return PhotoSource(path.name, path=path)

    @staticmethod
    def ready(photo: Photo) -> PhotoSource:
        return PhotoSource(photo.name or QCoreApplication.translate("PhotoSource", "Photo"), photo=photo)

    @staticmethod
    def of(photo: str | Path | Photo) -> PhotoSource:
        """A file by its path, or a photo that is in memory."""
        return PhotoSource.ready(photo) if isinstance(photo, Photo) else PhotoSource.file(Path(photo))

    def read(self) -> Photo:
        """The photo; it takes its time, so on a job's thread. Raises NotFound, UnusablePhoto, TooLarge."""
        from faceapp.pipeline.photos import decode_photo, photo_from_pixels, read_photo

        if self.photo is not None:
            return self.photo
        if self.path is not None:
            return read_photo(self.path)
        if self.data is not None:
            return decode_photo(self.data, self.name)
        assert self.picture is not None, "a source has a file, bytes, a picture or a photo"
        pixels = to_bgr(self.picture) if isinstance(self.picture, QImage) else self.picture
        return photo_from_pixels(pixels, self.name)


@dataclass(frozen=True)
class Given:
    """What a drop or a paste holds. refused: why something in it cannot be taken."""

    sources: tuple[PhotoSource, ...] = ()
    folders: tuple[Path, ...] = ()
    refused: FaceAppError | None = None

    def __bool__(self) -> bool:
        return bool(self.sources or self.folders or self.refused)


def can_give(mime: QMimeData) -> bool:
    """Whether a drop is worth accepting; a web address is, so that it gets its sentence."""
    return bool(mime.hasUrls() or mime.hasImage() or any(mime.hasFormat(kind) for kind in PICTURE_FORMATS))


def given(mime: QMimeData) -> Given:
    """The files and folders of a drop or a paste, else its picture, else why it is refused."""
    places = [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
    if places:
        folders = tuple(place for place in places if place.is_dir())
        files = tuple(PhotoSource.file(place) for place in places if place not in folders)
        return Given(files, folders)
    picture = _picture(mime)
    if picture is not None:
        return Given((picture,))
    if mime.hasUrls() or mime.text().strip().lower().startswith(("http://", "https://")):
        return Given(refused=_web_address())
    return Given()


def _picture(mime: QMimeData) -> PhotoSource | None:
    name = QCoreApplication.translate("PhotoSource", "Pasted photo")
    for kind in PICTURE_FORMATS:
        data = bytes(mime.data(kind)) if mime.hasFormat(kind) else b""
        if data:
            return PhotoSource(f"{name}.{kind.split('/')[1]}", data=data)
    image = mime.imageData() if mime.hasImage() else None
    if isinstance(image, QImage) and not image.isNull():
        return PhotoSource(f"{name}.png", picture=image)
    return None


def _web_address() -> FaceAppError:
    translate = QCoreApplication.translate
    return UnusablePhoto(
        "web_address",
        translate(
            "PhotoSource", "Only the picture's web address was dropped, and nothing is fetched from the web."
        ),
        translate("PhotoSource", "Copy the picture itself in the browser (Copy image) and paste it here."),
    )
