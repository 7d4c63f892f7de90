"""A recogniser that was built: embeddings in, names out. Runs in onnxruntime, never in TensorFlow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceapp.build import archive
from faceapp.build.card import Card, Known, Which
from faceapp.build.export import INPUT, OUTPUT
from faceapp.errors import BadRequest, Conflict
from faceapp.types import Floats, check_shape

if TYPE_CHECKING:
    import onnxruntime


@dataclass(frozen=True)
class Guess:
    """Somebody whom a face may be.

    index: of the person on the card.
    certainty: (score - threshold) / spread, so 0 at the threshold and about 2 for a usual face of that
    person, whatever the method. named: it is the best one and reaches the threshold.
    """

    index: int
    known: Known
    score: float
    certainty: float
    named: bool

    @property
    def confidence(self) -> float:
        """0 to 1; 0.5 at the threshold. Not a probability."""
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, self.certainty))))


class Recogniser:
    """One model of a recogniser's file, loaded. Safe to call from several threads."""

    def __init__(self, source: archive.Archive, which: Which | None = None) -> None:
        """which: the network or the plain method; None for the one that did better.

        Raises BadRequest when the file has no such model, ModelUnavailable when it cannot be loaded.
        """
        from faceapp.models.onnx import session

        self.card: Card = source.card
        self.which: Which = which or source.card.winner
        if self.which not in source.models:
            raise BadRequest("no_such_model", f"This recogniser has no {self.which} model.")
        self.decision = self.card.decisions[self.which]
        self._session: onnxruntime.InferenceSession = session(source.models[self.which], threads=1)

    @staticmethod
    def open(path: Path, which: Which | None = None) -> Recogniser:
        """Raises NotFound, BadRequest, TooLarge and ModelUnavailable."""
        return Recogniser(archive.read(path), which)

    def check(self, embedder: str) -> None:
        """Raises Conflict unless it takes embeddings of that embedder."""
        if self.card.embedder != embedder:
            raise Conflict(
                "model_mismatch",
                f"The recogniser {self.card.name} was built with the model {self.card.embedder},"
                f" this program uses {embedder}.",
                "Choose that model in the settings, or build the recogniser anew.",
            )

    def scores(self, vectors: Floats) -> Floats:
        """(N, C) scores of the card's people for embeddings (N, D)."""
        check_shape("vectors", vectors, (None, self.card.dimension))
        given = {INPUT: np.ascontiguousarray(vectors, np.float32)}
        return np.asarray(self._session.run([OUTPUT], given)[0], np.float32)

    def rank(self, embedding: Floats, top: int = 5) -> list[Guess]:
        """The people whom a face with this embedding (D,) may be, best first."""
        scores = self.scores(embedding[None])[0]
        order = np.argsort(-scores, kind="stable")[:top]
        return [
            Guess(
                index=int(index),
                known=self.card.people[index],
                score=float(scores[index]),
                certainty=(float(scores[index]) - self.decision.threshold) / self.decision.spread,
                named=place == 0 and float(scores[index]) >= self.decision.threshold,
            )
            for place, index in enumerate(order)
        ]
