"""Where searches are kept: Optuna's tables, through SQLAlchemy, in a SQLite file of their own."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from faceapp.errors import StoreUnavailable

BUSY_SECONDS = 60.0


class _Hurried(sqlite3.Connection):
    """A connection that does not wait for the disk: a candidate is two dozen commits. A killed process loses
    none of them."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.execute("PRAGMA synchronous=NORMAL")


def open_storage(path: Path) -> Any:
    """Optuna's storage in that file, made where there is none. Several processes may have it open.

    Raises StoreUnavailable.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
            connection.execute("SELECT name FROM sqlite_master").fetchall()
            # Another process may have it open: then it stays as it is.
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA journal_mode=WAL")
        return optuna.storages.RDBStorage(
            f"sqlite:///{path.as_posix()}",
            engine_kwargs={"connect_args": {"timeout": BUSY_SECONDS, "factory": _Hurried}},
        )
    except (sqlite3.Error, optuna.exceptions.StorageInternalError, RuntimeError) as error:
        raise StoreUnavailable(
            "studies", f"The searches in {path} cannot be used.",
            "Is the disk full, or the file damaged? Without the file new searches begin.",
        ) from error


def forget(path: Path, name: str) -> None:
    """Delete one study; nothing where there is none. Raises StoreUnavailable."""
    if not path.exists():
        return
    storage = open_storage(path)
    try:
        known = {study.study_name: study._study_id for study in storage.get_all_studies()}
        if name in known:
            storage.delete_study(known[name])
    finally:
        storage.remove_session()
        storage.engine.dispose()
