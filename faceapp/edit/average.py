"""The average of many faces, their caricatures, and faces made symmetrical.

An average of photos is smooth where they differ; `morph.mix` brings the detail back to the strength that it
has in the photos. Its one thing more than a morph is memory: faces are prepared for all of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceapp.edit import morph
from faceapp.edit.canvas import Aligned
from faceapp.edit.morph import Background, Mixed, Stack, Weights
from faceapp.edit.rigid import mirrored
from faceapp.types import Floats


def average(faces: Sequence[Aligned], symmetry: float = 0.0, mattes: Sequence[Floats] = ()) -> Mixed:
    """The average of faces on one canvas.

    Args:
        symmetry: 0 as they are to 1 wholly symmetrical.
        mattes: where the heads are; with them the average is transparent outside of its head.
    """
    own = morph.stack(faces, mattes)
    if symmetry > 0:
        own = with_mirrors(own, faces)
    weights = symmetrical(np.full(len(faces), 1 / len(faces), np.float32), symmetry)
    ground = Background("transparent") if mattes else Background()
    return morph.mix(own, Weights(weights, weights, weights), ground)


def with_mirrors(own: Stack, faces: Sequence[Aligned]) -> Stack:
    """The stack with every face's mirror image behind all faces, for `symmetrical` weights."""
    mirrors = [mirror(face) for face in faces]
    return morph.stack([*faces, *mirrors], (*own.mattes, *(matte[:, ::-1] for matte in own.mattes)))


def mirror(face: Aligned) -> Aligned:
    """The face as a mirror shows it. The canvas has the eyes in its middle, so that it stays there."""
    size = face.image.shape[0]
    turned = np.ascontiguousarray(face.image[:, ::-1])
    inside = np.ascontiguousarray(face.inside[:, ::-1])
    return Aligned(turned, mirrored(face.points, size), face.to_canvas, inside, face.enlarged)


def symmetrical(weights: Floats, symmetry: float) -> Floats:
    """(2N,) weights of N faces and their mirror images; (N,) as they are without symmetry."""
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
