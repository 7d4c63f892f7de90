"""main.py as people start it: a process of its own, with its own data folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from faceapp.opencv import cv2
from faceapp.types import Image

MAIN = Path(__file__).resolve().parents[2] / "main.py"
SECONDS = 120


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for this module: the models are made ready once."""
    return tmp_path_factory.mktemp("data")


def environment(data: Path, **more: str) -> dict[str, str]:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "FACEAPP_DATA_DIR")
    ours = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**ours, "FACEAPP_DATA_DIR": str(data), **more}


def run(data: Path, *words: object, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(MAIN), *map(str, words)],
        env=environment(data, **more),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_help_imports_nothing_heavy(data: Path) -> None:
    ended = run(data, "--help", PYTHONPROFILEIMPORTTIME="1")
    assert ended.returncode == 0
    for command in ("enrol", "lookalike", "recognise", "people", "serve", "models", "evaluate"):
        assert command in ended.stdout
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "argparse" in imported
    assert not imported & {"numpy", "sqlalchemy", "cv2", "onnxruntime", "flask", "PyQt5", "tensorflow"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that takes nothing is needed")
@pytest.mark.parametrize("words", [("models",), ("models", "--json"), ("attendance", "--csv")])
def test_an_output_on_a_full_disk_is_a_sentence(data: Path, words: tuple[str, ...]) -> None:
    times = ("--from", "2026-03-02", "--to", "2026-03-02") if words[0] == "attendance" else ()
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, str(MAIN), *words, *times], env=environment(data), stdout=full,
            stderr=subprocess.PIPE, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert "The output could not be written" in ended.stderr
    assert "Something went wrong" not in ended.stderr and "Traceback" not in ended.stderr


def test_people_list_loads_no_model(data: Path) -> None:
    ended = run(data, "people", "list", "--json", PYTHONPROFILEIMPORTTIME="1")
    assert json.loads(ended.stdout) == []
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "sqlalchemy" in imported
    assert not imported & {"cv2", "onnxruntime", "onnx", "flask", "PyQt5", "tensorflow", "scipy"}


def test_version_and_wrong_usage(data: Path) -> None:
    assert run(data, "--version").stdout.startswith("faceapp ")
    for words in (
        ["nonsense"],
        ["people"],
        ["lookalike"],
        ["lookalike", "x.jpg", "--top", "0"],
        ["serve", "--port", "x"],
    ):
        ended = run(data, *words)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "usage:" in ended.stderr


def test_enrol_and_find(tmp_path: Path, portrait_files: dict[str, Path], hopper: Image) -> None:
    data = tmp_path / "data"
    assert run(data, "enrol", portrait_files["hopper"], "--name", "Grace Hopper").returncode == 0
    other = tmp_path / "Zoë 한국.jpg"
    other.write_bytes(cv2.imencode(".jpg", np.ascontiguousarray(hopper[:, ::-1]))[1].tobytes())
    ended = run(data, "lookalike", other, "--json", PYTHONIOENCODING="ascii")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["faces"][0]["matches"][0]["person"] == "Grace Hopper"
    ended = run(data, "recognise", other, PYTHONIOENCODING="ascii")
    assert (ended.returncode, "Grace Hopper" in ended.stdout) == (0, True)


def test_a_data_folder_that_cannot_be_used(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    ended = run(data, "people", "list", "--json", "--data-dir", file / "below")
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["error"]["code"] == "data_dir"
    assert "Traceback" not in ended.stderr


def test_a_reader_that_leaves_early_is_no_error_message(data: Path) -> None:
    if os.name == "nt":
        pytest.skip("needs a shell's pipe")
    command = f'"{sys.executable}" "{MAIN}" models | head -n 0'
    ended = subprocess.run(
        command,
        shell=True,
        env=environment(data),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.stderr == ""


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []
    yield running
    for process in running:
        process.kill()
        process.communicate()


def serve(running: list[subprocess.Popen[str]], data: Path, *words: str) -> tuple[subprocess.Popen[str], str]:
    """Start main.py and wait for the line with its address."""
    process = subprocess.Popen(
        [sys.executable, str(MAIN), *words],
        env=environment(data),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running.append(process)
    assert process.stdout is not None
    return process, process.stdout.readline()


def alive(address: str) -> bool:
    with urllib.request.urlopen(f"{address}/is_alive", timeout=20) as answer:
        return bool(json.load(answer)["alive"])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_serve_ends_on_a_signal(started: list[subprocess.Popen[str]], data: Path, number: str) -> None:
    process, line = serve(started, data, "serve", "--port", "0", "--json")
    address = json.loads(line)["address"]
    assert alive(address)
    process.send_signal(getattr(signal, number))
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_taken_port_is_a_sentence(started: list[subprocess.Popen[str]], data: Path) -> None:
    _, line = serve(started, data, "serve", "--port", "0", "--json")
    port = json.loads(line)["address"].rsplit(":", 1)[1]
    ended = run(data, "serve", "--port", port)
    assert ended.returncode == 1
    assert f"The port {port} is used by another program." in ended.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_without_a_display_the_port_is_served(started: list[subprocess.Popen[str]], tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(f"rest_port = {free_port()}\n")
    process, line = serve(started, tmp_path)
    address = next(word for word in line.split() if word.startswith("http://127.0.0.1:"))
    assert alive(address)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert err.splitlines() == [
        "There is no display, so there is no window: the REST port is served instead."
    ]


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_ctrl_c_stops_an_import_that_carries_on_later(
    started: list[subprocess.Popen[str]], tmp_path: Path, hopper: Image
) -> None:
    data, people = tmp_path / "data", tmp_path / "people"
    for number in range(30):
        folder = people / f"Grace {chr(97 + number % 26)}{number}"
        folder.mkdir(parents=True)
        image = cv2.convertScaleAbs(hopper, alpha=0.7 + number / 100)
        (folder / "1.jpg").write_bytes(cv2.imencode(".jpg", image)[1].tobytes())
    process = subprocess.Popen(
        [sys.executable, str(MAIN), "enrol", str(people)],
        env=environment(data),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    started.append(process)
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and not json.loads(run(data, "people", "list", "--json").stdout or "[]"):
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    kept = len(json.loads(run(data, "people", "list", "--json").stdout))
    if process.returncode == 1:  # not done already
        assert "carry on" in err
        assert "Traceback" not in err
        assert kept < 30
    ended = run(data, "enrol", people, "--json")
    assert json.loads(ended.stdout)["people"] == 30
    assert len(json.loads(run(data, "people", "list", "--json").stdout)) == 30
