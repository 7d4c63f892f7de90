"""A camera that is a server on this computer: shows photos, dies, hangs, sends garbage, leads elsewhere."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Callable

import numpy as np
from made_photos import jpeg

from faceapp.types import Image

Handler = http.server.BaseHTTPRequestHandler


class CameraServer:
    """/shot.jpg is one picture, /video a stream of them ("?nolength": without their lengths). Others are
    always the same: /garbage.jpg, /page.jpg, /endless.jpg, /hang.jpg, /elsewhere.jpg (leads to `elsewhere`);
    404 for the rest.

    mood: of /shot.jpg and /video: "well", "garbage", "cut", "silent", "dead", "drip", "moved".
    photo: the bytes that are sent; b"" for what `picture` draws. asked: the paths so far. password: the
    Authorization that is wanted.
    """

    def __init__(self, picture: Callable[[int], Image] | None = None, photo: bytes = b"") -> None:
        self.mood = "well"
        self.size = (320, 240)
        self.photo = photo
        self.pictures = 0
        self.asked: list[str] = []
        self.password = ""
        self.elsewhere = "http://127.0.0.1:1/"
        self._picture = picture or self._plain
        self._ended = threading.Event()
        camera = self

        class Answering(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Be quiet."""

            def do_GET(self) -> None:
                with contextlib.suppress(OSError):
                    camera.answer(self)

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = False

            def handle_error(self, *_: object) -> None:
                """Whoever asked has gone."""

        self._server = Server(("127.0.0.1", 0), Answering)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="camera server")
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, handler: Handler) -> None:
        self.asked.append(handler.path)
        path = handler.path.partition("?")[0]
        if self.password and handler.headers.get("Authorization") != self.password:
            handler.send_error(401)
        elif path == "/shot.jpg":
            self._by_mood(handler, self._shot)
        elif path == "/video":
            self._by_mood(handler, self._stream)
        elif path == "/elsewhere.jpg":
            self._away(handler)
        elif path == "/garbage.jpg":
            self._whole(handler, b"\xff\xd8\xff" + bytes(range(256)) * 20)
        elif path == "/page.jpg":
            self._whole(handler, b"<html>Log in</html>", "text/html")
        elif path == "/endless.jpg":
            self._endless(handler)
        elif path == "/hang.jpg":
            self._ended.wait()
        else:
            handler.send_error(404)

    def _by_mood(self, handler: Handler, answer: Callable[[Handler], None]) -> None:
        if self.mood == "moved":
            self._away(handler)
        elif self.mood != "dead":
            answer(handler)

    def _away(self, handler: Handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", self.elsewhere)
        handler.end_headers()

    def _whole(self, handler: Handler, data: bytes, kind: str = "image/jpeg") -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def _endless(self, handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not self._ended.is_set():
            handler.wfile.write(b"\xff\xd8\xff" + bytes(1 << 20))

    def _shot(self, handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "image/jpeg")
        handler.end_headers()
        self._send(handler, b"")

    def _stream(self, handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        handler.end_headers()
        while not self._ended.wait(0.01) and self.mood != "dead":
            with_length = "nolength" not in handler.path
            self._send(handler, b"--frame\r\nContent-Type: image/jpeg\r\n", with_length)

    def _send(self, handler: Handler, head: bytes, length: bool = False) -> None:
        data = self.photo or jpeg(self._picture(self.pictures))
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
