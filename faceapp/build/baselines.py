"""The plain methods that a network has to beat: nearest neighbour, centroid, linear SVM, k nearest."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from faceapp.build.dataset import STRANGER, TRAIN, Dataset
from faceapp.build.network import class_means, remembered
from faceapp.types import Floats, Ints

Kind = Literal["nearest", "centroid", "svm", "knn"]

TITLES: dict[Kind, str] = {
    "nearest": "nearest neighbour",
    "centroid": "nearest centroid",
    "svm": "linear SVM",
    "knn": "k nearest neighbours",
}
NEIGHBOURS = 3
# Every photo is kept; it is a limit for libraries with hundreds of photos of a person.
MOST_PHOTOS = 200
# More than any cosine: takes a filled-in place out of every comparison.
OUT = -4.0


@dataclass(frozen=True, eq=False)
class Plain:
    """A fitted plain method. It compares an embedding with `rows` (C * K, D) and adds `offset` (C * K,).

    K values a person: the mean of the `best` highest of them is the score of that person. nearest: K photos,
    best 1. k nearest: K photos. centroid: one centre. SVM: one direction and its bias.
    """

    kind: Kind
    people: int
    rows: Floats
    offset: Floats
    best: int = 1

    @property
    def title(self) -> str:
        return TITLES[self.kind]

    @property
    def parameters(self) -> int:
        return int(self.rows.size + self.offset.size)

    def scores(self, vectors: Floats) -> Floats:
        """(N, C) for embeddings (N, D)."""
        each = len(self.rows) // self.people
        values = (vectors @ self.rows.T + self.offset).reshape(len(vectors), self.people, each)
        highest = np.sort(values, axis=2)[:, :, -self.best :]
        return np.asarray(highest.mean(2), np.float32)


def fit(data: Dataset) -> list[Plain]:
    """All plain methods, fitted to the photos to learn from; the SVM to strangers and augmented views too."""
    return [maker(data) for maker in MAKERS]


def nearest(data: Dataset) -> Plain:
    vectors, people = data.known(TRAIN)
    return Plain("nearest", len(data.names), *side_by_side(vectors, people, len(data.names)))


def knn(data: Dataset) -> Plain:
    vectors, people = data.known(TRAIN)
    count = len(data.names)
    fewest = int(np.bincount(people, minlength=count).min())
    rows, offset = side_by_side(vectors, people, count)
    return Plain("knn", count, rows, offset, max(1, min(NEIGHBOURS, fewest)))


def centroid(data: Dataset) -> Plain:
    vectors, people = data.known(TRAIN)
    count = len(data.names)
    return Plain("centroid", count, class_means(vectors, people, count), np.zeros(count, np.float32))


def svm(data: Dataset) -> Plain:
    """One direction a person, against all others and the strangers."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    vectors, people = data.known(TRAIN)
    strangers = data.strangers(TRAIN)
    vectors = np.concatenate([vectors, strangers])
    people = np.concatenate([people, np.full(len(strangers), STRANGER)])
    machine = LinearSVC(C=1.0, dual=True, random_state=0, max_iter=2000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine.fit(vectors, people)
    directions, biases = machine.coef_, machine.intercept_
    if len(directions) == 1:  # two classes have one border
        directions, biases = np.concatenate([-directions, directions]), np.concatenate([-biases, biases])
    known = machine.classes_ != STRANGER
    return Plain(
        "svm", len(data.names), directions[known].astype(np.float32), biases[known].astype(np.float32)
    )


MAKERS: tuple[Callable[[Dataset], Plain], ...] = (nearest, centroid, svm, knn)


def side_by_side(vectors: Floats, people: Ints, count: int) -> tuple[Floats, Floats]:
    """(count * K, D) rows, K a person, and an offset (count * K,) that takes out those filled in."""
    chosen = remembered(people, MOST_PHOTOS)
    vectors, people = vectors[chosen], people[chosen]
    most = int(np.bincount(people, minlength=count).max())
    rows = np.zeros((count, most, vectors.shape[1]), np.float32)
    offset = np.full((count, most), OUT, np.float32)
    for person in range(count):
        own = vectors[people == person]
        rows[person, : len(own)] = own
        offset[person, : len(own)] = 0
    return rows.reshape(count * most, -1), offset.reshape(-1)
