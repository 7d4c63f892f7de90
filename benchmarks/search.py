"""Search among 100,000 faces, against `face_recognition.face_distance`."""

from __future__ import annotations

import statistics
import time

import face_recognition
import numpy as np

from benchmarks.report import Section
from faceapp.search.gallery import Gallery
from faceapp.types import EmbeddingRows

FACES = 100_000
PEOPLE = 25_000


def run() -> list[Section]:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(FACES, 128)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    owners = random.integers(0, PEOPLE, FACES)
    gallery = Gallery(EmbeddingRows("m", 1, np.arange(FACES), owners, vectors))
    theirs = vectors.astype(np.float64)
    ratios, wrong = [], 0
    queries = random.normal(size=(50, 128)).astype(np.float32)
    for query in queries / np.linalg.norm(queries, axis=1, keepdims=True):
        start = time.perf_counter()
        distances = face_recognition.face_distance(theirs, query.astype(np.float64))
        best = int(np.argmin(distances))
        middle = time.perf_counter()
        found = gallery.nearest(query, "m", 10)
        ratios.append((middle - start) / (time.perf_counter() - middle))
        wrong += found[0].face_id != best
    return [
        Section(
            "search",
            "Search among 100,000 faces",
            f"The ten nearest of {PEOPLE:,} people (ours) against `face_distance` and the smallest of it, 50"
            " queries in turn, random unit vectors; wrong: another nearest face than the peer's.",
            ("faces", "ratio (median)", "wrong nearest"),
            [(f"{FACES:,}", f"**{statistics.median(ratios):.0f}x**", str(wrong))],
        )
    ]
