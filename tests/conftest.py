"""Fixtures that every test may use: real portraits from installed packages, and the real test data."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceapp.types import Image

REPOSITORY = Path(__file__).resolve().parent.parent
PORTRAITS = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "hopper": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
}


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
