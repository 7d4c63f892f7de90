"""The immutable set of embeddings that a search runs on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from faceapp.errors import Conflict
from faceapp.search import hubs
from faceapp.types import EmbeddingRows, Floats, Ints, check_shape


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
        distances = self._distances(embedding, model_key)
        if not len(distances) or k < 1:
            return []
        best = np.minimum.reduceat(distances, self._starts)
        count = min(k, len(best))
        chosen = np.argpartition(best, count - 1)[:count]
        chosen = chosen[np.argsort(best[chosen], kind="stable")]
        return [self._neighbour(int(index), distances) for index in chosen]

    def _distances(self, embedding: Floats, model_key: str) -> Floats:
        if model_key != self.model_key:
            raise Conflict(
                "model_mismatch",
                f"The library was made with the model {self.model_key}, the search with {model_key}.",
                "Use one model for both.",
            )
        if not len(self):
            return np.zeros(0, np.float32)
        check_shape("embedding", embedding, (self._vectors.shape[1],))
        distances: Floats = 1.0 - self._vectors @ np.asarray(embedding, np.float32)
        return np.asarray(distances + self._penalties, np.float32)

    def _neighbour(self, person: int, distances: Floats) -> Neighbour:
        start, end = self._segment(person)
        row = start + int(np.argmin(distances[start:end]))
        return Neighbour(
            int(self.person_ids[person]), int(self._face_ids[row]), max(0.0, float(distances[row]))
        )

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

    def stranger_distances(self, pairs: int, seed: int = 0) -> Floats:
        """Distances of up to `pairs` random pairs of faces of different people, (n,)."""
        if len(self.person_ids) < 2:
            return np.zeros(0, np.float32)
        random = np.random.default_rng(seed)
        left, right = random.integers(0, len(self), (2, pairs))
        different = self._owners[left] != self._owners[right]
        left, right = left[different], right[different]
        products = np.einsum("nd,nd->n", self._vectors[left], self._vectors[right])
        return np.asarray(1.0 - products, np.float32)
