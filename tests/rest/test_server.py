"""The real port: on, off, taken, many clients, slow clients."""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faceapp.errors import Conflict
from faceapp.rest.server import RestServer
from faceapp.services import Services

BOUNDARY = "faceapp-test-boundary"


def get(address: str) -> object:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return json.load(answer)


def multipart(photo: Path) -> tuple[bytes, dict[str, str]]:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="photo.jpg"\r\n\r\n'
    body = head.encode() + photo.read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def post(address: str, photo: Path) -> object:
    body, headers = multipart(photo)
    with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=60) as answer:
        return json.load(answer)


def port_of(server: RestServer) -> int:
    return int(server.address.rsplit(":", 1)[1])


def test_on_and_off_and_on_again(services: Services) -> None:
    server = RestServer(services)
    assert (server.running, server.address) == (False, "")
    server.stop()
    server.start(0)
    port = port_of(server)
    assert server.running
    assert get(f"{server.address}/is_alive") == {
        "alive": True,
        "version": get(f"{server.address}/is_alive")["version"],
    }
    server.start(0)
    assert port_of(server) == port
    server.stop()
    assert (server.running, server.address) == (False, "")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)
    server.start(port)
    assert get(f"http://127.0.0.1:{port}/people") == []
    server.stop()
    assert not [
        thread.name for thread in threading.enumerate() if thread.name.startswith(("rest", "waitress"))
    ]


def test_stopped_at_once(services: Services) -> None:
    server = RestServer(services)
    server.start(0)
    server.stop()
    assert not server.running


def test_a_taken_port_is_a_sentence(server: RestServer, services: Services) -> None:
    second = RestServer(services)
    with pytest.raises(Conflict, match="is used by another program"):
        second.start(port_of(server))
    assert not second.running
    with pytest.raises(Conflict, match="cannot be opened"):
        second.start(70000)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="127.0.0.2 is there on Linux alone")
def test_only_this_computer_can_reach_it(server: RestServer) -> None:
    with socket.socket() as probe:
        # The same port on every other address is still free: nothing listens there.
        probe.bind(("127.0.0.2", port_of(server)))


def test_many_clients_at_once(server: RestServer, portrait_files: dict[str, Path]) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(lambda _: post(f"{server.address}/recognise", portrait_files["hopper"]), range(12))
        )
        alive = list(pool.map(lambda _: get(f"{server.address}/is_alive"), range(40)))
    assert all(answer == answers[0] for answer in answers)
    assert len(answers[0][0]["faces"]) == 1
    assert len(alive) == 40


def test_slow_clients_hold_nobody_up(server: RestServer, portrait_files: dict[str, Path]) -> None:
    """More clients that send half a request and wait than the server has threads."""
    body, headers = multipart(portrait_files["hopper"])
    slow = []
    for _ in range(30):
        connection = socket.create_connection(("127.0.0.1", port_of(server)), 10)
        head = f"POST /recognise HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        connection.sendall(
            head.encode() + f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + body[:500]
        )
        slow.append(connection)
    assert get(f"{server.address}/is_alive")
    assert post(f"{server.address}/recognise", portrait_files["hopper"])
    slow[0].sendall(body[500:])
    assert slow[0].recv(100).startswith(b"HTTP/1.1 200")
    server.stop()
    assert slow[1].recv(100) == b""
    for connection in slow:
        connection.close()


def test_stop_while_a_request_is_running(
    server: RestServer, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, leave = threading.Event(), threading.Event()

    def wait(*_: object) -> list[object]:
        running.set()
        leave.wait(20)
        return []

    monkeypatch.setattr(services.people, "find", wait)
    connection = socket.create_connection(("127.0.0.1", port_of(server)), 10)
    connection.sendall(b"GET /people HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert running.wait(20)
    server.stop()
    assert not server.running
    assert connection.recv(100) == b""
    connection.close()
    leave.set()
    end = time.monotonic() + 20
    while (
        any(thread.name.startswith("waitress") for thread in threading.enumerate()) and time.monotonic() < end
    ):
        time.sleep(0.01)


@pytest.mark.parametrize(
    "request_",
    [b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 300_000 + b"\r\n\r\n",
     b"POST /add HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n",
     b"POST /add HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n",
     b"GET /people HTTP/1.1\r\n\r\n"],
)  # fmt: skip
def test_broken_http_gets_the_envelope_too(server: RestServer, request_: bytes) -> None:
    connection = socket.create_connection(("127.0.0.1", port_of(server)), 10)
    connection.sendall(request_)
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    assert 400 <= answer.status < 500
    assert json.load(answer)["error"]["message"]
    connection.close()


def test_a_large_upload_is_refused_with_an_answer(server: RestServer, services: Services) -> None:
    client = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=60)
    body = bytes((services.settings.current.upload_limit_mb + 1) * 1024 * 1024)
    client.request("POST", "/recognise", body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
    answer = client.getresponse()
    assert answer.status == 413
    assert json.load(answer)["error"]["code"] == "too_large"
    client.close()
