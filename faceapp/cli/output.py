"""The one place that prints: documents and tables on standard output, sentences on standard error."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from faceapp.errors import FaceAppError, StoreUnavailable

Writer: TypeAlias = Callable[[str], None]

REPLACEMENT = "\ufffd"


def document(value: Any) -> None:
    """The one JSON document of a command. Plain ASCII: any name survives any terminal and any pipe."""
    text = json.dumps(value)
    with _written():
        print(text, flush=True)


def refusal(error: FaceAppError, as_json: bool) -> None:
    """The sentence on standard error; with --json the error's document on standard output as well."""
    remark(str(error))
    if as_json:
        from faceapp import wire

        document(wire.error(error))


def outcome(value: Any, sentence: str, as_json: bool) -> None:
    """What a command did: as its document, or as a sentence."""
    if as_json:
        document(value)
    else:
        line(sentence)


def line(text: str) -> None:
    with _written():
        print(plain(text), flush=True)


def remark(text: str) -> None:
    print(plain(text), file=sys.stderr, flush=True)


def table(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> None:
    """Columns as wide as their widest cell; those whose number is in `right` end flush."""
    cells = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        padded = [
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(padded).rstrip())
    if lines:
        with _written():
            print("\n".join(lines), flush=True)


def csv_row(cells: Sequence[object]) -> None:
    """A line of CSV at once, so that whoever reads the pipe sees it."""
    with _written():
        csv.writer(sys.stdout, lineterminator="\n").writerow(cells)
        sys.stdout.flush()


@contextlib.contextmanager
def _written() -> Iterator[None]:
    """Raises StoreUnavailable where standard output goes to a file on a disk that is full."""
    try:
        yield
    except BrokenPipeError:
        raise  # whoever read it has gone, which is no fault
    except OSError as error:
        # What is left over is dropped: writing it while Python exits would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sentence = f"The output could not be written: {error.strerror}."
        raise StoreUnavailable("output_not_written", sentence, "Is the disk full?") from error


def plain(text: str) -> str:
    """One line that cannot steer a terminal: a file's name may hold line breaks and escape codes."""
    return "".join(character if character.isprintable() else REPLACEMENT for character in text)


def tolerate_any_name() -> None:
    """Let a name that the terminal cannot show come out escaped instead of as an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
