"""YuNet: the fastest detector, when its file is there. opencv_zoo's `face_detection_yunet_2023mar.onnx`.

Wu, Peng, Yu: YuNet, a tiny millisecond-level face detector, 2023. Each cell of three grids (8, 16, 32
pixels) says how much it looks like a face and where that face's box and five points are; the arithmetic
is that of OpenCV's FaceDetectorYN, whose fixed size of 640 x 640 is made free here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceapp.errors import ModelUnavailable
from faceapp.models.boxes import suppress
from faceapp.models.onnx import session
from faceapp.models.patience import PatientCopy
from faceapp.types import Detections, Floats, Image, check_image

if TYPE_CHECKING:
    import onnx

STRIDES = 8, 16, 32
OUTPUTS = tuple(f"{kind}_{stride}" for stride in STRIDES for kind in ("cls", "obj", "bbox", "kps"))
# The image is reduced to this longest side as long as the smallest face keeps ten pixels.
SIDE, THOROUGH_SIDE, LONGEST_SIDE = 640, 1280, 2560
SMALLEST = 10
THRESHOLD, THOROUGH_THRESHOLD, DOUBTFUL_THRESHOLD = 0.7, 0.5, 0.4
OVERLAP = 0.3


class Yunet:
    """A `Detector` with five points per face."""

    def __init__(self, network: Any) -> None:
        self._network = network

    @classmethod
    def load(cls, path: Path, threads: int = 0) -> Yunet:
        """Raises ModelUnavailable."""
        return cls(session(_any_size(path), threads))

    def detect(self, image: Image, min_face: int = 40, doubtful: bool = False) -> Detections:
        check_image(image)
        longest = max(image.shape[:2])
        side = min(max(SIDE, longest * SMALLEST / max(min_face, 1)), LONGEST_SIDE)
        threshold = DOUBTFUL_THRESHOLD if doubtful else THRESHOLD
        return self._search(image, min(1.0, side / longest), threshold)

    def detect_thorough(self, image: Image) -> Detections:
        check_image(image)
        copy = PatientCopy.of(image)
        scale = min(1.0, THOROUGH_SIDE / max(copy.image.shape[:2]))
        return copy.back(self._search(copy.image, scale, THOROUGH_THRESHOLD))

    def _search(self, image: Image, scale: float, threshold: float) -> Detections:
        canvas = _canvas(image, scale)
        values = dict(zip(OUTPUTS, self._network.run(OUTPUTS, {"image": canvas[None]}), strict=True))
        parts = [_faces(values, stride, canvas.shape[1] // stride, threshold) for stride in STRIDES]
        boxes, scores, points = (np.concatenate(part) for part in zip(*parts, strict=True))
        kept = suppress(boxes, scores, OVERLAP)
        kept_boxes, kept_points = (np.asarray(part[kept] / scale, np.float32) for part in (boxes, points))
        return Detections(kept_boxes, scores[kept], kept_points)


def _canvas(image: Image, scale: float) -> Image:
    """The image at that scale, in the corner of a black one whose sides are multiples of 32."""
    from faceapp.opencv import cv2

    height, width = (max(1, round(length * scale)) for length in image.shape[:2])
    canvas = np.zeros((-(-height // 32) * 32, -(-width // 32) * 32, 3), np.uint8)
    if scale == 1:
        canvas[:height, :width] = image
    else:
        cv2.resize(image, (width, height), dst=canvas[:height, :width], interpolation=cv2.INTER_AREA)
    return canvas


def _faces(
    values: dict[str, Floats], stride: int, columns: int, threshold: float
) -> tuple[Floats, Floats, Floats]:
    """Boxes (N, 4), scores (N,) and points (N, 5, 2) of one grid, in pixels of the canvas."""
    both = values[f"cls_{stride}"][0, :, 0].clip(0, 1) * values[f"obj_{stride}"][0, :, 0].clip(0, 1)
    cells = np.flatnonzero(both > threshold**2)
    corner = np.stack([cells % columns, cells // columns], 1).astype(np.float32)
    box, points = values[f"bbox_{stride}"][0, cells], values[f"kps_{stride}"][0, cells].reshape(-1, 5, 2)
    centre, half = corner + box[:, :2], np.exp(box[:, 2:]) / 2
    boxes = np.concatenate([centre - half, centre + half], 1) * np.float32(stride)
    return boxes, np.sqrt(both[cells]), (points + corner[:, None]) * np.float32(stride)


def _any_size(path: Path) -> bytes:
    """The model with free height and width, taking (1, H, W, 3) uint8 BGR."""
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import TensorProto, helper

    broken = ModelUnavailable(
        "model_broken", f"The file {path.name} cannot be loaded.", "Delete it, or get it again."
    )
    try:
        model: onnx.ModelProto = onnx.load(str(path))
    except (DecodeError, OSError) as error:
        raise broken from error
    graph = model.graph
    if len(graph.input) != 1 or {output.name for output in graph.output} != set(OUTPUTS):
        raise broken
    planes = helper.make_node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2])
    numbers = helper.make_node("Cast", ["planes"], [graph.input[0].name], to=TensorProto.FLOAT)
    nodes = [planes, numbers, *graph.node]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None, None]) for name in OUTPUTS]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "height", "width", 3])
    free = helper.make_graph(nodes, graph.name, [image], outputs, list(graph.initializer))
    whole = helper.make_model(free, opset_imports=model.opset_import, ir_version=model.ir_version)
    return bytes(whole.SerializeToString())
