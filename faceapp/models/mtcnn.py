"""MTCNN: the default detector. Its weights come inside the `mtcnn` package, onnxruntime runs them.

Three nets in a cascade (see mtcnn_nets): the proposal net looks at every 12-pixel window of an image
pyramid, the refinement net at what it proposes, the output net at what is left and places five points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceapp.models import mtcnn_nets
from faceapp.models.boxes import squares, suppress
from faceapp.models.onnx import session
from faceapp.models.patience import GREY, PatientCopy
from faceapp.types import Detections, Floats, Image, Ints, check_image

WINDOW = 12
PYRAMID_STEP = 0.709
# The proposal net needs some 200 bytes for each pixel of the finest pyramid level.
LEVEL_PIXELS = 640_000
# More candidates at once fall out of the processor's cache.
BATCH = 32
# OpenCV cannot sample from images with longer sides.
SAMPLED_SIDE = 32_766


THOROUGH_MIN_FACE = 20


@dataclass(frozen=True)
class Thresholds:
    """The least probability of "face" that passes each net.

    The paper's 0.6, 0.7, 0.7 with a stricter first net: a third fewer candidates, the same faces
    (measured in docs/models.md).
    """

    proposal: float = 0.7
    refined: float = 0.7
    final: float = 0.7


DOUBTFUL = Thresholds(0.6, 0.6, 0.4)


class Mtcnn:
    """A `Detector` with five points per face."""

    def __init__(self, proposal: Any, refinement: Any, output: Any) -> None:
        self._proposal, self._refinement, self._output = proposal, refinement, output

    @classmethod
    def load(cls, files: Sequence[Path], threads: int = 0) -> Mtcnn:
        """From pnet.lz4, rnet.lz4 and onet.lz4. Building the nets takes a tenth of a second: no cache."""
        proposal, refinement, output = files
        return cls(
            session(mtcnn_nets.pnet(proposal), threads),
            session(mtcnn_nets.rnet(refinement), threads),
            session(mtcnn_nets.onet(output), threads),
        )

    def detect(self, image: Image, min_face: int = 40, doubtful: bool = False) -> Detections:
        check_image(image)
        thresholds = DOUBTFUL if doubtful else Thresholds()
        return self._cascade(_Pyramid(image), max(min_face, WINDOW), thresholds)

    def detect_thorough(self, image: Image) -> Detections:
        """The thresholds stay as they are: lower ones find hardly a face more, and many that are none."""
        check_image(image)
        copy = PatientCopy.of(image)
        return copy.back(self._cascade(_Pyramid(copy.image), THOROUGH_MIN_FACE, Thresholds()))

    def _cascade(self, pyramid: _Pyramid, min_face: float, thresholds: Thresholds) -> Detections:
        boxes = self._propose(pyramid, min_face, thresholds.proposal)
        boxes = self._refine(pyramid, boxes, thresholds.refined)
        return self._finish(pyramid, boxes, thresholds.final)

    def _propose(self, pyramid: _Pyramid, min_face: float, threshold: float) -> Floats:
        """Square boxes of the windows that may hold a face, from all levels of the pyramid."""
        found = [np.zeros((0, 5), np.float32)]
        for level, scale in pyramid.levels(min_face):
            (maps,) = self._proposal.run(None, {"image": level[None]})
            rows, columns = _peaks(maps[0, 4], _logit(threshold))
            values = maps[0, :, rows, columns]
            corner = np.stack([columns, rows], 1).astype(np.float32) * 2 + 1
            edge = np.float32(WINDOW - 1)
            boxes = np.concatenate([corner, corner + edge], 1) + values[:, :4] * edge
            kept = suppress(boxes, values[:, 4], 0.5)
            found.append(np.concatenate([boxes[kept] / scale, values[kept, 4:]], 1))
        proposals = np.concatenate(found)
        return squares(proposals[suppress(proposals[:, :4], proposals[:, 4], 0.7), :4])

    def _refine(self, pyramid: _Pyramid, boxes: Floats, threshold: float) -> Floats:
        values = _batches(self._refinement, pyramid, boxes, 24, 5)
        passed = values[:, 4] > _logit(threshold)
        boxes, values = _regressed(boxes[passed], values[passed]), values[passed]
        return squares(boxes[suppress(boxes, values[:, 4], 0.7)])

    def _finish(self, pyramid: _Pyramid, boxes: Floats, threshold: float) -> Detections:
        values = _batches(self._output, pyramid, boxes, 48, 15)
        passed = values[:, 14] > _logit(threshold)
        boxes, values = boxes[passed], values[passed]
        sides = (boxes[:, 2:] - boxes[:, :2] + 1)[:, None]
        points = values[:, 4:14].reshape(-1, 2, 5).transpose(0, 2, 1) * sides + boxes[:, None, :2] - 1
        boxes = _regressed(boxes, values)
        kept = suppress(boxes, values[:, 14], 0.7, over="smaller")
        scores = 1 / (1 + np.exp(-values[kept, 14]))
        return Detections(*(np.asarray(part, np.float32) for part in (boxes[kept], scores, points[kept])))


class _Pyramid:
    """An image at full size, half, a quarter and so on, made when asked for."""

    def __init__(self, image: Image) -> None:
        self._halves = [image]

    def levels(self, min_face: float) -> Any:
        """Images in which faces of `min_face` pixels, and 1.41, 2 ... times that, are one window large,
        each with its scale. A finest level above LEVEL_PIXELS is left out, and so is one too small for a
        window."""
        from faceapp.opencv import cv2

        height, width = self._halves[0].shape[:2]
        scale = min(WINDOW / min_face, math.sqrt(LEVEL_PIXELS / (height * width)))
        while min(height, width) * scale >= WINDOW:
            source = self._half(scale)
            size = round(width * scale), round(height * scale)
            level = cv2.resize(source, size, interpolation=cv2.INTER_LINEAR)
            yield level, np.array([size[0] / width, size[1] / height] * 2, np.float32)
            scale *= PYRAMID_STEP

    def crops(self, boxes: Floats, size: int) -> Image:
        """(N, size, size, 3): the square boxes, each cut from the half that is just large enough, so that
        a large face is not sampled with gaps. Outside of the image is grey."""
        from faceapp.opencv import cv2

        chips = np.empty((len(boxes), size, size, 3), np.uint8)
        steps = (boxes[:, 2] - boxes[:, 0]) / size
        least = max(0, math.ceil(math.log2(max(self._halves[0].shape[:2]) / SAMPLED_SIDE)))
        depths = np.log2(np.maximum(steps, 1)).astype(int).clip(least, None)
        for depth in np.unique(depths):
            index = np.flatnonzero(depths == depth)
            source = self._half(0.5**depth)
            grid = np.linspace(0, 1, size, dtype=np.float32)
            low, side = boxes[index, :2], boxes[index, 2:] - boxes[index, :2]
            at = (low[..., None] + side[..., None] * grid + 0.5) * np.float32(0.5**depth) - np.float32(0.5)
            shape = len(index), size, size
            xs = np.broadcast_to(at[:, 0, None, :], shape).reshape(-1, size)
            ys = np.broadcast_to(at[:, 1, :, None], shape).reshape(-1, size)
            chips[index] = cv2.remap(
                source, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=GREY
            ).reshape(*shape, 3)
        return chips

    def _half(self, scale: float) -> Image:
        """The smallest of the halves whose scale is at least `scale`."""
        from faceapp.opencv import cv2

        depth = max(0, math.floor(-math.log2(scale) + 1e-6))
        while len(self._halves) <= depth:
            height, width = (length // 2 for length in self._halves[-1].shape[:2])
            if min(height, width) == 0:
                break
            # Even sides: OpenCV averages 2 x 2 pixels many times faster than at any other ratio.
            even = self._halves[-1][: height * 2, : width * 2]
            self._halves.append(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA))
        return self._halves[min(depth, len(self._halves) - 1)]


def _peaks(faces: Floats, threshold: float) -> tuple[Ints, Ints]:
    """Rows and columns of the windows above `threshold` that are no worse than their four neighbours."""
    from faceapp.opencv import cv2

    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    rows, columns = np.nonzero((faces > threshold) & (faces >= cv2.dilate(faces, cross)))
    return rows.astype(np.int64), columns.astype(np.int64)


def _batches(net: Any, pyramid: _Pyramid, boxes: Floats, size: int, width: int) -> Floats:
    """(N, width): what `net` says of the crops of all boxes."""
    parts = [
        net.run(None, {"image": pyramid.crops(boxes[start : start + BATCH], size)})[0]
        for start in range(0, len(boxes), BATCH)
    ]
    return np.concatenate([np.zeros((0, width), np.float32), *parts])


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _regressed(boxes: Floats, values: Floats) -> Floats:
    """Boxes moved by a net's regression, which counts in sides of the box."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    moved: Floats = boxes + values[:, :4] * np.concatenate([sides, sides], 1)
    return moved
