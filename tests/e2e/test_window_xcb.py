"""The window on a real X server: enrol, find, swap and morph a person, and look at the screen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from faceapp.opencv import cv2
from faceapp.types import Image

DRIVER = Path(__file__).with_name("window_driver.py")
SECONDS = 170


@pytest.fixture
def display() -> Iterator[str]:
    """An X server of our own, so that nobody's screen is touched and nothing lies over the window."""
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("needs Xvfb (apt-get install xvfb)")
    reading, writing = os.pipe()
    command = [server, "-displayfd", str(writing), "-screen", "0", "1400x900x24", "-nolisten", "tcp"]
    process = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as answer:
        number = answer.readline().strip()
    if not number:
        process.wait(10)
        pytest.skip("Xvfb does not start here")
    yield f":{number}"
    process.terminate()
    process.wait(10)


def test_a_person_is_enrolled_found_swapped_and_morphed_in_the_window(
    display: str,
    tmp_path: Path,
    portrait_files: dict[str, Path],
    astronaut: Image,
    read_image: Callable[[Path], Image],
) -> None:
    mirrored = tmp_path / "somebody.png"
    cv2.imwrite(str(mirrored), astronaut[:, ::-1])
    hidden = ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    words = [tmp_path / "data", portrait_files["astronaut"], mirrored, portrait_files["hopper"], tmp_path]
    run = subprocess.run(
        [sys.executable, str(DRIVER), *map(str, words)],
        env={**environment, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout.splitlines()[-1])
    assert seen["step"] == "done", (seen, run.stderr)
    assert seen["platform"] == "xcb"
    assert seen["library"] == "1 person, 1 face"
    assert (seen["found"], seen["same_person"], seen["row_is_visible"]) == ("Eileen Collins", True, True)
    assert seen["selected"] == ["Eileen Collins"]

    assert seen["card"].startswith("✓ This program would recognise the source.")
    swapped, before = read_image(tmp_path / "swapped.png"), read_image(portrait_files["hopper"])
    assert swapped.shape == before.shape
    assert 0.02 < (swapped != before).any(axis=2).mean() < 0.4, "the face is another one, the rest is not"
    assert read_image(tmp_path / "morphed.png").shape == (512, 512, 3)
    assert (read_image(tmp_path / "builder.png").std(axis=(0, 1)) > 5).all(), "the last tab is on the screen"

    screen = read_image(tmp_path / "screen.png")
    left, top, width, height = seen["row"]
    on_screen = screen[top : top + height, left : left + width]
    painted = read_image(tmp_path / "row.png")
    assert on_screen.shape == painted.shape
    # What the widget paints is what the X server shows, but for the mouse's hover.
    assert np.mean(np.abs(on_screen.astype(int) - painted.astype(int)) > 8) < 0.02
    # Her face is on the screen: the portrait's own crop is found there at some scale.
    assert best_match(screen, astronaut[20:200, 140:300]) > 0.8


def best_match(screen: Image, part: Image) -> float:
    """How well `part` of a photo is found on a screen, 0 to 1, over the scales that a page may show it at."""
    grey, wanted = (cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in (screen, part))
    scores = []
    for scale in np.geomspace(0.2, 2.0, 70):
        small = cv2.resize(wanted, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        for view in (small, small[:, ::-1].copy()):
            if view.shape[0] < grey.shape[0] and view.shape[1] < grey.shape[1]:
                scores.append(float(cv2.matchTemplate(grey, view, cv2.TM_CCOEFF_NORMED).max()))
    return max(scores)
