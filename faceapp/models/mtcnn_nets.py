"""The three MTCNN nets as ONNX, from the weights inside the `mtcnn` package. TensorFlow is not needed.

Zhang, Zhang, Li, Qiao: Joint face detection and alignment using multi-task cascaded convolutional
networks, 2016. Each file holds a list of Keras arrays (kernels HWIO) that joblib wrote: a pickle with the
arrays' raw bytes between its opcodes, compressed with LZ4. Nothing is unpickled here: `pickletools` names
the opcodes without running them, the shapes are known, and only the raw bytes are taken.

All nets take (N, H, W, 3) uint8 BGR and give (N, 4 or 14, 1 more, ...) float32: the regression of the box,
the points (ONet alone), and last the logit of "face". The normalisation (x - 127.5) / 128 and the order of
the colours are folded into the first kernel; of the two-way softmax only the difference of logits is kept.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faceapp.errors import ModelUnavailable
from faceapp.types import Floats

# onnxruntime lays channels out in blocks of 16 (AVX-512) or 8; other numbers of channels fall out of it.
BLOCK = 16

PNET = ((3, 3, 3, 10), (10,), (10,), (3, 3, 10, 16), (16,), (16,), (3, 3, 16, 32), (32,), (32,),
         (1, 1, 32, 4), (4,), (1, 1, 32, 2), (2,))
RNET = ((3, 3, 3, 28), (28,), (28,), (3, 3, 28, 48), (48,), (48,), (2, 2, 48, 64), (64,), (64,),
         (576, 128), (128,), (128,), (128, 4), (4,), (128, 2), (2,))
ONET = ((3, 3, 3, 32), (32,), (32,), (3, 3, 32, 64), (64,), (64,), (3, 3, 64, 64), (64,), (64,),
         (2, 2, 64, 128), (128,), (128,), (1152, 256), (256,), (256,), (256, 4), (4,), (256, 10), (10,),
         (256, 2), (2,))


def read_weights(path: Path, shapes: Sequence[tuple[int, ...]]) -> list[Floats]:
    """The arrays of a joblib file, in order. Raises ModelUnavailable when it holds anything else."""
    import lz4.frame

    arrays: list[Floats] = []
    try:
        stream = io.BytesIO(lz4.frame.decompress(path.read_bytes()))
        before = ""
        for opcode, _, _ in pickletools.genops(stream):
            # An array's header ends with its attributes being set; padding and raw bytes follow.
            if opcode.name == "BUILD" and before == "SETITEMS":
                shape = shapes[len(arrays)]
                stream.read(stream.read(1)[0])
                values = np.frombuffer(stream.read(4 * int(np.prod(shape))), "<f4")
                arrays.append(values.reshape(shape))
            before = opcode.name
    except (OSError, RuntimeError, ValueError, IndexError) as error:
        raise _broken(path) from error
    if len(arrays) != len(shapes):
        raise _broken(path)
    return arrays


def _broken(path: Path) -> ModelUnavailable:
    return ModelUnavailable(
        "model_broken", f"The face detector's file {path.name} cannot be read.",
        "Install the mtcnn package again.",
    )


def pnet(path: Path) -> bytes:
    """The proposal net, fully convolutional: (N, 5, rows, columns), one window of 12 pixels every 2."""
    w1, b1, a1, w2, b2, a2, w3, b3, a3, w_box, b_box, w_face, b_face = read_weights(path, PNET)
    net = _Net()
    x = net.conv_prelu_pool(net.image(), *_from_bgr(_oihw(w1), b1), a1)
    x = net.prelu(net.conv(x, _oihw(w2), b2), a2)
    x = net.prelu(net.conv(x, _oihw(w3), b3), a3)
    kernel, bias = _heads((w_box[0, 0], b_box), face=(w_face[0, 0], b_face))
    x = net.conv(x, kernel.T[:, :, None, None], bias, exact=True)
    return net.finish(x, ("faces", "values", "rows", "columns"))


def rnet(path: Path) -> bytes:
    """The refinement net: (N, 24, 24, 3) -> (N, 5)."""
    w1, b1, a1, w2, b2, a2, w3, b3, a3, w4, b4, a4, w_box, b_box, w_face, b_face = read_weights(path, RNET)
    net = _Net()
    x = net.conv(net.image(), *_from_bgr(_oihw(w1), b1))
    x = net.max_pool(net.prelu(x, a1), 3)
    x = net.prelu(net.conv(x, _oihw(w2), b2), a2)
    x = net.max_pool(x, 3, up=False)
    x = net.prelu(net.conv(x, _oihw(w3), b3), a3)
    x = net.dense(net.flatten(x), _from_whc(w4), b4, a4)
    return net.finish(net.dense(x, *_heads((w_box, b_box), face=(w_face, b_face))))


def onet(path: Path) -> bytes:
    """The output net: (N, 48, 48, 3) -> (N, 15), points as x1..x5, y1..y5."""
    (w1, b1, a1, w2, b2, a2, w3, b3, a3, w4, b4, a4, w5, b5, a5,
     w_box, b_box, w_points, b_points, w_face, b_face) = read_weights(path, ONET)
    net = _Net()
    x = net.conv(net.image(), *_from_bgr(_oihw(w1), b1))
    x = net.max_pool(net.prelu(x, a1), 3)
    x = net.prelu(net.conv(x, _oihw(w2), b2), a2)
    x = net.max_pool(x, 3, up=False)
    x = net.prelu(net.conv(x, _oihw(w3), b3), a3)
    x = net.max_pool(x, 2)
    x = net.prelu(net.conv(x, _oihw(w4), b4), a4)
    x = net.dense(net.flatten(x), _from_whc(w5), b5, a5)
    heads = _heads((w_box, b_box), (w_points, b_points), face=(w_face, b_face))
    return net.finish(net.dense(x, *heads))


def _oihw(kernel: Floats) -> Floats:
    return kernel.transpose(3, 2, 0, 1)


def _from_bgr(kernel: Floats, bias: Floats) -> tuple[Floats, Floats]:
    """A first layer that takes BGR 0..255 instead of RGB -1..1; exact, since there is no padding."""
    flipped: Floats = kernel[:, ::-1] / np.float32(128)
    return flipped, bias - kernel.sum((1, 2, 3)) * np.float32(127.5 / 128)


def _from_whc(matrix: Floats) -> Floats:
    """A dense layer's matrix whose rows are in W, H, C order (3 by 3), for input flattened as C, H, W."""
    outputs = matrix.shape[1]
    return matrix.reshape(3, 3, -1, outputs).transpose(2, 1, 0, 3).reshape(-1, outputs)


