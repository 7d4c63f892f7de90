"""Moving the pixels of a photo so that its points come to lie on other points.

Every warp is a map: for each pixel of the result, the place in the photo that it shows. The photo is then
read once, between its pixels, whatever the map was made of.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    kept: Triangles = triangles[np.abs(areas(points, triangles)) > 1e-3]
    return kept


def piecewise(source: Floats, target: Floats, triangles: Triangles, size: tuple[int, int]) -> Warp:
    """The warp that brings `source` (P, 2) points to `target` (P, 2), straight inside each triangle.

    size: width and height of the result, in whose pixels `target` is. `triangles` must not overlap in the
    target. A triangle that has no area in the target shows nothing.
    """
    width, height = size
    # Drawn with sixteenths of a pixel, so that neighbours leave no gap.
    which = _drawn(target, triangles, size)
    across = np.arange(width, dtype=np.float32)[None]
    down = np.arange(height, dtype=np.float32)[:, None]
    return Warp(*_places(_affine(target, source, triangles), which, across, down))


def _affine(start: Floats, end: Floats, triangles: Triangles) -> Matrix:
    """(6, T): for each triangle a b c d e f with x' = a x + b y + c, y' = d x + e y + f."""
    corners, ends = start[triangles].astype(np.float64), end[triangles].astype(np.float64)
    (ux, uy), (vx, vy) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
    first, second = (ends[:, 1] - ends[:, 0]).T, (ends[:, 2] - ends[:, 0]).T
    area = ux * vy - uy * vx
    flat = np.abs(area) < 1e-9
    area = np.where(flat, 1.0, area)
    lines = []
    for along, across, place in zip(first, second, ends[:, 0].T, strict=True):
        x, y = (along * vy - across * uy) / area, (across * ux - along * vx) / area
        shift = place - x * corners[:, 0, 0] - y * corners[:, 0, 1]
        lines += [np.where(flat, 0, x), np.where(flat, 0, y), np.where(flat, OUTSIDE, shift)]
    return np.stack(lines)


def _places(lines: Matrix, which: Triangles, across: Floats, down: Floats) -> tuple[Floats, Floats]:
    """x, y (H, W) of the places that lines (6, T) give for across (1, W), down (H, 1); which (H, W): the
    triangle of each pixel, -1 for OUTSIDE."""
    nowhere = np.array((0, 0, OUTSIDE, 0, 0, OUTSIDE))[:, None]
    planes = np.concatenate([lines, nowhere], axis=1).astype(np.float32)
    number = which.astype(np.intp)
    # Numbers that wrap around need no check; -1 is the last one, and reading is far quicker than `[]`.
    a, b, c, d, e, f = (np.take(plane, number, mode="wrap") for plane in planes)
    a *= across
    b *= down
    a += b
    a += c
    d *= across
    e *= down
    d += e
    d += f
    return a, d


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


@dataclass(frozen=True, eq=False)
class Coarse:
    """A map for every `step`-th pixel: smooth enough to be read between them.

    x, y: float32, of the middles of blocks of step x step pixels, and of one more block on every side.
    size: width and height of the result, in pixels.
    """

    x: Floats
    y: Floats
    step: int
    size: tuple[int, int]

    def whole(self, scale: float = 1.0, into: tuple[Floats, Floats] | None = None) -> Warp:
        """The map of every pixel, for a photo that is enlarged `scale` times, its first pixel in place.

        into: arrays of `drawn_on` that may be written over.
        """
        x, y = into or (None, None)
        return Warp(self._whole(self.x, scale, x), self._whole(self.y, scale, y))

    @property
    def drawn_on(self) -> tuple[int, int]:
        """Rows and columns of the picture that the blocks cover: more than that of the result."""
        rows, columns = self.x.shape
        return rows * self.step, columns * self.step

    def _whole(self, blocks: Floats, scale: float, into: Floats | None) -> Floats:
        (width, height), step = self.size, self.step
        scaled = blocks if scale == 1.0 else blocks * np.float32(scale)
        # Resizing puts a block's value into its middle, which is where it belongs.
        every: Floats = cv2.resize(scaled, self.drawn_on[::-1], dst=into, interpolation=cv2.INTER_LINEAR)
        return every[step : step + height, step : step + width]

    def blocks(self) -> Warp:
        """The map of a picture of one pixel for each block, for a photo reduced to such blocks, too."""
        inner = np.s_[1:-1, 1:-1]
        middle, share = (self.step - 1) / 2, np.float32(1 / self.step)
        return Warp((self.x[inner] - middle) * share, (self.y[inner] - middle) * share)


def piecewise_all(
    sources: Floats, target: Floats, triangles: Triangles, size: tuple[int, int], step: int
) -> Iterator[Coarse]:
    """`piecewise` for several photos (N, P, 2) that share the target, one by one, made for speed.

    The triangles are drawn once, and for every `step`-th pixel; between them the maps are read off linearly,
    which inside a triangle is exact and rounds the bends between triangles. The triangles must reach over
    the picture's borders by twice the step.
    """
    columns, rows = (-(-side // step) + 2 for side in size)
    first = (step - 1) / 2 - step
    which = _drawn((target - np.float32(first)) / np.float32(step), triangles, (columns, rows))
    across = first + step * np.arange(columns, dtype=np.float32)[None]
    down = first + step * np.arange(rows, dtype=np.float32)[:, None]
    for own in sources:
        yield Coarse(*_places(_affine(target, own, triangles), which, across, down), step, size)


def areas(points: Floats, triangles: Triangles) -> Floats:
    """(T,) twice the area of each triangle, with the sign of the way it turns; points (P, 2)."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    twice: Floats = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    return twice


