"""The file of a recogniser: a zip with the card, the network as ONNX and Keras, the best plain method.

The network is missing where a build was stopped before one was trained. The card holds the size and the
SHA-256 of every other member: that shows damage and mix-ups, not forgery, for who changes a member can change
the card as well.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from faceapp.build.card import Card, Member, damaged, no_recogniser
from faceapp.build.export import INPUT, OPERATORS, OUTPUT
from faceapp.build.fields import shown
from faceapp.errors import BadRequest, NotFound, StoreUnavailable, TooLarge

CARD, NETWORK, PLAIN, KERAS = "card.json", "model.onnx", "plain.onnx", "model.keras"
NAMES = frozenset({CARD, NETWORK, PLAIN, KERAS})
MODELS = {"network": NETWORK, "plain": PLAIN}
MEGABYTE = 1024 * 1024
LARGEST = {CARD: 32 * MEGABYTE, NETWORK: 256 * MEGABYTE, PLAIN: 256 * MEGABYTE, KERAS: 512 * MEGABYTE}
LARGEST_FILE = 512 * MEGABYTE
# Weights hardly shrink; what shrinks more than that is a bomb.
LARGEST_RATIO = 200
PACKED_BY = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 1


@dataclass(frozen=True, eq=False)
class Archive:
    """A recogniser's file in memory. models: ONNX bytes by "network" and "plain"."""

    card: Card
    models: dict[str, bytes]


def write(path: Path, card: Card, models: Mapping[str, bytes], keras: Path | None) -> None:
    """Write the zip; nothing is left under the name when that fails. Raises StoreUnavailable.

    models: ONNX bytes by "network" and "plain", those that the card decides with.
    """
    with whole(path) as temporary:
        members = {MODELS[which]: model for which, model in models.items()}
        if keras is not None:
            # Read once: another process may write it anew.
            members[KERAS] = keras.read_bytes()
        files = {name: Member(len(data), hashlib.sha256(data).hexdigest()) for name, data in members.items()}
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(CARD, replace(card, files=files).to_json())
            for name, data in members.items():
                file.writestr(name, data)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place to write a recogniser's file, which gets its name when all of it is there.

    Raises StoreUnavailable.
    """
    # Several processes may work on one build.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise StoreUnavailable(
            "recogniser_not_written", f"{path.name} could not be written: {error.strerror}.",
            "Is the disk full, or the folder write-protected?",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def read(source: Path | bytes) -> Archive:
    """Read a recogniser's file, from anywhere: every name, size, digest and shape in it is checked, nothing
    of it is unpacked to the disk, unpickled or executed; the Keras file is not looked into.

    A file from before cards had digests loads without that check. Raises NotFound, BadRequest and TooLarge.
    """
    data = source if isinstance(source, bytes) else _bytes(source)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            members = _members(file)
            card = Card.from_json(_read(file, members[CARD]))
            _check_digests(file, members, card)
            models = {which: _read(file, members[MODELS[which]]) for which in card.decisions}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        if not (data.startswith(b"PK") or zipfile.is_zipfile(io.BytesIO(data))):
            raise BadRequest(
                "not_a_zip", "The file is not a zip file.", "Choose a zip that the builder has written."
            ) from error
        raise damaged("a part of it is missing or was changed") from error
    for model in models.values():
        _check_model(model, card)
    return Archive(card, models)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise TooLarge("recogniser_too_large", f"{path.name} is too large for a recogniser.")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound("no_such_file", f"There is no “{path.name}”.", "Was it moved or renamed?") from error
    except OSError as error:
        raise BadRequest("unreadable_file", f"“{path.name}” cannot be read: {error.strerror}.") from error


def _members(file: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members = {entry.filename: entry for entry in file.infolist()}
    strange = sorted(members.keys() - NAMES)
    if strange:
        raise no_recogniser(f"it holds “{shown(strange[0])}”")
    if CARD not in members:
        raise no_recogniser("it has no card")
    if len(members) != len(file.infolist()):
        raise no_recogniser("a part of it is there twice")
    for name, entry in members.items():
        ratio = entry.file_size / max(1, entry.compress_size)
        if entry.file_size > LARGEST[name] or ratio > LARGEST_RATIO:
            raise TooLarge(
                "zip_bomb", f"“{name}” in the file unpacks to {entry.file_size:,} bytes.",
                "This is no recogniser.",
            )
        if entry.compress_type not in PACKED_BY or entry.flag_bits & ENCRYPTED:
            raise no_recogniser(f"“{name}” is packed in another way, or has a password")
    return members


def _check_digests(file: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], card: Card) -> None:
    """Every member that the card names or decides with is there, and no other one; each is what was built."""
    named = {MODELS[which] for which in card.decisions} | (card.files or {}).keys()
    for name in sorted(named - members.keys()):
        raise damaged(f"“{shown(name)}” is missing")
    if card.files is None:
        return
    for name in sorted(members.keys() - {CARD}):
        if name not in card.files:
            raise damaged(f"its card does not know “{name}”")
        if _member(file, members[name]) != card.files[name]:
            raise damaged(f"“{name}” is not the one that was built")


def _member(file: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Member:
    """What it is in truth, whatever its header says."""
    size, digest = 0, hashlib.sha256()
    with file.open(entry) as stream:
        while block := stream.read(MEGABYTE):
            size += len(block)
            digest.update(block)
    return Member(size, digest.hexdigest())


def _read(file: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The bytes of one entry, never more than its header says."""
    with file.open(entry) as stream:
        data = stream.read(entry.file_size + 1)
    if len(data) != entry.file_size:
        raise zipfile.BadZipFile("the size is not the one in the header")
    return data


def _check_model(data: bytes, card: Card) -> None:
    """One input, one output, the card's shapes, only our operators, nothing outside of the file."""
    import onnx
    from google.protobuf.message import DecodeError

    wrong = no_recogniser("it holds a network that the builder does not make")
    try:
        graph = onnx.load_model_from_string(data).graph
    except DecodeError as error:
        raise wrong from error
    shapes = [_shape(value) for value in (*graph.input, *graph.output)]
    good = (
        [value.name for value in graph.input] == [INPUT]
        and [value.name for value in graph.output] == [OUTPUT]
        and shapes[0][1:] == [card.dimension]
        and shapes[1][1:] == [len(card.people)]
        and all(node.op_type in OPERATORS and not node.domain for node in graph.node)
        and not any(tensor.external_data for tensor in graph.initializer)
        and not graph.sparse_initializer
    )
    if not good:
        raise wrong


def _shape(value: object) -> list[int]:
    return [int(axis.dim_value) for axis in value.type.tensor_type.shape.dim]  # type: ignore[attr-defined]
