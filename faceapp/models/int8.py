"""The dlib ResNet with eight-bit numbers: twice as fast again, and other vectors.

Its embeddings differ from those of the float network by up to 0.1, so it is a model of its own in the
catalogue; embeddings of the two never meet in one gallery.
"""

from __future__ import annotations

import importlib.util
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from faceapp.errors import ModelUnavailable
from faceapp.jobs import JobContext
from faceapp.models import resnet
from faceapp.models.onnx import session
from faceapp.types import Floats, Image

log = logging.getLogger(__name__)

FILE = "dlib-resnet-int8-1.onnx"
# Cosine distance to the float network on chips that were not used to build it. A processor that adds
# eight-bit products in sixteen bits overflows and is far above this; there weights get seven bits.
TOLERANCE = 0.01
PORTRAITS = (("skimage", "data/astronaut.png"), ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"))


def load_network(folder: Path) -> bytes:
    """The network that `build` has left in the models folder. Raises ModelUnavailable."""
    data = resnet.read_kept(folder / FILE)
    if data is None:
        raise ModelUnavailable(
            "model_not_built", "The eight-bit network is not built yet.", "Build it on the page of models, or with the command models."
        )
    return data


def build(dlib_file: Path, folder: Path, chips: Image, context: JobContext) -> Path:
    """Make the eight-bit network from the float one and keep it in the models folder.

    chips: (N, 150, 150, 3) real faces; the ranges of every layer are measured on three quarters of them,
    the outcome is checked on the others. Raises ModelUnavailable, Cancelled, OSError.
    """
    if len(chips) < 8:
        raise ValueError("at least eight chips are needed")
    held = np.arange(len(chips)) % 4 == 3
    source = resnet.network(dlib_file, folder)
    expected = _vectors(source, chips[held])
    for step, narrow in enumerate((False, True)):
        context.progress(step, 2, "Building the eight-bit network")
        data = _quantized(source, chips[~held], narrow)
        away = float(np.median(1 - (expected * _vectors(data, chips[held])).sum(1)))
        log.info("The eight-bit network (%d-bit weights) is %.4f away.", 7 if narrow else 8, away)
        if away <= TOLERANCE:
            resnet.keep(folder / FILE, data)
            context.progress(2, 2)
            return folder / FILE
    raise ModelUnavailable(
        "model_int8", "The eight-bit network is not accurate enough on this processor.", "Use the float network."
    )


def sample_chips(chips: Image, count: int = 128) -> Image:
    """(count, 150, 150, 3) varied copies of a few faces: mirrored, turned, moved, closer, lighter, darker,
    softer. Enough to measure ranges on, always the same for the same faces."""
    from faceapp.opencv import cv2

    dice = np.random.default_rng(150)
    varied = np.empty((count, *chips.shape[1:]), np.uint8)
    middle = chips.shape[1] / 2
    for index, copy in enumerate(varied):
        chip = chips[index % len(chips)]
        turn = cv2.getRotationMatrix2D((middle, middle), dice.normal(0, 4), dice.normal(1.03, 0.05))
        turn[:, 2] += dice.normal(0, 3, 2)
        chip = cv2.warpAffine(chip, turn, chip.shape[:2], borderMode=cv2.BORDER_REFLECT)
        chip = cv2.GaussianBlur(chip, (0, 0), float(dice.uniform(0.1, 1.5)))
        colour = dice.normal(1, 0.06, 3) * dice.uniform(0.5, 1.4)
        light = 255 * (chip / 255.0) ** dice.uniform(0.7, 1.4) * colour
        copy[...] = np.clip(light, 0, 255)[:, :: 1 if dice.random() < 0.5 else -1]
    return varied


def portrait_files() -> list[Path]:
    """The public-domain portraits that come inside installed packages, as far as they are there."""
    files = []
    for package, path in PORTRAITS:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            files.append(Path(spec.origin).parent / path)
    return [file for file in files if file.is_file()]


def _quantized(source: bytes, chips: Image, narrow: bool) -> bytes:
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Chips(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._rest: Iterator[Image] = iter(np.array_split(chips, max(1, len(chips) // 16)))

        def get_next(self) -> dict[str, Image] | None:
            part = next(self._rest, None)
            return None if part is None else {resnet.INPUT: part}

    with tempfile.TemporaryDirectory(prefix="faceapp-int8-") as folder:
        target = Path(folder) / FILE
        quantize_static(
            onnx.load_from_string(source), target, Chips(), QuantFormat.QDQ, per_channel=True, reduce_range=narrow,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return target.read_bytes()


def _vectors(network: bytes, chips: Image) -> Floats:
    (out,) = session(network).run(None, {resnet.INPUT: chips})
    unit: Floats = out / np.linalg.norm(out, axis=1, keepdims=True)
    return unit
