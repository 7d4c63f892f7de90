"""Detectors on real faces, and the arithmetic below them."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from faceapp.errors import ModelUnavailable
from faceapp.models import mtcnn_nets
from faceapp.models.base import Detector
from faceapp.models.boxes import overlaps, squares, suppress
from faceapp.models.catalog import MTCNN_FILES, YUNET_FILE
from faceapp.models.onnx import session
from faceapp.models.registry import Models
from faceapp.models.store import ModelStore
from faceapp.models.yunet import Yunet
from faceapp.opencv import cv2
from faceapp.paths import Paths
from faceapp.types import Detections, Floats, Image

BUILT_IN = ("mtcnn", "dlib-hog")
# Where the faces of the two portraits are: middle of the eyes and mouth, and about the width, by eye.
FACES = {"astronaut": ((223, 120), 90), "hopper": ((265, 230), 180)}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return Models(Paths(tmp_path_factory.mktemp("data")), threads=1)


@pytest.fixture(scope="module")
def yunet(data_dir: Path) -> Detector:
    return Yunet.load(data_dir / "models" / YUNET_FILE.path, 1)


@pytest.fixture(params=[*BUILT_IN, "yunet"])
def detector(request: pytest.FixtureRequest, models: Models) -> Detector:
    if request.param == "yunet":
        found: Detector = request.getfixturevalue("yunet")
        return found
    return models.detector(request.param)


def shrunk(image: Image, factor: float) -> Image:
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def check_portrait(found: Detections, name: str, scale: float = 1.0) -> None:
    """The best box and its points are on the face of that portrait, whose size was changed by `scale`."""
    centre, width = np.array(FACES[name][0]) * scale, FACES[name][1] * scale
    box = found.boxes[0]
    assert np.abs((box[:2] + box[2:]) / 2 - centre).max() < width * 0.25
    assert 0.7 * width < box[2] - box[0] < 1.5 * width
    assert found.landmarks is not None
    left, right, nose, mouth_left, mouth_right = found.landmarks[0]
    assert left[0] < nose[0] < right[0]
    assert mouth_left[0] < mouth_right[0]
    assert max(left[1], right[1]) < nose[1] < min(mouth_left[1], mouth_right[1])
    assert 0.3 * width < right[0] - left[0] < 0.65 * width


@pytest.mark.parametrize("name", FACES)
def test_portrait_is_found_with_its_points(
    detector: Detector, name: str, request: pytest.FixtureRequest
) -> None:
    found = detector.detect(request.getfixturevalue(name))
    check_portrait(found, name)
    assert (np.diff(found.scores) <= 0).all(), "best first"
    assert ((found.scores > 0) & (found.scores <= 1)).all()
    assert found.boxes.dtype == found.scores.dtype == np.float32


@pytest.mark.parametrize("factor", [0.6, 3.0])
def test_box_grows_with_the_photo(detector: Detector, factor: float, hopper: Image) -> None:
    check_portrait(detector.detect(shrunk(hopper, factor)), "hopper", factor)


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (11, 11), (12, 12), (40, 4000)])
def test_no_face_is_an_empty_answer(detector: Detector, shape: tuple[int, int]) -> None:
    plain = np.full((*shape, 3), 90, np.uint8)
    for found in (detector.detect(plain), detector.detect_thorough(plain)):
        assert found.boxes.shape == (0, 4)
        assert found.landmarks is not None
        assert found.landmarks.shape == (0, 5, 2)


def test_wrong_image_is_refused(detector: Detector) -> None:
    with pytest.raises(ValueError, match="image"):
        detector.detect(np.zeros((20, 20), np.uint8))  # type: ignore[arg-type]


def test_min_face_is_honoured(models: Models, astronaut: Image) -> None:
    detector = models.detector("mtcnn")
    small = shrunk(astronaut, 0.3)  # the face is 27 pixels wide
    assert not len(detector.detect(small, min_face=100))
    check_portrait(detector.detect(small, min_face=20), "astronaut", 0.3)


def test_face_is_found_on_a_photo_longer_than_opencv_samples(models: Models, hopper: Image) -> None:
    wide = np.zeros((600, 40_000, 3), np.uint8)
    wide[:, 39_000:39_512] = hopper[:600, :512]
    found = models.detector("mtcnn").detect(wide)
    assert len(found) == 1
    shifted = Detections(found.boxes - (39_000, 0, 39_000, 0), found.scores, found.landmarks - (39_000, 0))
    check_portrait(shifted, "hopper")


@pytest.mark.parametrize("key", ["mtcnn", "yunet"])
def test_thorough_finds_dark_small_and_cut_faces(
    key: str, models: Models, request: pytest.FixtureRequest, hopper: Image
) -> None:
    detector = request.getfixturevalue("yunet") if key == "yunet" else models.detector(key)
    check_portrait(detector.detect_thorough((hopper * 0.05).astype(np.uint8)), "hopper")
    check_portrait(detector.detect_thorough(shrunk(hopper, 0.12)), "hopper", 0.12)
    # nothing but the face, its left quarter missing
    cut = np.ascontiguousarray(hopper[130:345, 205:350])
    points = detector.detect_thorough(cut).landmarks
    assert points is not None
    assert np.abs(points[0, 2] + (205, 130) - (268, 238)).max() < 25, "the tip of the nose"


def test_many_threads_agree_with_one(detector: Detector, astronaut: Image, hopper: Image) -> None:
    photos = [astronaut, hopper] * 4
    alone = [detector.detect(photo) for photo in photos[:2]]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(detector.detect, photos))
    for found, expected in zip(together, alone * 4, strict=True):
        np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-2)


# -- measured on data sets: floors well below what docs/models.md says ------------------------------


def wider_photos(data_dir: Path, read: Callable[[Path], Image]) -> list[tuple[Image, Floats]]:
    entries = json.loads((data_dir / "detection" / "wider_boxes.json").read_text())
    photos = []
    for path in sorted((data_dir / "detection" / "wider").glob("*.jpg")):
        entry = entries[path.name]
        image = cv2.resize(read(path), (entry["orig_w"], entry["orig_h"]), interpolation=cv2.INTER_CUBIC)
        photos.append((image, np.array(entry["boxes_orig"], np.float32).reshape(-1, 4)))
    return photos


@pytest.mark.parametrize(
    ("key", "recall_80", "recall_40", "precision"), [("mtcnn", 0.8, 0.65, 0.8), ("yunet", 0.88, 0.7, 0.88)]
)
def test_crowds_of_wider(
    key: str, recall_80: float, recall_40: float, precision: float, models: Models,
    request: pytest.FixtureRequest, data_dir: Path, read_image: Callable[[Path], Image],
) -> None:
    detector = request.getfixturevalue("yunet") if key == "yunet" else models.detector(key)
    hit_heights, heights, right = [], [], []
    for image, truth in wider_photos(data_dir, read_image):
        boxes = detector.detect(image).boxes
        same = overlaps(truth, boxes) > 0.4
        heights.append(truth[:, 3] - truth[:, 1])
        hit_heights.append(heights[-1][same.any(1)])
        right.append(same.any(0)[boxes[:, 3] - boxes[:, 1] >= 30])
    every, hit = np.concatenate(heights), np.concatenate(hit_heights)
    assert (every >= 80).sum() > 100
    assert (hit >= 80).sum() >= recall_80 * (every >= 80).sum()
    assert (hit >= 40).sum() >= recall_40 * (every >= 40).sum()
    assert np.concatenate(right).mean() >= precision


def lfw_photos(data_dir: Path, read: Callable[[Path], Image], count: int) -> list[Image]:
    files = sorted((data_dir / "faces" / "lfw").glob("*/*.jpg"))
    return [read(path) for path in files[:: len(files) // count]]


@pytest.mark.parametrize(
    ("key", "count", "least"), [("mtcnn", 150, 0.99), ("yunet", 150, 0.99), ("dlib-hog", 40, 0.9)]
)
def test_portraits_of_lfw(
    key: str, count: int, least: float, models: Models, request: pytest.FixtureRequest, data_dir: Path,
    read_image: Callable[[Path], Image],
) -> None:
    detector = request.getfixturevalue("yunet") if key == "yunet" else models.detector(key)
    photos = lfw_photos(data_dir, read_image, count)
    middle = np.array([[85, 85, 165, 165]], np.float32)  # LFW's person is in the middle
    found = [overlaps(middle, detector.detect(photo).boxes).max(initial=0) > 0.25 for photo in photos]
    assert np.mean(found) >= least


def test_no_clear_face_fewer_than_hog(
    models: Models, data_dir: Path, read_image: Callable[[Path], Image]
) -> None:
    ours, hog = models.detector("mtcnn"), models.detector("dlib-hog")
    missed = 0
    for photo in lfw_photos(data_dir, read_image, 40):
        reference = hog.detect(photo)
        clear = reference.take(reference.scores > 0.8).boxes
        assert (overlaps(clear, ours.detect(photo).boxes) > 0.2).any(1).all()
        missed += not len(clear)
    assert missed < 10, "hardly anything was compared"


def test_yunet_is_what_opencv_computes(yunet: Detector, data_dir: Path, astronaut: Image) -> None:
    # both see the same pixels: the sides are multiples of 32, and no more than 640
    model = str(data_dir / "models" / YUNET_FILE.path)
    reference = cv2.FaceDetectorYN.create(model, "", astronaut.shape[1::-1], 0.7)
    _, rows = reference.detect(astronaut)
    found = yunet.detect(astronaut)
    x, y, width, height = rows[0, :4]
    np.testing.assert_allclose(found.boxes[0], (x, y, x + width, y + height), atol=0.5)
    assert found.landmarks is not None
    np.testing.assert_allclose(found.landmarks[0].ravel(), rows[0, 4:14], atol=0.5)


# -- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"\x04\x22\x4d\x18 no such thing", b"x" * 1000])
def test_broken_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailable):
        mtcnn_nets.rnet(path)
    with pytest.raises(ModelUnavailable):
        Yunet.load(path)


def test_cut_weights_are_refused(tmp_path: Path) -> None:
    import lz4.frame

    whole = lz4.frame.decompress(mtcnn_path("rnet").read_bytes())
    path = tmp_path / "rnet.lz4"
    for length in (len(whole) // 2, len(whole) - 40):
        path.write_bytes(lz4.frame.compress(whole[:length]))
        with pytest.raises(ModelUnavailable):
            mtcnn_nets.rnet(path)


# -- MTCNN's nets against plain arithmetic in the order that Keras has --------------------------


def mtcnn_path(name: str) -> Path:
    file = next(file for file in MTCNN_FILES if name in file.path)
    return ModelStore(Path()).locate(file)


def convolved(x: Floats, kernel: Floats, bias: Floats, slope: Floats) -> Floats:
    """A valid convolution and PReLU; x (H, W, C), kernel (h, w, C, D)."""
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(0, 1))
    y = np.einsum("ijchw,hwcd->ijd", windows, kernel) + bias
    return np.where(y > 0, y, y * slope)


def pooled(x: Floats, size: int, up: bool = True) -> Floats:
    """Maximum with stride 2; up: partial windows at the end count."""
    count = [(-(-(n - size) // 2) if up else (n - size) // 2) + 1 for n in x.shape[:2]]
    rows = [[x[2 * i : 2 * i + size, 2 * j : 2 * j + size].max((0, 1)) for j in range(count[1])]
            for i in range(count[0])]
    return np.array(rows)


def probability(x: Floats, matrix: Floats, bias: Floats) -> NDArray[np.float64]:
    two = np.exp(np.asarray(x @ matrix + bias, np.float64))
    return two[..., 1] / two.sum(-1)


def test_mtcnn_nets_agree_with_plain_arithmetic(astronaut: Image) -> None:
    face = astronaut[60:180, 165:285]

    def sample(side: int) -> tuple[Image, Floats]:
        image = np.asarray(cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
        return image[None], (image[:, :, ::-1].astype(np.float32) - 127.5) / 128

    def compare(net: Callable[[Path], bytes], image: Image, *expected: Floats) -> None:
        (values,) = session(net(mtcnn_path(net.__name__)), 1).run(None, {"image": image})
        values = np.moveaxis(values[0], 0, -1)
        *linear, logit = np.split(values, np.cumsum([part.shape[-1] for part in expected[:-1]]), -1)
        for part, want in zip(linear, expected, strict=False):
            np.testing.assert_allclose(part, want, atol=1e-4)
        np.testing.assert_allclose(1 / (1 + np.exp(-logit[..., 0])), expected[-1], atol=1e-4)

    image, x = sample(37)
    w = mtcnn_nets.read_weights(mtcnn_path("pnet"), mtcnn_nets.PNET)
    x = convolved(convolved(pooled(convolved(x, *w[:3]), 2), *w[3:6]), *w[6:9])
    compare(mtcnn_nets.pnet, image, x @ w[9][0, 0] + w[10], probability(x, w[11][0, 0], w[12]))

    image, x = sample(24)
    w = mtcnn_nets.read_weights(mtcnn_path("rnet"), mtcnn_nets.RNET)
    x = pooled(convolved(pooled(convolved(x, *w[:3]), 3), *w[3:6]), 3, up=False)
    x = convolved(x, *w[6:9]).transpose(1, 0, 2).ravel() @ w[9] + w[10]
    x = np.where(x > 0, x, x * w[11])
    compare(mtcnn_nets.rnet, image, x @ w[12] + w[13], probability(x, w[14], w[15]))

    image, x = sample(48)
    w = mtcnn_nets.read_weights(mtcnn_path("onet"), mtcnn_nets.ONET)
    x = pooled(convolved(pooled(convolved(x, *w[:3]), 3), *w[3:6]), 3, up=False)
    x = convolved(pooled(convolved(x, *w[6:9]), 2), *w[9:12]).transpose(1, 0, 2).ravel() @ w[12] + w[13]
    x = np.where(x > 0, x, x * w[14])
    face_probability = probability(x, w[19], w[20])
    assert face_probability > 0.9, "it is a face"
    compare(mtcnn_nets.onet, image, x @ w[15] + w[16], x @ w[17] + w[18], face_probability)


# -- boxes --------------------------------------------------------------------------------------


def test_overlaps() -> None:
    boxes = np.array([(0, 0, 10, 10)], np.float32)
    others = np.array(
        [(0, 0, 10, 10), (5, 0, 15, 10), (2, 2, 4, 4), (20, 20, 30, 30), (10, 0, 20, 10)], np.float32
    )
    np.testing.assert_allclose(overlaps(boxes, others)[0], (1, 1 / 3, 0.04, 0, 0), atol=1e-6)
    np.testing.assert_allclose(overlaps(boxes, others, "smaller")[0], (1, 0.5, 1, 0, 0), atol=1e-6)


def greedy(boxes: Floats, scores: Floats, limit: float) -> list[int]:
    kept: list[int] = []
    for k in np.argsort(-scores, kind="stable"):
        if not kept or overlaps(boxes[k : k + 1], boxes[kept]).max() <= limit:
            kept.append(int(k))
    return kept


def test_suppress_is_greedy_suppression() -> None:
    random = np.random.default_rng(0)
    for count in (0, 1, 2, 40, 300):
        corner = random.uniform(0, 60, (count, 2))
        boxes = np.concatenate([corner, corner + random.uniform(5, 30, (count, 2))], 1).astype(np.float32)
        scores = random.permutation(count).astype(np.float32)
        for limit in (0.1, 0.3, 0.6):
            assert suppress(boxes, scores, limit).tolist() == greedy(boxes, scores, limit)


def test_suppressed_box_suppresses_nothing() -> None:
    chain = np.array([(0, 0, 10, 10), (4, 0, 14, 10), (8, 0, 18, 10)], np.float32)
    assert suppress(chain, np.array([3, 2, 1], np.float32), 0.3).tolist() == [0, 2]


def test_squares_keep_the_centre_and_the_longer_side() -> None:
    (square,) = squares(np.array([(10, 20, 30, 80)], np.float32))
    assert square.tolist() == [-10, 20, 50, 80]
