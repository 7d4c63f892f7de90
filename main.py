"""faceapp: the window, the REST port and the command line, put together.

The only place that knows the store and the window. `python main.py` opens the window, `python main.py --help`
lists the commands. Imports that take time stand where they are needed: `--help` must be there at once.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Literal

from faceapp.cli import output, parser
from faceapp.errors import Cancelled, FaceAppError

if TYPE_CHECKING:
    from faceapp.ports import Executor
    from faceapp.rest.server import RestServer
    from faceapp.services import Services

DONE, REFUSED, USAGE = 0, 1, 2
# Commands that look at photos.
WITH_PHOTOS = frozenset(
    {"enrol", "lookalike", "recognise", "serve", "evaluate", "swap", "morph", "between", "build"}
)
# Qt platforms that need no display.
SCREENLESS = ("offscreen", "minimal", "vnc")


def main(words: Sequence[str] | None = None) -> int:
    """Run one command, or the window; comes back with the exit status."""
    output.tolerate_any_name()
    arguments = parser.parse(words)
    try:
        with _stopped_by_signals():
            return _run(arguments)
    except KeyboardInterrupt:
        output.refusal(Cancelled("cancelled", "Stopped."), arguments.json)
    except FaceAppError as error:
        output.refusal(error, arguments.json)
    except BrokenPipeError:
        # Whoever read the output has gone: nothing is left to say, not even while Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return REFUSED


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command is None and _can_show_a_window():
        return _window(arguments)
    if arguments.command is None:
        output.remark("There is no display, so there is no window: the REST port is served instead.")
        arguments.command, arguments.port = "serve", None
    if arguments.command in WITH_PHOTOS:
        _check_libraries("cv2")
    with _services(arguments) as services:
        if arguments.command == "serve":
            return _serve(services, arguments)
        from faceapp.cli import run

        run.run(arguments, services)
    return DONE


def _bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What nobody foresaw: logged once, and a sentence instead of a traceback."""
    logging.getLogger("faceapp").critical(
        "Something went wrong inside the program. The log has the details.", exc_info=(kind, error, trace)
    )


def _check_libraries(need: Literal["cv2", "window"]) -> None:
    """Raise FaceAppError, with the command that installs them, when system libraries are missing."""
    from faceapp import selfcheck

    missing = selfcheck.missing_libraries(need)
    if missing:
        raise FaceAppError("missing_libraries", selfcheck.explain(missing))


@contextlib.contextmanager
def _services(
    arguments: argparse.Namespace, executor: Callable[[], Executor] | None = None
) -> Iterator[Services]:
    """Paths, log, settings, store, models and jobs, in this order; closed the other way round.

    executor: makes what jobs and live sources run on; plain threads by default.
    """
    from db.store import open_store
    from faceapp import logs, paths
    from faceapp.config import SettingsFile
    from faceapp.jobs import JobManager, ThreadExecutor
    from faceapp.models.registry import Models
    from faceapp.services import Services

    places = paths.locate(arguments.data_dir)
    places.create()
    logs.start(places.logs)
    settings = SettingsFile(places.settings)
    if settings.problem:
        output.remark(f"{settings.problem} Its mistakes are passed over.")
    store = open_store(places.library, places.backups)
    try:
        jobs = JobManager((executor or ThreadExecutor)())
        # Many photos are read side by side on all cores; a network of one thread wastes none of them.
        models = Models(places, threads=1 if _is_many_photos(arguments) else None)
        services = Services(store, models, jobs, places, settings, executor or ThreadExecutor)
    except FaceAppError:
        store.close()
        raise
    try:
        yield services
    finally:
        services.close()


def _is_many_photos(arguments: argparse.Namespace) -> bool:
    if arguments.command in ("enrol", "recognise"):
        return os.path.isdir(arguments.path)
    if arguments.command == "swap":
        return os.path.isdir(arguments.into)
    return arguments.command in ("evaluate", "build")


def _window(arguments: argparse.Namespace) -> int:
    _check_libraries("window")
    if sys.platform == "win32":
        # Its DLLs refuse to start once Qt's are loaded.
        import onnxruntime  # noqa: F401
    from ui import app
    from ui.jobs_qt import QtExecutor

    with _services(arguments, QtExecutor) as services, _rest(services) as rest:
        services.sightings.start_retention()
        return app.run(services, rest)


def _serve(services: Services, arguments: argparse.Namespace) -> int:
    """Answer the REST port until Ctrl-C or SIGTERM."""
    with _rest(services) as rest:
        port = services.settings.current.rest_port if arguments.port is None else arguments.port
        rest.start(port)
        services.sightings.start_retention()
        services.jobs.submit("models", "Load the models", lambda _: services.analyser.preload())
        if arguments.json:
            output.document({"address": rest.address})
        else:
            output.line(f"Serving on {rest.address} until Ctrl-C.")
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    return DONE


@contextlib.contextmanager
def _rest(services: Services) -> Iterator[RestServer]:
    from faceapp.rest.server import RestServer

    server = RestServer(services)
    try:
        yield server
    finally:
        server.stop()


def _can_show_a_window() -> bool:
    """On Linux a display is needed, unless Qt was told to do without."""
    if not sys.platform.startswith("linux"):
        return True
    platform = os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0]
    return platform in SCREENLESS or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """SIGTERM ends the program as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.excepthook = _bug
    sys.exit(main())
