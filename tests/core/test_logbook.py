"""Sightings of a running source: written while it runs, and not lost when the library cannot be written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from camera_server import CameraServer
from live_sessions import number, until
from made_photos import jpeg

from faceapp.errors import StoreUnavailable
from faceapp.live import Decision, Frame, LiveSettings, NewSighting, Sighting
from faceapp.services import Services, logbook
from faceapp.services.logbook import Logbook
from faceapp.stream.sources import SourceSpec
from faceapp.stream.status import SourceState
from faceapp.stream.track import LiveTrack, Sample
from faceapp.types import Floats, Image, Person

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Fickle:
    """The sightings of `services`, which cannot be written while `full`."""

    def __init__(self, services: Services) -> None:
        self.real = services.sightings
        self.full = False
        self.extended: list[dict[int, datetime]] = []
        self.refused = 0

    def _check(self) -> None:
        if self.full:
            self.refused += 1
            raise StoreUnavailable("disk_full", "The disk is full.")

    def record(self, sighting: NewSighting) -> int:
        self._check()
        return self.real.record(sighting)

    def extend(self, lasts: Mapping[int, datetime]) -> None:
        self._check()
        self.extended.append(dict(lasts))
        self.real.extend(lasts)

    def correct(self, sighting_id: int, person_id: int | None) -> None:
        self._check()
        self.real.correct(sighting_id, person_id)

    def visitor_for(self, embedding: Floats) -> int | None:
        self._check()
        return self.real.visitor_for(embedding)

    def visitor_person(self, visitor: int) -> Person | None:
        return self.real.visitor_person(visitor)


@pytest.fixture
def kept(services: Services) -> Fickle:
    return Fickle(services)


@pytest.fixture
def book(services: Services, kept: Fickle, monkeypatch: pytest.MonkeyPatch) -> Iterator[Logbook]:
    monkeypatch.setattr(logbook, "EXTEND_SECONDS", 0.05)
    monkeypatch.setattr(logbook, "RETRY_SECONDS", 0.05)
    with closing(Logbook("door", services.analyser.model_key, kept)) as made:
        yield made


@pytest.fixture
def found(services: Services) -> Callable[[], list[Sighting]]:
    return services.sightings.find


def track(number: int, person: Person | None = None) -> LiveTrack:
    """A decided track with one face, as the watcher hands it over."""
    frame = Frame(np.zeros((4, 4, 3), np.uint8), 0, 0.0, START)
    made = LiveTrack.start(np.array([0, 0, 40, 40], np.float32), 0.9, None, frame)
    made.id = number
    made.note(frame)
    vector = np.eye(128, dtype=np.float32)[number]
    made.samples.append(Sample(vector, 1.0, 0, 0.0, b"jpeg"))
    made.decision = Decision(person, None, 0.1, (), 1, "vote")
    return made


def stay(one: LiveTrack, seconds: float) -> None:
    at = START + timedelta(seconds=seconds)
    one.note(Frame(np.zeros((4, 4, 3), np.uint8), round(seconds * 25), seconds, at))


def test_it_is_extended_while_it_lasts(
    book: Logbook, kept: Fickle, found: Callable[[], list[Sighting]]
) -> None:
    """A program that is killed loses seconds, not the whole stay; all tracks are written at once."""
    tracks = [track(number) for number in (1, 2, 3)]
    for one in tracks:
        book.decided(one)

    def seen(seconds: float) -> bool:
        for one in tracks:
            stay(one, seconds)
        book.seen(tracks)
        return {sighting.last - START for sighting in found()} == {timedelta(seconds=seconds)}

    assert until(lambda: seen(60))
    assert until(lambda: seen(120))
    assert max(map(len, kept.extended)) == 3
    book.ended(tracks[0])
    assert len(found()) == 3


def test_nothing_is_lost_while_the_library_is_full(
    book: Logbook, kept: Fickle, found: Callable[[], list[Sighting]], services: Services
) -> None:
    ann, bob = (services._store.add_person(name) for name in ("Ann", "Bob"))
    kept.full = True
    one, two = track(1, ann), track(2)
    for each in (one, two):
        book.decided(each)
    assert until(lambda: "2 sightings are not kept yet" in book.problem), book.problem
    assert book.problem.startswith("The disk is full.")
    assert until(lambda: kept.refused > 2), "it is tried again by itself"
    one.decision = Decision(bob, None, None, (), 1, "vote")  # the user says so
    book.decided(one)
    stay(one, 30)
    for each in (one, two):
        book.ended(each)
    kept.full = False
    assert until(lambda: not book.problem and len(found()) == 2)
    book.close()
    (known,) = [sighting for sighting in found() if sighting.person]
    assert (known.person, known.last) == (bob, START + timedelta(seconds=30))


def test_a_correction_after_the_end_is_written(
    book: Logbook, found: Callable[[], list[Sighting]], services: Services
) -> None:
    one = track(1)
    book.decided(one)
    book.ended(one)
    book.close()
    ann = services._store.add_person("Ann")
    one.decision = Decision(ann, None, None, (), 1, "vote")
    book.decided(one)
    assert [sighting.person for sighting in found()] == [ann]


def test_the_end_says_what_could_not_be_kept(book: Logbook, kept: Fickle) -> None:
    kept.full = True
    book.decided(track(1))
    book.close()
    assert "1 sighting is not kept yet" in book.problem


def test_a_stranger_who_could_not_be_looked_up_has_a_number_later(
    book: Logbook, kept: Fickle, found: Callable[[], list[Sighting]]
) -> None:
    first, again = track(1), track(1)
    book.decided(first)
    assert until(lambda: len(found()) == 1)
    book.decided(again)
    book.close()
    first_number, second_number = (sighting.visitor for sighting in found())
    assert first_number == second_number is not None


def test_a_full_library_does_not_end_the_source(
    services: Services, astronaut: Image, kept: Fickle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(logbook, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(services.live, "sightings", kept)
    camera = CameraServer(photo=jpeg(astronaut[:360, :480]))
    kept.full = True
    live = services.live.open(
        SourceSpec.parse(camera.address + "/video"), LiveSettings(decide_after=2, detect_every=2)
    )
    try:
        assert until(lambda: "The disk is full." in live.status.warning, 30), live.status
        before = number(live)
        assert until(lambda: number(live) > before + 5)
        assert live.status.state is SourceState.RUNNING
        kept.full = False
        assert until(lambda: not live.status.warning and bool(services.sightings.find()))
    finally:
        assert live.stop() == []
        camera.close()
