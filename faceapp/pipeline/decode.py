"""From a file's bytes to an upright BGR image, or to a sentence that says why not.

A plain JPEG goes through OpenCV, the quickest; everything else through Pillow. A picture that is cut off
or damaged is refused: half a picture must not be taken for a whole one.
"""

from __future__ import annotations

import functools
import io
import struct
import warnings
import zlib
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from faceapp.errors import TooLarge, UnusablePhoto
from faceapp.pipeline import jpeg
from faceapp.pipeline.kinds import other_kind, picture_kind
from faceapp.types import Image

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAX_PIXELS = 100_000_000
MAX_BYTES = 512 * 1024 * 1024
# A file with thousands of empty scans keeps a decoder busy for minutes.
_MAX_SCANS = 60
# Plain-text PNM is read in Python, about a second a megabyte.
_MAX_TEXT_BYTES = 8 * 1024 * 1024

_ORIENTATION = 0x0112
_SUBFILE_TYPE, _DNG_VERSION = 254, 50706
# What Pillow and its plug-ins raise on bytes that mean harm; found by fuzzing, see tests/core/test_photos.py.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    RuntimeError,
    EOFError,
    BufferError,
    struct.error,
    zlib.error,
)
_AGAIN = "Export it or download it again."
_EXPORT = "Choose a JPEG or PNG, or export it as one."


def decode(data: bytes) -> Image:
    """The picture in `data`, upright, (H, W, 3) BGR. Raises UnusablePhoto and TooLarge, nothing else."""
    if not data:
        raise UnusablePhoto("empty_file", "The file is empty.", _AGAIN)
    if len(data) > MAX_BYTES:
        raise file_too_large()
    kind = picture_kind(data)
    if not kind:
        raise _not_a_picture(data)
    try:
        return _decode_jpeg(data) if kind == "JPEG" else _decode_picture(data, kind)
    except MemoryError as error:
        raise TooLarge(
            "out_of_memory", "There is not enough memory for this picture.", "Make it smaller."
        ) from error


def file_too_large() -> TooLarge:
    """The refusal of a file of more than MAX_BYTES."""
    return TooLarge(
        "file_too_large",
        f"The file is larger than {MAX_BYTES // 1024**2} MB.",
        "Export it at a smaller size.",
    )


# -- JPEG -------------------------------------------------------------------------------------


def _decode_jpeg(data: bytes) -> Image:
    header = jpeg.read_header(data)
    if header is None:
        raise _damaged("JPEG", jpeg.end_of_scans(data) == len(data))
    _check_pixels(header.width, header.height)
    if jpeg.count_scans(data) > _MAX_SCANS:
        raise _damaged("JPEG")
    image = None
    if header.bits == 8 and header.components in (1, 3) and _is_srgb(header.profile):
        image = _decode_plain_jpeg(data)
    if image is None:  # CMYK, wide gamut, or broken: Pillow knows which
        image = _decode_picture(data, "JPEG")
    if _may_have_run_dry(image) and _ran_dry(data, header.progressive):
        raise _damaged("JPEG", cut_off=True)
    return image


def _decode_plain_jpeg(data: bytes) -> Image | None:
    """By OpenCV, which turns it upright by its EXIF; None where OpenCV refuses it."""
    from faceapp.opencv import cv2

    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if image is None else np.asarray(image, np.uint8)


def _is_srgb(profile: bytes) -> bool:
    if not profile:
        return True
    from faceapp.pipeline.colour import is_srgb

    return is_srgb(profile)


def _may_have_run_dry(image: Image) -> bool:
    """True where one edge is of even mid-grey, as libjpeg leaves what it has no data for."""
    edges = (image[0], image[-1], image[:, 0], image[:, -1])
    return any(bool((abs(edge.astype(np.int16) - 128) <= 1).all()) for edge in edges)


