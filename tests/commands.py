"""A command line run in the test's own process, and what came of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

import main
from faceapp.services import Services


class Ended(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ended]


def runner(
    services: Services, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *first: str
) -> Run:
    """Runs commands as `main.py` does, on these services; `first`: words that every one begins with."""

    @contextlib.contextmanager
    def ours(_: object) -> Iterator[Services]:
        yield services

    monkeypatch.setattr(main, "_services", ours)

    def command(*words: object) -> Ended:
        capfd.readouterr()
        try:
            status = main.main([*first, *(str(word) for word in words)])
        except SystemExit as usage:
            status = int(str(usage.code))
        seen = capfd.readouterr()
        return Ended(status, seen.out, seen.err)

    return command
