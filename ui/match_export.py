"""Search results as text, as a table and as the JSON that the command line prints."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from faceapp import wire
from faceapp.errors import StoreUnavailable
from faceapp.types import FaceMatches

COLUMNS = ("face", "rank", "person", "same_person", "distance", "percentile", "photo")


def as_json(found: Sequence[FaceMatches]) -> str:
    """The same shape as `main.py lookalike --json`."""
    return json.dumps(wire.lookalikes(found), ensure_ascii=False, indent=2)


def as_csv(found: Sequence[FaceMatches]) -> str:
    """One line a match, with a head line."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *_rows(found)])
    return text.getvalue()


def as_table(found: Sequence[FaceMatches]) -> str:
    """The same, parted by tabs, for a paste into a spreadsheet."""
    return "\n".join("\t".join(map(str, row)) for row in [COLUMNS, *_rows(found)])


def save(path: Path, found: Sequence[FaceMatches]) -> Path:
    """Write JSON, or CSV where the name ends so. Raises StoreUnavailable."""
    text = as_csv(found) if path.suffix.lower() == ".csv" else as_json(found)
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        # The mark at its beginning lets spreadsheets read a table as UTF-8.
        temporary.write_text(text, "utf-8-sig" if path.suffix.lower() == ".csv" else "utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise StoreUnavailable(
            "not_saved", f"The results could not be saved: {error.strerror}.", "Choose another folder."
        ) from error
    return path


def _rows(found: Sequence[FaceMatches]) -> Iterator[tuple[object, ...]]:
    for number, face in enumerate(found, 1):
        for rank, match in enumerate(face.matches, 1):
            same = "yes" if match.same_person else "no"
            figures = round(match.distance, 6), round(match.percentile, 4)
            yield number, rank, match.person.name, same, *figures, match.photo
