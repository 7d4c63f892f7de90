"""Recognition accuracy on LFW: pairs (1:1) and first photos against second photos (1:N)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks import photos
from benchmarks.report import Section
from faceapp.jobs import JobContext
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.pipeline.analysis import Analyser, in_order
from faceapp.pipeline.choice import subject
from faceapp.pipeline.photos import read_photo
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
        return [
            Section(
                "accuracy-pairs",
                "LFW pairs",
                "The 2,938 pairs of the test data, 10 folds, the default detector; a photo without a face counts as an error.",
                ("embedder", "pairs", "accuracy", "TAR@FAR 1e-2", "TAR@FAR 1e-3", "threshold", "undetected"),
                pairs,
            ),
            one_to_many(Analyser(models)),
        ]


def one_to_many(analyser: Analyser) -> Section:
    """First photo of each person enrolled, second photo searched, by name order of the files."""
    people = sorted(path for path in (photos.data() / "faces" / "lfw").iterdir() if path.is_dir())
    files = [sorted(person.glob("*.jpg")) for person in people]
    known = embed(analyser, [own[0] for own in files])
    searched = [(index, own[1]) for index, own in enumerate(files) if len(own) > 1]
    queries = embed(analyser, [path for _, path in searched])
    enrolled = [index for index, vector in enumerate(known) if vector is not None]
    vectors = np.stack([known[index] for index in enrolled])
    gallery = Gallery(EmbeddingRows("m", 1, np.arange(len(enrolled)), np.array(enrolled), vectors))
    ranks = [rank(gallery, query, owner) for (owner, _), query in zip(searched, queries, strict=True)]
    return Section(
        "accuracy-search",
        "First photo enrolled, second photo searched",
        f"{len(people):,} LFW people enrolled with their first photo, the second photos of {len(searched)} searched.",
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


def embed(analyser: Analyser, files: list[Path]) -> list[Floats | None]:
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
