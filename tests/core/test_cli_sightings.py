"""`cameras`, `sightings`, `attendance` and `groups` as `main.py` runs them, in processes of their own."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from made_sightings import START, make, new_visitor

from db.store import SqlStore, open_store

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A library: Ann was there in time, Bob late, Cy not; and a visitor."""
    folder = tmp_path / "data"
    folder.mkdir()
    with open_store(folder / "library.sqlite3", folder / "backups") as store:
        _fill(store)
    return folder


def _fill(store: SqlStore) -> None:
    ann, bob, _ = (store.add_person(name) for name in ("Ann Lee", "Bob", "Cy"))
    store.add_sighting(make(1, ann.id))
    store.add_sighting(make(30, bob.id, source="hall"))
    store.add_sighting(make(40, None, new_visitor(store)))


def run(data: Path, *words: object, status: int = 0) -> str:
    ended = subprocess.run(
        [sys.executable, str(REPOSITORY / "main.py"), *map(str, words)],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "FACEAPP_DATA_DIR": str(data)},
    )  # fmt: skip
    assert ended.returncode == status, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout if status == 0 else ended.stdout + ended.stderr


def document(data: Path, *words: object) -> Any:
    return json.loads(run(data, *words, "--json"))


def test_cameras(data: Path) -> None:
    assert "No camera" in run(data, "cameras")
    added = document(data, "cameras", "add", "Door", "http://me:secret@10.0.0.5/shot.jpg?key=secret")
    assert added == {"name": "Door", "address": "http://10.0.0.5/shot.jpg"}
    assert document(data, "cameras", "list") == document(data, "cameras") == [added]
    assert "secret" not in run(data, "cameras", "list")
    assert "has that name already." in run(data, "cameras", "add", "DOOR", "http://10.0.0.6/", status=1)
    assert "not the address of a camera." in run(data, "cameras", "add", "X", "file:///x", status=1)
    run(data, "cameras", "remove", "door")
    assert document(data, "cameras") == []


def test_sightings(data: Path, tmp_path: Path) -> None:
    found = document(data, "sightings", "list")
    assert [(one["person"] or {}).get("name", one["visitor"]) for one in found] == [1, "Bob", "Ann Lee"]
    assert found[2]["first"] == "2026-03-02T09:01:00+00:00"
    assert len(document(data, "sightings", "list", "--limit", 1)) == 1
    assert [one["source"] for one in document(data, "sightings", "list", "--person", "bob")] == ["hall"]
    assert len(document(data, "sightings", "list", "--to", "2026-03-02T09:30:00+00:00")) == 1
    assert "Visitor 1" in run(data, "sightings", "list", "--text", "visitor")
    rows = list(csv.DictReader(io.StringIO(run(data, "sightings", "list", "--csv"))))
    assert [row["person"] for row in rows] == ["", "Bob", "Ann Lee"]
    exported = document(data, "sightings", "export", tmp_path / "out.csv", "--source", "hall")
    assert exported["sightings"] == 1
    assert len((tmp_path / "out.csv").read_text("utf-8").splitlines()) == 2


def test_deleting_is_confirmed(data: Path) -> None:
    assert "3 sightings would be deleted for good." in run(data, "sightings", "delete", status=1)
    assert document(data, "sightings", "delete", "--source", "hall", "--yes") == {"deleted": 1}
    assert len(document(data, "sightings", "list")) == 2
    assert document(data, "sightings", "delete", "--yes") == {"deleted": 2}
    assert run(data, "sightings", "list") == "Nobody was seen.\n"


def test_attendance_and_groups(data: Path, tmp_path: Path) -> None:
    run(data, "groups", "save", "class", "Bob", "ann_lee", "Cy")
    assert [(group["name"], len(group["people"])) for group in document(data, "groups")] == [("class", 3)]
    period = ("--from", START.isoformat(), "--to", (START + timedelta(hours=1)).isoformat())
    roll = document(data, "attendance", *period, "--group", "CLASS")
    assert roll["group"] == "class"
    assert [row["state"] for row in roll["people"]] == ["present", "late", "absent"]
    relaxed = document(data, "attendance", *period, "--grace", 30)
    assert [row["state"] for row in relaxed["people"]] == ["present", "present", "absent"]
    rows = list(csv.reader(io.StringIO(run(data, "attendance", *period, "--csv"))))
    assert [row[1] for row in rows] == ["state", "present", "late", "absent"]
    assert datetime.fromisoformat(rows[1][2]).astimezone(UTC) == START + timedelta(minutes=1)
    run(data, "attendance", *period, "--out", tmp_path / "roll.html")
    assert "<td>Bob</td><td>late</td>" in (tmp_path / "roll.html").read_text("utf-8")
    assert "There is no group" in run(data, "attendance", *period, "--group", "x", status=1)
    run(data, "groups", "delete", "class")
    assert document(data, "groups") == []


@pytest.mark.parametrize("words", [
    ("attendance", "--from", "09:00"), ("attendance", "--from", "soon", "--to", "10:00"),
    ("attendance", "--from", "09:00", "--to", "10:00", "--grace", "x"),
    ("attendance", "--from", "09:00", "--to", "10:00", "--csv", "--json"),
    ("sightings",), ("sightings", "list", "--visitor", "0"), ("groups", "save", "x"), ("cameras", "add", "x"),
])  # fmt: skip
def test_wrong_usage(data: Path, words: tuple[str, ...]) -> None:
    assert "usage:" in run(data, *words, status=2)


def test_a_period_that_ends_before_it_begins(data: Path) -> None:
    assert "before it begins." in run(data, "attendance", "--from", "10:00", "--to", "09:00", status=1)


def test_a_port_that_is_open_sees_what_the_command_line_does(data: Path) -> None:
    """Two processes: a camera that is added, and sightings that are too old as the port opens."""
    (data / "settings.toml").write_text("keep_sightings_days = 1\n", "utf-8")
    command = [sys.executable, str(REPOSITORY / "main.py"), "serve", "--port", "0", "--json"]
    environment = {**os.environ, "FACEAPP_DATA_DIR": str(data)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as port:
        try:
            assert port.stdout is not None
            address = json.loads(port.stdout.readline())["address"]
            assert _get(address + "/cameras") == []
            run(data, "cameras", "add", "Door", "http://10.0.0.5/shot.jpg")
            assert [camera["name"] for camera in _get(address + "/cameras")] == ["Door"]
            end = time.monotonic() + 20
            while _get(address + "/sightings")["total"] and time.monotonic() < end:
                time.sleep(0.05)
            assert _get(address + "/sightings")["total"] == 0, "they are from months ago"
        finally:
            port.terminate()
            port.communicate(timeout=30)
    assert port.returncode == 0
    assert document(data, "sightings", "list") == []


def _get(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return json.load(answer)
