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


def test_a_photo_that_cannot_be_read_is_named(run: Run, two: tuple[Path, Path], tmp_path: Path) -> None:
    empty = tmp_path / "empty.jpg"
    empty.touch()
    ended = run("morph", *two, empty, "--out", tmp_path / "x.png")
    assert ended.status == 1
    assert ended.err.startswith("“empty.jpg”: The file is empty.")


def test_one_frame_and_an_average_are_no_sequence(run: Run, two: tuple[Path, Path], tmp_path: Path) -> None:
    for words in (("--frames", 1), ("--average",), ("--frames", 1, "--latent", "pca")):
        ended = run("morph", *two, "--out", tmp_path / "x.gif", *words)
        assert ended.status == 1
        assert "would be a sequence (GIF). Let the name end in .png" in ended.err
    ended = run("morph", *two, "--out", tmp_path / "x.png", "--average", "--place", 1)
    assert ended.status == 1 and "not with --average" in ended.err
    assert not list(tmp_path.glob("x.*"))


def test_a_gif_is_as_long_as_it_says(run: Run, two: tuple[Path, Path], tmp_path: Path) -> None:
    """Players show no more than fifty of its pictures a second."""
    out = tmp_path / "film.gif"
    words = ("--frames", 5, "--size", 64, "--seconds", 0.02, "--plain-pace", "--json")
    ended = run("morph", *two, "--out", out, *words)
    shown = 0.0
    with Pillow.open(out) as film:
        for frame in range(film.n_frames):
            film.seek(frame)
            shown += film.info["duration"] / 1000
    assert json.loads(ended.out)["seconds"] == pytest.approx(shown)


def test_a_place_on_the_latent_way(run: Run, two: tuple[Path, Path], tmp_path: Path) -> None:
    pictures = []
    for place in (0, 1):
        out = tmp_path / f"{place}.png"
        ended = run("morph", *two, "--out", out, "--size", 64, "--latent", "pca", "--place", place, "--json")
        assert ended.status == 0, ended.err
        assert json.loads(ended.out)["place"] == place
        pictures.append(cv2.imread(str(out)).astype(int))
    assert np.abs(pictures[0] - pictures[1]).mean() > 5
    ended = run("morph", *two, "--out", tmp_path / "x.png", "--latent", "pca", "--symmetry", 1)
    assert ended.status == 1 and "cannot be made symmetrical" in ended.err


def test_places_that_take_no_file(run: Run, two: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / f"{'z' * 300}.png", tmp_path / "file" / "x.gif"):
        ended = run("morph", *two, "--out", out, "--json")
        assert ended.status == 1
        assert ended.document["error"]["code"] == "not_written"
    assert run("morph", *two, "--out", "").status == 2
    assert run("morph", two[0], "", "--out", tmp_path / "x.png").status == 2
    assert not list(tmp_path.glob("*.png")) and not list(tmp_path.glob(".*"))


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
