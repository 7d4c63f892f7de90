"""Connections to the library's file: WAL, foreign keys, a patient lock, explicit transactions."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

BUSY_SECONDS = 10.0


def writing_engine(path: Path, foreign_keys: bool = True) -> Engine:
    """Engine for the one thread that writes. Each transaction takes the write lock as it begins
    (BEGIN IMMEDIATE), so that what it reads cannot be changed by another process before it writes.

    foreign_keys: off only for migrations, which rebuild tables.
    """
    # FULL, not NORMAL: the port promises that a write is on the disk when its call comes back. In WAL mode
    # this costs one fsync a commit (NORMAL would survive a killed process, but not a power cut).
    return _engine(path, "BEGIN IMMEDIATE", {
        "foreign_keys": "ON" if foreign_keys else "OFF", "synchronous": "FULL",
        "secure_delete": "ON",  # what is deleted is overwritten: faces of people who did not ask for it
    })


def reading_engine(path: Path) -> Engine:
    """Engine for readers on any thread: each transaction sees one snapshot and cannot write."""
    return _engine(path, "BEGIN", {"query_only": "ON"})


def switch_to_wal(path: Path) -> None:
    """Make the file use a write-ahead log: readers never wait for the writer. The file remembers it."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS)
    deadline = time.monotonic() + BUSY_SECONDS
    try:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                # Two processes that switch at once: SQLite does not call its busy handler here.
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
    finally:
        connection.close()


def _engine(path: Path, begin: str, pragmas: dict[str, str]) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        pool_size=4, max_overflow=-1,  # a reader never waits for a connection
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say, not at the first INSERT
        for name, value in pragmas.items():
            connection.execute(f"PRAGMA {name} = {value}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
