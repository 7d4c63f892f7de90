"""A trained network as plain arrays: what a candidate has learned, and what it says, without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceapp.build.topology import Topology
from faceapp.types import Floats, Ints

# Of how many photos of each person the recogniser keeps the refined vector.
REMEMBERED = 24
# And of how many strangers.
STRANGERS = 300
# What counts how much in a score: chosen on three groups of 50 people (docs/adr/0003-builder.md).
CENTRE, PHOTO, STRANGE = 0.75, 0.25, 0.3
EPSILON = 1e-3
TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Layer:
    """One hidden layer: kernel (I, O), bias (O,), and gain, offset, mean, variance (O,) of its norm.

    mean and variance are those of a batch norm over the training data; a layer norm measures its own.
    """

    kernel: Floats
    bias: Floats
    gain: Floats
    offset: Floats
    mean: Floats
    variance: Floats


@dataclass(frozen=True, eq=False)
class Network:
    """An embedding (D,) in, a score for each person (C,) out.

    The layers turn the embedding into a refined one. The score of a person is a sum of cosines: with the
    person's learned centre, with the most similar of the person's photos, and less the one with the most
    similar stranger, for a face that resembles everybody resembles strangers too.

    kernel (O, D), bias (D,): the last layer. centres (C, D), memory (N, D), strangers (M, D) of unit
    length, M may be 0; owners (N,) whose photo each row of the memory is, in order.
    """

    topology: Topology
    layers: tuple[Layer, ...]
    kernel: Floats
    bias: Floats
    centres: Floats
    memory: Floats
    owners: Ints
    strangers: Floats

    def refine(self, vectors: Floats) -> Floats:
        """(N, D) refined vectors of unit length."""
        values = vectors
        for layer in self.layers:
            values = self._activate(self._normalise(values @ layer.kernel + layer.bias, layer))
        values = values @ self.kernel + self.bias
        return unit(values + vectors if self.topology.skip else values)

    def scores(self, vectors: Floats) -> Floats:
        """(N, C) for embeddings (N, D)."""
        return self.compare(self.refine(vectors))

    def compare(self, refined: Floats) -> Floats:
        """(N, C) for vectors (N, D) that are refined already."""
        scores = CENTRE * (refined @ self.centres.T) + PHOTO * self._nearest(refined)
        if len(self.strangers):
            scores -= STRANGE * (refined @ self.strangers.T).max(1, keepdims=True)
        return np.asarray(scores, np.float32)

    def _nearest(self, refined: Floats) -> Floats:
        starts = np.flatnonzero(np.r_[True, self.owners[1:] != self.owners[:-1]])
        return np.maximum.reduceat(refined @ self.memory.T, starts, axis=1)

    def _normalise(self, values: Floats, layer: Layer) -> Floats:
        kind = self.topology.normalisation
        if kind == "none":
            return values
        if kind == "layer":
            mean, variance = values.mean(1, keepdims=True), values.var(1, keepdims=True)
        else:
            mean, variance = layer.mean, layer.variance
        return np.asarray((values - mean) / np.sqrt(variance + EPSILON) * layer.gain + layer.offset)

    def _activate(self, values: Floats) -> Floats:
        kind = self.topology.activation
        if kind == "relu":
            return np.maximum(values, 0)
        if kind == "tanh":
            return np.tanh(values)
        if kind == "elu":
            return np.where(values > 0, values, np.expm1(np.minimum(values, 0)))
        # silu: x times the logistic function of x, in the form that cannot overflow.
        return np.asarray(values * (1 + np.tanh(values / 2)) / 2)


def unit(vectors: Floats) -> Floats:
    """The vectors (N, D) with length 1."""
    lengths = np.sqrt((vectors * vectors).sum(-1, keepdims=True) + TINY)
    return np.asarray(vectors / lengths, np.float32)


def remembered(people: Ints, most: int = REMEMBERED) -> Ints:
    """The rows of the photos that are kept, in order of person: of each person the first `most`."""
    rows: list[int] = []
    for person in np.unique(people):
        rows += np.flatnonzero(people == person)[:most].tolist()
    return np.array(rows, np.int64)


def class_means(vectors: Floats, people: Ints, count: int) -> Floats:
    """(count, D) the mean of each person's vectors, of unit length."""
    return unit(np.stack([vectors[people == person].mean(0) for person in range(count)]))


def middle(own: Sequence[float] | Floats, other: Sequence[float] | Floats) -> float:
    """A value between two samples: the middle of their medians."""
    return float((np.median(own) + np.median(other)) / 2)
