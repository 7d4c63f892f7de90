"""What the program and the process of the generator say to each other."""

from __future__ import annotations

import io
import json
import struct

import numpy as np
import pytest

from faceapp.latent import messages
from faceapp.latent.messages import Message


def framed(header: object, rest: bytes = b"") -> io.BytesIO:
    data = json.dumps(header).encode()
    return io.BytesIO(struct.pack(">I", len(data)) + data + rest)


def test_messages_come_over_one_after_another() -> None:
    stream = io.BytesIO()
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)[:, ::-1]
    ws = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
    messages.write(stream, Message("step", {"number": 3, "face": None}, {"picture": picture, "ws": ws}))
    messages.write(stream, Message("cancel"))
    stream.seek(0)
    first, second = messages.read(stream), messages.read(stream)
    assert first is not None and second is not None
    assert (first.kind, first.fields) == ("step", {"number": 3, "face": None})
    assert np.array_equal(first.arrays["picture"], picture) and first.arrays["picture"].dtype == np.uint8
    assert np.array_equal(first.arrays["ws"], ws)
    assert (second.kind, second.fields, second.arrays) == ("cancel", {}, {})
    assert messages.read(stream) is None


def test_only_plain_arrays_are_sent() -> None:
    for array in (np.zeros(2, np.float64), np.array(["a", None], object)):
        with pytest.raises(ValueError, match="is not sent"):
            messages.write(io.BytesIO(), Message("x", arrays={"a": array}))


@pytest.mark.parametrize(
    "stream",
    [
        io.BytesIO(b"\x00\x00"),
        io.BytesIO(struct.pack(">I", 2**31) + b"{}"),
        io.BytesIO(struct.pack(">I", 30) + b"{}"),
        io.BytesIO(struct.pack(">I", 3) + b"{,}"),
        framed([]),
        framed({"kind": "x"}),
        framed({"kind": "x", "fields": {}, "arrays": [["a", "object", [1]]]}, b"12345678"),
        framed({"kind": "x", "fields": {}, "arrays": [["a", "uint8", [-1]]]}),
        framed({"kind": "x", "fields": {}, "arrays": [["a", "uint8", [2**40]]]}),
        framed({"kind": "x", "fields": {}, "arrays": [["a", "float32", [2]]]}, b"1234567"),
    ],
)
def test_anything_else_is_a_value_error(stream: io.BytesIO) -> None:
    with pytest.raises(ValueError, match=r"messages|Expecting"):
        messages.read(stream)
