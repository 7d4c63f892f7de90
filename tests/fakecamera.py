"""A camera that is a server on this computer: it shows a photo, hangs, sends garbage, leads elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from faceapp.opencv import cv2
from faceapp.types import Image


def jpeg(image: Image) -> bytes:
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1])


def together(width: int, height: int, *parts: tuple[Image, int, int, float]) -> Image:
    """Photos on a grey wall: (image, left, top, scale) each."""
    wall = np.full((height, width, 3), 128, np.uint8)
    for image, left, top, scale in parts:
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        wall[top : top + small.shape[0], left : left + small.shape[1]] = small
    return wall


class FakeCamera:
    """/shot.jpg, /stream, /garbage.jpg, /page.jpg, /endless.jpg, /hang.jpg, /elsewhere.jpg; 404 else."""

    def __init__(self, photo: bytes) -> None:
        self.photo = photo
        self.asked: list[str] = []
        self.elsewhere = ""
        self.leave = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="camera")
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self.leave.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.asked.append(self.path)
                try:
                    camera.answers.get(self.path.partition("?")[0], FakeCamera.gone)(self)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Be quiet."""

        Handler.camera = camera  # type: ignore[attr-defined]
        return Handler

    @staticmethod
    def send(handler: Any, data: bytes, kind: str = "image/jpeg", **headers: str) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    @staticmethod
    def shot(handler: Any) -> None:
        FakeCamera.send(handler, handler.camera.photo)

    @staticmethod
    def garbage(handler: Any) -> None:
        FakeCamera.send(handler, b"\xff\xd8\xff" + bytes(range(256)) * 20)

    @staticmethod
    def page(handler: Any) -> None:
        FakeCamera.send(handler, b"<html>Log in</html>", "text/html")

    @staticmethod
    def endless(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not handler.camera.leave.is_set():
            handler.wfile.write(b"\xff\xd8\xff" + bytes(1 << 20))

    @staticmethod
    def hang(handler: Any) -> None:
        handler.camera.leave.wait(60)

    @staticmethod
    def gone(handler: Any) -> None:
        handler.send_error(404)

    @staticmethod
    def away(handler: Any) -> None:
        handler.send_response(302)
        handler.send_header("Location", handler.camera.elsewhere)
        handler.end_headers()

    @staticmethod
    def stream(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=b")
        handler.end_headers()
        while not handler.camera.leave.wait(0.03):
            photo = handler.camera.photo
            head = f"--b\r\nContent-Type: image/jpeg\r\nContent-Length: {len(photo)}\r\n\r\n"
            handler.wfile.write(head.encode() + photo + b"\r\n")

    @property
    def answers(self) -> dict[str, Callable[[Any], None]]:
        return {
            "/shot.jpg": self.shot, "/stream": self.stream, "/garbage.jpg": self.garbage,
            "/page.jpg": self.page, "/endless.jpg": self.endless, "/hang.jpg": self.hang,
            "/elsewhere.jpg": self.away,
        }  # fmt: skip
