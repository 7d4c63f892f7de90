"""Sequences of pictures as files: GIF, WebP, APNG and MP4, with exactly the frames that were given.

Encoders of moving pictures leave out a frame that looks like the one before it. Frames are therefore coded
one by one and put together here, as the formats' own descriptions say: GIF89a, the WebP container, APNG 1.0.
"""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from faceapp.errors import BadRequest, FaceAppError
from faceapp.opencv import cv2
from faceapp.types import Image

SUFFIXES = (".gif", ".webp", ".apng", ".mp4", ".m4v", ".mov")
VIDEOS = (".mp4", ".m4v", ".mov")
WEBP_QUALITY = 88
VIDEO_QUALITY = "17"
COLOURS = 255
# Below a fiftieth of a second players of GIF take a tenth instead.
SHORTEST_GIF = 2
# What is less opaque than this is a hole in a GIF, which knows no half.
OPAQUE = 128


def check_suffix(path: Path) -> str:
    """The lower-case suffix. Raises BadRequest where it stands for no kind of sequence."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadRequest(
            "bad_file_name",
            f"“{path.name}” does not say which kind of file it is to be.",
            "Let the name end in .mp4, .gif, .webp or .apng; with .png or .jpg it is one picture.",
        )
    return suffix


def write(
    path: Path, frames: Iterable[Image], count: int, seconds: float, samples: Sequence[Image] = ()
) -> None:
    """Write a sequence, under the temporary name of whoever wants it (`results.whole`).

    Args:
        frames: (H, W, 3) BGR, or (H, W, 4) BGRA where something is transparent; all of one size. They are
            asked for one by one.
        count: how many there are. seconds: how long all of them are shown.
        samples: some of the frames, for the colours of a GIF; its first frame where there are none.

    Raises:
        BadRequest: the name's end is unknown, or what is transparent cannot be so in that kind.
        OSError, FaceAppError: the file cannot be written.
    """
    suffix = check_suffix(path)
    if suffix in VIDEOS:
        _write_video(path, frames, count, seconds)
        return
    with path.open("wb") as file:
        _WRITERS[suffix](file, frames, count, seconds, samples)


def _ends(count: int, seconds: float, unit: int) -> list[int]:
    """When each frame ends, in `unit`s a second, rounded so that no error adds up."""
    return [round(seconds * unit * (number + 1) / count) for number in range(count)]


def _durations(count: int, seconds: float, unit: int, least: int = 1) -> list[int]:
    ends = [0, *_ends(count, seconds, unit)]
    return [max(least, after - before) for before, after in itertools.pairwise(ends)]


# -- GIF ---------------------------------------------------------------------------------------------


def _write_gif(
    file: BinaryIO, frames: Iterable[Image], count: int, seconds: float, samples: Sequence[Image]
) -> None:
    """One palette for all frames, from samples of them: no colour flickers. The last entry is a hole."""
    palette: Any = None
    durations = _durations(count, seconds, 100, SHORTEST_GIF)
    for frame, duration in zip(frames, durations, strict=True):
        if palette is None:
            palette = _palette(samples or (frame,))
            file.write(_gif_head(frame, palette))
        file.write(_gif_frame(frame, palette, duration))
    file.write(b"\x3b")


def _palette(samples: Sequence[Image]) -> Any:
    """A Pillow picture that carries `COLOURS` colours chosen from the samples."""
    from PIL import Image as Pillow

    small = [cv2.resize(frame[..., :3], (96, 96), interpolation=cv2.INTER_AREA) for frame in samples]
    montage = np.concatenate(small)
    picture = Pillow.fromarray(np.ascontiguousarray(montage[..., ::-1]))
    return picture.quantize(COLOURS, method=Pillow.Quantize.MAXCOVERAGE)


def _gif_head(frame: Image, palette: Any) -> bytes:
    height, width = frame.shape[:2]
    colours = bytes(palette.getpalette("RGB")[: 3 * COLOURS]).ljust(3 * 256, b"\0")
    # 0xf7: a palette of 256 colours for all frames. Then: repeat for ever.
    screen = struct.pack("<HHBBB", width, height, 0xF7, 0, 0)
    return b"GIF89a" + screen + colours + b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"


def _gif_frame(frame: Image, palette: Any, duration: int) -> bytes:
    from PIL import Image as Pillow

    picture = Pillow.fromarray(np.ascontiguousarray(frame[..., 2::-1]))
    indices = np.array(picture.quantize(palette=palette, dither=Pillow.Dither.FLOYDSTEINBERG), np.uint8)
    holes = frame.shape[2] == 4
    if holes:
        indices[frame[..., 3] < OPAQUE] = COLOURS
    # Disposal 2: a frame with holes is cleared before the next one.
    control = struct.pack("<BBBBHBB", 0x21, 0xF9, 4, 0x09 if holes else 0x04, duration, COLOURS, 0)
    height, width = indices.shape
    place = struct.pack("<BHHHHB", 0x2C, 0, 0, width, height, 0)
    return control + place + _gif_pixels(indices)


def _gif_pixels(indices: Image) -> bytes:
    """The compressed pixels, as Pillow's own writer has them: minimum code size and sub-blocks."""
    from PIL import Image as Pillow

    picture = Pillow.fromarray(indices)  # grey: each index is a level, and none is renumbered
    buffer = io.BytesIO()
    picture.save(buffer, "GIF", optimize=False, interlace=False)
    data = buffer.getvalue()
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    while data[at] == 0x21:
        at = _after_blocks(data, at + 2)
    assert data[at] == 0x2C, "Pillow's GIF has a picture after its extensions"
    local = 3 << ((data[at + 9] & 7) + 1) if data[at + 9] & 0x80 else 0
    start = at + 10 + local
    return data[start : _after_blocks(data, start + 1)]


