"""StyleGAN2's generator in Keras: configuration F with skip connections, as Karras et al. (2020) describe it.

Only the child process imports this. Pictures are (N, H, W, 3) float RGB, about -1 to 1. Convolutions are
modulated on their inputs and demodulated on their outputs, which is the same as other filters for every
picture, and lets pictures share one convolution.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from faceapp.latent.weights import MAPPING_MULTIPLIER, Arrays, Weights
from faceapp.types import Floats

GAIN = math.sqrt(2)
SLOPE = 0.2
EPSILON = 1e-8
# The blur after doubling: 1 3 3 1 over 8, twice.
OUTER, INNER = 2 / 8, 6 / 8


def _constant(layer: keras.layers.Layer, value: Floats, name: str) -> Any:
    """A weight of the layer that no optimiser changes."""
    return layer.add_weight(
        name=name, shape=value.shape, trainable=False,
        initializer=lambda shape, dtype: tf.constant(value, dtype),
    )  # fmt: skip


def leaky(x: Any) -> Any:
    """The activation of all layers: it keeps the variance."""
    return tf.nn.leaky_relu(x, SLOPE) * GAIN


class Dense(keras.layers.Layer):  # type: ignore[misc]
    """A full layer whose stored weights are scaled at every call (an equalised learning rate)."""

    def __init__(self, arrays: Arrays, name: str, multiplier: float = 1.0, activate: bool = False) -> None:
        super().__init__()
        weight = arrays[f"{name}.weight"].T * (multiplier / math.sqrt(arrays[f"{name}.weight"].shape[1]))
        self._matrix = _constant(self, weight.astype(np.float32), "matrix")
        self._bias = _constant(self, arrays[f"{name}.bias"] * np.float32(multiplier), "bias")
        self._activate = activate

    def call(self, x: Any) -> Any:
        x = tf.matmul(x, self._matrix) + self._bias
        return leaky(x) if self._activate else x


class ModulatedConv(keras.layers.Layer):  # type: ignore[misc]
    """A convolution whose filters are scaled by a style (N, w_dim); up: it doubles the sides, then blurs."""

    def __init__(self, arrays: Arrays, name: str, demodulate: bool = True, up: bool = False) -> None:
        super().__init__()
        stored = arrays[f"{name}.weight"][0]  # (out, in, k, k)
        self._outputs, inputs, side = stored.shape[0], stored.shape[1], stored.shape[2]
        scaled = stored.transpose(2, 3, 1, 0) / np.float32(math.sqrt(inputs * side**2))
        # A convolution upwards wants its filters the other way round: outputs before inputs.
        self._filters = _constant(self, scaled.transpose(0, 1, 3, 2) if up else scaled, "filters")
        self._squares = _constant(self, np.square(scaled).sum((0, 1)), "squares")
        self._style = Dense(arrays, f"{name}.modulation")
        self._demodulate = demodulate
        self._up = up

    def call(self, x: Any, w: Any) -> Any:
        style = self._style(w)
        x = x * style[:, None, None, :]
        if self._up:
            size = tf.shape(x)
            shape = tf.stack([size[0], 2 * size[1] + 1, 2 * size[2] + 1, self._outputs])
            x = tf.nn.conv2d_transpose(x, self._filters, shape, 2, "VALID")
            x = blurred(x, 1)
        else:
            x = tf.nn.conv2d(x, self._filters, 1, "SAME")
        if self._demodulate:
            x *= tf.math.rsqrt(tf.matmul(tf.square(style), self._squares) + EPSILON)[:, None, None, :]
        return x


class StyledConv(keras.layers.Layer):  # type: ignore[misc]
    """Modulated convolution, noise, bias, activation."""

    def __init__(self, arrays: Arrays, name: str, noise: str, up: bool = False) -> None:
        super().__init__()
        self._conv = ModulatedConv(arrays, f"{name}.conv", up=up)
        field = arrays[noise][0, 0, :, :, None] * arrays[f"{name}.noise.weight"]
        self._noise = _constant(self, field[None].astype(np.float32), "noise")
        self._bias = _constant(self, arrays[f"{name}.activate.bias"], "bias")

    def call(self, x: Any, w: Any) -> Any:
        return leaky(self._conv(x, w) + self._noise + self._bias)


class ToRgb(keras.layers.Layer):  # type: ignore[misc]
    """What a level adds to the picture."""

    def __init__(self, arrays: Arrays, name: str) -> None:
        super().__init__()
        self._conv = ModulatedConv(arrays, f"{name}.conv", demodulate=False)
        self._bias = _constant(self, arrays[f"{name}.bias"].reshape(3), "bias")

    def call(self, x: Any, w: Any) -> Any:
        return self._conv(x, w) + self._bias


class Mapping(keras.Model):  # type: ignore[misc]
    """z (N, z_dim) to w (N, w_dim)."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        layers = range(1, weights.design.layers + 1)
        self._layers_in_order = [
            Dense(weights.arrays, f"style.{layer}", MAPPING_MULTIPLIER, activate=True) for layer in layers
        ]

    def call(self, z: Any) -> Any:
        w = z * tf.math.rsqrt(tf.reduce_mean(tf.square(z), 1, keepdims=True) + EPSILON)
        for layer in self._layers_in_order:
            w = layer(w)
        return w


