"""The target's head takes on the outline of the face that is put onto it.

A narrow face on a broad head shows two jaws, or loses its own. So the photo around the face is bent a little
before the face is laid on: the target's jaw, temples and forehead go to where the source's are, and
what is far enough away stays. People are known by the outline of a face as well as by what is in it.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from faceapp.edit.blend import feathered
from faceapp.edit.points import ring
from faceapp.edit.skin import HEIGHT, UNIT, WIDTH, Mask, Upright
from faceapp.edit.warp import Warp, affine, piecewise, triangulate
from faceapp.opencv import cv2
from faceapp.types import Floats

# In units of the face (see `points.size`): how far around it the photo is bent, how far a point goes at the
# most, how soft the bend is, and how far from what must stay it is whole again.
_AROUND = 0.6
_MOST = 0.4
_SOFT = 0.04
_APART = 0.2
# What moves less than this, in pixels of the upright copy, stays where it is.
_STILL = 0.02


def bend(copy: Upright, points: Floats, shape: Floats, still: Mask) -> Warp:
    """From places on the upright copy to places on it, so that its points come to lie nearer to a shape.

    points, shape: (77, 2) those of the copy's face, and where they are wanted.
    still: (HEIGHT, WIDTH) what must not move, such as other faces.
    """
    fixed = ring(points, _AROUND)
    end = np.concatenate([points + _held_back(shape - points), fixed])
    found = piecewise(np.concatenate([points, fixed]), end, triangulate(end), (WIDTH, HEIGHT))
    # What is not on the photo can't be moved into it.
    free = np.asarray(found.read(copy.valid.view(np.uint8), inside=True), bool)
    share = feathered(~still, _APART * UNIT)
    plain = _unmoved()
    x, y = (
        share * cv2.GaussianBlur(np.where(free, moved - there, 0).astype(np.float32), (0, 0), _SOFT * UNIT)
        for moved, there in ((found.x, plain.x), (found.y, plain.y))
    )
    stays = np.hypot(x, y) < _STILL
    return Warp(*(np.where(stays, there, there + move) for there, move in ((plain.x, x), (plain.y, y))))


def bent(warp: Warp) -> Mask:
    """(HEIGHT, WIDTH) where a bend moves something."""
    plain = _unmoved()
    moving: Mask = (warp.x != plain.x) | (warp.y != plain.y)
    return moving


@cache
def _unmoved() -> Warp:
    return affine(np.eye(2, 3), (WIDTH, HEIGHT))


def _held_back(moves: Floats) -> Floats:
    """Moves (P, 2) that never reach `_MOST`, the shorter the truer."""
    length = np.maximum(np.hypot(*moves.T), 1e-6)[:, None]
    most = _MOST * UNIT
    shorter: Floats = (moves * (most * np.tanh(length / most) / length)).astype(np.float32)
    return shorter
