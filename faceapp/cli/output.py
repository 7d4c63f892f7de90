"""The one place that prints: documents and tables on standard output, sentences on standard error."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from faceapp.errors import FaceAppError

Writer: TypeAlias = Callable[[str], None]

REPLACEMENT = "\ufffd"


def document(value: Any) -> None:
    """The one JSON document of a command. Plain ASCII: any name survives any terminal and any pipe."""
    print(json.dumps(value), flush=True)


def refusal(error: FaceAppError, as_json: bool) -> None:
    """The sentence on standard error; with --json the error's document on standard output as well."""
    remark(str(error))
    if as_json:
        from faceapp import wire

        document(wire.error(error))


def line(text: str) -> None:
    print(plain(text), flush=True)


def remark(text: str) -> None:
    print(plain(text), file=sys.stderr, flush=True)


def table(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> None:
    """Columns as wide as their widest cell; those whose number is in `right` end flush."""
    cells = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = [
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(padded).rstrip())


def csv_row(cells: Sequence[object]) -> None:
    """A line of CSV at once, so that whoever reads the pipe sees it."""
    csv.writer(sys.stdout, lineterminator="\n").writerow(cells)
    sys.stdout.flush()


def plain(text: str) -> str:
    """One line that cannot steer a terminal: a file's name may hold line breaks and escape codes."""
    return "".join(character if character.isprintable() else REPLACEMENT for character in text)


def tolerate_any_name() -> None:
    """Let a name that the terminal cannot show come out escaped instead of as an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
