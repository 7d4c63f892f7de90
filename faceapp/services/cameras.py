"""The cameras that may be opened by address: the user keeps the list, and nothing else is opened."""

from __future__ import annotations

import re
import threading
from urllib.parse import SplitResult, urlsplit

from faceapp.errors import BadRequest, Forbidden
from faceapp.live import Camera
from faceapp.ports import SightingStore
from faceapp.stream.sources import SourceSpec, shown
from faceapp.types import Image

SCHEMES = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
ADDRESS_LENGTH = 2000


class Cameras:
    """A list of names and addresses, kept in the library."""

    def __init__(self, store: SightingStore) -> None:
        self._store = store

    def all(self) -> list[Camera]:
        return self._store.cameras()

    def add(self, name: str, address: str) -> Camera:
        """Allow an address. Raises BadRequest for what is none, Conflict for one that is there already."""
        return self._store.add_camera(name, checked(address))

    def remove(self, name: str) -> None:
        self._store.remove_camera(name)

    def allowed(self, text: str) -> Camera:
        """The camera of that address (with its password or without) or that name. Raises Forbidden."""
        wanted = text.strip()
        for camera in self.all():
            if wanted.casefold() == camera.name.casefold() or _same(wanted, camera.address):
                return camera
        raise Forbidden(
            "camera_not_allowed",
            "This address is not in the list of allowed cameras.",
            "Add it there first: main.py cameras add NAME ADDRESS.",
        )

    def snapshot(self, camera: Camera) -> Image:
        """One fresh picture, (H, W, 3) BGR. Raises SourceLost with what is wrong with the camera.

        Time and size are limited, and no redirection is followed: see `stream.http`.
        """
        from faceapp.stream.readers import open_live

        reader = open_live(SourceSpec.parse(camera.address), threading.Event())
        try:
            picture = reader.read()
        finally:
            reader.close()
        assert picture is not None, "a camera has no end"
        return picture.image


def checked(address: str) -> str:
    """The address, written in one way. Raises BadRequest for anything but http, https and rtsp."""
    text = address.strip()
    parts = _parts(text)
    if parts is None or len(text) > ADDRESS_LENGTH:
        raise BadRequest(
            "bad_address", "This is not the address of a camera.", "Write http://…, https://… or rtsp://…"
        )
    return _written(parts)


def hidden(address: str) -> str:
    """The address for showing: without user, password and query."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{shown(parts)}"


def _parts(text: str) -> SplitResult | None:
    """The parts of a camera's address; None when it is none."""
    if re.search(r"[\s\\\x00-\x1f\x7f]", text):
        return None
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if named and parts.scheme.lower() in SCHEMES else None


def _written(parts: SplitResult, secret: bool = True) -> str:
    """Scheme and host in small letters, no default port, no fragment."""
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, SCHEMES[scheme]) else f":{parts.port}"
    user = parts.netloc.rpartition("@")[0]
    before = f"{user}@" if user and secret else ""
    query = f"?{parts.query}" if parts.query else ""
    return f"{scheme}://{before}{host}{port}{parts.path or '/'}{query}"


def _same(text: str, address: str) -> bool:
    parts, kept = _parts(text), urlsplit(address)
    if parts is None:
        return False
    written = _written(parts)
    return written == address or (not parts.username and written == _written(kept, secret=False))
