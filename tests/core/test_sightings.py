"""Sightings as a service: visitors by their real faces, attendance, exports, retention."""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from faceapp.errors import BadRequest, Forbidden, NotFound, StoreUnavailable
from faceapp.live import NewSighting, Period, SightingFilter
from faceapp.services import Services
from faceapp.services.cameras import checked, hidden
from faceapp.services.retention import Retention
from faceapp.types import Floats, Image, Person

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Put = Callable[..., int]


@pytest.fixture
def put(services: Services) -> Put:
    """put(minute, person, ...): a sighting of one minute."""

    def record(
        minute: float,
        person: Person | None = None,
        visitor: int | None = None,
        embedding: Floats | None = None,
        source: str = "door",
        minutes: float = 1,
    ) -> int:
        vector = np.eye(128, dtype=np.float32)[int(minute) % 128] if embedding is None else embedding
        first = START + minute * MINUTE
        new = NewSighting(
            source, first, first + minutes * MINUTE, person.id if person else None, visitor, 0.1,
            services.analyser.model_key, vector, b"jpeg",
        )  # fmt: skip
        return services.sightings.record(new)

    return record


@pytest.fixture
def add(services: Services) -> Callable[[str], Person]:
    return services._store.add_person


def faces_of(services: Services, *images: Image) -> list[Floats]:
    found = [services.analyser.faces(image)[0].embedding for image in images]
    return [embedding for embedding in found if embedding is not None]


def test_a_stranger_who_comes_back_is_a_visitor(
    services: Services, put: Put, astronaut: Image, hopper: Image, add: Callable[[str], Person]
) -> None:
    """The real faces of two people, each seen again mirrored and dimmed."""
    dim = [np.ascontiguousarray((image[:, ::-1] * 0.8).astype(np.uint8)) for image in (astronaut, hopper)]
    eileen, grace, eileen_again, grace_again = faces_of(services, astronaut, hopper, *dim)
    sightings = services.sightings
    for minute, embedding in enumerate((eileen, grace)):
        assert sightings.visitor_for(embedding) is None
        put(minute, embedding=embedding)
    first = sightings.visitor_for(eileen_again)
    assert first is not None
    put(10, visitor=first, embedding=eileen_again)
    assert [seen.visitor for seen in sightings.find()] == [first, None, first], "both have the number"
    assert sightings.visitor_for(eileen) == first
    second = sightings.visitor_for(grace_again)
    assert second not in (None, first)
    person = add("Eileen")
    assert sightings.name_visitor(first, person.id) == 2
    assert [seen.person for seen in sightings.find(SightingFilter(visitor=first))] == [person, person]
    assert sightings.visitor_for(eileen_again) == first, "later ones are hers as well"
    assert sightings.visitor_person(first) == person
    put(20, visitor=first, embedding=eileen_again)
    assert sightings.find(limit=1)[0].person == person


def test_another_model_s_strangers_are_not_compared(services: Services, put: Put) -> None:
    vector = np.eye(128, dtype=np.float32)[0]
    new = NewSighting("door", START, START, None, None, None, "another", vector, b"jpeg")
    services.sightings.record(new)
    assert services.sightings.visitor_for(vector) is None


def test_a_deleted_stranger_is_forgotten(services: Services, put: Put) -> None:
    put(1)
    vector = np.eye(128, dtype=np.float32)[1]
    assert services.sightings.visitor_for(vector) is not None
    services.sightings.delete(SightingFilter())
    assert services.sightings.visitor_for(vector) is None


def test_only_new_strangers_are_read(
    services: Services, put: Put, monkeypatch: pytest.MonkeyPatch, add: Callable[[str], Person]
) -> None:
    """With thousands of them a reading of all after each one would hold up every decision."""
    read: list[int] = []
    sighted = services._store.sighted

    def counting(sighting_ids: Sequence[int]) -> dict[int, Floats]:
        read.extend(sighting_ids)
        return sighted(sighting_ids)

    monkeypatch.setattr(services._store, "sighted", counting)
    numbers = [put(minute) for minute in range(5)]
    vectors = np.eye(128, dtype=np.float32)
    visitors = [services.sightings.visitor_for(vectors[minute]) for minute in range(5)]
    assert len(set(visitors)) == 5
    numbers.append(put(5))
    assert services.sightings.visitor_for(vectors[5]) is not None
    assert read == numbers, "each once, though their visitors' numbers were given meanwhile"
    services.sightings.correct(numbers[1], add("Ann").id)
    services.sightings.delete_these([numbers[2]])
    assert [services.sightings.visitor_for(vectors[minute]) for minute in (1, 2)] == [None, None]
    assert services.sightings.visitor_for(vectors[3]) == visitors[3]
    assert read == numbers


