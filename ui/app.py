"""Opens the window, runs it, and closes everything in order."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from PyQt5.QtCore import QCoreApplication, QObject, QSocketNotifier, Qt, pyqtSignal
from PyQt5.QtWidgets import QApplication

from faceapp.errors import FaceAppError, StoreUnavailable
from faceapp.services import Services
from ui.jobs_qt import JobsQt
from ui.main_window import MainWindow
from ui.rest_switch import RestPort
from ui.theme import Theme

log = logging.getLogger(__name__)


def run(services: Services, rest: RestPort) -> int:
    """Show the window until it is closed; comes back with the exit status.

    Then everything ends in this order: timers, REST port, jobs, store, models.
    """
    app = _application()
    theme = Theme(app, services.settings.current.theme)
    jobs = JobsQt(services.jobs)
    window = MainWindow(services, jobs, rest, theme)
    problem = services.settings.problem
    if problem:
        window.show_error(StoreUnavailable("settings", problem, "Its mistakes are passed over."))
    with _bugs_shown(window), _signals_close(window):
        window.show()
        status = int(app.exec_())
        rest.stop()
        services.close()
        jobs.close()
    return status


def _application() -> QApplication:
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    QCoreApplication.setAttribute(Qt.AA_EnableHighDpiScaling)
    QCoreApplication.setAttribute(Qt.AA_UseHighDpiPixmaps)
    app = QApplication(sys.argv[:1])
    app.setApplicationName("faceapp")
    app.setApplicationDisplayName("faceapp")
    app.setDesktopFileName("faceapp")
    return app


class _Bugs(QObject):
    """Brings a bug from any thread to the main one."""

    found = pyqtSignal(object)


@contextmanager
def _bugs_shown(window: MainWindow) -> Iterator[None]:
    """A bug is logged once, the user sees "internal" with a hint, and the program goes on."""
    bugs = _Bugs()
    bugs.found.connect(window.show_error)

    def on_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            window.close()
        elif isinstance(error, FaceAppError):
            bugs.found.emit(error)
        else:
            log.critical("A bug.", exc_info=(kind, error, trace))
            sentence = "Something went wrong inside the program."
            bugs.found.emit(FaceAppError("internal", sentence, "You can go on; the log has the details."))

    def on_thread_error(failed: threading.ExceptHookArgs) -> None:
        if failed.exc_value is not None:
            on_error(failed.exc_type, failed.exc_value, failed.exc_traceback)

    before = sys.excepthook, threading.excepthook
    sys.excepthook, threading.excepthook = on_error, on_thread_error
    try:
        yield
    finally:
        sys.excepthook, threading.excepthook = before


@contextmanager
def _signals_close(window: MainWindow) -> Iterator[None]:
    """Ctrl-C and SIGTERM close the window as its own button does.

    Python runs a signal's handler only between its own instructions; a socket that the signal writes to
    wakes it up while Qt waits for events.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    wake = QSocketNotifier(ours.fileno(), QSocketNotifier.Read)
    wake.activated.connect(lambda: ours.recv(1))
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: window.close()) for number in numbers]
    fd = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        wake.setEnabled(False)
        signal.set_wakeup_fd(fd)
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
        ours.close()
        theirs.close()
