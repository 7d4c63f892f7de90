"""The webcam dialog, with cameras that are made of the portraits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PyQt5 import sip
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from faceapp.errors import FaceAppError
from faceapp.types import Image
from ui import webcam_dialog, webcam_thread
from ui.cameras import CameraInfo, cannot_open
from ui.webcam_dialog import WebcamDialog


class FilmCamera:
    """Shows its frames for ever, or `frames` of them and then nothing, as an unplugged camera does."""

    def __init__(self, picture: Image, frames: int | None = None) -> None:
        self.picture, self.left, self.closed = picture, frames, 0

    def read(self) -> Image | None:
        threading.Event().wait(0.01)
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                return None
        return self.picture

    def close(self) -> None:
        self.closed += 1


class FakeCameras:
    """names: the cameras there are. make: opens the one with that number."""

    def __init__(self, names: list[str], make: Callable[[int], FilmCamera]) -> None:
        self.names, self.make = names, make
        self.opened: list[tuple[int, FilmCamera]] = []

    def find(self) -> list[CameraInfo]:
        return [CameraInfo(number, name) for number, name in enumerate(self.names)]

    def open(self, number: int) -> FilmCamera:
        camera = self.make(number)
        self.opened.append((number, camera))
        return camera


@pytest.fixture
def show(qtbot: QtBot) -> Iterator[Callable[[FakeCameras], WebcamDialog]]:
    shown: list[WebcamDialog] = []

    def make(cameras: FakeCameras) -> WebcamDialog:
        dialog = WebcamDialog(cameras)
        qtbot.addWidget(dialog)
        dialog.show()
        shown.append(dialog)
        return dialog

    yield make
    for dialog in shown:
        dialog.close()
    assert [thread.name for thread in threading.enumerate() if thread.name == "webcam"] == []


def button(dialog: WebcamDialog, text: str) -> QPushButton:
    return next(each for each in dialog.findChildren(QPushButton) if each.text() == text)


def test_a_photo_is_the_frame_that_was_seen_not_mirrored(show, qtbot: QtBot, until, astronaut: Image) -> None:
    cameras = FakeCameras(["Front"], lambda _: FilmCamera(astronaut))
    dialog = show(cameras)
    take = button(dialog, "Take photo")
    assert not take.isEnabled()
    until(take.isEnabled)
    with qtbot.waitSignal(dialog.photo_taken) as told:
        qtbot.mouseClick(take, Qt.LeftButton)
    assert np.array_equal(told.args[0].read().image, astronaut)
    assert not dialog.isVisible()
    assert cameras.opened[0][1].closed == 1


def test_another_camera_is_opened_after_the_first_was_let_go(
    show, qtbot: QtBot, until, astronaut: Image, hopper: Image
) -> None:
    cameras = FakeCameras(["Front", "Desk"], lambda number: FilmCamera((astronaut, hopper)[number]))
    dialog = show(cameras)
    take = button(dialog, "Take photo")
    until(take.isEnabled)
    dialog._choice.setCurrentIndex(1)
    dialog._choice.activated.emit(1)
    assert cameras.opened[0][1].closed == 1
    until(take.isEnabled)
    with qtbot.waitSignal(dialog.photo_taken) as told:
        qtbot.mouseClick(take, Qt.LeftButton)
    assert np.array_equal(told.args[0].read().image, hopper)


def test_no_camera_is_said_with_a_hint_and_can_be_tried_again(
    show, qtbot: QtBot, until, astronaut: Image
) -> None:
    cameras = FakeCameras([], lambda _: FilmCamera(astronaut))
    dialog = show(cameras)
    until(lambda: dialog.trouble)
    assert dialog.trouble == "No camera was found."
    cameras.names = ["Front"]
    qtbot.mouseClick(button(dialog, "Try again"), Qt.LeftButton)
    until(button(dialog, "Take photo").isEnabled)
    assert dialog.trouble == ""


def test_a_camera_that_vanishes_says_so_and_is_let_go(show, until, astronaut: Image) -> None:
    cameras = FakeCameras(["Front"], lambda _: FilmCamera(astronaut, frames=5))
    dialog = show(cameras)
    until(lambda: dialog.trouble)
    assert dialog.trouble == webcam_thread.camera_vanished().sentence
    assert not button(dialog, "Take photo").isEnabled()
    assert cameras.opened[0][1].closed == 1


def test_a_camera_in_use_by_another_program_is_a_sentence(show, until) -> None:
    def refuse(_: int) -> FilmCamera:
        raise cannot_open()

    dialog = show(FakeCameras(["Front"], refuse))
    until(lambda: dialog.trouble)
    assert dialog.trouble == "The camera could not be opened."


def test_a_camera_that_hangs_is_reported_and_let_go_when_it_answers(
    show, until, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webcam_dialog, "OPEN_SECONDS", 0.2)
    monkeypatch.setattr(webcam_dialog, "CLOSE_SECONDS", 0.05)
    answers = threading.Event()
    late = FilmCamera(astronaut)

    def hang(_: int) -> FilmCamera:
        answers.wait(30)
        return late

    dialog = show(FakeCameras(["Slow"], hang))
    until(lambda: dialog.trouble)
    assert dialog.trouble == webcam_thread.camera_silent().sentence
    answers.set()
    until(lambda: late.closed)


def test_the_camera_is_let_go_when_the_window_goes_with_its_dialog(
    qtbot: QtBot, until, astronaut: Image
) -> None:
    camera = FilmCamera(astronaut)
    window = QWidget()
    dialog = WebcamDialog(FakeCameras(["Front"], lambda _: camera), window)
    dialog.show()
    until(button(dialog, "Take photo").isEnabled)
    sip.delete(window)
    until(lambda: camera.closed)


@pytest.mark.parametrize("way_out", ["close", "reject"])
def test_the_camera_is_let_go_however_the_dialog_goes(
    show, qtbot: QtBot, until, astronaut: Image, way_out: str
) -> None:
    camera = FilmCamera(astronaut)
    dialog = show(FakeCameras(["Front"], lambda _: camera))
    until(button(dialog, "Take photo").isEnabled)
    getattr(dialog, way_out)()
    until(lambda: camera.closed)


def test_an_error_while_looking_for_cameras_is_shown(show, until) -> None:
    class Broken(FakeCameras):
        def find(self) -> list[CameraInfo]:
            raise FaceAppError("no_permission", "Cameras may not be used by this program.")

    dialog = show(Broken([], lambda _: FilmCamera(np.zeros((8, 8, 3), np.uint8))))
    until(lambda: dialog.trouble)
    assert dialog.trouble == "Cameras may not be used by this program."
