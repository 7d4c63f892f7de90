"""Detect and embed, against `face_recognition` on the same photos, photo by photo in turn."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import face_recognition
import numpy as np

from benchmarks import photos
from benchmarks.report import Section
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.pipeline.photos import read_photo
from faceapp.types import Floats, Image

COLUMNS = (
    "photos",
    "n",
    "faces: peer",
    "faces: ours",
    "peer's that we miss",
    "ms peer",
    "ms ours",
    "ratio",
    "median",
)


def run() -> list[Section]:
    with tempfile.TemporaryDirectory() as folder:
        paths = Paths(Path(folder))
        paths.create()
        models = Models(paths)
        small = [read_photo(path).image for path in photos.lfw(60)]
        large = photos.large()
        rows = []
        for detector in detectors(paths):
            ours = detect_and_embed(models, detector)
            rows.append(row(f"{models.spec(detector).title}, LFW 250 px", ours, small))
            rows.append(row(f"{models.spec(detector).title}, 1280 px", ours, large))
        return [
            Section(
                "speed",
                "Detect and embed one photo",
                "`face_locations` + `face_encodings` (HOG, upsampled once: its defaults) and ours take turns"
                " on every photo; the ratio is peer / ours, by the sums and by the median photo. One plain"
                " view a face.",
                COLUMNS,
                rows,
                "A dlib that is compiled against a BLAS embeds 5-7x faster than the wheel that everybody"
                " installs.",
            ),
            embedding(models, small),
        ]


def detectors(paths: Paths) -> list[str]:
    """The built-in default, and YuNet where its file is among the test data."""
    yunet = photos.data() / "models" / "face_detection_yunet_2023mar.onnx"
    if not yunet.exists():
        return ["mtcnn"]
    (paths.models / yunet.name).write_bytes(yunet.read_bytes())
    return ["mtcnn", "yunet"]


def detect_and_embed(models: Models, key: str) -> Callable[[Image], Floats]:
    detector, embedder = models.detector(key), models.embedder()

    def ours(image: Image) -> Floats:
        found = detector.detect(image)
        embedder.embed(image, found, views=1)
        return found.boxes

    return ours


def peer(image: Image) -> Floats:
    """What everybody writes; boxes come back as x1 y1 x2 y2."""
    rgb = np.ascontiguousarray(image[:, :, ::-1])
    places = face_recognition.face_locations(rgb)
    face_recognition.face_encodings(rgb, places)
    boxes = [(left, top, right, bottom) for top, right, bottom, left in places]
    return np.array(boxes, np.float32).reshape(-1, 4)


def row(title: str, ours: Callable[[Image], Floats], images: Sequence[Image]) -> tuple[str, ...]:
    ours(images[0])
    peer(images[0])
    times: list[tuple[float, float]] = []
    counts = [0, 0, 0]
    for image in images:
        start = time.perf_counter()
        theirs = peer(image)
        middle = time.perf_counter()
        found = ours(image)
        times.append((middle - start, time.perf_counter() - middle))
        counts[0] += len(theirs)
        counts[1] += len(found)
        counts[2] += sum(not covered(box, found) for box in theirs)
    theirs_total, ours_total = (sum(pair[i] for pair in times) for i in (0, 1))
    median = statistics.median(a / b for a, b in times)
    each = len(images)
    return (
        title,
        str(each),
        *(str(count) for count in counts),
        f"{1000 * theirs_total / each:.0f}",
        f"{1000 * ours_total / each:.1f}",
        f"**{theirs_total / ours_total:.1f}x**",
        f"{median:.1f}x",
    )


def covered(box: Floats, found: Floats) -> bool:
    """True when a found box holds the centre of `box` and is of about its size."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    inside = (found[:, 0] < x) & (x < found[:, 2]) & (found[:, 1] < y) & (y < found[:, 3])
    return bool(np.any(inside))


def embedding(models: Models, images: Sequence[Image]) -> Section:
    """The embedding alone, on the same chips; dlib gains nothing from batches, so it gets one by one."""
    import dlib
    import face_recognition_models

    detector, embedder = models.detector(), models.embedder()
    chips = np.concatenate([embedder.chips(image, detector.detect(image)) for image in images])
    rgb = [np.ascontiguousarray(chip[:, :, ::-1]) for chip in chips]
    net = dlib.face_recognition_model_v1(face_recognition_models.face_recognition_model_location())
    rows = []
    for title, key in (("float", "dlib-resnet"), ("int8, another model key", "dlib-resnet-int8")):
        ours = models.embedder(key)
        ours.embed_chips(chips[:32], mirror=False)
        ratios = []
        for _ in range(5):
            start = time.perf_counter()
            theirs = np.array([net.compute_face_descriptor(chip) for chip in rgb])
            middle = time.perf_counter()
            vectors = ours.embed_chips(chips, mirror=False)
            ratios.append((middle - start) / (time.perf_counter() - middle))
        theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
        gap = float(np.abs(theirs - vectors).max())
        rows.append((title, str(len(chips)), f"**{statistics.median(ratios):.1f}x**", f"{gap:.1e}"))
    return Section(
        "embedding",
        "Embed one aligned face",
        "dlib's `compute_face_descriptor` against ours on the same 150 px chips, five rounds in turn, median"
        " ratio; the difference is the largest between unit vectors.",
        ("ours", "chips", "ratio", "largest difference"),
        rows,
    )
