"""Cameras that speak HTTP: one picture a request (/shot.jpg), or a stream of them (MJPEG).

What the camera answers decides which it is. A stream is multipart/x-mixed-replace: parts with headers
of their own (RFC 2046) around JPEG files; cameras are careless about lengths and boundaries, so a part
is taken by its length where it has one and by the JPEG's own first and last bytes where it has none.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import threading
import time
from urllib.parse import SplitResult, unquote, urlsplit

from faceapp.errors import FaceAppError
from faceapp.stream.picture import Picture
from faceapp.stream.sources import SourceLost
from faceapp.types import Image

CONNECT_SECONDS = 2.5
SILENT_SECONDS = 5.0
# The longest that one picture may take, however steadily its bytes drip in.
PICTURE_SECONDS = 6.0
LARGEST = 16 * 1024 * 1024
PIECE = 64 * 1024
# Snapshots are asked for no faster than this.
SNAPSHOT_INTERVAL = 0.04
GARBAGE_TRIED = 3
JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


class HttpReader:
    """A `Reader` of an HTTP camera, which is asked at the first `read`.

    No redirection is followed: an allowed camera must not lead elsewhere.
    """

    fps = 0.0
    frames = 0

    def __init__(self, address: str, stopped: threading.Event) -> None:
        self._parts = urlsplit(address)
        self._stopped = stopped
        self._connection: http.client.HTTPConnection | None = None
        self._response: http.client.HTTPResponse | None = None
        self._buffer = bytearray()
        # The connection forgets its socket as soon as the answer is the last one on it.
        self._socket: socket.socket | None = None
        self._stream = False
        self._asked = 0.0

    def read(self) -> Picture:
        """The next picture. A few broken ones are passed over. Raises SourceLost."""
        for _ in range(GARBAGE_TRIED):
            data = self._next()
            try:
                return Picture(_decoded(data))
            except FaceAppError:
                continue
        raise SourceLost("camera_garbage", "The camera sends something that is not a picture.")

    def interrupt(self) -> None:
        line = self._socket
        if line is not None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._response is not None:
            self._response.close()
        if self._connection is not None:
            self._connection.close()

    # -- asking -----------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Send the request and read the head of the answer."""
        self.close()
        self._buffer.clear()
        self._asked = time.monotonic()
        try:
            self._connection = _connection(self._parts)
            self._connection.connect()
            self._socket = self._connection.sock
            self._socket.settimeout(SILENT_SECONDS)
            self._check_stopped()
            self._connection.request("GET", _target(self._parts), headers=_headers(self._parts))
            self._response = self._connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _lost(error) from error
        status, kind = self._response.status, self._response.headers.get_content_type()
        if status in (401, 403):
            raise SourceLost("camera_password", "The camera wants another user name or password.")
        if status != 200:
            raise SourceLost("camera_refuses", f"The camera answers with an error (HTTP {status}).")
        self._stream = kind.startswith("multipart/")

    def _next(self) -> bytes:
        """The bytes of the next picture, which may turn out to be none."""
        deadline = time.monotonic() + PICTURE_SECONDS
        if self._response is None:
            self._stopped.wait(max(0.0, self._asked + SNAPSHOT_INTERVAL - time.monotonic()))
            self._check_stopped()
            self._ask()
        if self._stream:
            return self._part(deadline)
        while self._more(deadline):
            pass
        data = bytes(self._buffer)
        self._buffer.clear()
        self._response = None
        return data

    def _part(self, deadline: float) -> bytes:
        """One picture of the stream."""
        head = self._until(b"\r\n\r\n", deadline)
        length = _length(head)
        if length:
            while len(self._buffer) < length:
                self._need(deadline)
            return self._cut(length)
        start = self._find(JPEG_START, 0, deadline)
        end = self._find(JPEG_END, start + len(JPEG_START), deadline) + len(JPEG_END)
        return self._cut(end)[start:]

    def _until(self, mark: bytes, deadline: float) -> bytes:
        return self._cut(self._find(mark, 0, deadline) + len(mark))

    def _find(self, mark: bytes, start: int, deadline: float) -> int:
        while (place := self._buffer.find(mark, start)) < 0:
            start = max(start, len(self._buffer) - len(mark) + 1)
            self._need(deadline)
        return place

    def _cut(self, length: int) -> bytes:
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        return data

    def _need(self, deadline: float) -> None:
        if not self._more(deadline):
            raise SourceLost("camera_vanished", "The camera does not send pictures any more.")

    def _more(self, deadline: float) -> bool:
        """Read what has come; False at the end of the answer."""
        assert self._response is not None
        self._check_stopped()
        if len(self._buffer) > LARGEST:
            raise SourceLost("camera_garbage", "The camera sends something that is not a picture.")
        if time.monotonic() > deadline:
            raise SourceLost("camera_slow", "The camera takes too long for a picture.")
        try:
            piece = self._response.read1(PIECE)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _lost(error) from error
        self._buffer += piece
        return bool(piece)

    def _check_stopped(self) -> None:
        if self._stopped.is_set():
            raise SourceLost("stopped", "Stopped.")


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    assert parts.hostname is not None
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=CONNECT_SECONDS, context=context
        )
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=CONNECT_SECONDS)


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _headers(parts: SplitResult) -> dict[str, str]:
    headers = {"Accept": "multipart/x-mixed-replace, image/*", "Cache-Control": "no-cache"}
    if parts.username:
        words = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(words.encode()).decode()
    return headers


def _length(head: bytes) -> int:
    """The Content-Length of a part; 0 where it has none that makes sense."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = int(value)
            return length if length <= LARGEST else 0
    return 0


def _decoded(data: bytes) -> Image:
    from faceapp.pipeline.decode import decode

    return decode(data)


def _lost(error: Exception) -> SourceLost:
    if isinstance(error, TimeoutError):
        return SourceLost("camera_silent", "The camera does not answer.")
    if isinstance(error, ssl.SSLError):
        return SourceLost("camera_certificate", "The camera's certificate is not trusted.")
    if isinstance(error, (ConnectionRefusedError, socket.gaierror)):
        return SourceLost("camera_not_found", "There is no camera at this address.")
    return SourceLost("camera_vanished", "The connection to the camera broke off.")
