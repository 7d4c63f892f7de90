"""A model of how faces look, fitted on the user's own gallery: principal components of shape and texture.

The active appearance model of Cootes, Edwards and Taylor (1998), without its fitting: the landmarks are
known. A face is its shape, turned and scaled onto the mean face, and its texture in the shape of the mean.
Every face counts twice, as itself and as its mirror image. That makes the mean symmetric, and the
components fall into symmetric and antisymmetric ones, which are found apart on half the pixels, exactly.

What the components cannot explain of a face is its rest. A morph mixes the points of the space, and the
rests of its parents beside them, as much as `detail` says: with all of it every parent is itself at its end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from faceapp.edit.morph import ALMOST, COARSEST, inner_weights, limited
from faceapp.edit.points import eye_centres, eye_distance, with_forehead
from faceapp.edit.warp import areas
from faceapp.errors import ModelUnavailable, UnusableFace
from faceapp.jobs import JobContext
from faceapp.latent.generator import GeneratorInfo, Projection, Step, Subject, Watch, check_ws
from faceapp.latent.texture import EYES_APART, POINTS, Bytes, Frame, edge, mean_shape, mirrored, rescaled
from faceapp.models.store import replacing, sha256_of
from faceapp.opencv import cv2
from faceapp.types import Floats, Image

SIDE = 160
FEWEST = 2
ENOUGH = 30
MOST_COMPONENTS = 400
# Of the variance of the shapes, how much their components explain.
SHAPE_SHARE = 0.998
# How much a pixel outside of the face counts beside one on it.
SURROUNDINGS = 0.3
MOST_FACES = 3000
# The mean shape that all textures are brought to is that of the first faces.
REFERENCE_FACES = 300
CHUNK = 4800
FORMAT = "faceapp-appearance-1"
LICENCE = "Made on this computer from the photos of your own library."
# Of one component, how many standard deviations a face may be from the mean.
FURTHEST = 6.0
# Beyond the ends, how far from the mean a face goes, against the faces of the library; and how far in any
# case, where a parent is as far already.
BEYOND = 1.3
LEAST_BEYOND = 0.1
# And the part of its area that every triangle keeps.
FLATTEST = 0.1


@dataclass(frozen=True, eq=False)
class Encoded:
    """A subject in the space of a model, with what the space leaves out.

    w (w_dim,): in standard deviations. shape (77, 2): its own, exact. subject: for its texture.
    left_out: the share of what sets its texture apart from the mean that the components cannot show, 0 to 1.
    """

    w: Floats
    shape: Floats
    subject: Subject
    left_out: float


@dataclass(frozen=True, eq=False)
class AppearanceModel:
    """Fitted components. It is a `Generator`; its w are scores in standard deviations, shape first.

    frame: the mean face. mean (side, side, 3): its texture. shapes (S, 154): components of the shape;
    even (E, P), odd (O, P): of the symmetric and the antisymmetric half texture, P = side * side / 2 * 3.
    shape_spread (S,), even_spread (E,), odd_spread (O,): standard deviations.
    people, faces: how many it was fitted on. members: the ids of enrolled faces among them.
    gallery: a hash of what the library's faces were.
    """

    frame: Frame
    mean: Floats
    shapes: Floats
    even: Floats
    odd: Floats
    shape_spread: Floats
    even_spread: Floats
    odd_spread: Floats
    people: int
    faces: int
    gallery: str = ""
    members: tuple[int, ...] = ()
    sha256: str = ""

    @property
    def info(self) -> GeneratorInfo:
        width = len(self.shape_spread) + len(self.even_spread) + len(self.odd_spread)
        return GeneratorInfo(
            "Shape and appearance of your gallery", "pca", 2 * self.frame.side, width, width, 1,
            "appearance", LICENCE, self.sha256, self.remark,
        )

    @property
    def remark(self) -> str:
        """What a person should know of a model of few people; empty where there are enough."""
        if self.people >= ENOUGH:
            return ""
        people = "one person" if self.people == 1 else f"{self.people} people"
        return (
            f"This model of faces was fitted on {people} and their mirror images."
            f" Enrol {ENOUGH} or more and its own pictures become faces that resemble the photos."
        )

    # -- the interface of every generator ----------------------------------------------------------
    def mapping(self, z: Floats) -> Floats:
        """z are scores already, one w a picture."""
        return np.asarray(z, np.float32)[:, None, :]

    def synthesis(self, ws: Floats) -> Image:
        check_ws(self.info, ws)
        return np.stack([_bytes(self.picture(w[0], self.info.resolution)) for w in ws])

    def aligned(self, subject: Subject) -> Image:
        encoded = self.encoded(subject)
        size = self.info.resolution
        return _bytes(self.frame.direct(subject.image, subject.points, encoded.shape, size))

    def encode(self, subject: Subject) -> Floats:
        return self.encoded(subject).w[None]

    def project(
        self, subject: Subject, context: JobContext, watch: Watch | None = None, start: Floats | None = None
    ) -> Projection:
        """Linear algebra: there is nothing to search, and `start` is not looked at."""
        ws = self.encode(subject)
        image = self.synthesis(ws[None])[0]
        difference = image.astype(np.float32) - self.aligned(subject)
        loss = float(np.mean(difference**2) / 255**2)
        if watch is not None:
            watch(Step(1, 1, {"total": loss, "pixels": loss}, preview=image))
        return Projection(ws, image, np.array([loss], np.float32))

    def close(self) -> None:
        """It holds nothing but memory."""

    # -- points of the space --------------------------------------------------------------------------
    def encoded(self, subject: Subject) -> Encoded:
        """The subject's scores. Takes milliseconds. Raises UnusableFace when its points make no face."""
        try:
            shape = self.frame.shape(subject.points)
            texture = self.frame.texture(subject.image, subject.points)
        except (ValueError, np.linalg.LinAlgError) as error:
            raise UnusableFace(
                "no_shape", "The points of this face do not make a face.",
                "Place them by hand, or take another photo.",
            ) from error
        weighted = self._weighted(texture[None])
        even, odd = _halves(weighted)
        explained = self.even @ even[0], self.odd @ odd[0]
        scores = (
            self.shapes @ (shape - self.frame.mean).ravel() / self.shape_spread,
            explained[0] / self.even_spread,
            explained[1] / self.odd_spread,
        )
        w = np.concatenate(scores).astype(np.float32)
        whole = max(1e-6, float(np.sum(weighted**2)))
        left_out = max(0.0, 1 - sum(float(part @ part) for part in explained) / whole)
        return Encoded(np.clip(w, -FURTHEST, FURTHEST), shape, subject, left_out)

    def shape_of(self, w: Floats) -> Floats:
        """(77, 2) pixels of the frame for w (w_dim,)."""
        own = w[: len(self.shape_spread)]
        moved = (own * self.shape_spread) @ self.shapes
        return self.frame.mean + moved.reshape(POINTS, 2).astype(np.float32)

    def texture_of(self, w: Floats) -> Floats:
        """(side, side, 3) float32, in the shape of the mean face, for w (w_dim,)."""
        start = len(self.shape_spread)
        end = start + len(self.even_spread)
        even: Floats = (w[start:end] * self.even_spread).astype(np.float32) @ self.even
        odd: Floats = (w[end:] * self.odd_spread).astype(np.float32) @ self.odd
        whole = _whole(even[None], odd[None], self.frame.side)[0]
        texture: Floats = self.mean + whole / _weight(self.frame)[..., None]
        return texture

    def picture(self, w: Floats, size: int) -> Floats:
        """(size, size, 3) float32 BGR: the face at w, from the components alone."""
        return self.frame.shaped(self.texture_of(w), self.shape_of(w), size)

    def morph(
        self, parents: Sequence[Encoded], weights: Sequence[float], size: int = 512, detail: float = 1.0
    ) -> Image:
        """(size, size, 3) BGR: the face between the parents.

        weights: one a parent, summing to 1; outside of 0 to 1 they exaggerate. detail: how much of what
        the components leave out of the parents is mixed in, 0 none, 1 all.

        Beyond the ends the photos are left as they are: a hat or glasses would come out as their negative.
        The shape and the coarse colours of the face go on, as far as the library's faces differ.
        """
        inner, beyond = inner_weights(np.asarray(weights, np.float32))
        w, shape = self.mixed(parents, weights, detail)
        start = self.texture_of(inner @ np.stack([one.w for one in parents]))
        texture = np.float32(1 - detail) * start
        if beyond.any():
            texture += self._limited(self.texture_of(w) - start)
        picture = self.frame.shaped(texture, shape, size)
        for share, one in zip(inner, parents, strict=True):
            if detail > 0 and share > 0:
                own = self.frame.direct(one.subject.image, one.subject.points, shape, size)
                picture += np.float32(detail) * share * own
        return _bytes(picture)

    def mixed(
        self, parents: Sequence[Encoded], weights: Sequence[float], detail: float = 1.0
    ) -> tuple[Floats, Floats]:
        """The point (w_dim,) between the parents, and the shape (77, 2) of the face there, in the frame."""
        inner, beyond = inner_weights(np.asarray(weights, np.float32))
        own = np.stack([one.w for one in parents])
        start, step = inner @ own, beyond @ own
        middle = len(self.shape_spread)
        # Apart: the few scores of a turned head's shape would not count among those of the colours.
        parts = (slice(None, middle), slice(middle, None))
        w = np.concatenate([_beyond(start[part], step[part]) for part in parts])
        rests = np.stack([one.shape - self.shape_of(one.w) for one in parents])
        rest = np.float32(detail) * np.tensordot(inner, rests, 1)
        shape = (self.shape_of(w) + rest).astype(np.float32)
        return w, self._unfolded(self.shape_of(start) + rest, shape) if beyond.any() else shape

    def _unfolded(self, start: Floats, shape: Floats) -> Floats:
        """A shape (77, 2) whose points stay at `start` where a triangle would turn over: lips stay closed."""
        triangles, around = self.frame.triangles, edge(self.frame.side)
        before = areas(np.concatenate([start, around]), triangles)
        for _ in range(POINTS):
            now = areas(np.concatenate([shape, around]), triangles)
            points = np.unique(triangles[now * np.sign(before) < FLATTEST * np.abs(before)])
            points = points[points < POINTS]
            points = points[(shape[points] != start[points]).any(1)]
            if not len(points):
                break
            shape[points] = start[points]
        return shape

    def _limited(self, change: Floats) -> Floats:
        """A change of the texture (side, side, 3): the face's coarse colours, `limited`."""
        coarse = cv2.GaussianBlur(change, (0, 0), COARSEST * EYES_APART * self.frame.side)
        return limited(coarse) * self.frame.face[..., None]

    def _weighted(self, textures: Bytes) -> Floats:
        return (textures - self.mean) * _weight(self.frame)[..., None]

    # -- the file -----------------------------------------------------------------------------------------
    def save(self, path: Path) -> None:
        """Write a safetensors file; the components with half the digits. Raises OSError."""
        from safetensors.numpy import save_file

        arrays = {
            "points": self.frame.mean, "mean": self.mean, "shapes": self.shapes,
            "even": self.even.astype(np.float16), "odd": self.odd.astype(np.float16),
            "shape_spread": self.shape_spread, "even_spread": self.even_spread, "odd_spread": self.odd_spread,
        }  # fmt: skip
        about = {
            "people": self.people, "faces": self.faces, "gallery": self.gallery, "side": self.frame.side,
            "members": self.members,
        }  # fmt: skip
        with replacing(path) as temporary:
            save_file(
                {name: np.ascontiguousarray(array) for name, array in arrays.items()}, temporary,
                {"format": FORMAT, "about": json.dumps(about)},
            )

    @staticmethod
    def load(path: Path) -> AppearanceModel:
        """Read what `save` wrote. Raises ModelUnavailable when it is missing, or is something else."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "numpy") as file:
                header = file.metadata() or {}
                about = json.loads(header.get("about", ""))
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if header.get("format") != FORMAT:
                raise ValueError("another format")
            model = _assembled(arrays, about, sha256_of(path))
        except FileNotFoundError as error:
            raise ModelUnavailable(
                "model_missing", "There is no model of your gallery yet.", "Fit one first."
            ) from error
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise ModelUnavailable(
                "model_broken", f"The model of your gallery in {path.name} cannot be read.", "Fit it again."
            ) from error
        return model


def members_of(path: Path) -> frozenset[int] | None:
    """The enrolled faces that a saved model was fitted on, without loading it; None without a model."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            header = file.metadata() or {}
        about = json.loads(header.get("about", ""))
        return frozenset(_ids(about["members"])) if header.get("format") == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        return None


