"""The file of a recogniser: a zip with the card, the network as ONNX and Keras, the best plain method.

The network is missing where a build was stopped before one was trained.
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faceapp.build.card import Card
from faceapp.build.export import INPUT, OPERATORS, OUTPUT
from faceapp.errors import BadRequest, FaceAppError, NotFound, StoreUnavailable, TooLarge

CARD, NETWORK, PLAIN, KERAS = "card.json", "model.onnx", "plain.onnx", "model.keras"
NAMES = frozenset({CARD, NETWORK, PLAIN, KERAS})
MODELS = {"network": NETWORK, "plain": PLAIN}
MEGABYTE = 1024 * 1024
LARGEST = {CARD: 32 * MEGABYTE, NETWORK: 256 * MEGABYTE, PLAIN: 256 * MEGABYTE, KERAS: 512 * MEGABYTE}
LARGEST_FILE = 512 * MEGABYTE
# Weights hardly shrink; what shrinks more than that is a bomb.
LARGEST_RATIO = 200


@dataclass(frozen=True, eq=False)
class Archive:
    """A recogniser's file in memory. models: ONNX bytes by "network" and "plain"."""

    card: Card
    models: dict[str, bytes]


def write(path: Path, card: Card, models: Mapping[str, bytes], keras: Path | None) -> None:
    """Write the zip; nothing is left under the name when that fails. Raises StoreUnavailable.

    models: ONNX bytes by "network" and "plain", those that the card decides with.
    """
    with whole(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(CARD, card.to_json())
        for which, model in models.items():
            file.writestr(MODELS[which], model)
        if keras is not None:
            file.write(keras, KERAS)


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
    """Read a recogniser's file, from anywhere: every name, size and shape in it is checked, nothing of it is
    unpacked to the disk, unpickled or executed; the Keras file is not looked into.

    Raises NotFound, BadRequest and TooLarge.
    """
    data = source if isinstance(source, bytes) else _bytes(source)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            parts = _parts(file)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise _no_recogniser("The file is no recogniser: it is no sound zip.") from error
    card = Card.from_json(parts[CARD])
    if any(MODELS[which] not in parts for which in card.decisions):
        raise _no_recogniser("The file is no recogniser: a model that its card names is missing.")
    models = {which: parts[MODELS[which]] for which in card.decisions}
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


def _parts(file: zipfile.ZipFile) -> dict[str, bytes]:
    entries = file.infolist()
    names = [entry.filename for entry in entries]
    strange = sorted(set(names) - NAMES)
    if strange:
        raise _no_recogniser(f"The file is no recogniser: it holds “{_shown(strange[0])}”.")
    if len(names) != len(set(names)) or CARD not in names:
        raise _no_recogniser("The file is no recogniser: something is missing, or there twice.")
    for entry in entries:
        ratio = entry.file_size / max(1, entry.compress_size)
        if entry.file_size > LARGEST[entry.filename] or ratio > LARGEST_RATIO:
            raise TooLarge(
                "zip_bomb", f"“{entry.filename}” in the file unpacks to {entry.file_size:,} bytes.",
                "This is no recogniser.",
            )
    return {entry.filename: _read(file, entry) for entry in entries if entry.filename != KERAS}


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

    wrong = _no_recogniser("The network in the file is not one that this program makes.")
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


def _no_recogniser(sentence: str) -> FaceAppError:
    return BadRequest("no_recogniser", sentence, "Choose a zip that the builder has written.")


def _shown(name: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in name)[:60]
