"""A face cut out of its photo, for lists and results."""

from __future__ import annotations

import math

from faceapp.opencv import cv2
from faceapp.types import Box, Image

_QUALITY = 90


def jpeg_crop(image: Image, box: Box, margin: float, size: int) -> bytes:
    """The face with `margin` (a share of its longer side) on every side, as a square JPEG.

    Its side is `size` pixels, or less where the photo has no more to show. Where the square reaches
    over the photo's border, the border's pixels go on.
    """
    height, width = image.shape[:2]
    centre_x = min(max(box.centre[0], 0.0), width - 1.0)
    centre_y = min(max(box.centre[1], 0.0), height - 1.0)
    longest = min(max(box.width, box.height), 2.0 * max(width, height))
    half = max(1, math.ceil(longest * (0.5 + margin)))
    left, top = round(centre_x) - half, round(centre_y) - half
    right, bottom = left + 2 * half, top + 2 * half
    crop = image[max(top, 0) : bottom, max(left, 0) : right]
    crop = cv2.copyMakeBorder(
        crop,
        max(-top, 0),
        max(bottom - height, 0),
        max(-left, 0),
        max(right - width, 0),
        cv2.BORDER_REPLICATE,
    )
    if size < 2 * half:
        crop = cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1])
