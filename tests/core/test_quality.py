"""Quality: real faces are fit, the same faces spoilt are not, and each refusal says why."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceapp.models.base import Detector
from faceapp.models.registry import Models
from faceapp.opencv import cv2
from faceapp.paths import Paths
from faceapp.pipeline.quality import HEAD, issues, measure, pose
from faceapp.types import Floats, Image, Quality

BOX = np.array((165, 110, 355, 340), np.float32)
POINTS = np.array([(218, 191), (308, 189), (270, 238), (227, 277), (305, 276)], np.float32)


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    return Models(Paths(tmp_path_factory.mktemp("data")), threads=1).detector("mtcnn")


def codes(quality: Quality) -> list[str]:
    return [refusal.code for refusal in issues(quality, (512, 600))]


def best(image: Image, detector: Detector) -> Quality:
    found = detector.detect(image)
    assert found.landmarks is not None
    return measure(image, found.boxes[0], found.landmarks[0], float(found.scores[0]))


def resized(image: Image, factor: float) -> Image:
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def blurred(image: Image, sigma: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_portraits_are_fit(name: str, detector: Detector, request: pytest.FixtureRequest) -> None:
    quality = best(request.getfixturevalue(name), detector)
    assert codes(quality) == []
    assert abs(quality.yaw) < 25
    assert abs(quality.roll) < 10


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("blurred", lambda photo: blurred(photo, 0.06 * 190)),
        ("dark", lambda photo: (photo * 0.08).astype(np.uint8)),
        ("bright", lambda photo: 255 - (255 - photo) // 16),
        ("low_contrast", lambda photo: photo // 16 + 120),
    ],
)
def test_spoilt_portrait_is_refused(code: str, spoil: Callable[[Image], Image], hopper: Image) -> None:
    assert codes(measure(hopper, BOX, POINTS, 1.0)) == []
    assert codes(measure(spoil(hopper), BOX, POINTS, 1.0)) == [code]


def test_small_face_is_refused(hopper: Image) -> None:
    factor = 20 / 190
    quality = measure(resized(hopper, factor), BOX * np.float32(factor), POINTS * np.float32(factor), 1.0)
    assert quality.size == pytest.approx(20, abs=0.1)
    (refusal,) = issues(quality, (54, 63))
    assert refusal.code == "too_small"
    assert "20 pixels" in refusal.sentence


def test_refusals_are_sentences_with_a_hint() -> None:
    worst = Quality(10, 0.0, 0.0, 0.0, 80, 0, 0, 0.5)
    refusals = issues(worst, (4000, 3000))
    assert {refusal.code for refusal in refusals} == {"too_small", "dark", "blurred", "extreme_pose"}
    for refusal in refusals:
        assert refusal.sentence.endswith(".")
        assert refusal.hint.endswith(".")


def test_sharpness_does_not_depend_on_the_size_of_the_photo(hopper: Image) -> None:
    def sharpness(image: Image, factor: float) -> float:
        return measure(
            resized(image, factor), BOX * np.float32(factor), POINTS * np.float32(factor), 1.0
        ).sharpness

    soft = blurred(hopper, 4)
    for factor in (0.5, 2.0):
        assert sharpness(hopper, factor) == pytest.approx(sharpness(hopper, 1.0), abs=0.1)
        assert sharpness(soft, factor) == pytest.approx(sharpness(soft, 1.0), abs=0.1)
    assert sharpness(soft, 1.0) < sharpness(hopper, 1.0) - 0.2


def test_box_over_the_border_is_measured(hopper: Image) -> None:
    height, width = hopper.shape[:2]
    for box in ((-50, -60, 100, 120), (width - 60, height - 50, width + 90, height + 80)):
        quality = measure(hopper, np.array(box, np.float32), POINTS, 1.0)
        assert 0 <= quality.sharpness <= 1
        assert 0 < quality.brightness < 1
    assert measure(hopper[:1, :1], np.array((0, 0, 1, 1), np.float32), POINTS, 1.0).sharpness == 0


# -- pose -----------------------------------------------------------------------------------------


def seen(yaw: float, pitch: float, roll: float) -> Floats:
    """The five points of the mean head, turned: its nose to the right, then down, then leaning clockwise."""
    y, p, r = (math.radians(angle) for angle in (yaw, pitch, roll))
    turn = np.array([(math.cos(y), 0, math.sin(y)), (0, 1, 0), (-math.sin(y), 0, math.cos(y))])
    nod = np.array([(1, 0, 0), (0, math.cos(p), math.sin(p)), (0, -math.sin(p), math.cos(p))])
    lean = np.array([(math.cos(r), -math.sin(r), 0), (math.sin(r), math.cos(r), 0), (0, 0, 1)])
    points: Floats = (HEAD @ (lean @ nod @ turn).T)[:, :2].astype(np.float32) * 3 + 200
    return points


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (40, 0, 0), (-75, 0, 0), (0, 30, 0), (0, -30, 0), (0, 0, 50), (30, 20, -40)]
)
def test_pose_of_a_turned_head(angles: tuple[float, float, float]) -> None:
    assert pose(seen(*angles)) == pytest.approx(angles, abs=0.5)


def test_profile_is_refused(hopper: Image) -> None:
    for yaw in (-75, 75):
        assert codes(measure(hopper, BOX, seen(yaw, 0, 0), 1.0)) == ["extreme_pose"]
    assert codes(measure(hopper, BOX, seen(25, 10, 20), 1.0)) == []


def test_points_on_one_line_have_no_pose() -> None:
    assert pose(np.zeros((5, 2), np.float32)) == (0, 0, 0)


def test_yaw_turns_in_a_mirror_and_roll_with_the_photo(detector: Detector, astronaut: Image) -> None:
    straight = best(astronaut, detector)
    mirrored = best(np.ascontiguousarray(astronaut[:, ::-1]), detector)
    assert mirrored.yaw == pytest.approx(-straight.yaw, abs=8)
    # OpenCV turns anti-clockwise
    turn = cv2.getRotationMatrix2D((223, 120), -25, 1)
    turned = best(np.asarray(cv2.warpAffine(astronaut, turn, (512, 512)), np.uint8), detector)
    assert turned.roll - straight.roll == pytest.approx(25, abs=6)


# -- LFW --------------------------------------------------------------------------------------------


def middle(image: Image, detector: Detector) -> Quality:
    """LFW's person is in the middle."""
    found = detector.detect(image)
    assert found.landmarks is not None
    away = np.abs((found.boxes[:, :2] + found.boxes[:, 2:]) / 2 - 125).max(1)
    k = int(away.argmin())
    return measure(image, found.boxes[k], found.landmarks[k], float(found.scores[k]))


