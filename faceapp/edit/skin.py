"""Where a face shows its skin, by the colours of its own cheeks.

A plane of light and colour is fitted to the cheeks and the nose; what is far from it, measured in the
spread of those very pixels, is hair, a cap, glasses or a hand in a glove. Nothing is learnt beforehand: the
measure is the same for every tone of skin and for grey photos. All of it happens on a small upright copy of
the face, so that it costs the same for every photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from faceapp.edit.points import (
    JAW,
    LEFT_EYE,
    MOUTH,
    NOSE,
    RIGHT_EYE,
    eye_centres,
    size,
    upright,
)
from faceapp.edit.warp import Matrix, Warp, apply, invert
from faceapp.opencv import cv2
from faceapp.types import Floats, Image

# The upright copy: pixels of one unit (see `points.size`), and its extent in units around the eyes.
UNIT = 32.0
WIDTH, HEIGHT = 144, 160
_EYES = (WIDTH / 2, 0.44 * HEIGHT)
# The places of the copy's columns and rows, in units from the middle between the eyes.
_ACROSS = (np.arange(WIDTH) - _EYES[0]) / UNIT
_DOWN = (np.arange(HEIGHT) - _EYES[1]) / UNIT

# Spreads from the cheeks' colours at which a pixel may as well be hair.
_DOUBTFUL = 4.0
# How sure a pixel has to be skin: below a half, since shadows are skin as well.
SKIN = 0.22
# From such a share of a strip above it on, a brow is taken to be hidden.
_HIDDEN = 0.6
# How far to the jaw a cheek is the face's own, hair or not.
_CHEEKS = 0.72

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Upright:
    """A small upright copy of a face.

    image: (HEIGHT, WIDTH, 3) uint8. valid: (HEIGHT, WIDTH), True where the photo has pixels.
    points: (68, 2) in pixels of the copy. to_copy: (2, 3), from the photo to the copy.
    skin: (HEIGHT, WIDTH) float32, 1 where the face shows its skin, 0 where something else is.
    fringe: (HEIGHT, WIDTH), hair or a brim that reaches down over the brows.
    """

    image: Image
    valid: Mask
    points: Floats
    to_copy: Matrix
    skin: Floats
    fringe: Mask


def frame(points: Floats) -> Matrix:
    """The (2, 3) matrix from the photo to the upright copy of the face with these points (68, 2)."""
    left, right = eye_centres(points)
    scale, lean = UNIT / size(points), upright(points)
    cosine, sine = scale * np.cos(lean), scale * np.sin(lean)
    turn = np.array([(cosine, sine), (-sine, cosine)])
    return np.column_stack([turn, np.array(_EYES) - turn @ ((left + right) / 2)])


def stand_upright(image: Image, points: Floats) -> Upright:
    """The upright copy of one face of a photo."""
    to_copy = frame(points)
    pixels, valid = _read(image, to_copy)
    own = apply(to_copy, points)
    shown = skin(pixels, valid, own)
    return Upright(pixels, valid, own, to_copy, shown, fringe(shown, own))


def seen(face: Upright, warp: Warp, onto: Upright, points: Floats) -> Upright:
    """An upright copy through a warp: what it looks like where it comes to lie on another copy, with its
    points (68, 2) there. After a bend both are the same copy."""
    valid, fringe = (
        warp.read(part.astype(np.float32), inside=True) > 0.5 for part in (face.valid, face.fringe)
    )
    image = np.asarray(warp.read(face.image), np.uint8)
    skin = np.asarray(warp.read(face.skin, inside=True), np.float32)
    return Upright(image, valid, points, onto.to_copy, skin, fringe)


def _read(image: Image, to_copy: Matrix) -> tuple[Image, Mask]:
    """Pixels of the copy, averaged where the photo has more of them."""
    back = invert(to_copy)
    corners = apply(back, np.array([(0, 0), (WIDTH, 0), (0, HEIGHT), (WIDTH, HEIGHT)], np.float32))
    height, width = image.shape[:2]
    left, top = np.clip(np.floor(corners.min(0)).astype(int) - 2, 0, (width - 1, height - 1))
    right, bottom = np.clip(np.ceil(corners.max(0)).astype(int) + 2, 1, (width, height))
    part = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    shrink = float(np.hypot(back[0, 0], back[1, 0]))
    scale = (1.0, 1.0)
    if shrink > 1.4:
        smaller = [max(1, round(side / shrink)) for side in part.shape[1::-1]]
        scale = (smaller[0] / part.shape[1], smaller[1] / part.shape[0])
        part = cv2.resize(part, smaller, interpolation=cv2.INTER_AREA)
    matrix = to_copy.copy()
    matrix[:, 2] += matrix[:, :2] @ (left, top)
    # The middle of the first pixel of the smaller part is that many pixels into the larger one.
    shift = (np.array(scale) ** -1 - 1) / 2
    matrix[:, 2] += matrix[:, :2] @ shift
    matrix[:, :2] = matrix[:, :2] / np.array(scale)
    seen = np.full(part.shape[:2], 255, np.uint8)
    pixels = cv2.warpAffine(part, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    valid = cv2.warpAffine(seen, matrix, (WIDTH, HEIGHT)) > 127
    return pixels, valid


def polygon(points: Floats) -> Mask:
    """(HEIGHT, WIDTH) True inside the convex hull of points (P, 2)."""
    return polygons([points])


def polygons(parts: Sequence[Floats]) -> Mask:
    """(HEIGHT, WIDTH) True inside the convex hull of any of these points (P, 2)."""
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    for points in parts:
        corners = np.rint(np.minimum(np.maximum(points, -4000), 4000) * 16).astype(np.int32)
        cv2.fillConvexPoly(drawn, cv2.convexHull(corners), 1, cv2.LINE_8, 4)
    return drawn.view(bool)


def grown(mask: Mask, pixels: float) -> Mask:
    """A mask that reaches further by that many pixels, or less far where they are negative."""
    kernel = _disc(round(abs(pixels)))
    work = mask.view(np.uint8)
    moved = cv2.dilate(work, kernel) if pixels > 0 else cv2.erode(work, kernel, borderValue=0)
    result: Mask = moved.view(bool)
    return result


@cache
def _disc(radius: int) -> Image:
    side = 2 * radius + 1
    disc: Image = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return disc


def features(points: Floats) -> Mask:
    """Eyes, brows, nostrils and mouth with a little around them: parts of a face that are no skin."""
    parts = (slice(17, 22), slice(22, 27), LEFT_EYE, RIGHT_EYE, slice(31, 36), MOUTH)
    return grown(polygons([points[part] for part in parts]), 0.09 * UNIT)


def cheeks(points: Floats) -> Mask:
    """Where nearly everybody shows skin: from the eyes down to the base of the nose, without features."""
    inside = polygon(points[[1, 2, 3, 31, 35, 13, 14, 15, 36, 45, 21, 22, 28]])
    return grown(inside, -0.12 * UNIT) & ~features(points)


def skin(image: Image, valid: Mask, points: Floats) -> Floats:
    """(HEIGHT, WIDTH) float32: how surely each pixel of an upright copy is skin of that face."""
    sample = cheeks(points) & valid
    if sample.sum() < 40:
        return valid.astype(np.float32)
    lab = cv2.cvtColor(cv2.GaussianBlur(image, (0, 0), 0.8).astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
    likely = _distance(lab, sample)
    likely -= np.float32(_DOUBTFUL)
    likely /= np.float32(0.8)
    np.minimum(likely, 30, out=likely)
    np.exp(likely, out=likely)
    likely += 1
    return np.where(valid, 1 / likely, np.float32(0))


def _distance(lab: Floats, sample: Mask) -> Floats:
    """(H, W): how far each pixel is from the plane of the sampled ones, in their own spreads."""
    y, x = np.nonzero(sample)
    rows, values = np.stack([np.ones(len(x)), _ACROSS[x], _DOWN[y]]), lab[y, x].T.astype(np.float64)
    middle = np.array([median(channel) for channel in values])
    # Robust start: pixels that are near the median in light and colour.
    rest = np.abs(values - middle[:, None])
    spread = np.maximum(1.4826 * np.array([median(channel) for channel in rest]), _floor(middle))
    near = (rest < 2.5 * spread[:, None]).all(0)
    plane = np.zeros((3, 3))
    plane[0] = middle
    for _ in range(3):
        count = int(np.count_nonzero(near))
        if count < 30:
            break
        # Slopes are held back: a plane is followed far beyond the cheeks, up to the hair.
        hold = np.diag((0.0, 0.15, 0.15)) * count
        chosen = rows * near
        plane = np.linalg.solve(chosen @ rows.T + hold, chosen @ values.T)
        rest = values - plane.T @ rows
        mean = rest @ near / count
        spread = np.sqrt(np.maximum(rest**2 @ near / count - mean**2, 0))
        spread = np.maximum(spread, _floor(plane[0]))
        near = (np.abs(rest) < 2.5 * spread[:, None]).all(0)
    total = np.zeros(lab.shape[:2], np.float32)
    for index, channel in enumerate(cv2.split(lab)):
        height, across, down = plane[:, index] / spread[index]
        rest = channel / np.float32(spread[index])
        rest -= (height + across * _ACROSS).astype(np.float32)
        rest -= (down * _DOWN).astype(np.float32)[:, None]
        if index == 0:
            # Light that shines on a forehead is no hair.
            np.minimum(rest, rest * np.float32(0.5), out=rest)
        cv2.accumulateSquare(rest, total)
    away: Floats = np.sqrt(total)
    return away


def median(values: NDArray[np.floating]) -> float:
    """The median of values (N,), for less than `np.median` takes."""
    half = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, half)[half])
    ordered = np.partition(values, (half - 1, half))
    return float(ordered[half - 1] + ordered[half]) / 2


def _floor(middle: NDArray[np.float64]) -> NDArray[np.float64]:
    """The least spread of L, a, b: that of skin under even light, smaller where it is dark."""
    light = max(float(middle[0]), 5.0)
    return np.array((1.5 + 0.075 * light, 1.5 + 0.025 * light, 1.5 + 0.025 * light))


def core(points: Floats) -> Mask:
    """What belongs to a face whatever its colour is: eyes, brows, nose, mouth, and the cheeks near them."""
    middle = points[NOSE].mean(0)
    cheeks = middle + _CHEEKS * (points[JAW] - middle)
    inner = np.concatenate([points[17:], cheeks])
    return grown(polygon(inner), 0.06 * UNIT)


def lower_face(points: Floats) -> Mask:
    """From the base of the nose to the jaw: skin, or a beard that belongs to the face."""
    return polygon(np.concatenate([points[JAW][3:14], points[31:36]]))


def fringe(shown: Floats, points: Floats) -> Mask:
    """(HEIGHT, WIDTH) the hair or brim that reaches down to the brows, and brows under it.

    A brow has skin above it. Where most of a strip above a brow is no skin, nothing around that brow counts
    as the face's own unless it is skin. shown: as `skin` gives it.
    """
    found = np.zeros(shown.shape, bool)
    down = np.arange(HEIGHT)[:, None]
    middle = points[[21, 22, 27]].mean(0, keepdims=True)
    for brow, eye in ((points[17:22], points[LEFT_EYE]), (points[22:27], points[RIGHT_EYE])):
        strip = polygon(np.concatenate([brow - (0, 0.18 * UNIT), brow - (0, 0.34 * UNIT)]))
        if strip.any() and (shown[strip] < SKIN).mean() > _HIDDEN:
            near = np.concatenate([brow, middle])
            zone = grown(
                polygon(np.concatenate([near + np.array((0, 0.1 * UNIT)), near - np.array((0, UNIT))])),
                0.15 * UNIT,
            )
            found |= zone & (shown < SKIN) & (down < eye[:, 1].min())
    return found
