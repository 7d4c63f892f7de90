"""A photo made ready for the screen: itself and its halves, so that drawing it small is quick."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PyQt5.QtGui import QImage

from faceapp.types import Box, Image, check_image
from ui.images import to_qimage

SMALLEST_SIDE = 256


@dataclass(frozen=True, eq=False)
class Picture:
    """A photo as a pyramid: `levels[n]` is the photo halved n times.

    Made by `Picture.of`, which takes its time on a 100 megapixel photo: call it on a job's thread.
    """

    width: int
    height: int
    levels: tuple[QImage, ...]
    _pixels: tuple[Image, ...]  # what the levels show: they have no copy of their own

    @staticmethod
    def of(image: Image) -> Picture:
        """The pyramid of an image (H, W, 3) BGR, which must not be written to afterwards."""
        from faceapp.opencv import cv2

        check_image(image)
        pixels = [np.ascontiguousarray(image)]
        while min(pixels[-1].shape[:2]) >= 2 * SMALLEST_SIDE:
            size = (pixels[-1].shape[1] // 2, pixels[-1].shape[0] // 2)
            half = cv2.resize(pixels[-1], size, interpolation=cv2.INTER_AREA)
            pixels.append(np.asarray(half, np.uint8))
        height, width = image.shape[:2]
        return Picture(width, height, tuple(_shared(level) for level in pixels), tuple(pixels))

    def level(self, scale: float) -> QImage:
        """The smallest level that still has a pixel for every pixel of a screen at `scale`.

        scale: pixels of the screen for one of the photo.
        """
        best = self.levels[0]
        for number, level in enumerate(self.levels):
            if scale * 2**number <= 1.0:
                best = level
        return best


def _shared(pixels: Image) -> QImage:
    """A QImage on the memory of an array: copying 100 megapixels would hold up the window."""
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, 3 * width, QImage.Format_BGR888)


def thumbnail(image: Image, box: Box | None = None, size: int = 128, margin: float = 0.5) -> QImage:
    """A square of `size` pixels: the face in `box` with some margin, or the middle of the photo.

    The square stays inside the photo, so a face at its border is not in the middle. On a job's thread.
    """
    from faceapp.opencv import cv2

    height, width = image.shape[:2]
    side, (centre_x, centre_y) = min(height, width), (width / 2, height / 2)
    if box is not None:
        side = max(1, min(side, round(max(box.width, box.height) * (1 + 2 * margin))))
        centre_x, centre_y = box.centre
    left = min(max(0, round(centre_x - side / 2)), width - side)
    top = min(max(0, round(centre_y - side / 2)), height - side)
    crop = image[top : top + side, left : left + side]
    kind = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    return to_qimage(np.asarray(cv2.resize(crop, (size, size), interpolation=kind), np.uint8))
