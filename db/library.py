"""The library's file, open: readers on any thread, one thread that writes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Connection, Table, update

from db import engine
from db.failures import translated
from db.tables import revision, sighting_revision
from db.writer import Writer
from faceapp.errors import StoreUnavailable

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class Library:
    """Readers have connections of their own; one thread writes."""

    def __init__(self, path: Path, backups: Path) -> None:
        self._path = path
        self._backups = backups
        self._closed = False
        self._readers = engine.reading_engine(path)
        self._writer = Writer(engine.writing_engine(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._closed = True
        self._writer.close()
        self._readers.dispose()

    def _read(
        self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `query` on one snapshot of the library."""
        if self._closed:
            raise StoreUnavailable("store_closed", "The library is closed.")
        with translated(self._path, self._backups), self._readers.begin() as connection:
            return query(connection, *args, **kwargs)

    def _write(
        self, change: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `change` on the writer's thread, in one transaction that also raises the revision."""
        return self._change(revision, change, *args, **kwargs)

    def _write_sightings(
        self, change: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The same for what is no change of people, with the revision of the sightings."""
        return self._change(sighting_revision, change, *args, **kwargs)

    def _change(
        self,
        counter: Table | None,
        change: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        def work(connection: Connection) -> T:
            if counter is not None:
                connection.execute(update(counter).values(number=counter.c.number + 1))
            return change(connection, *args, **kwargs)

        with translated(self._path, self._backups):
            return self._writer.call(work)

    def _scrub(self) -> bool:
        """Write the whole file anew, so that nothing of what was deleted is left in it or in its log. False
        where that could not be done now: the disk is full, or another program is reading."""
        try:
            with translated(self._path, self._backups):
                return self._writer.vacuum()
        except StoreUnavailable as error:
            log.warning("The library could not be written anew: %s", error)
            return False

    def _wipe(self) -> None:
        """Take what was deleted out of the write-ahead log as well, where nobody is reading it just now."""
        with translated(self._path, self._backups):
            self._writer.checkpoint()
