"""What a camera sees at this moment: where the faces are, who one of them is, who is there."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from faceapp.errors import FaceAppError
from faceapp.live import Camera, NewSighting
from faceapp.pipeline.analysis import Analyser
from faceapp.services.cameras import Cameras
from faceapp.services.recognition import QUICK_VIEWS, Recognition
from faceapp.services.sightings import Sightings
from faceapp.types import Face, Floats, Image, Match

CROP_MARGIN, CROP_SIZE = 0.35, 192
# How far a face may have moved since its landmarks were read, in widths of the face.
MOVED = 1.0


# Pictures that are fetched at once, at the most: cameras that do not answer must not keep everybody waiting.
ASKED_AT_ONCE = 4


class Busy(FaceAppError):
    status = 503


@dataclass(frozen=True, eq=False)
class Look:
    """One picture of a camera, (H, W, 3) BGR, and when it was taken."""

    camera: Camera
    image: Image
    at: datetime


class Classroom:
    """Asks a camera for one picture at a time. Safe to use from any thread."""

    def __init__(
        self, cameras: Cameras, analyser: Analyser, recognition: Recognition, sightings: Sightings
    ) -> None:
        self._cameras = cameras
        self._analyser = analyser
        self._recognition = recognition
        self._sightings = sightings
        self._asking = threading.BoundedSemaphore(ASKED_AT_ONCE)

    def look(self, camera: Camera) -> Look:
        """A fresh picture. Raises SourceLost with what is wrong with the camera, and Busy."""
        if not self._asking.acquire(blocking=False):
            raise Busy("cameras_busy", "Too many cameras are being asked at once.", "Try again in a moment.")
        try:
            return Look(camera, self._cameras.snapshot(camera), datetime.now(UTC))
        finally:
            self._asking.release()

    def faces(self, look: Look) -> tuple[Face, ...]:
        """The faces of a picture, near and far, not embedded."""
        return self._analyser.faces(look.image, embed=False, far=True)

    def who(self, look: Look, landmarks: Floats) -> Match | None:
        """Who has the face at these landmarks (5, 2) by now; None for a stranger, or nobody there."""
        faces = self._analyser.faces(look.image, views=QUICK_VIEWS, far=True)
        index = nearest_face(faces, landmarks)
        if index is None:
            return None
        return self._known(faces)[index]

    def attend(self, look: Look) -> list[Match]:
        """Everybody known in a picture, left to right; each is kept as a sighting."""
        faces = self._analyser.faces(look.image, views=QUICK_VIEWS, far=True)
        pairs = zip(faces, self._known(faces), strict=True)
        seen: dict[int, Match] = {}
        for face, match in sorted(pairs, key=lambda pair: pair[0].box.centre[0]):
            if match is not None and match.person.id not in seen:
                seen[match.person.id] = match
                self._keep(look, face, match)
        return list(seen.values())

    def _known(self, faces: tuple[Face, ...]) -> list[Match | None]:
        """Who each face is. They are decided together, so that none takes a neighbour's name, and with the
        threshold for all of them: in a full room some stranger is near to somebody by chance, and who is
        missed is seen on the next picture."""
        limit = self._recognition.picture_threshold(len(faces))
        found = [face.person for face in self._recognition.recognise_faces(faces)]
        return [match if match is not None and match.distance <= limit else None for match in found]

    def _keep(self, look: Look, face: Face, match: Match) -> None:
        from faceapp.pipeline.crops import jpeg_crop

        assert face.embedding is not None
        self._sightings.record_visit(
            NewSighting(
                source=look.camera.name,
                first=look.at,
                last=look.at,
                person_id=match.person.id,
                visitor=None,
                distance=match.distance,
                model_key=self._analyser.model_key,
                embedding=face.embedding,
                crop=jpeg_crop(look.image, face.box, CROP_MARGIN, CROP_SIZE),
            )
        )


def nearest_face(faces: tuple[Face, ...], landmarks: Floats) -> int | None:
    """Which face has these landmarks (5, 2); None when none is as near as its own width."""
    if not faces:
        return None
    apart = [float(np.linalg.norm(face.landmarks - landmarks, axis=1).mean()) for face in faces]
    index = int(np.argmin(apart))
    return index if apart[index] <= MOVED * faces[index].box.width else None
