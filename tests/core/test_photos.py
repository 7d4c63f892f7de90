"""Photos in: every kind and every twist of a picture, and a sentence for everything else."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oddfiles import DISPLAY_P3, icc_profile, make_odd_files, saved, with_orientation
from PIL import Image, ImageCms

from faceapp.errors import BadRequest, FaceAppError, NotFound, TooLarge, UnusablePhoto
from faceapp.pipeline.photos import (
    MAX_BYTES,
    decode_photo,
    find_photos,
    losses,
    photo_from_pixels,
    read_photo,
)
from faceapp.types import Image as Pixels

KINDS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "HEIF", "AVIF", "JPEG2000", "PPM")
# What was stored for a picture to come out upright, by EXIF orientation.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.fixture(scope="module")
def face(portrait_files: dict[str, Path]) -> Image.Image:
    with Image.open(portrait_files["hopper"]) as picture:
        return picture.convert("RGB").resize((192, 224))


@pytest.fixture(scope="module")
def odd_files(
    portrait_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("odd")
    return folder, make_odd_files(folder, portrait_files["hopper"])


def bgr(picture: Image.Image) -> Pixels:
    return np.asarray(picture.convert("RGB"))[:, :, ::-1]


def apart(one: Pixels, other: Pixels) -> float:
    """The mean difference of two images, in grey levels."""
    assert one.shape == other.shape
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


# -- every odd file ---------------------------------------------------------------------------


def test_every_odd_file_ends_in_a_photo_or_a_sentence(odd_files: tuple[Path, dict[str, str]]) -> None:
    folder, expected = odd_files
    assert len(expected) >= 60
    wrong = []
    for name, outcome in expected.items():
        try:
            photo = read_photo(folder / name)
        except FaceAppError as refusal:
            got = "refused"
            assert refusal.sentence.endswith("."), refusal
            assert refusal.sentence.isprintable(), refusal
            assert refusal.code.isidentifier()
            refusal.sentence.encode("utf-8")
        else:
            got = "photo"
            assert photo.name == name
            assert photo.image.flags.c_contiguous
        if outcome not in (got, "either"):
            wrong.append((name, outcome, got))
    assert wrong == []


def test_uploads_get_the_same_answers_as_files(odd_files: tuple[Path, dict[str, str]]) -> None:
    folder, expected = odd_files
    for name in (name for name in expected if (folder / name).is_file() and "megapixels" not in name):
        data = (folder / name).read_bytes()
        try:
            photo = decode_photo(data, name)
        except FaceAppError:
            assert expected[name] != "photo", name
        else:
            assert photo.data == data, name
            assert expected[name] != "refused" or "latin1" in name, name


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("document.jpg", "kind_not_read", "PDF"),
        ("drawing.jpg", "kind_not_read", "SVG"),
        ("raw.dng", "kind_not_read", "RAW"),
        ("raw.cr2", "kind_not_read", "RAW"),
        ("zip_bomb.jpg", "kind_not_read", "ZIP"),
        ("video.jpg", "kind_not_read", "video"),
        ("text.jpg", "not_a_picture", "not a picture"),
        ("empty.jpg", "empty_file", "empty"),
        ("cut_in_the_middle.jpg", "cut_off", "cut off"),
        ("wrong_checksum.png", "damaged", "damaged"),
        ("folder.jpg", "is_a_folder", "folder"),
    ],
)
def test_a_refusal_names_its_reason(
    odd_files: tuple[Path, dict[str, str]], name: str, code: str, words: str
) -> None:
    with pytest.raises(UnusablePhoto, match=words) as refusal:
        read_photo(odd_files[0] / name)
    assert refusal.value.code == code
    assert refusal.value.hint


@pytest.mark.parametrize("name", ["101_megapixels.png", "huge_header.jpg", "icon_with_a_bomb.ico"])
def test_too_many_pixels_are_refused_before_they_are_decoded(
    odd_files: tuple[Path, dict[str, str]], name: str
) -> None:
    with pytest.raises(TooLarge, match="100 megapixels"):
        read_photo(odd_files[0] / name)


def test_100_megapixels_are_read(odd_files: tuple[Path, dict[str, str]]) -> None:
    photo = read_photo(odd_files[0] / "100_megapixels.png")
    assert (photo.width, photo.height) == (10_000, 10_000)
    assert photo.image[9_999, 9_999].tolist() == [200, 200, 200]


def test_no_warning_reaches_the_terminal(odd_files: tuple[Path, dict[str, str]]) -> None:
    """In a process of its own, with Python's usual warnings: nothing on standard error."""
    names = ["exif_damaged.jpg", "palette_transparent.png", "broken_profile.jpg", "100_megapixels.png"]
    program = (
        "import sys\nfrom faceapp.pipeline.photos import read_photo\nfor p in sys.argv[1:]: read_photo(p)"
    )
    run = subprocess.run(
        [sys.executable, "-W", "always", "-c", program, *(str(odd_files[0] / name) for name in names)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert run.stderr == ""


# -- the right pixels -------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "HEIF", "AVIF"])
def test_exif_orientation(face: Image.Image, kind: str, orientation: int) -> None:
    stored = face.transpose(STORED[orientation])
    photo = decode_photo(with_orientation(stored, orientation, kind))
    assert apart(photo.image, bgr(face)) < 6
    assert apart(photo.image, bgr(face)[:, ::-1]) > 20  # a mirrored face would be noticed


@pytest.mark.parametrize("orientation", STORED)
def test_exif_orientation_of_jpegs_that_pillow_reads(face: Image.Image, orientation: int) -> None:
    stored = face.transpose(STORED[orientation]).convert("CMYK")
    assert apart(decode_photo(with_orientation(stored, orientation)).image, bgr(face)) < 6


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_shows_the_same_picture(face: Image.Image, kind: str) -> None:
    tolerance = 14 if kind == "GIF" else 6  # 256 colours
    assert apart(decode_photo(saved(face, kind)).image, bgr(face)) < tolerance


def test_transparency_lies_on_white(face: Image.Image) -> None:
    cut_out = face.copy()
    cut_out.putalpha(Image.linear_gradient("L").resize(face.size))
    image = decode_photo(saved(cut_out, "PNG")).image
    share = np.asarray(cut_out.getchannel("A"))[:, :, None] / 255
    assert np.abs(image - (bgr(face) * share + 255 * (1 - share))).max() <= 1


def test_transparent_palette_lies_on_white(face: Image.Image) -> None:
    palette = face.quantize(16)
    index = palette.getpixel((0, 0))
    image = decode_photo(saved(palette, "PNG", transparency=index)).image
    hidden = np.asarray(palette) == index
    assert (image[hidden] == 255).all()
    assert np.array_equal(image[~hidden], bgr(palette)[~hidden])


@pytest.mark.parametrize(
    "name", ["grey_16_bit.png", "grey_16_bit.tif", "grey_32_bit.tif", "float.tif", "float_255.tif"]
)
def test_deep_greys_are_scaled(
    odd_files: tuple[Path, dict[str, str]], portrait_files: dict[str, Path], name: str
) -> None:
    with Image.open(portrait_files["hopper"]) as source:
        grey = source.convert("RGB").resize((256, 300)).convert("L")
    assert np.abs(read_photo(odd_files[0] / name).image.astype(int) - bgr(grey)).max() <= 1


def test_what_a_result_cannot_have_is_said(odd_files: tuple[Path, dict[str, str]], face: Image.Image) -> None:
    def words(*names: str) -> set[tuple[str, ...]]:
        return {losses(read_photo(odd_files[0] / name)) for name in names}

    ((deep,),) = words("colour_16_bit.png", "grey_16_bit.png", "grey_16_bit.tif", "float.tif")
    assert deep == "The photo has more than 8 bits a colour, its result has 8."
    ((clear,),) = words("alpha.png", "grey_alpha.png", "palette_transparent.png")
    assert clear == "What is transparent in the photo is white in its result."
    # An alpha channel that hides nothing is none.
    assert words("alpha.webp", "orientation_6.jpg", "animated.gif") == {()}
    wide = pillow_heif.from_bytes("RGB;16", face.size, (np.asarray(face).astype(np.uint16) * 257).tobytes())
    upload = io.BytesIO()
    wide.save(upload)
    assert losses(decode_photo(upload.getvalue())) == (deep,)


def test_of_a_file_that_is_another_one_by_now_nothing_is_said(face: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "cut_out.png"
    path.write_bytes(saved(face.convert("RGBA").rotate(45), "PNG"))
    photo = read_photo(path)
    assert losses(photo)
    path.write_bytes(path.read_bytes()[:-20])
    assert losses(photo) == ()
    path.unlink()
    assert losses(photo) == () == losses(photo_from_pixels(photo.image))


def test_deep_colours_are_scaled(
    odd_files: tuple[Path, dict[str, str]], portrait_files: dict[str, Path]
) -> None:
    with Image.open(portrait_files["hopper"]) as source:
        colour = source.convert("RGB").resize((256, 300))
    assert np.abs(read_photo(odd_files[0] / "colour_16_bit.png").image.astype(int) - bgr(colour)).max() <= 1


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_not_inverted(face: Image.Image, kind: str) -> None:
    assert apart(decode_photo(saved(face.convert("CMYK"), kind)).image, bgr(face)) < 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_wide_gamut_becomes_srgb(face: Image.Image, kind: str) -> None:
    """A picture whose numbers are Display P3 comes back as the sRGB picture that it was made from."""
    profile = icc_profile(DISPLAY_P3, "Display P3")
    wide = ImageCms.profileToProfile(
        face, ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(io.BytesIO(profile))
    )
    assert wide is not None
    wide.info.clear()  # Pillow would save the profile by itself
    options = {"quality": 98, "subsampling": 0} if kind == "JPEG" else {}
    converted = decode_photo(saved(wide, kind, icc_profile=profile, **options)).image
    taken_as_srgb = decode_photo(saved(wide, kind, **options)).image
    assert apart(converted, bgr(face)) < (1.5 if kind == "JPEG" else 1)
    assert apart(taken_as_srgb, bgr(face)) > 2


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_of_several_frames_is_taken(face: Image.Image, kind: str) -> None:
    others = [face.transpose(Image.Transpose.FLIP_LEFT_RIGHT)] * 2
    first = decode_photo(saved(face, kind, save_all=True, append_images=others)).image
    assert apart(first, bgr(face)) < 14
    assert apart(first, bgr(others[0])) > 20


# -- half a picture ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "JPEG2000"])
@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.8, 0.95])
def test_a_file_that_is_cut_off_is_refused(face: Image.Image, kind: str, share: float) -> None:
    data = saved(face, kind)
    with pytest.raises(UnusablePhoto):
        decode_photo(data[: int(len(data) * share)])


@pytest.mark.parametrize("orientation", [1, *STORED])
def test_a_jpeg_that_ends_early_is_refused_although_it_has_an_end_marker(
    face: Image.Image, orientation: int
) -> None:
    data = with_orientation(face, orientation)
    with pytest.raises(UnusablePhoto, match="cut off"):
        decode_photo(data[: len(data) // 2] + b"\xff\xd9")


@pytest.mark.parametrize("value", [127, 128, 129])
def test_a_whole_jpeg_with_a_grey_edge_is_read(face: Image.Image, value: int) -> None:
    framed = Image.new("RGB", (face.width + 64, face.height + 64), (value,) * 3)
    framed.paste(face, (32, 32))
    assert decode_photo(saved(framed, "JPEG")).width == framed.width
    assert decode_photo(saved(framed, "JPEG", progressive=True)).width == framed.width
    assert decode_photo(saved(framed.convert("L"), "JPEG")).width == framed.width


@st.composite
def damage(draw: st.DrawFn) -> tuple[int, list[tuple[float, bytes, int]]]:
    """Which file, and where what is written over how many of its bytes; mostly near its start."""
    edits = st.tuples(
        st.one_of(st.floats(0, 0.05), st.floats(0, 1)), st.binary(min_size=0, max_size=8), st.integers(0, 16)
    )
    return draw(st.integers(0, 10**6)), draw(st.lists(edits, min_size=1, max_size=6))


@given(damage())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_raise_anything_but_a_refusal(
    odd_files: tuple[Path, dict[str, str]], change: tuple[int, list[tuple[float, bytes, int]]]
) -> None:
    folder, expected = odd_files
    whole = sorted(name for name in expected if (folder / name).is_file() and "megapixels" not in name)
    data = bytearray((folder / whole[change[0] % len(whole)]).read_bytes())
    for place, put, taken in change[1]:
        start = int(place * len(data))
        data[start : start + taken] = put
    with contextlib.suppress(UnusablePhoto, TooLarge):
        photo = decode_photo(bytes(data))
        assert photo.image.size > 0


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_no_junk_raises_anything_but_a_refusal(data: bytes) -> None:
    for start in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0\x08\0\0\0", b"P5 2 2 255\n"):
        with contextlib.suppress(UnusablePhoto, TooLarge):
            decode_photo(start + data)


# -- photos from files, uploads and pixels -------------------------------------------------------


def test_a_file_keeps_its_path_and_its_hash(
    portrait_files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = portrait_files["hopper"]
    monkeypatch.chdir(path.parent)
    photo = read_photo(path.name)
    assert photo.path == str(path)
    assert photo.name == path.name
    assert photo.data is None
    assert photo.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_upload_keeps_its_bytes(portrait_files: dict[str, Path]) -> None:
    data = portrait_files["hopper"].read_bytes()
    photo = decode_photo(data, "grace.jpg")
    assert (photo.path, photo.name, photo.data) == ("", "grace.jpg", data)
    assert photo.sha256 == read_photo(portrait_files["hopper"]).sha256


def test_pixels_become_a_photo_that_can_be_kept(hopper: Pixels) -> None:
    photo = photo_from_pixels(hopper[:, ::2], "webcam")
    assert photo.data is not None
    assert np.array_equal(decode_photo(photo.data).image, hopper[:, ::2])
    assert photo.sha256 == photo_from_pixels(hopper[:, ::2].copy()).sha256
    assert photo.sha256 != photo_from_pixels(hopper[:, 1::2]).sha256


def test_the_shape_is_part_of_the_hash_of_pixels() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    assert photo_from_pixels(image).sha256 != photo_from_pixels(image.reshape(6, 4, 3)).sha256


def test_no_pixels_are_no_photo() -> None:
    with pytest.raises(UnusablePhoto):
        photo_from_pixels(np.zeros((0, 5, 3), np.uint8))


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # takes no room on the disk
    with pytest.raises(TooLarge, match="512 MB"):
        read_photo(path)


@pytest.mark.parametrize("name", ["", "a\0b.jpg", "x" * 300 + ".jpg", "missing/x.jpg"])
def test_no_such_file(tmp_path: Path, name: str) -> None:
    with pytest.raises((NotFound, UnusablePhoto)):
        read_photo(tmp_path / name)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_without_permission() -> None:
    with _readable_folder() as folder:
        locked, file = folder / "locked", folder / "file.jpg"
        locked.mkdir()
        (locked / "inside.jpg").write_bytes(b"x")
        file.write_bytes(b"x")
        file.chmod(0)
        locked.chmod(0)
        with _without_rights():
            for place in (file, locked):
                with pytest.raises(UnusablePhoto) as refusal:
                    read_photo(place)
                assert refusal.value.code == "no_permission"
            # The folder is named, so that a report tells of it.
            assert find_photos(folder) == [file, locked]
        locked.chmod(0o700)


@contextlib.contextmanager
def _readable_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@contextlib.contextmanager
def _without_rights() -> Iterator[None]:
    """Root may read everything: act as nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


# -- folders ----------------------------------------------------------------------------------


def test_photos_of_a_folder_in_natural_order(tmp_path: Path) -> None:
    names = ["a/x2.jpg", "a/x10.JPG", "a/X1.png", "B/1.heic", "b2/1.webp", "b10/1.nef", "top.tiff"]
    others = ["a/._x2.jpg", ".hidden/x.jpg", "Thumbs.db", ".DS_Store", "notes.txt", "a/film.mp4"]
    for name in names + others:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = [path.relative_to(tmp_path).as_posix() for path in find_photos(tmp_path)]
    assert found == ["a/X1.png", "a/x2.jpg", "a/x10.JPG", "B/1.heic", "b2/1.webp", "b10/1.nef", "top.tiff"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_that_go_in_circles(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.jpg").write_bytes(b"x")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.mkdir()
    (elsewhere / "2.jpg").write_bytes(b"x")
    (tmp_path / "b").symlink_to(elsewhere)
    assert find_photos(tmp_path) == [tmp_path / "a" / "1.jpg", tmp_path / "b" / "2.jpg"]


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"x")
    with pytest.raises(BadRequest):
        find_photos(tmp_path / "x.jpg")
    with pytest.raises(NotFound):
        find_photos(tmp_path / "missing")
