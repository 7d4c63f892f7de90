"""Results as files: what they say about themselves, in every format, and what is never written."""

from __future__ import annotations

import errno
import os
import stat
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image as pillow

from faceapp.config import Settings
from faceapp.edit import xmp
from faceapp.edit.provenance import Made, Marking, Marks, mark_file, read_marks, save_image, stamp_frame
from faceapp.edit.results import refuse_sources, whole
from faceapp.errors import BadRequest, Conflict, NotFound, StoreUnavailable
from faceapp.paths import Paths
from faceapp.types import Image

SUFFIXES = [".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".JPG"]
EXACT = {".png", ".tif", ".tiff"}
SWAP = Made("face swap")
NAMES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "ext": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
}


def packet_of(path: Path) -> bytes:
    """The XMP packet as Pillow finds it, by the place that the format has for it."""
    with pillow.open(path) as picture:
        picture.load()
        known = picture.info
        found: Any = known.get("xmp") or known.get("XML:com.adobe.xmp") or picture.getexif()[700]
    return found.encode() if isinstance(found, str) else bytes(found)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_says_that_it_is_edited(tmp_path: Path, hopper: Image, suffix: str) -> None:
    made = Made("face swap", remark="Likeness <80 %> & more.")
    path = save_image(tmp_path / f"result{suffix}", hopper, made)
    root = ElementTree.fromstring(packet_of(path).decode().split("?>", 1)[1])

    def text(*steps: str) -> str | None:
        return root.findtext(".//" + "/".join(steps), namespaces=NAMES)

    assert text("photoshop:History") == "edited: face swap"
    description = text("dc:description", "rdf:Alt", "rdf:li")
    assert description is not None
    assert description.startswith("Edited: face swap.")
    assert description.endswith("Likeness <80 %> & more.")
    assert text("ext:DigitalSourceType") == "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"
    assert str(text("xmp:CreatorTool")).startswith("faceapp ")
    assert text("xmpMM:History", "rdf:Seq", "rdf:li", "stEvt:action") == "edited"
    assert read_marks(path) == Marks("face swap", "compositeSynthetic", "")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_picture_is_the_one_that_was_given(
    tmp_path: Path, astronaut: Image, suffix: str, read_image: Any
) -> None:
    path = save_image(tmp_path / f"result{suffix}", astronaut, SWAP)
    again = read_image(path)
    assert again.shape == astronaut.shape
    if suffix.lower() in EXACT:
        np.testing.assert_array_equal(again, astronaut)
    else:
        assert np.abs(again.astype(float) - astronaut).mean() < 2.5
    with pillow.open(path) as picture:
        exif = picture.getexif()
    assert exif.get(0x0112, 1) == 1, "it stands upright as it is"
    assert not exif.get_ifd(0x8825), "no place is told"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_what_is_transparent_stays_so(tmp_path: Path, hopper: Image, suffix: str) -> None:
    alpha = np.zeros((*hopper.shape[:2], 1), np.uint8)
    alpha[100:200] = 255
    path = save_image(tmp_path / f"result{suffix}", np.concatenate([hopper, alpha], 2), Made("morph"))
    with pillow.open(path) as picture:
        np.testing.assert_array_equal(np.asarray(picture.getchannel("A")), alpha[..., 0])


@pytest.mark.parametrize(("name", "channels", "code"), [
    ("result.bmp", 3, "image_name"), ("result", 3, "image_name"), ("result.jpg.exe", 3, "image_name"),
    ("result.jpg", 4, "no_transparency"),
])
def test_a_format_that_cannot_be_written_is_a_sentence(
    tmp_path: Path, name: str, channels: int, code: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        save_image(tmp_path / name, np.zeros((8, 8, channels), np.uint8), SWAP)
    assert refused.value.code == code
    assert os.listdir(tmp_path) == []


def test_a_picture_that_is_too_wide_for_its_format(tmp_path: Path) -> None:
    wide = np.zeros((2, 16_384, 3), np.uint8)
    with pytest.raises(BadRequest) as refused:
        save_image(tmp_path / "wide.webp", wide, SWAP)
    assert refused.value.code == "too_large_for_format"
    save_image(tmp_path / "wide.png", wide, SWAP)
    assert os.listdir(tmp_path) == ["wide.png"]


def test_a_source_is_never_written_over(tmp_path: Path, hopper: Image) -> None:
    source = tmp_path / "me.png"
    source.write_bytes(b"the original")
    (tmp_path / "other").mkdir()
    link = tmp_path / "link.png"
    link.symlink_to(source)
    for target in (source, tmp_path / "other" / ".." / "me.png", link):
        with pytest.raises(Conflict) as refused:
            save_image(target, hopper, Made("morph", sources=["", tmp_path / "gone.png", source]))
        assert refused.value.code == "would_overwrite"
    assert source.read_bytes() == b"the original"
    refuse_sources(tmp_path / "new.png", ["", str(source)])


def test_a_full_disk_leaves_what_was_there(
    tmp_path: Path, hopper: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = save_image(tmp_path / "result.png", hopper, SWAP)
    before = target.read_bytes()

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:1000])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    for name in ("result.png", "other.jpg"):
        with pytest.raises(StoreUnavailable) as refused:
            save_image(tmp_path / name, hopper[:100], SWAP)
        assert refused.value.code == "disk_full"
        assert name in refused.value.sentence
    assert os.listdir(tmp_path) == ["result.png"]
    assert target.read_bytes() == before


