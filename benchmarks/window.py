"""Does the window stall: the gaps between the ticks of a 16 ms timer while a folder is imported."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks import photos
from benchmarks.report import Section
from benchmarks.ticks import row, shown_window

PEOPLE = 300


def run() -> list[Section]:
    if not os.environ.get("DISPLAY"):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory() as folder:
        idle, busy, files = measure(Path(folder))
    rows = [row("idle", idle), row(f"importing {files} photos", busy)]
    return [
        Section(
            "window",
            "The window while a folder is imported",
            "Milliseconds between two ticks of a 16 ms timer on the main thread, with the People page open"
            f" ({os.environ.get('QT_QPA_PLATFORM', 'xcb')} platform).",
            ("", "ticks", "median", "99th percentile", "longest"),
            rows,
        )
    ]


def measure(folder: Path) -> tuple[list[float], list[float], int]:
    """Gaps in seconds without and with an import, and how many photos were imported."""
    with shown_window(folder / "data") as shown:
        services, window = shown.services, shown.window
        window.tabs.setCurrentWidget(window.people_tab)
        services.analyser.preload()
        idle = shown.idle()
        job = services.enrolment.start_import(album(folder / "album"))
        busy = shown.gaps_while(lambda: not services.jobs.get(job.id).finished)
        report = services.jobs.get(job.id).result
    return idle, busy, report.photos + len(report.skipped)


def album(folder: Path) -> Path:
    """Links to the photos of some LFW people, one folder each."""
    for file in photos.lfw(PEOPLE):
        target = folder / file.parent.name
        target.mkdir(parents=True)
        for photo in file.parent.glob("*.jpg"):
            (target / photo.name).symlink_to(photo)
    return folder
