"""dlib's landmarkers, and the points of every detector, against points that people placed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from faceapp.errors import ModelUnavailable
from faceapp.models.landmarks import DlibLandmarker, five_points
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.types import Floats, Image

# The face of the astronaut as dlib's HOG outlines it.
ASTRONAUT = np.array([(176, 77, 266, 166)], np.float32)
HOPPER = np.array([(181, 140, 367, 326)], np.float32)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return Models(Paths(tmp_path_factory.mktemp("data")), threads=1)


@pytest.fixture(scope="module")
def helen(data_dir: Path, read_image: Callable[[Path], Image]) -> list[tuple[Image, Floats]]:
    """Every second photo of the 60 with its 68 points, counted from 0."""
    photos = []
    for path in sorted((data_dir / "landmarks" / "helen").glob("*.jpg"))[::2]:
        rows = [line.split() for line in path.with_suffix(".pts").read_text().splitlines()]
        points = [row for row in rows if len(row) == 2 and row[0][0].isdigit()]
        photos.append((read_image(path), np.array(points, np.float32) - 1))
    return photos


@pytest.mark.parametrize(("key", "points"), [("dlib-5", 5), ("dlib-68", 68)])
def test_shapes(models: Models, key: str, points: int, astronaut: Image) -> None:
    landmarker = models.landmarker(key)
    assert landmarker.points == points
    two = landmarker.locate(astronaut, np.repeat(ASTRONAUT, 2, 0))
    assert two.shape == (2, points, 2)
    assert two.dtype == np.float32
    np.testing.assert_array_equal(two[0], two[1])
    assert landmarker.locate(astronaut, ASTRONAUT[:0]).shape == (0, points, 2)


def test_order_of_the_five_points_of_dlib(models: Models, hopper: Image) -> None:
    (points,) = models.landmarker("dlib-5").locate(hopper, HOPPER)
    right_outer, right_inner, left_outer, left_inner, nose = points
    assert left_outer[0] < left_inner[0] < nose[0] < right_inner[0] < right_outer[0]
    assert nose[1] > points[:4, 1].max()


def test_box_is_used_as_given(models: Models, hopper: Image) -> None:
    landmarker = models.landmarker("dlib-68")
    sought = landmarker.locate(hopper, HOPPER)
    elsewhere = landmarker.locate(hopper, HOPPER + np.float32(150))
    assert np.abs(sought - elsewhere).mean() > 50


def test_box_over_the_border_still_gives_points(models: Models, hopper: Image) -> None:
    face = np.ascontiguousarray(hopper[150:, 190:])
    (points,) = models.landmarker("dlib-68").locate(face, HOPPER - (190, 150, 190, 150))
    (whole,) = models.landmarker("dlib-68").locate(hopper, HOPPER)
    assert np.abs(points - (whole - np.array((190, 150)))).mean() < 6


def test_many_threads_agree_with_one(models: Models, astronaut: Image, hopper: Image) -> None:
    landmarker = models.landmarker("dlib-68")
    work = [(astronaut, ASTRONAUT), (hopper, HOPPER)] * 6
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda item: landmarker.locate(*item), work))
    for found, item in zip(together, work, strict=True):
        np.testing.assert_array_equal(found, landmarker.locate(*item))


def test_broken_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "points.dat"
    path.write_bytes(b"no landmarks")
    with pytest.raises(ModelUnavailable):
        DlibLandmarker(path, 5)


def test_five_points_of_68() -> None:
    points = np.arange(68 * 2, dtype=np.float32).reshape(1, 68, 2)
    (five,) = five_points(points)
    assert five[0].tolist() == points[0, 36:42].mean(0).tolist()
    assert five[1].tolist() == points[0, 42:48].mean(0).tolist()
    assert five[2:].tolist() == points[0, [30, 48, 54]].tolist()


def test_68_points_on_helen(models: Models, helen: list[tuple[Image, Floats]]) -> None:
    landmarker = models.landmarker("dlib-68")
    errors = []
    for image, truth in helen:
        box = np.concatenate([truth.min(0), truth.max(0)])[None]
        (found,) = landmarker.locate(image, box)
        eyes = np.linalg.norm(truth[36] - truth[45])
        errors.append(np.linalg.norm(found - truth, axis=1).mean() / eyes)
    assert np.median(errors) < 0.04, "in distances between the outer corners of the eyes"
    assert np.mean(np.array(errors) < 0.1) > 0.75


@pytest.mark.parametrize(("key", "limit"), [("mtcnn", 0.07), ("dlib-hog", 0.09)])
def test_five_points_of_detectors_on_helen(
    key: str, limit: float, models: Models, helen: list[tuple[Image, Floats]]
) -> None:
    detector = models.detector(key)
    errors = []
    for image, truth in helen if key == "mtcnn" else helen[:10]:
        (five,) = five_points(truth[None])
        found = detector.detect(image, min_face=100).landmarks
        assert found is not None
        every = np.linalg.norm(found - five, axis=2).mean(1) / np.linalg.norm(five[0] - five[1])
        errors.append(every.min(initial=1.0))
    assert np.median(errors) < limit, "in distances between the eyes"
