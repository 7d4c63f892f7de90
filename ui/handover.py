"""One face of a photo, as a photo that another page can work with."""

from __future__ import annotations

from pathlib import Path

from faceapp.pipeline.photos import photo_from_pixels
from faceapp.services import Services
from faceapp.types import Box, Photo

# What goes along on each side of a face, in sizes of the face: hair and shoulders.
AROUND = 1.0


def alone(photo: Photo, box: Box, faces: int, name: str = "") -> Photo:
    """The photo itself when it shows that face alone, else what is around the face.

    faces: how many there are on the photo. Takes a moment: for a job's thread.
    """
    if faces == 1:
        return photo
    margin = AROUND * max(box.width, box.height)
    left, top = max(0, round(box.x1 - margin)), max(0, round(box.y1 - margin))
    part = photo.image[top : round(box.y2 + margin), left : round(box.x2 + margin)]
    return photo_from_pixels(part, name or f"{Path(photo.name or photo.path).stem}.png")


def enrolled(services: Services, face_id: int, name: str) -> Photo:
    """The photo of an enrolled face with that face alone, called after the person. Raises NotFound."""
    photo, index = services.morphs.enrolled(face_id)
    faces = services.morphs.read(photo)
    if not faces:
        return photo
    return alone(photo, faces[index].face.box, len(faces), f"{name}.png")
