"""The latent routes: the appearance model on held-back people of LFW, and StyleGAN2's time and memory."""

from __future__ import annotations

import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import photos
from benchmarks.report import Section
from faceapp.edit import canvas, morph
from faceapp.edit.faces import FaceReader
from faceapp.edit.points import eye_distance
from faceapp.jobs import JobContext
from faceapp.latent.appearance import AppearanceModel, Encoded, fit
from faceapp.latent.generator import Step, Subject
from faceapp.latent.process import StyleGan2
from faceapp.latent.texture import rescaled
from faceapp.latent.weights import Design, random_weights, save_weights
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.pipeline.analysis import Analyser
from faceapp.pipeline.photos import read_photo
from faceapp.types import Floats, Image

HELD_BACK = 120
PAIRS = 60
SIZE = 256
# dlib's own 0.6 between vectors of a length of about 1.43.
ACCEPTED = 0.088
STEPS = 4
QUIET = JobContext.silent()
Pair = tuple["Known", "Known"]


@dataclass(frozen=True, eq=False)
class Known:
    """A person: the face that is morphed, and the embeddings of that photo and of a second one."""

    subject: Subject
    first: Floats
    second: Floats


def run() -> list[Section]:
    with tempfile.TemporaryDirectory() as folder:
        paths = Paths(Path(folder))
        paths.create()
        models = Models(paths)
        reader = FaceReader(Analyser(models), models)
        face = models.store.paths(models.spec("dlib-resnet"))[0]
        return [appearance(reader), stylegan2(Path(folder), face)]


# -- the appearance model ---------------------------------------------------------------------------------
def appearance(reader: FaceReader) -> Section:
    held, rest = people(reader)
    read = list(subjects(reader, rest))
    start = time.perf_counter()
    model = fit(QUIET, read, len(read))
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    encoded = [model.encoded(known.subject) for known in held]
    encode = 1000 * (time.perf_counter() - start) / len(held)
    rows = [
        ("fitting", f"{len(read)} faces, {seconds:.0f} s without reading them"),
        ("encode one face", f"{encode:.0f} ms"),
        *reconstruction(reader, model, held, encoded),
        *morphs(reader, model, held, encoded),
    ]
    return Section(
        "latent-pca",
        "Latent morph without weights: shape and appearance of the gallery",
        f"Fitted on one photo each of the LFW people but {HELD_BACK}, measured on those. The landmark error"
        " is of the 68 points found again on the drawn face, as a share of the eye distance. “Both”: the"
        " embedding of the 50/50 morph is within dlib's threshold of both parents' photos / second photos, at"
        f" {SIZE} px, {PAIRS} random and {PAIRS} nearest-neighbour pairs.",
        ("what", "figure"),
        rows,
        "With its details the latent morph is a landmark morph in the model's frame; without them it shows"
        " what the model alone knows of two people whom it has never seen.",
    )


