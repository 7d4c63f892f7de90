"""Logging: a rotating file in the data folder, warnings on standard error."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

FORMAT = "%(asctime)s %(levelname)s %(name)s [%(threadName)s] %(message)s"


class _Sentence(logging.Formatter):
    """One line for a terminal: tracebacks are for the file."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{record.levelname}: {record.getMessage()}"


def start(folder: Path, verbose: bool = False) -> None:
    """Send the program's log to `folder`/faceapp.log and warnings to standard error."""
    file = RotatingFileHandler(folder / "faceapp.log", maxBytes=1_000_000, backupCount=3, encoding="utf-8")
    file.setFormatter(logging.Formatter(FORMAT))
    screen = logging.StreamHandler()
    screen.setLevel(logging.DEBUG if verbose else logging.ERROR)
    screen.setFormatter(_Sentence())
    logging.basicConfig(level=logging.INFO, handlers=[file, screen], force=True)
