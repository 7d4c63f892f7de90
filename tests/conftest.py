"""Fixtures that every test may use: real portraits from installed packages, and the real test data."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from faceapp.types import Image

if TYPE_CHECKING:
    from faceapp.models.registry import Models
    from faceapp.services import Services

REPOSITORY = Path(__file__).resolve().parent.parent
if sys.platform.startswith("linux") and not os.environ.get("DISPLAY") and shutil.which("Xvfb") is None:
    # Without a display and without Xvfb, which pytest-xvfb starts, Qt would end the whole run.
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

PORTRAITS = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "hopper": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
}

# The watch of pytest-timeout.
LASTING_THREADS = ("pytest_timeout",)
THREAD_GRACE = 2.0


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the library of whoever runs it."""
    monkeypatch.setenv("FACEAPP_DATA_DIR", str(tmp_path / "default-data"))


@pytest.fixture(autouse=True)
def _no_thread_left_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that starts a thread and does not end it fails, with the thread's name."""
    before = set(threading.enumerate())
    yield
    started = [thread for thread in threading.enumerate() if thread not in before and _must_end(thread)]
    end = time.monotonic() + THREAD_GRACE
    for thread in started:
        thread.join(max(0.0, end - time.monotonic()))
    late = sorted(thread.name for thread in started if thread.is_alive())
    assert not late, f"{request.node.nodeid} left threads running: {late}"


def _must_end(thread: threading.Thread) -> bool:
    """False for a QThread: Python did not start it, and lists it for good, even when it has ended."""
    return not thread.name.startswith(LASTING_THREADS) and type(thread).__name__ != "_DummyThread"


def _packaged(package: str, path: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / path


@pytest.fixture(scope="session")
def portrait_files() -> dict[str, Path]:
    """The two public-domain portraits that come inside installed packages: "astronaut", "hopper"."""
    return {name: _packaged(*place) for name, place in PORTRAITS.items()}


def _read(path: Path) -> Image:
    from faceapp.opencv import cv2

    image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


@pytest.fixture(scope="session")
def astronaut(portrait_files: dict[str, Path]) -> Image:
    return _read(portrait_files["astronaut"])


@pytest.fixture(scope="session")
def hopper(portrait_files: dict[str, Path]) -> Image:
    return _read(portrait_files["hopper"])


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The real photos and videos; the test is skipped where they are absent."""
    chosen = os.environ.get("FACEAPP_TEST_DATA")
    folder = Path(chosen) if chosen else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the test data: set FACEAPP_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def read_image() -> Callable[[Path], Image]:
    return _read


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    """The real models, built and loaded once for all tests."""
    from faceapp.models.registry import Models
    from faceapp.paths import Paths

    paths = Paths(tmp_path_factory.mktemp("models"))
    paths.create()
    loaded = Models(paths)
    yield loaded
    loaded.release()


@pytest.fixture
def services(tmp_path: Path, models: Models) -> Iterator[Services]:
    """Everything real: an empty library in a temporary folder, jobs on threads, the shared models."""
    from db.store import open_store
    from faceapp.config import SettingsFile
    from faceapp.jobs import JobManager, ThreadExecutor
    from faceapp.paths import Paths
    from faceapp.services import Services

    paths = Paths(tmp_path / "data")
    paths.create()
    store = open_store(paths.library, paths.backups)
    jobs = JobManager(ThreadExecutor())
    everything = Services(store, models, jobs, paths, SettingsFile(paths.settings))
    yield everything
    assert everything.live.close() == []
    assert jobs.shutdown() == []
    store.close()
