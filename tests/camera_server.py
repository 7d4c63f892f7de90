"""A camera that can be told to die, hang, send garbage, change its size and come back."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from collections.abc import Callable

import numpy as np

from faceapp.opencv import cv2
from faceapp.types import Image


def jpeg(image: Image) -> bytes:
    return bytes(cv2.imencode(".jpg", image)[1])


class CameraServer:
    """`mood` is what every picture is asked of: "well", "garbage", "cut", "silent", "dead", "drip"."""

    def __init__(self, picture: Callable[[int], Image] | None = None) -> None:
        self.mood = "well"
        self.size = (320, 240)
        self.pictures = 0
        self.connections = 0
        self.password = ""
        self._picture = picture or self._plain
        self._ended = threading.Event()
        camera = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                with contextlib.suppress(OSError):
                    camera.answer(self)

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = True

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="camera server")
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        self.connections += 1
        if self.password and handler.headers.get("Authorization") != self.password:
            handler.send_error(401)
            return
        if self.mood == "dead":
            return
        if self.mood == "moved":
            handler.send_response(302)
            handler.send_header("Location", "http://127.0.0.1:1/")
            handler.end_headers()
            return
        if handler.path.startswith("/shot"):
            handler.send_response(200)
            handler.send_header("Content-Type", "image/jpeg")
            handler.end_headers()
            self._send(handler, b"")
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        handler.end_headers()
        while not self._ended.is_set() and self.mood != "dead":
            with_length = "nolength" not in handler.path
            self._send(handler, b"--frame\r\nContent-Type: image/jpeg\r\n", with_length)
            time.sleep(0.01)

    def _send(self, handler: http.server.BaseHTTPRequestHandler, head: bytes, length: bool = False) -> None:
        data = jpeg(self._picture(self.pictures))
        self.pictures += 1
        if self.mood == "garbage":
            data = bytes(np.random.default_rng(0).integers(0, 255, 3000, np.uint8))
        if self.mood == "cut":
            data = data[: len(data) // 2]
        if self.mood == "silent":
            self._ended.wait()
            return
        if head:
            size = f"Content-Length: {len(data)}\r\n".encode() if length else b""
            handler.wfile.write(head + size + b"\r\n")
        if self.mood == "drip":
            for index in range(len(data)):
                handler.wfile.write(data[index : index + 1])
                if self._ended.wait(0.02) or self.mood != "drip":
                    return
        handler.wfile.write(data + (b"\r\n" if head else b""))

    def _plain(self, number: int) -> Image:
        width, height = self.size
        return np.full((height, width, 3), number % 255, np.uint8)
