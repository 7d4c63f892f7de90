"""Recognition accuracy on LFW: pairs (1:1) and first photos against second photos (1:N)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks import photos
from benchmarks.report import Section
from faceapp.jobs import JobContext
from faceapp.models.base import Calibration
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.pipeline.analysis import Analyser, in_order
from faceapp.pipeline.choice import subject
from faceapp.pipeline.photos import read_photo
from faceapp.search.calibrate import library_threshold
from faceapp.search.gallery import Gallery
from faceapp.tasks.evaluate import evaluate_pairs
from faceapp.types import EmbeddingRows, Floats

KEYS = ("dlib-resnet", "dlib-resnet-int8")


def run() -> list[Section]:
    with tempfile.TemporaryDirectory() as folder:
        paths = Paths(Path(folder))
        paths.create()
        models = Models(paths)
        faces = photos.data() / "faces"
        pairs = []
        for key in KEYS:
            analyser = Analyser(models, embedder=key)
            found = evaluate_pairs(JobContext.silent(), analyser, faces / "lfw_pairs.txt", faces / "lfw")
            pairs.append(
                (
                    models.spec(key).title,
                    str(found.pairs),
                    f"**{100 * found.accuracy:.2f} %** ± {100 * found.accuracy_std:.2f}",
                    f"{100 * found.tar_at_far_1e_2:.1f} %",
                    f"**{100 * found.tar_at_far_1e_3:.1f} %**",
                    f"{found.threshold:.4f}",
                    str(found.undetected),
                )
            )
        calibration = models.spec(models.default_key("embedder")).calibration
        assert calibration is not None
        return [
            Section(
                "accuracy-pairs",
                "LFW pairs",
                "The 2,938 pairs of the test data, 10 folds, the default detector; a pair with a photo on"
                " which no face is found counts as an error.",
                ("embedder", "pairs", "accuracy", "TAR@FAR 1e-2", "TAR@FAR 1e-3", "threshold", "undetected"),
                pairs,
            ),
            *one_to_many(Analyser(models), calibration),
        ]


def one_to_many(analyser: Analyser, calibration: Calibration) -> list[Section]:
    """First photo of each person enrolled, second photo searched, by name order of the files."""
    people = sorted(path for path in (photos.data() / "faces" / "lfw").iterdir() if path.is_dir())
    files = [sorted(person.glob("*.jpg")) for person in people]
    known = embed(analyser, [own[0] for own in files])
    searched = [(index, own[1]) for index, own in enumerate(files) if len(own) > 1]
    queries = embed(analyser, [path for _, path in searched])
    enrolled = {index: vector for index, vector in enumerate(known) if vector is not None}
    gallery = gallery_of(enrolled)
    ranks = [rank(gallery, query, owner) for (owner, _), query in zip(searched, queries, strict=True)]
    closed = Section(
        "accuracy-search",
        "First photo enrolled, second photo searched",
        f"{len(people):,} LFW people enrolled with their first photo, the second photos of {len(searched)}"
        " of them searched; a photo without a face counts as an error.",
        ("rank-1", "rank-5", "not enrolled", "not found on the query"),
        [
            (
                f"**{100 * np.mean([r < 1 for r in ranks]):.1f} %**",
                f"**{100 * np.mean([r < 5 for r in ranks]):.1f} %**",
                str(len(people) - len(enrolled)),
                str(sum(query is None for query in queries)),
            )
        ],
    )
    found = [(owner, query) for (owner, _), query in zip(searched, queries, strict=True) if query is not None]
    return [closed, open_set(enrolled, found, calibration)]


def open_set(
    enrolled: dict[int, Floats], queries: list[tuple[int, Floats]], calibration: Calibration
) -> Section:
    """How many enrolled people are named rightly, and how many strangers get a name, by library size."""
    random = np.random.default_rng(0)
    rows = []
    for size in (10, 50, 200, 1000, len(enrolled) - len(queries) // 2):
        right: list[bool] = []
        false: list[bool] = []
        for _ in range(max(1, 2000 // size)):
            chosen = random.choice(list(enrolled), size, replace=False).tolist()
            gallery = gallery_of({index: enrolled[index] for index in chosen})
            threshold = library_threshold(gallery, calibration)
            for owner, query in queries:
                best = gallery.nearest(query, "m", 1)[0]
                named = best.distance <= threshold
                if owner in gallery.person_ids:
                    right.append(named and best.person_id == owner)
                else:
                    false.append(named)
        shares = 100 * np.mean(right), 100 * np.mean(false)
        rows.append((f"{size:,}", f"{threshold:.3f}", f"{shares[0]:.1f} %", f"{shares[1]:.1f} %"))
    return Section(
        "accuracy-strangers",
        "Strangers in a search",
        "The same photos, random people enrolled: second photos of those who are, and of those who are not."
        " The threshold follows the library (`library_threshold`); the last draw's is shown.",
        ("people enrolled", "threshold", "enrolled people named rightly", "strangers who get a name"),
        rows,
    )


def gallery_of(enrolled: dict[int, Floats]) -> Gallery:
    owners = np.array(list(enrolled), np.int64)
    vectors = np.stack(list(enrolled.values()))
    return Gallery(EmbeddingRows("m", 1, np.arange(len(owners)), owners, vectors))


def embed(analyser: Analyser, files: list[Path]) -> list[Floats | None]:
    """The embedding of each photo's subject, or None where no face was found."""

    def one(path: Path) -> Floats | None:
        photo = read_photo(path)
        faces = analyser.faces(photo.image)
        return faces[subject(faces, photo.width, photo.height)[0]].embedding if faces else None

    return [vector if isinstance(vector, np.ndarray) else None for _, vector in in_order(files, one)]


def rank(gallery: Gallery, query: Floats | None, owner: int) -> float:
    """How many people are nearer than the right one; infinity when the query has no face or they lack."""
    if query is None:
        return float("inf")
    found = [neighbour.person_id for neighbour in gallery.nearest(query, "m", 5)]
    return found.index(owner) if owner in found else float("inf")