def test_two_threads_give_one_number(services: Services, put: Put) -> None:
    put(1)
    vector = np.eye(128, dtype=np.float32)[1]
    numbers: list[int | None] = []

    def number() -> None:
        numbers.append(services.sightings.visitor_for(vector))

    threads = [threading.Thread(target=number) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 8
    assert len(set(numbers)) == 1


def test_extending_what_was_deleted(services: Services, put: Put) -> None:
    number = put(0)
    services.sightings.delete_these([number])
    services.sightings.extend({number: START})
    assert services.sightings.count() == 0


def test_a_sighting_does_not_read_the_people_again(services: Services, put: Put) -> None:
    before = services.recognition._current()
    put(0)
    assert services.recognition._current() is before


def test_attendance(services: Services, put: Put, add: Callable[[str], Person]) -> None:
    names = ("Early", "Punctual", "Just", "Late", "Gone", "After", "Never", "Other")
    early, punctual, just, late, gone, after, never, other = map(add, names)
    for minute, person, minutes in (
        (-30, early, 31), (0, punctual, 1), (40, punctual, 5), (5, just, 1), (5.1, late, 100),
        (-30, gone, 29), (60, after, 1), (10, other, 1),
    ):  # fmt: skip
        put(minute, person, minutes=minutes)
    group = services.sightings.save_group(
        "class", [one.id for one in (never, late, early, punctual, just, gone, after)]
    )
    period = Period(START, START + 60 * MINUTE, 5 * MINUTE)
    rows = {row.person.name: row for row in services.sightings.attendance(period, group)}
    assert list(rows) == ["After", "Early", "Gone", "Just", "Late", "Never", "Punctual"], "by name"
    assert {name: row.state for name, row in rows.items()} == {
        "After": "absent", "Early": "present", "Gone": "absent", "Just": "present", "Late": "late",
        "Never": "absent", "Punctual": "present",
    }  # fmt: skip
    assert (rows["Early"].first, rows["Early"].last) == (START, START + MINUTE)
    assert (rows["Punctual"].first, rows["Punctual"].last) == (START, START + 45 * MINUTE)
    assert rows["Late"].last == period.end
    assert (rows["Never"].first, rows["Never"].last) == (None, None)
    assert len(services.sightings.attendance(period)) == 8
    strict = replace(period, grace=timedelta(0))
    states = {row.person.name: row.state for row in services.sightings.attendance(strict)}
    assert (states["Just"], states["Early"]) == ("late", "present")
    services.people.merge(never.id, [other.id])
    states = {row.person.name: row.state for row in services.sightings.attendance(period, group)}
    assert states["Never"] == "late", "as whoever was merged into them"


def test_exports(services: Services, put: Put, add: Callable[[str], Person], tmp_path: Path) -> None:
    ann = add('=HYPERLINK("x"), "Ann"')
    put(0, ann)
    put(1, source="Hall, 2nd\nfloor")
    file = tmp_path / "out.csv"
    assert services.sightings.export(file) == 2
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["source"] for row in rows] == ["Hall, 2nd\nfloor", "door"]
    assert rows[1]["person"] == "'" + ann.name, "a spreadsheet must not run it"
    assert datetime.fromisoformat(rows[1]["first"]) == START
    assert services.sightings.export(file, SightingFilter(source="nowhere")) == 0
    assert file.read_text("utf-8").count("\n") == 1
    period = Period(START, START + 60 * MINUTE)
    services.sightings.export_attendance(tmp_path / "roll.csv", period)
    services.sightings.export_attendance(tmp_path / "roll.html", period)
    assert "&quot;Ann&quot;" in (tmp_path / "roll.html").read_text("utf-8")
    files = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    assert files == ["out.csv", "roll.csv", "roll.html"]


