"""Reads the networks that dlib has serialised, without dlib.

The format is dlib's own (`dlib/serialize.h`, `dlib/dnn/core.h`, `dlib/dnn/layers.h`): the version
numbers of all nested layers come first, then the records of the layers from the input outwards. Each
record begins with its name and ends with three flags and three tensors that only training needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceapp.errors import ModelUnavailable
from faceapp.types import Floats

LONGEST_NAME = 64
MOST_LAYERS = 1000


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer: its name, and what of the rest it has.

    name: "input", "con", "affine", "relu", "max_pool", "avg_pool", "add_prev" or "fc".
    weights: con (out, in, rows, columns); affine gamma (channels,); fc (out, in).
    bias: con, affine beta: (channels,). numbers: input: mean red, green, blue.
    window, stride, padding: rows, columns. window (0, 0) is the whole plane.
    """

    name: str
    weights: Floats | None = None
    bias: Floats | None = None
    numbers: tuple[float, ...] = ()
    window: tuple[int, int] = (0, 0)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)


def read_network(path: Path) -> list[Layer]:
    """The layers of a dlib metric network, from the input outwards. Raises ModelUnavailable."""
    try:
        reader = _Reader(path.read_bytes())
        layers = _read_layers(reader)
    except (OSError, ValueError, OverflowError) as error:
        raise ModelUnavailable(
            "model_broken", f"{path.name} is not a readable dlib network.",
            "Install the package face_recognition_models again.",
        ) from error
    return layers


