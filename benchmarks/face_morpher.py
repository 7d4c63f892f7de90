"""The method of alyssaq/face_morpher (MIT), written anew from its description, to run beside ours.

68 points and 8 tapered ones above the brows, as whole pixels; for every frame the points are averaged and
cut into triangles of their own; both photos are warped by looking up the triangle of every pixel of the hull
(`scipy`'s find_simplex), one affine matrix a triangle, and bilinear reading in numpy; the two are averaged.
What is outside of the hull is black.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from faceapp.types import Floats, Image

Whole = NDArray[np.int32]


def points_of(points: Floats) -> Whole:
    """(76, 2) whole pixels: the 68 points (68, 2) and 8 that taper upwards from the brows."""
    top = points[17:27].min(0)[1]
    height = points[8, 1] - top
    left, right = points[0, 0], points[16, 0]
    shares = np.linspace(0.08, 0.92, 8)
    rise = 0.32 * height * np.sqrt(1 - (2 * shares - 1) ** 2)
    crown = np.stack([left + shares * (right - left), top - 0.05 * height - rise], 1)
    return np.concatenate([points, crown]).astype(np.int32)


def morph(first: Image, second: Image, points: Whole, other: Whole, frames: int) -> Iterator[Image]:
    """The frames from the first photo to the second one; the photos have one size."""
    for share in np.linspace(1, 0, frames):
        average = (share * points + (1 - share) * other).astype(np.int32)
        one = warp(first, points, average)
        two = warp(second, other, average)
        yield (share * one + (1 - share) * two).astype(np.uint8)


def warp(image: Image, source: Whole, target: Whole) -> Image:
    """The hull of the photo with its points `source` (P, 2) on `target` (P, 2)."""
    height, width = image.shape[:2]
    result = np.zeros_like(image)
    triangles = Delaunay(target)
    affine = [_affine(source[corners], target[corners]) for corners in triangles.simplices]
    left, top = np.clip(target.min(0), 0, (width - 1, height - 1))
    right, bottom = np.clip(target.max(0) + 1, 1, (width, height))
    places = np.array([(x, y) for y in range(top, bottom) for x in range(left, right)], np.uint32)
    found = triangles.find_simplex(places)
    for number in range(len(triangles.simplices)):
        inside = places[found == number]
        if not len(inside):
            continue
        read = affine[number] @ np.vstack([inside.T, np.ones(len(inside))])
        x, y = inside.T
        result[y, x] = _bilinear(image, read)
    return result


def _affine(source: Whole, target: Whole) -> NDArray[np.float64]:
    """(2, 3) from places of the target's triangle to places of the source's."""
    ones = np.ones(3)
    matrix: NDArray[np.float64] = np.vstack([source.T, ones]) @ np.linalg.pinv(np.vstack([target.T, ones]))
    return matrix[:2]


def _bilinear(image: Image, places: NDArray[Any]) -> Image:
    whole = places.astype(np.int32)
    height, width = image.shape[:2]
    x = np.clip(whole[0], 0, width - 2)
    y = np.clip(whole[1], 0, height - 2)
    dx, dy = places - whole
    first = image[y, x].T * (1 - dx) + image[y, x + 1].T * dx
    second = image[y + 1, x].T * (1 - dx) + image[y + 1, x + 1].T * dx
    mixed: Image = np.clip((first * (1 - dy) + second * dy).T, 0, 255).astype(np.uint8)
    return mixed
