"""The training process and the line to it. `python -m faceapp.build.process FOLDER` is the process itself.

TensorFlow must not share a process with a window, and its memory never comes back: so it gets a process of
its own for every build. Messages come as lines of JSON on its standard output; "stop" on its standard input
ends it with the best so far, and the end of that input (this program is gone) ends it at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import faceapp
from faceapp.errors import FaceAppError

MODULE = "faceapp.build.process"
ENDED = "build_ended"
# Behind the window and everything else.
NICENESS = 5


class TrainingProcess:
    """The line to one training process. Used by one thread."""

    def __init__(self, folder: Path, log: Path) -> None:
        """Start it. log: gets what it writes on standard error."""
        root = str(Path(faceapp.__file__).resolve().parent.parent)
        paths = [root, os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )  # fmt: skip
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="build:messages", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def messages(self, timeout: float) -> Iterator[dict[str, Any] | None]:
        """Every message until the process has ended; None whenever `timeout` seconds pass without one.

        Raises the FaceAppError that ended it, or one that says it ended by itself.
        """
        while True:
            try:
                line = self._lines.get(timeout=timeout)
            except queue.Empty:
                yield None
                continue
            if line is None:
                break
            message = json.loads(line)
            if message["kind"] == "error":
                raise _error(message)
            yield message
        status = self._process.wait()
        if status != 0:
            raise FaceAppError(
                ENDED, f"The training process ended by itself (status {status}).",
                "Start the build again: it goes on where it stood. The log in its folder has the details.",
            )

    def stop(self) -> None:
        """Ask it to end with the best so far."""
        with contextlib.suppress(OSError):  # it has ended already
            _pipe(self._process.stdin).write(b"stop\n")
            _pipe(self._process.stdin).flush()

    def close(self, seconds: float = 0.0) -> bool:
        """Wait so long for it to end, then end it; True when it ended by itself. It may be called twice."""
        by_itself = True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            by_itself = False
            self._process.kill()
            self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            # What was still to be written has nobody to read it.
            with contextlib.suppress(OSError):
                _pipe(stream).close()
        self._log.close()
        return by_itself

    def _read(self) -> None:
        for line in _pipe(self._process.stdout):
            self._lines.put(line)
        self._lines.put(None)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None, "the process was started with pipes"
    return stream


def _error(message: dict[str, Any]) -> FaceAppError:
    """The error of the other process, with its HTTP status."""
    error = FaceAppError(message["code"], message["sentence"], message["hint"])
    for kind in FaceAppError.__subclasses__():
        if kind.__name__ == message["type"]:
            error = kind(message["code"], message["sentence"], message["hint"])
    return error


# -- inside of the process ---------------------------------------------------------------------


def main(folder: str) -> int:
    """Build in that folder; the exit status."""
    # Ctrl-C reaches it too; what is to be done about it is said on standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    # Whatever a library prints goes to the log, not among the messages.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    stopped = threading.Event()
    threading.Thread(target=_listen, args=(stopped,), name="build:orders", daemon=True).start()

    def tell(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    from faceapp.build.builder import build
    from faceapp.build.workspace import Workspace

    try:
        build(Workspace(Path(folder)), tell, stopped.is_set)
    except FaceAppError as error:
        words = {"code": error.code, "sentence": error.sentence, "hint": error.hint}
        tell({"kind": "error", "type": type(error).__name__, **words})
        return 1
    return 0


def _listen(stopped: threading.Event) -> None:
    for line in sys.stdin:
        if line.strip() == "stop":
            stopped.set()
    # The program that started this is gone: what is finished is on the disk.
    os._exit(3)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
