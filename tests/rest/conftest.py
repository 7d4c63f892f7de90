"""A client of the REST app in the same process, and a real port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from faceapp.rest.app import create_app
from faceapp.rest.server import RestServer
from faceapp.services import Services

Post = Callable[..., TestResponse]


@pytest.fixture
def client(services: Services) -> FlaskClient:
    app = create_app(services)
    app.test_client_class = ClosingClient
    return app.test_client()


class ClosingClient(FlaskClient):
    """Flask's test client keeps a large body in a temporary file that it never closes."""

    def open(self, *args: Any, **named: Any) -> TestResponse:
        answer = super().open(*args, **named)
        answer.request.environ["wsgi.input"].close()
        return answer


@pytest.fixture
def post(client: FlaskClient) -> Post:
    """post("/add", path, field="files", first_name="Ann"): one multipart request with a photo."""

    def send(address: str, photo: Path, field: str = "files", name: str = "", **fields: str) -> TestResponse:
        with photo.open("rb") as file:
            return client.post(address, data={field: (file, name or photo.name), **fields})

    return send


@pytest.fixture
def enrolled(post: Post, portrait_files: dict[str, Path]) -> dict[str, int]:
    """The two portraits, enrolled through the port: name -> image id."""
    people = {"astronaut": ("Eileen", "Collins"), "hopper": ("Grace", "Hopper")}
    images = {}
    for key, (first, last) in people.items():
        answer = post("/add", portrait_files[key], first_name=first, sur_name=last, face="1")
        assert answer.status_code == 202, answer.text
        images[f"{first} {last}"] = answer.json["image_id"]
    return images


@pytest.fixture
def server(services: Services) -> Iterator[RestServer]:
    """A real port, open."""
    rest = RestServer(services)
    rest.start(0)
    yield rest
    rest.stop()
