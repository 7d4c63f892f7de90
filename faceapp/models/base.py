"""What a model is: one row of data, and the roles that adapters play."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from faceapp.types import Detections, Floats, Image

Role = Literal["detector", "landmarker", "embedder", "antispoof", "swapper"]


class Detector(Protocol):
    """Finds faces. Safe to call from several threads at once."""

    def detect(self, image: Image, min_face: int = 40, doubtful: bool = False) -> Detections:
        """The faces of `image` whose shorter side is at least about `min_face` pixels, best first.

        doubtful: with low scores too, some of which are no faces. For who knows where a face must be.
        """

    def detect_thorough(self, image: Image) -> Detections:
        """The same with every patience: small faces, low thresholds. For where `detect` found none."""


class Landmarker(Protocol):
    """Places points on faces. Safe to call from several threads at once."""

    points: int

    def locate(self, image: Image, boxes: Floats) -> Floats:
        """(N, points, 2) pixels for boxes (N, 4)."""


class Embedder(Protocol):
    """Turns faces into vectors. Safe to call from several threads at once.

    It gets what a detector found and places the points that its own chip needs itself: whatever finds
    the box, the chip has the geometry that the model was trained on.
    """

    dimension: int

    def embed(self, image: Image, faces: Detections, views: int | None = None) -> Floats:
        """(N, dimension) unit vectors for the faces of one image.

        views: how many views of each face are averaged, which is what it costs: 1 the plain chip, 2 with
        its mirror image, None as many as the model measures best with. Vectors of different `views` may
        be compared.
        """

    def chips(self, image: Image, faces: Detections) -> Image:
        """(N, size, size, 3) aligned faces, one plain view each, as `embed_chips` wants them."""

    def embed_chips(self, chips: Image, mirror: bool = True) -> Floats:
        """(N, dimension) unit vectors for aligned chips, averaged with their mirror images or not."""


class AntiSpoof(Protocol):
    """Tells a live face from a photo or a screen. Safe to call from several threads at once."""

    def score(self, image: Image, boxes: Floats) -> Floats:
        """(N,) 0 to 1 for boxes (N, 4): how likely it is that the face is live."""


class Swapper(Protocol):
    """Draws a face with somebody else's features. Safe to call from several threads at once.

    size: the side of its chips. template: (5, 2) where the middles of the eyes, the tip of the nose and the
    corners of the mouth lie in them.
    """

    size: int
    template: NDArray[np.float64]

    def embed(self, image: Image, points: Floats) -> Floats:
        """(N, 512) unit vectors of who has the faces with these five points (N, 5, 2)."""

    def swap(self, chips: Image, embeddings: Floats) -> Image:
        """(N, S, S, 3): chips (N, S, S, 3), each with the features of its vector of embeddings (N, 512)."""


@dataclass(frozen=True)
class Calibration:
    """What distances mean under one embedder, with the data and protocol they were measured on.

    threshold: cosine distance up to which two faces count as the same person.
    strangers: the `STRANGER_QUANTILES` (percent) of the cosine distances between faces of different
    people, for a percentile in a small library and a threshold in a large one.
    """

    threshold: float
    strangers: tuple[float, ...]
    source: str


STRANGER_QUANTILES = (0.0001, 0.001, 0.01, 0.1, 1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 99.0, 100.0)


@dataclass(frozen=True)
class ModelFile:
    """Where a model's weights come from.

    package: the installed package that the file lies in (found by path, never imported), or None.
    path: inside the package, or the file's name in the models folder.
    url: where it can be downloaded by the user's wish; None when it comes with a package.
    """

    path: str
    sha256: str
    package: str | None = None
    url: str | None = None


Loader = Callable[[Sequence[Path], Path, int], Any]


@dataclass(frozen=True)
class ModelSpec:
    """One row of the catalogue.

    load: makes the adapter from the paths of `files` (in order), the models folder (for what is built
    from them) and the number of threads; it imports what it needs. Raises ModelUnavailable.
    """

    key: str
    role: Role
    title: str
    files: tuple[ModelFile, ...]
    load: Loader
    licence: str
    remark: str = ""
    default: bool = False
    template: str = ""
    dimension: int | None = None
    calibration: Calibration | None = None
