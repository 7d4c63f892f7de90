"""The weights of a StyleGAN2 generator in a safetensors file: what they are called, and their shapes.

The names are those of rosinality's stylegan2-pytorch, which most converters write; docs/stylegan2.md
has the list. A file is read as plain arrays: no byte of it is run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceapp.errors import ModelUnavailable
from faceapp.models.store import replacing
from faceapp.types import Floats

Arrays = Mapping[str, Floats]
Shape = tuple[int, ...]

LARGEST_RESOLUTION = 2048
# Filters of the blur, which a state dict carries though they are always the same.
KERNEL = re.compile(r"(^|\.)(blur|upsample)\.kernel$")
NOISE_SEED = 20
MEAN_SAMPLES = 4096
MAPPING_MULTIPLIER = 0.01
HINT = "docs/stylegan2.md says which files can be used and how to convert them."
UNKNOWN_LICENCE = (
    "Not stated. Most StyleGAN2 weights for faces are for research alone: NVIDIA's licence and FFHQ's"
    " exclude commercial use."
)


@dataclass(frozen=True)
class Design:
    """The measures of a generator of configuration F with skip connections.

    channels: of each level, from 4 pixels up to the resolution. layers: of the mapping network.
    """

    channels: tuple[int, ...]
    z_dim: int = 512
    w_dim: int = 512
    layers: int = 8

    @property
    def resolution(self) -> int:
        return int(4 * 2 ** (len(self.channels) - 1))

    @property
    def num_ws(self) -> int:
        return 2 * len(self.channels)

    @staticmethod
    def standard(resolution: int) -> Design:
        """What NVIDIA's and rosinality's networks of that resolution look like."""
        levels = int(math.log2(resolution)) - 1
        wide = {4: 512, 8: 512, 16: 512, 32: 512}
        sides = [4 * 2**level for level in range(levels)]
        return Design(tuple(wide.get(side) or 32768 // side for side in sides))

    def shapes(self) -> dict[str, Shape]:
        """Every array's name and shape; `latent_avg` and the noises may be absent from a file."""
        found: dict[str, Shape] = {"latent_avg": (self.w_dim,)}
        for layer in range(1, self.layers + 1):
            found[f"style.{layer}.weight"] = (self.w_dim, self.z_dim if layer == 1 else self.w_dim)
            found[f"style.{layer}.bias"] = (self.w_dim,)
        first = self.channels[0]
        found["input.input"] = (1, first, 4, 4)
        found.update(self._styled("conv1", first, first))
        found.update(self._rgb("to_rgb1", first))
        found["noises.noise_0"] = (1, 1, 4, 4)
        for level, (narrow, wide) in enumerate(zip(self.channels, self.channels[1:], strict=False)):
            side = 8 * 2**level
            found.update(self._styled(f"convs.{2 * level}", narrow, wide))
            found.update(self._styled(f"convs.{2 * level + 1}", wide, wide))
            found.update(self._rgb(f"to_rgbs.{level}", wide))
            for part in (2 * level + 1, 2 * level + 2):
                found[f"noises.noise_{part}"] = (1, 1, side, side)
        return found

    def _styled(self, name: str, inputs: int, outputs: int) -> dict[str, Shape]:
        return {
            f"{name}.conv.weight": (1, outputs, inputs, 3, 3),
            f"{name}.conv.modulation.weight": (inputs, self.w_dim),
            f"{name}.conv.modulation.bias": (inputs,),
            f"{name}.noise.weight": (1,),
            f"{name}.activate.bias": (outputs,),
        }

    def _rgb(self, name: str, inputs: int) -> dict[str, Shape]:
        return {
            f"{name}.conv.weight": (1, 3, inputs, 1, 1),
            f"{name}.conv.modulation.weight": (inputs, self.w_dim),
            f"{name}.conv.modulation.bias": (inputs,),
            f"{name}.bias": (1, 3, 1, 1),
        }


@dataclass(frozen=True, eq=False)
class Weights:
    """A generator's arrays with their design. licence and name: what the file says, for people."""

    design: Design
    arrays: Arrays
    name: str = "StyleGAN2"
    licence: str = UNKNOWN_LICENCE


