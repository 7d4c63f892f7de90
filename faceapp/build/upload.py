"""Uploaded photos by person: names of files and zips from outside, read with care.

The person is the folder that a file is in (`Ann/1.jpg`), else the file's name without the number at its
end (`Ann_1.jpg`). A name is only ever read, never used as a path.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from faceapp.errors import BadRequest, TooLarge
from faceapp.pipeline.photos import PHOTO_EXTENSIONS
from faceapp.types import PersonName

MEGABYTE = 1024 * 1024
MOST_FILES = 5000
LARGEST_FILE = 64 * MEGABYTE
LARGEST_TOTAL = 256 * MEGABYTE
# Photos hardly shrink; a large one that shrinks more than that is a bomb.
LARGEST_RATIO = 200
LONGEST_NAME = 200
ZIP_START = b"PK\x03\x04"
NUMBER = re.compile(r"[\s_.()-]*\d+[\s)]*$")


@dataclass(frozen=True)
class Upload:
    """One file as it came: its name and its bytes."""

    name: str
    data: bytes


def by_person(files: Iterable[Upload]) -> list[tuple[str, list[Upload]]]:
    """The photos of each person, zips unpacked, people and photos in the order in which they came.

    Raises BadRequest (no file, a path for a name, no name of a person, no sound zip) and TooLarge.
    """
    people: dict[str, list[Upload]] = {}
    count = total = 0
    for file in _unpacked(files):
        count, total = count + 1, total + len(file.data)
        if count > MOST_FILES or total > LARGEST_TOTAL:
            raise TooLarge("upload_too_large", f"The upload holds more than {MOST_FILES:,} files or 256 MB.")
        people.setdefault(person_of(file.name), []).append(file)
    if not people:
        raise BadRequest(
            "no_photos", "There are no photos in the request.",
            "Send them as multipart/form-data in the field “images”, named Ann/1.jpg or Ann_1.jpg.",
        )
    return list(people.items())


def person_of(name: str) -> str:
    """Whose photo a file is by its name. Raises BadRequest."""
    parts = _parts(name)
    if len(parts) > 1:
        text = parts[-2]
    else:
        stem = parts[0].rpartition(".")[0] or parts[0]
        text = NUMBER.sub("", stem)
    person = PersonName.parse(text).full
    if not person:
        raise BadRequest(
            "no_name", f"The file “{_shown(name)}” does not say whose photo it is.",
            "Name it Ann/1.jpg or Ann_1.jpg.",
        )
    return person


def _parts(name: str) -> list[str]:
    """The parts of a relative name. Raises BadRequest for a path that leads anywhere else."""
    plain = name.replace("\\", "/").removeprefix("./")
    parts = plain.split("/")
    strange = any(part in ("", ".", "..") for part in parts) or re.match(r"[A-Za-z]:", plain)
    if strange or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadRequest(
            "bad_file_name", f"“{_shown(name)}” is no plain file name.",
            "Name the file Ann/1.jpg or Ann_1.jpg.",
        )
    return parts


def _unpacked(files: Iterable[Upload]) -> Iterator[Upload]:
    for file in files:
        if not file.data:
            continue
        if file.data.startswith(ZIP_START):
            yield from _of_zip(file)
        else:
            yield file


def _of_zip(file: Upload) -> Iterator[Upload]:
    """The photos in a zip; what is hidden or no photo by its ending is passed over, a zip in it too."""
    broken = BadRequest("bad_zip", f"“{_shown(file.name)}” is no sound zip.", "Pack it again.")
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            entries = [entry for entry in archive.infolist() if _is_photo(entry)]
            _check_sizes(entries, file.name)
            for entry in entries:
                _parts(entry.filename)
                with archive.open(entry) as stream:
                    data = stream.read(entry.file_size + 1)
                if len(data) != entry.file_size:
                    raise broken
                yield Upload(entry.filename, data)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise broken from error


def _is_photo(entry: zipfile.ZipInfo) -> bool:
    name = entry.filename.replace("\\", "/")
    hidden = any(part.startswith((".", "__MACOSX")) and part not in (".", "..") for part in name.split("/"))
    extension = name[name.rfind(".") :].lower()
    return not entry.is_dir() and not hidden and extension in PHOTO_EXTENSIONS


def _check_sizes(entries: list[zipfile.ZipInfo], name: str) -> None:
    """By what the zip says of itself; that it says the truth is checked while reading."""
    total = sum(entry.file_size for entry in entries)
    large = [
        entry
        for entry in entries
        if entry.file_size > LARGEST_FILE
        or (entry.file_size > MEGABYTE and entry.file_size > LARGEST_RATIO * max(1, entry.compress_size))
    ]
    if large or total > LARGEST_TOTAL or len(entries) > MOST_FILES:
        raise TooLarge(
            "zip_bomb", f"“{_shown(name)}” unpacks to {total:,} bytes in {len(entries):,} files.",
            "Send a zip of photos, in several parts where it is large.",
        )


def _shown(name: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in name)[:80]
