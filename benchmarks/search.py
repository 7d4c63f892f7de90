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
QUERIES = 20
ROUNDS = 7


def run() -> list[Section]:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(FACES, 128)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    owners = random.integers(0, PEOPLE, FACES)
    gallery = Gallery(EmbeddingRows("m", 1, np.arange(FACES), owners, vectors))
    theirs = vectors.astype(np.float64)
    queries = random.normal(size=(QUERIES, 128)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    doubles = queries.astype(np.float64)
    gallery.nearest(queries[0], "m", 10)
    ratios = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        best = [int(np.argmin(face_recognition.face_distance(theirs, query))) for query in doubles]
        middle = time.perf_counter()
        found = [gallery.nearest(query, "m", 10) for query in queries]
        ratios.append((middle - start) / (time.perf_counter() - middle))
    hits = sum(face in {n.face_id for n in near} for face, near in zip(best, found, strict=True))
    return [
        Section(
            "search",
            "Search among 100,000 faces",
            f"The ten nearest of {PEOPLE:,} people (ours) against `face_distance` and the smallest of it:"
            f" {ROUNDS} rounds of {QUERIES} queries each in turn, random unit vectors.",
            ("faces", "ratio (median)", "the peer's nearest is among our ten"),
            [(f"{FACES:,}", f"**{statistics.median(ratios):.0f}x**", f"{hits} of {QUERIES}")],
        )
    ]
