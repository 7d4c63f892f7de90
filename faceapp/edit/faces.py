"""Faces ready to be edited: found, measured, embedded, with 68 points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceapp.edit.points import five_of, size
from faceapp.models.align import dlib_boxes
from faceapp.models.registry import Models
from faceapp.pipeline.analysis import Analyser
from faceapp.pipeline.quality import pose
from faceapp.types import Box, Detections, Face, Floats, Image, Quality, check_shape

LANDMARKER = "dlib-68"
# In units of both: faces whose middles are further apart have nothing to do with each other.
_NEAR = 2.5
# SHA-256 of a photo -> box and points (68, 2) of each face whose points were placed by hand.
Corrected = Callable[[str], Sequence[tuple[Box, Floats]]]


@dataclass(frozen=True, eq=False)
class EditFace:
    """A face of a photo with what an edit needs. points (68, 2): iBUG's order, pixels of the photo."""

    face: Face
    points: Floats

    def __post_init__(self) -> None:
        check_shape("points", self.points, (68, 2))

    @staticmethod
    def of_points(points: Floats, sharpness: float = 0.5) -> EditFace:
        """The face of a video's frame that has these points (68, 2): all else but its sharpness follows."""
        five = five_of(points)
        yaw, pitch, roll = pose(five)
        low, high = points.min(0), points.max(0)
        box = Box(float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        size = min(box.width, box.height)
        return EditFace(Face(box, five, Quality(size, sharpness, 0.5, 0.2, yaw, pitch, roll, 1.0)), points)


def near(faces: Sequence[EditFace]) -> NDArray[np.bool_]:
    """(N, N) which faces are so near to each other that what is done to one may reach the other's head; each
    is near to itself."""
    middles = np.array([face.points.mean(0) for face in faces]).reshape(-1, 2)
    sizes = np.array([size(face.points) for face in faces])
    apart = np.abs(middles[:, None] - middles[None]).max(2)
    close: NDArray[np.bool_] = apart < _NEAR * (sizes[:, None] + sizes[None])
    return close


class FaceReader:
    """Finds the faces of photos for edits. Safe to call from several threads.

    corrected: where points placed by hand are asked for (`PeopleStore.points_on`); they go before found ones.
    """

    def __init__(self, analyser: Analyser, models: Models, corrected: Corrected | None = None) -> None:
        self._analyser = analyser
        self._models = models
        self._corrected = corrected

    def read(
        self,
        image: Image,
        embed: bool = True,
        views: int | None = 2,
        far: bool = False,
        sha256: str = "",
        check: Callable[[], None] = lambda: None,
    ) -> tuple[EditFace, ...]:
        """The faces of an image, best detection first. embed, views, far, check: as `Analyser.faces` has
        them. sha256: of the photo, so that points that were placed on it by hand are used."""
        faces = self._analyser.faces(image, embed, views, far, check)
        return self.with_points(image, faces, sha256)

    def with_points(self, image: Image, faces: tuple[Face, ...], sha256: str = "") -> tuple[EditFace, ...]:
        """The same faces with their 68 points: those placed by hand, or found from a box that the face's five
        points give."""
        if not faces:
            return ()
        boxes = dlib_boxes(_detections(faces))
        points = self._models.landmarker(LANDMARKER).locate(image, boxes)
        if sha256 and self._corrected is not None:
            points = _with_corrected(points, faces, self._corrected(sha256))
        return tuple(EditFace(face, own) for face, own in zip(faces, points, strict=True))


def _with_corrected(
    points: Floats, faces: tuple[Face, ...], corrected: Sequence[tuple[Box, Floats]]
) -> Floats:
    """points (N, 68, 2) with those of each corrected face in the place of the face it overlaps most."""
    result = points.copy()
    for box, own in corrected:
        shared = [face.box.overlap(box) for face in faces]
        nearest = shared.index(max(shared))
        if faces[nearest].box.same_face(box):
            result[nearest] = own
    return result


def _detections(faces: tuple[Face, ...]) -> Detections:
    scores = np.array([f.quality.score for f in faces], np.float32)
    landmarks = np.stack([f.landmarks for f in faces]).astype(np.float32)
    return Detections(_boxes([face.box for face in faces]), scores, landmarks)


def _boxes(boxes: Sequence[Box]) -> Floats:
    return np.array([(box.x1, box.y1, box.x2, box.y2) for box in boxes], np.float32)
