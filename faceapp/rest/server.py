"""The REST port on a thread of its own."""

from __future__ import annotations

import errno
import socket
import sys
import threading
from typing import TYPE_CHECKING

from faceapp.errors import Conflict
from faceapp.services import Services

if TYPE_CHECKING:
    from faceapp.rest.wsgi import WsgiServer

HOST = "127.0.0.1"


class RestServer:
    """Switches the REST port on and off. Safe to call from any thread; Flask is imported at `start`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._service: _Service | None = None

    @property
    def running(self) -> bool:
        service = self._service
        return service is not None and service.alive

    @property
    def address(self) -> str:
        """http://127.0.0.1:PORT, or "" while the port is off."""
        service = self._service
        return f"http://{HOST}:{service.port}" if service else ""

    def start(self, port: int) -> None:
        """Open the port (0 for any free one); comes back at once, a second call is ignored.

        Raises Conflict when the port is taken or must not be used.
        """
        with self._lock:
            if self._service is None:
                self._service = _Service(self._services, _listen(port))

    def stop(self) -> None:
        """Close the port and end its thread; comes back within about a second."""
        with self._lock:
            service, self._service = self._service, None
        if service is not None:
            service.stop()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # There SO_REUSEADDR would let two programs share the port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "is used by another program" if taken else "cannot be opened"
        raise Conflict("port_taken", f"The port {port} {reason}.", "Choose another one.") from error
    return listener


class _Service:
    """One opening of the port: a listening socket, and the thread that serves it."""

    def __init__(self, services: Services, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self._services = services
        self._listener = listener
        self._server: WsgiServer | None = None
        self._closing = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rest", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._ready.wait()
        self._closing.set()
        if self._server is not None:
            self._server.stop()
        self._thread.join()

    def _run(self) -> None:
        try:
            # Imported here: it takes a third of a second, and callers wait in the socket's queue meanwhile.
            from faceapp.rest.app import create_app
            from faceapp.rest.context import context_of
            from faceapp.rest.wsgi import WsgiServer

            limit = self._services.settings.current.upload_limit_mb
            app = create_app(self._services)
            self._closing = context_of(app).closing
            self._server = WsgiServer(app, self._listener, limit)
        finally:
            self._ready.set()
        self._server.run()
