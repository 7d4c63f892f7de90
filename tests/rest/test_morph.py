"""/morph after /upload and /retrieval, and with photos of its own; /between."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image as Pillow
from werkzeug.test import TestResponse

from faceapp.opencv import cv2
from faceapp.services import Services
from faceapp.types import Image

Post = Callable[..., TestResponse]
SMALL = {"size": "96", "frames": "5", "seconds": "0.5"}


def send(client: FlaskClient, paths: list[Path], **fields: Any) -> TestResponse:
    files = [(io.BytesIO(path.read_bytes()), path.name) for path in paths]
    return client.post("/morph", data={"files": files, **fields})


@pytest.fixture
def two(portrait_files: dict[str, Path]) -> list[Path]:
    return [portrait_files["astronaut"], portrait_files["hopper"]]


@pytest.fixture
def other_hopper(tmp_path: Path, hopper: Image) -> Path:
    path = tmp_path / "other.jpg"
    cv2.imwrite(str(path), cv2.resize(hopper[:, ::-1], None, fx=0.6, fy=0.6))
    return path


def test_the_upload_is_morphed_with_its_lookalike(
    post: Post, client: FlaskClient, enrolled: dict[str, int], other_hopper: Path, services: Services
) -> None:
    assert post("/upload", other_hopper).status_code == 201
    assert client.get("/retrieval").json["name"] == "Grace Hopper"
    answer = client.get("/morph", query_string={**SMALL, "format": "gif"})
    assert answer.status_code == 202, answer.text
    assert client.get(answer.json["file"]).status_code in (200, 409)
    assert services.jobs.wait(answer.json["id"], 60).error is None
    job = client.get(answer.json["job"]).json
    assert (job["kind"], job["state"]) == ("morph", "succeeded")
    assert job["result"]["frames"] == 5 and job["result"]["out"] == answer.json["file"]
    assert job["result"]["photos"] == ["other.jpg", "Grace Hopper"]
    file = client.get(answer.json["file"])
    assert file.mimetype == "image/gif"
    with Pillow.open(io.BytesIO(file.data)) as film:
        assert (film.n_frames, film.size) == (5, (96, 96))


def test_two_uploads_in_one_request_answer_with_the_file(client: FlaskClient, two: list[Path]) -> None:
    answer = send(client, two, wait="1", **SMALL)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "video/mp4"
    assert answer.data[4:8] == b"ftyp"
    picture = send(client, two, wait="1", size="96", average="1", background="#ff0000")
    assert picture.mimetype == "image/png"
    shown = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (96, 96, 3)
    assert shown[2, 2, 2] > 180
    assert shown[2, 2, 0] < 90


def test_a_picture_has_a_place_of_its_own(client: FlaskClient, two: list[Path]) -> None:
    first, near, middle = (
        cv2.imdecode(np.frombuffer(answer.data, np.uint8), cv2.IMREAD_COLOR).astype(int)
        for answer in (
            send(client, two, wait="1", size="96", format="png", **place)
            for place in ({"place": "0"}, {"place": "0.1"}, {})
        )
    )
    assert 0 < np.abs(near - first).mean() < 0.5 * np.abs(middle - first).mean()
    for fields in ({"place": "0.1"}, {"place": "0.1", "average": "1"}, {"place": "3", "format": "png"}):
        answer = send(client, two, size="96", **fields)
        assert (answer.status_code, "place" in answer.json["error"]["code"]) == (400, True)


def test_one_frame_is_a_picture_and_names_are_no_paths(
    client: FlaskClient, two: list[Path], services: Services
) -> None:
    files = [(io.BytesIO(path.read_bytes()), f"../../etc/{path.name}") for path in two]
    answer = client.post("/morph", data={"files": files, "size": "96", "frames": "1"})
    assert answer.status_code == 202
    assert services.jobs.wait(answer.json["id"], 60).error is None
    file = client.get(answer.json["file"])
    assert (file.status_code, file.mimetype) == (200, "image/png")
    assert client.get(answer.json["job"]).json["result"]["photos"] == [path.name for path in two]


def test_a_latent_morph_is_of_the_uploaded_face(
    client: FlaskClient, two: list[Path], post: Post, services: Services, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Of several faces on a photo the one that was looked up is meant, not the biggest."""
    first, second = (cv2.imread(str(path)) for path in two)
    both = np.full((620, 1500, 3), 127, np.uint8)
    small = cv2.resize(first[:300], None, fx=0.7, fy=0.7)
    both[: small.shape[0], 900 : 900 + small.shape[1]] = small
    both[: min(620, second.shape[0]), : min(800, second.shape[1])] = second[:620, :800]
    group = tmp_path / "group.png"
    cv2.imwrite(str(group), both)
    assert post("/add", two[1], first_name="Grace", sur_name="Hopper", face="1").status_code == 202
    assert post("/upload", group).status_code == 201
    seen: list[Any] = []
    start = services.morphs.start_latent

    def listening(photos: Any, out: Any, route: str, settings: Any, faces: Any, **other: Any) -> Any:
        seen.append(faces)
        return start(photos, out, route, settings, faces, **other)

    monkeypatch.setattr(services.morphs, "start_latent", listening)
    answer = client.get("/morph?latent=pca&format=png&size=96&wait=1")
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    assert len(seen[0]) == 2 and None not in seen[0]


def test_one_upload_is_morphed_with_its_lookalike_at_once(
    client: FlaskClient, enrolled: dict[str, int], other_hopper: Path
) -> None:
    answer = send(client, [other_hopper], wait="1", format="png", size="96")
    assert (answer.status_code, answer.mimetype) == (200, "image/png")


def test_refusals_have_their_sentence(
    client: FlaskClient, two: list[Path], tmp_path: Path, post: Post, services: Services
) -> None:
    answer = client.get("/morph")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "no_upload")
    assert answer.json["message"].startswith("There is no such upload.")
    assert post("/upload", two[1]).status_code == 201
    assert client.get("/morph").json["error"]["code"] == "empty_library"
    wall = tmp_path / "wall.png"
    cv2.imwrite(str(wall), np.full((120, 120, 3), 90, np.uint8))
    assert send(client, [two[0], wall], wait="1", **SMALL).json["error"]["code"] == "no_face"
    for field, value in (("frames", "0"), ("size", "9"), ("shape", "x"), ("format", "avi"), ("wait", "soon")):
        answer = send(client, two, **{field: value})
        assert answer.status_code == 400, (field, answer.text)
    for fields in ({"frames": "1", "format": "mp4"}, {"average": "1", "format": "gif"}):
        answer = send(client, two, **fields)
        assert (answer.status_code, answer.json["error"]["code"]) == (400, "bad_format")
        assert "“format” is png" in answer.json["message"]
    empty = tmp_path / "empty.jpg"
    empty.touch()
    assert send(client, [two[0], empty]).json["message"].startswith("“empty.jpg”: The file is empty.")
    assert send(client, two, size="2048", frames="2000").status_code == 413
    assert client.post("/morph", json={"frames": 4}).json["error"]["code"] == "form_wanted"
    assert send(client, two, background="transparent", wait="1").json["error"]["code"] == "not_transparent"


def test_between_names_the_pair(
    post: Post, client: FlaskClient, enrolled: dict[str, int], two: list[Path], tmp_path: Path
) -> None:
    picture = send(client, two, wait="1", format="png", size="400")
    path = tmp_path / "mix.png"
    path.write_bytes(picture.data)
    best = post("/between", path).json["pairs"][0]
    assert sorted(best["people"]) == ["Eileen Collins", "Grace Hopper"]
    assert best["suspicious"] is True