class Synthesis(keras.Model):  # type: ignore[misc]
    """ws (N, num_ws, w_dim) to pictures (N, R, R, 3)."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        arrays = weights.arrays
        self.resolution = weights.design.resolution
        self._start = _constant(self, arrays["input.input"].transpose(0, 2, 3, 1), "start")
        self._first = StyledConv(arrays, "conv1", "noises.noise_0")
        self._first_rgb = ToRgb(arrays, "to_rgb1")
        self._convs, self._rgbs = [], []
        for level in range(len(weights.design.channels) - 1):
            for part, up in ((2 * level, True), (2 * level + 1, False)):
                self._convs.append(StyledConv(arrays, f"convs.{part}", f"noises.noise_{part + 1}", up))
            self._rgbs.append(ToRgb(arrays, f"to_rgbs.{level}"))

    def call(self, ws: Any) -> Any:
        x = tf.repeat(self._start, tf.shape(ws)[0], axis=0)
        x = self._first(x, ws[:, 0])
        picture = self._first_rgb(x, ws[:, 1])
        for level, rgb in enumerate(self._rgbs):
            x = self._convs[2 * level](x, ws[:, 2 * level + 1])
            x = self._convs[2 * level + 1](x, ws[:, 2 * level + 2])
            picture = doubled(picture) + rgb(x, ws[:, 2 * level + 3])
        return picture


def blurred(x: Any, before: int) -> Any:
    """[1, 3, 3, 1] along both sides, each twice as strong: there are zeros between the values.

    before: how many zeros are put before the first value; one is put behind the last.
    """
    x = tf.pad(x, ((0, 0), (before, 1), (before, 1), (0, 0)))
    for axis in (1, 2):
        length = tf.shape(x)[axis] - 3
        parts = []
        for tap in range(4):
            index = [slice(None)] * 4
            index[axis] = slice(tap, tap + length)
            parts.append(x[tuple(index)])
        x = (parts[0] + parts[3]) * OUTER + (parts[1] + parts[2]) * INNER
    return x


def doubled(picture: Any) -> Any:
    """A picture of twice the sides: zeros between the pixels, then the blur, four times as strong."""
    size = tf.shape(picture)
    wide = tf.reshape(picture, tf.stack([size[0], size[1], 1, size[2], 1, size[3]]))
    wide = tf.pad(wide, ((0, 0), (0, 0), (0, 1), (0, 0), (0, 1), (0, 0)))
    wide = tf.reshape(wide, tf.stack([size[0], 2 * size[1], 2 * size[2], size[3]]))
    return blurred(wide, 2)
