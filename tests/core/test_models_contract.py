"""What every row of the catalogue must hold, whatever model it is."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from faceapp.models.base import STRANGER_QUANTILES, Detector, Embedder, ModelSpec
from faceapp.models.catalog import CATALOG
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.types import Detections, Image

REPOSITORY = Path(__file__).resolve().parent.parent.parent
KEYS = {
    role: [spec.key for spec in CATALOG if spec.role == role]
    for role in ("detector", "landmarker", "embedder", "antispoof")
}


def optional_files() -> Path:
    chosen = os.environ.get("FACEAPP_TEST_DATA")
    return (Path(chosen) if chosen else REPOSITORY.parent / "shared" / "data") / "models"


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    """Models with the optional files of the test data in their folder, as far as there are some."""
    paths = Paths(tmp_path_factory.mktemp("models"))
    paths.create()
    for spec in CATALOG:
        for file in spec.files:
            if file.package is None and (optional_files() / file.path).is_file():
                shutil.copyfile(optional_files() / file.path, paths.models / file.path)
    models = Models(paths)
    yield models
    models.release()


def ready(models: Models, key: str) -> ModelSpec:
    if models.state(key) == "missing":
        pytest.skip(f"the file of {key} is not in the test data")
    return models.spec(key)


@pytest.fixture(scope="module")
def portraits(astronaut: Image, hopper: Image) -> list[Image]:
    return [astronaut, hopper]


@pytest.fixture(scope="module")
def group(astronaut: Image, hopper: Image) -> Image:
    """Both portraits on one photo."""
    height = max(len(astronaut), len(hopper))
    fill = [np.pad(one, ((0, height - len(one)), (0, 0), (0, 0))) for one in (astronaut, hopper)]
    return np.concatenate(fill, axis=1)


# -- the rows themselves ------------------------------------------------------------------------
@pytest.mark.parametrize("spec", CATALOG, ids=lambda spec: spec.key)
def test_a_row_is_complete(spec: ModelSpec) -> None:
    assert re.fullmatch(r"[a-z0-9-]+", spec.key)
    assert spec.title
    assert spec.licence
    assert spec.files
    for file in spec.files:
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert not Path(file.path).is_absolute()
        assert ".." not in Path(file.path).parts
        assert file.url is None or file.url.startswith("https://")
    if spec.role == "embedder":
        assert spec.dimension
        assert spec.calibration is not None
        strangers = spec.calibration.strangers
        assert len(strangers) == len(STRANGER_QUANTILES)
        assert list(strangers) == sorted(strangers)
        assert strangers[0] < spec.calibration.threshold < strangers[7], "fewer than half of all strangers"
        assert "LFW" in spec.calibration.source


def test_keys_are_unique_and_each_role_has_one_default() -> None:
    assert len({spec.key for spec in CATALOG}) == len(CATALOG)
    for role in KEYS:
        assert sum(spec.default for spec in CATALOG if spec.role == role) == 1


def test_defaults_need_no_download(everything: Models) -> None:
    for role in ("detector", "landmarker", "embedder"):
        spec = everything.spec(everything.default_key(role))
        assert all(file.package for file in spec.files)
        assert everything.state(spec.key) in ("ready", "loaded")
        for path, file in zip(everything.store.paths(spec), spec.files, strict=True):
            assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256


# -- embedders ----------------------------------------------------------------------------------
@pytest.fixture(scope="module", params=KEYS["embedder"])
def embedder(request: pytest.FixtureRequest, everything: Models) -> Embedder:
    spec = ready(everything, request.param)
    model = everything.embedder(spec.key)
    assert model.dimension == spec.dimension
    return model


@pytest.fixture(scope="module")
def found(everything: Models, portraits: list[Image]) -> list[Detections]:
    detector = everything.detector()
    return [detector.detect(image).take(np.array([0])) for image in portraits]


def test_embeddings_are_unit_vectors_that_tell_people_apart(
    embedder: Embedder, portraits: list[Image], found: list[Detections]
) -> None:
    for views in (1, 2, None):
        one, other = (
            embedder.embed(image, faces, views) for image, faces in zip(portraits, found, strict=True)
        )
        assert one.shape == other.shape == (1, embedder.dimension)
        assert one.dtype == np.float32
        assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
        smaller = np.ascontiguousarray(portraits[0][::2, ::2])
        half = Detections(found[0].boxes / 2, found[0].scores, _halved(found[0]))
        again = embedder.embed(smaller, half, views)
        assert 1 - float(one[0] @ again[0]) < 0.5 * (1 - float(one[0] @ other[0]))


def _halved(faces: Detections) -> np.ndarray | None:
    return None if faces.landmarks is None else faces.landmarks / 2


def test_vectors_of_different_views_may_be_compared(
    embedder: Embedder, portraits: list[Image], found: list[Detections]
) -> None:
    plain = [embedder.embed(image, faces, 1)[0] for image, faces in zip(portraits, found, strict=True)]
    full = [embedder.embed(image, faces)[0] for image, faces in zip(portraits, found, strict=True)]
    between = np.array([[1 - a @ b for b in full] for a in plain])
    assert between.diagonal().max() < 0.5 * between[[0, 1], [1, 0]].min()


def test_a_batch_gives_what_single_faces_give(embedder: Embedder, everything: Models, group: Image) -> None:
    faces = everything.detector().detect(group).take(np.array([0, 1]))
    together = embedder.embed(group, faces)
    apart = np.concatenate([embedder.embed(group, faces.take(np.array([index]))) for index in (0, 1)])
    assert np.abs(together - apart).max() < 1e-4
    chips = np.repeat(embedder.chips(group, faces), 20, axis=0)
    many = embedder.embed_chips(chips)
    assert many.shape == (40, embedder.dimension)
    assert np.abs(many[::20] - embedder.embed_chips(chips[::20])).max() < 1e-4


def test_chips_lead_to_the_embedding(
    embedder: Embedder, portraits: list[Image], found: list[Detections]
) -> None:
    chips = embedder.chips(portraits[1], found[1])
    assert chips.dtype == np.uint8
    assert chips.shape[0] == 1
    assert np.abs(embedder.embed_chips(chips) - embedder.embed(portraits[1], found[1], 2)).max() < 1e-5
    assert (
        np.abs(embedder.embed_chips(chips, mirror=False) - embedder.embed(portraits[1], found[1], 1)).max()
        < 1e-5
    )


def test_no_face_gives_no_vector(embedder: Embedder, portraits: list[Image]) -> None:
    for nobody in (Detections.none(), Detections.none(landmarks=True)):
        assert embedder.embed(portraits[0], nobody).shape == (0, embedder.dimension)
        chips = embedder.chips(portraits[0], nobody)
        assert chips.shape[0] == 0
        assert embedder.embed_chips(chips).shape == (0, embedder.dimension)


def test_a_face_without_points_and_one_over_the_border_are_embedded(
    embedder: Embedder, portraits: list[Image], found: list[Detections]
) -> None:
    faces, image = found[1], portraits[1]
    boxed = Detections(faces.boxes, faces.scores)
    assert 1 - float(embedder.embed(image, boxed)[0] @ embedder.embed(image, faces)[0]) < 0.1
    left = int(faces.boxes[0, :2].min()) + 20
    cut = np.ascontiguousarray(image[:, left:])
    assert faces.landmarks is not None
    over = Detections(faces.boxes - (left, 0, left, 0), faces.scores, faces.landmarks - (left, 0))
    assert np.isfinite(embedder.embed(cut, over)).all()


def test_wrong_input_is_refused(embedder: Embedder, portraits: list[Image], found: list[Detections]) -> None:
    with pytest.raises(ValueError, match="image"):
        embedder.embed(portraits[0].astype(np.float32), found[0])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="image"):
        embedder.chips(portraits[0][:, :, 0], found[0])
    chips = embedder.chips(portraits[0], found[0])
    with pytest.raises(ValueError, match="chips"):
        embedder.embed_chips(chips[:, 1:])
    with pytest.raises(ValueError, match="chips"):
        embedder.embed_chips(chips.astype(np.float32))  # type: ignore[arg-type]


# -- detectors and landmarkers ------------------------------------------------------------------
@pytest.fixture(scope="module", params=KEYS["detector"])
def detector(request: pytest.FixtureRequest, everything: Models) -> Detector:
    return everything.detector(ready(everything, request.param).key)


def test_a_detector_finds_the_face_of_a_portrait(detector: Detector, portraits: list[Image]) -> None:
    for image in portraits:
        faces = detector.detect(image)
        assert len(faces) >= 1
        assert faces.boxes.dtype == faces.scores.dtype == np.float32
        assert list(faces.scores) == sorted(faces.scores, reverse=True)
        x1, y1, x2, y2 = faces.boxes[0]
        assert faces.landmarks is not None
        left_eye, right_eye, nose, left_mouth, right_mouth = faces.landmarks[0]
        assert x1 < left_eye[0] < nose[0] < right_eye[0] < x2
        assert left_mouth[0] < right_mouth[0]
        assert y1 < min(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1]) < y2


def test_a_detector_finds_nothing_on_an_empty_photo(detector: Detector) -> None:
    for size in ((200, 300), (1, 1), (5, 400)):
        blank = np.full((*size, 3), 127, np.uint8)
        for faces in (detector.detect(blank), detector.detect_thorough(blank)):
            assert len(faces) == 0
            assert faces.boxes.shape == (0, 4)


def test_a_detector_refuses_what_is_no_image(detector: Detector, portraits: list[Image]) -> None:
    with pytest.raises(ValueError, match="image"):
        detector.detect(portraits[0][:, :, 0])
    with pytest.raises(ValueError, match="image"):
        detector.detect_thorough(portraits[0].astype(np.float32))  # type: ignore[arg-type]


@pytest.mark.parametrize("key", KEYS["landmarker"])
def test_a_landmarker_places_its_points_in_the_face(
    key: str, everything: Models, portraits: list[Image], found: list[Detections]
) -> None:
    landmarker = everything.landmarker(ready(everything, key).key)
    for image, faces in zip(portraits, found, strict=True):
        points = landmarker.locate(image, faces.boxes)
        assert points.shape == (1, landmarker.points, 2)
        centre = (faces.boxes[0, :2] + faces.boxes[0, 2:]) / 2
        size = float((faces.boxes[0, 2:] - faces.boxes[0, :2]).max())
        assert np.abs(points[0].mean(0) - centre).max() < 0.35 * size
        assert np.ptp(points[0], axis=0).max() < 1.5 * size
    assert landmarker.locate(portraits[0], np.zeros((0, 4), np.float32)).shape == (0, landmarker.points, 2)
    with pytest.raises(ValueError, match="boxes"):
        landmarker.locate(portraits[0], np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="image"):
        landmarker.locate(portraits[0][0], found[0].boxes)


# -- live faces and photos ----------------------------------------------------------------------
@pytest.mark.parametrize("key", KEYS["antispoof"])
def test_a_live_face_scores_more_than_a_photo_of_it(
    key: str, everything: Models, portraits: list[Image], found: list[Detections]
) -> None:
    model = everything.antispoof(ready(everything, key).key)
    for image, faces in zip(portraits, found, strict=True):
        (live,) = model.score(image, faces.boxes)
        print_of_it, box = _held_up(image, faces.boxes)
        (photo,) = model.score(print_of_it, box)
        assert 0 <= photo < live <= 1
    edge = np.array([[-40, -30, 60, 90], [0, 0, 1, 1], portraits[0].shape[1::-1] * 2], np.float32)
    scores = model.score(portraits[0], edge)
    assert scores.shape == (3,) and scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all()
    assert model.score(portraits[0], np.zeros((0, 4), np.float32)).shape == (0,)
    with pytest.raises(ValueError, match="boxes"):
        model.score(portraits[0], np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="image"):
        model.score(portraits[0][0], edge)


def _held_up(image: Image, boxes: np.ndarray) -> tuple[Image, np.ndarray]:
    """The picture, pale and blurred, as a print with a white border on a grey wall."""
    from faceapp.opencv import cv2

    height, width = image.shape[:2]
    pale = cv2.GaussianBlur(image, (0, 0), 1.2) * 0.7 + 35
    bordered = cv2.copyMakeBorder(pale, 20, 20, 20, 20, cv2.BORDER_CONSTANT, value=(235, 235, 235))
    wall = np.full((height * 2, width * 2, 3), 120, np.float32)
    top, left = height // 2, width // 2
    wall[top : top + height + 40, left : left + width + 40] = bordered
    corner = np.array([left + 20, top + 20] * 2, np.float32)
    return wall.astype(np.uint8), boxes + corner
