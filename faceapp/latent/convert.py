"""Turns a PyTorch checkpoint of rosinality's StyleGAN2 (.pt) into a safetensors file, without PyTorch.

A checkpoint is a pickle, and unpickling one runs whatever code its author put into it. Here it is never
unpickled: `pickletools.genops` only names the instructions, and the little machine below follows those
that dictionaries, numbers and tensors need. It knows no function but the ones that stand for a tensor,
and even those are not called. Whatever else a file asks for is refused, by its name.
"""

from __future__ import annotations

import math
import pickletools
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from faceapp.errors import BadRequest, FaceAppError
from faceapp.jobs import JobContext
from faceapp.latent.weights import HINT, UNKNOWN_LICENCE, Arrays, Weights, checked, save_weights
from faceapp.models.store import sha256_of
from faceapp.types import Floats

# The first pickle of the format that PyTorch wrote before 1.6: a number that means "I am one".
LEGACY_START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
LARGEST_PICKLE = 64 * 1024**2
MOST_INSTRUCTIONS = 5_000_000
LARGEST_TENSOR = 1024**3
STORAGES = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "LongStorage": "<i8",
    "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "<i1", "ByteStorage": "<u1",
    "BoolStorage": "<u1", "BFloat16Storage": "<u2",
}  # fmt: skip
REBUILD = "torch._utils _rebuild_tensor_v2"
PARAMETER = "torch._utils _rebuild_parameter"
ORDERED = "collections OrderedDict"
# Settings that training left in a checkpoint; they are passed over.
IGNORED = frozenset({"argparse Namespace"})
# What a damaged or strange file leads to, inside the machine or the zip.
BROKEN = (OSError, ValueError, KeyError, IndexError, TypeError, zipfile.BadZipFile, NotImplementedError)


@dataclass(frozen=True)
class Named:
    """A class or function that the file names; it is not looked up."""

    name: str


@dataclass(frozen=True)
class Storage:
    """Numbers that lie elsewhere in the file. kind: as in STORAGES; count: how many."""

    key: str
    kind: str
    count: int


