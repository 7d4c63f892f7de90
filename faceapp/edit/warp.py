"""Moving the pixels of a photo so that its points come to lie on other points.

Every warp is a map: for each pixel of the result, the place in the photo that it shows. The photo is then
read once, between its pixels, whatever the map was made of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceapp.opencv import cv2
from faceapp.types import Floats, Image, check_shape

Triangles = NDArray[np.int32]
Matrix = NDArray[np.float64]
# A place no photo has: what the map says of pixels that no triangle covers.
OUTSIDE = -1e6
_SUBPIXEL_BITS = 4


@dataclass(frozen=True, eq=False)
class Warp:
    """x, y (H, W) float32: where in the photo each pixel of the result is read; OUTSIDE where nowhere."""

    x: Floats
    y: Floats

    def __post_init__(self) -> None:
        check_shape("y", self.y, self.x.shape)

    @property
    def covered(self) -> NDArray[np.bool_]:
        """(H, W): True where the result shows something."""
        covered: NDArray[np.bool_] = self.x > OUTSIDE / 2
        return covered

    def read(self, image: Image | Floats, inside: bool = False) -> Image | Floats:
        """(H, W[, C]) of the photo's own type. Places outside of the photo show its border's pixels;
        inside: they are black, as are pixels that the map does not cover."""
        edge = cv2.BORDER_CONSTANT if inside else cv2.BORDER_REPLICATE
        result: Image | Floats = cv2.remap(image, self.x, self.y, cv2.INTER_LINEAR, borderMode=edge)
        return result


def triangulate(points: Floats) -> Triangles:
    """(T, 3) indices of the Delaunay triangles of points (P, 2), without slivers of no area."""
    from scipy.spatial import Delaunay

    triangles = Delaunay(points.astype(np.float64)).simplices.astype(np.int32)
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    kept: Triangles = triangles[np.abs(area) > 1e-3]
    return kept


def piecewise(source: Floats, target: Floats, triangles: Triangles, size: tuple[int, int]) -> Warp:
    """The warp that brings `source` (P, 2) points to `target` (P, 2), straight inside each triangle.

    size: width and height of the result, in whose pixels `target` is. `triangles` must not overlap in the
    target. A triangle that has no area in the target shows nothing.
    """
    width, height = size
    lines = _affine(target, source, triangles)
    # -1 where no triangle is; drawn with sixteenths of a pixel, so that neighbours leave no gap.
    which = np.full((height, width), -1, np.int32)
    corners = np.rint(target[triangles] * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    for index, corner in enumerate(corners):
        cv2.fillConvexPoly(which, corner, index, cv2.LINE_8, _SUBPIXEL_BITS)
    nowhere = (0, 0, OUTSIDE, 0, 0, OUTSIDE)
    plane = np.concatenate([lines, np.array([nowhere])]).astype(np.float32).T
    across = np.arange(width, dtype=np.float32)[None]
    down = np.arange(height, dtype=np.float32)[:, None]
    x: Floats = plane[0][which] * across + plane[1][which] * down + plane[2][which]
    y: Floats = plane[3][which] * across + plane[4][which] * down + plane[5][which]
    return Warp(x, y)


def _affine(start: Floats, end: Floats, triangles: Triangles) -> Matrix:
    """(T, 6): for each triangle a b c d e f with x' = a x + b y + c, y' = d x + e y + f."""
    corners = start[triangles].astype(np.float64)
    left = np.concatenate([corners, np.ones((len(triangles), 3, 1))], axis=2)
    flat = np.abs(np.linalg.det(left)) < 1e-9
    left[flat] = np.eye(3)
    lines: Matrix = np.linalg.solve(left, end[triangles].astype(np.float64)).transpose(0, 2, 1).reshape(-1, 6)
    lines[flat] = (0, 0, OUTSIDE, 0, 0, OUTSIDE)
    return lines


def affine(matrix: Matrix, size: tuple[int, int]) -> Warp:
    """The warp of one (2, 3) matrix that leads from places of the result to places of the photo."""
    width, height = size
    across = np.arange(width, dtype=np.float32)[None]
    down = np.arange(height, dtype=np.float32)[:, None]
    a, b, c, d, e, f = np.asarray(matrix, np.float32).ravel()
    return Warp(a * across + b * down + c, d * across + e * down + f)


def invert(matrix: Matrix) -> Matrix:
    """The (2, 3) matrix that leads back."""
    back: Matrix = cv2.invertAffineTransform(np.asarray(matrix, np.float64))
    return back


def apply(matrix: Matrix, points: Floats) -> Floats:
    """(P, 2) points moved by a (2, 3) matrix."""
    moved: Floats = (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return moved
