"""Results as files that say what they are: edited, by which means, and with which marks.

Every file carries XMP metadata. The user may want two things more: a visible mark in a corner, and a signed
C2PA manifest. Nothing of the metadata of the photos that a result is made from gets into it.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from faceapp import __version__
from faceapp.config import Settings
from faceapp.edit import credentials, xmp
from faceapp.edit.results import not_written, refuse_sources, whole
from faceapp.errors import BadRequest, NotFound
from faceapp.paths import Paths
from faceapp.types import Image

Kind = Literal["face swap", "morph", "average"]
SENTENCES: dict[Kind, str] = {
    "face swap": "Edited: face swap. A face in this picture was replaced by another person's face.",
    "morph": "Edited: morph. The face in this picture is a mixture of several people's faces.",
    "average": "Edited: average. The face in this picture is the average of several people's faces.",
}
# IPTC's vocabulary: whether a trained network drew pixels of the face, or photos were warped and mixed.
_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_NEURAL, _MIXED = "compositeWithTrainedAlgorithmicMedia", "compositeSynthetic"
# From 90 on JPEG loses little enough for the colours to be kept as fine as the brightness.
_QUALITY = 95
_FORMATS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF",
}  # fmt: skip
_LONGEST_SIDE = {"JPEG": 65_535, "WEBP": 16_383}
_XMP_IN_TIFF = 700
_MOVIES = (".mp4", ".m4v", ".mov")
# The visible mark: height of its letters as a share of the shorter side, and the least in pixels.
_LETTERS, _LEAST_LETTERS = 0.022, 9
_HISTORY = re.compile(r"<photoshop:History>(.*?)</photoshop:History>", re.DOTALL)
_TYPE = re.compile(r"<Iptc4xmpExt:DigitalSourceType>(.*?)</Iptc4xmpExt:DigitalSourceType>", re.DOTALL)


@dataclass(frozen=True)
class Made:
    """What a result is.

    kind: what was done. sources: the files it is made from, which are never written over ("" for a photo
    without a file). neural: a trained network drew pixels of it. remark: more about it, for the description.
    """

    kind: Kind
    sources: Sequence[Path | str] = ()
    neural: bool = False
    remark: str = ""

    @property
    def history(self) -> str:
        return f"edited: {self.kind}"

    @property
    def source_type(self) -> str:
        return _SOURCE_TYPES + (_NEURAL if self.neural else _MIXED)

    def packet(self) -> bytes:
        """The XMP packet."""
        description = f"{SENTENCES[self.kind]} {self.remark}".strip()
        when = datetime.now(UTC).isoformat(timespec="seconds")
        return xmp.packet(description, self.history, self.source_type, f"faceapp {__version__}", when)


@dataclass(frozen=True)
class Marking:
    """How a result is marked besides the XMP metadata.

    visible: a small text in a corner. credentials: the folder of the certificate for a C2PA manifest; None:
    no manifest.
    """

    visible: bool = False
    credentials: Path | None = None

    @staticmethod
    def chosen(settings: Settings, paths: Paths) -> Marking:
        """As the user set it."""
        folder = paths.data / "credentials" if settings.content_credentials else None
        return Marking(settings.visible_mark, folder)


@dataclass(frozen=True)
class Marks:
    """What a file says about itself. kind, source_type: "" where it says nothing. credentials: "" without
    a manifest, else "Valid" (whole, but the signer is not known), "Trusted" or "Invalid"."""

    kind: str = ""
    source_type: str = ""
    credentials: str = ""


def save_image(path: Path, image: Image, made: Made, marking: Marking | None = None) -> Path:
    """Write a result as .jpg, .png, .webp or .tif; comes back with the path.

    image: (H, W, 3) BGR, or (H, W, 4) BGRA where something is transparent (not in a .jpg).
    Raises BadRequest (the name, or a size that the format does not have), Conflict (the path is one of the
    sources) and StoreUnavailable; then nothing is written.
    """
    marking = marking or Marking()
    form = _format(path, image)
    refuse_sources(path, made.sources)
    data = _encoded(stamp_frame(image, made.kind) if marking.visible else image, form, made.packet())
    if marking.credentials is not None:
        manifest = credentials.manifest_of(made.history, made.source_type)
        data = credentials.signed(data, path.suffix.lower(), manifest, marking.credentials)
    with whole(path) as temporary:
        temporary.write_bytes(data)
    return path


def mark_file(path: Path, made: Made, marking: Marking | None = None) -> None:
    """Put XMP metadata, and a manifest where it is wanted, into a finished .mp4, .m4v, .mov, .gif or animated
    .webp or .png. In its place, atomically: for the temporary file of whoever made it. Frames are stamped as
    they are made (`stamp_frame`), for they cannot be changed here. Raises BadRequest and StoreUnavailable."""
    suffix = ".png" if path.suffix.lower() == ".apng" else path.suffix.lower()
    if suffix in _MOVIES:
        _mark_movie(path, made)
    else:
        try:
            marked = xmp.add_to(path.read_bytes(), suffix, made.packet())
        except (KeyError, ValueError) as error:
            raise BadRequest("no_place_for_marks", f"“{path.name}” has no place for metadata.") from error
        with whole(path) as temporary:
            temporary.write_bytes(marked)
    if marking is not None and marking.credentials is not None:
        manifest = credentials.manifest_of(made.history, made.source_type)
        with whole(path) as temporary, path.open("rb") as source, temporary.open("w+b") as result:
            credentials.sign(source, result, suffix, manifest, marking.credentials)


def stamp_frame(image: Image, kind: Kind = "face swap") -> Image:
    """A copy of (H, W, 3 or 4) with a small text in the lower right corner: "edited: face swap"."""
    from faceapp.opencv import cv2

    result = image.copy()
    height, width = image.shape[:2]
    text, font = f"edited: {kind}", cv2.FONT_HERSHEY_SIMPLEX
    letters = max(_LEAST_LETTERS, round(_LETTERS * min(height, width)))
    # As large as wanted, or as fits.
    (full, _), _ = cv2.getTextSize(text, font, 1.0, 1)
    scale = min(cv2.getFontScaleFromHeight(font, letters), width / (1.2 * full))
    line = max(1, round(scale * 1.6))
    (wide, high), below = cv2.getTextSize(text, font, scale, line)
    pad = max(1, high // 2)
    top, left = max(0, height - high - below - 2 * pad), max(0, width - wide - 2 * pad)
    badge = result[top:, left:]
    badge[..., :3] = (badge[..., :3] * 0.45).astype(np.uint8)
    if badge.shape[2] == 4:
        badge[..., 3] = np.maximum(badge[..., 3], 140)
    place = (left + pad, min(height - 1, top + pad + high))
    white = (255,) * image.shape[2]
    cv2.putText(result, text, place, font, scale, white, line, cv2.LINE_AA)
    return result


def read_marks(path: Path) -> Marks:
    """What a file says about itself; also for files of other programs. Raises NotFound."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotFound("no_such_file", f"The file {path.name} cannot be opened.") from error
    text = xmp.find(data)
    kind, source_type = (_first(pattern, text) for pattern in (_HISTORY, _TYPE))
    found = None
    if path.suffix.lower() in credentials.MEDIA_TYPES:
        found = credentials.read(io.BytesIO(data), path.suffix.lower())
    state = str(found["validation_state"]) if found else ""
    return Marks(kind.removeprefix("edited: "), source_type.removeprefix(_SOURCE_TYPES), state)