@dataclass(frozen=True)
class Tensor:
    """A view into a storage, in numbers."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(eq=False)
class Passed:
    """Something that is not needed."""

    state: Any = None


class _Mark:
    """Where a list of arguments begins on the stack."""


@dataclass(eq=False)
class _Machine:
    """Follows the instructions of one pickle with values that can do nothing."""

    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def run(self, stream: IO[bytes]) -> Any:
        """The value that the pickle describes. Raises ValueError, or BadRequest with the name of code."""
        for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if count > MOST_INSTRUCTIONS:
                raise ValueError("it has too many instructions")
            if opcode.name == "STOP":
                return self.stack.pop()
            self._follow(opcode.name, argument)
        raise ValueError("it ends in the middle")

    def _follow(self, name: str, argument: Any) -> None:
        if name in _PLAIN:
            self.stack.append(argument)
        elif name in _MADE:
            self.stack.append(_MADE[name]())
        elif name in _ACTIONS:
            _ACTIONS[name](self, argument)
        elif name not in ("PROTO", "FRAME"):
            raise ValueError(f"it has the instruction {name}")

    def marked(self) -> list[Any]:
        """Everything since the last mark, which goes too."""
        for place in range(len(self.stack) - 1, -1, -1):
            if isinstance(self.stack[place], _Mark):
                found = self.stack[place + 1 :]
                del self.stack[place:]
                return found
        raise ValueError("a mark is missing")

    def keep(self, place: int | None) -> None:
        self.memo[len(self.memo) if place is None else place] = self.stack[-1]

    def name(self, text: str) -> None:
        known = text in (REBUILD, PARAMETER, ORDERED) or text in IGNORED
        storage = text.startswith("torch ") and text.split(" ", 1)[1] in STORAGES
        if not known and not storage:
            raise code_inside(text.replace(" ", "."))
        self.stack.append(Named(text))

    def stack_name(self) -> None:
        attribute, module = self.stack.pop(), self.stack.pop()
        self.name(f"{module} {attribute}")

    def stored(self) -> None:
        """A reference to numbers: ("storage", type, key, device, count) and what old files add."""
        row = self.stack.pop()
        if not isinstance(row, tuple) or len(row) < 5 or row[0] != "storage" or not isinstance(row[1], Named):
            raise ValueError("an unknown reference")
        kind = row[1].name.split(" ", 1)[1]
        if kind not in STORAGES or not isinstance(row[4], int):
            raise ValueError("an unknown storage")
        if len(row) > 5 and row[5] is not None:
            raise ValueError("a storage that is part of another")
        self.stack.append(Storage(str(row[2]), kind, row[4]))

    def call(self) -> None:
        """What stands for a call: a tensor, a parameter, an empty dictionary, or something passed over."""
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, Named) or not isinstance(arguments, tuple):
            raise ValueError("a call of something else")
        if function.name == ORDERED:
            self.stack.append(dict(arguments[0]) if arguments else {})
        elif function.name == REBUILD:
            self.stack.append(_tensor(arguments))
        elif function.name == PARAMETER:
            self.stack.append(arguments[0])
        elif function.name in IGNORED:
            self.stack.append(Passed())
        else:
            raise ValueError("a call of a type")

    def build(self) -> None:
        """A state for the object below it; only what is passed over takes one, dictionaries ignore theirs."""
        self.stack.pop()
        if not isinstance(self.stack[-1], dict | Passed):
            raise ValueError("a state for something else")

    def items(self, values: list[Any]) -> None:
        if not isinstance(self.stack[-1], dict) or len(values) % 2:
            raise ValueError("entries of something else")
        self.stack[-1].update(zip(values[::2], values[1::2], strict=True))

    def elements(self, values: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise ValueError("elements of something else")
        self.stack[-1].extend(values)

    def bundle(self, count: int) -> None:
        if len(self.stack) < count:
            raise ValueError("too little on the stack")
        values = tuple(self.stack[-count:])
        self.stack[-count:] = [values]

    def two(self) -> list[Any]:
        value = self.stack.pop()
        return [self.stack.pop(), value]


_PLAIN = frozenset({
    "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "SHORT_BINSTRING", "BINSTRING", "BINBYTES", "SHORT_BINBYTES", "INT", "LONG", "FLOAT", "UNICODE", "STRING",
})  # fmt: skip
_MADE: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_DICT": dict,
    "EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_SET": set, "MARK": _Mark,
}  # fmt: skip
_ACTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "BINPUT": lambda machine, place: machine.keep(place),
    "LONG_BINPUT": lambda machine, place: machine.keep(place),
    "MEMOIZE": lambda machine, _: machine.keep(None),
    "BINGET": lambda machine, place: machine.stack.append(machine.memo[place]),
    "LONG_BINGET": lambda machine, place: machine.stack.append(machine.memo[place]),
    "GLOBAL": lambda machine, text: machine.name(text),
    "STACK_GLOBAL": lambda machine, _: machine.stack_name(),
    "BINPERSID": lambda machine, _: machine.stored(),
    "REDUCE": lambda machine, _: machine.call(),
    "NEWOBJ": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.build(),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.marked())),
    "TUPLE1": lambda machine, _: machine.bundle(1),
    "TUPLE2": lambda machine, _: machine.bundle(2),
    "TUPLE3": lambda machine, _: machine.bundle(3),
    "SETITEM": lambda machine, _: machine.items(machine.two()),
    "SETITEMS": lambda machine, _: machine.items(machine.marked()),
    "APPEND": lambda machine, _: machine.elements([machine.stack.pop()]),
    "APPENDS": lambda machine, _: machine.elements(machine.marked()),
    "DICT": lambda machine, _: machine.stack.append(dict(_pairs(machine.marked()))),
    "LIST": lambda machine, _: machine.stack.append(machine.marked()),
}


def _pairs(values: list[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(values[::2], values[1::2], strict=True)


def _tensor(arguments: tuple[Any, ...]) -> Tensor:
    storage, offset, size, stride = arguments[:4]
    numbers = (offset, *size, *stride)
    if not isinstance(storage, Storage) or not all(isinstance(n, int) and n >= 0 for n in numbers):
        raise ValueError("an unknown tensor")
    last = offset + sum((side - 1) * step for side, step in zip(size, stride, strict=True))
    if math.prod(size) and last >= storage.count:
        raise ValueError("a tensor that is longer than its storage")
    if math.prod(size) > LARGEST_TENSOR:
        raise ValueError("a tensor that is too large")
    return Tensor(storage, offset, tuple(size), tuple(stride))


# -- the two formats ----------------------------------------------------------------------------------
Reader = Callable[[Storage], bytes]


def read_checkpoint(path: Path) -> Arrays:
    """The generator's arrays of a .pt file, by the names of its state dict, with `latent_avg`.

    Raises:
        BadRequest: the file holds code, is a pickle of NVlabs, or is no checkpoint of a generator.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(len(LEGACY_START))
        if start[:4] == b"PK\x03\x04":
            return _read_zip(path)
        if start == LEGACY_START:
            return _read_legacy(path)
        if start[:1] == b"\x80" or path.suffix.lower() in (".pkl", ".pickle"):
            raise nvlabs(path)
    except FileNotFoundError as error:
        raise BadRequest("no_such_file", f"There is no file {path}.") from error
    except BROKEN as error:
        sentence = f"{path.name} is not a readable checkpoint: {error}."
        raise BadRequest("checkpoint", sentence, HINT) from error
    raise BadRequest("checkpoint", f"{path.name} is no PyTorch checkpoint.", HINT)


