"""The dlib ResNet with eight-bit numbers: twice as fast again, and other vectors.

Its embeddings differ from those of the float network, so it is a model of its own in the catalogue;
embeddings of the two never meet in one gallery. The ranges of its layers are measured on varied copies
of the two portraits that come inside installed packages: the same network on every machine.
"""

from __future__ import annotations

import importlib.util
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from faceapp.errors import ModelUnavailable
from faceapp.models import align, resnet
from faceapp.models.onnx import session
from faceapp.types import Floats, Image

log = logging.getLogger(__name__)

FILE = "dlib-resnet-int8-1.onnx"
CHIPS = 160
# Median cosine distance to the float network on chips that its ranges were not measured on. A processor
# that adds eight-bit products in sixteen bits overflows and is far above; there weights get seven bits.
TOLERANCE = 0.01
# package, file, and dlib's five points on it
PORTRAITS = (
    ("skimage", "data/astronaut.png", ((255, 104), (238, 105), (195, 101), (212, 103), (224, 135))),
    (
        "matplotlib",
        "mpl-data/sample_data/grace_hopper.jpg",
        ((321, 188), (290, 190), (207, 195), (238, 193), (269, 252)),
    ),
)


def network(dlib_file: Path, folder: Path) -> bytes:
    """The ONNX bytes, from the models folder, or built in some ten seconds and kept there.

    Raises ModelUnavailable, also where this processor does not reckon accurately enough with it.
    """
    path = folder / FILE
    kept = resnet.read_kept(path)
    if kept is not None:
        return kept
    data = build(resnet.network(dlib_file, folder), portrait_chips(CHIPS))
    try:
        resnet.keep(path, data)
    except OSError as error:
        log.warning("The network cannot be kept in %s: %s", folder, error)
    return data


def build(source: bytes, chips: Image) -> bytes:
    """The eight-bit form of the float network `source`.

    chips: (N, 150, 150, 3) real faces; ranges are measured on three quarters of them, the outcome is
    checked on the others. Raises ModelUnavailable.
    """
    held = np.arange(len(chips)) % 4 == 3
    expected = _vectors(source, chips[held])
    for narrow in (False, True):
        data = _quantized(source, chips[~held], narrow)
        away = float(np.median(1 - (expected * _vectors(data, chips[held])).sum(1)))
        log.info("The network with %d-bit weights is %.4f away from the float one.", 7 if narrow else 8, away)
        if away <= TOLERANCE:
            return data
    raise ModelUnavailable(
        "model_int8", "The eight-bit network is not accurate enough on this processor.",
        "Use the float network.",
    )  # fmt: skip


def portrait_chips(count: int) -> Image:
    """(count, 150, 150, 3) varied copies of the packaged portraits' faces. Raises ModelUnavailable."""
    from faceapp.opencv import cv2

    faces = []
    for package, path, points in PORTRAITS:
        spec = importlib.util.find_spec(package)
        file = Path(spec.origin).parent / path if spec is not None and spec.origin is not None else None
        data = np.fromfile(file, np.uint8) if file is not None and file.is_file() else np.zeros(1, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if image is None:
            raise ModelUnavailable(
                "model_int8", f"The portrait that the package {package} brings is missing.",
                f"Install the package {package} again.",
            )  # fmt: skip
        faces.append(align.dlib_chips(image, np.array([points], np.float32))[0])
    return varied(np.stack(faces), count)


def varied(chips: Image, count: int) -> Image:
    """(count, ...) copies of the chips in turn: mirrored, turned, moved, closer, softer, lighter, darker.

    Always the same for the same chips.
    """
    from faceapp.opencv import cv2

    dice = np.random.default_rng(150)
    copies = np.empty((count, *chips.shape[1:]), np.uint8)
    size = chips.shape[1]
    for index, copy in enumerate(copies):
        turn = cv2.getRotationMatrix2D((size / 2, size / 2), dice.normal(0, 4), dice.normal(1.03, 0.05))
        turn[:, 2] += dice.normal(0, 3, 2)
        chip = cv2.warpAffine(chips[index % len(chips)], turn, (size, size), borderMode=cv2.BORDER_REFLECT)
        chip = cv2.GaussianBlur(chip, (0, 0), float(dice.uniform(0.1, 1.5)))
        colour = dice.normal(1, 0.06, 3) * dice.uniform(0.5, 1.4)
        light = 255 * (chip / 255.0) ** dice.uniform(0.7, 1.4) * colour
        copy[...] = np.clip(light, 0, 255)[:, :: 1 if dice.random() < 0.5 else -1]
    return copies


def _quantized(source: bytes, chips: Image, narrow: bool) -> bytes:
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Chips(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._parts: Iterator[Image] = iter(np.array_split(chips, max(1, len(chips) // 16)))

        def get_next(self) -> dict[str, Image] | None:
            part = next(self._parts, None)
            return None if part is None else {resnet.INPUT: part}

    with tempfile.TemporaryDirectory(prefix="faceapp-int8-") as folder:
        target = Path(folder) / FILE
        quantize_static(
            onnx.load_from_string(source), target, Chips(), QuantFormat.QDQ, per_channel=True,
            reduce_range=narrow, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
        return target.read_bytes()


def _vectors(network_bytes: bytes, chips: Image) -> Floats:
    (out,) = session(network_bytes).run(None, {resnet.INPUT: chips})
    unit: Floats = out / np.linalg.norm(out, axis=1, keepdims=True)
    return unit
