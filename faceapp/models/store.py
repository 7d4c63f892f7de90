"""Where the files of models are: found, checked against their SHA-256, and fetched by the user's wish."""

from __future__ import annotations

import hashlib
import importlib.util
import ipaddress
import json
import logging
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from faceapp import __version__
from faceapp.errors import BadRequest, ModelUnavailable
from faceapp.jobs import JobContext
from faceapp.models.base import ModelFile, ModelSpec

log = logging.getLogger(__name__)

FileState = Literal["ready", "missing", "broken"]
CHECKED = "checked.json"
BLOCK = 256 * 1024
TIMEOUT = 20.0
LARGEST_DOWNLOAD = 1024**3


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1024 * 1024):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A new file beside `target` that takes its name when the block ends, and is gone when it fails.

    Two processes may do so at the same moment: each has its own file, and the last one stays.
    """
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unique = f"{os.getpid()}-{threading.get_ident()}-{time.monotonic_ns()}"
    temporary = target.with_name(f".{target.name}.{unique}")
    try:
        yield temporary
        _rename(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _rename(temporary: Path, target: Path) -> None:
    """Windows refuses to replace a file while somebody reads it: wait for a moment."""
    for attempt in range(20):
        try:
            os.replace(temporary, target)
        except PermissionError:
            if os.name != "nt" or attempt == 19:
                raise
            time.sleep(0.05)
        else:
            return


class ModelStore:
    """Finds, checks and fetches the files of models. Safe to call from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._checked: dict[str, list[str | int]] | None = None
        self._lock = threading.Lock()

    def locate(self, file: ModelFile) -> Path:
        """Where the file is or would be: in its package (found by path, never imported) or the folder."""
        if file.package is None:
            return self.folder / file.path
        spec = importlib.util.find_spec(file.package)
        if spec is None or spec.origin is None:
            return self.folder / Path(file.path).name
        return Path(spec.origin).parent / file.path

    def file_state(self, file: ModelFile) -> FileState:
        """"ready" when the bytes are those of the catalogue. Reads a file once for each size and time."""
        path = self.locate(file)
        try:
            if not path.is_file():
                return "missing"
            return "ready" if self._sha256(path) == file.sha256 else "broken"
        except OSError as error:
            log.warning("The model file %s cannot be read: %s", path, error)
            return "broken"

    def state(self, spec: ModelSpec) -> FileState:
        """The worst state of the model's files."""
        states = {self.file_state(file) for file in spec.files}
        return "missing" if "missing" in states else "broken" if "broken" in states else "ready"

    def paths(self, spec: ModelSpec) -> list[Path]:
        """The checked files of a model, in the order of its row. Raises ModelUnavailable."""
        for file in spec.files:
            state = self.file_state(file)
            if state != "ready":
                raise _unavailable(spec, file, self.locate(file), state)
        return [self.locate(file) for file in spec.files]

    def download(self, spec: ModelSpec, context: JobContext) -> list[Path]:
        """Fetch the files of a model that are not there yet; comes back with all their paths.

        Nothing appears under a final name unless its SHA-256 is right. Raises Cancelled, ModelUnavailable
        or BadRequest (no address, or one that is neither https nor this machine).
        """
        for file in spec.files:
            if self.file_state(file) != "ready":
                self._fetch(spec, file, context)
        return self.paths(spec)

    def _fetch(self, spec: ModelSpec, file: ModelFile, context: JobContext) -> None:
        if file.url is None or file.package is not None:
            raise _unavailable(spec, file, self.locate(file), self.file_state(file))
        check_address(file.url)
        target = self.locate(file)
        try:
            with replacing(target) as temporary:
                _stream(file.url, temporary, context, f"Downloading {target.name}")
                if sha256_of(temporary) != file.sha256:
                    raise ModelUnavailable(
                        "model_download", f"The download of {target.name} is not the file that was expected.",
                        "It was thrown away. Try again, or put the file into the models folder.",
                    )
        except OSError as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()  # it holds the connection
            raise ModelUnavailable(
                "model_download", f"{target.name} could not be downloaded: {_reason(error)}.",
                f"Check the connection and the free space, or put the file into {self.folder}.",
            ) from error

    def _sha256(self, path: Path) -> str:
        """The file's SHA-256, remembered as long as its size and time stay."""
        status = path.stat()
        stamp: list[str | int] = [status.st_size, status.st_mtime_ns]
        with self._lock:
            known = self._known().get(str(path))
            if known is not None and known[1:] == stamp:
                return str(known[0])
        digest = sha256_of(path)
        with self._lock:
            self._known()[str(path)] = [digest, *stamp]
            self._remember()
        return digest

    def _known(self) -> dict[str, list[str | int]]:
        if self._checked is None:
            self._checked = {}
            try:
                data = json.loads((self.folder / CHECKED).read_text("utf-8"))
            except (OSError, ValueError):
                data = {}  # not there yet, or broken: the files are read again
            if isinstance(data, dict):
                self._checked = {
                    path: entry for path, entry in data.items() if isinstance(entry, list) and len(entry) == 3
                }
        return self._checked

    def _remember(self) -> None:
        try:
            with replacing(self.folder / CHECKED) as temporary:
                temporary.write_text(json.dumps(self._known(), indent=1), "utf-8")
        except OSError as error:
            log.warning("The checks of model files cannot be kept: %s", error)


def check_address(url: str) -> None:
    """Raise BadRequest unless `url` is https, or http on this machine itself."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and _is_loopback(parts.hostname):
        return
    raise BadRequest("address", "A model is only downloaded over https.", "Give an address that begins with https://.")


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


class _SameRule(urllib.request.HTTPRedirectHandler):
    """Follows a redirection only to an address that would have been allowed at first."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        try:
            check_address(newurl)
        except BadRequest:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _stream(url: str, target: Path, context: JobContext, message: str) -> None:
    opener = urllib.request.build_opener(_SameRule)
    request = urllib.request.Request(url, headers={"User-Agent": f"faceapp/{__version__}"})
    with opener.open(request, timeout=TIMEOUT) as answer, target.open("xb") as stream:
        length = answer.headers.get("Content-Length", "")
        total = int(length) if length.isdigit() else None
        done = 0
        context.progress(done, total, message)
        while block := answer.read(BLOCK):
            stream.write(block)
            done += len(block)
            if done > LARGEST_DOWNLOAD:
                raise OSError("it is larger than any model")
            context.progress(done, total, message)
    if total is not None and done != total:
        raise OSError(f"it ended after {done:,} of {total:,} bytes")


def _reason(error: OSError) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return error.strerror or str(error)


def _unavailable(spec: ModelSpec, file: ModelFile, path: Path, state: FileState) -> ModelUnavailable:
    if file.package is not None:
        hint = f"Install the package {file.package} again."
    elif file.url is not None:
        hint = f"Download it, or put {path.name} into {path.parent}."
    else:
        hint = f"Put {path.name} into {path.parent}."
    fault = "is not there" if state == "missing" else "has other bytes than expected"
    sentence = f"{spec.title} cannot be used: its file {path.name} {fault}."
    return ModelUnavailable(f"model_{state}", sentence, hint)
