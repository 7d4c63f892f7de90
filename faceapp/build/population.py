"""Trains many candidate networks at once in TensorFlow. Only ever imported in a process of its own.

A plain Keras fit of a small network spends nearly all its time on overhead: tracing, and one call a
batch. Here candidates of one depth and about one size are one network with a leading axis for the
candidate: narrower ones are padded and masked; activation, norm, optimiser and rates come in as numbers.
One loop a depth is traced, whatever the widths, and serves every later generation.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from faceapp.build import openset
from faceapp.build.dataset import STRANGER, TRAIN, VALIDATION, Dataset
from faceapp.build.network import EPSILON, STRANGERS, Layer, Network, class_means, middle, remembered, unit
from faceapp.build.topology import (
    ACTIVATIONS,
    NORMALISATIONS,
    OPTIMISERS,
    WIDEST,
    Topology,
)
from faceapp.types import Floats, Ints

BATCH = 64
EPOCHS = 25
STEPS = (160, 1200)
# Where the candidates are looked at: the best look is kept, and who is far behind goes no further.
LOOKS = (0.15, 0.35, 0.65, 1.0)
# How far behind the best plain method a candidate may be at each look.
BEHIND = (0.05, 0.025, 0.015, 1.0)
# Candidates train side by side when the largest has at most this many times the parameters of the smallest.
ALIKE = 6.0
# Padded widths are multiples of this.
STEP = 8
# How many candidates there are side by side.
SLOTS = (1, 2, 4, 8, 16, 24, 32, 48, 64)
# Losses are made of cosines; this makes them into logits.
SCALE = 50.0
# The steps of the other optimisers, against Adam's.
RMSPROP_RATE, SGD_RATE, MOMENTUM = 0.5, 30.0, 0.9

Item = TypeVar("Item")
Tensors = list[Any]


@dataclass(frozen=True, eq=False)
class Trained:
    """What became of one candidate. accuracy: smoothed, on the validation part. steps: how long it learned
    until its best look. stopped: it was given up early."""

    topology: Topology
    network: Network
    accuracy: float
    threshold: float
    steps: int
    stopped: bool


class Population:
    """Trains candidates on one dataset. The same seed and topology give the same network again."""

    def __init__(self, data: Dataset, seed: int, reference: float, threads: int = 0) -> None:
        """reference: the accuracy of the best plain method on the validation part."""
        _prepare(threads)
        self._data = data
        self._seed = seed
        self.reference = reference
        self._loops: dict[int, _Loops] = {}
        self._plain, self._people = data.known(TRAIN)
        self._memory = remembered(self._people)
        self._strangers = data.strangers(TRAIN)[:STRANGERS]
        self._vectors, self._order = _schedule(data, seed)
        known, _ = data.known(VALIDATION)
        self._validation = np.concatenate([known, data.strangers(VALIDATION)])
        self._validation_known = len(known)

    def train(
        self,
        topologies: Sequence[Topology],
        stop: Callable[[], bool] = lambda: False,
        finished: Collection[int] = (),
    ) -> Iterator[list[tuple[int, Trained]]]:
        """Train all; comes back group by group with (index, result). `stop` is asked between looks.

        A group that was stopped comes back as far as it got, if it was looked at once; the rest does not.
        finished: indices whose results are known. Groups are made as if they were not, so that the others
        come out the same to the last bit; a group of finished ones alone is left out.
        """
        for indices in _groups(topologies, self._data.dimension):
            if stop():
                return
            if all(index in finished for index in indices):
                continue
            done = self._group([topologies[index] for index in indices], stop)
            if done:
                yield list(zip(indices, done, strict=True))

    def _group(self, topologies: Sequence[Topology], stop: Callable[[], bool]) -> list[Trained]:
        loops = self._loops_for(topologies[0].depth)
        # A round number of slots, for each number is compiled once. The rest is filled with copies.
        count = len(topologies)
        slots = _Slots(_filled(topologies), self._data)
        state = self._start(loops, slots)
        best: list[Trained | None] = [None] * slots.count
        alive = list(range(slots.count))
        total, done = len(self._order), 0
        for share, behind in zip(LOOKS, BEHIND, strict=True):
            if stop() and done:
                break
            until = max(done + 1, round(share * total))
            state = self._learn(loops, slots.take(alive), state, done, until)
            done = until
            kept = []
            for place, trained in enumerate(self._look(loops, slots.take(alive), state, done)):
                known = best[alive[place]]
                if known is not None and known.accuracy >= trained.accuracy:
                    trained = known  # noqa: PLW2901
                weak = trained.accuracy < self.reference - behind
                best[alive[place]] = replace(trained, stopped=weak)
                if not weak:
                    kept.append(place)
            if not kept:
                break
            kept = _filled(kept)
            if len(kept) < len(alive):
                alive = [alive[place] for place in kept]
                state = [tf.gather(tensor, kept) for tensor in state]
        return [trained for trained in best[:count] if trained is not None]

    def _loops_for(self, depth: int) -> _Loops:
        if depth not in self._loops:
            self._loops[depth] = _Loops(depth, self._data.dimension)
        return self._loops[depth]

    def _start(self, loops: _Loops, slots: _Slots) -> Tensors:
        """The weights as one row a slot, and both moments of them, at step 0."""
        arrays = slots.weights(self._seed)
        centres, limits = arrays[-2:]
        flat = tf.constant(slots.flatten(arrays))
        refined = loops.refine(flat, slots.sizes(), tf.constant(self._plain), slots.choices())[0].numpy()
        for slot in range(slots.count):
            centres[slot] = class_means(refined[slot], self._people, len(self._data.names))
            cosines = refined[slot] @ centres[slot].T
            rows = np.arange(len(cosines))
            own = cosines[rows, self._people]
            cosines[rows, self._people] = -1.0
            # Between the own centre and the nearest other one.
            limits[slot] = middle(own, cosines.max(1))
        flat = tf.constant(slots.flatten(arrays))
        return [flat, tf.zeros_like(flat), tf.zeros_like(flat)]

    def _learn(self, loops: _Loops, slots: _Slots, state: Tensors, start: int, end: int) -> Tensors:
        vectors, people = self._vectors
        return list(
            loops.learn(
                state, slots.sizes(), tf.constant(vectors), tf.constant(people),
                tf.constant(self._order[start:end]), tf.constant(start), tf.constant(self._seed % 2**31),
                slots.rates(), slots.choices(),
            )
        )  # fmt: skip

    def _look(self, loops: _Loops, slots: _Slots, state: Tensors, steps: int) -> Iterator[Trained]:
        """The candidates as they are now, scored on the validation part."""
        sizes, choices = slots.sizes(), slots.choices()
        _, statistics = loops.refine(state[0], sizes, tf.constant(self._plain), choices)
        memory = self._plain[self._memory]
        rows = tf.constant(np.concatenate([memory, self._strangers, self._validation]))
        refined = loops.refine_with(state[0], sizes, rows, statistics, choices).numpy()
        arrays = slots.unflatten(state[0].numpy())
        measured = [tensor.numpy() for tensor in statistics]
        strange = len(memory) + len(self._strangers)
        known = strange + self._validation_known
        for slot, topology in enumerate(slots.topologies):
            own = refined[slot]
            network = slots.network(
                slot, arrays, measured, own[: len(memory)], self._people[self._memory],
                own[len(memory) : strange],
            )  # fmt: skip
            scores = network.compare(own[strange:known]), network.compare(own[known:])
            threshold, accuracy = openset.calibrate(self._data.scores(VALIDATION, *scores))
            yield Trained(topology, network, accuracy, threshold, steps, False)


class _Slots:
    """Candidates of one depth side by side, each layer padded to the widest of them.

    The weights of a slot are one row: per layer kernel, bias, gain, offset; the last layer's kernel and
    bias; the centres; the limit for strangers; and nothing up to a round length.
    """

    def __init__(
        self, topologies: Sequence[Topology], data: Dataset, widths: tuple[int, ...] | None = None
    ) -> None:
        self.topologies = list(topologies)
        self.count = len(topologies)
        self._data = data
        self._depth = topologies[0].depth
        self._widths = widths or tuple(
            -(-max(topology.widths[number] for topology in topologies) // STEP) * STEP
            for number in range(self._depth)
        )

    def take(self, slots: Sequence[int]) -> _Slots:
        return _Slots([self.topologies[slot] for slot in slots], self._data, self._widths)

    def shapes(self) -> list[tuple[int, ...]]:
        dimension = self._data.dimension
        shapes: list[tuple[int, ...]] = []
        for before, after in zip((dimension, *self._widths), self._widths, strict=False):
            shapes += [(before, after), (after,), (after,), (after,)]
        people = len(self._data.names)
        return [*shapes, (self._widths[-1], dimension), (dimension,), (people, dimension), (1,)]

    def sizes(self) -> Any:
        """(shapes + 1,) how long each part of a row is; the last part is padding."""
        lengths = [int(np.prod(shape)) for shape in self.shapes()]
        total, goal = sum(lengths), 1024
        while goal < total:
            goal += max(1024, goal // 4096 * 1024)
        return tf.constant([*lengths, goal - total], tf.int32)

    def flatten(self, arrays: list[Floats]) -> Floats:
        flat = np.concatenate([array.reshape(self.count, -1) for array in arrays], axis=1)
        length = int(tf.reduce_sum(self.sizes()))
        return np.pad(flat, ((0, 0), (0, length - flat.shape[1])))

    def unflatten(self, flat: Floats) -> list[Floats]:
        parts = np.split(flat, np.cumsum(self.sizes().numpy())[:-1], axis=1)[:-1]
        return [part.reshape(self.count, *shape) for part, shape in zip(parts, self.shapes(), strict=True)]

    def choices(self) -> tuple[Any, ...]:
        """A mask (P, width) a layer; activation, normalisation (P, n) one-hot; dropout (P,); skip (P,)."""
        masks = [
            tf.constant(
                [[float(at < one.widths[number]) for at in range(width)] for one in self.topologies]
            )
            for number, width in enumerate(self._widths)
        ]
        own = self.topologies
        return (
            masks,
            _one_hot([ACTIVATIONS.index(topology.activation) for topology in own], len(ACTIVATIONS)),
            _one_hot([NORMALISATIONS.index(topology.normalisation) for topology in own], len(NORMALISATIONS)),
            tf.constant([topology.dropout for topology in own], tf.float32),
            tf.constant([float(topology.skip) for topology in own], tf.float32),
        )

    def rates(self) -> Any:
        """(P, optimisers) the learning rate under the optimiser that each has, 0 under the others."""
        rates = np.zeros((self.count, len(OPTIMISERS)), np.float32)
        factors = {"adam": 1.0, "rmsprop": RMSPROP_RATE, "sgd": SGD_RATE}
        for slot, topology in enumerate(self.topologies):
            at = OPTIMISERS.index(topology.optimiser)
            rates[slot, at] = topology.learning_rate * factors[topology.optimiser]
        return tf.constant(rates)

    def weights(self, seed: int) -> list[Floats]:
        """He's initial weights: those of a candidate are the same whoever is beside it.

        With a skip the last layer begins at nothing, so that learning starts at the plain embedding.
        """
        random = np.random.default_rng([seed, self._depth])
        dimension = self._data.dimension
        arrays = [np.zeros((self.count, *shape), np.float32) for shape in self.shapes()]
        for number in range(self._depth):
            drawn = random.standard_normal((max(dimension, WIDEST), WIDEST)).astype(np.float32)
            arrays[4 * number + 2] += 1
            for slot, topology in enumerate(self.topologies):
                before = dimension if number == 0 else topology.widths[number - 1]
                after = topology.widths[number]
                # Embeddings have unit length: their numbers are small.
                size = np.sqrt(2.0) if number == 0 else np.sqrt(2.0 / before)
                arrays[4 * number][slot, :before, :after] = size * drawn[:before, :after]
        drawn = random.standard_normal((WIDEST, dimension)).astype(np.float32)
        for slot, topology in enumerate(self.topologies):
            before = topology.widths[-1]
            if not topology.skip:
                arrays[4 * self._depth][slot, :before] = drawn[:before] / np.sqrt(before)
        return arrays

    def network(
        self,
        slot: int,
        arrays: list[Floats],
        statistics: list[Floats],
        memory: Floats,
        owners: Ints,
        strangers: Floats,
    ) -> Network:
        """One candidate cut out of the padded arrays."""
        topology = self.topologies[slot]
        layers = []
        before = self._data.dimension
        for number, width in enumerate(topology.widths):
            kernel, bias, gain, offset = (array[slot] for array in arrays[4 * number : 4 * number + 4])
            mean, variance = (array[slot] for array in statistics[2 * number : 2 * number + 2])
            layers.append(
                Layer(
                    kernel[:before, :width].copy(), bias[:width].copy(), gain[:width].copy(),
                    offset[:width].copy(), mean[:width].copy(), variance[:width].copy(),
                )
            )  # fmt: skip
            before = width
        last, bias, centres = (array[slot] for array in arrays[4 * self._depth : 4 * self._depth + 3])
        return Network(
            topology, tuple(layers), last[:before].copy(), bias.copy(), unit(centres), memory.copy(),
            owners.copy(), strangers.copy(),
        )  # fmt: skip


def _prepare(threads: int) -> None:
    """Once a process: every result is to come again under the same seed."""
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def _filled(items: Sequence[Item]) -> list[Item]:
    """The items and copies of the last one, up to the next of SLOTS."""
    count = next((size for size in SLOTS if len(items) <= size), len(items))
    return [*items, *(count - len(items)) * [items[-1]]]


def _groups(topologies: Sequence[Topology], dimension: int) -> list[list[int]]:
    """The indices of those that train side by side: of one depth and of about one size; small ones first."""
    sizes = [topology.parameters(dimension, 0) for topology in topologies]
    groups: list[list[int]] = []
    keys = [(topology.depth, sizes[index], index) for index, topology in enumerate(topologies)]
    for _, _, index in sorted(keys):
        group = groups[-1] if groups else []
        alike = group and topologies[group[0]].depth == topologies[index].depth
        if alike and sizes[index] <= ALIKE * sizes[group[0]] and len(group) < SLOTS[-1]:
            group.append(index)
        else:
            groups.append([index])
    return sorted(groups, key=lambda group: sizes[group[-1]])


def _schedule(data: Dataset, seed: int) -> tuple[tuple[Floats, Ints], Ints]:
    """What is learned from, and in which order: (vectors, people), rows (steps, BATCH).

    A stranger has one view and a photo has several: strangers are repeated as often. People are numbered
    from 0, and strangers are the last class.
    """
    vectors, people = data.training()
    people = np.where(people == STRANGER, len(data.names), people).astype(np.int32)
    known = people < len(data.names)
    views = max(1, round(known.sum() / max(1, len(data.known(TRAIN)[0]))))
    rows = np.concatenate([np.flatnonzero(known), np.tile(np.flatnonzero(~known), views)])
    size = min(BATCH, len(rows))
    steps = int(np.clip(EPOCHS * len(rows) / views / size, *STEPS))
    random = np.random.default_rng([seed, 1])
    rounds = -(-steps * size // len(rows))
    order = np.concatenate([random.permutation(rows) for _ in range(rounds)])[: steps * size]
    return (vectors, people), order.reshape(steps, size).astype(np.int32)


def _one_hot(indices: Sequence[int], count: int) -> Any:
    return tf.constant(np.eye(count, dtype=np.float32)[list(indices)])


# -- the network, for all slots at once ------------------------------------------------------------


def _unit(vectors: Any) -> Any:
    return vectors * tf.math.rsqrt(tf.reduce_sum(vectors * vectors, -1, keepdims=True) + 1e-12)


def _activate(values: Any, activation: Any) -> Any:
    kinds = tf.nn.relu(values), tf.tanh(values), tf.nn.silu(values), tf.nn.elu(values)
    return sum(activation[:, number, None, None] * kind for number, kind in enumerate(kinds))


def _scaled(values: Any, mean: Any, variance: Any) -> Any:
    return (values - mean) * tf.math.rsqrt(variance + EPSILON)


def _forward(
    weights: Tensors, vectors: Any, choices: tuple[Any, ...], dropped: Any = None, statistics: Any = None
) -> tuple[Any, Tensors]:
    """(P, N, D) refined vectors, and mean and variance of each layer over the rows.

    dropped: (seed, step) while it learns. statistics: what a batch norm takes instead of its own rows.
    """
    masks, activation, normalisation, dropout, skip = choices
    measured: Tensors = []
    values = None
    for number, layer_mask in enumerate(masks):
        kernel, bias, gain, offset = weights[4 * number : 4 * number + 4]
        if values is None:
            raw = tf.einsum("nd,pdh->pnh", vectors, kernel)
        else:
            raw = tf.matmul(values, kernel)
        raw = raw + bias[:, None, :]
        mask = layer_mask[:, None, :]
        units = tf.reduce_sum(mask, -1, keepdims=True)
        own_mean = tf.reduce_sum(raw * mask, -1, keepdims=True) / units
        own_variance = tf.reduce_sum(tf.square(raw - own_mean) * mask, -1, keepdims=True) / units
        if statistics is None:
            mean, variance = tf.nn.moments(raw, [1])
        else:
            mean, variance = statistics[2 * number : 2 * number + 2]
        measured += [mean, variance]
        normed = (
            normalisation[:, 1, None, None] * _scaled(raw, own_mean, own_variance)
            + normalisation[:, 2, None, None] * _scaled(raw, mean[:, None], variance[:, None])
        ) * gain[:, None, :] + (1 - normalisation[:, 0, None, None]) * offset[:, None, :]
        values = _activate(normalisation[:, 0, None, None] * raw + normed, activation) * mask
        if dropped is not None:
            # The same chances for every candidate, whoever is beside it.
            shape = tf.stack([tf.shape(vectors)[0], WIDEST])
            chance = tf.random.stateless_uniform(shape, tf.stack([dropped[0] + number, dropped[1]]))
            chance = chance[:, : tf.shape(values)[2]]
            keep = 1 - dropout[:, None, None]
            values = values * tf.cast(chance[None] < keep, tf.float32) / keep
    last, bias = weights[4 * len(masks) : 4 * len(masks) + 2]
    refined = tf.matmul(values, last) + bias[:, None, :] + skip[:, None, None] * vectors[None]
    return _unit(refined), measured


class _Loops:
    """The traced functions for candidates of one depth, whatever their widths and their number."""

    def __init__(self, depth: int, dimension: int) -> None:
        table, list_, whole = _spec([None, None]), _spec([None]), _spec([], tf.int32)
        choices = (
            depth * [table], _spec([None, len(ACTIVATIONS)]), _spec([None, len(NORMALISATIONS)]),
            list_, list_,
        )  # fmt: skip
        sizes = _spec([4 * depth + 5], tf.int32)
        rows = _spec([None, dimension])
        self.refine = _traced(_refine, table, sizes, rows, choices)
        self.refine_with = _traced(_refine_with, table, sizes, rows, 2 * depth * [table], choices)
        self.learn = _traced(
            _learn, 3 * [table], sizes, rows, _spec([None], tf.int32), _spec([None, None], tf.int32),
            whole, whole, _spec([None, len(OPTIMISERS)]), choices,
        )  # fmt: skip


def _spec(shape: list[int | None], kind: Any = tf.float32) -> Any:
    return tf.TensorSpec(shape, kind)


def _traced(function: Callable[..., Any], *signature: Any) -> Any:
    return tf.function(function, input_signature=signature, autograph=False)


def _refine(flat: Any, sizes: Any, vectors: Any, choices: tuple[Any, ...]) -> tuple[Any, Tensors]:
    return _forward(_parts(flat, sizes, vectors), vectors, choices)


def _refine_with(
    flat: Any, sizes: Any, vectors: Any, statistics: Tensors, choices: tuple[Any, ...]
) -> Any:
    return _forward(_parts(flat, sizes, vectors), vectors, choices, statistics=statistics)[0]


def _parts(flat: Any, sizes: Any, vectors: Any) -> Tensors:
    """The weights (P, ...) of all slots, cut out of their rows."""
    *parts, _ = tf.split(flat, sizes, axis=1, num=sizes.shape[0])
    slots, dimension = tf.shape(flat)[0], vectors.shape[1]
    depth = (len(parts) - 4) // 4
    shaped: Tensors = []
    before: Any = dimension
    for number in range(depth):
        kernel, *others = parts[4 * number : 4 * number + 4]
        after = sizes[4 * number + 1]
        shaped += [tf.reshape(kernel, [slots, before, after]), *others]
        before = after
    last, bias, centres, limit = parts[-4:]
    return [
        *shaped, tf.reshape(last, [slots, before, dimension]), bias,
        tf.reshape(centres, [slots, -1, dimension]), limit,
    ]  # fmt: skip


def _learn(
    state: Tensors,
    sizes: Any,
    vectors: Any,
    people: Any,
    order: Any,
    start: Any,
    seed: Any,
    rates: Any,
    choices: tuple[Any, ...],
) -> Tensors:
    """Take the steps whose rows are in `order` (steps, batch); `start` were taken before."""

    def step(number: Any, flat: Any, first: Any, second: Any) -> tuple[Any, ...]:
        batch, labels = tf.gather(vectors, order[number]), tf.gather(people, order[number])
        with tf.GradientTape() as tape:
            tape.watch(flat)
            weights = _parts(flat, sizes, vectors)
            loss = _loss(weights, batch, labels, (seed, start + number), choices)
        slope = tape.gradient(loss, flat)
        taken = tf.cast(start + number + 1, tf.float32)
        return number + 1, *_update(flat, slope, first, second, rates, taken)

    end = tf.shape(order)[0]
    final = tf.while_loop(lambda number, *_: number < end, step, (tf.constant(0), *state))
    return list(final[1:])


@tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
def _update(
    weights: Any, slope: Any, first: Any, second: Any, rates: Any, step: Any
) -> tuple[Any, Any, Any]:
    """One step of all three optimisers, each at its own rate, which is 0 but for one.

    Compiled: a dozen small operations on every weight would take longer than the network itself.
    """
    adam, rmsprop, sgd = (rates[:, number, None] for number in range(3))
    first = MOMENTUM * first + (1 - MOMENTUM) * slope
    second = 0.999 * second + 0.001 * slope * slope
    size = tf.sqrt(second / (1 - 0.999**step)) + 1e-7
    along = adam * first / (1 - MOMENTUM**step) / size + rmsprop * slope / size + sgd * first
    return weights - along, first, second


def _loss(weights: Tensors, batch: Any, labels: Any, dropped: Any, choices: tuple[Any, ...]) -> Any:
    """Cross-entropy over the people and the strangers: a known face is to be nearer to its own centre than
    to the others and than the limit, a stranger further from all of them than the limit."""
    refined, _ = _forward(weights, batch, choices, dropped)
    cosines = tf.matmul(refined, _unit(weights[-2]), transpose_b=True)
    limit = weights[-1][:, None, :] + tf.zeros_like(cosines[:, :, :1])
    likely = tf.nn.log_softmax(SCALE * tf.concat([cosines, limit], -1))
    wanted = tf.one_hot(labels, tf.shape(likely)[2])
    return -tf.reduce_sum(tf.reduce_mean(tf.reduce_sum(likely * wanted[None], -1), -1))
