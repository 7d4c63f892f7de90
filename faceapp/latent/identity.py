"""dlib's face ResNet in TensorFlow, with gradients: how far a picture's face is from a photo's.

The same network as `faceapp.models.resnet` builds for onnxruntime, which has no gradients. Only the
child process imports this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from faceapp.errors import ModelUnavailable
from faceapp.models.dlibfile import Layer, read_network
from faceapp.types import Floats

Ints32 = NDArray[np.int32]

SIZE = 150
Stage = Callable[[Any], Any]


class FaceNet:
    """Chips (N, 150, 150, 3) RGB, 0 to 255, to descriptors (N, 128) as dlib gives them, of any length."""

    def __init__(self, dlib_file: Path) -> None:
        """Raises ModelUnavailable when the file is missing or holds another network."""
        layers = read_network(dlib_file)
        try:
            self._stages = list(_stages(layers))
        except (ValueError, StopIteration, TypeError) as error:
            raise ModelUnavailable(
                "model_broken", f"{dlib_file.name} holds another network than the face ResNet.",
                "Install the package face_recognition_models again.",
            ) from error

    def __call__(self, chips: Any) -> Any:
        x = chips
        for stage in self._stages:
            x = stage(x)
        return x


def _stages(layers: list[Layer]) -> Iterator[Stage]:
    rest = iter(layers)
    start = next(rest)
    means = tf.constant(start.numbers, tf.float32)
    yield lambda x: (x - means) / 256.0
    yield _convolution(next(rest), next(rest))
    _expect("relu", next(rest))
    yield tf.nn.relu
    yield _pool(tf.nn.max_pool2d, _expect("max_pool", next(rest)))
    for layer in rest:
        if layer.name == "con":
            yield _residual(layer, rest)
        elif layer.name == "avg_pool" and layer.window == (0, 0):
            full = next(rest)
            if full.weights is None:
                raise ValueError("no last layer")
            yield _head(tf.constant(full.weights.T))
        else:
            raise ValueError(f"unexpected {layer.name}")


def _head(matrix: Any) -> Stage:
    return lambda x: tf.matmul(tf.reduce_mean(x, (1, 2)), matrix)


def _residual(first: Layer, rest: Iterator[Layer]) -> Stage:
    """con, affine, relu, con, affine, (avg_pool of the input), add_prev, relu."""
    one = _convolution(first, next(rest))
    _expect("relu", next(rest))
    two = _convolution(_expect("con", next(rest)), next(rest))
    layer = next(rest)
    pool: Stage | None = None
    if layer.name == "avg_pool":
        pool = _pool(tf.nn.avg_pool2d, layer)
        layer = next(rest)
    if layer.name != "add_prev":
        raise ValueError(f"unexpected {layer.name}")
    _expect("relu", next(rest))

    def block(x: Any) -> Any:
        deep = two(tf.nn.relu(one(x)))
        skip = x if pool is None else pool(x)
        # add_prev fills the smaller one with zeros, in channels and in the plane
        whole = [max(pair) for pair in zip(deep.shape[1:], skip.shape[1:], strict=True)]
        return tf.nn.relu(_filled(deep, whole) + _filled(skip, whole))

    return block


def _filled(x: Any, whole: list[int]) -> Any:
    ends = [(0, want - got) for want, got in zip(whole, x.shape[1:], strict=True)]
    return tf.pad(x, [(0, 0), *ends]) if any(end for _, end in ends) else x


def _convolution(layer: Layer, affine: Layer) -> Stage:
    if layer.weights is None or layer.bias is None or affine.weights is None or affine.bias is None:
        raise ValueError("a convolution without affine layer")
    gamma = affine.weights.astype(np.float64)
    weights = (layer.weights * gamma.reshape(-1, 1, 1, 1)).transpose(2, 3, 1, 0).astype(np.float32)
    bias = (layer.bias * gamma + affine.bias).astype(np.float32)
    filters, offset = tf.constant(weights), tf.constant(bias)
    stride, (rows, columns) = list(layer.stride), layer.padding
    padding = ((0, 0), (rows, rows), (columns, columns), (0, 0))
    return lambda x: tf.nn.conv2d(tf.pad(x, padding), filters, stride, "VALID") + offset


def _pool(kind: Any, layer: Layer) -> Stage:
    if layer.padding != (0, 0):
        raise ValueError("a pooling layer with padding")
    return lambda x: kind(x, list(layer.window), list(layer.stride), "VALID")


def _expect(name: str, layer: Layer) -> Layer:
    if layer.name != name:
        raise ValueError(f"{name} expected, {layer.name} found")
    return layer


def chip_places(matrix: Floats, size: int) -> tuple[Ints32, Floats]:
    """Where a face's chip is read out of a picture (size, size), between its pixels.

    matrix (2, 3): from pixels of the chip to those of the picture. Comes back with the four pixels around
    each place, (4, 150 * 150) counted line by line, and their shares, which sum to one.
    """
    across, down = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    x = matrix[0, 0] * across + matrix[0, 1] * down + matrix[0, 2]
    y = matrix[1, 0] * across + matrix[1, 1] * down + matrix[1, 2]
    places, shares = [], []
    left, top = np.floor(x), np.floor(y)
    for right, below in ((0, 0), (1, 0), (0, 1), (1, 1)):
        shares.append((np.abs(1 - right - (x - left)) * np.abs(1 - below - (y - top))).ravel())
        column = np.clip(left + right, 0, size - 1).astype(np.int32)
        row = np.clip(top + below, 0, size - 1).astype(np.int32)
        places.append((row * size + column).ravel())
    return np.stack(places), np.stack(shares).astype(np.float32)


def read_chip(picture: Any, places: Any, shares: Any) -> Any:
    """(1, 150, 150, 3) of a picture (1, size, size, 3); the places are fixed, so it has gradients."""
    four = tf.gather(tf.reshape(picture, (-1, 3)), places)
    return tf.reshape(tf.reduce_sum(four * shares[..., None], 0), (1, SIZE, SIZE, 3))
