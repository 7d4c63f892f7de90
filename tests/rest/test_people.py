"""People, their images, recognition and jobs over REST."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from faceapp.jobs import JobContext
from faceapp.services import Services

Post = Callable[..., TestResponse]


def test_people_by_name_by_text_and_by_image(client: FlaskClient, enrolled: dict[str, int]) -> None:
    everybody = client.get("/people").json
    assert [person["name"] for person in everybody] == ["Eileen Collins", "Grace Hopper"]
    by_name = client.get("/people", query_string={"name": "grace_HOPPER"}).json
    assert [person["name"] for person in by_name] == ["Grace Hopper"]
    assert by_name[0]["images"] == [
        {"id": enrolled["Grace Hopper"], "url": f"/images/{enrolled['Grace Hopper']}"}
    ]
    by_image = client.get("/people", query_string={"image": enrolled["Eileen Collins"]}).json
    assert [person["name"] for person in by_image] == ["Eileen Collins"]
    assert [person["name"] for person in client.get("/people?text=coll").json] == ["Eileen Collins"]
    assert [person["name"] for person in client.get("/people?limit=1&offset=1").json] == ["Grace Hopper"]
    assert client.get("/people?name=Ada").json == []
    one = client.get(f"/people/{everybody[0]['id']}").json
    assert (one["first_name"], one["surname"]) == ("Eileen", "Collins")


def test_rename_delete_and_undo(client: FlaskClient, enrolled: dict[str, int]) -> None:
    grace = client.get("/people?text=grace").json[0]["id"]
    renamed = client.patch(f"/people/{grace}", json={"name": "Grace Brewster Hopper", "note": "admiral"}).json
    assert (renamed["first_name"], renamed["surname"], renamed["note"]) == (
        "Grace",
        "Brewster Hopper",
        "admiral",
    )
    clash = client.patch(f"/people/{grace}", json={"name": "Eileen Collins"})
    assert clash.status_code == 409
    assert client.delete(f"/people/{grace}").json["deleted"][0]["name"] == "Grace Brewster Hopper"
    assert client.get(f"/people/{grace}").status_code == 404
    assert client.post("/undo").json["undone"]
    assert client.get(f"/people/{grace}").json["note"] == "admiral"


def test_forget_is_for_good_and_takes_deleted_people(client: FlaskClient, enrolled: dict[str, int]) -> None:
    grace, eileen = (client.get(f"/people?text={text}").json[0]["id"] for text in ("grace", "eileen"))
    client.delete(f"/people/{grace}")
    gone = client.post(f"/people/{grace}/forget").json
    assert (gone["forgotten"], gone["faces"], gone["wiped"]) == (["Grace Hopper"], 0, True)
    assert client.post("/undo").status_code == 409
    assert client.post(f"/people/{grace}/forget").status_code == 404
    assert client.get(f"/images/{enrolled['Grace Hopper']}").status_code == 404
    assert client.post(f"/people/{eileen}/forget").json["faces"] == 1
    assert client.get("/people").json == []


def test_a_face_that_must_not_be_swapped(client: FlaskClient, enrolled: dict[str, int]) -> None:
    grace = client.get("/people?text=grace").json[0]["id"]
    address = f"/people/{grace}"
    assert client.get(address).json["no_swap"] is False
    assert client.patch(address, json={"no_swap": True}).json["no_swap"] is True
    renamed = client.patch(address, json={"note": "did not agree"}).json
    assert (renamed["no_swap"], renamed["note"]) == (True, "did not agree")
    for wrong in ("yes", 1, None, []):
        refused = client.patch(address, json={"no_swap": wrong, "note": "changed"})
        assert refused.status_code == 400
        assert refused.json["error"]["code"] == "bad_switch"
    assert client.get(address).json["note"] == "did not agree", "nothing of a refused change is kept"
    client.post("/undo")
    assert client.post("/undo").json["undone"] == "Nobody may swap the face of Grace Hopper."
    assert client.get(address).json["no_swap"] is False


def test_merge(client: FlaskClient, enrolled: dict[str, int]) -> None:
    into, other = (person["id"] for person in client.get("/people").json)
    merged = client.post("/people/merge", json={"into": into, "from": [other]}).json
    assert {image["id"] for image in merged["images"]} == set(enrolled.values())
    assert len(client.get("/people").json) == 1


@pytest.mark.parametrize(
    "body",
    [{"into": 1}, {"into": "1", "from": [2]}, {"into": 1, "from": []}, {"into": 1, "from": [2**70]}, [], "x",
     {"into": True, "from": [1]}, {"into": 1, "from": [2], "more": 3}],
)  # fmt: skip
def test_a_wrong_body_is_refused_with_a_sentence(client: FlaskClient, body: object) -> None:
    answer = client.post("/people/merge", json=body)
    assert answer.status_code == 400
    assert answer.json["error"]["message"]


@pytest.mark.parametrize("name", ["", " ", "\x00", "a\x00b", "\udcff", "x" * 5000, 7, None])
def test_a_hostile_name_is_refused(client: FlaskClient, enrolled: dict[str, int], name: object) -> None:
    grace = client.get("/people?text=grace").json[0]["id"]
    answer = client.patch(f"/people/{grace}", json={"name": name})
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json["error"]["message"]
    assert client.get(f"/people/{grace}").json["name"] == "Grace Hopper"


@pytest.mark.parametrize(
    "address",
    ["/people/0", "/people/99999", f"/people/{2**63}", f"/images/{2**64}", "/images/7", "/people/x",
     "/jobs/x", "/people?image=5", "/images/../../etc/passwd", "/nothing"],
)  # fmt: skip
def test_what_is_not_there(client: FlaskClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert answer.json["error"]["code"]


@pytest.mark.parametrize("query", ["limit=-1", "offset=x", "image=1e3", f"limit={10**30}"])
def test_a_wrong_number_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/people?{query}").status_code == 400


def test_lookalike_and_recognise_have_the_shapes_of_the_command_line(
    post: Post, enrolled: dict[str, int], portrait_files: dict[str, Path]
) -> None:
    faces = post("/lookalike", portrait_files["hopper"], top="2").json["faces"]
    assert [match["person"] for match in faces[0]["matches"]] == ["Grace Hopper", "Eileen Collins"]
    assert set(faces[0]["matches"][0]) == {"person", "distance", "percentile", "photo"}
    assert len(faces[0]["box"]) == 4
    photos = post("/recognise", portrait_files["hopper"]).json
    assert photos[0]["photo"] == "grace_hopper.jpg"
    assert [face["person"] for face in photos[0]["faces"]] == ["Grace Hopper"]
    assert post("/lookalike", portrait_files["hopper"], top="0").status_code == 400


def test_a_job_is_seen_and_stopped(client: FlaskClient, services: Services) -> None:
    started = threading.Event()

    def body(context: JobContext) -> None:
        while True:
            context.progress(3, 10, "Working")
            started.set()
            threading.Event().wait(0.01)

    job = services.jobs.submit("import", "Import people", body)
    assert started.wait(10)
    seen = client.get(f"/jobs/{job.id}").json
    assert (seen["state"], seen["done"], seen["total"], seen["message"]) == ("running", 3, 10, "Working")
    assert [entry["id"] for entry in client.get("/jobs").json] == [job.id]
    assert client.delete(f"/jobs/{job.id}").status_code == 202
    services.jobs.wait(job.id, 10)
    assert client.get(f"/jobs/{job.id}").json["state"] == "cancelled"
