"""The header of a JPEG file, read without decoding it.

Source of the layout: ITU-T T.81, annex B. The profile lies in APP2 segments: ICC.1:2022, B.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SOI, _EOI, _SOS, _APP2 = 0xD8, 0xD9, 0xDA, 0xE2
_BARE = frozenset({0x01, _SOI, _EOI, *range(0xD0, 0xD8)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_PROFILE = b"ICC_PROFILE\0"
# Within a scan 0xFF 0x00 is a data byte and 0xFF 0xD0-0xD7 a restart; anything else ends it.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


@dataclass(frozen=True)
class JpegHeader:
    """width, height: as stored, before any EXIF rotation. profile: the ICC profile, b"" if there is none."""

    width: int
    height: int
    bits: int
    components: int
    progressive: bool
    profile: bytes


def read_header(data: bytes) -> JpegHeader | None:
    """The header of the first frame, or None where the file has none."""
    profile: list[bytes] = []
    frame: tuple[int, int, int, int, bool] | None = None
    for marker, start, stop in _segments(data):
        if marker == _SOS:
            break
        if marker == _APP2 and data.startswith(_PROFILE, start):
            profile.append(data[start + len(_PROFILE) + 2 : stop])
        elif marker in _FRAMES and frame is None and stop - start >= 6:
            height = int.from_bytes(data[start + 1 : start + 3], "big")
            width = int.from_bytes(data[start + 3 : start + 5], "big")
            frame = width, height, data[start], data[start + 5], marker in _PROGRESSIVE
    return None if frame is None else JpegHeader(*frame, b"".join(profile))


def count_scans(data: bytes) -> int:
    """How many scans the picture is made of; up to about ten in the files of any real encoder."""
    if data.count(bytes((0xFF, _SOS))) <= 1:
        return 1
    return sum(marker == _SOS for marker, _, _ in _segments(data))


def end_of_scans(data: bytes) -> int:
    """Where the picture's end marker lies; the length of `data` where there is none."""
    return next((start - 2 for marker, start, _ in _segments(data) if marker == _EOI), len(data))


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Every marker with the first and the last + 1 byte of what belongs to it, up to the end marker."""
    place = 2
    while place + 1 < len(data):
        if data[place] != 0xFF:
            return
        marker = data[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        start = stop = place + 2
        if marker not in _BARE:
            stop = start + max(2, int.from_bytes(data[start : start + 2], "big"))
            start += 2
        yield marker, start, min(stop, len(data))
        if marker == _EOI:
            return
        place = stop
        if marker == _SOS:
            following = _MARKER.search(data, stop)
            if following is None:
                return
            place = following.start()