def _after_blocks(data: bytes, at: int) -> int:
    """The place behind a row of sub-blocks: each has its length before it, the last one has length 0."""
    while data[at]:
        at += 1 + data[at]
    return at + 1


# -- WebP --------------------------------------------------------------------------------------------


def _write_webp(
    file: BinaryIO, frames: Iterable[Image], count: int, seconds: float, samples: Sequence[Image]
) -> None:
    """RIFF with VP8X, ANIM and one ANMF for each frame; the sizes are put in at the end."""
    started = False
    for frame, duration in zip(frames, _durations(count, seconds, 1000), strict=True):
        height, width = frame.shape[:2]
        transparent = frame.shape[2] == 4
        if not started:
            flags = 0x02 | (0x10 if transparent else 0)
            canvas = _three(width - 1) + _three(height - 1)
            file.write(b"RIFF\0\0\0\0WEBP")
            file.write(_chunk(b"VP8X", struct.pack("<I", flags) + canvas))
            file.write(_chunk(b"ANIM", b"\0\0\0\0" + struct.pack("<H", 0)))
            started = True
        # Flags: no blending with the frame before, and (when there are holes) clear it afterwards.
        place = b"\0" * 6 + _three(width - 1) + _three(height - 1) + _three(duration)
        file.write(_chunk(b"ANMF", place + (b"\x03" if transparent else b"\x02") + _webp_still(frame)))
    end = file.tell()
    file.seek(4)
    file.write(struct.pack("<I", end - 8))
    file.seek(end)


def _webp_still(frame: Image) -> bytes:
    """The chunks of one picture: VP8 or VP8L, with ALPH before it where something is transparent."""
    from PIL import Image as Pillow

    order = [2, 1, 0, 3] if frame.shape[2] == 4 else [2, 1, 0]
    buffer = io.BytesIO()
    picture = Pillow.fromarray(np.ascontiguousarray(frame[..., order]))
    picture.save(buffer, "WEBP", quality=WEBP_QUALITY, method=2, exact=False)
    data, at, kept = buffer.getvalue(), 12, b""
    while at + 8 <= len(data):
        size = struct.unpack_from("<I", data, at + 4)[0]
        end = at + 8 + size + size % 2
        if data[at : at + 4] in (b"VP8 ", b"VP8L", b"ALPH"):
            kept += data[at:end]
        at = end
    return kept


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _three(number: int) -> bytes:
    return struct.pack("<I", number)[:3]


# -- APNG --------------------------------------------------------------------------------------------


def _write_apng(
    file: BinaryIO, frames: Iterable[Image], count: int, seconds: float, samples: Sequence[Image]
) -> None:
    """PNG with acTL, and an fcTL with fdAT for each frame; the first one is the still picture as well."""
    number = 0
    for frame, duration in zip(frames, _durations(count, seconds, 1000), strict=True):
        coded, data = cv2.imencode(".png", frame, [cv2.IMWRITE_PNG_COMPRESSION, 4])
        assert coded
        chunks = list(_png_chunks(data.tobytes()))
        height, width = frame.shape[:2]
        if number == 0:
            file.write(b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", dict(chunks)[b"IHDR"]))
            file.write(_png_chunk(b"acTL", struct.pack(">II", count, 0)))
        control = struct.pack(">IIIIIHHBB", number, width, height, 0, 0, duration, 1000, 0, 0)
        file.write(_png_chunk(b"fcTL", control))
        pixels = b"".join(content for name, content in chunks if name == b"IDAT")
        if number == 0:
            file.write(_png_chunk(b"IDAT", pixels))
            number += 1
        else:
            file.write(_png_chunk(b"fdAT", struct.pack(">I", number + 1) + pixels))
            number += 2
    file.write(_png_chunk(b"IEND", b""))


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(data):
        size = struct.unpack_from(">I", data, at)[0]
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        at += 12 + size


def _png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


_WRITERS = {".gif": _write_gif, ".webp": _write_webp, ".apng": _write_apng}


# -- video -------------------------------------------------------------------------------------------


def _write_video(path: Path, frames: Iterable[Image], count: int, seconds: float) -> None:
    """H.264 with half the colours in each direction, its index first: what every player and page shows."""
    import av

    rate = Fraction(count / seconds).limit_denominator(1000)
    try:
        with av.open(str(path), "w", options={"movflags": "+faststart"}) as output:
            stream: Any = None
            for number, frame in enumerate(frames):
                if frame.shape[2] == 4:
                    raise BadRequest(
                        "not_transparent",
                        "A video cannot be transparent.",
                        "Choose WebP, GIF or APNG, or a colour for the background.",
                    )
                # Half the colours in each direction need even sides.
                height, width = frame.shape[0] // 2 * 2, frame.shape[1] // 2 * 2
                if stream is None:
                    options = {"preset": "medium", "crf": VIDEO_QUALITY}
                    stream = output.add_stream("libx264", rate=rate, options=options)
                    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                shown = np.ascontiguousarray(frame[:height, :width])
                picture = av.VideoFrame.from_ndarray(shown, format="bgr24")
                picture.pts, picture.time_base = number, 1 / rate
                output.mux(stream.encode(picture))
            if stream is not None:
                output.mux(stream.encode(None))
    except av.FFmpegError as error:
        reason = getattr(error, "strerror", None) or "the encoder refused"
        raise FaceAppError(
            "video_not_written", f"The video could not be written: {reason}.", "Is the disk full?"
        ) from error
