"""A folder of broken and odd files, made from a real portrait: for the loader, the import, REST and the CLI.

`make_odd_files` says of each whether it is a "photo" (it shows the portrait or a plain picture) or is to be
"refused" with a sentence. "either" stands for files of which programs may think differently.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

Parts = list[tuple[str, bytes, str]]

DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ORIENTATION = 0x0112


def make_odd_files(folder: Path, portrait: Path) -> dict[str, str]:
    """Write the files into `folder`; `portrait` is a real photo of one face.

    Comes back with name -> "photo" | "refused" | "either". Kinds that a system cannot make (a pipe on
    Windows, an unreadable file for root) are left out there.
    """
    with Image.open(portrait) as source:
        face = source.convert("RGB").resize((256, 300))
    expected: dict[str, str] = {}
    for make in (_jpegs, _pngs, _other_kinds, _numbers, _not_pictures, _sizes, _names):
        for name, data, outcome in make(face):
            (folder / name).write_bytes(data)
            expected[name] = outcome
    expected.update(_things_of_the_file_system(folder))
    return expected


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of a picture written by Pillow."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def with_orientation(picture: Image.Image, orientation: int, kind: str = "JPEG", **options: object) -> bytes:
    """The picture's bytes with that number in its EXIF; the pixels are left as they are."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return saved(picture, kind, exif=exif.tobytes(), **options)


def icc_profile(primaries: tuple[tuple[float, float], ...], name: str) -> bytes:
    """A matrix profile with sRGB's curve and white and the given primaries (x, y of R, G and B)."""
    white = np.array([0.3127 / 0.3290, 1.0, (1 - 0.3127 - 0.3290) / 0.3290])
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    columns = columns * np.linalg.solve(columns, white)
    cone = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    d50 = np.array([0.9642, 1.0, 0.8249])
    adapt = np.linalg.inv(cone) @ np.diag((cone @ d50) / (cone @ white)) @ cone
    columns = adapt @ columns

    def fixed(values: object) -> bytes:
        return b"".join(struct.pack(">i", round(float(v) * 65536)) for v in np.ravel(values))

    text = name.encode("ascii") + b"\0"
    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0)
    curve += fixed([2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045])
    bodies = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78),
        b"wtpt": b"XYZ " + bytes(4) + fixed(d50),
        **{
            tag: b"XYZ " + bytes(4) + fixed(columns[:, i])
            for i, tag in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))
        },
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    place = 128 + 4 + 12 * len(bodies)
    table, payload = struct.pack(">I", len(bodies)), b""
    for tag, body in bodies.items():
        table += struct.pack(">4sII", tag, place + len(payload), len(body))
        payload += body + bytes(-len(body) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12s4s",
        place + len(payload),
        b"lcms",
        0x02400000,
        b"mntr",
        b"RGB ",
        b"XYZ ",
        bytes(12),
        b"acsp",
    )
    return header.ljust(68, b"\0") + fixed(d50) + bytes(48) + table + payload


def png_header(width: int, height: int, bits: int = 8, colour: int = 2) -> bytes:
    """The signature and the IHDR chunk of a PNG."""
    return b"\x89PNG\r\n\x1a\n" + png_chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    )


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def plain_png(width: int, height: int) -> bytes:
    """A grey PNG of one colour; small on disk at any size."""
    packer = zlib.compressobj(9)
    row = bytes([0]) + bytes([200]) * width
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png_header(width, height, colour=0) + png_chunk(b"IDAT", packed) + png_chunk(b"IEND", b"")


