"""Swapped faces on LFW, judged by two embedders; and a crowd, end to end, against the seed's algorithm."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import photos, seed_swaps
from benchmarks.report import Section
from faceapp.edit.cast import cast
from faceapp.edit.faces import EditFace, FaceReader
from faceapp.edit.points import MOUTH, eye_distance
from faceapp.edit.swap import SwapSettings, prepare, swap_face, swap_faces
from faceapp.models.registry import Models
from faceapp.opencv import cv2
from faceapp.paths import Paths
from faceapp.pipeline.analysis import Analyser, in_order
from faceapp.pipeline.photos import read_photo
from faceapp.types import Detections, Floats, Image

PEOPLE, PAIRS = 240, 100
JUDGES = ("dlib-resnet", "face-reid-0095")
JUDGE_FILE = "face_reid_retail_0095.onnx"
COLUMNS = (
    "method", "rank-1 = source", "= target", "distance", "rank-1 = source, 2nd judge", "= target", "distance",
    "error to target / IOD", "mouth", "seam",
)  # fmt: skip
# Of the eye distance: how far around a mask's border its seam is looked for.
SEAM = 0.1

# (source photo, its face, target photo, its face) -> the result and how much of each pixel is the source's.
Method = Callable[[Image, EditFace, Image, EditFace], tuple[Image, Floats]]


@dataclass(frozen=True, eq=False)
class Someone:
    """A person of LFW: the first photo with its face, and the second photo's embedding by each judge."""

    image: Image
    face: EditFace
    seconds: tuple[Floats, ...]


@dataclass(frozen=True)
class Measured:
    """One swapped pair. source, target: rank-1 by each judge. distance: to the source's second photo."""

    source: tuple[bool, ...]
    target: tuple[bool, ...]
    distance: tuple[float, ...]
    error: float
    mouth: float
    seam: float


class Judges:
    """Both embedders, and what they say of a result."""

    def __init__(self, models: Models) -> None:
        self.models = models
        self.analysers = [Analyser(models, embedder=key) for key in JUDGES]
        self.reader = FaceReader(self.analysers[0], models)

    def someone(self, folder: Path) -> Someone | None:
        """The person of a folder; None where a photo has no face or several of a size."""
        first, second = (read_photo(path).image for path in sorted(folder.glob("*.jpg"))[:2])
        faces = self.reader.read(first, embed=False)
        others = self.reader.read(second, embed=False)
        if len(faces) != 1 or len(others) != 1:
            return None
        return Someone(first, faces[0], self.embed(second, others[0]))

    def embed(self, image: Image, face: EditFace) -> tuple[Floats, ...]:
        found = detections(face)
        return tuple(self.models.embedder(key).embed(image, found)[0] for key in JUDGES)

    def measure(
        self, result: Image, mask: Floats, target: Someone, source: int, other: int, seconds: Sequence[Floats]
    ) -> Measured:
        """source, other: the rows of both people in each judge's `seconds` (N, D)."""
        found = self.reader.read(result, embed=False)
        face = min(found, key=lambda each: apart(each, target.face), default=target.face)
        vectors = self.embed(result, face)
        distances = [1 - gallery @ vector for gallery, vector in zip(seconds, vectors, strict=True)]
        best = [int(np.argmin(row)) for row in distances]
        away = np.hypot(*(face.points - target.face.points).T) / eye_distance(target.face.points)
        return Measured(
            tuple(index == source for index in best),
            tuple(index == other for index in best),
            tuple(float(row[source]) for row in distances),
            float(away.mean()),
            float(away[MOUTH].mean()),
            seam(target.image, result, mask, SEAM * eye_distance(target.face.points)),
        )


def detections(face: EditFace) -> Detections:
    box = face.face.box
    return Detections(
        np.array([(box.x1, box.y1, box.x2, box.y2)], np.float32),
        np.array([face.face.quality.score], np.float32),
        face.face.landmarks[None].astype(np.float32),
    )


def apart(one: EditFace, other: EditFace) -> float:
    return float(np.hypot(*(one.points.mean(0) - other.points.mean(0))))


