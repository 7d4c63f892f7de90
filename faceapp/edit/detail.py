"""Making a pasted face as sharp and as grainy as the photo around it: it is blurred, never sharpened."""

from __future__ import annotations

import numpy as np

from faceapp.edit.skin import Mask, median
from faceapp.opencv import cv2
from faceapp.types import Floats, Image

# Blurs that are tried, in pixels of the photo.
_BLURS = (0.45, 0.6, 0.8, 1.1, 1.5, 2.0, 2.7, 3.6, 5.0)
# Detail of the pasted face up to so many times the target's is left alone: faces differ.
_LEEWAY = 1.5
_MOST_GRAIN = 12.0
_TILE = 256
# Pixels that are looked at along each side: sharpness of a large face is that of its middle.
_SIDE = 256
_IMMERKAER = np.array([(1, -2, 1), (-2, 4, -2), (1, -2, 1)], np.float32)


def matched(patch: Floats, target: Image, mask: Mask) -> Floats:
    """A patch (H, W, 3), blurred and grained until its detail inside the mask is the target's.

    Grain is the same for the same pixels: a frame that is made twice looks the same twice.
    """
    part = _middle(mask)
    inside = mask[part]
    if inside.sum() < 16:
        return patch
    old = _luma(target[part].astype(np.float32))
    blur = _blur(_luma(patch[part]), old, inside)
    if blur > 0:
        patch = cv2.GaussianBlur(patch, (0, 0), blur)
    more = grain(old, inside) ** 2 - grain(_luma(patch[part]), inside) ** 2
    if more > 0.3:
        patch = patch + _tile(patch.shape[:2], float(np.sqrt(more)), target)[..., None]
    return patch


def _middle(mask: Mask) -> tuple[slice, slice]:
    """The box of a mask, at most `_SIDE` pixels along each side, around its middle."""
    y, x = np.nonzero(mask)
    if not len(y):
        return slice(0, 0), slice(0, 0)
    sides = []
    for values in (y, x):
        low, high = int(values.min()), int(values.max()) + 1
        cut = max(0, high - low - _SIDE) // 2
        sides.append(slice(low + cut, high - cut))
    return sides[0], sides[1]


def _luma(pixels: Floats) -> Floats:
    grey: Floats = cv2.cvtColor(np.ascontiguousarray(pixels, np.float32), cv2.COLOR_BGR2GRAY)
    return grey


def _blur(patch: Floats, target: Floats, inside: Mask) -> float:
    """The blur in pixels that takes the patch's detail down to the target's; 0 where none is needed."""
    wanted = _LEEWAY * _detail(target, inside)
    if _detail(patch, inside) <= wanted:
        return 0.0
    for blur in _BLURS:
        if _detail(cv2.GaussianBlur(patch, (0, 0), blur), inside) <= wanted:
            return blur
    return _BLURS[-1]


def _detail(luma: Floats, inside: Mask) -> float:
    """How much of the luma is finer than about two pixels, as a share of its spread, without grain."""
    fine = luma - cv2.GaussianBlur(luma, (0, 0), 1.0)
    noise = grain(luma, inside)
    # White noise keeps about three quarters of its variance when a blur of one pixel is taken away.
    shown = inside.view(np.uint8)
    mean = cv2.norm(fine, cv2.NORM_L2SQR, shown) / np.count_nonzero(inside)
    energy = max(mean - 0.75 * noise**2, 1e-3)
    return float(np.sqrt(energy) / (cv2.meanStdDev(luma, mask=shown)[1][0, 0] + 1.0))


def grain(luma: Floats, inside: Mask) -> float:
    """The standard deviation of the noise where nothing else is: the median of Immerkaer's (1996) mask."""
    rest = np.abs(cv2.filter2D(luma, -1, _IMMERKAER)[inside])
    return median(rest) * 1.4826 / 6


def _tile(shape: tuple[int, int], strength: float, target: Image) -> Floats:
    """(H, W) grain of that standard deviation, slightly soft as that of a camera is."""
    seed = int(target[::7, ::7].sum()) % 100_000
    random = np.random.default_rng(seed)
    tile = random.standard_normal((min(shape[0], _TILE), min(shape[1], _TILE)), np.float32)
    tile = cv2.GaussianBlur(tile, (0, 0), 0.5)
    tile *= min(strength, _MOST_GRAIN) / max(float(tile.std()), 1e-6)
    repeats = (-(-shape[0] // tile.shape[0]), -(-shape[1] // tile.shape[1]))
    spread: Floats = np.tile(tile, repeats)[: shape[0], : shape[1]]
    return spread
