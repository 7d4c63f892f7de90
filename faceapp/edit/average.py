"""The weights of averages and caricatures, and mirror images that make an average symmetrical.

An average is a morph of many faces, all with the same weight. Photos are smooth where they differ;
`morph.mix` brings the detail back to the strength that it has in the photos.
"""

from __future__ import annotations

import numpy as np

from faceapp.edit.canvas import Aligned
from faceapp.edit.rigid import mirrored
from faceapp.types import Floats


def mirror(face: Aligned) -> Aligned:
    """The face as a mirror shows it. The canvas has the eyes in its middle, so that it stays there."""
    size = face.image.shape[0]
    turned = np.ascontiguousarray(face.image[:, ::-1])
    inside = np.ascontiguousarray(face.inside[:, ::-1])
    return Aligned(turned, mirrored(face.points, size), face.to_canvas, inside, face.enlarged)


def symmetrical(weights: Floats, symmetry: float) -> Floats:
    """(2N,) weights of N faces and of their mirror images behind them; (N,) as they are without symmetry.

    symmetry: 0 as they are to 1 wholly symmetrical.
    """
    if symmetry <= 0:
        return weights
    half = min(symmetry, 1.0) / 2
    both: Floats = np.concatenate([weights * (1 - half), weights * half]).astype(np.float32)
    return both


def caricature(count: int, index: int, amount: float) -> Floats:
    """(count,) weights that move one face away from the average of all: 0 as it is, -1 the average,
    1 twice as far from it."""
    mean = np.full(count, 1 / count, np.float32)
    own = np.zeros(count, np.float32)
    own[index] = 1.0
    far: Floats = (mean + (1 + amount) * (own - mean)).astype(np.float32)
    return far
