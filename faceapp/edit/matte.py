"""Where a head with its hair and shoulders is on the canvas, for backgrounds that are left out.

GrabCut (Rother, Kolmogorov, Blake, 2004) on a reduced picture. The landmarks say where a head surely is up to
the crown, and where the background surely is. What has the colours of the crown and hangs together with it is
taken for hair (or a hat) when the colours are learnt; a background that has these colours itself cannot be
told from hair, and there the usual shape of a head decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceapp.edit import points as parts
from faceapp.edit.canvas import Aligned
from faceapp.opencv import cv2
from faceapp.types import Floats, Image

Marked = NDArray[np.bool_]
Colours = NDArray[np.float64]
# The longest side that GrabCut sees; its time grows faster than the pixels.
SEEN = 160
# Rounds that learn the colours anew once the hair is found.
ROUNDS = 2
# Ellipses from the chin upwards: half their width against that of the jaw, and how high they reach above the
# eyes against the way from the eyes to the chin. A skull ends at about 1.0.
SURE = (0.92, 0.72)
USUAL = (1.2, 1.08)
WIDEST = (1.9, 1.2)
# The same where colours do not help: the head is no smaller and no larger than this.
LEAST, MOST = (1.0, 0.92), (1.2, 1.02)
# The crown, whose colours are those of the hair: within this ellipse and above this height.
CROWN, CROWN_FROM = (0.8, 0.88), 0.63
# Colours (BGR, 0 to 255) at most so far from one of the crown's are like it.
LIKE = 24.0
SAMPLES = 60
# The crown without what is nearer than this to skin or to the background, if this share of it is left.
APART, ENOUGH = 36.0, 0.3
# A background of which a larger share is like the crown cannot be told from hair.
AMBIGUOUS = 0.6
# Neck and shoulders, and what of them is sure: half their width beside the chin and at the bottom, in eye
# distances.
BODY, SURE_BODY = (0.7, 2.4), (0.45, 1.0)
# The soft edge, as a share of the side.
SOFT = 0.006


@dataclass(frozen=True, eq=False)
class _Seen:
    """The reduced face. small (SEEN, SEEN, 3). inside (SEEN, SEEN): what the photo shows. places (77, 2)."""

    small: Image
    inside: Marked
    places: Floats

    def above(self, height: float) -> Marked:
        """(SEEN, SEEN) the rows above this one."""
        return np.broadcast_to(np.arange(SEEN)[:, None] < height, (SEEN, SEEN))


def matte(face: Aligned) -> Floats:
    """(S, S) float32, 1 on the head and 0 behind it."""
    size = face.image.shape[0]
    small = cv2.resize(face.image, (SEEN, SEEN), interpolation=cv2.INTER_AREA)
    inside = cv2.resize(face.inside.astype(np.uint8), (SEEN, SEEN), interpolation=cv2.INTER_NEAREST) > 0
    seen = _Seen(small, inside, parts.with_forehead(face.points) * (SEEN / size))
    mask, known = _marked(seen)
    colours = _learnt(small, known)
    first = mask.copy()
    cv2.grabCut(small, first, None, *colours, 1, cv2.GC_EVAL_FREEZE_MODEL)
    # Hair is decided by now. Further rounds, which learn clothes as well, decide on what is lower.
    chin, nose = seen.above(seen.places[8, 1]), seen.above(seen.places[30, 1])
    mask[chin] = first[chin]
    mask[nose] = np.where(_kept(first), cv2.GC_FGD, cv2.GC_BGD)[nose]
    cv2.setRNGSeed(0)
    cv2.grabCut(small, mask, None, *colours, ROUNDS, cv2.GC_INIT_WITH_MASK)
    return _softened(_connected(_kept(mask), seen.places), size)


def _kept(mask: Image) -> Marked:
    return np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD))


def _marked(seen: _Seen) -> tuple[Image, Image]:
    """(SEEN, SEEN) GrabCut's marks, and the same with what the first colours are learnt from as certain."""
    places, chin = seen.places, seen.above(seen.places[8, 1])
    usual, shoulders, face = _head(places, *USUAL), _shoulders(places, *BODY), _hull(places)
    far = _far(seen)
    crown = _crown(seen, face, far)
    like = _like(seen.small, crown)
    ambiguous = (far & like & seen.inside).sum() > AMBIGUOUS * (far & seen.inside).sum()
    sure = _head(places, *SURE) | face | _shoulders(places, *SURE_BODY)
    if ambiguous:
        far = chin & ~_head(places, *MOST) & ~shoulders
        sure |= _head(places, *LEAST) & seen.above(_eyes(places)[1])
    mask = np.where(usual | shoulders, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    mask[far] = cv2.GC_BGD
    mask[sure] = cv2.GC_FGD
    # Outside of the photo are no colours to judge.
    outside = chin & ~seen.inside
    mask[outside] = np.where(usual, cv2.GC_FGD, cv2.GC_BGD)[outside]
    hair = _touching(like & (mask != cv2.GC_BGD), crown) & (mask != cv2.GC_BGD) & (not ambiguous)
    known = mask.copy()
    known[(mask == cv2.GC_PR_BGD) & chin] = cv2.GC_BGD
    known[hair & chin] = cv2.GC_FGD
    mask[hair & (mask == cv2.GC_PR_BGD)] = cv2.GC_PR_FGD
    return mask, known


def _far(seen: _Seen) -> Marked:
    """Where the background certainly is: well away from the head, and not below the nose."""
    places = seen.places
    far: Marked = seen.above(places[30, 1]) & ~_head(places, *WIDEST) & ~_head(places, *USUAL)
    far[:, [0, -1]] |= seen.above(_eyes(places)[1])[:, [0, -1]]
    return far


def _crown(seen: _Seen, face: Marked, far: Marked) -> Marked:
    """The top of the head, without a high forehead and without background above a low one.

    Never empty: all of the sure head above the eyes where the photo ends below the crown.
    """
    places, (_, eyes) = seen.places, _eyes(seen.places)
    crown = _head(places, *CROWN) & seen.above(eyes - CROWN_FROM * _height(places)) & seen.inside
    if not crown.any():
        return (_head(places, *SURE) | face) & seen.above(eyes)
    skin = face & ~seen.above(eyes) & seen.above(places[33, 1])
    enough = ENOUGH * crown.sum()
    for other in (skin & seen.inside, far & seen.inside):
        if other.any():
            typical = np.median(seen.small[other], axis=0)
            apart = crown & (np.linalg.norm(seen.small - typical, axis=2) > APART)
            crown = apart if apart.sum() > enough else crown
    return crown


def _like(small: Image, crown: Marked) -> Marked:
    """(SEEN, SEEN) what has a colour of the crown."""
    some = small[crown].astype(np.float32)
    some = some[:: max(1, len(some) // SAMPLES)]
    pixels = small.reshape(-1, 3).astype(np.float32)
    squares = (pixels**2).sum(1)[:, None] - 2 * pixels @ some.T + (some**2).sum(1)
    like: Marked = (squares.min(1) < LIKE**2).reshape(crown.shape)
    return like


def _touching(like: Marked, crown: Marked) -> Marked:
    """The parts of `like` that hang together with the crown."""
    smooth = cv2.medianBlur(like.astype(np.uint8), 3)
    smooth[crown] = 1
    _, labels = cv2.connectedComponents(smooth)
    return np.isin(labels, np.unique(labels[crown]))


def _learnt(small: Image, known: Image) -> tuple[Colours, Colours]:
    """GrabCut's colours of the background and of the head, learnt from the certain pixels alone."""
    certain = (known == cv2.GC_BGD) | (known == cv2.GC_FGD)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    # No round is run: these pixels in a row are no picture.
    marks = np.ascontiguousarray(known[certain][None])
    cv2.grabCut(small[certain][None], marks, None, background, foreground, 0, cv2.GC_INIT_WITH_MASK)
    return background, foreground


def _eyes(places: Floats) -> Floats:
    """(2,) the middle between the eyes."""
    left, right = parts.eye_centres(places)
    middle: Floats = ((left + right) / 2).astype(np.float32)
    return middle


def _height(places: Floats) -> float:
    """From the eyes down to the chin, and about as far up to the top of the skull."""
    return max(1.7 * parts.size(places[:68]), float(places[8, 1] - _eyes(places)[1]))


def _head(places: Floats, wide: float, high: float) -> Marked:
    """(SEEN, SEEN) an ellipse from the chin upwards, see SURE for its measures.

    Its middle is that of the jaw, which follows the skull when a head turns aside; the face does not.
    """
    drawn = np.zeros((SEEN, SEEN), np.uint8)
    jaw = places[parts.JAW, 0]
    half = max(float(np.ptp(jaw)) / 2, parts.size(places[:68]))
    top, bottom = float(_eyes(places)[1] - high * _height(places)), float(places[8, 1])
    middle = (round(float(jaw.min() + jaw.max()) / 2), round((top + bottom) / 2))
    cv2.ellipse(drawn, middle, (round(wide * half), max(1, round((bottom - top) / 2))), 0, 0, 360, 1, -1)
    return drawn.astype(bool)


def _shoulders(places: Floats, neck: float, bottom: float) -> Marked:
    """(SEEN, SEEN) neck and shoulders, see BODY for their measures."""
    drawn = np.zeros((SEEN, SEEN), np.uint8)
    eyes = parts.eye_distance(places[:68])
    x, chin = float(places[:68, 0].mean()), float(places[8, 1])
    corners = [
        (x - neck * eyes, chin - 0.4 * eyes),
        (x + neck * eyes, chin - 0.4 * eyes),
        (x + bottom * eyes, SEEN + 1.0),
        (x - bottom * eyes, SEEN + 1.0),
    ]
    cv2.fillConvexPoly(drawn, np.rint(corners).astype(np.int32), 1)
    return drawn.astype(bool)


def _hull(places: Floats) -> Marked:
    """(SEEN, SEEN) the face with its forehead."""
    drawn = np.zeros((SEEN, SEEN), np.uint8)
    cv2.fillConvexPoly(drawn, cv2.convexHull(np.rint(places).astype(np.int32)), 1)
    return drawn.astype(bool)


def _connected(kept: Marked, places: Floats) -> Image:
    """The part that hangs together with the face, without holes, 0 or 1."""
    smooth = cv2.medianBlur(kept.astype(np.uint8), 5)
    smooth[_hull(places)] = 1
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
