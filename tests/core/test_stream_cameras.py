"""Network cameras that behave badly: the status says so, they come back, nothing is left behind."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from camera_server import CameraServer
from live_sessions import NoFaces, lively, no_watcher, number, session, shape, until

from faceapp.stream.session import LiveSession
from faceapp.stream.sources import SourceSpec
from faceapp.stream.status import SourceState
from faceapp.stream.watcher import Watcher
from faceapp.types import Detections, Image


@pytest.fixture
def camera() -> Iterator[CameraServer]:
    server = CameraServer()
    yield server
    server.close()


PATHS = ["/shot.jpg", "/video", "/video?nolength"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("mood", ["dead", "garbage", "cut"])
def test_a_camera_that_fails_is_tried_again_until_it_comes_back(
    camera: CameraServer, path: str, mood: str
) -> None:
    live = session(SourceSpec.parse(camera.address + path))
    try:
        assert until(lambda: lively(live))
        camera.mood = mood
        assert until(lambda: live.status.state is SourceState.RECONNECTING), live.status
        assert until(lambda: "Reconnecting, try" in live.status.sentence), live.status
        assert live.status.tries >= 1
        seen = number(live)
        camera.mood = "well"
        assert until(lambda: lively(live, seen)), live.status
    finally:
        assert live.stop() == []
    assert live.status.state is SourceState.STOPPED


@pytest.mark.parametrize("path", PATHS)
def test_the_size_may_change(camera: CameraServer, path: str) -> None:
    live = session(SourceSpec.parse(camera.address + path))
    try:
        assert until(lambda: lively(live))
        camera.size = (500, 100)
        assert until(lambda: shape(live) == (100, 500, 3))
    finally:
        live.stop()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("mood", ["well", "silent", "drip", "dead", "garbage"])
def test_stop_is_quick_whatever_the_camera_does(camera: CameraServer, path: str, mood: str) -> None:
    """The threads end although the camera holds the line: `_no_thread_left_open` fails otherwise."""
    live = session(SourceSpec.parse(camera.address + path))
    assert until(lambda: lively(live))
    camera.mood = mood
    asked = len(camera.asked)
    if mood != "well" and path == "/shot.jpg":
        assert until(lambda: len(camera.asked) > asked)
    assert live.stop() == []


def test_stop_while_it_opens(camera: CameraServer) -> None:
    camera.mood = "silent"
    live = session(SourceSpec.parse(camera.address + "/shot.jpg"))
    assert until(lambda: bool(camera.asked))
    assert live.latest() is None
    assert live.status.state is SourceState.OPENING
    assert live.stop() == []


def test_nobody_is_there() -> None:
    live = session(SourceSpec.parse("http://127.0.0.1:9/video"))
    try:
        assert until(lambda: live.status.tries >= 3)
        assert "There is no camera at this address." in live.status.sentence
    finally:
        assert live.stop() == []


def test_a_redirection_is_not_followed(camera: CameraServer) -> None:
    camera.mood = "moved"
    live = session(SourceSpec.parse(camera.address + "/shot.jpg"))
    try:
        assert until(lambda: "HTTP 302" in live.status.sentence), live.status
    finally:
        live.stop()


def test_a_password_is_sent_and_a_wrong_one_is_named(camera: CameraServer) -> None:
    camera.password = "Basic " + base64.b64encode(b"ann:s3:cret").decode()
    host = camera.address.removeprefix("http://")
    wrong = session(SourceSpec.parse(camera.address + "/video"))
    right = session(SourceSpec.parse(f"http://ann:s3%3Acret@{host}/video"))
    try:
        assert until(lambda: lively(right))
        assert until(lambda: "password" in wrong.status.sentence)
    finally:
        wrong.stop()
        right.stop()


def test_pictures_that_come_too_fast_are_dropped_and_counted(camera: CameraServer) -> None:
    class Slow(NoFaces):
        def detect(self, image: Image, min_face: int = 40, doubtful: bool = False) -> Detections:
            time.sleep(0.1)
            return super().detect(image)

    live = LiveSession(SourceSpec.parse(camera.address + "/video"), lambda: no_watcher(Slow())).start()
    try:
        assert until(lambda: (latest := live.latest()) is not None and latest.dropped > 3)
        latest = live.latest()
        assert latest is not None
        assert latest.frame.number >= latest.dropped
    finally:
        live.stop()


def test_pause_and_step(camera: CameraServer) -> None:
    live = session(SourceSpec.parse(camera.address + "/video"))
    try:
        assert until(lambda: lively(live))
        live.pause()
        assert live.status.state is SourceState.PAUSED
        assert until(lambda: stands_still(live))
        before = number(live)
        live.step()
        assert until(lambda: number(live) > before)
        assert until(lambda: stands_still(live))
        live.resume()
        after = number(live)
        assert until(lambda: lively(live, after + 3))
    finally:
        live.stop()


def stands_still(live: LiveSession) -> bool:
    before = number(live)
    time.sleep(0.15)
    return number(live) == before


def test_a_bug_shows_as_a_failure(camera: CameraServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The view must not look alive when the pipeline has died."""
    caught: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: caught.append(arguments.exc_value))

    def broken() -> Watcher:
        raise ZeroDivisionError

    live = LiveSession(SourceSpec.parse(camera.address + "/video"), broken).start()
    try:
        assert until(lambda: live.status.state is SourceState.FAILED)
        assert isinstance(caught[0], ZeroDivisionError)
    finally:
        live.stop()


def test_a_recording_is_whole_when_it_is_stopped(camera: CameraServer, tmp_path: Path) -> None:
    live = session(SourceSpec.parse(camera.address + "/video"))
    try:
        assert until(lambda: lively(live))
        live.record(tmp_path / "seen.mp4")
        before = number(live)
        assert until(lambda: lively(live, before + 10))
        camera.size = (200, 120)  # fitted into the video
        before = number(live)
        assert until(lambda: lively(live, before + 5))
        assert live.stop_recording() == tmp_path / "seen.mp4"
    finally:
        live.stop()
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".mp4"] == ["seen.mp4"]
    assert frames_of(tmp_path / "seen.mp4") >= 4


def frames_of(video: Path) -> int:
    from faceapp.opencv import cv2

    capture = cv2.VideoCapture(str(video))
    count = 0
    while capture.read()[0]:
        count += 1
    capture.release()
    return count