def _ran_dry(data: bytes, progressive: bool) -> bool:
    """True where the only scan ends before the picture does, although an end marker follows it.

    The marker is replaced by a few zeros: a decoder that has the whole picture never looks at
    them, one that misses more than a few blocks runs out of data, which Pillow reports. Where there are
    several scans the first one covered the picture; a progressive file has never but one.
    """
    if progressive or jpeg.count_scans(data) > 1:
        return jpeg.count_scans(data) == 1
    open_ended = data[: jpeg.end_of_scans(data)] + bytes(64)
    try:
        with _open(open_ended, "JPEG") as picture:
            picture.load()
    except _DECODER_ERRORS:
        return True
    return False


# -- every other kind -------------------------------------------------------------------------


def _decode_picture(data: bytes, kind: str) -> Image:
    from PIL.Image import DecompressionBombError
    from PIL.ImageCms import PyCMSError

    if kind == "PPM" and data[1:2] in b"123" and len(data) > _MAX_TEXT_BYTES:
        raise TooLarge("file_too_large", "A PNM file in plain text may not be larger than 8 MB.", _EXPORT)
    try:
        return _upright(data, kind)
    except DecompressionBombError as error:
        raise _too_many_pixels() from error
    except (*_DECODER_ERRORS, PyCMSError) as error:
        raise _damaged(kind, cut_off="truncated" in str(error).lower()) from error


def _upright(data: bytes, kind: str) -> Image:
    from faceapp.opencv import cv2
    from faceapp.pipeline.colour import to_rgb

    if kind == "PNG":
        with _open(data, kind) as picture:
            picture.verify()  # every chunk's checksum; the picture must be opened anew afterwards
    with _open(data, kind) as picture:
        _check_pixels(*picture.size)
        if kind == "TIFF" and _is_raw(picture):
            raise _refused_kind("a camera RAW file")
        picture.load()
        orientation = _orientation(picture)  # after loading, which turns a TIFF by itself
        rgb = np.asarray(to_rgb(picture))
    image = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8)
    return _turned(image, orientation)


def _open(data: bytes, kind: str) -> Picture:
    picture: Picture = _pillow(kind).open(io.BytesIO(data), formats=[kind])
    return picture


@functools.cache
def _pillow(kind: str) -> ModuleType:
    """Pillow's module Image, made ready for one kind of picture."""
    from PIL import Image as pillow

    # Pillow warns above this and raises at twice as much; pictures inside of icons are held to it too.
    pillow.MAX_IMAGE_PIXELS = MAX_PIXELS // 2
    # A remark on a malformed tag is of no use to anybody here: what matters is refused with a sentence.
    warnings.filterwarnings("ignore", module=r"PIL\.|pillow_heif")
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    return pillow


def _is_raw(picture: Picture) -> bool:
    """True for a camera's TIFF (DNG, NEF, ARW), whose first picture is but a small preview."""
    tags = getattr(picture, "tag_v2", {})
    return _DNG_VERSION in tags or bool(int(tags.get(_SUBFILE_TYPE, 0)) & 1)


def _orientation(picture: Picture) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or where it makes no sense."""
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
    except _DECODER_ERRORS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _turned(image: Image, orientation: int) -> Image:
    """The stored image turned upright. Source of the eight values: EXIF 2.32, 4.6.4, tag 274."""
    if orientation >= 5:
        image = image.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


# -- refusals ---------------------------------------------------------------------------------


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()


def _too_many_pixels() -> TooLarge:
    return TooLarge(
        "too_many_pixels",
        f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels.",
        "Export it at a smaller size: a face needs no more than a few hundred pixels.",
    )


def _not_a_picture(data: bytes) -> UnusablePhoto:
    kind = other_kind(data)
    if kind:
        return _refused_kind(kind)
    return UnusablePhoto("not_a_picture", "The file is not a picture.", _EXPORT)


def _refused_kind(kind: str) -> UnusablePhoto:
    return UnusablePhoto("kind_not_read", f"The file is {kind}, which cannot be read.", _EXPORT)


def _damaged(kind: str, cut_off: bool = False) -> UnusablePhoto:
    if cut_off:
        return UnusablePhoto(
            "cut_off", f"The {kind} file is cut off: a part of the picture is missing.", _AGAIN
        )
    return UnusablePhoto("damaged", f"The {kind} file is damaged and cannot be read.", _AGAIN)
