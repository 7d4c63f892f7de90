"""A folder of photos through both command lines, start-up included."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import photos
from benchmarks.report import Section

PHOTOS = 64
ROUNDS = 3
PEER = str(Path(sys.executable).parent / "face_recognition")
MAIN = Path(__file__).resolve().parent.parent / "main.py"


def run() -> list[Section]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        known, unknown = fill(root)
        environment = {**os.environ, "FACEAPP_DATA_DIR": str(root / "data")}
        ours = [sys.executable, str(MAIN)]
        enrol = [*ours, "enrol", str(root / "people"), "--json"]
        timed(enrol, environment)  # builds the models once, as the first start does
        for title, before in (("recognise", []), ("enrol + recognise", [enrol])):
            ratios = []
            for _ in range(ROUNDS):
                peer = timed([PEER, str(known), str(unknown)], None)
                if before:
                    empty(root / "data")
                spent = sum(timed(command, environment) for command in before)
                spent += timed([*ours, "recognise", str(unknown), "--json"], environment)
                ratios.append(peer / spent)
            rows.append((title, str(PHOTOS), f"**{statistics.median(ratios):.1f}x**"))
    return [
        Section(
            "folder",
            "A folder through both command lines",
            f"`face_recognition KNOWN UNKNOWN` against ours, {PHOTOS} LFW photos, 8 known people, start-up"
            f" and decoding included, {ROUNDS} rounds in turn. The peer reads the known photos at each start;"
            " ours has them in its library (first row) or enrols them in the same time (second row).",
            ("ours", "photos", "ratio (median)"),
            rows,
        )
    ]


def fill(root: Path) -> tuple[Path, Path]:
    """Folders of known and unknown photos for the peer, and the known ones again, one folder a person."""
    known, unknown = root / "known", root / "unknown"
    known.mkdir()
    unknown.mkdir()
    files = photos.lfw(PHOTOS)
    for file in files:
        shutil.copy(file, unknown)
    for file in files[:8]:
        shutil.copy(file, known)
        person = root / "people" / file.parent.name
        person.mkdir(parents=True)
        shutil.copy(file, person)
    return known, unknown


def empty(data: Path) -> None:
    """Forget the library; the models stay."""
    for file in data.glob("library.sqlite3*"):
        file.unlink()


def timed(command: list[str], environment: dict[str, str] | None) -> float:
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start
