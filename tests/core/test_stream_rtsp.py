"""A camera that speaks RTSP, with a real stream: read, dead, silent; whatever it does, it holds nobody up."""

from __future__ import annotations

import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from live_sessions import lively, number, session, shape, until
from rtsp_camera import RtspCamera

from faceapp.stream.sources import SourceSpec
from faceapp.stream.status import SourceState


@pytest.fixture(autouse=True)
def no_process_left() -> Iterator[None]:
    yield
    assert [process.name for process in multiprocessing.active_children()] == []


@pytest.fixture
def camera() -> Iterator[RtspCamera]:
    server = RtspCamera()
    yield server
    server.close()


def test_a_camera_that_dies_and_comes_back(camera: RtspCamera) -> None:
    live = session(SourceSpec.parse(camera.address))
    try:
        assert until(lambda: lively(live)), live.status
        assert shape(live) == (240, 320, 3)
        latest = live.latest()
        assert latest is not None
        assert abs(float(latest.frame.image.mean()) - 90) < 4
        camera.mood = "dead"
        assert until(lambda: live.status.state is SourceState.RECONNECTING), live.status
        seen = number(live)
        camera.mood = "well"
        assert until(lambda: lively(live, seen)), live.status
    finally:
        assert live.stop() == []


@pytest.fixture(params=["at once", "while it opens", "while it runs"])
def hanging(request: pytest.FixtureRequest, camera: RtspCamera) -> Callable[[], object]:
    """Brings the camera to where it says nothing more."""

    def wait() -> None:
        if request.param == "while it opens":
            assert until(lambda: bool(camera.asked))
        elif request.param == "while it runs":
            assert until(lambda: camera.asked[-1:] == ["PLAY"])
            camera.mood = "silent"
            time.sleep(0.3)

    if request.param == "while it opens":
        camera.mood = "silent"
    return wait


def test_stop_is_quick_while_it_hangs(camera: RtspCamera, hanging: Callable[[], object]) -> None:
    """FFmpeg would wait for five seconds; stopping gives up on threads after half of that."""
    live = session(SourceSpec.parse(camera.address))
    try:
        hanging()
    finally:
        assert live.stop() == []


def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"rtsp://127.0.0.1:{free.getsockname()[1]}/live"
    live = session(SourceSpec.parse(address))
    try:
        assert until(lambda: "does not answer" in live.status.sentence), live.status
    finally:
        assert live.stop() == []
