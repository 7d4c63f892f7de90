"""A store in a folder of the test's own, and faces made of numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from db.store import SqlPeopleStore, open_store
from faceapp.types import Box, Face, NewFace, Quality

MODEL = "test"
DIMENSION = 8

Dump = dict[str, Any]


def make_face(
    number: int,
    *,
    sha256: str | None = None,
    left: float = 0.0,
    path: str | None = None,
    model_key: str = MODEL,
) -> NewFace:
    """Face `number`: everything about it follows from the number. left: where its box begins on the photo."""
    random = np.random.default_rng(number)
    vector = random.standard_normal(DIMENSION).astype(np.float32)
    face = Face(
        box=Box(left, 10.0, left + 40.0, 60.0),
        landmarks=random.uniform(0, 50, (5, 2)).astype(np.float32),
        quality=Quality(40.0, 0.5, 0.4, 0.2, 1.0, -2.0, 3.0, 0.99),
        embedding=vector / np.linalg.norm(vector),
    )
    return NewFace(
        sha256=sha256 or hashlib.sha256(str(number).encode()).hexdigest(),
        path=f"/photos/{number:05}.jpg" if path is None else path,
        width=100, height=100, face=face, model_key=model_key, crop=f"crop {number}".encode(),
    )


def dump(store: SqlPeopleStore) -> Dump:
    """All that the store tells about people, in values that compare."""
    everyone = store.people()
    faces = [face for person in everyone for face in store.faces_of(person.id)]
    rows = store.embeddings(MODEL)
    return {
        "people": everyone,
        "count": store.count(),
        "faces": {
            face.id: (face.person_id, face.photo, face.box, face.quality, face.landmarks.tolist())
            for face in faces
        },
        "points": {
            face.id: None if (points := store.points(face.id)) is None else points.tolist() for face in faces
        },
        "crops": {face.id: store.crop(face.id) for face in faces},
        "embeddings": (rows.face_ids.tolist(), rows.person_ids.tolist(), rows.vectors.tolist()),
        "rejections": [(person_id, vector.tolist()) for person_id, vector in store.rejections(MODEL)],
    }


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "library.sqlite3"


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def store(library: Path, backups: Path) -> Iterator[SqlPeopleStore]:
    with open_store(library, backups) as opened:
        yield opened


@pytest.fixture(scope="session")
def new_face() -> Callable[..., NewFace]:
    return make_face


@pytest.fixture(scope="session")
def dumped() -> Callable[[SqlPeopleStore], Dump]:
    return dump
