"""The work behind the Lookalike page: job bodies, which never see a widget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PyQt5.QtGui import QImage

from faceapp.jobs import JobContext
from faceapp.services import Services
from faceapp.types import Face, FaceMatches, Match, Photo
from ui.images import from_jpeg
from ui.photo_source import PhotoSource
from ui.picture import Picture, thumbnail

Shown = Callable[[Photo, Picture], None]


@dataclass(frozen=True, eq=False)
class Found:
    """What a search of one photo gave.

    people: how many are enrolled. crops: each face, small. explanation: what percentiles are measured on.
    """

    faces: tuple[FaceMatches, ...]
    crops: tuple[QImage, ...]
    people: int
    explanation: str
    threshold: float


def search_photo(
    context: JobContext, services: Services, source: PhotoSource, top: int, shown: Shown
) -> Found:
    """Read a photo, hand it to `shown` as soon as there is something to see, then search its faces."""
    context.progress(0, None, "Opening the photo")
    photo = source.read()
    context.check()
    picture = Picture.of(photo.image)
    shown(photo, picture)
    context.progress(1, None, "Looking for faces")
    faces = services.recognition.lookalikes(photo, top)
    context.check()
    return _found(services, faces, tuple(thumbnail(photo.image, each.face.box) for each in faces))


def search_again(
    context: JobContext, services: Services, faces: Sequence[Face], crops: tuple[QImage, ...], top: int
) -> Found:
    """Search faces that are known already, in the library as it is now."""
    found = []
    for face in context.track(faces, len(faces), "Searching again"):
        found.append(services.recognition.resemble(face, top))
    return _found(services, tuple(found), crops)


def _found(services: Services, faces: tuple[FaceMatches, ...], crops: tuple[QImage, ...]) -> Found:
    recognition = services.recognition
    people = services.people.count()[0]
    return Found(faces, crops, people, recognition.explain(), recognition.threshold)


def enrolled_crops(context: JobContext, services: Services, matches: Sequence[Match]) -> dict[int, QImage]:
    """The kept crop of each match, by face id. Raises NotFound when one was deleted meanwhile."""
    crops = {}
    for match in matches:
        context.check()
        crops[match.face_id] = from_jpeg(services.people.crop(match.face_id))
    return crops
