"""Faces that resemble everybody, and how much that makes a match with them worth.

A blurred or plain face lies near many others (a hub) and would turn up on top of searches that it has
nothing to do with. Half of its mean similarity to its nearest strangers is taken off, as in cross-domain
similarity local scaling (Conneau et al., "Word translation without parallel data", 2018).
"""

from __future__ import annotations

import numpy as np

from faceapp.types import Floats, Ints, check_shape

NEIGHBOURS = 30
# Faces that stand for the library when it is larger: nearness to them is nearness to all.
COHORT = 2048
FEWEST = 100
SLICE = 4096


def penalties(vectors: Floats, owners: Ints) -> Floats:
    """(N,) what to add to the cosine distances to the faces `vectors` (N, D) of the people `owners` (N,).

    Positive for a face that is near to many strangers, negative for one that is near to few, 0 on
    average, so that distances keep their meaning. All 0 below `FEWEST` people: nothing can be said then.
    """
    check_shape("vectors", vectors, (None, None))
    check_shape("owners", owners, (len(vectors),))
    people, first = np.unique(owners, return_index=True)
    if len(people) < FEWEST:
        return np.zeros(len(vectors), np.float32)
    if len(first) > COHORT:
        first = np.sort(np.random.default_rng(0).choice(first, COHORT, replace=False))
    cohort, cohort_owners = vectors[first], owners[first]
    near = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), SLICE):
        part = slice(start, start + SLICE)
        similar = vectors[part] @ cohort.T
        similar[owners[part, None] == cohort_owners] = -1
        near[part] = np.partition(similar, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:].mean(1)
    added: Floats = (near - near.mean()) / 2
    return added
