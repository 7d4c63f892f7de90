"""Sources as the user writes them, and the slot between reading and watching."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from faceapp.errors import BadRequest, FaceAppError, NotFound
from faceapp.stream import sources
from faceapp.stream.readers import open_recorded
from faceapp.stream.slot import LatestSlot
from faceapp.stream.sources import SourceSpec, is_video, list_webcams


@pytest.mark.parametrize(
    ("text", "kind", "address"),
    [
        ("0", "webcam", "0"),
        ("webcam:12", "webcam", "12"),
        ("http://10.0.0.2:8080/shot.jpg", "snapshot", "http://10.0.0.2:8080/shot.jpg"),
        ("http://10.0.0.2/SHOT.JPG?q=1", "snapshot", "http://10.0.0.2/SHOT.JPG?q=1"),
        ("http://10.0.0.2:8080/video", "mjpeg", "http://10.0.0.2:8080/video"),
        ("snapshot:http://10.0.0.2/cgi?x=1", "snapshot", "http://10.0.0.2/cgi?x=1"),
        ("mjpeg:http://10.0.0.2/a.jpg", "mjpeg", "http://10.0.0.2/a.jpg"),
        (" rtsp://cam/stream1 ", "rtsp", "rtsp://cam/stream1"),
    ],
)
def test_what_a_text_means(text: str, kind: str, address: str) -> None:
    spec = SourceSpec.parse(text)
    assert (spec.kind, spec.address, spec.live) == (kind, address, True)


def test_a_password_is_not_shown() -> None:
    spec = SourceSpec.parse("http://ann:s3cret@cam:81/video?token=abc")
    assert spec.name == "cam:81/video"
    assert "s3cret" in spec.address


def test_paths(tmp_path: Path) -> None:
    video = tmp_path / "a clip.mp4"
    video.write_bytes(b"x")
    assert SourceSpec.parse(str(video)) == SourceSpec("file", str(video), "a clip.mp4")
    assert SourceSpec.parse(str(tmp_path)).kind == "folder"
    assert not SourceSpec.parse(str(tmp_path)).live


@pytest.mark.parametrize(
    "text", ["", "  ", "ftp://cam/1", "http://", "http://[::1/x", "rtsp://cam:port/1", "http://cam/a b", "file:///etc"]
)
def test_what_is_no_source(text: str) -> None:
    with pytest.raises(BadRequest):
        SourceSpec.parse(text)


@pytest.mark.parametrize("text", ["/no/such/file.mp4", "a" * 5000, "x\0y"])
def test_a_missing_file(text: str) -> None:
    with pytest.raises(NotFound):
        SourceSpec.parse(text)


def test_a_video_is_told_from_a_photo_by_its_bytes(tmp_path: Path, portrait_files: dict[str, Path]) -> None:
    disguised = tmp_path / "photo.mp4"
    disguised.write_bytes(portrait_files["hopper"].read_bytes())
    unnamed = tmp_path / "clip"
    unnamed.write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
    text = tmp_path / "list.txt"
    text.write_text("hello")
    assert [is_video(path) for path in (disguised, unnamed, text, tmp_path / "none.mp4")] == [
        False, True, False, False,
    ]  # fmt: skip


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere devices are opened to be found")
def test_webcams_are_listed_once_each_with_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for device, index, name in (("video10", "0", "Desk"), ("video2", "0", ""), ("video3", "1", "Desk")):
        (tmp_path / device).mkdir()
        (tmp_path / device / "index").write_text(f"{index}\n")
        (tmp_path / device / "name").write_text(f"{name}\n")
    monkeypatch.setattr(sources, "_DEVICES", tmp_path)
    assert list_webcams() == [SourceSpec("webcam", "2", "Webcam 2"), SourceSpec("webcam", "10", "Desk")]


@pytest.mark.parametrize("content", [b"", b"not a video at all", b"\0\0\0\x20ftypisom" + bytes(5000)])
def test_a_broken_video_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.mp4"
    file.write_bytes(content)
    with pytest.raises(FaceAppError, match=r"broken\.mp4"):
        open_recorded(SourceSpec.parse(str(file)))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FaceAppError, match="no pictures"):
        open_recorded(SourceSpec.parse(str(tmp_path)))


def test_the_newest_wins_and_the_rest_is_counted() -> None:
    slot: LatestSlot[int] = LatestSlot()
    for number in range(5):
        slot.put(number)
    assert (slot.take(0), slot.dropped) == (4, 4)
    assert slot.take(0.01) is None


def test_a_closed_slot_wakes_whoever_waits() -> None:
    slot: LatestSlot[int] = LatestSlot()
    taken: list[int | None] = []
    thread = threading.Thread(target=lambda: taken.append(slot.take(60)))
    thread.start()
    slot.close()
    thread.join(5)
    assert taken == [None]
