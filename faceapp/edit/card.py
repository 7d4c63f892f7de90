"""The self-check of a result: what this program itself says of a face that it has just made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from faceapp.edit.cast import turned_apart, unsure
from faceapp.edit.faces import EditFace, FaceReader
from faceapp.edit.points import eye_distance
from faceapp.models.registry import Models
from faceapp.pipeline.analysis import Analyser
from faceapp.types import Detections, Floats, Image

if TYPE_CHECKING:
    from faceapp.edit.swap import Swapped

# From here on each figure is worth a word; measured in their own units.
EXPRESSION, SEAM, TURNED, UNSURE = 0.09, 1.10, 25.0, 0.13
# A face of the result that overlaps its target so much is the one that was looked for.
_SAME_PLACE = 0.3
_VIEWS = 2
# How far around a mask its seam may show, in eye distances.
_RIM = 0.04


@dataclass(frozen=True)
class Card:
    """What one swapped face is worth. target, source: positions in the plan.

    to_source, to_target: cosine distance of the result to the source's and the target's face, by the
    embedder of the program; threshold: up to where it would call them one person. expression: mean distance
    of the result's 68 points to the target's, in eye distances. seam: edges along the mask's border compared
    with the untouched photo, 1.0 = none added. turned: degrees between the two heads. unsure: how far the
    target's points may be off (see `cast.unsure`). found: the detector sees a face there.
    """

    target: int
    source: int
    to_source: float
    to_target: float
    threshold: float
    expression: float
    seam: float
    turned: float
    unsure: float = 0.0
    found: bool = True
    remarks: tuple[str, ...] = ()

    @property
    def recognised(self) -> bool:
        """The program would take the result for the source."""
        return self.found and self.to_source <= self.threshold

    @property
    def doubt(self) -> float:
        """How doubtful the result is: its worst figure in units of what is still fine; above 1 look at it."""
        if not self.found:
            return 10.0
        figures = (self.to_source / self.threshold, self.expression / EXPRESSION, self.turned / TURNED)
        return max(*figures, self.unsure / UNSURE, (self.seam - 1.0) / (SEAM - 1.0))

    @property
    def sentences(self) -> tuple[str, ...]:
        """The card in plain words: the verdict first, then whatever is worth a look."""
        found = [self._verdict]
        if self.expression > EXPRESSION:
            found.append("The expression differs clearly from the photo's.")
        if self.seam > SEAM:
            found.append("The border of the face may show.")
        if self.turned > TURNED:
            found.append(f"The heads are turned {self.turned:.0f} degrees apart.")
        if self.unsure > UNSURE:
            found.append("The face is turned far or partly hidden: it may be misplaced.")
        # The engine says of the heads what it sees itself: once is enough.
        own = [text for text in self.remarks if not text.startswith("The heads are turned")]
        return (*found, *own)

    @property
    def _verdict(self) -> str:
        if not self.found:
            return "This program finds no face there any more."
        if self.recognised:
            return "This program would recognise the source."
        if self.to_target <= self.threshold:
            return "This program would still recognise the person who was there before."
        nearer = "source" if self.to_source < self.to_target else "person who was there before"
        return f"This program would recognise neither; it looks more like the {nearer}."


class Checker:
    """Looks at results with the program's own detector and embedder. Safe to call from several threads."""

    def __init__(self, analyser: Analyser, models: Models) -> None:
        self._analyser = analyser
        self._reader = FaceReader(analyser, models)

    def cards(
        self,
        before: Image,
        after: Image,
        pairs: Sequence[tuple[int, EditFace, int, EditFace]],
        swapped: Sequence[Swapped],
        threshold: float,
        far: bool,
        check: Callable[[], None],
    ) -> tuple[Card, ...]:
        """One card for each (target's position, its face, source's position, its face) of a swap.

        before, after: the photo and the result. swapped: what the engine said of each. far: the faces were
        found with `far`. Both faces of a pair must be embedded. check: called now and then; it may raise.
        """
        if not pairs:
            return ()
        wanted = tuple(target for _, target, _, _ in pairs)
        faces, found = self._found_again(after, wanted, far, check)
        rows = self._analyser.embed(after, _detections(faces), _VIEWS, check)
        return tuple(
            Card(
                target=number,
                source=source_number,
                to_source=_distance(row, source.face.embedding),
                to_target=_distance(row, target.face.embedding),
                threshold=threshold,
                expression=point_error(face.points, target.points),
                seam=seam_ratio(before, after, done, eye_distance(target.points)),
                turned=turned_apart(target, source),
                unsure=unsure(target),
                found=seen,
                remarks=done.remarks,
            )
            for (number, target, source_number, source), done, face, seen, row in zip(
                pairs, swapped, faces, found, rows, strict=True
            )
        )

    def _found_again(
        self, image: Image, wanted: tuple[EditFace, ...], far: bool, check: Callable[[], None]
    ) -> tuple[tuple[EditFace, ...], tuple[bool, ...]]:
        """The faces of the result where the wanted ones were; the old place where none is found."""
        seen = self._analyser.faces(image, embed=False, far=far, check=check)
        picked, found = [], []
        for old in wanted:
            near = max(seen, key=lambda face: face.box.overlap(old.face.box), default=None)
            there = near is not None and near.box.overlap(old.face.box) >= _SAME_PLACE
            picked.append(near if there and near is not None else old.face)
            found.append(there)
        return self._reader.with_points(image, tuple(picked)), tuple(found)


