"""Embedders: a photo and the faces found on it in, unit vectors out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceapp.models import align
from faceapp.models.base import Landmarker
from faceapp.types import Detections, Floats, Image, check_image, check_shape

if TYPE_CHECKING:
    import onnxruntime

# More chips in one run cost memory and bring no speed.
BATCH = 32
# What the dlib ResNet averages at most, and how much its last chips show, against dlib's own.
VIEWS = 8
WIDTHS = (0.9, 1.1)


class Network:
    """A network from aligned chips to vectors, run in slices of a batch."""

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        size: int,
        dimension: int,
        prepare: Callable[[Image], NDArray[Any]] = np.ascontiguousarray,
        batch: int = BATCH,
    ) -> None:
        """prepare: makes the network's input from (N, size, size, 3) BGR chips."""
        self._session = session
        self._input = session.get_inputs()[0].name
        self._prepare = prepare
        self._batch = batch
        self.size = size
        self.dimension = dimension

    def run(self, chips: Image) -> Floats:
        """(N, dimension) vectors as the network gives them, of any length."""
        check_shape("chips", chips, (None, self.size, self.size, 3))
        if chips.dtype != np.uint8:
            raise ValueError(f"chips: expected uint8, got {chips.dtype}")
        out = np.empty((len(chips), self.dimension), np.float32)
        for start in range(0, len(chips), self._batch):
            part = slice(start, start + self._batch)
            (vectors,) = self._session.run(None, {self._input: self._prepare(chips[part])})
            out[part] = vectors.reshape(-1, self.dimension)
        return out


def blue_planes(chips: Image) -> Floats:
    """(N, 3, H, W) float32 planes, blue first, 0 to 255."""
    return np.ascontiguousarray(chips.transpose(0, 3, 1, 2), np.float32)


def red_planes(chips: Image) -> Floats:
    """(N, 3, H, W) float32 planes, red first, 0 to 255."""
    return blue_planes(chips[..., ::-1])


class DlibResnet:
    """dlib's face ResNet. The chip has dlib's own geometry, whatever found the face.

    Views beside the chip and its mirror image: from four on the face cut out by the detector's own five
    points, at eight a closer and a wider one. They err in other ways, so that the mean of all is more
    reliable (docs/models.md has the figures).
    """

    def __init__(self, network: Network, landmarker: Landmarker) -> None:
        self.dimension = network.dimension
        self._network = network
        self._landmarker = landmarker

    def embed(self, image: Image, faces: Detections, views: int | None = None) -> Floats:
        check_image(image)
        views = VIEWS if views is None else views
        points = self._landmarker.locate(image, align.dlib_boxes(faces))
        crops = [align.dlib_chips(image, points)]
        if views >= 4:
            five = align.five_points(points) if faces.landmarks is None else faces.landmarks
            crops.append(align.point_chips(image, five, align.CHIP_POINTS, align.DLIB_SIZE))
        if views >= VIEWS:
            crops += [align.dlib_chips(image, points, width=width) for width in WIDTHS]
        return unit(self._sum(np.stack(crops), mirror=views != 1))

    def chips(self, image: Image, faces: Detections) -> Image:
        check_image(image)
        return align.dlib_chips(image, self._landmarker.locate(image, align.dlib_boxes(faces)))

    def embed_chips(self, chips: Image, mirror: bool = True) -> Floats:
        return unit(self._sum(chips[None], mirror))

    def _sum(self, views: Image, mirror: bool) -> Floats:
        """(N, dimension) sums over the views (V, N, size, size, 3) and their mirror images."""
        if mirror:
            views = np.concatenate([views, views[:, :, :, ::-1]])
        count, faces = views.shape[:2]
        vectors = self._network.run(views.reshape(count * faces, *views.shape[2:]))
        total: Floats = vectors.reshape(count, faces, self.dimension).sum(0)
        return total


class ArcfaceNet:
    """A network that wants ArcFace's layout of the five points.

    A detector without points leaves them to dlib's landmarker and the mean face.
    """

    def __init__(self, network: Network, landmarker: Landmarker) -> None:
        self.dimension = network.dimension
        self._network = network
        self._landmarker = landmarker

    def embed(self, image: Image, faces: Detections, views: int | None = None) -> Floats:
        return self.embed_chips(self.chips(image, faces), mirror=views != 1)

    def chips(self, image: Image, faces: Detections) -> Image:
        check_image(image)
        points = faces.landmarks
        if points is None:
            points = align.five_points(self._landmarker.locate(image, align.dlib_boxes(faces)))
        return align.arcface_chips(image, points, self._network.size)

    def embed_chips(self, chips: Image, mirror: bool = True) -> Floats:
        vectors = unit(self._network.run(chips))
        if mirror:
            vectors = unit(vectors + unit(self._network.run(chips[:, :, ::-1])))
        return vectors


def unit(vectors: Floats) -> Floats:
    """The vectors (N, D) with length 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
