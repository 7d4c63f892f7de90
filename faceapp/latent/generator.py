"""The one interface of the latent routes: a picture is a point of a space, a morph is a way between two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from faceapp.jobs import JobContext
from faceapp.types import Floats, Image, check_image, check_shape

Route = Literal["pca", "stylegan2"]


@dataclass(frozen=True)
class GeneratorInfo:
    """What a generator is.

    name: for people. route: which of the routes made a result. resolution: side of its pictures in pixels.
    z_dim, w_dim, num_ws: lengths of a z, of one w, and how many w a picture is made of.
    align: how a face lies in its pictures, "ffhq" or "appearance". licence: of its weights, in words.
    sha256: of the file that the weights came from, "" where there is none.
    remark: a sentence for people about how far it can be trusted; may be empty.
    """

    name: str
    route: Route
    resolution: int
    z_dim: int
    w_dim: int
    num_ws: int
    align: Literal["ffhq", "appearance"]
    licence: str
    sha256: str = ""
    remark: str = ""


@dataclass(frozen=True, eq=False)
class Subject:
    """A face of a photo, as a generator takes it. points (68, 2): pixels of the photo."""

    image: Image
    points: Floats

    def __post_init__(self) -> None:
        check_image(self.image)
        check_shape("points", self.points, (68, 2))


@dataclass(frozen=True, eq=False)
class Step:
    """How a projection goes, told while it runs.

    losses: by name, with "total". identity: cosine distance between the faces, None where it is not
    measured. preview: the best picture so far, (R, R, 3) BGR, None when it has not changed much.
    """

    number: int
    total: int
    losses: dict[str, float]
    identity: float | None = None
    preview: Image | None = None


@dataclass(frozen=True, eq=False)
class Projection:
    """The point of the space that shows a photo best.

    ws (num_ws, w_dim). image: its picture. curve: the total loss of every step so far.
    identity: cosine distance between the photo's face and the picture's, None where it was not measured.
    complete: False when it was stopped; ws is the best up to then.
    """

    ws: Floats
    image: Image
    curve: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    identity: float | None = None
    complete: bool = True


Watch = Callable[[Step], None]


class Generator(Protocol):
    """Turns points of its space into pictures and back. One thread at a time."""

    @property
    def info(self) -> GeneratorInfo: ...

    def mapping(self, z: Floats) -> Floats:
        """(N, num_ws, w_dim) for z (N, z_dim)."""

    def synthesis(self, ws: Floats) -> Image:
        """(N, R, R, 3) uint8 BGR for ws (N, num_ws, w_dim)."""

    def aligned(self, subject: Subject) -> Image:
        """(R, R, 3): the photo cut the way that the generator's own pictures are."""

    def encode(self, subject: Subject) -> Floats:
        """(num_ws, w_dim): the best guess without searching."""

    def project(
        self, subject: Subject, context: JobContext, watch: Watch | None = None, start: Floats | None = None
    ) -> Projection:
        """The point that shows the subject best, from `start` or from a guess.

        A cancelled context ends it with the best so far and `complete` False; it raises nothing then.
        """

    def close(self) -> None:
        """Give back what it holds. May be called twice."""


def check_ws(info: GeneratorInfo, ws: Floats) -> None:
    """Raise ValueError unless ws is (N, num_ws, w_dim)."""
    check_shape("ws", ws, (None, info.num_ws, info.w_dim))


def mixed(ws: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """(num_ws, w_dim): the weighted sum of points; the weights are scaled to a sum of one."""
    shares = np.asarray(weights, np.float64)
    if len(shares) != len(ws) or not len(ws) or abs(shares.sum()) < 1e-9:
        raise ValueError("mixed: one weight for each point, with a sum that is not zero")
    shares = shares / shares.sum()
    total = sum(float(share) * one.astype(np.float64) for share, one in zip(shares, ws, strict=True))
    return np.asarray(total, np.float32)
