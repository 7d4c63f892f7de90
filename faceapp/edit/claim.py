"""One at a time, in whatever process: a lock of the operating system, which goes when its process goes."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Hold what the file `path` stands for while the block runs; False where somebody else holds it.

    The file is made, and removed at the end; one that a killed process left behind is held by nobody. Where
    the file system has no locks everybody gets True. Raises OSError where no file can be made.
    """
    number = _taken(path)
    try:
        yield number is not None
    finally:
        if number is not None:
            _give_back(number, path)


def _taken(path: Path) -> int | None:
    while True:
        number = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(number):
            os.close(number)
            return None
        # Whoever held it before may have removed the file since it was opened: then the lock is of nothing.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(number), os.stat(path)):
                return number
        os.close(number)


if sys.platform == "win32":
    import msvcrt

    def _lock(number: int) -> bool:
        try:
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _give_back(number: int, path: Path) -> None:
        os.close(number)
        with contextlib.suppress(OSError):  # somebody else has opened it by now
            path.unlink(missing_ok=True)

else:
    import fcntl

    def _lock(number: int) -> bool:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            pass
        return True

    def _give_back(number: int, path: Path) -> None:
        path.unlink(missing_ok=True)
        os.close(number)
