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
# A stream holds one thread of the port for as long as somebody watches: some must be left for the others.
MOST_STREAMS = 3


class Uploads:
    """The faces that came through /upload and wait for /retrieval, the newest thousand."""

    def __init__(self) -> None:
        self._faces: OrderedDict[str, Face] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, face: Face) -> str:
        """Keep a face; comes back with its id, which nobody can guess."""
        upload_id = secrets.token_urlsafe(12)
        with self._lock:
            self._faces[upload_id] = face
            while len(self._faces) > UPLOADS_KEPT:
                self._faces.popitem(last=False)
        return upload_id

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