def _ids(values: object) -> tuple[int, ...]:
    if not isinstance(values, list):
        raise ValueError("members: no list")
    return tuple(int(value) for value in values)


def _assembled(arrays: dict[str, Floats], about: dict[str, object], sha256: str) -> AppearanceModel:
    side, people, faces = (int(str(about[name])) for name in ("side", "people", "faces"))
    shapes = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    model = AppearanceModel(
        Frame(shapes["points"], side), shapes["mean"], shapes["shapes"], shapes["even"], shapes["odd"],
        shapes["shape_spread"], shapes["even_spread"], shapes["odd_spread"],
        people, faces, str(about["gallery"]), _ids(about["members"]), sha256,
    )
    half = side * side // 2 * 3
    expected = {
        "mean": (side, side, 3), "shapes": (len(model.shape_spread), 2 * POINTS),
        "even": (len(model.even_spread), half), "odd": (len(model.odd_spread), half),
    }  # fmt: skip
    for name, shape in expected.items():
        if shapes[name].shape != shape:
            raise ValueError(f"{name} is {shapes[name].shape}")
    return model


# -- fitting --------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Basis:
    """Principal components: rows (K, P) of unit length with their standard deviations (K,)."""

    rows: Floats
    spread: Floats


def fit(
    context: JobContext,
    subjects: Iterable[Subject],
    people: int,
    gallery: str = "",
    members: Sequence[int] = (),
    side: int = SIDE,
) -> AppearanceModel:
    """Fit a model on subjects, in bounded memory: of each only its texture is kept, of `MOST_FACES` at most.

    subjects: read once; whoever gives them reports the progress of reading. people: how many different
    people they show. gallery: what to remember the library's state by. side: even.

    Raises:
        UnusableFace: fewer than `FEWEST` faces.
        Cancelled: by the context.
    """
    waiting = iter(subjects)
    first = [cut(subject, side) for subject in islice(waiting, REFERENCE_FACES)]
    if len(first) < FEWEST:
        raise UnusableFace(
            "few_faces", "A model of faces needs at least two faces.",
            "Enrol more people, or use the landmark morph.",
        )
    wholes = np.stack([with_forehead(subject.points) for subject in first])
    frame = Frame(mean_shape(wholes, side), side)
    shapes, textures = _read(frame, islice(chain(first, waiting), MOST_FACES))
    context.progress(0, 4, "Computing the components")
    mean = textures.mean(0, dtype=np.float64).astype(np.float32)
    mean = (mean + mean[:, ::-1]) / 2
    shape_basis = _shape_basis(frame, shapes)
    context.progress(1, 4, "Computing the components")
    weight = _weight(frame)
    even = _basis(context, textures, mean, weight, 0)
    context.progress(2, 4, "Computing the components")
    odd = _basis(context, textures, mean, weight, 1)
    context.progress(3, 4, "Computing the components")
    even, odd = _largest(even, odd)
    model = AppearanceModel(
        frame, mean, shape_basis.rows, even.rows, odd.rows,
        shape_basis.spread, even.spread, odd.spread, people, len(shapes), gallery,
        tuple(members),
    )
    context.progress(4, 4, "Computing the components")
    return model