def seam(before: Image, after: Image, mask: Floats, reach: float) -> float:
    """The mean gradient around a mask's border after a swap, as a share of what was there before."""
    inside = (mask > 0.5).astype(np.uint8)
    if not inside.any() or inside.all():
        return 1.0
    to_border = np.maximum(
        cv2.distanceTransform(inside, cv2.DIST_L2, 5), cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    )
    ring = to_border <= max(1.5, reach)
    return float(gradient(after)[ring].mean() / max(1e-6, gradient(before)[ring].mean()))


def gradient(image: Image) -> Floats:
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    size: Floats = np.hypot(cv2.Sobel(grey, -1, 1, 0), cv2.Sobel(grey, -1, 0, 1))
    return size


def ours(likeness: float) -> Method:
    settings = SwapSettings(likeness=likeness)

    def swap(source: Image, own: EditFace, target: Image, face: EditFace) -> tuple[Image, Floats]:
        done = swap_face(target, face, prepare(source, own), settings)
        mask = np.zeros(target.shape[:2], np.float32)
        x1, y1, x2, y2 = done.box
        mask[y1:y2, x1:x2] = done.mask
        return done.image, mask

    return swap


def peer(recipe: Callable[[Image, Floats, Image, Floats], tuple[Image, Floats]]) -> Method:
    """A seed recipe as a method: it needs the points alone."""

    def swap(source: Image, own: EditFace, target: Image, face: EditFace) -> tuple[Image, Floats]:
        return recipe(source, own.points, target, face.points)

    return swap


def untouched(source: Image, own: EditFace, target: Image, face: EditFace) -> tuple[Image, Floats]:
    """No swap at all: what the judges' own errors are."""
    return target, np.zeros(target.shape[:2], np.float32)


