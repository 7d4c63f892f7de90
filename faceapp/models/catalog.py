"""Every model that the program knows, one row each. A new model is an adapter and a row here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceapp.models.base import Calibration, ModelFile, ModelSpec

DLIB_FILES = "face_recognition_models"
DLIB_RESNET = ModelFile(
    "models/dlib_face_recognition_resnet_model_v1.dat",
    "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    package=DLIB_FILES,
)
DLIB_5_POINTS = ModelFile(
    "models/shape_predictor_5_face_landmarks.dat",
    "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    package=DLIB_FILES,
)
DLIB_68_POINTS = ModelFile(
    "models/shape_predictor_68_face_landmarks.dat",
    "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
    package=DLIB_FILES,
)
DLIB_68_REMARK = (
    "The file of the 68 points was trained on the 300-W photos, whose licence excludes commercial use."
)


def _dlib_resnet(files: Sequence[Path], folder: Path, threads: int) -> Any:
    from faceapp.models import resnet
    from faceapp.models.embed import DlibResnet, Network
    from faceapp.models.landmarks import DlibLandmarker
    from faceapp.models.onnx import session

    network = Network(session(resnet.network(files[0], folder), threads), resnet.SIZE, resnet.DIMENSION)
    return DlibResnet(network, DlibLandmarker(files[1], 5))


def _dlib_int8(files: Sequence[Path], folder: Path, threads: int) -> Any:
    from faceapp.models import int8, resnet
    from faceapp.models.embed import DlibResnet, Network
    from faceapp.models.landmarks import DlibLandmarker
    from faceapp.models.onnx import session

    network = Network(session(int8.network(files[0], folder), threads), resnet.SIZE, resnet.DIMENSION)
    return DlibResnet(network, DlibLandmarker(files[1], 5))


def _face_reid(files: Sequence[Path], folder: Path, threads: int) -> Any:
    from faceapp.models.embed import ArcfaceNet, Network, blue_planes
    from faceapp.models.landmarks import DlibLandmarker
    from faceapp.models.onnx import session

    network = Network(session(files[0], threads), 128, 256, blue_planes, batch=1)
    return ArcfaceNet(network, DlibLandmarker(files[1], 5))


def _mobileface(files: Sequence[Path], folder: Path, threads: int) -> Any:
    from faceapp.models.embed import ArcfaceNet, Network, red_planes
    from faceapp.models.landmarks import DlibLandmarker
    from faceapp.models.onnx import session

    network = Network(session(files[0], threads), 112, 256, red_planes)
    return ArcfaceNet(network, DlibLandmarker(files[1], 5))


# threshold: the most accurate distance on the pairs. strangers: all pairs of photos of different people.
MEASURED_ON = (
    "LFW, deep-funneled, MTCNN, all views: 2,938 pairs for the threshold, "
    "11,381,896 pairs of strangers among 2,138 people"
)
DLIB_CALIBRATION = Calibration(
    threshold=0.0804,
    strangers=(
        0.0343, 0.0422, 0.0534, 0.0675, 0.0855, 0.103, 0.1133,
        0.1321, 0.1551, 0.1795, 0.2019, 0.2407, 0.332,
    ),
    source=MEASURED_ON,
)
INT8_CALIBRATION = Calibration(
    threshold=0.0804,
    strangers=(
        0.0388, 0.0463, 0.0565, 0.069, 0.0858, 0.103, 0.1131,
        0.1317, 0.1546, 0.1788, 0.2012, 0.2404, 0.3518,
    ),
    source=MEASURED_ON,
)
FACE_REID_CALIBRATION = Calibration(
    threshold=0.7156,
    strangers=(
        0.3909, 0.4801, 0.5606, 0.6503, 0.7539, 0.8345, 0.873,
        0.933, 0.9961, 1.0579, 1.1135, 1.2116, 1.507,
    ),
    source=MEASURED_ON,
)
MOBILEFACE_CALIBRATION = Calibration(
    threshold=0.7581,
    strangers=(
        0.4026, 0.4761, 0.5487, 0.6356, 0.7457, 0.8376, 0.8797,
        0.9392, 0.997, 1.0529, 1.1056, 1.2053, 1.4684,
    ),
    source=MEASURED_ON,
)

EMBEDDERS = (
    ModelSpec(
        key="dlib-resnet",
        role="embedder",
        title="dlib ResNet",
        files=(DLIB_RESNET, DLIB_5_POINTS),
        load=_dlib_resnet,
        licence="Public domain (CC0)",
        default=True,
        template="dlib 150, padding 0.25",
        dimension=128,
        calibration=DLIB_CALIBRATION,
    ),
    ModelSpec(
        key="dlib-resnet-int8",
        role="embedder",
        title="dlib ResNet, eight bits",
        files=(DLIB_RESNET, DLIB_5_POINTS),
        load=_dlib_int8,
        licence="Public domain (CC0)",
        remark="Twice as fast as the float network: LFW 99.3 % against 99.4 %. Other embeddings.",
        template="dlib 150, padding 0.25",
        dimension=128,
        calibration=INT8_CALIBRATION,
    ),
    ModelSpec(
        key="face-reid-0095",
        role="embedder",
        title="face-reidentification-retail-0095",
        files=(
            ModelFile(
                "face_reid_retail_0095.onnx",
                "cc3de6608d4cd90b8e8a7537013b1285b5c6c144dc5f51523045dd118fd2dd5e",
            ),
            DLIB_5_POINTS,
        ),
        load=_face_reid,
        licence="Apache-2.0 (Open Model Zoo, converted to ONNX)",
        remark="Tells people apart better and is slower: LFW 99.4 %. Its file has to be added.",
        template="ArcFace 112, scaled to 128",
        dimension=256,
        calibration=FACE_REID_CALIBRATION,
    ),
    ModelSpec(
        key="mobileface",
        role="embedder",
        title="MobileFace",
        files=(
            ModelFile(
                "mobileface_id_v2.onnx",
                "968f2c80ea9af324f5970dbb40fbd9b0fa7ac6a26956a261b4fe9e2b765fba5f",
            ),
            DLIB_5_POINTS,
        ),
        load=_mobileface,
        licence="MIT (becauseofAI/MobileFace, converted to ONNX)",
        remark="Faster and less accurate: LFW 98.8 %. Its file has to be added.",
        template="ArcFace 112",
        dimension=256,
        calibration=MOBILEFACE_CALIBRATION,
    ),
)

MTCNN_FILES = tuple(
    ModelFile(f"assets/weights/{name}.lz4", sha256, package="mtcnn")
    for name, sha256 in (
        ("pnet", "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5"),
        ("rnet", "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee"),
        ("onet", "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3"),
    )
)


def _mtcnn(files: Sequence[Path], folder: Path, threads: int) -> Any:
    from faceapp.models.mtcnn import Mtcnn

    return Mtcnn.load(files, threads)


YUNET_FILE = ModelFile(
    "face_detection_yunet_2023mar.onnx",
    "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    url="https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/face_detection_yunet_2023mar.onnx",
)


def _yunet(files: Sequence[Path], folder: Path, threads: int) -> Any:
    from faceapp.models.yunet import Yunet

    return Yunet.load(files[0], threads)


def _hog(files: Sequence[Path], folder: Path, threads: int) -> Any:
    from faceapp.models.hog import DlibHog

    return DlibHog(files[0])


DETECTORS: tuple[ModelSpec, ...] = (
    ModelSpec(
        key="mtcnn",
        role="detector",
        title="MTCNN",
        files=MTCNN_FILES,
        load=_mtcnn,
        licence="MIT",
        default=True,
    ),
    ModelSpec(
        key="yunet",
        role="detector",
        title="YuNet",
        files=(YUNET_FILE,),
        load=_yunet,
        licence="MIT",
        remark="Faster than MTCNN and finds more faces; needs a download of 230 KB.",
    ),
    ModelSpec(
        key="dlib-hog",
        role="detector",
        title="dlib HOG",
        files=(DLIB_68_POINTS,),
        load=_hog,
        licence="Boost; its points: non-commercial",
        remark=f"Slow, for upright faces alone; hardly ever takes another thing for a face. {DLIB_68_REMARK}",
    ),
)


def _dlib_5_points(files: Sequence[Path], folder: Path, threads: int) -> Any:
    from faceapp.models.landmarks import DlibLandmarker

    return DlibLandmarker(files[0], 5)


def _dlib_68_points(files: Sequence[Path], folder: Path, threads: int) -> Any:
    from faceapp.models.landmarks import DlibLandmarker

    return DlibLandmarker(files[0], 68)


LANDMARKERS: tuple[ModelSpec, ...] = (
    ModelSpec(
        key="dlib-5",
        role="landmarker",
        title="dlib 5 points",
        files=(DLIB_5_POINTS,),
        load=_dlib_5_points,
        licence="Public domain (CC0)",
        default=True,
    ),
    ModelSpec(
        key="dlib-68",
        role="landmarker",
        title="dlib 68 points",
        files=(DLIB_68_POINTS,),
        load=_dlib_68_points,
        licence="Non-commercial (300-W)",
        remark=DLIB_68_REMARK,
    ),
)


def _minifas(files: Sequence[Path], folder: Path, threads: int) -> Any:
    from faceapp.models.antispoof import MiniFas

    return MiniFas.load(files, threads)


ANTI_SPOOFS: tuple[ModelSpec, ...] = (
    ModelSpec(
        key="minifas",
        role="antispoof",
        title="MiniFASNet",
        # Their project has them as PyTorch files alone; converted ones have to be added by hand.
        files=(
            ModelFile(
                "2.7_80x80_MiniFASNetV2.onnx",
                "7886c41bcbcc1be00cf8700eddbd8cbd4b1ad138e69010790de2a57a3b01d7e5",
            ),
            ModelFile(
                "4_0_0_80x80_MiniFASNetV1SE.onnx",
                "e67aedf72df3e1912dbf6baa5f7406b8b30c3cb43234170a70dd9d143fea358e",
            ),
        ),
        load=_minifas,
        licence="Apache-2.0 (minivision-ai/Silent-Face-Anti-Spoofing, converted to ONNX)",
        remark="Guesses whether a face is live or a photo, and often errs. Its files have to be added.",
        default=True,
    ),
)

CATALOG: tuple[ModelSpec, ...] = DETECTORS + LANDMARKERS + EMBEDDERS + ANTI_SPOOFS