def _format(path: Path, image: Image) -> str:
    """Pillow's word for what `path` ends with. Raises BadRequest."""
    form = _FORMATS.get(path.suffix.lower())
    if form is None:
        raise BadRequest("image_name", "The name of the picture must end with .jpg, .png, .webp or .tif.")
    if image.ndim != 3 or image.shape[2] not in (3, 4) or image.dtype != np.uint8:
        raise ValueError(f"image: expected (H, W, 3) or (H, W, 4) uint8, got {image.shape} {image.dtype}")
    if form == "JPEG" and image.shape[2] == 4:
        raise BadRequest(
            "no_transparency", "A .jpg cannot be transparent.", "Choose a name with .png, .webp or .tif."
        )
    longest = _LONGEST_SIDE.get(form)
    if longest is not None and max(image.shape[:2]) > longest:
        raise BadRequest(
            "too_large_for_format",
            f"A {path.suffix} has at most {longest:,} pixels a side; this picture has more.",
            "Choose a name with .png or .tif.",
        )
    return form


def _encoded(image: Image, form: str, packet: bytes) -> bytes:
    from PIL import Image as pillow

    order = (2, 1, 0, 3)[: image.shape[2]]
    picture = pillow.fromarray(np.ascontiguousarray(image[..., order]))
    result = io.BytesIO()
    picture.save(result, form, **_options(form, packet))
    return result.getvalue()


def _options(form: str, packet: bytes) -> dict[str, Any]:
    """What Pillow is told for each format, the XMP packet with it."""
    if form == "JPEG":
        return {"quality": _QUALITY, "subsampling": 0, "xmp": packet}
    if form == "WEBP":
        return {"quality": _QUALITY, "method": 4, "exact": True, "xmp": packet}
    if form == "PNG":
        from PIL.PngImagePlugin import PngInfo

        texts = PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", packet.decode())
        return {"pnginfo": texts, "compress_level": 4}
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    tags = ImageFileDirectory_v2()
    tags[_XMP_IN_TIFF] = packet
    tags.tagtype[_XMP_IN_TIFF] = 1  # bytes
    return {"tiffinfo": tags, "compression": "tiff_adobe_deflate"}


def _mark_movie(path: Path, made: Made) -> None:
    """Append the box. What cannot be written whole is taken off again: the film stays as it was."""
    try:
        with path.open("r+b") as file:
            before = file.seek(0, io.SEEK_END)
            try:
                file.write(xmp.movie_box(made.packet()))
                file.flush()
            except OSError:
                file.truncate(before)
                raise
    except OSError as error:
        raise not_written(path, error) from error


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return html.unescape(found[1]).strip() if found else ""
