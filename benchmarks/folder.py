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
    folders = ("LFW, 250 px", photos.lfw(PHOTOS)), ("portraits, groups, HELEN", photos.ordinary(PHOTOS))
    for title, files in folders:
        with tempfile.TemporaryDirectory() as folder:
            rows += measure(title, files, Path(folder))
    return [
        Section(
            "folder",
            "A folder through both command lines",
            f"`face_recognition KNOWN UNKNOWN` against ours, {PHOTOS} photos, 8 known people, start-up"
            f" and decoding included, {ROUNDS} rounds in turn. The peer reads the known photos at each start;"
            " ours has them in its library (recognise) or enrols them in the same time (enrol + recognise).",
            ("photos", "ours", "seconds: peer", "seconds: ours", "ratio (median)"),
            rows,
        )
    ]


def measure(title: str, files: list[Path], root: Path) -> list[tuple[str, ...]]:
    known, unknown = fill(root, files)
    environment = {**os.environ, "FACEAPP_DATA_DIR": str(root / "data")}
    ours = [sys.executable, str(MAIN)]
    enrol = [*ours, "enrol", str(root / "people"), "--json"]
    timed(enrol, environment)  # builds the models once, as the first start does
    times = []
    for _ in range(ROUNDS):
        peer = timed([PEER, str(known), str(unknown)], None)
        recognised = timed([*ours, "recognise", str(unknown), "--json"], environment)
        empty(root / "data")
        times.append((peer, recognised, timed(enrol, environment) + recognised))
    rows = []
    for what, place in (("recognise", 1), ("enrol + recognise", 2)):
        ratio = statistics.median(row[0] / row[place] for row in times)
        seconds = [f"{statistics.median(row[at] for row in times):.1f}" for at in (0, place)]
        rows.append((title, what, *seconds, f"**{ratio:.1f}x**"))
    return rows


def fill(root: Path, files: list[Path]) -> tuple[Path, Path]:
    """Folders of known and unknown photos for the peer, and the known ones again, one folder a person."""
    known, unknown = root / "known", root / "unknown"
    known.mkdir()
    unknown.mkdir()
    for file in files:
        shutil.copy(file, unknown)
    for file in files[:8]:
        shutil.copy(file, known)
        person = root / "people" / file.stem
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