def cut(subject: Subject, side: int = SIDE) -> Subject:
    """The square around a face that a model of that side looks at, no finer than it needs."""
    eyes = eye_centres(subject.points)
    middle = (eyes[0] + eyes[1]) / 2
    reach = 0.8 * max(eye_distance(subject.points), 8.0) / EYES_APART
    height, width = subject.image.shape[:2]
    left, top = (max(0, int(value)) for value in middle - reach)
    right, bottom = min(width, int(middle[0] + reach) + 1), min(height, int(middle[1] + reach) + 1)
    if right - left < 2 or bottom - top < 2:
        raise UnusableFace(
            "no_shape", "The points of this face lie outside of its photo.", "Place them by hand."
        )
    part = subject.image[top:bottom, left:right]
    factor = min(1.0, 2.0 * EYES_APART * side / eye_distance(subject.points))
    if factor < 1:
        size = max(2, round(part.shape[1] * factor)), max(2, round(part.shape[0] * factor))
        factor_x, factor_y = size[0] / part.shape[1], size[1] / part.shape[0]
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    else:
        part, factor_x, factor_y = part.copy(), 1.0, 1.0
    moved = subject.points - np.array((left, top), np.float32)
    points = np.column_stack([rescaled(moved[:, 0], factor_x), rescaled(moved[:, 1], factor_y)])
    return Subject(part, points.astype(np.float32))


