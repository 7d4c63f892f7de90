"""A window's surroundings: jobs with news on the main thread, and a library of people made of noise."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import QBuffer, QEvent
from PyQt5.QtGui import QColor, QImage
from PyQt5.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from faceapp.services import Services
from faceapp.types import Box, Face, Image, NewFace, Person, PersonName, Quality
from ui.jobs_qt import JobsQt

Enrol = Callable[..., Person]
Until = Callable[[Callable[[], object]], None]


@pytest.fixture
def jobs(qapp: QApplication, services: Services) -> Iterator[JobsQt]:
    """News of the services' jobs. Widgets that were closed are deleted before it goes."""
    news = JobsQt(services.jobs)
    yield news
    news.close()
    qapp.sendPostedEvents(None, QEvent.DeferredDelete)


@pytest.fixture
def enrol(services: Services) -> Enrol:
    """enrol("Ann Lee", photos=2): a person in the library, with crops of one colour and random vectors."""
    random = np.random.default_rng(7)

    def put(name: str, photos: int = 1, note: str = "", path: str = "") -> Person:
        store = services.enrolment.store
        parsed = PersonName.parse(name)
        person = store.add_person(parsed.first_name, parsed.surname, note)
        faces = [
            new_face(f"{name} {number}", path or f"/nowhere/{name}/{number}.jpg", random)
            for number in range(photos)
        ]
        if faces:
            store.enrol(person.id, faces)
        return services.people.get(person.id)

    return put


def new_face(seed: str, path: str, random: np.random.Generator) -> NewFace:
    """A face as the store takes it; `seed` makes the photo's hash and the crop's colour."""
    digest = hashlib.sha256(seed.encode())
    vector = random.normal(size=128).astype(np.float32)
    vector /= np.linalg.norm(vector)
    quality = Quality(90, 1, 0.5, 0.2, 0, 0, 0, 0.99)
    face = Face(Box(80, 80, 170, 170), np.zeros((5, 2), np.float32), quality, vector)
    colour = QColor(*digest.digest()[:3])
    return NewFace(digest.hexdigest(), path, 250, 250, face, "dlib-resnet", jpeg(colour))


def jpeg(colour: QColor, side: int = 64) -> bytes:
    """A picture of one colour as JPEG bytes."""
    picture = QImage(side, side, QImage.Format_RGB32)
    picture.fill(colour)
    buffer = QBuffer()
    buffer.open(QBuffer.WriteOnly)
    assert picture.save(buffer, "JPEG")
    return bytes(buffer.data())


@pytest.fixture
def settle(qtbot: QtBot, services: Services) -> Callable[[], None]:
    """Wait until every job has ended and its callbacks have been called."""

    def wait() -> None:
        qtbot.waitUntil(lambda: all(job.finished for job in services.jobs.all()), timeout=30_000)
        qtbot.wait(120)
        qtbot.waitUntil(lambda: all(job.finished for job in services.jobs.all()), timeout=30_000)

    return wait


@pytest.fixture
def until(qtbot: QtBot) -> Until:
    """Wait, with the event loop running, until the call gives something true."""

    def wait(condition: Callable[[], object]) -> None:
        qtbot.waitUntil(lambda: bool(condition()), timeout=60_000)

    return wait


@pytest.fixture(scope="session")
def photo_files(tmp_path_factory: pytest.TempPathFactory, astronaut: Image, hopper: Image) -> dict[str, Path]:
    """Photos made from the two portraits, by what is special about them."""
    from faceapp.opencv import cv2

    height = min(len(astronaut), len(hopper))
    pictures = {
        "astronaut": astronaut,
        "hopper": hopper,
        "astronaut again": astronaut[:, ::-1],
        "hopper again": hopper[:, ::-1],
        "both": np.hstack([astronaut[:height], hopper[:height]]),
        "blurred": cv2.GaussianBlur(astronaut, (0, 0), 9),
        "dark": (astronaut * 0.06).astype(np.uint8),
        "tiny": cv2.resize(astronaut, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA),
        "nobody": np.full((240, 320, 3), (90, 120, 150), np.uint8),
    }
    folder = tmp_path_factory.mktemp("photos")
    files = {}
    for name, picture in pictures.items():
        files[name] = folder / f"{name}.png"
        cv2.imencode(".png", picture)[1].tofile(files[name])
    files["broken"] = folder / "broken.jpg"
    files["broken"].write_bytes(b"\xff\xd8\xff\xe0 this is where the photo ended")
    return files
