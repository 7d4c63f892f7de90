"""Does the window stall: the gaps between the ticks of a 16 ms timer while a folder is imported."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import photos
from benchmarks.report import Section

PEOPLE = 300
IDLE_SECONDS = 3.0


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


def row(title: str, gaps: list[float]) -> tuple[str, ...]:
    median, late, longest = (1000 * np.quantile(gaps, share) for share in (0.5, 0.99, 1.0))
    return title, str(len(gaps)), f"{median:.0f}", f"{late:.0f}", f"**{longest:.0f}**"


def measure(folder: Path) -> tuple[list[float], list[float], int]:
    """Gaps in seconds without and with an import, and how many photos were imported."""
    from PyQt5.QtCore import QEventLoop, Qt, QTimer
    from PyQt5.QtWidgets import QApplication

    from db.store import open_store
    from faceapp.config import SettingsFile
    from faceapp.jobs import JobManager
    from faceapp.models.registry import Models
    from faceapp.paths import Paths
    from faceapp.rest.server import RestServer
    from faceapp.services import Services
    from ui.jobs_qt import JobsQt, QtExecutor
    from ui.main_window import MainWindow
    from ui.theme import Theme

    app = QApplication.instance() or QApplication(["faceapp"])
    paths = Paths(folder / "data")
    paths.create()
    settings = SettingsFile(paths.settings)
    store = open_store(paths.library, paths.backups)
    services = Services(store, Models(paths), JobManager(QtExecutor()), paths, settings)
    jobs = JobsQt(services.jobs)
    window = MainWindow(services, jobs, RestServer(services), Theme(app, "light"))
    window.show()
    window.tabs.setCurrentWidget(window.people_tab)

    ticks: list[float] = []
    timer = QTimer()
    timer.setTimerType(Qt.PreciseTimer)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.start(16)

    def gaps_while(going: Callable[[], bool]) -> list[float]:
        ticks.clear()
        while going():
            app.processEvents(QEventLoop.AllEvents | QEventLoop.WaitForMoreEvents)
        return list(np.diff(ticks))

    services.analyser.preload()
    end = time.perf_counter() + IDLE_SECONDS
    idle = gaps_while(lambda: time.perf_counter() < end)
    job = services.enrolment.start_import(album(folder / "album"))
    busy = gaps_while(lambda: not services.jobs.get(job.id).finished)
    report = services.jobs.get(job.id).result
    window.close()
    services.close()
    jobs.close()
    return idle, busy, report.photos + len(report.skipped)


def album(folder: Path) -> Path:
    """Links to the photos of some LFW people, one folder each."""
    for file in photos.lfw(PEOPLE):
        target = folder / file.parent.name
        target.mkdir(parents=True)
        for photo in file.parent.glob("*.jpg"):
            (target / photo.name).symlink_to(photo)
    return folder