def test_few_photos_of_lfw_are_refused_and_most_blurred_ones_are(
    detector: Detector, data_dir: Path, read_image: Callable[[Path], Image]
) -> None:
    files = sorted((data_dir / "faces" / "lfw").glob("*/*.jpg"))[::40]
    sharp, soft = [], []
    for path in files:
        image = read_image(path)
        quality = middle(image, detector)
        sharp.append(codes(quality))
        found = detector.detect(image)
        spoilt = blurred(image, 0.06 * quality.size)
        soft.append(measure(spoilt, found.boxes[0], found.landmarks[0], 1.0))
    assert np.mean([bool(found) for found in sharp]) < 0.05
    assert np.mean(["blurred" in codes(quality) for quality in soft]) > 0.9


@pytest.mark.parametrize(
    ("name", "right"),
    [("George_Clooney_0002", True), ("Hamid_Karzai_0019", True), ("Steven_Spielberg_0007", False)],
)
def test_profiles_of_lfw_are_refused(
    name: str, right: bool, detector: Detector, data_dir: Path, read_image: Callable[[Path], Image]
) -> None:
    quality = middle(read_image(data_dir / "faces" / "lfw" / name[:-5] / f"{name}.jpg"), detector)
    assert "extreme_pose" in codes(quality)
    assert (quality.yaw > 0) is right
