"""One load for each model, whoever asks; states that can be watched."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from faceapp.errors import ModelUnavailable, NotFound
from faceapp.models.base import ModelFile, ModelSpec, Role
from faceapp.models.registry import Models
from faceapp.paths import Paths

CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Factory:
    """Makes models that are plain objects, slowly, and counts them."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.calls: list[tuple[Sequence[Path], Path, int]] = []
        self.fault = fault
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, files: Sequence[Path], folder: Path, threads: int) -> Any:
        self.calls.append((files, folder, threads))
        self.entered.set()
        assert self.go_on.wait(10)
        if self.fault is not None:
            raise self.fault
        return object()


def row(key: str, factory: Factory, role: Role = "detector", default: bool = False) -> ModelSpec:
    return ModelSpec(
        key, role, key.title(), (ModelFile(f"{key}.onnx", SHA256),), factory, "none", default=default
    )


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path)
    paths.create()
    for key in ("one", "two", "eyes"):
        (paths.models / f"{key}.onnx").write_bytes(CONTENT)
    return paths


def test_a_model_is_loaded_once_and_only_when_asked_for(paths: Paths) -> None:
    one, two = Factory(), Factory()
    models = Models(paths, threads=3, catalog=[row("one", one, default=True), row("two", two)])
    assert not one.calls
    assert models.state("one") == "ready"
    first = models.detector()
    assert models.detector("one") is first
    assert one.calls == [([paths.models / "one.onnx"], paths.models, 3)]
    assert not two.calls
    assert models.state("one") == "loaded"
    assert models.state("two") == "ready"


def test_threads_that_ask_at_once_share_one_load(paths: Paths) -> None:
    factory = Factory()
    factory.go_on.clear()
    models = Models(paths, catalog=[row("one", factory, default=True)])
    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(models.detector())) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert factory.entered.wait(10)
    assert models.state("one") == "loading"
    time.sleep(0.05)
    factory.go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(got) == 8
    assert len({id(model) for model in got}) == 1
    assert len(factory.calls) == 1


def test_one_slow_model_does_not_hold_up_another(paths: Paths) -> None:
    slow, quick = Factory(), Factory()
    slow.go_on.clear()
    models = Models(paths, catalog=[row("one", slow, default=True), row("two", quick)])
    thread = threading.Thread(target=models.detector)
    thread.start()
    assert slow.entered.wait(10)
    models.detector("two")
    assert models.state("two") == "loaded"
    slow.go_on.set()
    thread.join(10)


def test_listeners_see_every_state(paths: Paths) -> None:
    models = Models(paths, catalog=[row("one", Factory(), default=True)])
    seen: list[tuple[str, str]] = []
    leave = models.on_state(lambda key, state: seen.append((key, state)))
    models.preload(["one"])
    models.release()
    leave()
    models.preload(["one"])
    assert seen == [("one", "loading"), ("one", "loaded"), ("one", "ready")]


def test_a_model_that_was_released_is_loaded_again(paths: Paths) -> None:
    factory = Factory()
    models = Models(paths, catalog=[row("one", factory, default=True)])
    first = models.detector()
    models.release()
    assert models.state("one") == "ready"
    assert models.detector() is not first
    assert len(factory.calls) == 2


def test_a_missing_file_is_a_refusal_until_it_is_there(paths: Paths) -> None:
    factory = Factory()
    file = paths.models / "one.onnx"
    file.unlink()
    models = Models(paths, catalog=[row("one", factory, default=True)])
    for _ in range(2):
        with pytest.raises(ModelUnavailable):
            models.detector()
        assert models.state("one") == "missing"
    assert not factory.calls
    file.write_bytes(CONTENT)
    assert models.state("one") == "ready"
    models.detector()
    assert models.state("one") == "loaded"


def test_a_model_that_cannot_be_loaded_is_broken_and_may_be_tried_again(paths: Paths) -> None:
    factory = Factory(ModelUnavailable("model_broken", "It is broken."))
    models = Models(paths, catalog=[row("one", factory, default=True)])
    with pytest.raises(ModelUnavailable):
        models.detector()
    assert models.state("one") == "broken"
    factory.fault = None
    models.detector()
    assert models.state("one") == "loaded"


def test_a_package_that_is_missing_is_a_refusal(paths: Paths) -> None:
    models = Models(
        paths, catalog=[row("one", Factory(ModuleNotFoundError("No module named 'dlib'")), default=True)]
    )
    with pytest.raises(ModelUnavailable) as refusal:
        models.detector()
    assert refusal.value.code == "model_package"
    assert "dlib" in refusal.value.sentence


def test_a_bug_in_a_loader_is_not_hidden(paths: Paths) -> None:
    factory = Factory(ZeroDivisionError())
    models = Models(paths, catalog=[row("one", factory, default=True)])
    with pytest.raises(ZeroDivisionError):
        models.detector()
    assert models.state("one") != "loading"


def test_keys_and_roles_that_do_not_fit(paths: Paths) -> None:
    models = Models(
        paths, catalog=[row("one", Factory(), default=True), row("eyes", Factory(), "landmarker", True)]
    )
    assert models.default_key("landmarker") == "eyes"
    assert [spec.key for spec in models.specs("detector")] == ["one"]
    for call in (
        lambda: models.spec("three"),
        lambda: models.detector("three"),
        lambda: models.state("three"),
    ):
        with pytest.raises(NotFound) as refusal:
            call()
        assert "one" in refusal.value.hint
    with pytest.raises(NotFound):
        models.detector("eyes")