def _jpegs(face: Image.Image) -> Parts:
    plain = saved(face, "JPEG", quality=90)
    progressive = saved(face, "JPEG", progressive=True)
    cmyk = face.convert("CMYK")
    scan = plain.index(b"\xff\xda")
    half = len(plain) // 2
    frame = plain.index(b"\xff\xc0")
    endless_exif = b"Exif\0\0II*\0\x08\0\0\0" + b"\xff" * 40
    parts: Parts = [
        (f"orientation_{n}.jpg", with_orientation(face, n), "photo") for n in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    ]
    return [
        *parts,
        ("plain.jpg", plain, "photo"),
        ("progressive.jpg", progressive, "photo"),
        ("grey.jpg", saved(face.convert("L"), "JPEG"), "photo"),
        ("cmyk_adobe.jpg", saved(cmyk, "JPEG"), "photo"),
        ("display_p3.jpg", saved(face, "JPEG", icc_profile=icc_profile(DISPLAY_P3, "Display P3")), "photo"),
        ("broken_profile.jpg", saved(face, "JPEG", icc_profile=b"no profile at all" * 20), "photo"),
        ("garbage_after_the_end.jpg", plain + bytes(range(256)) * 40, "photo"),
        ("motion_photo.jpg", plain + b"\0\0\0\x18ftypmp42" + bytes(5000), "photo"),
        (
            "exif_damaged.jpg",
            plain[:2] + b"\xff\xe1" + struct.pack(">H", len(endless_exif) + 2) + endless_exif + plain[2:],
            "photo",
        ),
        ("jpeg_named.png", plain, "photo"),
        ("UPPER.JPG", plain, "photo"),
        ("cut_in_the_middle.jpg", plain[:half], "refused"),
        ("cut_in_the_header.jpg", plain[: scan - 40], "refused"),
        ("cut_before_the_end_marker.jpg", plain[:-40], "refused"),
        ("cut_then_end_marker.jpg", plain[:half] + b"\xff\xd9", "refused"),
        ("hole_in_the_middle.jpg", plain[:half] + plain[half + half // 2 :], "refused"),
        ("progressive_cut.jpg", progressive[: len(progressive) // 2], "refused"),
        ("three_bytes.jpg", plain[:3], "refused"),
        ("header_only.jpg", plain[:scan], "refused"),
        (
            "no_tables.jpg",
            plain.replace(b"\xff\xdb", b"\xff\xfe").replace(b"\xff\xc4", b"\xff\xfe"),
            "refused",
        ),
        ("height_0.jpg", plain[: frame + 5] + b"\0\0" + plain[frame + 7 :], "refused"),
        ("huge_header.jpg", plain[: frame + 5] + b"\xff\xff\xff\xff" + plain[frame + 9 :], "refused"),
        ("twelve_bits.jpg", plain[: frame + 4] + b"\x0c" + plain[frame + 5 :], "refused"),
        ("many_scans.jpg", plain[:-2] + (b"\xff\xda\0\x08\1\1\0\0\x3f\0" * 5000) + b"\xff\xd9", "refused"),
    ]


def _pngs(face: Image.Image) -> Parts:
    plain = saved(face, "PNG")
    cut_out = face.copy()
    cut_out.putalpha(Image.linear_gradient("L").resize(face.size))
    palette = face.quantize(64)
    frames = [face, face.transpose(Image.Transpose.FLIP_TOP_BOTTOM)]
    data = plain.index(b"IDAT")
    wrong_crc = plain[:-20] + bytes([plain[-20] ^ 0xFF]) + plain[-19:]
    text_bomb = png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(80_000_000), 9))
    return [
        ("alpha.png", saved(cut_out, "PNG"), "photo"),
        ("grey_alpha.png", saved(cut_out.convert("LA"), "PNG"), "photo"),
        ("palette.png", saved(palette, "PNG"), "photo"),
        ("palette_transparent.png", saved(palette, "PNG", transparency=3), "photo"),
        ("colour_key.png", saved(face, "PNG", transparency=(1, 2, 3)), "photo"),
        ("one_bit.png", saved(face.convert("1"), "PNG"), "photo"),
        ("animated.png", saved(face, "PNG", save_all=True, append_images=frames[1:]), "photo"),
        ("interlaced_header.png", plain[:28] + b"\1" + plain[29:], "refused"),
        ("wrong_checksum.png", wrong_crc, "refused"),
        ("cut.png", plain[: len(plain) // 2], "refused"),
        ("no_data.png", plain[: data - 4] + png_chunk(b"IEND", b""), "refused"),
        ("signature_only.png", plain[:8], "refused"),
        ("size_0.png", png_header(0, 0) + plain[33:], "refused"),
        ("huge_header.png", png_header(2_000_000_000, 2_000_000_000) + plain[33:], "refused"),
        ("text_bomb.png", plain[:33] + text_bomb + plain[33:], "refused"),
        (
            "too_little_data.png",
            png_header(*face.size) + png_chunk(b"IDAT", zlib.compress(bytes(900))) + png_chunk(b"IEND", b""),
            "refused",
        ),
    ]


def _other_kinds(face: Image.Image) -> Parts:
    import pillow_heif

    pillow_heif.register_heif_opener()
    frames = {"save_all": True, "append_images": [face.transpose(Image.Transpose.FLIP_LEFT_RIGHT)] * 2}
    gif, webp, heic = saved(face, "GIF"), saved(face, "WEBP"), saved(face, "HEIF", quality=80)
    avif, bmp, tiff = saved(face, "AVIF"), saved(face, "BMP"), saved(face, "TIFF")
    rows = np.asarray(face)[:, :, ::-1]
    top_down = bmp[:22] + struct.pack("<i", -face.height) + bmp[26:54] + rows.tobytes()
    return [
        ("plain.gif", gif, "photo"),
        ("animated.gif", saved(face, "GIF", duration=100, **frames), "photo"),
        ("size_0.gif", gif[:6] + bytes(4) + gif[10:], "either"),
        ("cut.gif", gif[: len(gif) // 2], "refused"),
        ("plain.webp", webp, "photo"),
        ("animated.webp", saved(face, "WEBP", **frames), "photo"),
        ("alpha.webp", saved(face.convert("RGBA"), "WEBP", lossless=True), "photo"),
        ("cut.webp", webp[: len(webp) // 2], "refused"),
        ("plain.heic", heic, "photo"),
        ("heic_named.jpg", heic, "photo"),
        ("cut.heic", heic[: len(heic) // 2], "refused"),
        ("plain.avif", avif, "photo"),
        ("cut.avif", avif[: len(avif) // 2], "refused"),
        ("plain.bmp", bmp, "photo"),
        ("top_down.bmp", top_down, "photo"),
        ("cut.bmp", bmp[: len(bmp) // 2], "refused"),
        ("plain.tif", tiff, "photo"),
        ("lzw.tiff", saved(face, "TIFF", compression="tiff_lzw"), "photo"),
        ("pages.tif", saved(face, "TIFF", **frames), "photo"),
        ("cmyk.tif", saved(face.convert("CMYK"), "TIFF"), "photo"),
        ("lab.tif", _lab(face), "photo"),
        ("cut.tif", saved(face, "TIFF", compression="tiff_lzw")[:20_000], "refused"),
        ("directory_loop.tif", _looping_tiff(), "either"),
        ("directory_outside.tif", b"II*\0" + struct.pack("<I", 0x7FFFFFF0), "refused"),
        ("icon.ico", saved(face.resize((128, 128)), "ICO"), "photo"),
        ("icon_with_a_bomb.ico", _icon_of(plain_png(12_000, 12_000)), "refused"),
        ("plain.ppm", saved(face, "PPM"), "photo"),
        ("huge_header.ppm", b"P6 999999 999999 255\n", "refused"),
        ("plain.jp2", saved(face, "JPEG2000"), "photo"),
    ]


def _lab(face: Image.Image) -> bytes:
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    lab = ImageCms.applyTransform(face, to_lab)
    assert lab is not None
    return saved(lab, "TIFF")


def _looping_tiff() -> bytes:
    """One directory that names itself as the next."""
    entries = [
        (256, 4, 1, 4),
        (257, 4, 1, 4),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 110),
        (279, 4, 1, 16),
    ]
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    body = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + table + struct.pack("<I", 8)
    return body.ljust(110, b"\0") + bytes(range(0, 160, 10))


def _icon_of(picture: bytes) -> bytes:
    return (
        struct.pack("<HHH", 0, 1, 1)
        + struct.pack("<BBBBHHII", 64, 64, 0, 0, 1, 32, len(picture), 22)
        + picture
    )


def _numbers(face: Image.Image) -> Parts:
    grey = np.asarray(face.convert("L"))
    colour = np.asarray(face)
    wide = grey.astype(np.uint16) * 257
    deep = (colour.astype(">u2") * 257).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in deep)
    rgb16 = (
        png_header(*face.size, bits=16) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    )
    unit = grey.astype(np.float32) / 255
    holes = unit.copy()
    holes[:5] = np.nan
    return [
        ("grey_16_bit.png", saved(Image.fromarray(wide), "PNG"), "photo"),
        ("colour_16_bit.png", rgb16, "photo"),
        ("grey_16_bit.tif", saved(Image.fromarray(wide), "TIFF"), "photo"),
        ("grey_32_bit.tif", saved(Image.fromarray(wide.astype(np.int32)), "TIFF"), "photo"),
        ("float.tif", saved(Image.fromarray(unit), "TIFF"), "photo"),
        ("float_255.tif", saved(Image.fromarray(grey.astype(np.float32)), "TIFF"), "photo"),
        ("float_holes.tif", saved(Image.fromarray(holes), "TIFF"), "photo"),
    ]


def _not_pictures(face: Image.Image) -> Parts:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("zeros", bytes(20_000_000))
    return [
        ("empty.jpg", b"", "refused"),
        ("one_byte.jpg", b"\xff", "refused"),
        ("zeros.jpg", bytes(10_000), "refused"),
        ("text.jpg", b"This is no picture.\n" * 50, "refused"),
        ("web_page.jpg", b"<!DOCTYPE html><html><body>404</body></html>", "refused"),
        ("zip_bomb.jpg", archive.getvalue(), "refused"),
        ("gzip.png", gzip.compress(bytes(100_000)), "refused"),
        ("drawing.jpg", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "refused"),
        ("document.jpg", b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n", "refused"),
        ("script.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "refused"),
        ("video.jpg", b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(500), "refused"),
        ("program.jpg", b"MZ\x90\0" + bytes(500), "refused"),
        ("photoshop.psd", b"8BPS\0\1" + bytes(500), "refused"),
        ("raw.cr2", b"II*\0\x10\0\0\0CR\2\0" + bytes(500), "refused"),
        ("raw.dng", _raw(face), "refused"),
    ]


def _raw(face: Image.Image) -> bytes:
    """What a camera writes: a TIFF whose first picture is a small preview."""
    return saved(face.resize((160, 120)), "TIFF", tiffinfo={254: 1, 50706: b"\1\4\0\0"})


def _sizes(face: Image.Image) -> Parts:
    return [
        ("1x1.png", saved(face.resize((1, 1)), "PNG"), "photo"),
        ("1x1.jpg", saved(face.resize((1, 1)), "JPEG"), "photo"),
        ("1x10000.png", saved(face.resize((1, 10_000)), "PNG"), "photo"),
        ("10000x1.jpg", saved(face.resize((10_000, 1)), "JPEG"), "photo"),
        ("100_megapixels.png", plain_png(10_000, 10_000), "photo"),
        ("101_megapixels.png", plain_png(10_100, 10_000), "refused"),
    ]


def _names(face: Image.Image) -> Parts:
    plain = saved(face, "JPEG")
    names = [
        "Zoë Ångström.jpg",
        "山田太郎.jpg",
        "صورة.jpg",
        "😀👩‍🚀.jpg",
        "e\u0301tude.jpg",
        "two  spaces .jpg",
        "#100%&'.jpg",
        "-rf.jpg",
        "a" * 251 + ".jpg",
    ]
    if os.name != "nt":
        names += [
            "new\nline.jpg",
            "tab\there.jpg",
            "\u202egpj.drow.jpg",
            'semi;colon"quote.jpg',
            "back\\slash.jpg",
        ]
    return [(name, plain, "photo") for name in names]


def _things_of_the_file_system(folder: Path) -> Iterator[tuple[str, str]]:
    (folder / "folder.jpg").mkdir()
    yield "folder.jpg", "refused"
    yield "not_there.jpg", "refused"
    for name, make in _special(folder).items():
        with contextlib.suppress(OSError, NotImplementedError):  # Windows without the right to make links
            make()
            yield name, "photo" if name == "link.jpg" else "refused"
    if hasattr(os, "geteuid") and os.geteuid() != 0:
        (folder / "no_permission.jpg").write_bytes((folder / "plain.jpg").read_bytes())
        (folder / "no_permission.jpg").chmod(0)
        yield "no_permission.jpg", "refused"
    if os.name != "nt" and _takes_any_bytes(folder):
        yield os.fsdecode(b"latin1_\xe9.jpg"), "refused"


def _special(folder: Path) -> dict[str, Callable[[], None]]:
    made: dict[str, Callable[[], None]] = {
        "link.jpg": lambda: (folder / "link.jpg").symlink_to("plain.jpg"),
        "dangling.jpg": lambda: (folder / "dangling.jpg").symlink_to("nowhere.jpg"),
        "link_to_itself.jpg": lambda: (folder / "link_to_itself.jpg").symlink_to("link_to_itself.jpg"),
    }
    if hasattr(os, "mkfifo"):
        made["pipe.jpg"] = lambda: os.mkfifo(folder / "pipe.jpg")
    return made


def _takes_any_bytes(folder: Path) -> bool:
    """macOS refuses names that are not UTF-8."""
    try:
        with open(os.path.join(os.fsencode(folder), b"latin1_\xe9.jpg"), "wb") as file:
            file.write((folder / "plain.jpg").read_bytes())
    except OSError:
        return False
    return True
