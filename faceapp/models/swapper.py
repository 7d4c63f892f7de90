"""Neural face swappers of the inswapper kind, from files that the user has.

The network sees the target's face, upright, and a vector of who the source is; it draws the target with the
source's features. The vector comes from a network of the ArcFace kind and goes through a matrix that lies in
the swapper's own file. Source of the recipe: insightface, `model_zoo/inswapper.py` and `utils/face_align.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from faceapp.errors import BadRequest, ModelUnavailable
from faceapp.models.align import ARCFACE_POINTS, ARCFACE_SIZE, Doubles, arcface_chips
from faceapp.models.embed import BATCH, Network, red_planes, unit
from faceapp.types import Floats, Image, check_shape

if TYPE_CHECKING:
    import onnxruntime
    from onnx import ModelProto

Part = Literal["swapper", "arcface"]
DIMENSION = 512
SMALLEST, LARGEST = 64, 1024
# Swappers whose side is a multiple of this show more at both sides than ArcFace's layout.
_WIDE, _WIDE_SHIFT = 128, 8.0


def template(size: int) -> Doubles:
    """(5, 2) where eyes, nose and mouth belong in a swapper's chip of that size."""
    if size % ARCFACE_SIZE == 0 or size % _WIDE:
        return ARCFACE_POINTS * (size / ARCFACE_SIZE)
    ratio = size / _WIDE
    return ARCFACE_POINTS * ratio + (_WIDE_SHIFT * ratio, 0.0)


def part_of(path: Path) -> Part:
    """What a file is good for, by the shapes that it takes and gives. Raises BadRequest: for neither."""
    model = _read(path)
    kept = {tensor.name for tensor in model.graph.initializer}
    taken = [_shape(value) for value in model.graph.input if value.name not in kept]
    given = [_shape(value) for value in model.graph.output]
    if len(taken) == len(given) == 1 and _is_face(taken[0], ARCFACE_SIZE) and given[0][1:] == (DIMENSION,):
        return "arcface"
    picture, vector = sorted(taken, key=len, reverse=True) if len(taken) == 2 else ((), ())
    if _is_swapped(picture) and vector[1:] == (DIMENSION,) and len(given) == 1 and _fits(given[0], picture):
        _matrix(model, path.name)
        return "swapper"
    raise BadRequest(
        "unknown_model",
        f"{path.name} is no network for swapping faces: it takes {_words(taken)} and gives {_words(given)}.",
        f"A swapper takes 1x3xSxS and 1x{DIMENSION} and gives 1x3xSxS; its partner takes "
        f"1x3x{ARCFACE_SIZE}x{ARCFACE_SIZE} and gives 1x{DIMENSION}.",
    )


class OnnxSwapper:
    """A swapper and the network that says who somebody is. Safe to call from several threads at once."""

    def __init__(self, session: onnxruntime.InferenceSession, matrix: Floats, identity: Network) -> None:
        """matrix: (512, 512), brings ArcFace's vectors to what the swapper was trained on."""
        inputs = {len(value.shape): value for value in session.get_inputs()}
        self._target, self._source = inputs[4].name, inputs[2].name
        self._session = session
        self._matrix = matrix
        self._identity = identity
        self.size = int(inputs[4].shape[-1])
        self.template = template(self.size)

    @classmethod
    def load(cls, files: Sequence[Path], folder: Path, threads: int) -> OnnxSwapper:
        """files: the swapper and the ArcFace network. Raises ModelUnavailable."""
        from faceapp.models.onnx import session

        for path, part in zip(files, ("swapper", "arcface"), strict=True):
            _require(path, part)
        identity = session(files[1], threads)
        batch = identity.get_inputs()[0].shape[0]
        network = Network(
            identity, ARCFACE_SIZE, DIMENSION, _centred, batch=batch if isinstance(batch, int) else BATCH
        )
        return cls(session(files[0], threads), _matrix(_read(files[0]), files[0].name), network)

    def embed(self, image: Image, points: Floats) -> Floats:
        """(N, 512) unit vectors of who has the faces with these five points (N, 5, 2)."""
        return unit(self._identity.run(arcface_chips(image, points)))

    def swap(self, chips: Image, embeddings: Floats) -> Image:
        """(N, S, S, 3): chips (N, S, S, 3), each with the features of its vector of embeddings (N, 512)."""
        check_shape("chips", chips, (None, self.size, self.size, 3))
        check_shape("embeddings", embeddings, (len(chips), DIMENSION))
        latent = unit(np.asarray(embeddings, np.float32) @ self._matrix)
        planes = red_planes(chips) / np.float32(255)
        result = np.empty_like(chips)
        for index in range(len(chips)):  # these networks take one face at a time
            one = slice(index, index + 1)
            (drawn,) = self._session.run(None, {self._target: planes[one], self._source: latent[one]})
            if drawn.shape != planes[one].shape or not np.isfinite(drawn).all():
                raise ModelUnavailable(
                    "model_broken", "The network for swapping faces gave no picture.",
                    "Its file may be damaged: add it again.",
                )
            result[index] = _pixels(drawn[0])
        return result


