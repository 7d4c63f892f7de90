"""The one thread that writes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine

from faceapp.errors import StoreUnavailable

T = TypeVar("T")


class Writer:
    """Runs functions one after another on its own thread, each in a transaction of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lane = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-writer")

    def call(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction and come back when it is committed.

        What `work` or the commit raises comes to the caller, and then nothing was changed.
        """
        try:
            future = self._lane.submit(self._transaction, work)
        except RuntimeError as error:  # the executor's word for "shut down"
            raise StoreUnavailable("store_closed", "The library is closed.") from error
        return future.result()

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file and empty it; not now, where another process reads it."""
        try:
            future = self._lane.submit(self._checkpoint)
        except RuntimeError as error:
            raise StoreUnavailable("store_closed", "The library is closed.") from error
        future.result()

    def vacuum(self) -> bool:
        """Write the file anew, without the pages and the remains of rows that were deleted, and empty the
        write-ahead log. False where another process reads, so that the log could not be emptied."""
        try:
            future = self._lane.submit(self._vacuum)
        except RuntimeError as error:
            raise StoreUnavailable("store_closed", "The library is closed.") from error
        return future.result()

    def close(self) -> None:
        """Finish what is queued and stop. May be called twice."""
        self._lane.shutdown(wait=True)
        self._engine.dispose()

    def _vacuum(self) -> bool:
        # Overwriting what is deleted (secure_delete) is not enough: when rows are moved between pages, copies
        # of them can stay in the gaps.
        self._outside("VACUUM")
        return self._checkpoint()

    def _checkpoint(self) -> bool:
        # It answers "busy" in a row of its result, not with an error.
        busy, *_ = self._outside("PRAGMA wal_checkpoint(TRUNCATE)")
        return not busy

    def _outside(self, statement: str) -> tuple[int, ...]:
        """Run a statement outside of any transaction; its first row."""
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(statement)
            row = cursor.fetchone()
            cursor.close()
        finally:
            connection.close()
        return tuple(row or ())

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        with self._engine.begin() as connection:
            return work(connection)