def convert(
    context: JobContext, source: Path, target: Path, name: str = "", licence: str = UNKNOWN_LICENCE
) -> Weights:
    """Write the generator of a .pt file as safetensors; comes back with its weights.

    name, licence: what to call it and what its author allows; both are kept in the file.
    Raises BadRequest, and OSError when the target cannot be written.
    """
    context.progress(0, 3, f"Reading {source.name}")
    arrays = read_checkpoint(source)
    context.progress(1, 3, "Checking the weights")
    try:
        weights = checked(arrays, name or source.stem, licence)
    except ValueError as error:
        raise BadRequest("checkpoint", f"{source.name} cannot be used: {error}.", HINT) from error
    context.progress(2, 3, f"Writing {target.name}")
    save_weights(target, weights, sha256_of(source))
    context.progress(3, 3, f"Writing {target.name}")
    return weights


def nvlabs(path: Path) -> FaceAppError:
    return BadRequest(
        "pickle",
        f"{path.name} is a Python pickle as NVIDIA publishes them: opening it runs the code inside, so it is"
        " refused.",
        "Convert it on a machine that you trust with the author's own tools, then give the .pt file."
        " docs/stylegan2.md says how.",
    )


def code_inside(name: str) -> FaceAppError:
    return BadRequest(
        "pickle", f"The file asks to run {name}, which no weights need, so it is refused.", HINT
    )


def _read_zip(path: Path) -> Arrays:
    """PyTorch 1.6 and later: a zip with data.pkl and a file for each storage."""
    with zipfile.ZipFile(path) as archive:
        pickled = [info for info in archive.infolist() if info.filename.endswith("/data.pkl")]
        if len(pickled) != 1 or pickled[0].file_size > LARGEST_PICKLE:
            raise ValueError("it has no data.pkl of a usual size")
        folder = pickled[0].filename[: -len("data.pkl")]
        with archive.open(pickled[0]) as stream:
            root = _Machine().run(stream)
        if f"{folder}byteorder" in archive.namelist() and archive.read(f"{folder}byteorder") != b"little":
            raise ValueError("its numbers are big-endian")

        def storage(wanted: Storage) -> bytes:
            info = archive.getinfo(f"{folder}data/{wanted.key}")
            if info.file_size != wanted.count * np.dtype(STORAGES[wanted.kind]).itemsize:
                raise ValueError("a storage of another length")
            return archive.read(info)

        return _arrays(root, storage)


def _read_legacy(path: Path) -> Arrays:
    """Before 1.6: five pickles (magic, version, system, the object, the storages' keys), then the numbers."""
    with path.open("rb") as stream:
        for _ in range(3):
            _Machine().run(stream)
        root = _Machine().run(stream)
        keys = _Machine().run(stream)
        kinds = {storage.key: storage for storage in _storages(root)}
        found: dict[str, bytes] = {}
        for key in keys:
            count = int.from_bytes(stream.read(8), "little")
            known = kinds.get(str(key))
            if known is None or count != known.count:
                raise ValueError("a storage of another length")
            length = count * np.dtype(STORAGES[known.kind]).itemsize
            found[known.key] = stream.read(length)
            if len(found[known.key]) != length:
                raise ValueError("it ends in the middle")
    return _arrays(root, lambda wanted: found[wanted.key])


def _storages(value: Any) -> Iterator[Storage]:
    if isinstance(value, Tensor):
        yield value.storage
    elif isinstance(value, dict):
        for one in value.values():
            yield from _storages(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _storages(one)


def _arrays(root: Any, storage: Reader) -> dict[str, Floats]:
    """The arrays of `g_ema` (or of the root, where it is a state dict itself) and `latent_avg`."""
    if not isinstance(root, dict):
        raise ValueError("it holds no dictionary")
    state = next((root[key] for key in ("g_ema", "g") if isinstance(root.get(key), dict)), root)
    tensors = {str(name): value for name, value in state.items() if isinstance(value, Tensor)}
    if "input.input" not in tensors:
        raise ValueError("it holds no generator of StyleGAN2")
    average = root.get("latent_avg")
    if isinstance(average, Tensor):
        tensors["latent_avg"] = average
    arrays = {name: _array(tensor, storage(tensor.storage)) for name, tensor in tensors.items()}
    if "latent_avg" in arrays:
        arrays["latent_avg"] = arrays["latent_avg"].reshape(-1)
    return arrays


def _array(tensor: Tensor, data: bytes) -> Floats:
    numbers: NDArray[Any] = np.frombuffer(data, STORAGES[tensor.storage.kind])
    if tensor.storage.kind == "BFloat16Storage":
        numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
    # `_tensor` has checked that the view ends inside of the storage.
    strides = [step * numbers.itemsize for step in tensor.stride]
    view = np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.size, strides)
    return view.astype(np.float32)