def _heads(*linear: tuple[Floats, Floats], face: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """All outputs as one dense layer; softmax(a, b) over threshold t is b - a over log(t / (1 - t))."""
    matrix, bias = face
    logit = matrix[:, 1:] - matrix[:, :1], bias[1:] - bias[:1]
    parts = (*linear, logit)
    return np.concatenate([w for w, _ in parts], 1), np.concatenate([b for _, b in parts])


def _blocks(channels: int) -> int:
    return -(-channels // BLOCK) * BLOCK


class _Net:
    """Collects ONNX nodes; each method gives the name of its output."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._channels: dict[str, int] = {}

    def image(self) -> str:
        """The input as float32 NCHW."""
        from onnx import TensorProto

        planes = self._node("Transpose", ["image"], 3, perm=[0, 3, 1, 2])
        return self._node("Cast", [planes], 3, to=TensorProto.FLOAT)

    def conv(self, x: str, kernel: Floats, bias: Floats, exact: bool = False) -> str:
        """Unless `exact`, the channels that come out are padded with zeros to a multiple of BLOCK."""
        outputs, inputs = kernel.shape[:2]
        rows = outputs if exact else _blocks(outputs)
        wide = np.zeros((rows, self._channels[x], *kernel.shape[2:]), np.float32)
        wide[:outputs, :inputs] = kernel
        return self._conv(x, wide, np.pad(bias, (0, len(wide) - outputs)))

    def prelu(self, x: str, slope: Floats) -> str:
        """slope * x + (1 - slope) * relu(x), by per-channel convolutions.

        onnxruntime's own PRelu is not vectorised and leaves the blocked layout of the convolutions
        around it: it took half of the whole time.
        """
        slope = np.pad(slope, (0, self._channels[x] - len(slope))).reshape(-1, 1, 1, 1)
        line = self._conv(x, slope, groups=len(slope))
        bend = self._conv(self._relu(x), 1 - slope, groups=len(slope))
        return self._add(line, bend)

    def conv_prelu_pool(self, x: str, kernel: Floats, bias: Floats, slope: Floats) -> str:
        """A convolution, PReLU and 2 x 2 maximum, pooled first: the PReLU then costs a quarter.

        PReLU rises where its slope is positive, so the maximum may come before it. Where the slope is
        negative it is max(x, slope * x), and its maximum is that of max(x) and max(slope * x): those
        channels are computed twice, the second time multiplied by the slope.
        """
        falling = np.flatnonzero(slope < 0)
        count = len(slope)
        kernel = np.concatenate([kernel, kernel[falling] * slope[falling, None, None, None]])
        bias = np.concatenate([bias, bias[falling] * slope[falling]])
        pooled = self.max_pool(self.conv(x, kernel, bias), 2)
        # rising: slope * m + (1 - slope) * relu(m);  falling: m + relu(m' - m) = max(m, m').
        bend, line, after = (np.zeros((rows, len(kernel)), np.float32) for rows in (count, count, count))
        every = np.arange(count)
        bend[every, every] = np.where(slope < 0, -1, 1)
        bend[falling, count + np.arange(len(falling))] = 1
        line[every, every] = np.where(slope < 0, 1, slope)
        after[every, every] = np.where(slope < 0, 1, 1 - slope)
        none = np.zeros(count, np.float32)
        bent = self._relu(self.conv(pooled, bend[:, :, None, None], none))
        return self._add(
            self.conv(pooled, line[:, :, None, None], none, exact=True),
            self.conv(bent, after[:, :count, None, None], none, exact=True),
        )

    def _conv(self, x: str, kernel: Floats, bias: Floats | None = None, groups: int = 1) -> str:
        weights = [self._weight(kernel)] + ([] if bias is None else [self._weight(bias)])
        size = list(kernel.shape[2:])
        return self._node("Conv", [x, *weights], len(kernel), kernel_shape=size, group=groups)

    def _relu(self, x: str) -> str:
        return self._node("Relu", [x], self._channels[x])

    def _add(self, x: str, y: str) -> str:
        return self._node("Add", [x, y], self._channels[x])

    def max_pool(self, x: str, size: int, up: bool = True) -> str:
        """The maximum of every second window of that size.

        up: a last, partial window counts (Keras' "same"; no window starts outside in these nets).
        """
        shape = {"kernel_shape": [size] * 2, "strides": [2, 2], "ceil_mode": int(up)}
        return self._node("MaxPool", [x], self._channels[x], **shape)

    def flatten(self, x: str) -> str:
        return self._node("Flatten", [x], 0)

    def dense(self, x: str, matrix: Floats, bias: Floats, slope: Floats | None = None) -> str:
        y = self._node("Gemm", [x, self._weight(matrix), self._weight(bias)], len(bias))
        return y if slope is None else self._node("PRelu", [y, self._weight(slope)], len(bias))

    def finish(self, output: str, axes: tuple[str, ...] = ("faces", "values")) -> bytes:
        """The model's bytes, checked by onnx."""
        import onnx
        from onnx import TensorProto, helper

        image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["faces", "height", "width", 3])
        found = helper.make_tensor_value_info(output, TensorProto.FLOAT, axes)
        graph = helper.make_graph(self._nodes, "mtcnn", [image], [found], self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

    def _node(self, kind: str, inputs: list[str], channels: int, **attributes: Any) -> str:
        from onnx import helper

        output = f"{kind.lower()}{len(self._nodes)}"
        self._channels[output] = channels
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _weight(self, values: Floats) -> str:
        from onnx import numpy_helper

        name = f"weight{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name
