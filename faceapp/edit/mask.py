"""Which pixels a swapped face may cover: the target's face without its hair, cap and glasses' frame, as far
up the forehead as both faces show skin."""

from __future__ import annotations

import numpy as np

from faceapp.edit.points import BROWS, INNER_MOUTH, MOUTH
from faceapp.edit.skin import SKIN, UNIT, Mask, core, features, grown, lower_face, polygon
from faceapp.opencv import cv2
from faceapp.types import Floats

# Shares of a face's unit (see `points.size`).
_SPECK = 0.06
_BEARD = 0.05
_BROW = 0.07
# What stays around a mouth that is kept.
_LIPS = 0.08
# How sure a pixel of the source has to be skin below its brows.
_SOURCE_BELOW = 0.03


def coverage(
    points: Floats, target_skin: Floats, source_skin: Floats, hidden: Mask, source_valid: Mask
) -> Mask:
    """(H, W) pixels of the upright copy that the source's face is to cover.

    points: (77, 2) where the source's points come to lie. target_skin, source_skin: (H, W) 0..1, how surely
    the target and the moved source show skin there. hidden: where either has a fringe.
    source_valid: where the source's photo has pixels.
    """
    face = points[:68]
    inner = core(face)
    beard = grown(lower_face(face), -_BEARD * UNIT)
    # The source's own line of skin counts on the forehead above all: below, its glasses come along.
    below = np.arange(len(source_skin))[:, None] > face[BROWS, 1].max()
    wanted = np.where(below, _SOURCE_BELOW, SKIN)
    shown = (target_skin > SKIN) & (source_skin > wanted)
    brows = grown(polygon(face[17:22]) | polygon(face[22:27]), _BROW * UNIT)
    free = shown | inner | beard | features(face)
    free &= polygon(points) & source_valid & ~(hidden & ~brows)
    return _filled(_joined(_smooth(free), inner))


def kept_mouth(points: Floats) -> Mask:
    """(H, W) the lips and a little around them, for a mouth that stays the target's own."""
    return grown(polygon(points[MOUTH]), _LIPS * UNIT)


def inner_mouth(points: Floats) -> Mask:
    """(H, W) what is between the lips."""
    return polygon(points[INNER_MOUTH])


def _smooth(free: Mask) -> Mask:
    """Small holes closed, threads opened, edges rounded."""
    speck = _SPECK * UNIT
    opened = grown(grown(grown(free, speck), -2 * speck), speck)
    soft = cv2.GaussianBlur(opened.astype(np.float32), (0, 0), speck)
    rounded: Mask = (soft > 0.5) & free
    return rounded


def _joined(free: Mask, inner: Mask) -> Mask:
    """The parts of a mask that hang together with the inner face."""
    count, labels = cv2.connectedComponents(free.astype(np.uint8), connectivity=4)
    kept = np.zeros(count, bool)
    kept[np.unique(labels[free & inner])] = True
    kept[0] = False
    joined: Mask = kept[labels]
    return joined


def _filled(mask: Mask) -> Mask:
    """A mask without holes: what shines or lies in the shadow inside a face is the face."""
    around = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(around, None, (0, 0), 2)
    filled: Mask = around[1:-1, 1:-1] != 2
    return filled
