"""What a view has at hand: the services, and the faces that were uploaded."""

from __future__ import annotations

import os
import secrets
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

from flask import Flask, current_app

from faceapp.services import Services
from faceapp.types import Face

if TYPE_CHECKING:
    from faceapp.stream.session import LiveSession

UPLOADS_KEPT = 1000
# Of the newest ones the file itself is kept as well, for /morph, up to so many bytes together.
UPLOADED_BYTES = 64 * 1024 * 1024
# A stream holds one thread of the port for as long as somebody watches: some must be left for the others.
MOST_STREAMS = 3


class Uploads:
    """The faces that came through /upload and wait for /retrieval, the newest thousand."""

    def __init__(self) -> None:
        self._faces: OrderedDict[str, Face] = OrderedDict()
        self._files: OrderedDict[str, tuple[bytes, str]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, face: Face, data: bytes = b"", name: str = "") -> str:
        """Keep a face, and the file it came in; comes back with its id, which nobody can guess."""
        upload_id = secrets.token_urlsafe(12)
        with self._lock:
            self._faces[upload_id] = face
            while len(self._faces) > UPLOADS_KEPT:
                self._faces.popitem(last=False)
            self._files[upload_id] = data, name
            while len(self._files) > 1 and self._bytes() > UPLOADED_BYTES:
                self._files.popitem(last=False)
        return upload_id

    def _bytes(self) -> int:
        return sum(len(data) for data, _ in self._files.values())

    def file(self, upload_id: str) -> tuple[bytes, str] | None:
        """The bytes and the name of an upload's file; None where it is no longer kept."""
        with self._lock:
            found = self._files.get(upload_id)
        return found if found and found[0] else None

    def newest_id(self) -> str:
        """"" where there is none."""
        with self._lock:
            return next(reversed(self._faces), "")

    def get(self, upload_id: str) -> Face | None:
        with self._lock:
            return self._faces.get(upload_id)

    def newest(self) -> Face | None:
        with self._lock:
            return next(reversed(self._faces.values()), None)


class Context:
    """One for each app.

    slots: bounds how many photos are in memory at once. streams: bounds how many threads of the port belong
    to somebody who watches. closing: set when the port closes, so that these end. live_ids: names of sources.
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self.uploads = Uploads()
        self.slots = threading.BoundedSemaphore(os.cpu_count() or 1)
        self.streams = threading.BoundedSemaphore(MOST_STREAMS)
        self.closing = threading.Event()
        self.live_ids: WeakKeyDictionary[LiveSession, str] = WeakKeyDictionary()


def install(app: Flask, services: Services) -> None:
    app.extensions["faceapp"] = Context(services)


def context_of(app: Flask) -> Context:
    return cast(Context, app.extensions["faceapp"])


def context() -> Context:
    """The context of the app that serves the current request."""
    return context_of(current_app)


def services() -> Services:
    return context().services