def people(reader: FaceReader) -> tuple[list[Known], list[Path]]:
    """The held-back people, who have two photos, and the files of all others."""
    folders = sorted(path for path in (photos.data() / "faces" / "lfw").iterdir() if path.is_dir())
    two = [folder for folder in folders if len(list(folder.glob("*.jpg"))) > 1]
    chosen = set(two[:: max(1, len(two) // HELD_BACK)][:HELD_BACK])
    held = [known for folder in sorted(chosen) if (known := person(reader, folder)) is not None]
    return held, [sorted(folder.glob("*.jpg"))[0] for folder in folders if folder not in chosen]


def person(reader: FaceReader, folder: Path) -> Known | None:
    files = sorted(folder.glob("*.jpg"))[:2]
    images = [read_photo(file).image for file in files]
    found = [nearest(reader, image) for image in images]
    if found[0] is None or found[1] is None:
        return None
    return Known(Subject(images[0], found[0][0]), found[0][1], found[1][1])


def nearest(reader: FaceReader, image: Image) -> tuple[Floats, Floats] | None:
    """Points and embedding of the face nearest to the middle."""
    faces = reader.read(image, views=2)
    middle = np.array(image.shape[1::-1]) / 2
    best = min(faces, key=lambda face: float(np.abs(face.points.mean(0) - middle).sum()), default=None)
    if best is None or best.face.embedding is None:
        return None
    return best.points, best.face.embedding


def subjects(reader: FaceReader, files: Sequence[Path]) -> Iterator[Subject]:
    for file in files:
        image = read_photo(file).image
        faces = reader.read(image, embed=False)
        middle = np.array(image.shape[1::-1]) / 2
        best = min(faces, key=lambda face: float(np.abs(face.points.mean(0) - middle).sum()), default=None)
        if best is not None:
            yield Subject(image, best.points)


def reconstruction(
    reader: FaceReader, model: AppearanceModel, held: Sequence[Known], encoded: Sequence[Encoded]
) -> Iterator[tuple[str, str]]:
    errors, shapes, distances = [], [], []
    for known, own in zip(held, encoded, strict=True):
        truth = own.shape[:68]
        shapes.append(error(model.shape_of(own.w)[:68], truth))
        drawn = model.synthesis(own.w[None, None])[0]
        found = nearest(reader, drawn)
        if found is None:
            distances.append(math.inf)
            continue
        errors.append(error(found[0], rescaled(truth, len(drawn) / model.frame.side)))
        distances.append(1 - float(found[1] @ known.first))
    same, middle = 100 * np.mean(np.array(distances) <= ACCEPTED), np.median(distances)
    yield "landmark error, shape alone", f"{100 * np.mean(shapes):.2f} %"
    yield "landmark error, found on the drawn face", f"**{100 * np.mean(errors):.2f} %**"
    yield "the drawn face is accepted as the person", f"{same:.0f} % (median distance {middle:.3f})"


def error(points: Floats, truth: Floats) -> float:
    """Mean distance of points (68, 2) from the true ones, in eye distances."""
    return float(np.linalg.norm(points - truth, axis=1).mean()) / eye_distance(truth)


def morphs(
    reader: FaceReader, model: AppearanceModel, held: Sequence[Known], encoded: Sequence[Encoded]
) -> Iterator[tuple[str, str]]:
    index = {id(known): own for known, own in zip(held, encoded, strict=True)}
    order = np.random.default_rng(1).permutation(len(held))
    random = [(held[order[2 * n]], held[order[2 * n + 1]]) for n in range(min(PAIRS, len(held) // 2))]
    rows = np.stack([known.first for known in held])
    away = 1 - rows @ rows.T
    np.fill_diagonal(away, np.inf)
    near = [(known, held[int(away[n].argmin())]) for n, known in enumerate(held)][:PAIRS]

    def latent(detail: float) -> Callable[[Known, Known], Image]:
        return lambda a, b: model.morph([index[id(a)], index[id(b)]], (0.5, 0.5), SIZE, detail)

    ways = (
        ("landmark morph", landmark),
        ("latent, with the parents' details (the default)", latent(1.0)),
        ("latent, components alone", latent(0.0)),
    )
    for title, make in ways:
        figures = [both(reader, make, pairs) for pairs in (random, near)]
        text = ", ".join(
            f"{name} {first:.2f} / {second:.2f}"
            for name, (first, second) in zip(("random", "nearest"), figures, strict=True)
        )
        yield f"both parents: {title}", text


def landmark(one: Known, other: Known) -> Image:
    aligned = [canvas.align(known.subject.image, known.subject.points, SIZE) for known in (one, other)]
    return morph.mix(morph.stack(aligned), morph.Weights.even(2)).image


def both(
    reader: FaceReader, make: Callable[[Known, Known], Image], pairs: Sequence[Pair]
) -> tuple[float, float]:
    """The shares of pairs whose morph both parents' photos accept, and both second photos."""
    accepted = np.zeros((len(pairs), 2))
    for number, (one, other) in enumerate(pairs):
        found = nearest(reader, make(one, other))
        for kind, wanted in enumerate(((one.first, other.first), (one.second, other.second))):
            worst = max((1 - float(found[1] @ row) for row in wanted), default=0) if found else math.inf
            accepted[number, kind] = worst <= ACCEPTED
    return float(accepted[:, 0].mean()), float(accepted[:, 1].mean())


# -- StyleGAN2 ------------------------------------------------------------------------------------------
def stylegan2(folder: Path, face: Path) -> Section:
    rows = [measured(folder, face, resolution) for resolution in (64, 256, 1024)]
    return Section(
        "latent-stylegan2",
        "StyleGAN2 in its child process",
        "Random weights in the standard channels (multiplier 2), with the identity loss; the median of"
        f" {STEPS} steps of a projection and of drawings. The memory is the most that the child held.",
        ("resolution", "start, s", "first step, s", "ms a step", "ms a picture", "300 steps", "memory, MB"),
        rows,
        "The first step includes compiling. Everything runs on the CPU.",
    )


def measured(folder: Path, face: Path, resolution: int) -> tuple[str, ...]:
    path = folder / f"random{resolution}.safetensors"
    save_weights(path, random_weights(Design.standard(resolution)))
    start = time.perf_counter()
    with StyleGan2(QUIET, path, face, recipe={"steps": STEPS + 1}) as generator:
        started = time.perf_counter() - start
        ws = generator.mapping(np.random.default_rng(0).standard_normal((1, 512)).astype(np.float32))
        picture = generator.synthesis(ws)[0]
        drawing = statistics.median(timed(lambda: generator.synthesis(ws)) for _ in range(3))
        times = [time.perf_counter()]
        chip = np.array([(0.0025, 0, 0.3), (0, 0.0025, 0.35)], np.float32) * resolution

        def watch(step: Step) -> None:
            times.append(time.perf_counter())

        generator.project_picture(picture, QUIET, watch, chip=chip)
        memory = peak(generator.pid)
    steps = np.diff(times)
    step = float(np.median(steps[1:]))
    path.unlink()
    return (
        f"{resolution} px", f"{started:.1f}", f"{steps[0]:.1f}", f"{1000 * step:.0f}",
        f"{1000 * drawing:.0f}", f"{300 * step / 60:.1f} min", memory,
    )  # fmt: skip


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak(pid: int) -> str:
    """The most memory that a process held, where the system tells."""
    if not sys.platform.startswith("linux"):
        return "-"
    lines = Path(os.sep, "proc", str(pid), "status").read_text("ascii").splitlines()
    line = next(line for line in lines if line.startswith("VmHWM"))
    return f"{int(line.split()[1]) / 1024:.0f}"