def _read(frame: Frame, subjects: Iterable[Subject]) -> tuple[Floats, Bytes]:
    """(N, 77, 2) shapes and (N, side, side, 3) textures."""
    shapes, textures = [], []
    for subject in subjects:
        shapes.append(frame.shape(subject.points))
        textures.append(frame.texture(subject.image, subject.points))
    return np.stack(shapes), np.stack(textures)


def _shape_basis(frame: Frame, shapes: Floats) -> Basis:
    """As many components as explain `SHAPE_SHARE` of the variance of shapes and their mirror images."""
    both = np.concatenate([shapes, mirrored(shapes, frame.side)]) - frame.mean
    rows = both.reshape(len(both), -1).astype(np.float64)
    _, singular, directions = np.linalg.svd(rows, full_matrices=False)
    variance = singular**2 / len(rows)
    explained = np.cumsum(variance) / max(float(variance.sum()), 1e-12)
    count = int(np.searchsorted(explained, SHAPE_SHARE)) + 1
    kept = variance[:count] > 1e-9
    spread = np.sqrt(variance[:count][kept])
    return Basis(directions[:count][kept].astype(np.float32), spread.astype(np.float32))


def _basis(context: JobContext, textures: Bytes, mean: Floats, weight: Floats, parity: int) -> Basis:
    """Components of the symmetric (parity 0) or antisymmetric (1) half textures.

    Through the (N, N) matrix of inner products, which is summed over pieces of the pixels: the textures
    as numbers would not fit into memory. With both parities together these are exactly the components
    of all faces and their mirror images.
    """
    count = len(textures)
    inner = np.zeros((count, count))
    for rows in _pieces(context, textures, mean, weight, parity):
        inner += rows @ rows.T
    # Of N faces and N mirror images, half the variance is in either half, which has N different rows.
    values, vectors = np.linalg.eigh(inner)
    largest = np.argsort(values)[::-1][:MOST_COMPONENTS]
    kept = [index for index in largest if values[index] > 1e-6 * max(values[-1], 1.0)]
    turn = (vectors[:, kept] / np.sqrt(values[kept])).T.astype(np.float32)
    parts = [turn @ piece for piece in _pieces(context, textures, mean, weight, parity)]
    spread = np.sqrt(values[kept] / count).astype(np.float32)
    return Basis(np.concatenate(parts, axis=1), spread)


