"""The HTTP layer: waitress, with JSON for its own refusals and an end that does not wait.

Waitress reads a request whole before a thread works on it, so that slow clients hold no thread.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
from collections.abc import Callable
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from faceapp import wire
from faceapp.config import MEGABYTE
from faceapp.errors import FaceAppError

THREADS = 8
# A client that says nothing for so long is dropped.
SILENCE_SECONDS = 30
# An upload above the limit is read this far before it is refused: a client that is cut off while it sends
# never sees the answer.
EXTRA_BYTES = 64 * MEGABYTE
# How long requests that are being worked on may keep the port from closing.
GRACE_SECONDS = 0.8

# It reports every request that waits for a thread.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)


class WsgiServer:
    """Serves an app on a listening socket: `run` on one thread, `stop` from another."""

    def __init__(self, app: Flask, listener: socket.socket, limit_mb: int) -> None:
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            app,
            map=self._sockets,
            sockets=[listener],
            threads=THREADS,
            channel_timeout=SILENCE_SECONDS,
            cleanup_interval=SILENCE_SECONDS // 3,
            max_request_body_size=limit_mb * MEGABYTE + EXTRA_BYTES,
            asyncore_use_poll=True,  # select() fails in a process with over a thousand open files
            ident=None,
        )
        self._server.channel_class = _Channel

    def run(self) -> None:
        """Serve until `stop`."""
        self._server.run()

    def stop(self) -> None:
        """Take no new callers, let running requests end for a moment, then close every socket."""
        # The loop's own thread closes the sockets: nothing else may touch them while it runs.
        self._wake(self._stop_listening)
        self._server.task_dispatcher.shutdown(timeout=GRACE_SECONDS)
        self._wake(self._close_all)

    def _wake(self, call: Callable[[], None]) -> None:
        """Have the loop do something; one that has ended by itself has closed its pipe, and needs nothing."""
        with contextlib.suppress(OSError):
            self._server.trigger.pull_trigger(call)

    def _stop_listening(self) -> None:
        wasyncore.dispatcher.close(self._server)

    def _close_all(self) -> None:
        for channel in list(self._server.active_channels.values()):
            channel.handle_close()
        wasyncore.close_all(self._sockets)


class _JsonErrorTask(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """What the HTTP layer refuses before Flask sees it, in the same envelope as everything else."""

    def execute(self) -> None:
        error = self.request.error
        if error.code == 413:
            sentence = "The upload is larger than the limit."
            refusal = FaceAppError("too_large", sentence, "Make the picture smaller.")
        else:
            refusal = FaceAppError("bad_request", f"The request cannot be read: {error.reason}.")
        body = json.dumps(wire.error(refusal)).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = _JsonErrorTask
