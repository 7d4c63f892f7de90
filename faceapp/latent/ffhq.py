"""The crop that FFHQ's faces have, and so the faces of most StyleGAN2 networks, from 68 points.

After the recipe of the FFHQ data set (Karras et al. 2019): a square that stands on the line between the
eyes and looks at the mouth. Where it leaves the photo, the photo goes on mirrored, blurred and faded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceapp.edit.points import eye_centres
from faceapp.edit.warp import affine
from faceapp.latent.generator import Subject
from faceapp.latent.texture import rescaled
from faceapp.opencv import cv2
from faceapp.types import Floats, Image

Doubles = NDArray[np.float64]

EYES_SHARE, MOUTH_SHARE, DOWN_SHARE = 2.0, 1.8, 0.1
BLUR = 0.02
PADDING = 0.3


def quad(points: Floats) -> Doubles:
    """(4, 2) corners of the crop in the photo: top left, bottom left, bottom right, top right."""
    left, right = (centre.astype(np.float64) for centre in eye_centres(points))
    eyes = (left + right) / 2
    across, down = right - left, (points[48] + points[54]).astype(np.float64) / 2 - eyes
    x = across - np.array((-down[1], down[0]))
    length = float(np.hypot(*x))
    if length < 1e-6:
        raise ValueError("quad: the points make no face")
    x *= max(EYES_SHARE * float(np.hypot(*across)), MOUTH_SHARE * float(np.hypot(*down))) / length
    y = np.array((-x[1], x[0]))
    centre = eyes + DOWN_SHARE * down
    return np.stack([centre - x - y, centre - x + y, centre + x + y, centre + x - y])


def to_photo(points: Floats, size: int) -> Doubles:
    """The (2, 3) matrix that leads from pixels of a crop of that size to the photo."""
    corners = quad(points)
    across, down = (corners[3] - corners[0]) / size, (corners[1] - corners[0]) / size
    # A corner of the square is a corner of a pixel, half a pixel from its centre; photos count from centres.
    start = corners[0] + (across + down) / 2 - 0.5
    return np.column_stack([across, down, start])


def aligned(subject: Subject, size: int) -> Image:
    """(size, size, 3): the crop of a face."""
    corners = quad(subject.points)
    side = float(np.hypot(*(corners[3] - corners[0])))
    image, scale, shift = _prepared(subject.image, corners, side, size)
    matrix = to_photo(subject.points, size)
    # From a place in the photo to one in what was prepared of it.
    matrix[:, 2] = rescaled((matrix[:, 2] - shift).astype(np.float32), scale)
    matrix[:, :2] *= scale
    return np.asarray(affine(matrix, (size, size)).read(image), np.uint8)


def _prepared(image: Image, corners: Doubles, side: float, size: int) -> tuple[Image, float, Doubles]:
    """The part of the photo that the crop shows, continued where it ends; its scale and its place.

    It is no more than twice as fine as the crop.
    """
    height, width = image.shape[:2]
    edge = max(3, round(0.1 * side))
    low = np.floor(corners.min(0)).astype(int) - edge
    high = np.ceil(corners.max(0)).astype(int) + edge
    left, top = (int(value) for value in np.clip(low, 0, (width - 2, height - 2)))
    right, bottom = (int(value) for value in np.clip(high, (left + 2, top + 2), (width, height)))
    part = image[top:bottom, left:right]
    scale = min(1.0, 2.0 * size / side)
    if scale < 1:
        small = max(2, round(part.shape[1] * scale)), max(2, round(part.shape[0] * scale))
        part = np.asarray(cv2.resize(part, small, interpolation=cv2.INTER_AREA), np.uint8)
    missing = (left - low[0], top - low[1], high[0] - right, high[1] - bottom)
    if max(missing) <= edge - 4:
        return part, scale, np.array((left, top), np.float64)
    most = max(1, round(PADDING * side * scale))
    pads = [max(most, round(int(gap) * scale)) for gap in missing]
    padded = _continued(part, pads, BLUR * side * scale)
    return padded, scale, np.array((left - pads[0] / scale, top - pads[1] / scale))


def _continued(part: Image, pads: list[int], blur: float) -> Image:
    """The part with its mirror image around it, the more blurred and faded the further away."""
    left, top, right, bottom = pads
    whole = cv2.copyMakeBorder(part, top, bottom, left, right, cv2.BORDER_REFLECT_101).astype(np.float32)
    height, width = whole.shape[:2]
    x, y = np.arange(width, dtype=np.float32)[None], np.arange(height, dtype=np.float32)[:, None]
    far_x = 1 - np.minimum(x / left, (width - 1 - x) / right)
    far_y = 1 - np.minimum(y / top, (height - 1 - y) / bottom)
    far = np.maximum(np.broadcast_to(far_x, (height, width)), far_y)[..., None]
    soft = cv2.GaussianBlur(whole, (0, 0), max(0.5, blur))
    whole += (soft - whole) * np.clip(3 * far + 1, 0, 1)
    whole += (np.median(part, axis=(0, 1)) - whole) * np.clip(far, 0, 1)
    continued: Image = np.clip(np.rint(whole), 0, 255).astype(np.uint8)
    return continued
