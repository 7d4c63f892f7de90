"""Does the window stall while a 720p video is watched: the gaps between the ticks of a 16 ms timer.

`python -m benchmarks.live_window` measures on the platform of QT_QPA_PLATFORM and prints the gaps as JSON.
The benchmark runs it once for each platform, since a process has one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import photos
from benchmarks.report import Section
from benchmarks.window import row

CLIP = "friends1"
TURNS = 4
IDLE_SECONDS = 3.0


def section() -> Section:
    rows = []
    for platform in ("xcb", "offscreen"):
        gaps = asked(platform)
        rows += [row(f"{platform}, {title}", values) for title, values in gaps.items()]
    return Section(
        "live-window",
        "The window while a 720p video is watched",
        "Milliseconds between two ticks of a 16 ms timer on the main thread, with the Live page open on"
        f" {CLIP}, {TURNS} times over, and the people of the clip enrolled. xcb is X11 (Xvfb where there is"
        " no display).",
        ("", "ticks", "median", "99th percentile", "longest"),
        rows,
    )


def asked(platform: str) -> dict[str, list[float]]:
    """The gaps on that platform; none where it cannot be had."""
    command = [sys.executable, "-m", "benchmarks.live_window"]
    if platform == "xcb" and not os.environ.get("DISPLAY"):
        if shutil.which("xvfb-run") is None:
            return {}
        command = ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24", *command]
    environment = {**os.environ, "QT_QPA_PLATFORM": platform}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    gaps: dict[str, list[float]] = json.loads(ended.stdout.splitlines()[-1])
    return gaps


def measure(folder: Path) -> dict[str, list[float]]:
    """Gaps in seconds without and with a video."""
    from PyQt5.QtCore import QEventLoop, Qt, QTimer
    from PyQt5.QtWidgets import QApplication

    from db.store import open_store
    from faceapp.config import SettingsFile
    from faceapp.jobs import JobContext, JobManager
    from faceapp.models.registry import Models
    from faceapp.paths import Paths
    from faceapp.rest.server import RestServer
    from faceapp.services import Services
    from faceapp.stream.status import SourceState
    from ui.jobs_qt import JobsQt, QtExecutor
    from ui.main_window import MainWindow
    from ui.theme import Theme

    video = longer(folder / "video.mp4")
    app = QApplication.instance() or QApplication(["faceapp"])
    paths = Paths(folder / "data")
    paths.create()
    store = open_store(paths.library, paths.backups)
    services = Services(
        store, Models(paths), JobManager(QtExecutor()), paths, SettingsFile(paths.settings), QtExecutor
    )
    services.enrolment.import_people(JobContext.silent(), photos.data() / "video" / "people")
    jobs = JobsQt(services.jobs)
    window = MainWindow(services, jobs, RestServer(services), Theme(app, "light"))
    window.resize(1400, 900)
    window.show()
    window.live_action.trigger()
    page = window.current_page

    ticks: list[float] = []
    timer = QTimer()
    timer.setTimerType(Qt.PreciseTimer)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.start(16)

    def gaps_while(going: Callable[[], bool]) -> list[float]:
        ticks.clear()
        while going():
            app.processEvents(QEventLoop.AllEvents | QEventLoop.WaitForMoreEvents)
        return [float(gap) for gap in np.diff(ticks)]

    end = time.perf_counter() + IDLE_SECONDS
    idle = gaps_while(lambda: time.perf_counter() < end)
    page.watch_text(str(video))
    watching = gaps_while(lambda: page.feed.status.state is not SourceState.ENDED)
    window.close()
    services.close()
    jobs.close()
    return {"nothing open": idle, "a 720p video": watching}


def longer(target: Path) -> Path:
    """The clip some times over, in one file."""
    from faceapp.opencv import cv2

    writer = None
    for _ in range(TURNS):
        capture = cv2.VideoCapture(str(photos.data() / "video" / f"{CLIP}.mp4"))
        while (read := capture.read())[0]:
            if writer is None:
                height, width = read[1].shape[:2]
                writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"mp4v"), 25, (width, height))
            writer.write(read[1])
        capture.release()
    assert writer is not None, "the clip cannot be read"
    writer.release()
    return target


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(measure(Path(scratch))), flush=True)