def test_a_place_that_is_no_folder_is_a_sentence(tmp_path: Path, hopper: Image) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreUnavailable) as refused:
        save_image(tmp_path / "file" / "result.png", hopper, SWAP)
    assert refused.value.code == "not_written"
    save_image(tmp_path / "new" / "folder" / "result.png", hopper, SWAP)


def test_what_raises_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with whole(tmp_path / "result.bin") as temporary:
            temporary.write_bytes(b"half")
            raise KeyError("cancelled")

    with pytest.raises(KeyError):
        write()
    assert os.listdir(tmp_path) == []


# -- the visible mark ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(480, 640), (2000, 1500), (64, 64), (1, 1), (3, 900)])
def test_a_stamp_is_a_small_corner(height: int, width: int) -> None:
    image = np.full((height, width, 3), 200, np.uint8)
    stamped = stamp_frame(image, "morph")
    assert (image == 200).all(), "the picture that was given stays"
    assert stamped.shape == image.shape
    rows, columns = np.nonzero((stamped != image).any(2))
    assert len(rows) > 0
    if min(height, width) >= 400:
        assert rows.min() > 0.9 * height
        assert columns.min() > 0.6 * width
        assert stamped.max() > 230, "light letters"
        assert stamped[rows.min():, columns.min():].min() < 100, "on dark ground"


def test_the_mark_is_drawn_only_where_it_is_wanted(tmp_path: Path, hopper: Image, read_image: Any) -> None:
    plain = read_image(save_image(tmp_path / "plain.png", hopper, SWAP))
    marked = read_image(save_image(tmp_path / "marked.png", hopper, SWAP, Marking(visible=True)))
    np.testing.assert_array_equal(plain, hopper)
    np.testing.assert_array_equal(marked, stamp_frame(hopper, "face swap"))
    assert (marked != hopper).any()


