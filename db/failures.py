"""What SQLite refuses, as sentences for a person."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from faceapp.errors import StoreUnavailable

# Primary SQLite result code -> our code, sentence, hint. {path} is the library's file.
SENTENCES = {
    sqlite3.SQLITE_BUSY: (
        "store_locked", "The library {path} is locked by another program.",
        "Close the other program, or wait until it has finished, and try again.",
    ),
    sqlite3.SQLITE_FULL: (
        "disk_full", "The disk that holds the library {path} is full; nothing was changed.",
        "Make some room and try again.",
    ),
    sqlite3.SQLITE_READONLY: (
        "store_read_only", "The library {path} cannot be written: it is read-only.",
        "Give yourself the right to write the file and its folder, or choose another one with --data-dir.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "store_unreachable", "The library {path} cannot be opened.",
        "Check that its folder exists and that you may write in it.",
    ),
    sqlite3.SQLITE_IOERR: (
        "store_io", "The library {path} could not be read or written; nothing was changed.",
        "Check the disk and its cable or network.",
    ),
}
SENTENCES[sqlite3.SQLITE_LOCKED] = SENTENCES[sqlite3.SQLITE_BUSY]
SENTENCES[sqlite3.SQLITE_PERM] = SENTENCES[sqlite3.SQLITE_READONLY]
SENTENCES[sqlite3.SQLITE_AUTH] = SENTENCES[sqlite3.SQLITE_READONLY]
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def newest_backup(backups: Path) -> Path | None:
    """The backup that was made last, or None."""
    return max(backups.glob("library-*.sqlite3"), default=None, key=lambda path: path.name)


def damaged(path: Path, backups: Path) -> StoreUnavailable:
    """The answer for a file that is no library: names the file and what can replace it."""
    backup = newest_backup(backups)
    hint = f"The newest backup is {backup}." if backup else "There is no backup of it."
    return StoreUnavailable("store_damaged", f"The file {path} is damaged or is not a library.", hint)


@contextmanager
def translated(path: Path, backups: Path) -> Iterator[None]:
    """Turn SQLite's refusals within the block into StoreUnavailable; bugs pass through."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF  # the primary code
        if code in DAMAGED:
            raise damaged(path, backups) from error
        if code in SENTENCES:
            name, sentence, hint = SENTENCES[code]
            raise StoreUnavailable(name, sentence.format(path=path), hint) from error
        raise
    except OSError as error:  # its folder may not be looked into
        name, sentence, hint = SENTENCES[sqlite3.SQLITE_CANTOPEN]
        raise StoreUnavailable(name, sentence.format(path=path), hint) from error
