"""/create_mix: uploads and addresses, points, rotation, flip and crop, the job and its file."""

from __future__ import annotations

import io
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from camera_server import CameraServer
from flask.testing import FlaskClient
from made_clips import scene, times, write_clip
from made_photos import jpeg, together
from werkzeug.test import TestResponse

from faceapp.opencv import cv2
from faceapp.pipeline.photos import decode_photo
from faceapp.rest import results
from faceapp.rest import swap as rest_swap
from faceapp.rest.server import RestServer
from faceapp.services import Services
from faceapp.types import Image, PersonName

Mix = Callable[..., TestResponse]


@pytest.fixture
def crowd(astronaut: Image, hopper: Image) -> Image:
    """Grace Hopper on the left, Eileen Collins on the right."""
    return together(1100, 620, (hopper, 20, 10, 1.0), (astronaut[:300], 580, 60, 1.0))


@pytest.fixture
def mix(client: FlaskClient) -> Mix:
    """mix(crowd=image, me=image, faces=[image, ...], likeness="1"): one multipart request."""

    def send(**fields: Any) -> TestResponse:
        def part(value: Any) -> Any:
            if isinstance(value, list):
                return [part(each) for each in value]
            data = jpeg(value) if isinstance(value, np.ndarray) else value
            return (io.BytesIO(data), "photo.jpg") if isinstance(data, bytes) else str(data)

        return client.post("/create_mix", data={name: part(value) for name, value in fields.items()})

    return send


def boxes(answer: TestResponse) -> list[list[float]]:
    assert answer.status_code == 200, answer.text
    return list(answer.json["boxes"])


def picture(client: FlaskClient, answer: TestResponse) -> Image:
    file = client.get(answer.json["file"])
    assert file.status_code == 200, file.text
    return decode_photo(file.data).image


def test_boxes_and_a_title_come_back(mix: Mix, client: FlaskClient, hopper: Image, crowd: Image) -> None:
    mirrored = np.ascontiguousarray(hopper[:, ::-1])
    answer = mix(me=mirrored, crowd=crowd, wait="1", format="png")
    (box,) = boxes(answer)
    assert box[2] < 580, "she is put onto her lookalike"
    assert answer.json["title"] == "1 of 2 faces swapped"
    changed, left = answer.json["faces"]
    assert (changed["face"], changed["source"], changed["box"]) == (1, 1, box)
    assert set(changed["card"]) >= {"to_source", "to_target", "recognised", "expression_error", "seam"}
    assert (left["card"], left["source"]) == (None, None)
    assert left["reason"]
    result = picture(client, answer)
    assert result.shape == crowd.shape
    changed_pixels = (result != decode_photo(jpeg(crowd)).image).any(axis=2)
    assert changed_pixels[:, :580].any()
    assert not changed_pixels[:, 580:].any()


def test_it_is_a_job(mix: Mix, client: FlaskClient, services: Services, hopper: Image, crowd: Image) -> None:
    answer = mix(me=hopper, crowd=crowd, format="png")
    assert answer.status_code == 202
    assert answer.json["job"] == f"/jobs/{answer.json['id']}"
    services.jobs.wait(answer.json["id"], 60)
    job = client.get(answer.json["job"]).json
    assert job["state"] == "succeeded"
    assert job["result"]["out"] == answer.json["file"]
    assert len(job["result"]["boxes"]) == 1
    file = client.get(answer.json["file"])
    assert (file.status_code, file.mimetype) == (200, "image/png")
    services.swaps.close()
    assert client.get(answer.json["file"]).status_code == 404


def test_a_result_that_is_not_there(client: FlaskClient, services: Services) -> None:
    assert client.get("/results/nothing").status_code == 404
    gate = threading.Event()
    job = services.jobs.submit("test", "Waits", lambda _: gate.wait(30))
    try:
        answer = client.get(f"/results/{job.id}")
        assert (answer.status_code, answer.json["error"]["code"]) == (409, "not_ready")
    finally:
        gate.set()
    services.jobs.wait(job.id, 30)
    assert client.get(f"/results/{job.id}").status_code == 404


