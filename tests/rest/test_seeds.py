"""/is_alive, /add, /search, /upload and /retrieval, as the documents they come from describe them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from made_photos import save
from werkzeug.test import TestResponse

from faceapp.opencv import cv2
from faceapp.rest.app import create_app
from faceapp.services import Services
from faceapp.types import Image

Post = Callable[..., TestResponse]


@pytest.fixture
def other_hopper(tmp_path: Path, hopper: Image) -> Path:
    """The portrait as another photo: mirrored, smaller and darker."""
    smaller = cv2.resize(hopper[:, ::-1], None, fx=0.6, fy=0.6)
    return save(tmp_path / "other.jpg", (smaller * 0.8).astype(np.uint8))


@pytest.fixture
def wall(tmp_path: Path) -> Path:
    return save(tmp_path / "wall.png", np.full((240, 320, 3), 127, np.uint8))


@pytest.fixture
def both(tmp_path: Path, astronaut: Image, hopper: Image) -> Path:
    """One photo with the two known people side by side."""
    height = min(len(astronaut), len(hopper))
    return save(tmp_path / "both.jpg", np.hstack([astronaut[:height], hopper[:height]]))


def test_is_alive(client: FlaskClient) -> None:
    answer = client.get("/is_alive")
    assert answer.status_code == 200
    assert answer.json["alive"] is True


@pytest.mark.parametrize("field", ["files", "file"])
def test_add_answers_202_with_an_image_id(
    post: Post, client: FlaskClient, portrait_files: dict[str, Path], field: str
) -> None:
    answer = post("/add", portrait_files["hopper"], field=field, first_name="Grace", sur_name="Hopper")
    assert answer.status_code == 202, answer.text
    image = client.get(f"/images/{answer.json['image_id']}")
    assert image.mimetype == "image/jpeg"
    shown = cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert min(shown.shape[:2]) > 50
    people = client.get("/people").json
    assert [(person["name"], person["photos"]) for person in people] == [("Grace Hopper", 1)]


def test_add_without_a_face_asks_for_a_clear_picture(post: Post, wall: Path, services: Services) -> None:
    answer = post("/add", wall, first_name="Nobody")
    assert answer.status_code == 422
    assert answer.json["error"]["code"] == "no_face"
    assert "clear picture of a person with the face looking at the camera" in answer.json["message"]
    assert services.people.find() == []


def test_add_without_a_name_or_a_file(
    post: Post, client: FlaskClient, portrait_files: dict[str, Path], services: Services
) -> None:
    assert post("/add", portrait_files["hopper"]).json["error"]["code"] == "no_name"
    answer = client.post("/add", data={"first_name": "Grace"})
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "no_file")
    assert services.people.find() == []


@pytest.mark.parametrize("address", ["/add", "/search", "/upload"])
def test_a_wrong_extension_is_refused(post: Post, portrait_files: dict[str, Path], address: str) -> None:
    answer = post(address, portrait_files["hopper"], name="hopper.exe", first_name="Grace")
    assert answer.status_code == 422
    assert "valid extension" in answer.json["message"]


def test_a_wrong_format_is_refused(post: Post, tmp_path: Path) -> None:
    fake = tmp_path / "fake.jpg"
    fake.write_text("this is no picture")
    answer = post("/add", fake, first_name="Grace")
    assert answer.status_code == 422
    assert answer.json["message"]


def test_the_same_photo_twice_is_refused(
    post: Post, enrolled: dict[str, int], portrait_files: dict[str, Path]
) -> None:
    answer = post("/add", portrait_files["hopper"], first_name="Grace", sur_name="Hopper", anyway="1")
    assert answer.json["error"]["code"] == "already_enrolled"


def test_what_speaks_against_a_photo_is_said_when_it_is_added_anyway(
    post: Post, enrolled: dict[str, int], other_hopper: Path
) -> None:
    refused = post("/add", other_hopper, first_name="Somebody")
    assert refused.json["error"]["code"] == "looks_like"
    added = post("/add", other_hopper, first_name="Somebody", anyway="1")
    assert added.json["message"] == "Somebody was added. This face looks like Grace Hopper, who is enrolled."


def test_search_names_a_known_person(post: Post, enrolled: dict[str, int], other_hopper: Path) -> None:
    answer = post("/search", other_hopper)
    assert answer.status_code == 200
    assert answer.json["name"] == "Grace Hopper"
    assert answer.json["image_url"] == f"/images/{enrolled['Grace Hopper']}"


def test_search_with_several_known_people(
    post: Post, client: FlaskClient, enrolled: dict[str, int], both: Path
) -> None:
    answer = post("/search", both)
    assert answer.json["message"] == "Found More Known Faces"
    assert sorted(answer.json["names"]) == ["Eileen Collins", "Grace Hopper"]
    assert client.get(answer.json["image_url"]).mimetype == "image/svg+xml"


def test_search_for_a_stranger(post: Post, portrait_files: dict[str, Path]) -> None:
    post("/add", portrait_files["astronaut"], first_name="Eileen", face="1")
    answer = post("/search", portrait_files["hopper"])
    assert (answer.status_code, answer.json["message"]) == (200, "Image Unknown")
    assert answer.json["faces"] == 1


def test_search_without_a_face_or_a_file(post: Post, client: FlaskClient, wall: Path) -> None:
    answer = post("/search", wall)
    assert answer.json["message"] == "Image Unknown"
    assert "No face" in answer.json["hint"]
    answer = client.post("/search")
    assert answer.status_code == 400
    assert "No file was inserted yet" in answer.json["message"]


def test_upload_and_retrieval(
    post: Post, client: FlaskClient, enrolled: dict[str, int], other_hopper: Path
) -> None:
    assert post("/upload", other_hopper).status_code == 201
    answer = client.get("/retrieval")
    assert answer.json["name"] == "Grace Hopper"
    assert client.get(answer.json["path_to_file"]).mimetype == "image/jpeg"


def test_two_clients_do_not_get_each_others_upload(
    services: Services,
    post: Post,
    enrolled: dict[str, int],
    portrait_files: dict[str, Path],
    client: FlaskClient,
) -> None:
    app = client.application
    first, second, plain = app.test_client(), app.test_client(), app.test_client(use_cookies=False)
    with portrait_files["astronaut"].open("rb") as file:
        one = first.post("/upload", data={"files": (file, "one.png")}).json["id"]
    with portrait_files["hopper"].open("rb") as file:
        other = second.post("/upload", data={"files": (file, "two.jpg")}).json["id"]
    assert first.get("/retrieval").json["name"] == "Eileen Collins"
    assert second.get("/retrieval").json["name"] == "Grace Hopper"
    assert plain.get(f"/retrieval?id={one}").json["name"] == "Eileen Collins"
    assert plain.get(f"/retrieval?id={other}").json["name"] == "Grace Hopper"
    assert plain.get("/retrieval").json["name"] == "Grace Hopper"  # the newest


def test_retrieval_without_an_upload_or_without_people(
    services: Services, post: Post, client: FlaskClient, portrait_files: dict[str, Path]
) -> None:
    assert create_app(services).test_client().get("/retrieval").status_code == 404
    assert client.get("/retrieval?id=nothing").json["error"]["code"] == "no_upload"
    post("/upload", portrait_files["hopper"])
    assert client.get("/retrieval").json["error"]["code"] == "empty_library"
