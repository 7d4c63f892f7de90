"""Photos in: the one loader of the window, the REST port and the command line."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceapp.errors import BadRequest, FaceAppError, NotFound, UnusablePhoto
from faceapp.pipeline.decode import MAX_BYTES, MAX_PIXELS, decode, file_too_large
from faceapp.pipeline.kinds import picture_kind
from faceapp.types import Image, Photo, check_image

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

__all__ = [
    "MAX_BYTES",
    "MAX_PIXELS",
    "PHOTO_EXTENSIONS",
    "decode_photo",
    "find_photos",
    "losses",
    "photo_from_pixels",
    "read_photo",
]

PHOTO_EXTENSIONS = frozenset(
    ".jpg .jpeg .jpe .jfif .png .apng .gif .bmp .dib .webp .tif .tiff .heic .heif .hif .avif .avifs .ico"
    " .jp2 .j2k .jpx .ppm .pgm .pbm .pnm".split()
)
# Pictures that are not read. A folder's search lists them all the same, so that each gets its sentence
# instead of being passed over.
_REFUSED_EXTENSIONS = frozenset(".dng .nef .cr2 .cr3 .arw .raf .orf .rw2 .pef .psd .jxl".split())
_BITS_PER_SAMPLE = 258  # TIFF 6.0, section 8
_SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"})


def read_photo(path: str | Path) -> Photo:
    """The photo in a file, upright; sha256 is that of the file's bytes.

    Raises NotFound, UnusablePhoto and TooLarge, nothing else.
    """
    place = Path(path)
    data = _read_bytes(place)
    return Photo(decode(data), _sha256(data), os.path.abspath(place), place.name)


def decode_photo(data: bytes, name: str = "") -> Photo:
    """The photo in an upload or a paste. Raises UnusablePhoto and TooLarge, nothing else."""
    return Photo(decode(data), _sha256(data), name=name, data=data)


def photo_from_pixels(image: Image, name: str = "") -> Photo:
    """A photo from an image (H, W, 3) BGR that never was a file: a webcam's frame, the clipboard.

    sha256 is that of the shape and the pixels; data is the image as PNG.
    """
    from faceapp.opencv import cv2

    check_image(image)
    pixels = np.ascontiguousarray(image)
    if pixels.size == 0:
        raise UnusablePhoto("empty_picture", "The picture has no pixels.")
    encoded = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]
    digest = hashlib.sha256(f"{pixels.shape}".encode())
    digest.update(pixels.data)
    return Photo(pixels, digest.hexdigest(), name=name, data=encoded.tobytes())


def find_photos(folder: Path) -> list[Path]:
    """Every photo at or below `folder`, chosen by extension, in natural order (2 before 10).

    Links are followed, a folder that is reached twice is searched once. A folder that must not be read is
    listed itself, so that `read_photo` says so. Raises NotFound, BadRequest and UnusablePhoto.
    """
    try:
        mode = os.stat(folder).st_mode
    except (OSError, ValueError) as error:
        raise _cannot_open(folder, error) from error
    if not stat.S_ISDIR(mode):
        raise BadRequest("not_a_folder", f"“{_shown(folder.name)}” is not a folder.")
    return sorted(_walk(folder), key=lambda path: _natural(path.relative_to(folder)))


def losses(photo: Photo) -> tuple[str, ...]:
    """Sentences about what a photo's file has, and its image and all that is made of that have not.

    The file is read again; where it has changed or gone meanwhile nothing is said.
    """
    try:
        data = photo.data or (_read_bytes(Path(photo.path)) if photo.path else b"")
    except FaceAppError:
        return ()
    if picture_kind(data) in ("", "JPEG"):  # a JPEG has neither
        return ()
    # Other bytes than those that were decoded before may be anything.
    if photo.data is None and _sha256(data) != photo.sha256:
        return ()
    from PIL import Image as pillow

    sentences = []
    with pillow.open(io.BytesIO(data)) as picture:
        if _is_deep(picture):
            sentences.append("The photo has more than 8 bits a colour, its result has 8.")
        if picture.has_transparency_data and _lowest_alpha(picture) < 255:
            sentences.append("What is transparent in the photo is white in its result.")
    return tuple(sentences)


def _is_deep(picture: Picture) -> bool:
    """True for more than 8 bits a colour, as the head of a PNG, TIFF or HEIF says; not loaded yet."""
    tags = getattr(picture, "tag_v2", {})
    bits = [*tags.get(_BITS_PER_SAMPLE, ()), picture.info.get("bit_depth", 8)]
    # What Pillow calls the stored numbers, such as "RGB;16B".
    stored = [str(tile[3]) for tile in getattr(picture, "tile", [])]
    return picture.mode[0] in "IF" or max(bits) > 8 or any(";16" in word for word in stored)


def _lowest_alpha(picture: Picture) -> int:
    """0, nothing is seen there, to 255: all of it is opaque."""
    return int(np.asarray(picture.convert("RGBA").getchannel("A")).min())


# -- files ------------------------------------------------------------------------------------


def _read_bytes(path: Path) -> bytes:
    """The bytes of a regular file. A pipe or a device is refused before it is opened: it would hang."""
    try:
        os.fspath(path).encode("utf-8")
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise _not_a_file(path, status.st_mode)
        if status.st_size > MAX_BYTES:
            raise file_too_large()
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except UnicodeEncodeError as error:
        raise UnusablePhoto(
            "name_not_text", f"The name “{_shown(path.name)}” is not valid text.", "Rename the file."
        ) from error
    except (OSError, ValueError) as error:
        raise _cannot_open(path, error) from error


def _not_a_file(path: Path, mode: int) -> FaceAppError:
    name = _shown(path.name)
    if not stat.S_ISDIR(mode):
        return UnusablePhoto("not_a_file", f"“{name}” is a pipe or a device, not a file.", "Choose a photo.")
    try:
        os.scandir(path).close()
    except PermissionError:
        return _no_permission(path)
    return UnusablePhoto("is_a_folder", f"“{name}” is a folder.", "Choose a photo, or import the folder.")


def _cannot_open(path: Path, error: OSError | ValueError) -> FaceAppError:
    """A ValueError is what Python raises on a name with a zero byte."""
    number = error.errno if isinstance(error, OSError) else errno.ENOENT
    if number in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP):
        return NotFound("no_such_file", f"There is no “{_shown(path.name)}”.", "Was it moved or renamed?")
    if number in (errno.EACCES, errno.EPERM):
        return _no_permission(path)
    reason = error.strerror if isinstance(error, OSError) else "bad name"
    return UnusablePhoto("unreadable_file", f"“{_shown(path.name)}” cannot be read: {reason}.")


def _no_permission(path: Path) -> UnusablePhoto:
    return UnusablePhoto(
        "no_permission",
        f"“{_shown(path.name)}” may not be read by you.",
        "Change its permissions, or copy it.",
    )


def _shown(name: str) -> str:
    """A name fit for a sentence: one line, no control characters, not too long."""
    plain = "".join(character if character.isprintable() else "\ufffd" for character in name)
    return plain if len(plain) <= 80 else f"{plain[:60]}…{plain[-16:]}"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# -- folders ----------------------------------------------------------------------------------


def _walk(root: Path) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            status = os.stat(folder)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            yield folder
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower() in _SYSTEM_FILES:
                continue
            if _is_folder(entry):
                pending.append(Path(entry.path))
            elif os.path.splitext(entry.name)[1].lower() in PHOTO_EXTENSIONS | _REFUSED_EXTENSIONS:
                yield Path(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _natural(path: Path) -> list[list[tuple[bool, int, str]]]:
    """A key by which names sort as people count: "a2" before "a10", capitals beside small letters."""
    return [
        [
            (part.isdigit() and part.isascii(), int(part) if part.isdigit() and part.isascii() else 0, part)
            for part in re.split(r"([0-9]+)", name.casefold())
        ]
        for name in path.parts
    ]
