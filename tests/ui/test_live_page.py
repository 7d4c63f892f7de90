"""Watching: real models on videos and frames made of the two portraits, and a camera that dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from camera_server import CameraServer
from made_networks import write_arcface, write_swapper
from made_photos import jpeg
from PyQt5.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt5.QtGui import QDragEnterEvent, QDropEvent, QImage
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from faceapp.live import LiveSettings
from faceapp.services import Services
from faceapp.stream.sources import SourceSpec
from faceapp.stream.status import SourceState
from faceapp.types import Image, PersonName, Photo
from ui.jobs_qt import JobsQt
from ui.live_page import LivePage
from ui.live_swap import LiveSwapDialog
from ui.live_view import STALE_SECONDS, LiveView
from ui.main_window import MainWindow
from ui.person_dialog import PersonDialog
from ui.photo_source import PhotoSource

Until = Callable[[Callable[[], object]], None]
FRAMES = 60
FPS = 20


@pytest.fixture(scope="module")
def scene(astronaut: Image, hopper: Image) -> Image:
    """Both portraits side by side, with room to move."""
    from faceapp.opencv import cv2

    height = 360
    parts = [cv2.resize(each, (320, height), interpolation=cv2.INTER_AREA) for each in (astronaut, hopper)]
    return np.pad(np.hstack(parts), ((0, 0), (40, 40), (0, 0)), mode="edge")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory, scene: Image) -> Path:
    """The scene moves from left to right, as if the camera turned."""
    from faceapp.opencv import cv2

    path = tmp_path_factory.mktemp("video") / "two people.avi"
    size = scene.shape[1] - 40, scene.shape[0]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), FPS, size)
    assert writer.isOpened()
    for number in range(FRAMES):
        shift = number * 40 // FRAMES
        writer.write(np.ascontiguousarray(scene[:, shift : shift + size[0]]))
    writer.release()
    return path


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory, scene: Image) -> Path:
    from faceapp.opencv import cv2

    folder = tmp_path_factory.mktemp("frames")
    for number in range(30):
        picture = np.ascontiguousarray(scene[:, number // 2 : number // 2 + 640])
        cv2.imencode(".png", picture)[1].tofile(folder / f"{number:04}.png")
    return folder


@pytest.fixture
def page(qtbot: QtBot, services: Services, jobs: JobsQt, settle: Callable[[], None]) -> Iterator[LivePage]:
    services.analyser.preload()
    made = LivePage(services, jobs)
    made.form.decide_after.setValue(3)
    made.resize(1200, 700)
    qtbot.addWidget(made)
    made.show()
    QApplication.setActiveWindow(made)
    yield made
    made.stop()
    settle()
    assert services.live.sessions() == []


def view_of(page: LivePage) -> LiveView:
    return page.grid.views[-1]


def enrol_astronaut(services: Services, portrait_files: dict[str, Path]) -> int:
    from faceapp.pipeline.photos import read_photo

    photo = read_photo(portrait_files["astronaut"])
    return services.enrolment.enrol(photo, PersonName("Eileen", "Collins")).person.id


def named(page: LivePage) -> list[str]:
    assert page.feed is not None
    people = (row.face.decision.person for row in page.feed.rows.values() if row.face.decision)
    return [person.name for person in people if person is not None]


def decided(page: LivePage) -> list[int]:
    assert page.feed is not None
    return [row.id for row in page.feed.rows.values() if row.face.decision is not None]


def test_a_video_shows_who_is_there_and_why(
    page: LivePage, video: Path, services: Services, portrait_files: dict[str, Path], until: Until
) -> None:
    enrol_astronaut(services, portrait_files)
    page.watch_text(str(video))
    until(lambda: page.feed.status.state is SourceState.ENDED)
    until(lambda: len(decided(page)) == 2)
    assert named(page) == ["Eileen Collins"]
    assert "end" in view_of(page).notice
    known = next(row for row in page.feed.rows.values() if row.face.decision.person is not None)
    page.select_track(known.id)
    assert page.tracks.selected == known.id
    until(lambda: "3 of 3 faces" in page.tracks.why.votes.text())
    assert page.tracks.why.title.text().startswith("Eileen Collins")
    assert page.tracks.why.reason.text() == known.face.decision.reason
    until(lambda: {seen.source for seen in services.sightings.find()} == {video.name})


def test_a_photo_that_is_dropped_here_is_told_where_it_belongs(
    page: LivePage, portrait_files: dict[str, Path]
) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(portrait_files["astronaut"]))])
    place = QPoint(100, 100)
    QApplication.sendEvent(
        page, QDragEnterEvent(place, Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
    )
    QApplication.sendEvent(
        page, QDropEvent(QPointF(place), Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
    )
    assert "is a photo" in page.messages.text
    assert page.feed is None and not page.choose_place()


def test_pause_step_and_seek(page: LivePage, video: Path, until: Until, qtbot: QtBot) -> None:
    page.watch_text(str(video))
    until(lambda: page.feed.result is not None)
    view_of(page).setFocus()
    QTest.keyClick(view_of(page), Qt.Key_Space)
    until(lambda: page.feed.status.state is SourceState.PAUSED)
    qtbot.wait(300)
    before = page.feed.result.frame.number
    qtbot.wait(200)
    assert page.feed.result.frame.number == before
    assert view_of(page).notice == "Paused"
    QTest.keyClick(view_of(page), Qt.Key_Right)
    until(lambda: page.feed.result.frame.number == before + 1)
    QTest.keyClick(view_of(page), Qt.Key_Left)
    until(lambda: page.feed.result.frame.number == before)
    page.controls.slider.setValue(2000)
    until(lambda: page.feed.result.frame.number >= 2 * FPS - 1)
    assert page.feed.status.state is SourceState.PAUSED
    assert page.controls.slider.value() == pytest.approx(2000, abs=2 * 1000 / FPS)
    QTest.keyClick(view_of(page), Qt.Key_Space)
    until(lambda: page.feed.status.state is SourceState.ENDED)
    page.controls.play.click()
    until(lambda: page.feed.result is not None and page.feed.status.state is SourceState.RUNNING)
    assert page.feed.result.frame.seconds < FRAMES / FPS


def test_a_click_on_a_face_enrols_it_and_the_track_takes_the_name(
    page: LivePage, frames: Path, services: Services, until: Until, qtbot: QtBot
) -> None:
    page.watch_text(str(frames))
    until(lambda: page.feed.result is not None and len(decided(page)) == 2)
    page.feed.session.pause()
    until(lambda: page.feed.status.state is not SourceState.RUNNING)
    qtbot.wait(300)
    face = min(page.feed.result.faces, key=lambda face: face.box.x1)
    view = view_of(page)
    place = view.frame_of(face.box).center().toPoint()
    QTest.mouseClick(view, Qt.LeftButton, Qt.NoModifier, place)
    assert page.tracks.selected == face.track_id
    page.tracks.why.enrol_button.click()
    until(lambda: page.findChildren(PersonDialog))
    dialog = page.findChildren(PersonDialog)[0]
    dialog.form.first_name.setText("Eileen")
    until(dialog.enrol_button.isEnabled)
    dialog.enrol_button.click()
    until(lambda: page.feed.rows[face.track_id].face.decision.person)
    person = page.feed.rows[face.track_id].face.decision.person
    assert person.name == "Eileen"
    assert services.people.get(person.id).photos == 1
    assert "Eileen" in page.messages.text
    until(lambda: page.feed.session.why(face.track_id).decision.person == person)


def test_a_wrong_name_is_corrected(
    page: LivePage, video: Path, services: Services, portrait_files: dict[str, Path], until: Until
) -> None:
    enrol_astronaut(services, portrait_files)
    other = services.enrolment.store.add_person("Grace", "Hopper")
    page.watch_text(str(video))
    until(lambda: len(decided(page)) == 2)
    stranger = next(row for row in page.feed.rows.values() if row.face.decision.person is None)
    page.faces.say(page.feed, stranger.id, services.people.get(other.id))
    until(lambda: sorted(named(page)) == ["Eileen Collins", "Grace Hopper"])
    assert page.feed.rows[stranger.id].face.decision.reason == "You said so."
    until(lambda: "Grace Hopper" in [seen.person.name for seen in services.sightings.find() if seen.person])


def test_lookalikes_get_the_face_alone(page: LivePage, frames: Path, until: Until, qtbot: QtBot) -> None:
    page.watch_text(str(frames))
    until(lambda: page.feed.result is not None and page.feed.result.faces)
    page.feed.session.pause()
    qtbot.wait(300)
    face = page.feed.result.faces[0]
    page.select_track(face.track_id)
    with qtbot.waitSignal(page.lookalike_requested, timeout=20_000) as asked:
        page.search_action.trigger()
    photo = asked.args[0]
    assert isinstance(photo, Photo)
    assert photo.width < page.feed.result.frame.image.shape[1]


def test_several_sources_side_by_side_and_one_alone(
    page: LivePage, video: Path, frames: Path, until: Until
) -> None:
    page.watch_text(str(video))
    page.watch_text(str(frames))
    until(lambda: all(view.feed.result is not None for view in page.grid.views))
    first, second = page.grid.views
    assert first.isVisible() and second.isVisible()
    assert page.feed is second.feed
    QTest.mouseDClick(first, Qt.LeftButton, Qt.NoModifier, QPoint(3, first.height() - 3))
    until(lambda: page.grid.alone is not None)
    page.controls.all.click()
    assert page.grid.alone is None
    page.close_source(second.feed.spec)
    assert len(page.grid.views) == 1
    until(lambda: len(page.services.live.sessions()) <= 1)


@pytest.fixture
def camera(scene: Image) -> Iterator[CameraServer]:
    server = CameraServer(photo=jpeg(scene))
    yield server
    server.close()


def test_a_camera_that_dies_says_so_and_comes_back(
    page: LivePage, camera: CameraServer, until: Until
) -> None:
    page.watch_text(f"{camera.address}/shot.jpg")
    until(lambda: page.feed.result is not None and page.feed.result.faces)
    view = view_of(page)
    camera.mood = "dead"
    until(lambda: "Reconnecting, try" in view.notice)
    until(lambda: "Reconnecting, try" in view.accessibleName())
    assert "reconnecting" in page.sources.list.item(0).text()
    number = page.feed.result.frame.number
    camera.mood = "well"
    until(lambda: page.feed.result.frame.number > number and not view.notice)


def test_an_old_picture_does_not_look_alive(page: LivePage, video: Path, until: Until) -> None:
    page.watch_text(str(video))
    until(lambda: page.feed.result is not None and page.feed.status.state is SourceState.RUNNING)
    page.feed._since = time.monotonic() - STALE_SECONDS - 3
    assert "5 seconds old" in view_of(page).notice


def test_what_does_not_work_stands_over_the_running_picture(
    page: LivePage, video: Path, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faceapp.stream.watcher import Watcher

    page.watch_text(str(video))
    until(lambda: page.feed.result is not None and page.feed.status.state is SourceState.RUNNING)
    monkeypatch.setattr(Watcher, "problem", "The disk is full. 2 sightings are not kept yet.")
    until(lambda: "2 sightings are not kept yet" in view_of(page).notice)
    monkeypatch.setattr(Watcher, "problem", "")
    until(lambda: "not kept" not in view_of(page).notice)


def test_pictures_are_scaled_beside_the_main_thread(
    page: LivePage, video: Path, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ui import live_picture

    where: list[threading.Thread] = []
    real = live_picture.scaled

    def noting(*arguments: object) -> Image:
        where.append(threading.current_thread())
        return real(*arguments)

    monkeypatch.setattr(live_picture, "scaled", noting)
    page.watch_text(str(video))
    until(lambda: page.feed.status.state is SourceState.ENDED)
    there = sum(thread is threading.main_thread() for thread in where)
    assert len(where) > FRAMES / 4
    assert there < len(where) / 4, "but for the first, and when the size has changed"


def test_a_source_that_cannot_be_opened_is_refused_in_a_sentence(page: LivePage, tmp_path: Path) -> None:
    page.watch_text(str(tmp_path / "gone.mp4"))
    assert "gone.mp4" in page.messages.text
    assert page.grid.views == ()


def test_a_file_that_is_no_video_says_so(page: LivePage, tmp_path: Path, until: Until) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video at all")
    page.watch_text(str(broken))
    until(lambda: page.feed.status.state is SourceState.FAILED)
    assert view_of(page).notice == page.feed.status.sentence


def test_snapshot_and_recording(page: LivePage, video: Path, tmp_path: Path, until: Until) -> None:
    page.watch_text(str(video))
    until(lambda: page.feed.result is not None and page.feed.result.faces)
    page.feed.session.pause()
    result = page.feed.result
    page.takes.write_snapshot(tmp_path / "plain.png", result, with_names=False)
    page.takes.write_snapshot(tmp_path / "named", result)
    until((tmp_path / "plain.png").is_file)
    until((tmp_path / "named.png").is_file)
    height, width = result.frame.image.shape[:2]
    plain, marked = QImage(str(tmp_path / "plain.png")), QImage(str(tmp_path / "named.png"))
    assert (plain.width(), plain.height()) == (marked.width(), marked.height()) == (width, height)
    assert plain != marked
    page.takes.start_recording(page.feed, tmp_path / "seen.mp4")
    until(lambda: page.feed.session.recording)
    for _ in range(3):
        before = page.feed.session.latest()
        page.feed.session.step()
        until(lambda before=before: page.feed.session.latest() is not before)
    page.takes.stop_recording(page.feed)
    until(lambda: "Saved seen.mp4" in page.messages.text)
    assert (tmp_path / "seen.mp4").stat().st_size > 1000


def test_other_settings_reach_a_running_source(page: LivePage, frames: Path, until: Until) -> None:
    """Its tracks go on, decided from the faces that they have."""
    page.form.decide_after.setValue(50)
    until(lambda: page.form.settings.decide_after == 50)
    page.watch_text(str(frames))
    until(lambda: page.feed.result is not None and len(page.feed.rows) == 2)
    session, tracks = page.feed.session, set(page.feed.rows)
    page.feed.session.pause()
    page.form.decide_after.setValue(1)
    until(lambda: page.feed.settings.decide_after == 1)
    page.feed.session.resume()
    until(lambda: len(decided(page)) == 2)
    assert page.feed.session is session
    assert set(page.feed.rows) == tracks


def test_settings_and_sources_are_remembered(
    page: LivePage, video: Path, services: Services, jobs: JobsQt, qtbot: QtBot, settle: Callable[[], None]
) -> None:
    services.cameras.add("Front door", "rtsp://user:secret@10.0.0.9/live")
    page.watch_text(str(video))
    page.close_source(page.feed.spec)
    page.form.method.setCurrentIndex(page.form.method.findData("fuse"))
    with qtbot.waitSignal(page.form.changed):
        pass
    again = LivePage(services, jobs)
    qtbot.addWidget(again)
    settle()
    names = [again.sources.list.item(row).text() for row in range(again.sources.list.count())]
    assert any(text.startswith(video.name) for text in names)
    assert any(text.startswith("Front door") for text in names)
    assert not any("secret" in text for text in names)
    assert again.form.settings == LiveSettings(decide_after=3, method="fuse")
    again.stop()


def test_the_tab_tells_what_goes_on_and_closing_the_window_ends_it(
    qtbot: QtBot, services: Services, jobs: JobsQt, video: Path, until: Until, settle: Callable[[], None]
) -> None:
    from faceapp.rest.server import RestServer
    from ui.theme import Theme

    rest = RestServer(services)
    window = MainWindow(services, jobs, rest, Theme(QApplication.instance(), "light"))
    qtbot.addWidget(window)
    window.show()
    settle()
    window.live_action.trigger()
    page = window.current_page
    assert isinstance(page, LivePage)
    page.watch(SourceSpec("file", str(video), video.name))
    until(lambda: page.feed.result is not None)
    window.people_action.trigger()
    number = page.feed.result.frame.number
    assert "1 on" in window.tabs.tabText(window.tabs.indexOf(window.live_tab))
    until(lambda: page.feed.result.frame.number > number)
    window.close()
    assert services.live.sessions() == []
    settle()
    rest.stop()


def test_faces_are_put_onto_a_source_while_it_runs(
    page: LivePage,
    services: Services,
    video: Path,
    portrait_files: dict[str, Path],
    scene: Image,
    until: Until,
    qtbot: QtBot,
) -> None:
    page.watch_text(str(video))
    until(lambda: page.feed is not None and page.feed.rows)
    page.swap_faces()
    dialog = page._swaps[page.feed]
    assert not dialog.switch.isEnabled(), "there is nobody to put on yet"
    dialog.well.add([PhotoSource.file(portrait_files["hopper"])])
    qtbot.mouseClick(dialog.switch, Qt.LeftButton)
    until(lambda: page.feed.painter is not None)
    assert page.controls.swap.isChecked()
    mine = services.analyser.faces(scene[:, :360])[0].embedding

    def left_face_is_another() -> bool:
        if page.feed.status.over:
            page.feed.reopen()
        result = page.feed.result
        faces = services.analyser.faces(result.frame.image[:, :360]) if result is not None else ()
        return bool(faces) and 1 - float(faces[0].embedding @ mine) > 0.05

    until(left_face_is_another)
    qtbot.mouseClick(dialog.switch, Qt.LeftButton)
    assert page.feed.painter is None
    assert not page.controls.swap.isChecked()


def test_a_network_of_the_user_s_own_is_a_choice_where_there_is_one(
    page: LivePage,
    services: Services,
    video: Path,
    portrait_files: dict[str, Path],
    tmp_path: Path,
    until: Until,
    qtbot: QtBot,
) -> None:
    for path in (write_swapper(tmp_path / "swap.onnx"), write_arcface(tmp_path / "who.onnx")):
        services.upkeep.add(path, licence_accepted=True)
    try:
        page.watch_text(str(video))
        page.swap_faces()
        dialog = page._swaps[page.feed]
        assert dialog.neural.isVisibleTo(dialog)
        dialog.neural.setChecked(True)
        dialog.well.add([PhotoSource.file(portrait_files["hopper"])])
        qtbot.mouseClick(dialog.switch, Qt.LeftButton)
        until(lambda: page.feed.painter is not None)
        assert page.feed.painter.settings.engine == "neural"
        dialog.neural.setChecked(False)
        until(lambda: page.feed.painter.settings.engine == "classical")
    finally:
        services.models.plugins.remove()
        services.models.read_plugins()
    page.feed.paint_with(None)
    other = LiveSwapDialog(services, page.jobs, page.feed, page)
    qtbot.addWidget(other)
    assert not other.neural.isVisibleTo(other), "what is not there is not offered"


def test_a_photo_without_a_face_is_not_put_on(
    page: LivePage, video: Path, tmp_path: Path, until: Until
) -> None:
    from faceapp.opencv import cv2

    blank = tmp_path / "blank.png"
    cv2.imencode(".png", np.full((200, 200, 3), 128, np.uint8))[1].tofile(blank)
    page.watch_text(str(video))
    page.swap_faces()
    dialog = page._swaps[page.feed]
    dialog.well.add([PhotoSource.file(blank)])
    dialog.switch.setChecked(True)
    until(lambda: "face" in dialog.messages.text)
    assert not dialog.switch.isChecked()
    assert page.feed.painter is None
