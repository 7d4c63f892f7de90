"""Networks and plain methods as files: ONNX, written by hand, and Keras' own format.

Both take embeddings (N, D) under the name "embedding" and give "scores" (N, C). The ONNX file is what the
program itself runs; the Keras file is there to be taken elsewhere. Keras is imported only by `write_keras`,
in a process of its own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceapp.build.baselines import Plain, side_by_side
from faceapp.build.network import CENTRE, EPSILON, PHOTO, STRANGE, Layer, Network
from faceapp.types import Floats

if TYPE_CHECKING:
    import onnx

INPUT, OUTPUT = "embedding", "scores"
OPSET, IR_VERSION = 17, 8
# What the graphs here are made of. An imported file may hold nothing else.
OPERATORS = frozenset(
    "Add Div Elu Gemm LayerNormalization Mul ReduceL2 ReduceMax ReduceMean Relu Reshape Sigmoid Sub"
    " Tanh TopK".split()
)
ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "elu": "Elu"}


def onnx_of(model: Network | Plain, dimension: int) -> bytes:
    """The ONNX file of a network or of a plain method."""
    graph = _Graph(dimension)
    if isinstance(model, Plain):
        graph.compare(INPUT, model.rows, model.offset, model.people, model.best, OUTPUT)
        return graph.finish(model.people)
    refined = graph.refined(model)
    people = len(model.centres)
    centres, rows, offset, strangers = _comparisons(model)
    graph.gemm(refined, centres, np.zeros(people, np.float32), "to_centres")
    graph.compare(refined, rows, offset, people, 1, "to_photos")
    known = graph.node("Add", ["to_centres", "to_photos"], "to_known" if len(strangers) else OUTPUT)
    if len(strangers):
        graph.gemm(refined, strangers.T, np.zeros(len(strangers), np.float32), "to_strangers")
        nearest = graph.node("ReduceMax", ["to_strangers"], "nearest_stranger", axes=[1], keepdims=1)
        graph.node("Sub", [known, nearest], OUTPUT)
    return graph.finish(people)


def _comparisons(network: Network) -> tuple[Floats, Floats, Floats, Floats]:
    """What refined embeddings are multiplied with, weighted: centres (D, C), rows (C * K, D) and offset of
    the photos, strangers (M, D)."""
    rows, offset = side_by_side(network.memory, network.owners, len(network.centres))
    weight = np.float32(PHOTO)
    return (
        np.float32(CENTRE) * network.centres.T, weight * rows, weight * offset,
        np.float32(STRANGE) * network.strangers,
    )  # fmt: skip


class _Graph:
    """Collects nodes and constants."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, name: str, values: np.ndarray[Any, Any]) -> str:
        from onnx import numpy_helper

        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, inputs: list[str], *outputs: str, **attributes: Any) -> str:
        from onnx import helper

        self._nodes.append(helper.make_node(kind, inputs, list(outputs), **attributes))
        return outputs[0]

    def gemm(self, source: str, kernel: Floats, bias: Floats, name: str) -> str:
        inputs = [source, self.constant(f"{name}_kernel", kernel), self.constant(f"{name}_bias", bias)]
        return self.node("Gemm", inputs, name)

    def refined(self, network: Network) -> str:
        topology, source = network.topology, INPUT
        for number, layer in enumerate(network.layers):
            kinds = topology.normalisation, topology.activation
            source = self._layer(layer, *kinds, source, f"layer_{number}")
        source = self.gemm(source, network.kernel, network.bias, "last")
        if topology.skip:
            source = self.node("Add", [source, INPUT], "corrected")
        length = self.node("ReduceL2", [source], "length", axes=[1], keepdims=1)
        return self.node("Div", [source, length], "refined")

    def _layer(self, layer: Layer, normalisation: str, activation: str, source: str, name: str) -> str:
        kernel, bias = layer.kernel, layer.bias
        if normalisation == "batch":
            scale = layer.gain / np.sqrt(layer.variance + EPSILON)
            kernel, bias = kernel * scale, (bias - layer.mean) * scale + layer.offset
        source = self.gemm(source, kernel, bias, name)
        if normalisation == "layer":
            inputs = [source, self.constant(f"{name}_gain", layer.gain)]
            inputs.append(self.constant(f"{name}_offset", layer.offset))
            source = self.node("LayerNormalization", inputs, f"{name}_normed", axis=-1, epsilon=EPSILON)
        if activation == "silu":
            gate = self.node("Sigmoid", [source], f"{name}_gate")
            return self.node("Mul", [source, gate], f"{name}_active")
        return self.node(ACTIVATIONS[activation], [source], f"{name}_active")

    def compare(
        self, source: str, rows: Floats, offset: Floats, people: int, best: int, name: str
    ) -> None:
        """Scores of people from several rows each: the mean of the `best` highest products."""
        each = len(rows) // people
        if each == 1:
            self.gemm(source, rows.T, offset, name)
            return
        products = self.gemm(source, rows.T, offset, f"{name}_products")
        shape = self.constant(f"{name}_shape", np.array([-1, people, each], np.int64))
        grouped = self.node("Reshape", [products, shape], f"{name}_grouped")
        if best == 1:
            self.node("ReduceMax", [grouped], name, axes=[2], keepdims=0)
            return
        count = self.constant(f"{name}_count", np.array([best], np.int64))
        highest = self.node("TopK", [grouped, count], f"{name}_highest", f"{name}_places", axis=2)
        self.node("ReduceMean", [highest], name, axes=[2], keepdims=0)

    def finish(self, people: int) -> bytes:
        from onnx import TensorProto, checker, helper

        given = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["faces", self._dimension])
        wanted = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["faces", people])
        graph = helper.make_graph(self._nodes, "recogniser", [given], [wanted], self._constants)
        model: onnx.ModelProto = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
            producer_name="faceapp",
        )  # fmt: skip
        checker.check_model(model)
        return bytes(model.SerializeToString())