def _pieces(
    context: JobContext, textures: Bytes, mean: Floats, weight: Floats, parity: int
) -> Iterator[Floats]:
    """(N, p) pieces of the weighted half textures, a few lines of the pictures at a time."""
    side = textures.shape[1]
    lines = max(1, CHUNK // (side // 2 * 3))
    for top in range(0, side, lines):
        context.check()
        part = slice(top, top + lines)
        weighted = (textures[:, part] - mean[part]) * weight[part, :, None]
        yield _halves(weighted)[parity]


def _largest(even: Basis, odd: Basis) -> tuple[Basis, Basis]:
    """The `MOST_COMPONENTS` with the largest spread of both together."""
    spreads = np.sort(np.concatenate([even.spread, odd.spread]))[::-1]
    floor = spreads[min(MOST_COMPONENTS, len(spreads)) - 1] if len(spreads) else 0.0
    return _above(even, float(floor)), _above(odd, float(floor))


def _above(basis: Basis, floor: float) -> Basis:
    kept = basis.spread >= floor
    return Basis(np.ascontiguousarray(basis.rows[kept]), basis.spread[kept])


def _halves(textures: Floats) -> tuple[Floats, Floats]:
    """(N, P) symmetric and antisymmetric part of (N, rows, side, 3), on the left half; lengths are kept."""
    middle = textures.shape[2] // 2
    left, right = textures[:, :, :middle], textures[:, :, :middle - 1:-1]
    root = np.float32(np.sqrt(0.5))
    count = len(textures)
    return ((left + right) * root).reshape(count, -1), ((left - right) * root).reshape(count, -1)


def _whole(even: Floats, odd: Floats, side: int) -> Floats:
    """(N, side, side, 3) from the two halves (N, P)."""
    root = np.float32(np.sqrt(0.5))
    shape = (len(even), side, side // 2, 3)
    left, right = ((even + odd) * root).reshape(shape), ((even - odd) * root).reshape(shape)
    return np.concatenate([left, right[:, :, ::-1]], axis=2)


def _weight(frame: Frame) -> Floats:
    """(side, side): how much each pixel counts; what the model is good at is the face."""
    weight: Floats = np.float32(SURROUNDINGS) + np.float32(1 - SURROUNDINGS) * frame.face
    return weight


def _beyond(start: Floats, step: Floats) -> Floats:
    """(K,) scores: from `start` along `step`, ever slower towards `BEYOND` times a usual face's distance."""
    length = np.float32(np.linalg.norm(step))
    if length < ALMOST:
        return start
    usual = float(np.sqrt(len(start)))
    along = float(step @ start) / float(length)
    # Where the straight line leaves the ball around the mean.
    inside = (BEYOND * usual) ** 2 - float(start @ start)
    room = np.sqrt(along**2 + inside) - along if inside > 0 else 0.0
    reach = np.float32(max(room, LEAST_BEYOND * usual))
    moved: Floats = start + reach * np.tanh(length / reach) * (step / length)
    return moved


def _bytes(picture: Floats) -> Image:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
