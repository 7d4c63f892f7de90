"""One face of a photo, as a photo that another page can work with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from faceapp.pipeline.photos import photo_from_pixels
from faceapp.services import Services
from faceapp.types import Box, Photo

# What goes along on each side of a face, in sizes of the face: hair and shoulders.
AROUND = 1.0


def alone(photo: Photo, boxes: Sequence[Box], index: int) -> Photo:
    """The photo itself when it shows one face, else what is around the face at `index`, without the others.

    boxes: of all faces on the photo. Takes a moment: for a job's thread.
    """
    if len(boxes) == 1:
        return photo
    own = boxes[index]
    margin = AROUND * max(own.width, own.height)
    area = Box(
        max(0.0, own.x1 - margin), max(0.0, own.y1 - margin),
        min(float(photo.width), own.x2 + margin), min(float(photo.height), own.y2 + margin),
    )  # fmt: skip
    for place, other in enumerate(boxes):
        if place != index:
            area = _without(area, own, other)
    part = photo.image[round(area.y1) : round(area.y2), round(area.x1) : round(area.x2)]
    return photo_from_pixels(part, photo.name)


def _without(area: Box, own: Box, other: Box) -> Box:
    """The area cut where it reaches another face, on the side that costs the least of it; the face itself
    stays whole, even where the two overlap."""
    if area.overlap(other) == 0:
        return area
    cuts = (
        (other.x2 - own.x1, replace(area, x1=min(other.x2, own.x1))),
        (own.x2 - other.x1, replace(area, x2=max(other.x1, own.x2))),
        (other.y2 - own.y1, replace(area, y1=min(other.y2, own.y1))),
        (own.y2 - other.y1, replace(area, y2=max(other.y1, own.y2))),
    )
    # The face that is left over comes first, then the area that is lost.
    return min(cuts, key=lambda cut: (max(cut[0], 0.0), -cut[1].width * cut[1].height))[1]


def enrolled(services: Services, face_id: int) -> Photo:
    """The photo of an enrolled face with that face alone, called after the person. Raises NotFound."""
    photo, index = services.morphs.enrolled(face_id)
    faces = services.morphs.read(photo)
    return alone(photo, [one.face.box for one in faces], index) if faces else photo
