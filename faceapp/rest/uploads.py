"""The photo of a request. Only its bytes count: no path and no address from a request is ever opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from flask import request
from werkzeug.datastructures import FileStorage

from faceapp.errors import BadRequest, FaceAppError, UnusablePhoto
from faceapp.pipeline.photos import PHOTO_EXTENSIONS, decode_photo
from faceapp.rest.context import context
from faceapp.types import Photo

# Both names occur in clients of this interface.
FIELDS = ("files", "file")
NAME_LENGTH = 100


@contextmanager
def uploaded_photo(by_extension: bool = False) -> Iterator[Photo]:
    """The one photo of a multipart request, while a slot for it is held.

    Args:
        by_extension: refuse a file whose name does not end like a photo's.

    Raises:
        BadRequest: no file, or several.
        UnusablePhoto, TooLarge: it cannot be read as a picture.
    """
    file = _file()
    stem, extension = os.path.splitext(file.filename or "")
    known = extension.lower() in PHOTO_EXTENSIONS
    if by_extension and not known:
        raise UnusablePhoto(
            "bad_extension",
            "Please upload a picture with a valid extension.",
            "Such as .jpg, .png, .webp or .heic.",
        )
    with context().slots:
        name = os.path.basename(stem.replace("\\", "/"))[:NAME_LENGTH]
        yield decode_photo(file.stream.read(), name + extension if known else name)


def decoded(file: FileStorage, name: str, which: str) -> Photo:
    """The photo of one of several uploads.

    name: what the photo is called. which: what a refusal calls it. Raises what `decode_photo` does.
    """
    try:
        return decode_photo(file.stream.read(), name)
    except FaceAppError as error:
        raise type(error)(error.code, f"“{which}”: {error.sentence}", error.hint) from error


def plain_name(file: FileStorage) -> str:
    """The last part of the name that a file was sent under, not too long."""
    return os.path.basename((file.filename or "").replace("\\", "/"))[-NAME_LENGTH:]


def _file() -> FileStorage:
    files = [file for field in FIELDS for file in request.files.getlist(field) if file.filename]
    if not files:
        raise BadRequest(
            "no_file",
            "No file was inserted yet.",
            "Send the photo as multipart/form-data in the field “files”.",
        )
    if len(files) > 1:
        raise BadRequest(
            "several_files", f"There are {len(files)} files in the request.", "Send one at a time."
        )
    return files[0]
