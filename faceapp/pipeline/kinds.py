"""What a file is, read off its first bytes: a name says nothing about what is inside."""

from __future__ import annotations

# The first bytes of every kind that is read, with Pillow's name for it.
_PICTURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\0\0\1\0", "ICO"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
)
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"heif"}
_AVIF_BRANDS = {b"avif", b"avis"}

# What people take for a photo, or rename to one, and what is not read.
_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"8BPS", "a Photoshop document"),
    (b"gimp xcf", "a GIMP document"),
    (b"FUJIFILMCCD-RAW", "a camera RAW file"),
    (b"IIRO", "a camera RAW file"),
    (b"IIRS", "a camera RAW file"),
    (b"IIU\0", "a camera RAW file"),
    (b"MMOR", "a camera RAW file"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"PK\3\4", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"7z\xbc\xaf", "a compressed archive"),
    (b"Rar!", "a compressed archive"),
    (b"BZh", "a compressed archive"),
    (b"\xfd7zXZ", "a compressed archive"),
    (b"\xd0\xcf\x11\xe0", "an office document"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"\0\0\1\xba", "a video"),
    (b"\0\0\1\xb3", "a video"),
    (b"OggS", "a sound or a video"),
    (b"ID3", "a sound"),
    (b"SQLite format 3", "a database"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)


def picture_kind(data: bytes) -> str:
    """Pillow's name for the kind of picture (JPEG, PNG, HEIF ...), or "" for what is not read."""
    for start, kind in _PICTURES:
        if data.startswith(start):
            return "" if data[8:10] == b"CR" and kind == "TIFF" else kind
    if data[:1] == b"P" and data[1:2] in b"123456" and data[2:3].isspace():
        return "PPM"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    brand = _brand(data)
    if brand in _AVIF_BRANDS or (brand in _HEIF_BRANDS and b"avif" in data[16:48]):
        return "AVIF"
    return "HEIF" if brand in _HEIF_BRANDS else ""


def other_kind(data: bytes) -> str:
    """What a file is that is no readable picture, with its article: "a PDF document"; "" if unknown."""
    for start, kind in _OTHERS:
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF":
        return "a video" if data[8:11] == b"AVI" else "a sound"
    if data[8:10] == b"CR" or _brand(data) == b"crx ":
        return "a camera RAW file"
    if _brand(data):
        return "a video"
    return _kind_of_text(data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower())


def _brand(data: bytes) -> bytes:
    """The major brand of an ISO media file (HEIC, AVIF, MP4, QuickTime); b"" for any other file."""
    return data[8:12] if data[4:8] == b"ftyp" else b""


def _kind_of_text(start: bytes) -> str:
    if b"<svg" in start:
        return "an SVG drawing"
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return ""
