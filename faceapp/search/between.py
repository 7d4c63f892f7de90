"""Between whom of the enrolled people a face lies: the likely parents of a morph.

The embedding of a morph of two people is much nearer to some mixture of their embeddings than to either of
them; that of a real photo is near to its own person, and a mixture with anybody else brings it hardly nearer.
The figure of a pair is the distance to the best mixture against that to the nearest single face: 1 says
that the mixture explains nothing more.

Measured on LFW (815 people, dlib's embedder; half of the people for the limit, half to check it), libraries
of 2, 10, 50, 200 and 350 people: of real second photos of enrolled people and of strangers 0.4, 0.7, 0.8,
0.6 and 1.0 % come under the limit; of plain 50/50 morphs of random pairs made from the very photos that are
enrolled 96, 87, 75, 69 and 72 %, made from other photos of the same people 67, 41, 25, 24 and 29 %. Under the
limit is therefore a remark and no proof, and above it proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceapp.types import Floats, check_shape

# The nearest people among whom pairs are looked for.
NEAREST = 12
# Limits of the figure for libraries of so many people; more people explain any face better by chance.
PEOPLE = (2, 10, 50, 200, 1000)
LIMITS = (0.66, 0.60, 0.56, 0.545, 0.54)
# Of a mixture each parent has at least this share.
SHARE = 0.25


@dataclass(frozen=True)
class InBetween:
    """Two of the given faces by their positions. share: how much of the second one is in the mixture, 0 to 1.
    figure: see above. distance: between the two. nearest: of the single face to the nearer one of them."""

    one: int
    other: int
    share: float
    figure: float
    distance: float
    nearest: float


def pairs(embedding: Floats, vectors: Floats, top: int = 5) -> list[InBetween]:
    """The pairs among `vectors` (N, D), one a person, that `embedding` (D,) lies between; best first."""
    check_shape("vectors", vectors, (None, len(embedding)))
    if len(vectors) < 2:
        return []
    alike = (vectors @ embedding).astype(np.float64)
    own = np.flatnonzero(alike >= np.partition(alike, -min(NEAREST, len(alike)))[-min(NEAREST, len(alike))])
    first, second = (own[side] for side in np.triu_indices(len(own), 1))
    common = np.einsum("nd,nd->n", vectors[first], vectors[second]).astype(np.float64)
    # The point of the plane of both that is nearest to the face; a negative share is none.
    spread = np.maximum(1 - common**2, 1e-9)
    a = np.maximum((alike[first] - common * alike[second]) / spread, 0)
    b = np.maximum((alike[second] - common * alike[first]) / spread, 0)
    length = np.sqrt(np.maximum(a * a + b * b + 2 * a * b * common, 1e-12))
    mixture = 1 - (a * alike[first] + b * alike[second]) / length
    nearest = max(float(1 - alike.max()), 1e-6)
    share = b / np.maximum(a + b, 1e-9)
    # Pairs of whom one has hardly a share are single people.
    figure = np.where(np.minimum(share, 1 - share) >= SHARE, np.minimum(mixture / nearest, 1.0), 1.0)
    order = np.argsort(figure + 1e-3 * mixture, kind="stable")[:top]
    return [
        InBetween(
            int(first[at]), int(second[at]), float(share[at]), float(figure[at]), float(1 - common[at]),
            float(1 - max(alike[first[at]], alike[second[at]])),
        )
        for at in order
    ]  # fmt: skip


def limit(people: int) -> float:
    """The figure up to which a face is suspiciously well explained as a mixture, in a library of so many."""
    return float(np.interp(np.log(max(people, 2)), np.log(PEOPLE), LIMITS))
