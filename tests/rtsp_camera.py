"""A small RTSP server: one picture in H.264 again and again, within the connection (RFC 2326, RFC 6184)."""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import socketserver
import struct
import threading

import av
import numpy as np

CLOCK = 90_000


class RtspCamera:
    """`mood`: "well", "silent" (says nothing more), "dead" (hangs up). asked: requests so far."""

    def __init__(self, width: int = 320, height: int = 240) -> None:
        self.mood = "well"
        self.asked: list[str] = []
        self._units = _encoded(width, height)
        self._ended = threading.Event()
        camera = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    camera.serve(self)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = False
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"rtsp://127.0.0.1:{self._server.server_address[1]}/live"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="rtsp camera")
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve(self, handler: socketserver.StreamRequestHandler) -> None:
        handler.connection.settimeout(0.05)
        while not self._ended.is_set() and self.mood != "dead":
            request = self._request(handler.connection)
            if not request:
                continue
            self.asked.append(request.split(" ", 1)[0])
            if self.mood == "silent":
                self._ended.wait()
                return
            number = re.search(r"CSeq: *(\d+)", request)
            head = f"RTSP/1.0 200 OK\r\nCSeq: {number[1] if number else 0}\r\nSession: 1\r\n"
            handler.wfile.write((head + self._answer(self.asked[-1])).encode())
            if self.asked[-1] == "PLAY":
                self._play(handler)
                return

    def _request(self, line: socket.socket) -> str:
        data = b""
        while b"\r\n\r\n" not in data:
            try:
                piece = line.recv(4096)
            except TimeoutError:
                return ""
            if not piece:
                raise ConnectionResetError
            data += piece
        return data.decode("latin-1")

    def _answer(self, verb: str) -> str:
        if verb == "OPTIONS":
            return "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n"
        if verb == "SETUP":
            return "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
        if verb != "DESCRIBE":
            return "\r\n"
        sets = ",".join(base64.b64encode(unit).decode() for unit in self._units[:2])
        text = (
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
            f"a=rtpmap:96 H264/{CLOCK}\r\na=fmtp:96 packetization-mode=1;sprop-parameter-sets={sets}\r\n"
            "a=control:video\r\n"
        )
        return f"Content-Type: application/sdp\r\nContent-Length: {len(text)}\r\n\r\n{text}"

    def _play(self, handler: socketserver.StreamRequestHandler) -> None:
        number = 0
        for picture in range(10**6):
            if self.mood == "silent":
                self._ended.wait()
            if self._ended.wait(0.02) or self.mood == "dead":
                return
            for unit in self._units:
                last = unit is self._units[-1]
                head = struct.pack(">BBHII", 0x80, 96 | 0x80 * last, number % 65536, picture * CLOCK // 25, 1)
                packet = head + unit
                handler.wfile.write(b"$\0" + struct.pack(">H", len(packet)) + packet)
                number += 1


def _encoded(width: int, height: int) -> list[bytes]:
    """The units of one picture that needs no other: its two parameter sets first."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate = 25
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "slices=1:threads=1"}
    image = np.full((height, width, 3), 90, np.uint8)
    packets = encoder.encode(av.VideoFrame.from_ndarray(image, format="bgr24")) + encoder.encode(None)
    stream = b"".join(bytes(packet) for packet in packets)
    units = [unit.rstrip(b"\0") for unit in re.split(rb"\x00\x00\x00?\x01", stream) if unit]
    kinds = {unit[0] & 31: unit for unit in units}
    return [kinds[7], kinds[8], kinds[5]]
