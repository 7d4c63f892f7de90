"""Rebuilds dlib's face ResNet as an ONNX network: the same numbers, some twenty times as fast.

The network is `anet_type` of dlib's `dnn_face_recognition_ex.cpp`: a convolution, then residual blocks,
then the mean over the plane and one matrix. The mean colour and the division by 256 go into the first
convolution (it has no padding, so that is exact), each affine layer into the convolution before it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceapp.errors import ModelUnavailable
from faceapp.models.dlibfile import Layer, read_network
from faceapp.models.store import replacing

if TYPE_CHECKING:
    import onnx

log = logging.getLogger(__name__)

# The file in the models folder; another number when `build` gives another network.
FILE = "dlib-resnet-1.onnx"
SIZE = 150
DIMENSION = 128
OPSET = 17
IR_VERSION = 8
INPUT, OUTPUT = "chips", "descriptors"


def build(dlib_file: Path) -> bytes:
    """The ONNX bytes of the network in dlib's file, the same bytes each time.

    Input "chips": (N, 150, 150, 3) uint8 BGR. Output "descriptors": (N, 128) float32, as
    `compute_face_descriptor` gives them, of any length. Raises ModelUnavailable.
    """
    layers = read_network(dlib_file)
    try:
        data: bytes = _Graph(layers).model().SerializeToString(deterministic=True)
    except (ValueError, StopIteration) as error:
        raise ModelUnavailable(
            "model_broken", f"{dlib_file.name} holds another network than the face ResNet.",
            "Install the package face_recognition_models again.",
        ) from error
    return data


def network(dlib_file: Path, folder: Path) -> bytes:
    """The ONNX bytes, from the models folder, or built and kept there when missing or broken.

    The SHA-256 lies beside the file. Two processes may do this at the same moment: both write the same
    bytes under a name of their own first. A folder that cannot be written to costs half a second each time.
    """
    path = folder / FILE
    kept = read_kept(path)
    if kept is not None:
        return kept
    data = build(dlib_file)
    try:
        keep(path, data)
    except OSError as error:
        log.warning("The network cannot be kept in %s: %s", folder, error)
    return data


def read_kept(path: Path) -> bytes | None:
    """The bytes that `keep` has written, or None where they are missing or are not the same any more."""
    try:
        data = path.read_bytes()
        expected = checksum_file(path).read_text("ascii").split()
    except (OSError, UnicodeDecodeError):
        return None
    return data if expected[:1] == [hashlib.sha256(data).hexdigest()] else None


def keep(path: Path, data: bytes) -> None:
    """Write a built network and its checksum, each under a temporary name first. Raises OSError."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    with replacing(checksum_file(path)) as temporary:
        temporary.write_text(f"{hashlib.sha256(data).hexdigest()}  {path.name}\n", "ascii")