def test_me_a_friend_and_others(mix: Mix, astronaut: Image, hopper: Image, crowd: Image) -> None:
    eileen = astronaut[:300]
    answer = mix(me=eileen, friend=hopper, crowd=crowd, wait="1")
    assert [face["source"] for face in answer.json["faces"]] == [2, 1]
    answer = mix(faces=[hopper, eileen], crowd=crowd, wait="1")
    assert [face["source"] for face in answer.json["faces"]] == [1, 2]
    answer = mix(me=eileen, crowd=crowd, everyone="1", wait="1", preset="expression")
    assert [face["source"] for face in answer.json["faces"]] == [1, 1]


def test_points_choose_the_face(mix: Mix, astronaut: Image, hopper: Image, crowd: Image) -> None:
    right = boxes(mix(me=astronaut[:300], crowd=crowd, wait="1"))[0]
    x, y = (right[0] + right[2]) / 2, (right[1] + right[3]) / 2
    for points in (f"{x},{y}", json.dumps([[x, y]]), f"{x / 1100},{y / 620}"):
        answer = mix(me=hopper, crowd=crowd, points=points, wait="1")
        assert [face["source"] for face in answer.json["faces"]] == [None, 1], points
    answer = mix(me=hopper, crowd=crowd, points="3,3", wait="1")
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "no_face_there")


def test_rotation_flip_and_crop(mix: Mix, client: FlaskClient, hopper: Image, crowd: Image) -> None:
    """A photo that lies on its side is turned upright, then mirrored, then cut."""
    lying = np.ascontiguousarray(np.rot90(crowd))
    answer = mix(me=hopper, crowd=lying, rotation="90", wait="1")
    upright = boxes(answer)[0]
    assert picture(client, answer).shape == crowd.shape
    answer = mix(me=hopper, crowd=lying, rotation="90", flip="1", wait="1")
    mirrored = boxes(answer)[0]
    assert mirrored[0] == pytest.approx(1100 - upright[2], abs=15)
    answer = mix(me=hopper, crowd=lying, rotation="90", flip="1", crop="550,0,550,620", wait="1")
    assert boxes(answer)[0][0] == pytest.approx(mirrored[0] - 550, abs=15)
    cut = picture(client, answer)
    assert cut.shape == (620, 550, 3)
    shares = mix(me=hopper, crowd=lying, rotation="90", flip="1", crop="0.5,0,0.5,1", wait="1")
    assert picture(client, shares).shape == cut.shape


def test_what_the_result_of_a_turned_photo_has_not_is_said(mix: Mix, hopper: Image, crowd: Image) -> None:
    deep = cv2.imencode(".png", np.rot90(crowd).astype(np.uint16) * 257)[1].tobytes()
    answer = mix(me=hopper, crowd=deep, rotation="90", wait="1")
    assert boxes(answer)
    assert ["8 bits" in remark for remark in answer.json["remarks"]] == [True]


