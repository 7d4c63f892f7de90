"""The part of a photo that an edit changes, and the way from the small upright copy to its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceapp.edit.skin import Mask
from faceapp.edit.warp import Matrix, Warp, apply, chain, enlarged, invert, straight
from faceapp.opencv import cv2
from faceapp.types import Floats, Image

# A share of less than this changes no pixel of 8 bits.
_LEAST = 1 / 255


@dataclass(frozen=True, eq=False)
class Place:
    """A box of a photo, and where its pixels lie on the upright copy of a face.

    box: x1 y1 x2 y2 in pixels of the photo. to_copy: (2, 3), from pixels of the box to those of the copy.
    """

    box: tuple[int, int, int, int]
    to_copy: Matrix

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of the photo; 0, 0 where nothing is to be changed."""
        x1, y1, x2, y2 = self.box
        return x2 - x1, y2 - y1

    def cut(self, image: Image) -> Image:
        """The box's part of a photo, not a copy of it."""
        x1, y1, x2, y2 = self.box
        return image[y1:y2, x1:x2]

    def read(self, values: Floats) -> Floats:
        """Values (H, W[, C]) of the upright copy for each pixel of the box; 0 outside of the copy."""
        return straight(values, self.to_copy, self.size, cv2.BORDER_CONSTANT)

    def share(self, alpha: Floats) -> Floats:
        """How much of each pixel of the box is covered: `read`, and 0 where it is too little to be seen."""
        covered = self.read(alpha)
        covered[covered < _LEAST] = 0
        return covered

    def enlarged(self, warp: Warp, nearby: Matrix) -> Warp:
        """A warp of the upright copy for the pixels of the box; nearby: as `warp.enlarged` takes it."""
        return enlarged(warp, nearby, self.to_copy, self.size)


def place(image: Image, to_copy: Matrix, changed: Mask) -> Place:
    """The place of a photo for what is changed (H, W) on the upright copy; its box is empty where that is
    nothing, or lies beside the photo.

    to_copy: (2, 3), from the photo to the copy.
    """
    box = _box(image, to_copy, changed)
    shift = np.array([(1.0, 0.0, box[0]), (0.0, 1.0, box[1])])
    return Place(box, chain(shift, to_copy))


def _box(image: Image, to_copy: Matrix, changed: Mask) -> tuple[int, int, int, int]:
    y, x = np.nonzero(changed)
    if not len(y):
        return 0, 0, 0, 0
    left, top, right, bottom = x.min() - 1, y.min() - 1, x.max() + 1, y.max() + 1
    corners = np.array([(left, top), (right, top), (left, bottom), (right, bottom)], np.float32)
    found = apply(invert(to_copy), corners)
    height, width = image.shape[:2]
    x1, y1 = np.clip(np.floor(found.min(0)), 0, (width, height)).astype(int).tolist()
    x2, y2 = np.clip(np.ceil(found.max(0)) + 1, 0, (width, height)).astype(int).tolist()
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else (0, 0, 0, 0)
