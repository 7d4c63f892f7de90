"""How the window ends, and what happens when the program has a bug: in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 90
PREAMBLE = """
import sys, threading
from PyQt5.QtCore import QTimer
import main
from ui import app
from ui.main_window import MainWindow

class Window(MainWindow):
    def _on_first_shown(self):
        super()._on_first_shown()
        self.begin()

app.MainWindow = Window
"""


def start(data: Path, program: str) -> subprocess.Popen[str]:
    """main.py with a window that runs `begin` when it is shown."""
    text = PREAMBLE + textwrap.dedent(program) + "\nsys.exit(main.main(['--data-dir', sys.argv[1]]))\n"
    return subprocess.Popen(
        [sys.executable, "-c", text, str(data)],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def log_of(data: Path) -> str:
    return (data / "logs" / "faceapp.log").read_text("utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_the_window(tmp_path: Path, number: signal.Signals) -> None:
    process = start(
        tmp_path,
        """
        def begin(self):
            print("shown", flush=True)
        Window.begin = begin
        """,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "shown\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, errors
    # closeEvent ran: what the window remembers was written.
    assert "geometry" in (tmp_path / "window.ini").read_text("utf-8")
    assert "Traceback" not in errors


def test_a_bug_is_logged_once_told_and_survived(tmp_path: Path) -> None:
    process = start(
        tmp_path,
        """
        def begin(self):
            QTimer.singleShot(0, lambda: {}["a bug in a slot"])
            threading.Thread(target=lambda: {}["a bug in a thread"]).start()
            QTimer.singleShot(1500, self.look)
        def look(self):
            print(self.notice.text, flush=True)
            self.close()
        Window.begin, Window.look = begin, look
        """,
    )
    output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, errors
    assert output == "Something went wrong inside the program.\n"
    log = log_of(tmp_path)
    assert log.count("KeyError: 'a bug in a slot'") == 1
    assert log.count("KeyError: 'a bug in a thread'") == 1


def test_closing_stops_port_then_jobs_then_library(tmp_path: Path) -> None:
    process = start(
        tmp_path,
        """
        from faceapp.jobs import JobManager
        from faceapp.rest.server import RestServer
        from db.store import SqlPeopleStore

        def told(kind, name, what):
            inner = getattr(kind, name)
            def outer(self, *words, **named):
                if what not in order:
                    order.append(what)
                return inner(self, *words, **named)
            setattr(kind, name, outer)

        order = []
        told(RestServer, "stop", "port")
        told(JobManager, "shutdown", "jobs")
        told(SqlPeopleStore, "close", "library")

        def spin(context):
            while True:
                context.check()

        def begin(self):
            self._services.jobs.submit("import", "Import people", spin)
            QTimer.singleShot(300, self.close)
        Window.begin = begin
        import atexit
        atexit.register(lambda: print(*order))
        """,
    )
    output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, errors
    assert output == "port jobs library\n"
    assert "did not stop" not in log_of(tmp_path)
