"""The builder's addresses: an upload over real HTTP, and what is refused."""

from __future__ import annotations

import io
import json
import time
import urllib.error
import urllib.request
import zipfile
from typing import Any

import pytest
from flask.testing import FlaskClient
from made_people import NAMES, made_photos
from made_zips import zipped

from faceapp.build import archive
from faceapp.models.registry import Models
from faceapp.rest.server import RestServer
from faceapp.types import Image

BOUNDARY = "faceapp-test-boundary"


def ask(
    address: str, files: list[tuple[str, str, bytes]] | None = None, **fields: str
) -> tuple[int, bytes]:
    """GET, or POST multipart where there are files: (field, name, data)."""
    body, headers = None, {}
    if files is not None:
        parts = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        for field, name, data in files:
            head = f'Content-Disposition: form-data; name="{field}"; filename="{name}"'
            parts.append(f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + data + b"\r\n")
        body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=120) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.mark.timeout(900)
def test_forty_photos_build_poll_download_predict(
    server: RestServer, models: Models, astronaut: Image, hopper: Image
) -> None:
    images = {"astronaut": astronaut, "hopper": hopper}
    photos = {key: made_photos(models, image, 20) for key, image in images.items()}
    # Half of them as files with a folder or a number in the name, the others in a zip.
    files = [("images", f"Eileen_Collins/{n}.jpg", data) for n, data in enumerate(photos["astronaut"][:10])]
    files += [("images", f"Grace_Hopper_{n}.jpg", data) for n, data in enumerate(photos["hopper"][:10])]
    inside = {f"Eileen Collins/more-{n}.jpg": data for n, data in enumerate(photos["astronaut"][10:])}
    inside |= {f"Grace_Hopper/more-{n}.jpg": data for n, data in enumerate(photos["hopper"][10:])}
    files.append(("images", "more.zip", zipped(inside)))
    status, body = ask(f"{server.address}/build_recognizer", files, optimize="0", name="Forty")
    assert status == 202, body
    started = json.loads(body)
    assert started["status"] == 0
    # 40 photos are not read in this moment.
    assert ask(f"{server.address}/recognizers/{started['id']}")[0] == 404
    poll = f"{server.address}/is_available?id={started['id']}"
    seen: list[str] = []
    end = time.monotonic() + 800
    while True:
        status, body = ask(poll)
        found: dict[str, Any] = json.loads(body)
        assert status == 200, body
        seen.append(found["message"])
        if found["available"] or time.monotonic() > end:
            break
        assert found["state"] in ("waiting", "building")
        time.sleep(0.2)
    assert found["available"] == 1 and found["state"] == "ready" and found["verdict"]
    assert found["message"] == ""
    assert any("photos" in message.lower() for message in seen)
    status, body = ask(f"{server.address}/recognizers/{started['id']}")
    assert status == 200
    card = archive.read(body).card
    assert [known.name for known in card.people] == sorted(NAMES.values())
    assert card.data["photos"] == 40 and card.data["left_out"] == []
    with zipfile.ZipFile(io.BytesIO(body)) as file:
        assert "model.keras" in file.namelist()
    for key, image in images.items():
        new = made_photos(models, image, 1, seed=41)[0]
        status, body = ask(
            f"{server.address}/recognizers/{started['id']}/predict", [("files", "new.jpg", new)]
        )
        faces = json.loads(body)["faces"]
        assert [face["person"] for face in faces[:1]] == [NAMES[key]]
        assert faces[0]["people"][0]["confidence"] >= 0.5 > faces[0]["people"][1]["confidence"]
    assert json.loads(ask(f"{server.address}/is_available")[1])["id"] == started["id"]
    listed = json.loads(ask(f"{server.address}/recognizers")[1])
    assert [(one["id"], one["name"]) for one in listed] == [(started["id"], "Forty")]


Send = list[tuple[str, bytes]]


def post(client: FlaskClient, files: Send, **fields: str) -> Any:
    images = [(io.BytesIO(data), name) for name, data in files]
    return client.post("/build_recognizer", data={"images": images, **fields})


def grey(count: int) -> Send:
    """Pictures of one shade each."""
    import numpy as np

    from faceapp.opencv import cv2

    pictures = [np.full((50, 50, 3), 30 * shade, np.uint8) for shade in range(count)]
    return [(f"{'AB'[n % 2]}/{n}.png", bytes(cv2.imencode(".png", one)[1])) for n, one in enumerate(pictures)]


@pytest.mark.parametrize(
    ("files", "status", "code"),
    [
        ([], 400, "no_photos"),
        ([("Ann/1.jpg", b"x"), ("Ann/2.jpg", b"y"), ("Ann/3.jpg", b"z")], 400, "too_few_people"),
        ([("Ann/1.jpg", b"x"), ("Ben/1.jpg", b"y")], 400, "too_few_people"),
        ([("../../etc/Ann/1.jpg", b"x")], 400, "bad_file_name"),
        ([("all.zip", zipped({"../Ann/1.jpg": b"x"}))], 400, "bad_file_name"),
        ([("all.zip", zipped({"Ann/1.jpg": bytes(30_000_000)}))], 413, "zip_bomb"),
        ([("all.zip", b"PK\x03\x04 broken")], 400, "bad_zip"),
        ([("1.jpg", b"x")], 400, "no_name"),
        (grey(6), 422, "no_faces"),
    ],
    ids=["nothing", "one person", "one photo each", "path", "path in zip", "bomb", "broken zip", "no name",
         "no faces"],
)  # fmt: skip
def test_what_is_refused_has_a_sentence_and_a_status(
    client: FlaskClient, files: Send, status: int, code: str
) -> None:
    answer = post(client, files)
    assert answer.status_code == status, answer.text
    assert answer.json["status"] == 1 and answer.json["id"] is None
    assert answer.json["error"]["code"] == code
    assert answer.json["error"]["message"].endswith(".")
    assert client.get("/recognizers").json == []


@pytest.mark.parametrize(
    "fields", [{"optimize": "2"}, {"candidates": "0"}, {"seed": "-1"}, {"seconds": "1"}, {"seed": "9" * 30}]
)
def test_bad_fields(client: FlaskClient, fields: dict[str, str]) -> None:
    answer = post(client, grey(6), **fields)
    assert answer.status_code == 400 and answer.json["status"] == 1


def test_a_recogniser_that_is_not_there(client: FlaskClient) -> None:
    for address in ("/is_available", "/is_available?id=abc", "/recognizers/abc", "/recognizers/..",
                    "/recognizers/abc/card", "/is_available?id=../studies"):  # fmt: skip
        answer = client.get(address)
        assert answer.status_code == 404, address
        assert answer.json["error"]["message"].endswith(".")
    assert client.delete("/recognizers/abc").status_code == 404
    assert client.post("/recognizers/abc/predict").status_code == 404
    assert client.post("/recognizers/abc/use").status_code == 404
    assert client.post("/recognizers/none/use").json == {"using": None}
