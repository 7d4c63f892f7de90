"""Where a head with its hair and shoulders is on the canvas, for backgrounds that are left out.

GrabCut (Rother, Kolmogorov, Blake, 2004) on a reduced picture: what the landmarks say is the face is kept,
the upper corners are background, colours decide the rest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceapp.edit import points as parts
from faceapp.edit.canvas import Aligned
from faceapp.opencv import cv2
from faceapp.types import Floats, Image

Marked = NDArray[np.bool_]
# The longest side that GrabCut sees; its time grows faster than the pixels.
SEEN = 160
ROUNDS = 4
# This share of the likely head certainly is head: hair as light as the wall behind it stays.
CORE = 0.78
# The soft edge, as a share of the side.
SOFT = 0.006
# A cut that keeps less than this share of the likely head is no cut: the likely head is taken instead.
LEAST_KEPT = 0.5


def matte(face: Aligned) -> Floats:
    """(S, S) float32, 1 on the head and 0 behind it."""
    size = face.image.shape[0]
    scale = SEEN / size
    small = cv2.resize(face.image, (SEEN, SEEN), interpolation=cv2.INTER_AREA)
    places = parts.with_forehead(face.points) * scale
    likely = _likely(places)
    mask = np.where(likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    mask[_far(places, likely)] = cv2.GC_BGD
    mask[_head(places, CORE)] = cv2.GC_FGD
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(places).astype(np.int32)), cv2.GC_FGD)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(small, mask, None, background, foreground, ROUNDS, cv2.GC_INIT_WITH_MASK)
    kept = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if (kept & likely).sum() < LEAST_KEPT * likely.sum():
        kept = likely
    return _softened(_connected(kept, places), size)


def _likely(places: Floats) -> Marked:
    """(SEEN, SEEN) a head with hair, and shoulders under it, as they usually are around these points."""
    drawn = _head(places, 1.0).astype(np.uint8)
    eyes = parts.eye_distance(places[:68])
    middle = places[:68].mean(0)
    chin = float(places[8, 1])
    shoulders = np.array(
        [
            (middle[0] - 0.7 * eyes, chin - 0.4 * eyes),
            (middle[0] + 0.7 * eyes, chin - 0.4 * eyes),
            (middle[0] + 2.4 * eyes, SEEN + 1.0),
            (middle[0] - 2.4 * eyes, SEEN + 1.0),
        ]
    )
    cv2.fillConvexPoly(drawn, np.rint(shoulders).astype(np.int32), 1)
    return drawn.astype(bool)


def _head(places: Floats, share: float) -> Marked:
    """(SEEN, SEEN) an ellipse about a head with its hair, or a share of it around the same middle."""
    drawn = np.zeros((SEEN, SEEN), np.uint8)
    eyes = parts.eye_distance(places[:68])
    x, y = places[:68].mean(0)
    wide = max(1.25 * eyes, 0.62 * float(np.ptp(places[parts.JAW, 0])))
    axes = (round(share * wide), round(share * 1.75 * eyes))
    cv2.ellipse(drawn, (round(x), round(y - 0.35 * eyes)), axes, 0, 0, 360, 1, -1)
    return drawn.astype(bool)


def _far(
    places: Floats, likely: Marked
) -> Marked:
    """Where the background certainly is: well away from the likely head, and not below the chin."""
    away = cv2.distanceTransform(1 - likely.astype(np.uint8), cv2.DIST_L2, 3)
    far: Marked = away > 0.45 * parts.eye_distance(places[:68])
    far[min(SEEN, int(places[8, 1])) :] = False
    far[:, [0, -1]] |= (np.arange(SEEN) < places[30, 1])[:, None]
    return far


def _connected(
    kept: Marked, places: Floats
) -> Image:
    """The part that hangs together with the face, without holes, 0 or 1."""
    smooth = cv2.medianBlur(kept.astype(np.uint8), 5)
    cv2.fillConvexPoly(smooth, cv2.convexHull(np.rint(places).astype(np.int32)), 1)
    _, labels = cv2.connectedComponents(smooth)
    x, y = np.clip(np.rint(places[30]), 0, SEEN - 1).astype(int)
    own = (labels == labels[y, x]).astype(np.uint8)
    outlines, _ = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    whole: Image = np.zeros_like(own)
    cv2.drawContours(whole, outlines, -1, 1, -1)
    return whole


def _softened(kept: Image, size: int) -> Floats:
    large = cv2.resize(kept.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    sharp = np.clip((cv2.GaussianBlur(large, (0, 0), size / SEEN) - 0.5) * 2 + 0.4, 0, 1)
    soft: Floats = cv2.GaussianBlur(sharp.astype(np.float32), (0, 0), max(0.5, SOFT * size))
    return soft
