"""Faces ready to be edited: found, measured, embedded, with 68 points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceapp.models.align import dlib_boxes
from faceapp.models.registry import Models
from faceapp.pipeline.analysis import Analyser
from faceapp.types import Detections, Face, Floats, Image, check_shape

LANDMARKER = "dlib-68"


@dataclass(frozen=True, eq=False)
class EditFace:
    """A face of a photo with what an edit needs. points (68, 2): iBUG's order, pixels of the photo."""

    face: Face
    points: Floats

    def __post_init__(self) -> None:
        check_shape("points", self.points, (68, 2))


class FaceReader:
    """Finds the faces of photos for edits. Safe to call from several threads."""

    def __init__(self, analyser: Analyser, models: Models) -> None:
        self._analyser = analyser
        self._models = models

    def read(
        self, image: Image, embed: bool = True, views: int | None = 2, far: bool = False
    ) -> tuple[EditFace, ...]:
        """The faces of an image, best detection first. embed, views, far: as `Analyser.faces` has them."""
        faces = self._analyser.faces(image, embed, views, far)
        return self.with_points(image, faces)

    def with_points(self, image: Image, faces: tuple[Face, ...]) -> tuple[EditFace, ...]:
        """The same faces with their 68 points, placed from a box that their five points give."""
        if not faces:
            return ()
        boxes = dlib_boxes(_detections(faces))
        points = self._models.landmarker(LANDMARKER).locate(image, boxes)
        return tuple(EditFace(face, own) for face, own in zip(faces, points, strict=True))


def _detections(faces: tuple[Face, ...]) -> Detections:
    boxes = np.array([(f.box.x1, f.box.y1, f.box.x2, f.box.y2) for f in faces], np.float32)
    scores = np.array([f.quality.score for f in faces], np.float32)
    return Detections(boxes, scores, np.stack([f.landmarks for f in faces]).astype(np.float32))
