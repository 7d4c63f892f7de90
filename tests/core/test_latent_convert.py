"""Checkpoints of PyTorch without PyTorch, and without running what is in them."""

from __future__ import annotations

import argparse
import io
import os
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceapp.errors import BadRequest
from faceapp.jobs import JobContext
from faceapp.latent.convert import LEGACY_START, convert, read_checkpoint
from faceapp.latent.weights import Design, random_weights, read_weights

DESIGN = Design((6, 5, 4), z_dim=8, w_dim=8, layers=2)


class Stored:
    """What stands in a checkpoint for numbers that lie elsewhere in it."""

    def __init__(self, key: str, array: np.ndarray, kind: type) -> None:
        self.key, self.array, self.kind = key, array, kind


class Writer(pickle.Pickler):
    """Pickles as `torch.save` does: storages by reference."""

    def persistent_id(self, value: Any) -> Any:
        if not isinstance(value, Stored):
            return None
        extra = (None,) if self.legacy else ()
        return ("storage", value.kind, value.key, "cpu", value.array.size, *extra)

    legacy = False


class View:
    """A tensor that pickles into a call of torch's function."""

    def __init__(self, torch: types.ModuleType, stored: Stored, offset: int, size: Any, stride: Any) -> None:
        self.parts = (stored, offset, size, stride, False, OrderedDict())
        self.rebuild = torch._rebuild_tensor_v2

    def __reduce__(self) -> Any:
        return self.rebuild, self.parts


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """Modules of the names that a checkpoint speaks of; nothing here has PyTorch."""
    root, inner = types.ModuleType("torch"), types.ModuleType("torch._utils")
    monkeypatch.setitem(sys.modules, "torch", root)
    monkeypatch.setitem(sys.modules, "torch._utils", inner)
    for name in ("FloatStorage", "HalfStorage", "BFloat16Storage"):
        setattr(root, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2(*_: Any) -> None:
        raise AssertionError("it was called")

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    inner._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    root._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    return root


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    return dict(random_weights(DESIGN, seed=1).arrays)


def checkpoint(torch: Any, arrays: dict[str, np.ndarray], more: Any = None) -> tuple[Any, list[Stored]]:
    """A rosinality checkpoint and its storages. One tensor is a transposed part of a larger storage, one has
    half the digits."""
    stores: list[Stored] = []
    state: OrderedDict[str, Any] = OrderedDict()
    for name, array in arrays.items():
        kind, numbers, offset = torch.FloatStorage, array, 0
        stride = [step // array.itemsize for step in np.ascontiguousarray(array).strides]
        if name == "style.1.weight":
            numbers, offset = np.concatenate([np.zeros(5, np.float32), array.T.ravel()]), 5
            stride = stride[::-1]
        elif name == "style.1.bias":
            kind, numbers = torch.HalfStorage, array.astype(np.float16)
        elif name == "style.2.bias":
            kind, numbers = torch.BFloat16Storage, (array.view(np.uint32) >> 16).astype(np.uint16)
        stores.append(Stored(str(len(stores)), np.ascontiguousarray(numbers).ravel(), kind))
        state[name] = View(torch, stores[-1], offset, array.shape, tuple(stride))
    mean = state.pop("latent_avg")
    state["convs.0.conv.blur.kernel"] = state["conv1.activate.bias"]
    root = {"g_ema": state, "latent_avg": mean, "args": argparse.Namespace(size=16, path="x"), "iter": 7}
    return {**root, **(more or {})}, stores


def save_zip(path: Path, root: Any, stores: list[Stored]) -> None:
    pickled = io.BytesIO()
    Writer(pickled, 2).dump(root)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled.getvalue())
        archive.writestr("archive/byteorder", "little")
        for stored in stores:
            archive.writestr(f"archive/data/{stored.key}", stored.array.tobytes())


def save_legacy(path: Path, root: Any, stores: list[Stored]) -> None:
    with path.open("wb") as stream:
        for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(value, stream, 2)
        writer = Writer(stream, 2)
        writer.legacy = True
        writer.dump(root)
        pickle.dump([stored.key for stored in stores], stream, 2)
        for stored in stores:
            stream.write(stored.array.size.to_bytes(8, "little") + stored.array.tobytes())


@pytest.mark.parametrize("save", [save_zip, save_legacy])
def test_both_formats_come_over_number_by_number(
    torch: types.ModuleType, arrays: dict[str, np.ndarray], tmp_path: Path, save: Callable[..., None]
) -> None:
    source, target = tmp_path / "model.pt", tmp_path / "model.safetensors"
    save(source, *checkpoint(torch, arrays))
    steps: list[int] = []
    context = JobContext(lambda done, **_: steps.append(done), lambda: False)
    convert(context, source, target, "A test", "Do what you like.")
    read = read_weights(target)
    assert (read.design, read.name, read.licence) == (DESIGN, "A test", "Do what you like.")
    assert steps[-1] == 3
    for name, array in arrays.items():
        digits = {"style.1.bias": 2e-3, "style.2.bias": 1e-2}.get(name, 0.0)
        assert np.allclose(read.arrays[name], array, rtol=digits, atol=digits), name


def test_the_legacy_start_is_what_pickle_writes() -> None:
    assert pickle.dumps(0x1950A86A20F9469CFC6C, 2) == LEGACY_START


class Harm:
    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.parts = (call, arguments)

    def __reduce__(self) -> Any:
        return self.parts


@pytest.mark.parametrize("save", [save_zip, save_legacy])
def test_code_in_a_checkpoint_is_named_and_not_run(
    torch: types.ModuleType, arrays: dict[str, np.ndarray], tmp_path: Path, save: Callable[..., None]
) -> None:
    made = tmp_path / "made"
    save(tmp_path / "model.pt", *checkpoint(torch, arrays, {"x": Harm(os.mkdir, str(made))}))
    with pytest.raises(BadRequest, match=r"asks to run (posix|nt)\.mkdir") as refusal:
        read_checkpoint(tmp_path / "model.pt")
    assert refusal.value.code == "pickle"
    assert not made.exists()


def test_nvidias_pickles_are_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "network-snapshot.pkl"
    path.write_bytes(pickle.dumps({"G_ema": [1, 2, 3]}, 4))
    target = tmp_path / "network.safetensors"
    with pytest.raises(BadRequest, match="runs the code inside") as refusal:
        convert(JobContext.silent(), path, target)
    assert "Convert it" in refusal.value.hint
    assert not target.exists()


def _longer_than_its_storage(root: Any) -> None:
    view = root["g_ema"]["conv1.conv.weight"]
    view.parts = (*view.parts[:1], 3, *view.parts[2:])


def _no_generator(root: Any) -> None:
    del root["g_ema"]["input.input"]


def _a_part_is_missing(root: Any) -> None:
    del root["g_ema"]["to_rgbs.0.bias"]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_longer_than_its_storage, "longer than its storage"),
        (_no_generator, "no generator"),
        (_a_part_is_missing, "to_rgbs.0.bias is missing"),
    ],
)
def test_what_does_not_fit_is_refused(
    torch: types.ModuleType,
    arrays: dict[str, np.ndarray],
    tmp_path: Path,
    spoil: Callable[[Any], None],
    sentence: str,
) -> None:
    root, stores = checkpoint(torch, arrays)
    spoil(root)
    save_zip(tmp_path / "model.pt", root, stores)
    with pytest.raises(BadRequest, match=sentence):
        convert(JobContext.silent(), tmp_path / "model.pt", tmp_path / "model.safetensors")
    assert not (tmp_path / "model.safetensors").exists()


def test_damaged_files_are_refused_wherever_they_end(
    torch: types.ModuleType, arrays: dict[str, np.ndarray], tmp_path: Path
) -> None:
    for save in (save_zip, save_legacy):
        whole = tmp_path / "whole.pt"
        save(whole, *checkpoint(torch, arrays))
        data = whole.read_bytes()
        cut = tmp_path / "cut.pt"
        for length in (0, 3, 20, 200, len(data) // 3, len(data) - 30):
            cut.write_bytes(data[:length])
            with pytest.raises(BadRequest):
                read_checkpoint(cut)
    with pytest.raises(BadRequest, match="There is no file"):
        read_checkpoint(tmp_path / "absent.pt")


def test_a_pickle_of_other_instructions_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        # INST calls a class by its name, as protocol 0 does.
        archive.writestr("archive/data.pkl", b"(ios\nsystem\n.")
    with pytest.raises(BadRequest, match="INST"):
        read_checkpoint(tmp_path / "model.pt")
