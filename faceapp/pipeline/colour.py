"""From whatever a picture's numbers are (16 bits, floats, CMYK, alpha, wide gamut) to 8-bit sRGB.

Reached only through `decode`, which is why Pillow may be imported here.
"""

from __future__ import annotations

import functools
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as pillow
from PIL import ImageCms

WHITE = (255, 255, 255)


def is_srgb(profile: bytes) -> bool:
    """True where an ICC profile calls itself sRGB, and for no profile at all."""
    return not profile or b"sRGB" in profile or "sRGB".encode("utf-16-be") in profile


def to_rgb(picture: pillow.Image) -> pillow.Image:
    """A loaded picture of any mode as RGB in sRGB.

    What is transparent becomes white, the colour that cut-out portraits are shown on; the colours that
    lie under transparency are whatever the editor left there.
    """
    profile = picture.info.get("icc_profile") or b""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        return pillow.fromarray(_eight_bits(np.asarray(picture))).convert("RGB")
    if picture.mode in ("CMYK", "LAB"):
        converted = _convert(picture, profile or None)
        return picture.convert("RGB") if converted is None else converted
    rgb = _on_white(picture) if picture.has_transparency_data else picture.convert("RGB")
    if is_srgb(profile):
        return rgb
    converted = _convert(rgb, profile)
    return rgb if converted is None else converted


def _on_white(picture: pillow.Image) -> pillow.Image:
    cut_out = picture.convert("RGBA")
    paper = pillow.new("RGB", cut_out.size, WHITE)
    paper.paste(cut_out, mask=cut_out.getchannel("A"))
    return paper


def _eight_bits(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Grey values as 0 to 255: whole ranges are scaled, so that nothing is clipped.

    16-bit files use the full range of 16 bits. Other integers and floats say nothing of their range:
    the smallest usual one that holds them is taken (1, 255, 65535), else they are stretched.
    """
    if values.dtype.itemsize == 2 and values.dtype.kind == "u":
        return np.asarray(values.astype(np.uint16) >> 8, np.uint8)
    grey = values.astype(np.float64)
    np.nan_to_num(grey, copy=False, posinf=0.0, neginf=0.0)
    low, high = float(grey.min()), float(grey.max())
    if low < 0 or high > 65535:
        grey -= low
        grey *= 255 / (high - low)
    elif high <= 1 and values.dtype.kind == "f":
        grey *= 255
    elif high > 255:
        grey /= 257
    return np.rint(grey, out=grey).astype(np.uint8)


def _convert(picture: pillow.Image, profile: bytes | None) -> pillow.Image | None:
    """The picture in sRGB; None where there is no profile, or one that does not fit the picture."""
    if profile is None and picture.mode != "LAB":
        return None
    transform = _transform(profile, picture.mode)
    return None if transform is None else ImageCms.applyTransform(picture, transform)


@functools.lru_cache(maxsize=16)
def _transform(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else ImageCms.createProfile("LAB")
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError):
        return None
