"""What a recogniser learns from: embeddings of known people and strangers, in three parts without leakage."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceapp.build.openset import Scores
from faceapp.errors import Conflict
from faceapp.types import Floats, Ints, check_shape

TRAIN, VALIDATION, TEST = 0, 1, 2
# Of the photos of a person, and of the strangers: held back for choosing, and for the last test.
SHARE = 0.2
STRANGER_SHARE = 1 / 3
# One photo to learn from, one to choose by, one to test with.
FEWEST_PHOTOS = 3
FEWEST_PEOPLE = 2
# Two photos of a person that are so much alike are one photo that was saved twice (cosine distance):
# on LFW two different photos of one person are hardly ever under 0.01.
SAME_PHOTO = 0.001
# With fewer strangers than this the known people have to stand in for them.
ENOUGH_STRANGERS = 20

STRANGER = -1


@dataclass(frozen=True, eq=False)
class Dataset:
    """Faces as vectors, one row a view of a face.

    names: the known people. vectors (N, D). people (N,): index into `names`, or STRANGER. parts (N,): TRAIN,
    VALIDATION or TEST; all views of one photo are in one part, and so is a stranger. plain (N,): True for
    the view that stands for the photo, False for an augmented one; those are in TRAIN alone. photos (N,): the
    SHA-256 of the photo.
    """

    names: tuple[str, ...]
    vectors: Floats
    people: Ints
    parts: Ints
    plain: NDArray[np.bool_]
    photos: NDArray[np.str_]

    def __post_init__(self) -> None:
        check_shape("vectors", self.vectors, (None, None))
        for name in ("people", "parts", "plain", "photos"):
            check_shape(name, getattr(self, name), (len(self.vectors),))
        if (~self.plain & (self.parts != TRAIN)).any():
            raise ValueError("only the photos to learn from may be augmented")

    @property
    def dimension(self) -> int:
        return int(self.vectors.shape[1])

    def known(self, part: int) -> tuple[Floats, Ints]:
        """The photos of known people in a part: vectors (N, D), people (N,)."""
        rows = (self.parts == part) & (self.people != STRANGER) & self.plain
        return self.vectors[rows], self.people[rows]

    def strangers(self, part: int) -> Floats:
        """The strangers of a part, (M, D)."""
        chosen: Floats = self.vectors[(self.parts == part) & (self.people == STRANGER) & self.plain]
        return chosen

    def training(self) -> tuple[Floats, Ints]:
        """Everything to learn from, augmented views too: vectors (N, D), people (N,)."""
        rows = self.parts == TRAIN
        return self.vectors[rows], self.people[rows]

    def scores(self, part: int, known: Floats, strangers: Floats) -> Scores:
        """The scores of a part, from those of its `known` (N, C) and of its `strangers` (M, C).

        Where strangers are few, every known face also stands for one: its scores without its own person's.
        """
        labels = self.known(part)[1]
        if len(strangers) < ENOUGH_STRANGERS:
            without = known.copy()
            without[np.arange(len(labels)), labels] = -np.inf
            strangers = np.concatenate([strangers, without])
        return Scores(known, labels, strangers)

    def save(self, path: Path) -> None:
        """Write it as one .npz; nothing is left under the name when that fails."""
        temporary = path.with_suffix(".tmp")
        try:
            with temporary.open("wb") as file:
                np.savez(
                    file,
                    names=np.array(json.dumps(self.names)),
                    vectors=self.vectors,
                    people=self.people,
                    parts=self.parts,
                    plain=self.plain,
                    photos=self.photos,
                )
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    @staticmethod
    def load(path: Path) -> Dataset:
        """Raises Conflict when the file is damaged. Never unpickles."""
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                names = tuple(str(name) for name in json.loads(str(file["names"])))
                columns = ("vectors", "people", "parts", "plain", "photos")
                return Dataset(names, *(file[column] for column in columns))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            sentence = "The data of this build are damaged."
            raise Conflict("build_damaged", sentence, "Start it anew.") from error


def stack(
    names: Sequence[str],
    rows: Sequence[tuple[Floats, int, int, bool, str]],
) -> Dataset:
    """A dataset from (vector (D,), person or STRANGER, part, plain, SHA-256) of each view."""
    return Dataset(
        tuple(names),
        np.stack([row[0] for row in rows]).astype(np.float32),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.int64),
        np.array([row[3] for row in rows], np.bool_),
        np.array([row[4] for row in rows], np.str_),
    )


def split(people: Ints, hashes: Sequence[str], vectors: Floats, seed: int) -> Ints:
    """(N,) the part of each photo of known people, stratified by person and grouped by photo.

    A photo (its SHA-256) that shows several of the people is in one part for all of them, and so are photos
    of a person that are one photo saved twice; unless a person would have fewer than three groups by that.
    """
    groups = _groups(people, hashes, vectors)
    parts: dict[int, int] = {}
    random = np.random.default_rng(seed)
    for person in np.unique(people):
        own = np.unique(groups[people == person])
        free = random.permutation([int(group) for group in own if int(group) not in parts])
        have = [sum(parts.get(int(group)) == part for group in own) for part in (TRAIN, VALIDATION, TEST)]
        held = max(1, round(SHARE * len(own))) if len(own) >= FEWEST_PHOTOS else 0
        test, validation = max(0, held - have[TEST]), max(0, held - have[VALIDATION])
        for place, group in enumerate(free):
            part = TEST if place < test else VALIDATION if place < test + validation else TRAIN
            parts[int(group)] = part
    return np.array([parts[int(group)] for group in groups], np.int64)


def split_strangers(count: int, seed: int) -> Ints:
    """(count,) the part of each stranger: as many to learn from as to choose by and to test with."""
    order = np.random.default_rng(seed).permutation(count)
    parts = np.full(count, TRAIN, np.int64)
    held = int(STRANGER_SHARE * count)
    parts[order[:held]] = TEST
    parts[order[held : 2 * held]] = VALIDATION
    return parts


def _groups(people: Ints, hashes: Sequence[str], vectors: Floats) -> Ints:
    """(N,) the group of each row: rows of one file, and rows of one person that are nearly the same."""
    numbers: dict[str, int] = {}
    by_file = np.array([numbers.setdefault(sha256, len(numbers)) for sha256 in hashes], np.int64)
    groups = by_file.copy()
    for person in np.unique(people):
        rows = np.flatnonzero(people == person)
        same = 1.0 - vectors[rows] @ vectors[rows].T < SAME_PHOTO
        joined = groups.copy()
        for one, other in zip(*np.nonzero(np.triu(same, 1)), strict=True):
            joined[joined == joined[rows[other]]] = joined[rows[one]]
        if len(np.unique(joined[rows])) >= FEWEST_PHOTOS or len(np.unique(groups[rows])) < FEWEST_PHOTOS:
            groups = joined
    return groups


def fingerprint(names: Sequence[str], people: Ints, hashes: Sequence[str], embedder: str) -> str:
    """SHA-256 over who is on which photo, and the embedder: the same data have the same one."""
    lines = sorted(f"{names[person]}\t{sha256}" for person, sha256 in zip(people, hashes, strict=True))
    return hashlib.sha256("\n".join([embedder, *lines]).encode()).hexdigest()
