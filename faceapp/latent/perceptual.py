"""How different two pictures look. Only the child process imports this.

The built-in measure needs no weights: differences of the pixels and of every level of a Laplacian
pyramid, so that edges count at each size. With a file of VGG16's convolutions the measure of Johnson et
al. (2016) is added: differences of what the network sees at four depths.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from faceapp.errors import ModelUnavailable

SMALLEST = 4
LARGEST_VGG = 256
# VGG16's convolutions in blocks, by their number in torchvision's `features`; what is compared is the
# output of the last one of each block but the fifth.
VGG_BLOCKS = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21))
VGG_MEAN, VGG_SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def pyramid(picture: Any) -> list[Any]:
    """The picture as what each halving loses, and the smallest rest. (N, H, W, 3), H a power of two."""
    levels = []
    while picture.shape[1] >= 2 * SMALLEST:
        half = tf.nn.avg_pool2d(picture, 2, 2, "VALID")
        levels.append(picture - tf.repeat(tf.repeat(half, 2, axis=1), 2, axis=2))
        picture = half
    return [*levels, picture]


def pyramid_loss(picture: Any, target: Any) -> Any:
    """Mean absolute difference of the levels; they all count the same."""
    pairs = zip(pyramid(picture), pyramid(target), strict=True)
    return tf.add_n([tf.reduce_mean(tf.abs(one - other)) for one, other in pairs])


def pixel_loss(picture: Any, target: Any) -> Any:
    return tf.reduce_mean(tf.square(picture - target))


def halved_to(picture: Any, largest: int) -> Any:
    """The picture averaged down until no side is longer."""
    while picture.shape[1] > largest:
        picture = tf.nn.avg_pool2d(picture, 2, 2, "VALID")
    return picture


class Vgg:
    """The first four blocks of VGG16, from a safetensors file with torchvision's names."""

    def __init__(self, path: Path) -> None:
        """Raises ModelUnavailable."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "numpy") as file:
                self._blocks = [
                    [
                        (
                            tf.constant(_filters(file.get_tensor(f"features.{number}.weight"))),
                            tf.constant(file.get_tensor(f"features.{number}.bias").astype(np.float32)),
                        )
                        for number in block
                    ]
                    for block in VGG_BLOCKS
                ]
        except (OSError, SafetensorError, ValueError) as error:
            raise ModelUnavailable(
                "model_broken", f"{path.name} holds no VGG16.", "docs/stylegan2.md says what it must hold."
            ) from error

    def features(self, picture: Any) -> list[Any]:
        """Unit vectors along the channels at four depths, for pictures from -1 to 1."""
        x = (halved_to(picture, LARGEST_VGG) * 0.5 + 0.5 - VGG_MEAN) / VGG_SPREAD
        found: list[Any] = []
        for block in self._blocks:
            if found:
                x = tf.nn.max_pool2d(x, 2, 2, "VALID")
            for filters, bias in block:
                x = tf.nn.relu(tf.nn.conv2d(x, filters, 1, "SAME") + bias)
            found.append(tf.math.l2_normalize(x, axis=-1))
        return found

    def loss(self, picture: Any, target: Any) -> Any:
        pairs = zip(self.features(picture), self.features(target), strict=True)
        return tf.add_n([tf.reduce_mean(tf.reduce_sum(tf.square(a - b), -1)) for a, b in pairs])


def _filters(stored: Any) -> Any:
    return np.ascontiguousarray(stored.astype(np.float32).transpose(2, 3, 1, 0))
