"""Faces of a crowd that hide each other: what is put onto a face behind must not cover the head in front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from faceapp.edit.cast import unsure
from faceapp.edit.faces import EditFace, near
from faceapp.edit.points import eye_centres, eye_distance, upward
from faceapp.edit.swap import Source, Swapped, SwapSettings, swap_faces
from faceapp.opencv import cv2
from faceapp.types import Floats, Image

# A head is an ellipse around the middle of the eyes, with its hair: half its height in ways from the eyes to
# the chin, half its width in widths of the jaw, and in those ways at the least (for a head that is turned).
_HEIGHT, _WIDTH, _LEAST_WIDTH = 1.15, 0.6, 0.75
# A face is behind a head when that covers so many of its points, and when these are doubtful for that very
# reason (see `cast.unsure`) while those of the head in front are not.
_COVERED, _HIDDEN, _SEEN = 0.2, 0.1, 0.13
# How soft the edge of a head in front is, in eye distances.
_SOFT = 0.06
_STEPS = 48


class Swap(Protocol):
    """As `swap_faces` is called here."""

    def __call__(
        self,
        image: Image,
        pairs: Sequence[tuple[EditFace, Source]],
        settings: SwapSettings,
        *,
        beside: Sequence[EditFace] = (),
    ) -> tuple[Image, tuple[Swapped, ...]]: ...


@dataclass(frozen=True)
class _Head:
    """An ellipse: x y of its middle, its half axes, and its lean in radians."""

    x: float
    y: float
    across: float
    up: float
    lean: float

    def inside(self, points: Floats) -> float:
        """The share of points (P, 2) that lie in it."""
        moved = points - (self.x, self.y)
        cos, sin = np.cos(self.lean), np.sin(self.lean)
        across = (moved[:, 0] * cos + moved[:, 1] * sin) / self.across
        down = (moved[:, 1] * cos - moved[:, 0] * sin) / self.up
        return float((across**2 + down**2 <= 1).mean())

    def outline(self) -> Floats:
        """(48, 2) points of its edge."""
        angle = np.linspace(0, 2 * np.pi, _STEPS, endpoint=False)
        x, y = self.across * np.cos(angle), self.up * np.sin(angle)
        cos, sin = np.cos(self.lean), np.sin(self.lean)
        return np.stack([self.x + x * cos - y * sin, self.y + x * sin + y * cos], axis=1).astype(np.float32)


def head(points: Floats) -> _Head:
    """Where the head of 68 points (68, 2) is, with its hair."""
    left, right = eye_centres(points)
    middle, way = (left + right) / 2, upward(points)
    tall = max(1.0, float(np.hypot(*way)))
    jaw = float(np.hypot(*(points[16] - points[0])))
    lean = float(np.arctan2(way[0], -way[1]))
    across = max(_WIDTH * jaw, _LEAST_WIDTH * tall)
    return _Head(float(middle[0]), float(middle[1]), across, _HEIGHT * tall, lean)


def in_front(faces: Sequence[EditFace], index: int) -> tuple[int, ...]:
    """The faces whose heads hide a part of one face.

    Of two heads that meet, the one is behind whose points lie more in the other: the points end at the brows,
    and what reaches over another face is first of all forehead and hair. Where it is not plain, nobody is:
    two cheeks may touch.
    """
    own = faces[index]
    if unsure(own) < _HIDDEN:
        return ()
    ours = head(own.points)
    found = []
    for number in np.flatnonzero(near(faces)[index]).tolist():
        other = faces[number]
        if number == index or unsure(other) > _SEEN:
            continue
        covered = head(other.points).inside(own.points)
        if covered >= _COVERED and covered > ours.inside(other.points):
            found.append(number)
    return tuple(found)


def swap_crowd(
    image: Image,
    faces: Sequence[EditFace],
    pairs: Sequence[tuple[int, Source]],
    settings: SwapSettings,
    swap: Swap = swap_faces,
) -> tuple[Image, tuple[Swapped, ...]]:
    """`swap_faces` for a photo of many: heads in front stay in front.

    faces: all of the photo, also those that stay as they are. pairs: the position of a face and its source.
    swap: what puts one face onto another, where it is another engine.
    """
    hidden = {index: in_front(faces, index) for index, _ in pairs}
    plain = [pair for pair in pairs if not hidden[pair[0]]]
    canvas, swapped = swap(image, [(faces[index], source) for index, source in plain], settings, beside=faces)
    done = {index: each for (index, _), each in zip(plain, swapped, strict=True)}
    for index, source in pairs:
        if hidden[index]:
            _, (made,) = swap(image, [(faces[index], source)], settings, beside=faces)
            done[index] = _uncovered(canvas, made, [faces[other] for other in hidden[index]])
    return canvas, tuple(replace(done[index], image=canvas) for index, _ in pairs)


def _uncovered(canvas: Image, made: Swapped, others: Sequence[EditFace]) -> Swapped:
    """Bring one swapped face onto the canvas, in place, without what heads in front of it hide."""
    x1, y1, x2, y2 = made.box
    if x2 <= x1 or y2 <= y1:
        return made
    shown = _shown((x1, y1), made.mask.shape, others)
    part, under = made.image[y1:y2, x1:x2], canvas[y1:y2, x1:x2]
    changed = (made.mask > 0) & (shown > 0)
    weight = shown[..., None]
    mixed = np.rint(part * weight + under * (1 - weight)).astype(np.uint8)
    under[changed] = mixed[changed]
    return replace(made, mask=made.mask * shown)


def _shown(corner: tuple[int, int], shape: tuple[int, ...], others: Sequence[EditFace]) -> Floats:
    """(H, W) 0..1: how much of each pixel of a box is not behind one of these heads."""
    shown = np.ones(shape[:2], np.float32)
    for other in others:
        outline = np.rint((head(other.points).outline() - corner) * 16).astype(np.int32)
        front = np.zeros(shape[:2], np.float32)
        cv2.fillConvexPoly(front, outline, 1.0, cv2.LINE_8, 4)
        soft = cv2.GaussianBlur(front, (0, 0), max(0.5, _SOFT * eye_distance(other.points)))
        # All of the head hides what is behind it; its edge is soft on the outside.
        shown *= 1 - np.minimum(2 * soft, 1)
    return np.where(shown > 0.996, np.float32(1), np.where(shown < 0.004, np.float32(0), shown))
