"""What this process and its child say to each other: a JSON header, then arrays as plain bytes.

    4 bytes  length of the header, big-endian
    header   JSON: "kind", fields, and "arrays": [name, type, shape] each
    arrays   their bytes, one behind the other

Nothing that arrives is run, and nothing is larger than the limits.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

LARGEST_HEADER = 4 * 1024**2
LARGEST_ARRAY = 2 * 1024**3
TYPES = {"uint8": np.uint8, "float32": np.float32}


@dataclass(frozen=True, eq=False)
class Message:
    """kind: what it is about. fields: plain values. arrays: uint8 or float32."""

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


def write(stream: IO[bytes], message: Message) -> None:
    """Send a message. Raises OSError when the other side is gone, ValueError for other types of arrays."""
    own = {name: np.ascontiguousarray(array) for name, array in message.arrays.items()}
    for name, array in own.items():
        if array.dtype.name not in TYPES:
            raise ValueError(f"{name}: {array.dtype} is not sent")
    rows = [(name, array.dtype.name, array.shape) for name, array in own.items()]
    header = json.dumps({"kind": message.kind, "fields": message.fields, "arrays": rows}).encode()
    stream.write(struct.pack(">I", len(header)) + header)
    for array in own.values():
        stream.write(array.tobytes())
    stream.flush()


def read(stream: IO[bytes]) -> Message | None:
    """The next message, or None when the other side has ended. Raises ValueError for anything else."""
    start = stream.read(4)
    if not start:
        return None
    length = struct.unpack(">I", _exactly(start, 4))[0]
    if length > LARGEST_HEADER:
        raise ValueError("messages: a header that is too long")
    header = json.loads(_exactly(stream.read(length), length))
    if not isinstance(header, dict) or header.keys() != {"kind", "fields", "arrays"}:
        raise ValueError("messages: an unknown header")
    arrays = {}
    for name, kind, shape in header["arrays"]:
        if kind not in TYPES or any(not isinstance(side, int) or side < 0 for side in shape):
            raise ValueError(f"messages: an array of {kind} {shape}")
        count = math.prod(shape) * np.dtype(TYPES[kind]).itemsize
        if count > LARGEST_ARRAY:
            raise ValueError("messages: an array that is too large")
        data = _exactly(stream.read(count), count)
        arrays[str(name)] = np.frombuffer(data, TYPES[kind]).reshape(shape).copy()
    return Message(str(header["kind"]), header["fields"], arrays)


def _exactly(data: bytes, count: int) -> bytes:
    if len(data) != count:
        raise ValueError("messages: it ended in the middle")
    return data