def write_keras(network: Network, path: Path) -> None:
    """Save the network as a `.keras` file, made of Keras' own layers alone: it loads without this program.

    Nothing is left under the name when that fails.
    """
    model = keras_model(network)
    temporary = path.with_name(f"partial-{os.getpid()}-{path.name}")
    try:
        model.save(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def keras_model(network: Network) -> Any:
    """The trained network as a Keras model."""
    import keras

    layers = keras.layers
    topology, people = network.topology, len(network.centres)
    given = keras.Input((network.kernel.shape[1],), name=INPUT)
    weights: list[tuple[Any, list[Floats]]] = []

    def dense(values: Any, kernel: Floats, bias: Floats, name: str) -> Any:
        layer = layers.Dense(kernel.shape[1], name=name)
        weights.append((layer, [kernel, bias]))
        return layer(values)

    values = given
    for number, own in enumerate(network.layers):
        values = dense(values, own.kernel, own.bias, f"layer_{number}")
        if topology.normalisation == "layer":
            norm = layers.LayerNormalization(epsilon=EPSILON, name=f"norm_{number}")
            weights.append((norm, [own.gain, own.offset]))
            values = norm(values)
        elif topology.normalisation == "batch":
            norm = layers.BatchNormalization(epsilon=EPSILON, name=f"norm_{number}")
            weights.append((norm, [own.gain, own.offset, own.mean, own.variance]))
            values = norm(values)
        values = layers.Activation(topology.activation, name=f"active_{number}")(values)
        values = layers.Dropout(topology.dropout, name=f"dropout_{number}")(values)
    values = dense(values, network.kernel, network.bias, "last")
    if topology.skip:
        values = layers.Add(name="corrected")([values, given])
    refined = layers.UnitNormalization(name="refined")(values)
    centres, rows, offset, strangers = _comparisons(network)
    parts = [dense(refined, centres, np.zeros(people, np.float32), "to_centres")]
    photos = dense(refined, rows.T, offset, "to_photos")
    photos = layers.Reshape((people, len(rows) // people), name="grouped")(photos)
    parts.append(layers.GlobalMaxPooling1D(data_format="channels_first", name="nearest")(photos))
    if len(strangers):
        strange = dense(refined, strangers.T, np.zeros(len(strangers), np.float32), "to_strangers")
        strange = layers.Reshape((len(strangers), 1), name="each")(strange)
        strange = layers.GlobalMaxPooling1D(name="nearest_stranger")(strange)
        parts.append(dense(strange, -np.ones((1, people), np.float32), np.zeros(people, np.float32), "less"))
    model = keras.Model(given, layers.Add(name=OUTPUT)(parts), name="recogniser")
    for layer, values in weights:
        layer.set_weights(values)
    return model