def test_my_own_photo_is_turned_as_well(mix: Mix, hopper: Image, crowd: Image) -> None:
    lying = np.ascontiguousarray(np.rot90(hopper, -1))
    answer = mix(me=lying, me_rotation="270", crowd=crowd, wait="1")
    assert answer.json["faces"][0]["source"] == 1
    assert answer.json["faces"][0]["distance"] < 0.05


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"rotation": "45"}, 400, "bad_rotation"),
        ({"flip": "sideways"}, 400, "bad_flip"),
        ({"crop": "1,2,3"}, 400, "bad_crop"),
        ({"crop": "5000,5000,10,10"}, 400, "bad_crop"),
        ({"points": "1,2,3"}, 400, "bad_points"),
        ({"points": "[[1,"}, 400, "bad_field"),
        ({"points": "NaN,1"}, 400, "bad_field"),
        ({"points": f"1{'0' * 400},5"}, 400, "bad_field"),
        ({"crop": "1e308,0,1e308,10"}, 400, "bad_field"),
        ({"likeness": f"1{'0' * 400}"}, 400, "bad_field"),
        ({"likeness": "2"}, 400, "bad_field"),
        ({"likeness": "much"}, 400, "bad_field"),
        ({"max_distance": "-1"}, 400, "bad_field"),
        ({"max_turn": "200"}, 400, "bad_field"),
        ({"max_distance": "0.0001"}, 422, "nobody_near"),
        ({"preset": "Nobody's"}, 404, "no_such_preset"),
        ({"colour": "red"}, 400, "bad_setting"),
        ({"everyone": "perhaps"}, 400, "bad_field"),
        ({"format": "exe"}, 400, "bad_format"),
        ({"friend": b"no picture"}, 422, "not_a_picture"),
        ({"faces": [b"x"] * 21}, 413, "too_many_photos"),
    ],
)
def test_what_cannot_be_understood_has_a_sentence(
    mix: Mix, astronaut: Image, crowd: Image, fields: dict[str, Any], status: int, code: str
) -> None:
    answer = mix(**{"me": astronaut[:300, 100:400], "crowd": crowd, "wait": "1", **fields})
    assert answer.status_code == status, answer.text
    error = answer.json["error"]
    assert error["message"].endswith(".")
    assert error["code"] == code or code == "not_a_picture"


def test_photos_that_are_missing_or_without_a_face(mix: Mix, hopper: Image, crowd: Image) -> None:
    wall = np.full((300, 300, 3), 80, np.uint8)
    for fields, status, code, word in (
        ({"me": hopper}, 400, "no_crowd", "missing"),
        ({"me": hopper, "crowd": [crowd, crowd]}, 400, "no_crowd", "There are 2 photos"),
        ({"crowd": crowd}, 400, "no_source", "missing"),
        ({"me": hopper, "crowd": wall}, 422, "no_target_face", "crowd"),
        ({"me": wall, "crowd": crowd}, 422, "no_source_face", "me"),
    ):
        answer = mix(**fields, wait="1")
        assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
        assert word in answer.json["error"]["message"]
    for me, into, word in ((b"text", crowd, "“me”: "), (hopper, b"text", "“crowd”: ")):
        answer = mix(me=me, crowd=into, wait="1")
        assert answer.status_code == 422
        assert answer.json["error"]["message"].startswith(word)
    answer = mix(me=wall, friend=hopper, crowd=crowd, wait="1")
    assert answer.status_code == 200
    assert "No face was found on “me”." in answer.json["remarks"][0]


def test_a_failed_mix_says_so_at_both_addresses(
    mix: Mix, client: FlaskClient, services: Services, hopper: Image
) -> None:
    answer = mix(me=hopper, crowd=np.full((300, 300, 3), 80, np.uint8))
    assert answer.status_code == 202
    services.jobs.wait(answer.json["id"], 60)
    assert client.get(answer.json["job"]).json["error"]["code"] == "no_target_face"
    assert client.get(answer.json["file"]).status_code == 422


def test_people_who_do_not_want_it_are_refused(
    mix: Mix, services: Services, hopper: Image, crowd: Image
) -> None:
    enrolled = services.enrolment.enrol(decode_photo(jpeg(hopper)), PersonName.parse("Grace Hopper"))
    services.people.set_no_swap(enrolled.person.id, True)
    answer = mix(me=hopper, crowd=crowd, wait="1")
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "no_swap")
    assert "Grace Hopper" in answer.json["error"]["message"]


# -- addresses --------------------------------------------------------------------------------------


@pytest.fixture
def cameras(services: Services, hopper: Image, crowd: Image) -> Iterator[dict[str, CameraServer]]:
    """One that shows Grace Hopper and one that shows the crowd; both are allowed."""
    made = {"me": CameraServer(photo=jpeg(hopper)), "crowd": CameraServer(photo=jpeg(crowd))}
    for name, camera in made.items():
        services.cameras.add(name, f"{camera.address}/shot.jpg")
    yield made
    for camera in made.values():
        camera.close()


