"""The photos that a command is given, read with a refusal that says which of them is meant."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from faceapp.errors import FaceAppError
from faceapp.types import Photo

# A refusal that has so much of a file's name needs no more of it.
SAID = 30


def read_photos(paths: Iterable[Path]) -> list[Photo]:
    """Read them in order. Raises what `read_photo` does, with the name of the file in the sentence."""
    from faceapp.pipeline.photos import read_photo

    photos = []
    for path in paths:
        try:
            photos.append(read_photo(path))
        except FaceAppError as error:
            if path.name[:SAID] in error.sentence:
                raise
            raise type(error)(error.code, f"“{path.name}”: {error.sentence}", error.hint) from error
    return photos
