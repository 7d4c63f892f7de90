"""Faces free of their shape: every photo warped so that its points come to lie on those of the mean face.

The frame is a square around the mean face, with hair, neck and some background. It is symmetric: the mirror
image of a face is the mirror image of its texture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from faceapp.edit.points import border, eye_centres, with_forehead
from faceapp.edit.warp import Triangles, Warp, apply, invert, piecewise, triangulate
from faceapp.models.align import similarity
from faceapp.opencv import cv2
from faceapp.types import Floats, Image, check_shape

Doubles = NDArray[np.float64]
Bytes = NDArray[np.uint8]

# Where the eyes of the mean face are in the frame, and how far they are apart, as shares of its side.
EYES_DOWN = 0.43
EYES_APART = 0.29
PROCRUSTES_ROUNDS = 4
POINTS = 77
# iBUG's points and the nine of the forehead, in the order in which they stand in a mirror image.
MIRROR = np.array(
    [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31,
     45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
     54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
     *range(76, 67, -1)]
)  # fmt: skip


def mirrored(shapes: Floats, side: int) -> Floats:
    """(..., 77, 2): shapes as they lie in the mirror image of a picture of that side."""
    turned = shapes[..., MIRROR, :].copy()
    turned[..., 0] = side - 1 - turned[..., 0]
    return turned


def mean_shape(shapes: Floats, side: int) -> Floats:
    """(77, 2): the symmetric mean of shapes (N, 77, 2) in the frame, by generalised Procrustes analysis.

    Gower (1975): every shape is turned, scaled and shifted onto the mean, the mean is taken again.
    """
    check_shape("shapes", shapes, (None, POINTS, 2))
    mean = _placed(shapes[0], side)
    for _ in range(PROCRUSTES_ROUNDS):
        total = np.mean([apply(similarity(shape, mean), shape) for shape in shapes], axis=0)
        mean = _placed((total + mirrored(total, side)) / 2, side)
    return mean


def _placed(shape: Floats, side: int) -> Floats:
    """The shape with its eyes level and at their places in the frame."""
    middle = (side - 1) / 2
    half = EYES_APART * side / 2
    eyes = np.array([(middle - half, EYES_DOWN * side), (middle + half, EYES_DOWN * side)])
    return apply(similarity(np.stack(eye_centres(shape)), eyes), shape)


@dataclass(frozen=True, eq=False)
class Frame:
    """The square of the mean face. mean (77, 2): its points in pixels of the frame; side: in pixels."""

    mean: Floats
    side: int

    def __post_init__(self) -> None:
        check_shape("mean", self.mean, (POINTS, 2))

    @cached_property
    def corners(self) -> Floats:
        """(85, 2): the mean's points and the border of the frame."""
        return np.concatenate([self.mean, edge(self.side)])

    @cached_property
    def triangles(self) -> Triangles:
        return triangulate(self.corners)

    @cached_property
    def face(self) -> Floats:
        """(side, side) float32: 1 on the mean face, 0 well outside of it, soft between; symmetric."""
        mask = np.zeros((self.side, self.side), np.float32)
        cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(self.mean).astype(np.int32)), 1.0)
        soft = cv2.GaussianBlur(mask, (0, 0), 0.03 * self.side)
        symmetric: Floats = (soft + soft[:, ::-1]) / 2
        return symmetric

    @cached_property
    def _weights(self) -> tuple[NDArray[np.int32], Floats]:
        """For each pixel of the frame the three corners of its triangle and their shares."""
        across, down = np.meshgrid(np.arange(self.side), np.arange(self.side))
        places = np.stack([across, down], -1).reshape(-1, 2).astype(np.float64)
        which = np.full(len(places), -1)
        shares = np.zeros((len(places), 3))
        best = np.full(len(places), -np.inf)
        for index, triangle in enumerate(self.triangles):
            a, b, c = self.corners[triangle].astype(np.float64)
            two = np.linalg.solve(np.column_stack([b - a, c - a]), (places - a).T)
            own = np.column_stack([1 - two.sum(0), two[0], two[1]])
            inside = own.min(1)
            better = inside > best
            which[better], shares[better], best[better] = index, own[better], inside[better]
        return self.triangles[which], shares.astype(np.float32)

    def to_photo(self, points: Floats) -> Doubles:
        """The (2, 3) matrix that leads from the frame to the photo in which a face has these (77, 2)."""
        return np.asarray(invert(similarity(points, self.mean)))

    def shape(self, points: Floats) -> Floats:
        """(77, 2): a face's points (68, 2) of a photo, turned, scaled and shifted onto the mean face."""
        whole = with_forehead(points)
        return apply(similarity(whole, self.mean), whole)

    def texture(self, image: Image, points: Floats) -> Bytes:
        """(side, side, 3) uint8: the photo with its face's points (68, 2) at the places of the mean's."""
        corners, to_photo = self._corners_in_photo(points)
        reading, factor = shrunk(image, to_photo)
        index, shares = self._weights
        places = np.einsum("pc,pcd->pd", shares, rescaled(corners, factor)[index])
        x, y = places.T.reshape(2, self.side, self.side).astype(np.float32)
        texture: Bytes = Warp(np.ascontiguousarray(x), np.ascontiguousarray(y)).read(reading)  # type: ignore[assignment]
        return texture

    def shaped(self, texture: Floats, shape: Floats, size: int) -> Floats:
        """(size, size, 3) float32: a texture (side, side, 3) of the mean face in a shape (77, 2)."""
        warp = piecewise(self.corners, self._target(shape, size), self.triangles, (size, size))
        result: Floats = np.asarray(warp.read(texture), np.float32)
        return result

    def direct(self, image: Image, points: Floats, shape: Floats, size: int) -> Floats:
        """(size, size, 3) float32: a photo brought from its own points (68, 2) into a shape, read once."""
        corners, to_photo = self._corners_in_photo(points)
        reading, factor = shrunk(image, to_photo * (self.side / size))
        source = rescaled(corners, factor)
        warp = piecewise(source, self._target(shape, size), self.triangles, (size, size))
        result: Floats = np.asarray(warp.read(reading), np.float32)
        return result

    def _corners_in_photo(self, points: Floats) -> tuple[Floats, Doubles]:
        """(85, 2): a face's points and the frame's border in a photo, and the way from the frame to it."""
        whole = with_forehead(points)
        to_photo = self.to_photo(whole)
        return np.concatenate([whole, apply(to_photo, edge(self.side))]), to_photo

    def _target(self, shape: Floats, size: int) -> Floats:
        """(85, 2): a shape of the frame and the frame's border in a picture of that size."""
        return rescaled(np.concatenate([shape, edge(self.side)]), size / self.side)


def edge(side: int) -> Floats:
    """(8, 2): corners and middles of the sides of a square picture, at the outer edges of its pixels."""
    return border(side + 1, side + 1) - np.float32(0.5)


def rescaled(points: Floats, scale: float) -> Floats:
    """Places of pixel centres in the same picture at another size."""
    moved: Floats = ((points + 0.5) * scale - 0.5).astype(np.float32)
    return moved


def shrunk(image: Image, to_photo: Doubles) -> tuple[Image, float]:
    """A photo that is not much finer than what is read from it, and its size against the photo's.

    Reading every tenth pixel of a large photo would show its noise; averaging first does not.
    """
    step = float(np.sqrt(abs(np.linalg.det(to_photo[:, :2]))))
    if step < 1.5:
        return image, 1.0
    height, width = image.shape[:2]
    small = cv2.resize(
        image, (max(1, round(width / step)), max(1, round(height / step))), interpolation=cv2.INTER_AREA
    )
    return np.asarray(small, np.uint8), small.shape[1] / width