def test_allowed_addresses_are_fetched(client: FlaskClient, cameras: dict[str, CameraServer]) -> None:
    body = {role: f"{camera.address}/shot.jpg" for role, camera in cameras.items()}
    answer = client.post("/create_mix", json={**body, "wait": True, "likeness": 0.5, "points": []})
    assert answer.status_code == 200, answer.text
    assert answer.json["faces"][0]["source"] == 1
    by_name = client.post("/create_mix", json={"faces": ["me"], "crowd": "Crowd"}, query_string={"wait": "1"})
    assert by_name.json["boxes"] == answer.json["boxes"]


def test_no_other_address_is_asked(
    client: FlaskClient, cameras: dict[str, CameraServer], services: Services, tmp_path: Path, hopper: Image
) -> None:
    file = tmp_path / "grace.jpg"
    file.write_bytes(jpeg(hopper))
    crowd = f"{cameras['crowd'].address}/shot.jpg"
    for address in (
        f"{cameras['me'].address}/other.jpg",
        f"{cameras['me'].address}/shot.jpg?x=1",
        file.as_uri(),
        str(file),
        "http://169.254.169.254/latest/meta-data",
    ):
        for body in ({"me": address, "crowd": crowd}, {"me": crowd, "crowd": address}):
            cameras["me"].asked.clear()
            answer = client.post("/create_mix", json=body)
            assert (answer.status_code, answer.json["error"]["code"]) == (403, "camera_not_allowed")
            assert cameras["me"].asked == []
    assert services.jobs.all() == []


@pytest.mark.parametrize("body", [[], "text", {"me": 7, "crowd": "crowd"}, {"me": {}, "crowd": "crowd"}])
def test_json_of_another_shape(client: FlaskClient, cameras: dict[str, CameraServer], body: Any) -> None:
    answer = client.post("/create_mix", json=body)
    assert answer.status_code == 400
    assert answer.json["error"]["message"].endswith(".")


