"""`morph` and `between` in this process: files, documents, sentences."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import Run, runner
from PIL import Image as Pillow

from faceapp.opencv import cv2
from faceapp.services import Services


@pytest.fixture
def run(services: Services, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command as `main.py` does, on the shared models."""
    return runner(services, monkeypatch, capfd)


@pytest.fixture
def two(portrait_files: dict[str, Path]) -> tuple[Path, Path]:
    return portrait_files["astronaut"], portrait_files["hopper"]


def test_a_sequence_there_and_back(run: Run, two: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "film.gif"
    options = ("--frames", 6, "--size", 100, "--seconds", 0.6, "--ping-pong", "--plain-pace", "--json")
    ended = run("morph", *two, "--out", out, *options)
    assert ended.status == 0, ended.err
    document = json.loads(ended.out)
    assert document["kind"] == "sequence" and document["route"] == "landmarks"
    assert (document["frames"], document["seconds"], document["size"]) == (6, 0.6, 100)
    with Pillow.open(out) as film:
        assert film.n_frames == 6


def test_a_picture_where_the_sliders_want_it(run: Run, two: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    assert run("morph", *two, "--out", first, "--size", 120, "--place", 0).status == 0
    sliders = ("--shape", -1, "--colour", 0, "--detail", 0)
    ended = run("morph", *two, "--out", second, "--size", 120, *sliders)
    assert ended.status == 0, ended.err
    plain, drawn = (cv2.imread(str(path)).astype(int) for path in (first, second))
    assert plain.shape == drawn.shape == (120, 120, 3)
    assert np.abs(plain - drawn).mean() > 2, "a caricature of the first face"


def test_an_average_in_words(run: Run, two: tuple[Path, Path], tmp_path: Path) -> None:
    ended = run("morph", *two, "--average", "--size", 120, "--symmetry", 1, "--out", tmp_path / "x.jpg")
    assert ended.status == 0
    assert ended.out.endswith("x.jpg: the average of 2 faces, 120x120 pixels.\n")


def test_what_is_refused(run: Run, two: tuple[Path, Path], tmp_path: Path) -> None:
    wall = tmp_path / "wall.png"
    cv2.imwrite(str(wall), np.full((200, 200, 3), 90, np.uint8))
    ended = run("morph", two[0], wall, "--out", tmp_path / "x.png", "--json")
    assert ended.status == 1 and "No face was found on “wall.png”" in ended.err
    assert json.loads(ended.out)["error"]["code"] == "no_face"
    assert run("morph", two[0], "--out", tmp_path / "x.gif").status == 1
    assert "no background" in run("morph", *two, "--out", tmp_path / "x.gif", "--background", "red").err
    assert "--place goes with one picture" in run("morph", *two, "--out", "x.gif", "--place", 0.5).err
    assert run("morph", *two, "--out", tmp_path / "x.gif", "--shape", 7).status == 2
    assert not list(tmp_path.glob("x.*"))


def test_between_names_the_pair(run: Run, two: tuple[Path, Path], tmp_path: Path) -> None:
    assert "two enrolled people" in run("between", two[0]).err
    assert run("enrol", two[0], "--name", "Eileen Collins", "--face", 1).status == 0
    assert run("enrol", two[1], "--name", "Grace Hopper").status == 0
    out = tmp_path / "mix.png"
    assert run("morph", *two, "--out", out, "--size", 400).status == 0
    pair = json.loads(run("between", out, "--json").out)["pairs"][0]
    assert sorted(pair["people"]) == ["Eileen Collins", "Grace Hopper"]
    assert pair["suspicious"]
    assert "Grace Hopper" in run("between", out).out