class _Reader:
    """A cursor over the bytes of a file. Whatever does not fit raises ValueError."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> memoryview:
        if not 0 <= count <= self.left:
            raise ValueError(f"{count} bytes wanted at {self._at}, {self.left} left")
        self._at += count
        return self._data[self._at - count : self._at]

    def integer(self) -> int:
        """The low four bits of the first byte count the bytes that follow, its top bit is the sign."""
        head = self.take(1)[0]
        if head & 0x70 or not 1 <= head & 0x0F <= 8:
            raise ValueError(f"no integer at {self._at - 1}")
        value = int.from_bytes(self.take(head & 0x0F), "little")
        return -value if head & 0x80 else value

    def real(self) -> float:
        """mantissa * 2 ** exponent, or the digits of old files, up to a space."""
        if self.left and self._data[self._at] & 0x70:
            return self._digits()
        mantissa, exponent = self.integer(), self.integer()
        if not -1100 <= exponent <= 1100:
            raise ValueError(f"no number before {self._at}")
        return mantissa * 2.0**exponent

    def _digits(self) -> float:
        text = bytearray()
        while (character := self.take(1)[0]) != ord(" "):
            text.append(character)
            if len(text) > LONGEST_NAME:
                raise ValueError(f"no number before {self._at}")
        return float(text.decode("ascii"))

    def flag(self) -> bool:
        character = bytes(self.take(1))
        if character not in (b"0", b"1"):
            raise ValueError(f"no flag at {self._at - 1}")
        return character == b"1"

    def text(self) -> str:
        length = self.integer()
        if not 0 < length <= LONGEST_NAME:
            raise ValueError(f"no name at {self._at}")
        return bytes(self.take(length)).decode("ascii")

    def pair(self) -> tuple[int, int]:
        return self.integer(), self.integer()

    def tensor(self) -> Floats:
        """A tensor of four dimensions: the version, the dimensions, and little-endian float32."""
        if self.integer() != 2:
            raise ValueError(f"an unknown tensor before {self._at}")
        shape = tuple(self.integer() for _ in range(4))
        if min(shape) < 0 or max(shape) > self.left:
            raise ValueError(f"a tensor of shape {shape} at {self._at}")
        count = int(np.prod(shape, dtype=object))
        return np.frombuffer(self.take(4 * count), "<f4").astype(np.float32).reshape(shape)

    def alias(self) -> tuple[int, int, int, int]:
        """The shape of a part of a tensor."""
        if self.integer() != 1:
            raise ValueError(f"an unknown tensor before {self._at}")
        return self.integer(), self.integer(), self.integer(), self.integer()


def _read_layers(reader: _Reader) -> list[Layer]:
    # the loss, then one small version number for each nested layer, then the name of the input
    if reader.integer() != 1 or not reader.text().startswith("loss_metric_"):
        raise ValueError("not a metric network")
    reader.real(), reader.real()
    nested = 0
    while (number := reader.integer()) <= 3:
        nested += 1
    if nested > MOST_LAYERS or bytes(reader.take(number)) != b"input_rgb_image_sized":
        raise ValueError("an unknown input")
    means = (reader.real(), reader.real(), reader.real())
    layers = [Layer("input", numbers=means, window=reader.pair())]
    while reader.left:
        layers.append(_read_layer(reader))
        _skip_training(reader, innermost=len(layers) == 2)
        if len(layers) > MOST_LAYERS:
            raise ValueError("too many layers")
    return layers


def _skip_training(reader: _Reader, innermost: bool) -> None:
    for _ in range(3):
        reader.flag()
    for _ in range(3):
        reader.tensor()
    if innermost:
        reader.integer()


def _read_layer(reader: _Reader) -> Layer:
    name = reader.text()
    if name in ("con_4", "con_5", "con_6"):
        return _read_convolution(reader, name)
    if name == "affine_":
        return _read_affine(reader)
    if name in ("relu_", "add_prev_"):
        return Layer(name.rstrip("_"))
    if name in ("max_pool_2", "avg_pool_2"):
        window, stride, padding = reader.pair(), reader.pair(), reader.pair()
        return Layer(name[:-2], window=window, stride=stride, padding=padding)
    if name == "fc_2":
        return _read_full(reader)
    raise ValueError(f"an unknown layer {name!r}")


def _read_convolution(reader: _Reader, name: str) -> Layer:
    parameters = reader.tensor().ravel()
    filters = reader.integer()
    window, stride, padding = reader.pair(), reader.pair(), reader.pair()
    shape, bias_shape = reader.alias(), reader.alias()
    for _ in range(4):  # learning rates
        reader.real()
    if name != "con_4" and not reader.flag():
        raise ValueError("a convolution without bias")
    if name == "con_6":
        reader.flag()
    weights, bias = _split(parameters, shape, bias_shape)
    if shape[0] != filters or shape[2:] != window:
        raise ValueError(f"a convolution of {shape} for {filters} filters of {window}")
    return Layer("con", weights, bias.ravel(), window=window, stride=stride, padding=padding)


def _read_affine(reader: _Reader) -> Layer:
    parameters = reader.tensor().ravel()
    gamma, beta = _split(parameters, reader.alias(), reader.alias())
    if reader.integer() != 0:
        raise ValueError("an affine layer that is not per channel")
    return Layer("affine", gamma.ravel(), beta.ravel())


def _read_full(reader: _Reader) -> Layer:
    outputs, inputs = reader.integer(), reader.integer()
    parameters = reader.tensor().ravel()
    shape, _ = reader.alias(), reader.alias()
    if reader.integer() != 1:
        raise ValueError("a full layer with bias")
    for _ in range(4):  # learning rates
        reader.real()
    if parameters.size != outputs * inputs or shape != (inputs, outputs, 1, 1):
        raise ValueError(f"a full layer of {shape} for {inputs} inputs and {outputs} outputs")
    return Layer("fc", np.ascontiguousarray(parameters.reshape(inputs, outputs).T))


def _split(
    parameters: Floats, first: tuple[int, int, int, int], second: tuple[int, int, int, int]
) -> tuple[Floats, Floats]:
    """The two tensors that lie one behind the other in `parameters`."""
    if min(first) < 1 or min(second) < 1 or max(*first, *second) > parameters.size:
        raise ValueError(f"tensors of {first} and {second}")
    size = int(np.prod(first, dtype=object))
    if parameters.size != size + int(np.prod(second, dtype=object)):
        raise ValueError(f"tensors of {first} and {second} in {parameters.size} numbers")
    return parameters[:size].reshape(first), parameters[size:].reshape(second)