def read_weights(path: Path) -> Weights:
    """The weights of a safetensors file, checked. Raises ModelUnavailable."""
    from safetensors import SafetensorError, safe_open

    if path.suffix.lower() != ".safetensors":
        raise _refused(path, "it is no .safetensors file")
    try:
        with safe_open(path, "numpy") as file:
            about = file.metadata() or {}
            arrays = {name: np.asarray(file.get_tensor(name), np.float32) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise ModelUnavailable(
            "model_missing", f"The file {path.name} of a StyleGAN2 generator is not there.", HINT
        ) from error
    except (OSError, SafetensorError, TypeError, ValueError) as error:
        raise _refused(path, "it is damaged") from error
    try:
        return checked(arrays, about.get("name") or path.stem, about.get("licence") or UNKNOWN_LICENCE)
    except ValueError as error:
        raise _refused(path, str(error)) from error


def checked(arrays: Arrays, name: str = "StyleGAN2", licence: str = UNKNOWN_LICENCE) -> Weights:
    """Arrays as a generator's weights; filters are left out, missing noises made. Raises ValueError."""
    own = {key: value for key, value in arrays.items() if not KERNEL.search(key)}
    design = design_of(own)
    wanted = design.shapes()
    own = {**_absent(own, wanted), **own}
    for key, shape in wanted.items():
        if key not in own:
            raise ValueError(f"{key} is missing")
        if own[key].shape != shape:
            raise ValueError(f"{key} is {own[key].shape} and should be {shape}")
        if not np.isfinite(own[key]).all():
            raise ValueError(f"{key} has numbers that are none")
    unknown = sorted(set(own) - set(wanted))
    if unknown:
        raise ValueError(f"{unknown[0]} does not belong to a generator of configuration F")
    return Weights(design, own, name, licence)


def design_of(arrays: Arrays) -> Design:
    """The measures that the arrays imply. Raises ValueError where they imply none."""
    try:
        channels = [arrays["input.input"].shape[1]]
        while (key := f"convs.{2 * (len(channels) - 1)}.conv.weight") in arrays:
            channels.append(arrays[key].shape[1])
        layers = sum(bool(re.fullmatch(r"style\.\d+\.weight", key)) for key in arrays)
        w_dim, z_dim = arrays["style.1.weight"].shape
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError("it holds no generator of StyleGAN2") from error
    design = Design(tuple(int(count) for count in channels), int(z_dim), int(w_dim), layers)
    if not 8 <= design.resolution <= LARGEST_RESOLUTION:
        raise ValueError(f"its resolution would be {design.resolution}")
    return design


def save_weights(path: Path, weights: Weights, source_sha256: str = "") -> None:
    """Write a safetensors file with name and licence in its header. Raises OSError."""
    from safetensors.numpy import save_file

    about = {"name": weights.name, "licence": weights.licence, "source_sha256": source_sha256}
    arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.arrays.items()}
    with replacing(path) as temporary:
        save_file(arrays, temporary, {"format": "faceapp-stylegan2-1", **about})


def random_weights(design: Design, seed: int = 0) -> Weights:
    """Weights as before any training: the pictures are coloured clouds. For tests and benchmarks."""
    random = np.random.default_rng(seed)
    arrays: dict[str, Floats] = {}
    for name, shape in design.shapes().items():
        values = random.standard_normal(shape)
        if name.startswith("style.") and name.endswith("weight"):
            values /= MAPPING_MULTIPLIER
        elif name.endswith("modulation.bias"):
            values = 1 + 0.1 * values
        elif name.endswith(("bias", "noise.weight")):
            values *= 0.1
        elif name.startswith("to_rgb") and name.endswith("conv.weight"):
            values *= 0.12  # so that the pictures stay between black and white
        arrays[name] = values.astype(np.float32)
    arrays["latent_avg"] = mean_w(arrays)
    return Weights(design, arrays, f"random {design.resolution} px", "No training, no licence.")


def _absent(arrays: Arrays, wanted: Mapping[str, Shape]) -> dict[str, Floats]:
    """What a file may leave out: the noises, made from a fixed seed, and the mean w."""
    random = np.random.default_rng(NOISE_SEED)
    made = {
        name: random.standard_normal(shape).astype(np.float32)
        for name, shape in wanted.items()
        if name.startswith("noises.") and name not in arrays
    }
    if "latent_avg" in arrays:
        return made
    return {**made, "latent_avg": mean_w(arrays)}


def mean_w(arrays: Arrays) -> Floats:
    """(w_dim,) mean of mapped samples, for files that do not carry it."""
    random = np.random.default_rng(NOISE_SEED)
    layers = sum(bool(re.fullmatch(r"style\.\d+\.weight", key)) for key in arrays)
    z = random.standard_normal((MEAN_SAMPLES, arrays["style.1.weight"].shape[1])).astype(np.float32)
    mean: Floats = mapped(arrays, layers, z).mean(0)
    return mean


def mapped(arrays: Arrays, layers: int, z: Floats) -> Floats:
    """(N, w_dim): the mapping network in plain numpy, which is quick enough without TensorFlow."""
    w = z / np.sqrt(np.mean(z**2, axis=1, keepdims=True) + 1e-8)
    for layer in range(1, layers + 1):
        weight, bias = arrays[f"style.{layer}.weight"], arrays[f"style.{layer}.bias"]
        w = w @ (weight.T * (MAPPING_MULTIPLIER / math.sqrt(weight.shape[1]))) + bias * MAPPING_MULTIPLIER
        w = np.where(w < 0, 0.2 * w, w) * math.sqrt(2)
    return np.asarray(w, np.float32)


def _refused(path: Path, reason: str) -> ModelUnavailable:
    return ModelUnavailable("model_broken", f"{path.name} cannot be used: {reason}.", HINT)
