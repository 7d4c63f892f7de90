"""Bringing the colours of one face to those of another: a matrix and an offset, so that they can be smoothed.

MKL: the linear map that carries one normal distribution of colours to another and moves colours the least
(Pitié, Kokaram: The linear Monge-Kantorovitch linear colour mapping, 2007), in closed form. LAB: mean and
spread of each channel of L*a*b* (Reinhard and others: Color transfer between images, 2001).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceapp.opencv import cv2
from faceapp.types import Floats, Image, check_shape

Method = Literal["mkl", "lab", "none"]
Space = Literal["bgr", "lab"]
Doubles = NDArray[np.float64]

# Grain of a sensor in units of 0..255, squared: what varies less than this is not stretched.
_GRAIN = 4.0
# Twice as much light stretches colours twofold. Around that, no direction is stretched or shrunk by more: the
# rest of a difference in spread is a shadow on one of the faces, which must not blacken the other's eyes.
_WEAKEST, _STRONGEST = 0.65, 1.5
_DARKEST, _BRIGHTEST = 0.5, 1.6


@dataclass(frozen=True, eq=False)
class ColourMap:
    """colour' = matrix (3, 3) @ colour + offset (3,), in BGR 0..255 or in OpenCV's float L*a*b*."""

    matrix: Doubles
    offset: Doubles
    space: Space = "bgr"

    def __post_init__(self) -> None:
        check_shape("matrix", self.matrix, (3, 3))
        check_shape("offset", self.offset, (3,))

    @staticmethod
    def same() -> ColourMap:
        return ColourMap(np.eye(3), np.zeros(3))

    def toward(self, other: ColourMap, share: float) -> ColourMap:
        """This map moved by a share 0..1 towards another one of its space, for video; else the other."""
        if self.space != other.space:
            return other
        matrix = (1 - share) * self.matrix + share * other.matrix
        return ColourMap(matrix, (1 - share) * self.offset + share * other.offset, self.space)

    def of(self, image: Image) -> Floats:
        """(H, W, 3) float32 BGR, not yet limited to 0..255, of an image in uint8."""
        pixels = image.astype(np.float32)
        if self.space == "bgr":
            return _transformed(pixels, self)
        lab = _transformed(cv2.cvtColor(pixels / 255, cv2.COLOR_BGR2LAB), self)
        back: Floats = cv2.cvtColor(lab, cv2.COLOR_LAB2BGR) * 255
        return back


def _transformed(pixels: Floats, colours: ColourMap) -> Floats:
    lines = np.column_stack([colours.matrix, colours.offset]).astype(np.float32)
    result: Floats = cv2.transform(pixels, lines)
    return result


@dataclass(frozen=True, eq=False)
class Colours:
    """Mean (3,) and covariance (3, 3) of the colours of a face's skin, in both spaces."""

    mean: Doubles
    covariance: Doubles
    lab_mean: Doubles
    lab_spread: Doubles


def colours(image: Image, mask: NDArray[np.bool_]) -> Colours:
    """The colours of the pixels (H, W) of an image (H, W, 3); of all where the mask is nearly empty."""
    chosen = image[mask] if mask.sum() >= 8 else image.reshape(-1, 3)
    pixels = chosen.astype(np.float64)
    lab = cv2.cvtColor(chosen[None].astype(np.float32) / 255, cv2.COLOR_BGR2LAB)[0].astype(np.float64)
    centred = pixels - pixels.mean(0)
    return Colours(pixels.mean(0), centred.T @ centred / len(pixels), lab.mean(0), lab.std(0))


def colour_map(source: Colours, target: Colours, method: Method) -> ColourMap:
    """The map that gives the source's colours the target's distribution."""
    if method == "none":
        return ColourMap.same()
    if method == "lab":
        gain = np.clip((target.lab_spread + 0.5) / (source.lab_spread + 0.5), *_limits(source, target))
        return ColourMap(np.diag(gain), target.lab_mean - gain * source.lab_mean, "lab")
    matrix = _transport(source.covariance, target.covariance, _limits(source, target))
    return ColourMap(matrix, target.mean - matrix @ source.mean)


def _limits(source: Colours, target: Colours) -> tuple[float, float]:
    """The least and the most that colours may be stretched between two faces."""
    light = float(np.clip(target.mean.mean() / max(source.mean.mean(), 1.0), _DARKEST, _BRIGHTEST))
    return _WEAKEST * light, _STRONGEST * light


def _transport(source: Doubles, target: Doubles, limits: tuple[float, float]) -> Doubles:
    """A^-1/2 (A^1/2 B A^1/2)^1/2 A^-1/2 for covariances A and B, its stretch kept within limits."""
    grain = _GRAIN * np.eye(3)
    root, back = _roots(source + grain)
    middle, _ = _roots(root @ (target + grain) @ root)
    matrix = back @ middle @ back
    values, axes = np.linalg.eigh((matrix + matrix.T) / 2)
    # Only light is kept from going flat: a grey target takes all colour away.
    grey = (axes.sum(0) ** 2) / 3
    limited: Doubles = (axes * np.clip(values, limits[0] * grey, limits[1])) @ axes.T
    return limited


def _roots(matrix: Doubles) -> tuple[Doubles, Doubles]:
    """The square root of a symmetric positive matrix, and its inverse."""
    values, axes = np.linalg.eigh(matrix)
    root = np.sqrt(np.maximum(values, 1e-9))
    return (axes * root) @ axes.T, (axes / root) @ axes.T
