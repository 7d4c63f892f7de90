"""The immutable set of embeddings that a search runs on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from faceapp.errors import Conflict
from faceapp.search import hubs
from faceapp.search.rough import RoughSearch
from faceapp.types import EmbeddingRows, Floats, Ints, check_shape

# From so many faces on, a rough look at all comes before the exact one at what is left.
MANY = 20_000
BLOCK = 64


@dataclass(frozen=True)
class Neighbour:
    """A person with their face that is nearest to the searched one."""

    person_id: int
    face_id: int
    distance: float


class Gallery:
    """Exact nearest neighbours, one per person. Built once and never changed.

    Exact search is one matrix product: quicker than an index below some 200,000 faces, and it never
    misses a person. Rows are kept in order of person, so that each person's best face is one reduction.
    Distances are cosine distances, corrected for faces that resemble everybody (see `hubs`) where there
    are people enough to know them.
    """

    def __init__(self, rows: EmbeddingRows) -> None:
        order = np.lexsort((rows.face_ids, rows.person_ids))
        self.model_key = rows.model_key
        self.revision = rows.revision
        self._face_ids: Ints = rows.face_ids[order]
        self._vectors: Floats = np.ascontiguousarray(rows.vectors[order])
        self._owners: Ints = rows.person_ids[order]
        self.person_ids, self._starts = np.unique(self._owners, return_index=True)

    @cached_property
    def _penalties(self) -> Floats:
        return hubs.penalties(self._vectors, self._owners)

    def __len__(self) -> int:
        return len(self._face_ids)

    def nearest(self, embedding: Floats, model_key: str, k: int) -> list[Neighbour]:
        """The k nearest people of one embedding (D,), nearest first.

        Raises:
            Conflict: the embedding comes from another model than the gallery.
        """
        if k < 1 or not len(self):
            self._check(embedding, model_key)
            return []
        return self._of_people(*self._candidates(embedding, model_key, k), k)

    def _of_people(self, rows: Ints, distances: Floats, k: int) -> list[Neighbour]:
        """The k nearest people among some rows, which are in order."""
        owners = self._owners[rows]
        starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
        best = np.minimum.reduceat(distances, starts)
        chosen = np.argsort(best, kind="stable")[:k]
        ends = np.r_[starts[1:], len(rows)]
        found = [starts[at] + int(np.argmin(distances[starts[at] : ends[at]])) for at in chosen]
        return [
            Neighbour(int(owners[at]), int(self._face_ids[rows[at]]), max(0.0, float(distances[at])))
            for at in found
        ]

    def vectors_of(self, face_ids: Sequence[int]) -> Floats:
        """(n, D) the embeddings of these faces, in their order. They must be in the gallery."""
        order = np.argsort(self._face_ids, kind="stable")
        rows = order[np.searchsorted(self._face_ids, face_ids, sorter=order)]
        found: Floats = self._vectors[rows]
        return found

    def _candidates(self, embedding: Floats, model_key: str, k: int) -> tuple[Ints, Floats]:
        """The rows, in order, among which the k nearest people are, with their exact distances."""
        if len(self) < MANY:
            return np.arange(len(self)), self._distances(embedding, model_key)
        self._check(embedding, model_key)
        similarities, margin = self._rough.similarities(embedding)
        near = self._penalties - similarities
        minima = np.sort(near[: len(near) // BLOCK * BLOCK].reshape(-1, BLOCK).min(axis=1))
        wanted = k
        while wanted < len(minima):
            limit = minima[wanted] + margin
            rows = np.flatnonzero(near <= limit + margin)
            distances = 1.0 - self._vectors[rows] @ embedding + self._penalties[rows]
            # Everybody who is really nearer than the limit is among the rows. Are they enough?
            if len(np.unique(self._owners[rows[distances <= 1.0 + limit]])) >= k:
                return rows, np.asarray(distances, np.float32)
            wanted *= 4
        return np.arange(len(self)), self._distances(embedding, model_key)

    @cached_property
    def _rough(self) -> RoughSearch:
        return RoughSearch(self._vectors)

    def _distances(self, embedding: Floats, model_key: str) -> Floats:
        """(N,) the distances to all faces."""
        self._check(embedding, model_key)
        distances = 1.0 - self._vectors @ np.asarray(embedding, np.float32)
        return np.asarray(distances + self._penalties, np.float32)

    def _check(self, embedding: Floats, model_key: str) -> None:
        if model_key != self.model_key:
            raise Conflict(
                "model_mismatch",
                f"The library was made with the model {self.model_key}, the search with {model_key}.",
                "Use one model for both.",
            )
        if len(self):
            check_shape("embedding", embedding, (self._vectors.shape[1],))

    def _segment(self, person: int) -> tuple[int, int]:
        """The rows of the person at this index."""
        following = person + 1
        end = self._starts[following] if following < len(self._starts) else len(self)
        return int(self._starts[person]), int(end)

    def pairs_within(self, threshold: float, person_ids: Sequence[int]) -> list[tuple[int, int, float]]:
        """(person, other person, distance) of each person's nearest other person, where it is that near."""
        pairs: dict[tuple[int, int], float] = {}
        for index in np.flatnonzero(np.isin(self.person_ids, person_ids)):
            start, end = self._segment(int(index))
            distances = 1.0 - self._vectors[start:end] @ self._vectors.T
            distances[:, start:end] = np.inf
            row = int(np.argmin(distances) % distances.shape[1])
            distance = float(distances[:, row].min())
            if distance <= threshold:
                other = int(self.person_ids[np.searchsorted(self._starts, row, side="right") - 1])
                one = int(self.person_ids[index])
                if (other, one) not in pairs:
                    pairs[one, other] = distance
        return [(one, other, distance) for (one, other), distance in pairs.items()]

    def nearest_to_own(self, person_ids: Sequence[int], k: int) -> Iterator[tuple[int, list[Neighbour]]]:
        """Every face of these people, with the k people that are nearest when the face itself is left out."""
        everybody = np.arange(len(self))
        for own in np.flatnonzero(np.isin(self._owners, person_ids)):
            others = np.delete(everybody, own)
            distances = self._distances(self._vectors[own], self.model_key)[others]
            if len(others):
                yield int(self._face_ids[own]), self._of_people(others, distances, k)

    def nearest_strangers(self, searches: int) -> Floats:
        """For a face of each of up to `searches` random people, how near the nearest other person is."""
        count = min(searches, len(self.person_ids))
        chosen = np.random.default_rng(0).choice(len(self.person_ids), count, replace=False)
        nearest = np.empty(count, np.float32)
        for place, person in enumerate(chosen):
            start, end = self._segment(int(person))
            distances = self._distances(self._vectors[start], self.model_key)
            distances[start:end] = np.inf
            nearest[place] = distances.min()
        return nearest

    def stranger_distances(self, pairs: int) -> Floats:
        """Distances of up to `pairs` random pairs of faces of different people, (n,)."""
        if len(self.person_ids) < 2:
            return np.zeros(0, np.float32)
        random = np.random.default_rng(0)
        left, right = random.integers(0, len(self), (2, pairs))
        different = self._owners[left] != self._owners[right]
        left, right = left[different], right[different]
        products = np.einsum("nd,nd->n", self._vectors[left], self._vectors[right])
        return np.asarray(1.0 - products, np.float32)
