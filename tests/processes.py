"""Other processes on one library: they run db/worker.py."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
WORKER = HERE / "db" / "worker.py"


@contextmanager
def process(kind: str, library: Path, backups: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE.parent), str(HERE)))}
    command = [sys.executable, *map(str, (WORKER, kind, library, backups, *arguments))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def lines(started: subprocess.Popen[str]) -> Iterator[str]:
    assert started.stdout is not None
    for line in started.stdout:
        yield line.strip()
