"""A tracked face as a photo: what enrolment and search begin with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PyQt5.QtGui import QImage

from faceapp.errors import UnusableFace
from faceapp.live import FrameResult
from faceapp.services import Services
from faceapp.types import Box, Face, Photo
from ui import live_words
from ui.picture import thumbnail

# Only the surroundings of the face: nobody else in the picture goes into the library with it.
MARGIN = 1.0
LEAST_OVERLAP = 0.2
CROP_SIDE = 256


@dataclass(frozen=True, eq=False)
class FoundFace:
    """photo: the face with its surroundings."""

    photo: Photo
    face: Face
    crop: QImage


def cut(result: FrameResult, box: Box, source: str) -> tuple[Photo, Box]:
    """The part of the frame around a face as a photo, and the face's box in it."""
    from faceapp.pipeline.photos import photo_from_pixels

    image = result.frame.image
    height, width = image.shape[:2]
    margin = MARGIN * max(box.width, box.height)
    left, top = max(0, int(box.x1 - margin)), max(0, int(box.y1 - margin))
    right, bottom = min(width, round(box.x2 + margin)), min(height, round(box.y2 + margin))
    if right - left < 2 or bottom - top < 2:
        raise gone()
    part = np.ascontiguousarray(image[top:bottom, left:right])
    name = f"{source} {live_words.clock(result.frame.seconds).replace(':', '-')}.png"
    moved = Box(box.x1 - left, box.y1 - top, box.x2 - left, box.y2 - top)
    return photo_from_pixels(part, name), moved


def find(services: Services, result: FrameResult, box: Box, source: str) -> FoundFace:
    """The face in that box, analysed. On a job's thread. Raises UnusableFace."""
    photo, place = cut(result, box, source)
    faces = services.analyser.faces(photo.image)
    best = max(faces, key=lambda face: face.box.overlap(place), default=None)
    if best is None or best.box.overlap(place) < LEAST_OVERLAP:
        raise UnusableFace(
            "face_not_clear",
            "The face is not clear enough in this picture.",
            "Pause when it is larger and seen from the front, and try again.",
        )
    return FoundFace(photo, best, thumbnail(photo.image, best.box, CROP_SIDE))


def gone() -> UnusableFace:
    return UnusableFace(
        "face_gone",
        "This face is not in the picture any more.",
        "Choose it while it is seen; a video can be paused or moved back.",
    )