def _pixels(planes: Floats) -> Image:
    """(H, W, 3) BGR of planes (3, H, W), red first, 0 to 1."""
    pixels: Image = np.rint(np.clip(planes[::-1].transpose(1, 2, 0), 0, 1) * 255).astype(np.uint8)
    return pixels


def _centred(chips: Image) -> Floats:
    """Red planes from -1 to 1, as ArcFace's networks of 112 pixels take them."""
    centred: Floats = (red_planes(chips) - 127.5) / np.float32(127.5)
    return centred


def _require(path: Path, part: str) -> None:
    try:
        found = part_of(path)
    except BadRequest as error:
        raise ModelUnavailable("model_broken", error.sentence, error.hint) from error
    if found != part:
        sentence = f"{path.name} is not the network that was added."
        raise ModelUnavailable("model_broken", sentence, "Add it again.")


def _read(path: Path) -> ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        return onnx.load(str(path), load_external_data=False)
    except (DecodeError, onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        raise BadRequest("unknown_model", f"{path.name} is no network in the ONNX format.") from error


def _matrix(model: ModelProto, name: str) -> Floats:
    """The swapper's own matrix (512, 512): the last constant of its file."""
    from onnx import numpy_helper

    last = model.graph.initializer[-1:]
    if not last or tuple(last[0].dims) != (DIMENSION, DIMENSION):
        raise BadRequest(
            "unknown_model", f"{name} has no matrix for the vectors of faces at its end.",
            "Files that were converted again may have lost it: use the original one.",
        )
    return np.asarray(numpy_helper.to_array(last[0]), np.float32)


def _shape(value: Any) -> tuple[int | str, ...]:
    """The sides of an input or output, a name where any number will do; () where it is not of float32."""
    tensor = value.type.tensor_type
    if tensor.elem_type != 1:
        return ()
    return tuple(side.dim_value or side.dim_param or "N" for side in tensor.shape.dim)


def _is_swapped(shape: tuple[int | str, ...]) -> bool:
    """Whether an input is a face of a side that a swapper may have."""
    side = shape[-1] if shape else 0
    return isinstance(side, int) and SMALLEST <= side <= LARGEST and _is_face(shape, side)


def _is_face(shape: tuple[int | str, ...], side: int) -> bool:
    return len(shape) == 4 and shape[1:] == (3, side, side) and (shape[0] == 1 or isinstance(shape[0], str))


def _fits(shape: tuple[int | str, ...], picture: tuple[int | str, ...]) -> bool:
    """Whether an output may be a picture of that shape: some files do not say how large theirs is."""
    alike = (got == want or isinstance(got, str) for got, want in zip(shape, picture, strict=False))
    return len(shape) == len(picture) and all(alike)


def _words(shapes: Sequence[tuple[int | str, ...]]) -> str:
    return " and ".join("x".join(map(str, shape)) or "other numbers" for shape in shapes) or "nothing"
