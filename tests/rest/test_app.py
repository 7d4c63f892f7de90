"""What holds for every address: one envelope, limits, and no foreign callers."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from oddfiles import make_odd_files
from werkzeug.test import TestResponse

from faceapp.rest.app import create_app
from faceapp.services import Services

Post = Callable[..., TestResponse]

PAGE = Path(__file__).parents[2] / "docs" / "rest.md"


def test_the_page_of_the_port_names_every_address_and_no_other(client: FlaskClient) -> None:
    rules = client.application.url_map.iter_rules()
    served = {
        f"{method} {re.sub('<.*?>', '<id>', rule.rule)}"
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    named = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`?]*)", PAGE.read_text(encoding="utf-8")))
    assert named == served


def test_errors_of_flask_have_the_envelope(client: FlaskClient) -> None:
    wrong_method = client.get("/add")
    assert wrong_method.status_code == 405
    assert "POST" in wrong_method.headers["Allow"]
    not_json = client.patch("/people/1", data="name=x")
    assert not_json.status_code == 415
    broken_json = client.post("/people/merge", data="{", content_type="application/json")
    assert broken_json.status_code == 400
    for answer in (wrong_method, not_json, broken_json, client.get("/nothing")):
        assert set(answer.json["error"]) == {"code", "message", "hint"}
        assert answer.json["error"]["message"].endswith(".")


def test_a_bug_is_no_traceback(
    services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(services.people, "find", broken)
    answer = create_app(services).test_client().get("/people", headers={"X-Request-Id": "my-request"})
    assert answer.status_code == 500
    assert answer.json["error"]["code"] == "internal"
    assert "my-request" in answer.json["error"]["message"]
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert any("ZeroDivisionError" in str(record.exc_info) for record in caplog.records)


def test_every_answer_has_a_request_id(client: FlaskClient) -> None:
    assert client.get("/is_alive", headers={"X-Request-Id": "abc-1"}).headers["X-Request-Id"] == "abc-1"
    strange = client.get("/is_alive", headers={"X-Request-Id": "a b<script>"}).headers["X-Request-Id"]
    assert strange
    assert "<" not in strange
    assert client.get("/is_alive").headers["X-Request-Id"] != client.get("/is_alive").headers["X-Request-Id"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "192.168.1.5:8765", ""]
)
def test_a_foreign_host_is_refused(client: FlaskClient, host: str) -> None:
    answer = client.get("/people", headers={"Host": host})
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "foreign_host")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8765", "localhost:8765", "LOCALHOST", "[::1]:8765"])
def test_this_computer_is_served(client: FlaskClient, host: str) -> None:
    assert client.get("/is_alive", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:3000", "http://127.0.0.1"]
)
def test_a_page_from_elsewhere_is_refused(client: FlaskClient, origin: str) -> None:
    answer = client.post("/undo", headers={"Host": "127.0.0.1:8765", "Origin": origin})
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "foreign_origin")


def test_the_own_origin_is_served(client: FlaskClient) -> None:
    headers = {"Host": "127.0.0.1:8765", "Origin": "http://127.0.0.1:8765"}
    assert client.get("/is_alive", headers=headers).status_code == 200


def test_an_upload_above_the_limit_is_refused(client: FlaskClient, services: Services) -> None:
    services.settings.current = replace(services.settings.current, upload_limit_mb=1)
    large = io.BytesIO(b"\xff\xd8\xff" + bytes(1024 * 1024))
    answer = client.post("/search", data={"files": (large, "large.jpg")})
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")
    small = io.BytesIO(b"\xff\xd8\xff" + bytes(1000))
    assert client.post("/search", data={"files": (small, "small.jpg")}).status_code == 422
    # The first addresses, and /build_recognizer, have the sentence where their clients look.
    for address, field in (("/upload", "files"), ("/morph", "files"), ("/build_recognizer", "images")):
        large = io.BytesIO(bytes(1024 * 1024))
        answer = client.post(address, data={field: (large, "large.jpg")})
        assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")
        assert answer.json["message"].startswith("The upload is larger than the limit.")
    assert (answer.json["status"], answer.json["id"]) == (1, None)


def test_several_files_at_once_are_refused(client: FlaskClient) -> None:
    files = [(io.BytesIO(b"1"), "1.jpg"), (io.BytesIO(b"2"), "2.jpg")]
    answer = client.post("/recognise", data={"files": files})
    assert answer.json["error"]["code"] == "several_files"


def test_no_path_or_address_is_opened(client: FlaskClient, portrait_files: dict[str, Path]) -> None:
    for value in (
        str(portrait_files["hopper"]),
        portrait_files["hopper"].as_uri(),
        "http://127.0.0.1:1/x.jpg",
    ):
        for answer in (
            client.post("/recognise", data={"files": value, "file": value, "path": value}),
            client.post("/recognise", json={"files": value, "img": value}),
        ):
            assert answer.json["error"]["code"] == "no_file"


@pytest.mark.parametrize(
    "name",
    ["../../../x.jpg", "..\\..\\x.jpg", "/etc/passwd.jpg", "a" * 5000 + ".jpg", "x.\x00jpg.png", "C:\\x.jpg",
     "-rf.jpg", "x.jpg\r\nX-Evil: 1"],
)  # fmt: skip
def test_a_hostile_file_name_stays_a_name(
    post: Post, services: Services, portrait_files: dict[str, Path], name: str
) -> None:
    answer = post("/add", portrait_files["hopper"], name=name, first_name="Grace")
    assert answer.status_code in (202, 400, 422), answer.text
    kept = [path for path in services.paths.data.parent.rglob("*") if path.suffix in (".jpg", ".png")]
    assert all(services.paths.photos in path.parents for path in kept)


def test_odd_files_end_in_a_result_or_a_sentence(
    tmp_path: Path, client: FlaskClient, portrait_files: dict[str, Path]
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    expected = make_odd_files(folder, portrait_files["hopper"])
    sent = 0
    for name, outcome in expected.items():
        path = folder / name
        if not path.is_file():
            continue
        answer = client.post("/recognise", data={"files": (io.BytesIO(_bytes(path)), "odd.jpg")})
        if outcome == "photo":
            assert answer.status_code == 200, (name, answer.text)
            assert isinstance(answer.json[0]["faces"], list)
        elif answer.status_code != 200:
            assert answer.status_code in (400, 413, 422), (name, answer.text)
            assert answer.json["error"]["message"].endswith("."), name
        sent += 1
    assert sent >= 50


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except PermissionError:
        return b""
