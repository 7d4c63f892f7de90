"""The photos that the benchmarks run on, read once and held in memory."""

from __future__ import annotations

import os
from pathlib import Path

from faceapp.opencv import cv2
from faceapp.pipeline.photos import read_photo
from faceapp.types import Image


def data() -> Path:
    """The test data: FACEAPP_TEST_DATA, or ../shared/data beside the checkout."""
    here = Path(__file__).resolve().parent.parent
    return Path(os.environ.get("FACEAPP_TEST_DATA") or here.parent / "shared" / "data")


def lfw(count: int) -> list[Path]:
    """The first photos of `count` people, spread over the alphabet."""
    people = sorted(path for path in (data() / "faces" / "lfw").iterdir() if path.is_dir())
    step = max(1, len(people) // count)
    return [sorted(person.glob("*.jpg"))[0] for person in people[::step][:count]]


def ordinary(count: int) -> list[Path]:
    """Files of portraits and group photos as they are, half a megapixel to several."""
    folders = ("portraits", "crowd", "landmarks/helen")
    return [file for folder in folders for file in sorted((data() / folder).glob("*.jpg"))][:count]


def large(longest: int = 1280) -> list[Image]:
    """Portraits and group photos, scaled so that their longest side has `longest` pixels."""
    files = sorted((data() / "portraits").glob("*.jpg")) + sorted((data() / "crowd").glob("*.jpg"))
    return [scaled(read_photo(file).image, longest) for file in files]


def scaled(image: Image, longest: int) -> Image:
    factor = longest / max(image.shape[:2])
    area = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=area)
