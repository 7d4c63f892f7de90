"""The program's window, and how evenly its main thread ticks: the gaps of a 16 ms timer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from faceapp.services import Services
    from ui.main_window import MainWindow

IDLE_SECONDS = 3.0
TICK_MS = 16


@dataclass(frozen=True)
class Ticking:
    """A window that is shown, on an empty library. gaps_while: turns the event loop as long as the call says
    so, and comes back with the seconds between the ticks."""

    window: MainWindow
    services: Services
    gaps_while: Callable[[Callable[[], bool]], list[float]]

    def idle(self) -> list[float]:
        """The gaps while nothing happens."""
        end = time.perf_counter() + IDLE_SECONDS
        return self.gaps_while(lambda: time.perf_counter() < end)


@contextmanager
def shown_window(folder: Path) -> Iterator[Ticking]:
    """The window on a library in this folder; closed, with all that it runs, at the end."""
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
    paths = Paths(folder)
    paths.create()
    store = open_store(paths.library, paths.backups)
    services = Services(
        store, Models(paths), JobManager(QtExecutor()), paths, SettingsFile(paths.settings), QtExecutor
    )
    jobs = JobsQt(services.jobs)
    window = MainWindow(services, jobs, RestServer(services), Theme(app, "light"))
    window.resize(1400, 900)
    window.show()
    yield Ticking(window, services, _ticker())
    window.close()
    services.close()
    jobs.close()


def _ticker() -> Callable[[Callable[[], bool]], list[float]]:
    from PyQt5.QtCore import QCoreApplication, QEventLoop, Qt, QTimer

    ticks: list[float] = []
    timer = QTimer()
    timer.setTimerType(Qt.PreciseTimer)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.start(TICK_MS)

    def gaps_while(going: Callable[[], bool]) -> list[float]:
        assert timer.isActive()
        ticks.clear()
        while going():
            QCoreApplication.processEvents(QEventLoop.AllEvents | QEventLoop.WaitForMoreEvents)
        return [float(gap) for gap in np.diff(ticks)]

    return gaps_while


def row(title: str, gaps: list[float]) -> tuple[str, ...]:
    median, late, longest = (1000 * np.quantile(gaps, share) for share in (0.5, 0.99, 1.0))
    return title, str(len(gaps)), f"{median:.0f}", f"{late:.0f}", f"**{longest:.0f}**"
