"""Small swap networks: one paints a face in a colour that its vector says, one measures mean colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from faceapp.types import Floats

Shape = tuple[int | str, ...]
RANDOM = np.random.default_rng(7)
MATRIX = RANDOM.standard_normal((512, 512)).astype(np.float32)
COLOURS = RANDOM.standard_normal((512, 3)).astype(np.float32)
SPREAD = RANDOM.standard_normal((3, 512)).astype(np.float32)


def _save(
    path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: dict[str, Any]
) -> Path:
    kept = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "made by a test", inputs, outputs, kept)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, str(path))
    return path


def _value(name: str, shape: Shape, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def write_swapper(
    path: Path, size: int = 128, picture: Shape | None = None, vector: Shape = (1, 512),
    given: Shape | None = None, matrix: Floats | None = MATRIX, kept: float = 0.5,
    kind: int = TensorProto.FLOAT,
) -> Path:  # fmt: skip
    """out = kept * target + (1 - kept) * sigmoid(vector @ COLOURS), in every pixel."""
    nodes = [
        helper.make_node("MatMul", ["source", "colours"], ["raw"]),
        helper.make_node("Sigmoid", ["raw"], ["colour"]),
        helper.make_node("Reshape", ["colour", "planes"], ["plane"]),
        helper.make_node("Mul", ["plane", "share"], ["paint"]),
        helper.make_node("Mul", ["target", "kept"], ["face"]),
        helper.make_node("Add", ["face", "paint"], ["output"]),
    ]
    picture = (1, 3, size, size) if picture is None else picture
    constants: dict[str, Any] = {
        "colours": COLOURS, "planes": np.array([1, 3, 1, 1]),
        "share": np.float32(1 - kept), "kept": np.float32(kept),
    }  # fmt: skip
    if matrix is not None:
        constants["matrix"] = matrix
    inputs = [_value("target", picture, kind), _value("source", vector, kind)]
    return _save(path, nodes, inputs, [_value("output", given or picture, kind)], constants)


def write_arcface(path: Path, taken: Shape = ("N", 3, 112, 112), given: Shape = ("N", 512)) -> Path:
    """The mean of each colour, spread over 512 numbers."""
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "spread"], ["vector"]),
    ]
    return _save(path, nodes, [_value("input", taken)], [_value("vector", given)], {"spread": SPREAD})
