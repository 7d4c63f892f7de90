"""What a view has at hand: the services, and the faces that were uploaded."""

from __future__ import annotations

import os
import secrets
import threading
from collections import OrderedDict
from typing import cast

from flask import Flask, current_app

from faceapp.services import Services
from faceapp.types import Face

UPLOADS_KEPT = 1000


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
    """One for each app. `slots` bounds how many photos are in memory at once."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.uploads = Uploads()
        self.slots = threading.BoundedSemaphore(os.cpu_count() or 1)


def install(app: Flask, services: Services) -> None:
    app.extensions["faceapp"] = Context(services)


def context() -> Context:
    """The context of the app that serves the current request."""
    return cast(Context, current_app.extensions["faceapp"])


def services() -> Services:
    return context().services