def test_too_many_mixes_at_once(
    mix: Mix, services: Services, hopper: Image, crowd: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    services.jobs.submit("test", "Waits", lambda _: gate.wait(60))
    try:
        answers = [mix(me=hopper, crowd=crowd) for _ in range(9)]
        assert [answer.status_code for answer in answers] == [202] * 8 + [503]
        for answer in answers[:8]:
            services.jobs.cancel(answer.json["id"])
    finally:
        gate.set()
    end = time.monotonic() + 30
    while any(not job.finished for job in services.jobs.all()) and time.monotonic() < end:
        time.sleep(0.02)
    assert mix(me=hopper, crowd=crowd, wait="1").status_code == 200


# -- videos -----------------------------------------------------------------------------------------


@pytest.fixture
def clip(tmp_path: Path, astronaut: Image, hopper: Image) -> Path:
    pictures = [scene(astronaut, hopper, number, (320, 180)) for number in range(12)]
    return write_clip(tmp_path / "party.mp4", pictures)


def fetched(address: str, data: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    """An answer of a real port: its status and bytes."""
    asked = urllib.request.Request(address, data, dict(headers))
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


def uploads(**files: tuple[str, bytes]) -> tuple[bytes, str]:
    """The body of a multipart request, and its type."""
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n\r\n'.encode() + data
        for name, (file, data) in files.items()
    ]
    return b"\r\n".join([*parts, b"--x--\r\n"]), "multipart/form-data; boundary=x"


def test_a_video_is_a_job_with_a_file_over_real_http(
    server: RestServer, services: Services, hopper: Image, clip: Path, tmp_path: Path
) -> None:
    body, kind = uploads(me=("me.jpg", jpeg(hopper)), crowd=("party.mp4", clip.read_bytes()))
    status, data = fetched(f"{server.address}/create_mix?wait=0", body, **{"Content-Type": kind})
    started = json.loads(data)
    assert status == 202, data
    end = time.monotonic() + 60
    seen = set()
    while (job := json.loads(fetched(server.address + started["job"])[1]))["state"] != "succeeded":
        assert job["error"] is None and time.monotonic() < end, job
        seen.add((job["done"], job["total"]))
        time.sleep(0.01)
    assert len(seen) > 2, "it says how far it is"
    assert job["result"]["out"] == started["file"] and job["result"]["target"] == "crowd"
    assert (job["result"]["frames"], job["result"]["swapped_frames"]) == (12, 12)
    status, file = fetched(server.address + started["file"])
    assert status == 200
    (tmp_path / "out.mp4").write_bytes(file)
    assert len(times(tmp_path / "out.mp4")) == 12
    assert not list(services.paths.data.rglob("*party*")), "the upload goes with its job"


def test_the_answer_for_a_video(mix: Mix, client: FlaskClient, hopper: Image, clip: Path) -> None:
    choices = {"points": "0.19,0.21", "everyone": "1", "format": "mkv"}
    answer = mix(me=hopper, crowd=clip.read_bytes(), wait="1", **choices)
    assert answer.status_code == 200, answer.text
    assert answer.json["title"] == "12 of 12 frames swapped"
    assert [person["source"] for person in answer.json["video"]["people"]].count(1) == 1
    assert (answer.json["boxes"], answer.json["faces"]) == (None, None)
    file = client.get(answer.json["file"])
    assert (file.status_code, file.mimetype) == (200, "video/x-matroska")


def test_what_is_refused_of_videos(
    mix: Mix, services: Services, hopper: Image, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = clip.read_bytes()
    for fields, status, code in (
        ({"rotation": "90"}, 400, "photo_only"),
        ({"format": "jpg"}, 400, "bad_format"),
        ({"crowd": video[:2000]}, 422, "video_unreadable"),
        ({"crowd": [video, video]}, 400, "no_crowd"),
        ({"points": "1"}, 400, "bad_points"),
        ({"me": np.full((200, 200, 3), 9, np.uint8), "wait": "1"}, 422, "no_source_face"),
    ):
        answer = mix(**{"me": hopper, "crowd": video, **fields})
        assert (answer.status_code, answer.json["error"]["code"]) == (status, code), fields
        assert answer.json["error"]["message"].endswith(".")
    for limit, value in (("MOST_SECONDS", 0.1), ("MOST_PIXELS", 1000)):
        with monkeypatch.context() as smaller:
            smaller.setattr(rest_swap, limit, value)
            answer = mix(me=hopper, crowd=video)
        assert (answer.status_code, answer.json["error"]["code"]) == (413, "video_too_large")
    kept = [path for path in (services.paths.data / "results").rglob("*") if path.is_file()]
    assert kept == []


@pytest.mark.parametrize("start", ["#EXTM3U\n#EXTINF:1,\n{}\n", "ffconcat version 1.0\nfile {}\n"])
def test_a_list_of_files_is_no_video(client: FlaskClient, hopper: Image, clip: Path, start: str) -> None:
    playlist = start.format(clip).encode()
    for name in ("party.mp4", "party.m3u8", "party.ffconcat"):
        files = {"me": (io.BytesIO(jpeg(hopper)), "me.jpg"), "crowd": (io.BytesIO(playlist), name)}
        assert client.post("/create_mix", data={**files, "wait": "1"}).status_code == 422


def test_a_large_result_is_sent_in_parts_to_who_asks(
    server: RestServer, mix: Mix, hopper: Image, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = mix(me=hopper, crowd=clip.read_bytes(), wait="1")
    whole = fetched(server.address + answer.json["file"])[1]
    monkeypatch.setattr(results, "LARGE", 100)
    assert fetched(server.address + answer.json["file"]) == (200, whole)
    assert fetched(server.address + answer.json["file"], Range="bytes=10-19") == (206, whole[10:20])
