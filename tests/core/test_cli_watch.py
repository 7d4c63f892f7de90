"""`recognise` on videos and cameras: the shapes, the exit statuses, the sentences."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from camera_server import CameraServer
from commands import Run, runner

from faceapp.opencv import cv2
from faceapp.services import Services
from faceapp.types import Image


@pytest.fixture
def run(services: Services, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """run("recognise", ...) -> (status, standard output, standard error), on the shared models."""
    return runner(services, monkeypatch, capfd)


@pytest.fixture
def video(tmp_path: Path, astronaut: Image) -> Path:
    path = tmp_path / "pan.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (360, 360))
    for number in range(30):
        writer.write(np.ascontiguousarray(astronaut[:360, number : number + 360]))
    writer.release()
    return path


@pytest.fixture
def ann(run: Any, portrait_files: dict[str, Path]) -> None:
    assert run("enrol", portrait_files["astronaut"], "--name", "Ann Lee", "--face", 1, "--anyway")[0] == 0


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize("method", ["--vote", "--fuse"])
def test_json(run: Any, video: Path, method: str) -> None:
    status, out, _ = run("recognise", video, "--json", method, "--frames", 3, "--min-face", 30)
    assert status == 0
    document = json.loads(out)
    assert set(document) == {"frames", "seconds", "tracks"}
    assert document["frames"] == 30
    assert document["seconds"] == pytest.approx(1.2, abs=0.05)
    track = next(track for track in document["tracks"] if track["person"] == "Ann Lee")
    assert set(track) == {
        "id", "person", "visitor", "first_frame", "last_frame", "distance", "votes", "boxes"
    }  # fmt: skip
    assert (track["first_frame"], track["last_frame"], track["visitor"]) == (0, 29, None)
    assert track["votes"][0]["person"] == "Ann Lee" and track["votes"][0]["count"] == 3
    assert 0 <= track["distance"] < 0.07
    assert [row[0] for row in track["boxes"]] == list(range(30))
    assert all(len(row) == 5 and row[1] < row[3] and row[2] < row[4] for row in track["boxes"])


@pytest.mark.usefixtures("ann")
def test_csv_and_text(run: Any, video: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run("recognise", video, "--csv", "--frames", 3)[1])))
    seen = next(row for row in rows if row["person"] == "Ann Lee")
    assert (seen["first_frame"], seen["votes"], seen["faces"]) == ("0", "3", "3")
    status, out, _ = run("recognise", video, "--frames", 3)
    assert status == 0
    assert "Ann Lee (0." in out
    assert "3 of 3 faces are near to Ann Lee." in out
    assert "30 frames, 1.2 seconds" in out


@pytest.mark.usefixtures("ann")
def test_the_annotated_video(run: Any, video: Path, tmp_path: Path) -> None:
    assert run("recognise", video, "--out", tmp_path / "seen.mp4")[0] == 0
    assert (tmp_path / "seen.mp4").stat().st_size > 1000
    status, _, err = run("recognise", video, "--out", tmp_path / "seen.txt")
    assert status == 1 and "must end with .mp4" in err


def test_a_photo_is_still_a_photo(run: Any, portrait_files: dict[str, Path]) -> None:
    document = json.loads(run("recognise", portrait_files["astronaut"], "--json")[1])
    assert [set(record) for record in document] == [{"photo", "faces"}]


@pytest.mark.parametrize("words", [("--vote", "--fuse"), ("--frames", "0"), ("--min-face", "x")])
def test_wrong_usage(run: Any, video: Path, words: tuple[str, ...]) -> None:
    assert run("recognise", video, *words)[0] == 2


@pytest.mark.parametrize("source", ["ftp://cam/x", "http://", "rtsp://"])
def test_what_is_no_address(run: Any, source: str) -> None:
    status, out, err = run("recognise", source, "--json")
    assert status == 1
    assert json.loads(out)["error"]["code"] == "bad_address"
    assert "address" in err


def test_a_camera_for_a_while(run: Any, astronaut: Image) -> None:
    camera = CameraServer(lambda number: astronaut[:360, :480])
    try:
        status, out, err = run("recognise", camera.address + "/video", "--seconds", 2, "--json")
        assert status == 0, err
        document = json.loads(out)
        assert document["frames"] > 3
        assert document["tracks"][0]["person"] is None
    finally:
        camera.close()


def test_a_camera_that_is_not_there(run: Any) -> None:
    status, out, err = run("recognise", "http://127.0.0.1:9/shot.jpg", "--seconds", 1, "--json")
    assert status == 1
    assert json.loads(out)["error"]["code"] == "no_picture"
    assert "There is no camera at this address." in err