def test_an_export_that_fails_leaves_what_was_there(services: Services, put: Put, tmp_path: Path) -> None:
    put(0)
    with pytest.raises(StoreUnavailable, match="could not be written"):
        services.sightings.export(tmp_path / "no such folder" / "out.csv")
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(StoreUnavailable):
        services.sightings.export(tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".tmp")] == []


def test_retention(services: Services, put: Put) -> None:
    now = datetime.now(UTC)
    for days in (0, 1, 9, 11, 400):
        put((now - START - timedelta(days=days)) / MINUTE)
    assert services.sightings.apply_retention() == 0, "everything is kept unless the user says otherwise"
    services.settings.change(keep_sightings_days=10)
    assert services.sightings.apply_retention() == 2
    assert services.sightings.apply_retention() == 0
    assert min(seen.first for seen in services.sightings.find()) > now - timedelta(days=10)
    with pytest.raises(BadRequest):
        services.settings.change(keep_sightings_days=-1)


def test_retention_is_applied_again_and_again_even_after_a_failure() -> None:
    done = threading.Semaphore(0)
    calls: list[int] = []

    def apply() -> int:
        calls.append(1)
        done.release()
        if len(calls) == 1:
            raise StoreUnavailable("store_locked", "The library is locked.")
        return 0

    retention = Retention(apply, interval=0.01)
    for _ in range(3):
        assert done.acquire(timeout=20)
    retention.stop()
    assert not retention._thread.is_alive()


def test_retention_runs_from_the_start_until_the_end(services: Services, put: Put) -> None:
    put(0)
    services.settings.change(keep_sightings_days=1)
    services.sightings.start_retention()
    services.sightings.start_retention()
    services.sightings.close()
    assert services.sightings.count() == 0
    assert not [thread for thread in threading.enumerate() if thread.name == "retention"]


@pytest.mark.parametrize(("text", "written"), [
    ("HTTP://Camera.Local:80/shot.jpg#x", "http://camera.local/shot.jpg"),
    ("https://10.0.0.5", "https://10.0.0.5/"),
    (" rtsp://me:Se%20cret@10.0.0.5:554/Live?Ch=1 ", "rtsp://me:Se%20cret@10.0.0.5/Live?Ch=1"),
    ("http://[::1]:8080/a", "http://[::1]:8080/a"),
])
def test_addresses_are_written_in_one_way(text: str, written: str) -> None:
    assert checked(text) == written
    assert checked(written) == written


@pytest.mark.parametrize("text", [
    "", "file:///etc/passwd", "ftp://x/y", "camera", "http://", "http:///x", "http://a b/", "http://a\n/",
    "http://a:99999/", "http://a:0/", "http://[/", "javascript:alert(1)", "0", "http://a\\b/", "//host/x",
    "http://h/" + "x" * 3000,
])
def test_what_is_no_camera_s_address(text: str) -> None:
    with pytest.raises(BadRequest):
        checked(text)


def test_the_list_of_cameras(services: Services) -> None:
    camera = services.cameras.add("Door", "http://me:secret@10.0.0.5/shot.jpg?key=1")
    assert services.cameras.all() == [camera]
    for text in (camera.address, " door ", "HTTP://10.0.0.5:80/shot.jpg?key=1"):
        assert services.cameras.allowed(text) == camera
    for text in ("", "http://10.0.0.5/shot.jpg", "http://me:wrong@10.0.0.5/shot.jpg?key=1", "rtsp://10.0.0.5/"):
        with pytest.raises(Forbidden):
            services.cameras.allowed(text)
    assert hidden(camera.address) == "http://10.0.0.5/shot.jpg"
    services.cameras.remove("DOOR")
    with pytest.raises(Forbidden):
        services.cameras.allowed("door")


def test_groups_by_name(services: Services) -> None:
    group = services.sightings.save_group("7 b", [])
    assert services.sightings.group(" 7 B") == group
    services.sightings.delete_group(group.id)
    with pytest.raises(NotFound):
        services.sightings.group("7 b")