def _drawn(target: Floats, triangles: Triangles, size: tuple[int, int]) -> Triangles:
    """(H, W) the number of the triangle that covers each pixel, -1 where none does."""
    which = np.full((size[1], size[0]), -1, np.int32)
    corners = np.rint(target[triangles] * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    for index, corner in enumerate(corners):
        cv2.fillConvexPoly(which, corner, index, cv2.LINE_8, _SUBPIXEL_BITS)
    return which


def straight(
    values: Floats, matrix: Matrix, size: tuple[int, int], edge: int, how: int = cv2.INTER_LINEAR
) -> Floats:
    """Values read at the places where a (2, 3) matrix leads from each pixel of a result of that size.

    edge, how: OpenCV's names for what lies outside of the values, and for reading between them.
    """
    read: Floats = cv2.warpAffine(values, matrix, size, flags=how | cv2.WARP_INVERSE_MAP, borderMode=edge)
    return read


def enlarged(warp: Warp, nearby: Matrix, matrix: Matrix, size: tuple[int, int]) -> Warp:
    """A warp at another resolution: its pixel p stands at place `matrix` (2, 3) of the given warp.

    nearby: a (2, 3) matrix that does about what the warp does. Only the difference is read between the
    warp's pixels, since OpenCV reads at 32nds of one; where the warp shows nothing, `nearby` stands.
    """
    height, width = warp.x.shape
    plain = affine(nearby, (width, height))
    covered = warp.covered
    parts = []
    for values, near in ((warp.x, plain.x), (warp.y, plain.y)):
        rest = np.where(covered, values - near, 0).astype(np.float32)
        parts.append(straight(rest, matrix, size, cv2.BORDER_REPLICATE))
    whole = affine(chain(matrix, nearby), size)
    return Warp(whole.x + parts[0], whole.y + parts[1])


def chain(first: Matrix, second: Matrix) -> Matrix:
    """The (2, 3) matrix that does the first, then the second."""
    turn = second[:, :2] @ first[:, :2]
    both: Matrix = np.column_stack([turn, second[:, :2] @ first[:, 2] + second[:, 2]])
    return both


def moved(warp: Warp, matrix: Matrix) -> Warp:
    """A warp whose places are moved on by a (2, 3) matrix; what shows nothing goes on showing nothing."""
    a, b, c, d, e, f = np.asarray(matrix, np.float32).ravel()
    covered = warp.covered
    x = np.where(covered, a * warp.x + b * warp.y + c, np.float32(OUTSIDE))
    y = np.where(covered, d * warp.x + e * warp.y + f, np.float32(OUTSIDE))
    return Warp(x, y)
