"""/modelfr, /modelin, /modelat and what follows from them, through a real port and a real camera."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
import pytest
from camera_server import CameraServer
from made_photos import jpeg, together

from faceapp.pipeline.photos import decode_photo
from faceapp.rest.server import RestServer
from faceapp.services import Services
from faceapp.types import Image, PersonName

Ask = Callable[..., Any]
SHOT = "/shot.jpg"


@pytest.fixture
def people(services: Services, astronaut: Image, hopper: Image) -> None:
    for image, name in ((astronaut, "Eileen Collins"), (hopper, "Grace Hopper")):
        services.enrolment.enrol(decode_photo(jpeg(image)), PersonName.parse(name), face=0)


@pytest.fixture
def camera(astronaut: Image, hopper: Image) -> Iterator[CameraServer]:
    """Eileen Collins on the left, Grace Hopper on the right."""
    mirrored = np.ascontiguousarray(hopper[:, ::-1])
    photo = together(1280, 720, (astronaut, 40, 100, 1.0), (mirrored, 700, 80, 0.8))
    fake = CameraServer(photo=jpeg(photo))
    yield fake
    fake.close()


@pytest.fixture
def ask(server: RestServer) -> Ask:
    """ask("/modelfr", ip=...): the status and the document."""

    def get(path: str, method: str = "GET", body: object = None, **fields: str) -> tuple[int, Any]:
        address = f"{server.address}{path}" + (f"?{urlencode(fields)}" if fields else "")
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(address, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    return get


@pytest.fixture
def allowed(services: Services, camera: CameraServer) -> str:
    services.cameras.add("Room 5", camera.address + SHOT)
    return camera.address + SHOT


def test_where_who_and_everybody(ask: Ask, people: None, allowed: str, services: Services) -> None:
    status, document = ask("/modelfr", ip=allowed)
    assert status == 200
    assert list(document) == ["box"]
    boxes = sorted((box for box in document["box"]), key=lambda box: box["x1"])
    assert all(set(box) == {"x1", "y1", "x2", "y2", "landmarks"} for box in boxes)
    assert len(boxes) >= 2
    left = max((box for box in boxes if box["x2"] < 600), key=lambda box: box["x2"] - box["x1"])
    right = max((box for box in boxes if box["x1"] > 640), key=lambda box: box["x2"] - box["x1"])
    for box in (left, right):
        points = np.array(box["landmarks"]).reshape(5, 2)
        inside = (points > (box["x1"], box["y1"])) & (points < (box["x2"], box["y2"]))
        assert inside.all()
        assert points[0, 0] < points[1, 0], "the left eye comes first"
    for box, name in ((left, "Eileen Collins"), (right, "Grace Hopper")):
        status, document = ask("/modelin", ip=allowed, landmark=json.dumps(box["landmarks"]))
        assert (status, document["id"]) == (200, [name])
        plain = ",".join(str(value) for value in box["landmarks"])
        assert ask("/modelin", ip="room 5", landmark=plain)[1] == document
    status, document = ask("/modelat", ip=allowed)
    assert (status, document["id"]) == (200, ["Eileen Collins", "Grace Hopper"])
    assert [person["id"] for person in document["people"]] == [
        services.people.named(name).id for name in document["id"]
    ]


def test_nobody_has_a_face_where_there_is_none(ask: Ask, people: None, allowed: str) -> None:
    assert ask("/modelin", ip=allowed, landmark=json.dumps([640, 700] * 5))[1]["id"] == []


def test_an_empty_room_and_strangers(
    ask: Ask, allowed: str, camera: CameraServer, services: Services
) -> None:
    """Nobody is enrolled, then nobody is there: empty lists, and nothing is kept."""
    assert ask("/modelat", ip=allowed)[1] == {"id": [], "people": []}
    camera.photo = jpeg(np.full((480, 640, 3), 90, np.uint8))
    assert ask("/modelfr", ip=allowed)[1] == {"box": []}
    assert ask("/modelat", ip=allowed)[1]["id"] == []
    assert services.sightings.count() == 0


def test_the_back_row(
    ask: Ask, people: None, allowed: str, camera: CameraServer, astronaut: Image, hopper: Image
) -> None:
    """Faces some 35 pixels wide in a large picture."""
    camera.photo = jpeg(together(2560, 1440, (astronaut, 300, 200, 0.35), (hopper, 1900, 1000, 0.22)))
    assert ask("/modelat", ip=allowed)[1]["id"] == ["Eileen Collins", "Grace Hopper"]


def test_a_crowd(ask: Ask, allowed: str, camera: CameraServer, data_dir: Path, services: Services) -> None:
    """Tiles find at least what a plain search finds, and nothing twice."""
    file = data_dir / "crowd" / "31.jpg"
    if not file.is_file():
        pytest.skip("needs the photos of crowds")
    camera.photo = file.read_bytes()
    plain = services.analyser.faces(decode_photo(camera.photo).image, embed=False)
    boxes = ask("/modelfr", ip=allowed)[1]["box"]
    assert len(boxes) >= len(plain) > 3
    corners = np.array([[box[key] for key in ("x1", "y1", "x2", "y2")] for box in boxes], np.float32)
    from faceapp.models.boxes import overlaps

    assert (overlaps(corners, corners) - np.eye(len(corners)) < 0.45).all()


def test_attendance_from_the_port_alone(
    ask: Ask, server: RestServer, people: None, allowed: str, services: Services
) -> None:
    start = datetime.now(UTC) - timedelta(seconds=1)
    ask("/modelat", ip=allowed)
    ask("/modelat", ip=allowed)
    status, seen = ask("/sightings")
    assert (status, seen["total"]) == (200, 2), "one sighting a person while they stay"
    assert {one["person"]["name"] for one in seen["sightings"]} == {"Eileen Collins", "Grace Hopper"}
    assert {one["source"] for one in seen["sightings"]} == {"Room 5"}
    assert all(one["first"] <= one["last"] for one in seen["sightings"])
    eileen = services.people.named("Eileen Collins")
    (only,) = ask("/sightings", person=str(eileen.id))[1]["sightings"]
    with urllib.request.urlopen(server.address + only["crop"], timeout=20) as answer:
        crop = decode_photo(answer.read())
        assert answer.headers["Content-Type"] == "image/jpeg"
    assert services.recognition.recognise(crop)[0].person.person == eileen  # type: ignore[union-attr]
    grace, bob = services.people.named("Grace Hopper"), services._store.add_person("<b>Bob</b>")
    services.sightings.save_group("7b", [grace.id, bob.id])
    fields = {"from": start.isoformat(), "to": (start + timedelta(hours=1)).isoformat(), "group": "7B"}
    status, roll = ask("/attendance", **fields)
    assert (status, roll["group"]) == (200, "7b")
    states = {row["person"]["name"]: row["state"] for row in roll["people"]}
    assert states == {"Grace Hopper": "present", "<b>Bob</b>": "absent"}
    late = {**fields, "from": (start - timedelta(hours=1)).isoformat(), "grace": "10"}
    assert [row["state"] for row in ask("/attendance", **late)[1]["people"]] == ["absent", "late"]
    assert len(ask("/attendance")[1]["people"]) == 3


def raw(server: RestServer, path: str) -> tuple[str, str]:
    with urllib.request.urlopen(server.address + path, timeout=20) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def test_attendance_as_csv_and_as_a_page(server: RestServer, services: Services) -> None:
    services._store.add_person("<script>alert(1)</script>")
    services._store.add_person("=1+1")
    kind, page = raw(server, "/attendance?format=html")
    assert kind.startswith("text/html")
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "http" not in page, "it needs nothing from elsewhere"
    kind, table = raw(server, "/attendance?format=csv")
    assert kind.startswith("text/csv")
    assert table.splitlines()[0] == "person,state,first,last"
    assert "'=1+1,absent,," in table


@pytest.mark.parametrize(
    "path",
    ["/attendance?from=yesterday", "/attendance?from=2026-03-02&to=2026-03-01", "/attendance?grace=99999",
     "/attendance?format=xls", "/sightings?limit=x", "/sightings?person=-1", "/sightings?from=2026-13-01"],
)  # fmt: skip
def test_wrong_questions_are_refused(ask: Ask, path: str) -> None:
    status, document = ask(path)
    assert status == 400
    assert document["error"]["message"].endswith(".")


def test_unknown_things_are_not_found(ask: Ask) -> None:
    for path in ("/attendance?group=nobody", "/sightings/99/crop", "/live/99", "/live/99/stream.mjpg"):
        assert ask(path)[0] == 404


# -- what must not be opened ----------------------------------------------------------------------


def test_addresses_that_are_not_in_the_list(ask: Ask, allowed: str, camera: CameraServer) -> None:
    others = [
        camera.address + "/other.jpg", camera.address, allowed + "?x=1", allowed.replace("http", "https"),
        allowed.replace("127.0.0.1", "localhost"), "file:///etc/passwd", "/etc/passwd", "0", "shot.jpg",
        "ftp://127.0.0.1/shot.jpg", "http://user@" + allowed[7:], "http://10.0.0.1/shot.jpg", "gopher://x",
        "http://[", "http://\n", "\x00", allowed + " ", allowed + "#x",
    ]  # fmt: skip
    for path in ("/modelfr", "/modelat", "/modelin"):
        for address in others[:16]:
            status, document = ask(path, ip=address, landmark=json.dumps([1] * 10))
            assert (status, document["error"]["code"]) == (403, "camera_not_allowed"), address
            assert document["error"]["message"].endswith(".")
    assert ask("/live", "POST", {"ip": others[0]})[0] == 403
    assert camera.asked == []
    # The same address, written a little differently.
    for address in others[16:]:
        assert ask("/modelfr", ip=address)[0] == 200


def test_a_picture_in_somebody_s_web_page_opens_no_camera(
    server: RestServer, allowed: str, camera: CameraServer
) -> None:
    address = f"{server.address}/modelat?{urlencode({'ip': allowed})}"
    cases = (("no-cors", "image", 403), ("cors", "empty", 403), ("navigate", "iframe", 403),
             ("navigate", "document", 200))  # fmt: skip
    for mode, dest, status in cases:
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
        before = len(camera.asked)
        try:
            request = urllib.request.Request(address, headers=headers)
            with urllib.request.urlopen(request, timeout=60) as answer:
                got = answer.status
        except urllib.error.HTTPError as error:
            with error:
                got = error.code
        assert got == status
        assert len(camera.asked) - before == (status == 200)


def test_a_request_without_a_camera_or_landmarks(ask: Ask, allowed: str, camera: CameraServer) -> None:
    assert ask("/modelfr")[0] == 400
    assert ask("/live", "POST", {"ip": 5})[0] == 400
    assert ask("/live", "POST", [])[0] == 400
    for words in ("", "1,2,3", "[1,2", "{}", "[[[1]]]", ",".join(["x"] * 10), "[" * 900, str([1e9] * 10),
                  "[NaN,1,1,1,1,1,1,1,1,1]", str([True] * 10).lower()):  # fmt: skip
        status, document = ask("/modelin", ip=allowed, landmark=words)
        assert (status, document["error"]["code"]) == (400, "bad_landmarks"), words
    assert camera.asked == []


def test_a_camera_that_leads_elsewhere_is_not_followed(
    ask: Ask, camera: CameraServer, services: Services
) -> None:
    other = CameraServer(photo=camera.photo)
    try:
        services.cameras.add("Door", camera.address + "/elsewhere.jpg")
        for target in (other.address + SHOT, "file:///etc/passwd", camera.address.replace("http", "ftp")):
            camera.elsewhere = target
            status, document = ask("/modelfr", ip="door")
            assert status == 503
            assert "302" in document["error"]["message"]
        assert other.asked == []
    finally:
        other.close()


# -- cameras that fail ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/garbage.jpg", "/page.jpg", "/gone.jpg", "/endless.jpg"])
def test_a_camera_that_sends_no_picture(
    ask: Ask, camera: CameraServer, services: Services, path: str
) -> None:
    services.cameras.add("Door", camera.address + path)
    for address in ("/modelfr", "/modelat"):
        status, document = ask(address, ip="Door")
        assert status == 503
        assert document["error"]["code"].startswith("camera_")
        assert document["error"]["message"].endswith(".")


def test_a_camera_that_is_off(ask: Ask, services: Services) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/shot.jpg"
    services.cameras.add("Door", address)
    status, document = ask("/modelfr", ip=address)
    assert (status, document["error"]["code"]) == (503, "camera_not_found")


def test_cameras_that_hang_hold_nobody_up(ask: Ask, camera: CameraServer, services: Services) -> None:
    """More questions than the port has threads, to a camera that never answers."""
    services.cameras.add("Door", camera.address + "/hang.jpg")
    with ThreadPoolExecutor(10) as pool:
        questions = [pool.submit(ask, "/modelat", ip="Door") for _ in range(10)]
        while len(camera.asked) < 4:
            time.sleep(0.02)
        assert ask("/is_alive")[1]["alive"] is True
        assert not all(question.done() for question in questions)
        answers = [question.result() for question in questions]
    codes = [document["error"]["code"] for status, document in answers if status == 503]
    assert len(codes) == 10
    assert set(codes) == {"camera_silent", "cameras_busy"}


def test_a_password_stays_here(ask: Ask, camera: CameraServer, services: Services) -> None:
    address = camera.address.replace("http://", "http://me:secret@") + SHOT + "?key=alsosecret"
    services.cameras.add("Door", address)
    assert ask("/modelfr", ip=camera.address + SHOT + "?key=alsosecret")[0] == 200, "known without it as well"
    status, listed = ask("/cameras")
    assert (status, [one["name"] for one in listed]) == (200, ["Door"])
    assert "secret" not in json.dumps(listed)
    status, started = ask("/live", "POST", {"ip": "Door"})
    assert status == 201
    assert "secret" not in json.dumps([started, ask("/live")[1], ask("/sightings")[1]])
    ask(started["stream"].rpartition("/")[0], "DELETE")


# -- running sources ------------------------------------------------------------------------------


def test_a_source_is_started_watched_and_stopped(
    ask: Ask, server: RestServer, people: None, camera: CameraServer, services: Services
) -> None:
    services.cameras.add("Hall", camera.address + "/video")
    status, started = ask("/live", "POST", {"ip": camera.address + "/video"})
    assert (status, started["source"]) == (201, "Hall")
    assert ask("/live", "POST", {"ip": "hall"}) == (200, ask("/live")[1][0]), "once is enough"
    place = f"/live/{started['id']}"

    def named() -> set[str]:
        frame = ask(place)[1]["frame"]
        return {face["person"] for face in frame["faces"] if face["person"]} if frame else set()

    end = time.monotonic() + 60
    while named() != {"Eileen Collins", "Grace Hopper"} and time.monotonic() < end:
        time.sleep(0.1)
    assert named() == {"Eileen Collins", "Grace Hopper"}

    def kept() -> set[str]:  # written beside the frames, a moment later
        return {one.person.name for one in services.sightings.find() if one.person}

    while kept() != named() and time.monotonic() < end:
        time.sleep(0.05)
    assert kept() == named()
    with urllib.request.urlopen(server.address + started["stream"], timeout=20) as stream:
        assert stream.headers.get_content_type() == "multipart/x-mixed-replace"
        boundary = stream.headers.get_param("boundary")
        pictures = [_picture(stream, boundary) for _ in range(3)]
    assert [(photo.width, photo.height) for photo in pictures] == [(1280, 720)] * 3
    assert ask(place, "DELETE")[1]["state"] == "stopped"
    assert ask(place)[0] == 404
    assert ask("/live")[1] == []


def _picture(stream: Any, boundary: str) -> Any:
    assert stream.readline().strip() == f"--{boundary}".encode()
    length = 0
    while line := stream.readline().strip():
        name, _, value = line.decode().partition(":")
        length = int(value) if name.lower() == "content-length" else length
    data = stream.read(length)
    assert stream.readline() == b"\r\n"
    return decode_photo(data)


def test_streams_leave_threads_for_others_and_end_with_the_port(
    ask: Ask, server: RestServer, camera: CameraServer, services: Services
) -> None:
    services.cameras.add("Hall", camera.address + "/video")
    started = ask("/live", "POST", {"ip": "Hall"})[1]
    place = server.address + started["stream"]
    watching = [urllib.request.urlopen(place, timeout=60) for _ in range(3)]
    assert all(stream.read(10) for stream in watching)
    status, document = ask(started["stream"])
    assert (status, document["error"]["code"]) == (503, "too_many_streams")
    watching.pop().close()
    end = time.monotonic() + 30
    while True:  # the port notices with its next picture
        try:
            watching.append(urllib.request.urlopen(place, timeout=60))
            break
        except urllib.error.HTTPError as error:
            error.close()
            assert time.monotonic() < end
            time.sleep(0.1)
    server.stop()
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith(("rest", "waitress"))]
    for stream in watching:
        stream.close()
    assert services.live.sessions(), "the port closes, what it started goes on until the program ends"
    services.live.close()


def test_names_with_odd_characters(ask: Ask, camera: CameraServer, services: Services) -> None:
    services.cameras.add("Tür & Tor?", camera.address + SHOT)
    assert ask(f"/modelfr?ip={quote('tür & tor?')}")[0] == 200