def checksum_file(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


class _Graph:
    """Adds nodes one after the other. `_value` is the latest one, `_shape` its (channels, rows, columns)."""

    def __init__(self, layers: list[Layer]) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._value = INPUT
        self._shape = (3, SIZE, SIZE)
        rest = iter(layers)
        self._stem(rest)
        for layer in rest:
            if layer.name == "con":
                self._residual(layer, rest)
            elif layer.name == "avg_pool" and layer.window == (0, 0):
                self._head(next(rest))
            else:
                raise ValueError(f"unexpected {layer.name}")

    def model(self) -> onnx.ModelProto:
        from onnx import TensorProto, checker, helper

        chips = helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["n", SIZE, SIZE, 3])
        out = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", self._shape[0]])
        graph = helper.make_graph(self._nodes, "dlib-resnet", [chips], [out], self._weights)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
            producer_name="faceapp",
        )
        checker.check_model(model, full_check=True)
        return model

    def _stem(self, rest: Iterator[Layer]) -> None:
        start, first = next(rest), next(rest)
        if start.name != "input" or start.window != (SIZE, SIZE) or first.weights is None:
            raise ValueError("unexpected input")
        if first.padding != (0, 0) or first.bias is None:
            raise ValueError("the colour mean cannot be folded into a convolution with padding")
        from onnx import TensorProto

        weights = first.weights / 256.0
        means = np.array(start.numbers, np.float64).reshape(1, 3, 1, 1)
        bias = first.bias - (weights * means).sum((1, 2, 3))
        blue_first = np.ascontiguousarray(weights[:, ::-1])
        self._node("Transpose", [INPUT], perm=[0, 3, 1, 2])
        self._node("Cast", [self._value], to=TensorProto.FLOAT)
        folded = Layer("con", blue_first, bias, window=first.window, stride=first.stride)
        self._convolution(folded, next(rest))
        self._expect("relu", rest)
        self._node("Relu", [self._value])
        pool = self._expect("max_pool", rest)
        self._pool("MaxPool", pool)

    def _residual(self, first: Layer, rest: Iterator[Layer]) -> None:
        """con, affine, relu, con, affine, (avg_pool of the input), add_prev, relu."""
        skip, skip_shape = self._value, self._shape
        self._convolution(first, next(rest))
        self._expect("relu", rest)
        self._node("Relu", [self._value])
        self._convolution(self._expect("con", rest), next(rest))
        block, block_shape = self._value, self._shape
        layer = next(rest)
        self._value, self._shape = skip, skip_shape
        if layer.name == "avg_pool":
            self._pool("AveragePool", layer)
            layer = next(rest)
        if layer.name != "add_prev":
            raise ValueError(f"unexpected {layer.name}")
        skip, skip_shape = self._value, self._shape
        # add_prev fills the smaller one with zeros, in channels and in the plane
        whole = tuple(max(pair) for pair in zip(block_shape, skip_shape, strict=True))
        summands = [self._padded(block, block_shape, whole), self._padded(skip, skip_shape, whole)]
        self._node("Add", summands)
        self._shape = (whole[0], whole[1], whole[2])
        self._expect("relu", rest)
        self._node("Relu", [self._value])

    def _head(self, full: Layer) -> None:
        if full.name != "fc" or full.weights is None or full.weights.shape[1] != self._shape[0]:
            raise ValueError("unexpected end")
        self._node("ReduceMean", [self._value], axes=[2, 3], keepdims=0)
        matrix = self._constant(np.ascontiguousarray(full.weights.T))
        self._node("MatMul", [self._value, matrix], output=OUTPUT)
        self._shape = (len(full.weights), 1, 1)

    def _convolution(self, layer: Layer, affine: Layer) -> None:
        if layer.weights is None or layer.bias is None or layer.weights.shape[1] != self._shape[0]:
            raise ValueError("unexpected convolution")
        if affine.name != "affine" or affine.weights is None or affine.bias is None:
            raise ValueError("a convolution without affine layer")
        gamma = affine.weights.astype(np.float64)
        weights = layer.weights * gamma.reshape(-1, 1, 1, 1)
        bias = layer.bias * gamma + affine.bias
        inputs = [self._value, self._constant(weights), self._constant(bias)]
        self._node(
            "Conv", inputs, kernel_shape=list(layer.window), strides=list(layer.stride),
            pads=[*layer.padding, *layer.padding],
        )
        self._shape = (len(weights), *self._plane(layer))

    def _pool(self, kind: str, layer: Layer) -> None:
        if layer.padding != (0, 0):
            raise ValueError("a pooling layer with padding")
        self._node(kind, [self._value], kernel_shape=list(layer.window), strides=list(layer.stride))
        self._shape = (self._shape[0], *self._plane(layer))

    def _plane(self, layer: Layer) -> tuple[int, int]:
        rows, columns = (
            (length + 2 * padding - window) // stride + 1
            for length, padding, window, stride in zip(
                self._shape[1:], layer.padding, layer.window, layer.stride, strict=True
            )
        )
        if min(rows, columns) < 1:
            raise ValueError("nothing is left of the plane")
        return rows, columns

    def _padded(self, value: str, shape: tuple[int, ...], whole: tuple[int, ...]) -> str:
        if shape == whole:
            return value
        ends = [0, *(want - got for want, got in zip(whole, shape, strict=True))]
        pads = self._constant(np.array([0, 0, 0, 0, *ends], np.int64))
        return self._node("Pad", [value, pads])

    def _expect(self, name: str, rest: Iterator[Layer]) -> Layer:
        layer = next(rest)
        if layer.name != name:
            raise ValueError(f"{name} expected, {layer.name} found")
        return layer

    def _constant(self, array: NDArray[Any]) -> str:
        from onnx import numpy_helper

        if array.dtype == np.float64:
            array = array.astype(np.float32)
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(array, name))
        return name

    def _node(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        from onnx import helper

        self._value = output or f"v{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [self._value], **attributes))
        return self._value
