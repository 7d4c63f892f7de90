"""Live sessions: some without models, and waiting for what they do."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from faceapp.jobs.manager import ThreadExecutor
from faceapp.live import FrameResult, LiveSettings
from faceapp.models.base import Detector
from faceapp.services import Services
from faceapp.stream.session import LiveSession, Painter
from faceapp.stream.sources import SourceSpec
from faceapp.stream.status import SourceState
from faceapp.stream.watcher import Watcher
from faceapp.types import Detections, Floats, Image


class NoFaces:
    """Stands for the models: what is tested here is the camera."""

    dimension = 4

    def detect(self, image: Image, min_face: int = 40, doubtful: bool = False) -> Detections:
        return Detections.none(landmarks=True)

    detect_thorough = detect

    def embed(self, image: Image, faces: Detections, views: int | None = None) -> Floats:
        return np.zeros((0, 4), np.float32)

    def chips(self, image: Image, faces: Detections) -> Image:
        return np.zeros((0, 8, 8, 3), np.uint8)

    def embed_chips(self, chips: Image, mirror: bool = True) -> Floats:
        return np.zeros((len(chips), 4), np.float32)


def no_watcher(detector: Detector | None = None) -> Watcher:
    nobody = NoFaces()
    return Watcher(detector or nobody, nobody, lambda _: (), lambda: 0.09, LiveSettings(), live=True)


def until(condition: Callable[[], bool], seconds: float = 15.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def session(spec: SourceSpec) -> LiveSession:
    return LiveSession(spec, no_watcher, ThreadExecutor, first_wait=0.05).start()


def lively(live: LiveSession, seen: int = -1) -> bool:
    latest = live.latest()
    return live.status.state is SourceState.RUNNING and latest is not None and latest.frame.number > seen


def shape(live: LiveSession) -> tuple[int, ...]:
    latest = live.latest()
    return latest.frame.image.shape if latest is not None else ()


def number(live: LiveSession) -> int:
    latest = live.latest()
    return latest.frame.number if latest is not None else -1


def watched(services: Services, path: Path, painter: Painter) -> list[FrameResult]:
    """Every result of a file that is played with this painter."""
    live = services.live.open(SourceSpec.parse(str(path)), keep=False)
    live.set_painter(painter)
    results: list[FrameResult] = []
    live.subscribe(results.append)
    assert until(lambda: live.status.over, 60), live.status
    live.stop()
    return results
