"""`lookalike` and `recognise`."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faceapp import wire
from faceapp.cli import output, watch
from faceapp.cli.progress import Progress
from faceapp.errors import Cancelled, FaceAppError
from faceapp.pipeline.choice import no_face
from faceapp.services import Services
from faceapp.types import FaceMatches, Match

CSV_HEADER = ("photo", "person", "distance", "x1", "y1", "x2", "y2", "error")

Result = tuple[FaceMatches, ...] | FaceAppError


def lookalike(arguments: argparse.Namespace, services: Services) -> None:
    """Show whom the faces of a photo resemble. A photo without a face has an empty list, and a remark."""
    from faceapp.pipeline.photos import read_photo

    top = arguments.top or services.settings.current.top
    faces = services.recognition.lookalikes(read_photo(arguments.photo), top)
    if not faces:
        output.remark(str(no_face()))
    elif not any(face.matches for face in faces):
        output.remark("Nobody is enrolled yet, so there is nobody to compare with.")
    if arguments.json:
        output.document(wire.lookalikes(faces))
        return
    for number, face in enumerate(faces, start=1):
        _show_face(number, face)
    if any(face.matches for face in faces):
        output.line(
            f"Percent: the share of strangers who are less alike, from {services.recognition.explain()}."
        )


def _show_face(number: int, face: FaceMatches) -> None:
    box = face.face.box
    output.line(f"Face {number}, {box.width:.0f}x{box.height:.0f} pixels at {box.x1:.0f},{box.y1:.0f}")
    rows = [_row(place, match) for place, match in enumerate(face.matches, start=1)]
    if rows:
        output.table(rows, right=frozenset({0, 2, 3}))


def _row(place: int, match: Match) -> list[str]:
    verdict = "same person" if match.same_person else "lookalike"
    percent = f"{match.percentile:.2f} %"
    return [f"{place:4}", match.person.name, f"{match.distance:.3f}", percent, verdict, match.photo]


def recognise(arguments: argparse.Namespace, services: Services) -> None:
    """Say who is on a photo, on every photo of a folder (a broken one does not stop it), or on a video."""
    if arguments.recogniser is not None:
        services.recognisers.give(arguments.recogniser)
    spec = watch.source(arguments.path)
    if spec is not None:
        watch.recognise(spec, arguments, services)
        return
    results = _many(arguments, services) if os.path.isdir(arguments.path) else _one(arguments, services)
    if arguments.csv:
        _write_csv(results)
        return
    records = []
    for path, result in results:
        if arguments.json:
            records.append(wire.recognised(str(path), result))
        else:
            _show_photo(path, result)
    if arguments.json:
        output.document(records)


def _one(arguments: argparse.Namespace, services: Services) -> Iterator[tuple[Path, Result]]:
    from faceapp.pipeline.photos import read_photo

    yield Path(arguments.path), services.recognition.recognise(read_photo(arguments.path))


def _many(arguments: argparse.Namespace, services: Services) -> Iterator[tuple[Path, Result]]:
    """Every photo of a folder in order, with a progress line and a remark for each that cannot be read."""
    from faceapp.pipeline.photos import find_photos

    paths = find_photos(Path(arguments.path))
    if not paths:
        output.remark("The folder holds no photos.")
    start = time.monotonic()
    done = 0
    try:
        with Progress() as progress:
            for done, (path, result) in enumerate(services.recognition.recognise_many(paths), start=1):
                if isinstance(result, FaceAppError):
                    output.remark(f"{path}: {result}")
                yield path, result
                elapsed = time.monotonic() - start
                progress.show(done, len(paths), "Recognising", done / elapsed if elapsed else None)
    except KeyboardInterrupt:
        raise Cancelled("cancelled", f"Stopped after {done} of {len(paths)} photos.") from None


def _show_photo(path: Path, result: Result) -> None:
    if isinstance(result, FaceAppError):
        return  # a remark was made
    who = [
        f"{face.person.person.name} ({face.person.distance:.3f})" if face.person else "unknown"
        for face in result
    ]
    output.line(f"{path}: {', '.join(who) or 'no face'}")


def _write_csv(results: Iterator[tuple[Path, Result]]) -> None:
    output.csv_row(CSV_HEADER)
    for path, result in results:
        record = wire.recognised(str(path), result)
        for row in _csv_rows(record):
            output.csv_row(row)


def _csv_rows(record: dict[str, Any]) -> list[list[object]]:
    """One row a face; a photo without one, or one that cannot be read, has a row of its own."""
    photo = record["photo"]
    if not record["faces"]:
        return [[photo, "", "", "", "", "", "", record.get("error", "")]]
    return [
        [photo, face["person"] or "", "" if face["distance"] is None else face["distance"], *face["box"], ""]
        for face in record["faces"]
    ]
