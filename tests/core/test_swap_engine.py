"""The engine of a swap as the user's choice: the classical one, or networks of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_networks import write_arcface, write_swapper

import main
from faceapp.edit.provenance import read_marks
from faceapp.edit.swap import SwapSettings
from faceapp.errors import BadRequest, Conflict, ModelUnavailable
from faceapp.pipeline.photos import read_photo
from faceapp.services import Services
from faceapp.types import Box, Image, Photo

NEURAL = SwapSettings(engine="neural")


@pytest.fixture
def eileen(portrait_files: dict[str, Path]) -> Photo:
    return read_photo(portrait_files["astronaut"])


@pytest.fixture
def grace(portrait_files: dict[str, Path]) -> Photo:
    return read_photo(portrait_files["hopper"])


@pytest.fixture
def clean(services: Services) -> Iterator[None]:
    """The models folder is the one of all tests: it is left as it was."""
    yield
    services.models.plugins.remove()
    services.models.read_plugins()


@pytest.fixture
def networks(services: Services, clean: None, tmp_path: Path) -> None:
    """The user has added both networks and accepted their licence."""
    for path in (write_swapper(tmp_path / "swap.onnx", kept=0.1), write_arcface(tmp_path / "who.onnx")):
        services.upkeep.add(path, licence_accepted=True)


def of(image: Image, box: Box) -> np.ndarray:
    """The middle of a face as one row of pixels."""
    (x, y), w, h = box.centre, box.width / 6, box.height / 6
    return image[int(y - h) : int(y + h), int(x - w) : int(x + w)].reshape(-1, 3).astype(float)


def test_the_network_paints_the_face_and_nothing_else(
    services: Services, networks: None, eileen: Photo, grace: Photo
) -> None:
    plan = services.swaps.plan([eileen], grace)
    box = plan.faces[0].face.box
    classical, neural = (services.swaps.render(plan, each).image for each in (SwapSettings(), NEURAL))
    before = of(grace.image, box)
    # This network keeps a tenth of the picture and paints the rest in one colour: hardly a feature is left.
    assert of(neural, box).std(0).max() < 0.5 * min(of(classical, box).std(0).max(), before.std(0).max())
    assert (neural[-60:] == grace.image[-60:]).all()


def test_the_preview_is_made_by_the_same_engine(
    services: Services, networks: None, eileen: Photo, grace: Photo
) -> None:
    plan = services.swaps.plan([eileen], grace)
    seen = services.swaps.preview(plan, NEURAL, max_side=None)
    assert (seen == services.swaps.render(plan, NEURAL).image).all()


def test_a_result_says_that_a_network_drew_it(
    services: Services, networks: None, eileen: Photo, grace: Photo, tmp_path: Path
) -> None:
    plan = services.swaps.plan([eileen], grace)
    types = {}
    for name, settings in (("classical", SwapSettings()), ("neural", NEURAL)):
        services.swaps.save(services.swaps.render(plan, settings), tmp_path / f"{name}.png")
        types[name] = read_marks(tmp_path / f"{name}.png").source_type
    assert types["neural"].endswith("compositeWithTrainedAlgorithmicMedia")
    assert types["classical"] != types["neural"]


def test_without_networks_the_neural_engine_says_what_is_missing(
    services: Services, clean: None, eileen: Photo, grace: Photo, tmp_path: Path
) -> None:
    plan = services.swaps.plan([eileen], grace)
    with pytest.raises(ModelUnavailable, match="no neural swapper"):
        services.swaps.render(plan, NEURAL)
    services.models.plugins.add(write_swapper(tmp_path / "swap.onnx"))
    services.models.plugins.add(write_arcface(tmp_path / "who.onnx"))
    assert not services.models.plugins.ready
    with pytest.raises(Conflict) as refused:
        services.swaps.preview(plan, NEURAL)
    assert refused.value.code == "licence_not_accepted"
    services.models.plugins.accept()
    assert services.models.plugins.ready
    assert services.swaps.preview(plan, NEURAL).shape == grace.image.shape


def test_without_networks_a_video_is_refused_before_it_is_begun(
    services: Services, clean: None, eileen: Photo, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnavailable, match="no neural swapper"):
        services.swaps.start_video([eileen], tmp_path / "clip.mp4", tmp_path / "out.mp4", NEURAL)
    assert services.jobs.all() == []


def test_a_preset_keeps_the_engine(services: Services) -> None:
    services.swaps.save_preset("Mine", NEURAL)
    assert services.swaps.settings(preset="Mine").engine == "neural"
    assert services.swaps.settings(preset="Mine", engine="classical").engine == "classical"
    with pytest.raises(BadRequest):
        services.swaps.settings(engine="magic")


def test_the_command_line_chooses_the_engine(
    services: Services, networks: None, portrait_files: dict[str, Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    @contextlib.contextmanager
    def ours(_: object) -> Any:
        yield services

    monkeypatch.setattr(main, "_services", ours)

    def swap(engine: str) -> int:
        return main.main([
            "swap", "--faces", str(portrait_files["astronaut"]), "--into", str(portrait_files["hopper"]),
            "--out", str(tmp_path / f"{engine}.png"), "--engine", engine,
        ])  # fmt: skip

    assert [swap("classical"), swap("neural")] == [0, 0]
    classical, neural = (read_photo(tmp_path / f"{name}.png").image for name in ("classical", "neural"))
    assert (classical != neural).any()
