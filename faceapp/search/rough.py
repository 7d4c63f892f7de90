"""A first, rough look at a large gallery: all similarities in whole numbers, four times as quick.

A matrix product over 100,000 faces waits for memory; in 7 bits a number it reads a quarter. How far off it
can be is known, so that what is left after this look is searched exactly and nobody is missed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from faceapp.types import Floats

# 7 bits: processors without VNNI add pairs of products in 16 bits, and 8 bits would overflow there.
LEVELS = 63
QUERY_LEVELS = 127
QUERY_ZERO = 128
# Rounding errors are independent, so their sum is near normal: beyond seven deviations lie 3 in 10^12.
DEVIATIONS = 7


class RoughSearch:
    """Rough similarities of a query to all of `vectors` (N, D), unit length."""

    def __init__(self, vectors: Floats) -> None:
        self._step = float(np.abs(vectors).max()) / LEVELS
        whole = np.rint(vectors / self._step).astype(np.int8)
        self._session = _session(np.ascontiguousarray(whole.T))

    def similarities(self, query: Floats) -> tuple[Floats, float]:
        """(N,) products with a unit vector (D,), and how far off each may be."""
        step = float(np.abs(query).max()) / QUERY_LEVELS
        # A rounding error is uniform, so its deviation is a step / sqrt(12); both sides are rounded.
        margin = DEVIATIONS * (self._step + step) / np.sqrt(12)
        whole = (np.rint(query / step) + QUERY_ZERO).astype(np.uint8)
        (products,) = self._session.run(None, {"query": whole[None]})
        return np.asarray(products[0] * np.float32(step * self._step), np.float32), float(margin)


def _session(columns: Any) -> Any:
    """A network of one node: the query times the columns (D, N), in integers."""
    from onnx import TensorProto, helper, numpy_helper

    from faceapp.models.onnx import session

    zero = numpy_helper.from_array(np.array(QUERY_ZERO, np.uint8), "zero")
    gallery = numpy_helper.from_array(columns, "gallery")
    node = helper.make_node("MatMulInteger", ["query", "gallery", "zero"], ["products"])
    size, faces = columns.shape
    graph = helper.make_graph(
        [node],
        "rough",
        [helper.make_tensor_value_info("query", TensorProto.UINT8, [1, size])],
        [helper.make_tensor_value_info("products", TensorProto.INT32, [1, faces])],
        [zero, gallery],
    )
    opset = helper.make_opsetid("", 17)
    return session(helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString())