def _detections(faces: Sequence[EditFace]) -> Detections:
    boxes = [(f.face.box.x1, f.face.box.y1, f.face.box.x2, f.face.box.y2) for f in faces]
    points = np.stack([f.face.landmarks for f in faces]).astype(np.float32)
    return Detections(np.array(boxes, np.float32), np.ones(len(faces), np.float32), points)


def _distance(one: Floats, other: Floats | None) -> float:
    assert other is not None, "the face was not embedded"
    return float(np.clip(1.0 - float(one @ other), 0.0, 2.0))


def point_error(points: Floats, wanted: Floats) -> float:
    """Mean distance of 68 points (68, 2) to where they should be, in eye distances of the wanted ones."""
    return float(np.linalg.norm(points - wanted, axis=1).mean()) / eye_distance(wanted)


def seam_ratio(before: Image, after: Image, swapped: Swapped, unit: float) -> float:
    """Mean gradient of the luma along the mask's border after and before: above 1 an edge was added.

    Measured where the mask rises from nothing to all, and a rim of pixels around. unit: the eye distance.
    """
    from faceapp.opencv import cv2

    rim = max(1, round(_RIM * unit))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rim + 1, 2 * rim + 1))
    inside = swapped.mask
    if not inside.size:
        return 1.0
    # A border of nothing, so that a mask that reaches the end of its box has an edge there as well.
    inside = cv2.copyMakeBorder(inside, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=0)
    outer = cv2.dilate((inside > 0.02).astype(np.uint8), kernel)
    inner = cv2.erode((inside > 0.98).astype(np.uint8), kernel)
    ring = (outer - inner).astype(bool)[rim:-rim, rim:-rim]
    x1, y1, x2, y2 = swapped.box
    area = slice(y1, y2), slice(x1, x2)
    if not ring.any():
        return 1.0
    gained, there = (_gradient(image[area])[ring].mean() for image in (after, before))
    return float((gained + 1.0) / (there + 1.0))


def _gradient(image: Image) -> Floats:
    """(H, W) how much the luma changes from pixel to pixel, in grey levels."""
    from faceapp.opencv import cv2

    luma = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_BGR2GRAY)
    across, down = (cv2.Scharr(luma, cv2.CV_32F, *axis, scale=1 / 32) for axis in ((1, 0), (0, 1)))
    strength: Floats = cv2.magnitude(across, down)
    return strength
