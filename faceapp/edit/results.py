"""Files of results, put in their place only when they are whole."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from faceapp.errors import Conflict, StoreUnavailable


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, with its ending; what the block writes there gets the name at its end.

    Where the block raises, nothing is left and what was at `path` stays. Raises StoreUnavailable for a full
    disk or a place that cannot be written to.
    """
    unique = f"{os.getpid()}-{threading.get_ident()}"
    temporary = path.with_name(f".{path.stem[:60]}.{unique}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise not_written(path, error) from error
    finally:
        with contextlib.suppress(OSError):  # there may be no folder to look in
            temporary.unlink(missing_ok=True)


def refuse_sources(path: Path, sources: Iterable[Path | str]) -> None:
    """Raise Conflict when `path` is one of the files that the result is made from ("" is no file)."""
    for source in sources:
        if source and _same(path, Path(source)):
            raise Conflict(
                "would_overwrite",
                f"“{path.name}” is one of the files that the result is made from.",
                "Choose another name, so that it stays as it is.",
            )


def refuse_closed(path: Path) -> None:
    """Raise StoreUnavailable when nothing can be written at `path`: told before long work, not after it."""
    try:
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        taken = path.is_dir()
    except OSError as error:  # such as a name that is too long
        raise not_written(path, error) from error
    if not folder.is_dir():
        raise not_written(path, NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)))
    if taken or not os.access(folder, os.W_OK):
        reason = errno.EISDIR if taken else errno.EACCES
        raise not_written(path, OSError(reason, os.strerror(reason)))


def not_written(path: Path, error: OSError) -> StoreUnavailable:
    """The refusal of a file that could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        full = f"The disk is full: “{path.name}” was not written."
        return StoreUnavailable("disk_full", full, "Make some room and try again.")
    reason = error.strerror or type(error).__name__
    sentence = f"“{path.name}” could not be written: {reason}."
    return StoreUnavailable("not_written", sentence, "Is the folder there, and may it be written to?")


def _same(one: Path, other: Path) -> bool:
    """Whether both names lead to one file: also by a link, or by another spelling of the folder."""
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return one.absolute() == other.absolute()
