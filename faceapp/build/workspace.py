"""The folder of one build: what was asked for, the data, the result: all that a killed build needs."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from faceapp.build.card import Known
from faceapp.errors import Conflict, StoreUnavailable

# All searches are kept in one SQLite file beside the folders (docs/adr/0003-builder.md).
STUDIES = "studies.sqlite3"
LOCK_SECONDS = 60.0


@dataclass(frozen=True)
class Budget:
    """How long to search: so many candidates, or so many seconds; candidates 1 is no search."""

    candidates: int = 60
    seconds: float | None = None

    @property
    def search(self) -> bool:
        return self.seconds is not None or self.candidates > 1


@dataclass(frozen=True)
class Request:
    """What a build is to do.

    facts: about the data, for the card. threads: 0 for all cores. key: the same for the same order, so that
    one who gives it again goes on with it.
    """

    id: str
    name: str
    created: str
    embedder: str
    people: tuple[Known, ...]
    budget: Budget = Budget()
    seed: int = 0
    threads: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    key: str = ""


class Workspace:
    """The files of one build."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data.npz"
        self.model = folder / "model.zip"
        self.keras = folder / "model.keras"
        self.log = folder / "training.log"

    def make(self) -> None:
        """Raises StoreUnavailable."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _not_written(error) from error

    @property
    def finished(self) -> bool:
        """The build came to its end; without it the file is the best of what there was."""
        return (self.folder / "finished").exists()

    def finish(self) -> None:
        (self.folder / "finished").touch()

    @property
    def studies(self) -> Path:
        return self.folder.parent / STUDIES

    def write_request(self, request: Request) -> None:
        """Raises StoreUnavailable."""
        self._write("request.json", asdict(request))

    def request(self) -> Request:
        """Raises Conflict where it is not there or damaged."""
        try:
            values = json.loads((self.folder / "request.json").read_text("utf-8"))
            people = tuple(Known(**known) for known in values.pop("people"))
            return Request(people=people, budget=Budget(**values.pop("budget")), **values)
        except (OSError, ValueError, KeyError, TypeError) as error:
            sentence = "The data of this build are damaged."
            raise Conflict("build_damaged", sentence, "Start it anew.") from error

    def _write(self, name: str, values: dict[str, Any]) -> None:
        temporary = self.folder / f".{name}.partial"
        try:
            temporary.write_text(json.dumps(values, indent=1), "utf-8")
            os.replace(temporary, self.folder / name)
        except OSError as error:
            raise _not_written(error) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """While it is held no other process is in here. It goes with its process, however that ends."""
        with _exclusive(self.folder / "turn.lock", LOCK_SECONDS):
            yield

    @contextmanager
    def working(self, worker: str) -> Iterator[None]:
        """Show others that this worker is alive."""
        place = self.folder / f"worker-{worker}.lock"
        with _exclusive(place, LOCK_SECONDS):
            yield
        place.unlink(missing_ok=True)

    def alive(self, worker: str) -> bool:
        """Whether that worker's process still runs."""
        place = self.folder / f"worker-{worker}.lock"
        if not place.exists():
            return False
        try:
            with _exclusive(place, 0.0):
                return False
        except StoreUnavailable:
            return True


def _not_written(error: OSError) -> StoreUnavailable:
    sentence = f"The build could not be written: {error.strerror}."
    return StoreUnavailable("build_not_written", sentence, "Is the disk full?")


@contextmanager
def _exclusive(path: Path, seconds: float) -> Iterator[None]:
    """A lock between processes on every system: SQLite's own, on a file with nothing in it.

    Raises StoreUnavailable when somebody else has it for longer than `seconds`.
    """
    connection = sqlite3.connect(path, timeout=seconds, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise StoreUnavailable("build_busy", "Another process works on this build.", "Try again.") from error
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()