def people(judges: Judges, count: int = PEOPLE) -> list[Someone]:
    """People with two photos of a single face each, spread over the alphabet."""
    folders = sorted(path for path in (photos.data() / "faces" / "lfw").iterdir() if path.is_dir())
    several = [folder for folder in folders if len(list(folder.glob("*.jpg"))) > 1]
    chosen = several[:: max(1, len(several) // (count + count // 8))]
    found = [one for _, one in in_order(chosen, judges.someone) if isinstance(one, Someone)]
    return found[:count]


def rows_of(
    judges: Judges, crowd: Sequence[Someone], methods: dict[str, Method], pairs: int = PAIRS, seed: int = 0
) -> list[tuple[str, list[Measured]]]:
    """Every method on the same random pairs."""
    order = np.random.default_rng(seed).permutation(len(crowd))
    chosen = [(int(a), int(b)) for a, b in zip(order, np.roll(order, 1), strict=True)][:pairs]
    seconds = [np.stack([one.seconds[judge] for one in crowd]) for judge in range(len(JUDGES))]
    rows = []
    for title, method in methods.items():

        def one(pair: tuple[int, int], method: Method = method) -> Measured:
            source, target = crowd[pair[0]], crowd[pair[1]]
            result, mask = method(source.image, source.face, target.image, target.face)
            return judges.measure(result, mask, target, *pair, seconds)

        rows.append((title, [found for _, found in in_order(chosen, one) if isinstance(found, Measured)]))
    return rows


def cells(title: str, found: Sequence[Measured]) -> tuple[str, ...]:
    parts = [title]
    for judge in range(len(JUDGES)):
        parts.append(f"**{np.mean([one.source[judge] for one in found]):.2f}**")
        parts.append(f"{np.mean([one.target[judge] for one in found]):.2f}")
        parts.append(f"{np.mean([one.distance[judge] for one in found]):.3f}")
    parts.append(f"{np.mean([one.error for one in found]):.3f}")
    parts.append(f"{np.mean([one.mouth for one in found]):.3f}")
    parts.append(f"{np.mean([one.seam for one in found]):.2f}")
    return tuple(parts)


def models_in(folder: Path) -> Models:
    """The built-in models and the second judge."""
    paths = Paths(folder)
    paths.create()
    shutil.copyfile(photos.data() / "models" / JUDGE_FILE, paths.models / JUDGE_FILE)
    return Models(paths)


def run() -> list[Section]:
    with tempfile.TemporaryDirectory() as folder:
        judges = Judges(models_in(Path(folder)))
        return [pairs_section(judges), crowd_section(judges.reader)]


def pairs_section(judges: Judges, pairs: int = PAIRS) -> Section:
    crowd = people(judges)
    methods = {
        "no swap": untouched,
        "photolab (PL)": peer(seed_swaps.photolab),
        "wuhuikai (WU)": peer(seed_swaps.wuhuikai),
        **{f"ours, likeness {share:g}": ours(share) for share in (1, 0.75, 0.5, 0.25, 0)},
    }
    found = rows_of(judges, crowd, methods, pairs)
    return Section(
        "swap",
        "Swapped faces",
        f"{pairs} random pairs among {len(crowd)} people of LFW (250 px), the first photo of each. The result"
        " is found and embedded anew, then looked up among the second photos of everybody: rank-1 is the"
        " source, or still the target. Distance: to the source's second photo. Judges: dlib ResNet, and"
        " face-reid-0095, which takes no part in any swap. Error: 68 points of the result against the"
        " target's own, all and the mouth's; without a swap it is 0. Seam: gradient within a tenth of the eye"
        " distance of the mask's border, against the same place before.",
        COLUMNS,
        [cells(*row) for row in found],
        "PL and WU are re-implemented from their description (`benchmarks/seed_swaps.py`).",
    )


def crowd_section(reader: FaceReader, rounds: int = 2) -> Section:
    """Several sources into a photo of 15 faces, from arrays to the finished photo."""
    crowd = crowd_photo()
    portraits = [read_photo(path).image for path in photos.lfw(_MOST)]
    found = len(reader.read(crowd, embed=False))
    seed = seed_swaps.Seed()
    rows = []
    for count in (5, _MOST):
        selfies = portraits[:count]
        times: list[tuple[float, float]] = []
        mix(reader, selfies[:1], crowd)
        for _ in range(rounds):
            start = time.perf_counter()
            small, theirs = seed.mix(selfies, crowd)
            middle = time.perf_counter()
            large, mine = mix(reader, selfies, crowd)
            times.append((middle - start, time.perf_counter() - middle))
        seconds = [min(each[side] for each in times) for side in (0, 1)]
        rows.append(
            (
                str(count), f"{theirs}, {mine}", f"{_pixels(small)}, {_pixels(large)}",
                *(f"{value:.2f}" for value in seconds), f"**{seconds[0] / seconds[1]:.1f}x**",
            )
        )  # fmt: skip
    return Section(
        "swap-crowd",
        "A crowd, end to end",
        f"Two group photos side by side, {found} faces: find and embed all faces, cast the sources onto the"
        " most similar people, swap, blend. The seed's algorithm (HOG upsampled once, jitter 2, the crowd"
        " embedded anew for every source, warps pixel by pixel, at most 1200 px) and ours take turns; the"
        f" better of {rounds} rounds of each.",
        ("sources", "swapped: seed, ours", "result: seed, ours", "s seed", "s ours", "ratio"),
        rows,
    )


_MOST = 15


def _pixels(image: Image) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"


def crowd_photo() -> Image:
    """Group photos of twelve and of three people in one picture."""
    left, right = (read_photo(photos.data() / "crowd" / name).image for name in ("31.jpg", "38.jpg"))
    lower = left.shape[0] - right.shape[0]
    right = cv2.copyMakeBorder(right, 0, max(0, lower), 0, 0, cv2.BORDER_REFLECT)
    both: Image = np.hstack([left, right[: left.shape[0]]])
    return both


def mix(reader: FaceReader, selfies: Sequence[Image], crowd: Image) -> tuple[Image, int]:
    """Every selfie's largest face onto the crowd: the photo and how many faces were swapped."""
    targets = reader.read(crowd)
    own = [(image, max(found, key=area)) for image in selfies if (found := reader.read(image))]
    rows = [np.stack([_embedding(face) for face in faces]) for faces in (targets, [face for _, face in own])]
    sources = [prepare(image, face) for image, face in own]
    cast_list = cast((1 - rows[0] @ rows[1].T).astype(np.float32))
    pairs = [(targets[one.target], sources[one.source]) for one in cast_list if one.source is not None]
    return swap_faces(crowd, pairs)[0], len(pairs)


def area(face: EditFace) -> float:
    return face.face.box.width * face.face.box.height


def _embedding(face: EditFace) -> Floats:
    assert face.face.embedding is not None
    return face.face.embedding