def test_marks_follow_the_settings(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert Marking.chosen(Settings(), paths) == Marking()
    chosen = Marking.chosen(Settings(visible_mark=True, content_credentials=True), paths)
    assert chosen.visible
    assert chosen.credentials is not None
    assert chosen.credentials.is_relative_to(tmp_path)


# -- content credentials ------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_manifest_is_signed_and_read_back(tmp_path: Path, hopper: Image, suffix: str) -> None:
    marking = Marking(credentials=tmp_path / "credentials")
    path = save_image(tmp_path / f"result{suffix}", hopper, Made("morph", neural=True), marking)
    assert read_marks(path) == Marks("morph", "compositeWithTrainedAlgorithmicMedia", "Valid")
    with pillow.open(path) as picture:
        assert picture.size == (hopper.shape[1], hopper.shape[0])
        picture.load()


def test_a_changed_file_is_noticed(tmp_path: Path, hopper: Image) -> None:
    path = save_image(tmp_path / "result.png", hopper, SWAP, Marking(credentials=tmp_path / "credentials"))
    data = bytearray(path.read_bytes())
    data[-40] ^= 0xFF  # in the picture's own data
    path.write_bytes(data)
    assert read_marks(path).credentials == "Invalid"


def test_the_certificate_is_made_once_and_for_its_owner_alone(tmp_path: Path, hopper: Image) -> None:
    folder = tmp_path / "credentials"
    kept = set()
    for number in range(2):
        save_image(tmp_path / f"{number}.png", hopper[:64, :64], SWAP, Marking(credentials=folder))
        kept.add((folder / "signer.pem").read_bytes())
    assert len(kept) == 1
    assert os.listdir(folder) == ["signer.pem"]
    if os.name != "nt":
        assert stat.S_IMODE((folder / "signer.pem").stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("broken", [b"", b"no certificate", b"-----BEGIN PRIVATE KEY-----\nx\n"])
def test_a_broken_certificate_is_a_sentence(tmp_path: Path, hopper: Image, broken: bytes) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "signer.pem").write_bytes(broken)
    with pytest.raises(StoreUnavailable) as refused:
        save_image(tmp_path / "result.png", hopper[:64, :64], SWAP, Marking(credentials=folder))
    assert refused.value.code == "credentials_failed"
    assert "signer.pem" in refused.value.hint
    assert not (tmp_path / "result.png").exists()


def test_without_the_part_that_signs_there_is_a_sentence(
    tmp_path: Path, hopper: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    with pytest.raises(StoreUnavailable) as refused:
        save_image(tmp_path / "result.png", hopper, SWAP, Marking(credentials=tmp_path / "credentials"))
    assert refused.value.code == "no_credentials"
    assert not (tmp_path / "result.png").exists()
    save_image(tmp_path / "result.png", hopper, SWAP)


# -- films and animations -----------------------------------------------------------------------------------


def film(path: Path, frames: int = 12) -> Path:
    import av

    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=Fraction(25))
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for index in range(frames):
            image = np.full((64, 64, 3), 20 * index, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
        output.mux(stream.encode())
    return path


def animation(path: Path) -> Path:
    pictures = [pillow.new("RGB", (40, 30), (40 * index, 0, 90)) for index in range(5)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=80)
    return path


def count_frames(path: Path) -> int:
    if path.suffix in (".gif", ".webp", ".png"):
        with pillow.open(path) as picture:
            count = int(getattr(picture, "n_frames", 1))
            for index in range(count):
                picture.seek(index)
                picture.load()
            return count
    import av

    with av.open(str(path)) as source:
        return sum(1 for _ in source.decode(video=0))


@pytest.mark.parametrize("credentials", [False, True])
@pytest.mark.parametrize("name", ["film.mp4", "film.mov", "morph.gif", "morph.webp", "morph.png"])
def test_films_and_animations_are_marked_and_still_play(tmp_path: Path, name: str, credentials: bool) -> None:
    path = (film if name.startswith("film") else animation)(tmp_path / name)
    before = count_frames(path)
    assert before > 1
    mark_file(path, Made("morph"), Marking(credentials=tmp_path / "credentials" if credentials else None))
    assert count_frames(path) == before
    assert read_marks(path) == Marks("morph", "compositeSynthetic", "Valid" if credentials else "")
    assert sorted(os.listdir(tmp_path)) == sorted([name, *(["credentials"] if credentials else [])])
    data = path.read_bytes()
    assert b".part" not in data, "no temporary name is told"
    assert str(tmp_path).encode() not in data


def test_pillow_finds_the_metadata_of_animations(tmp_path: Path) -> None:
    for name in ("morph.webp", "morph.png"):
        path = animation(tmp_path / name)
        mark_file(path, Made("average"))
        assert b"edited: average" in packet_of(path)


def test_a_gif_s_metadata_is_an_extension_that_all_can_skip(tmp_path: Path) -> None:
    """Pillow does not look for it: the block is found as GIF89a's grammar has it."""
    path = animation(tmp_path / "morph.gif")
    mark_file(path, Made("average"))
    data = path.read_bytes()
    place = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    assert data[place : place + 14] == b"\x21\xff\x0bXMP DataXMP"
    end = data.index(b"<?xpacket end=", place)
    block = place + 14
    while data[block]:  # as who does not know the block goes over it, by lengths that are letters
        block += data[block] + 1
    assert block > end
    assert data[block + 1] in (0x21, 0x2C), "the next block begins"


@pytest.mark.parametrize("name", ["result.mkv", "result.txt", "half.gif", "plain.webp", "none.png"])
def test_a_file_without_a_place_for_marks_is_a_sentence(tmp_path: Path, name: str, hopper: Image) -> None:
    path = tmp_path / name
    path.write_bytes(b"GIF89a half of a file")
    if name == "plain.webp":
        pillow.fromarray(hopper).save(path)
    before = path.read_bytes()
    with pytest.raises(BadRequest) as refused:
        mark_file(path, SWAP)
    assert refused.value.code == "no_place_for_marks"
    assert path.read_bytes() == before


def test_files_of_others_say_nothing(tmp_path: Path, portrait_files: dict[str, Path]) -> None:
    for path in portrait_files.values():
        assert read_marks(path) == Marks()
    (tmp_path / "odd.jpg").write_bytes(b"<x:xmpmeta no end")
    (tmp_path / "empty.mp4").write_bytes(b"")
    assert read_marks(tmp_path / "odd.jpg") == Marks()
    assert read_marks(tmp_path / "empty.mp4") == Marks()
    with pytest.raises(NotFound):
        read_marks(tmp_path / "gone.png")


def test_a_packet_has_no_markup_of_its_texts() -> None:
    made = xmp.packet("<b>&\"", "edited: x", "type", "tool", "2026")
    root = ElementTree.fromstring(made.decode().split("?>", 1)[1])
    assert root.findtext(".//dc:description/rdf:Alt/rdf:li", namespaces=NAMES) == '<b>&"'
