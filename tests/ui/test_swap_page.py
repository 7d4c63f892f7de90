"""The Swap page with the real engine and real faces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from exposed import exposed
from PyQt5.QtCore import QMimeData, QPoint, Qt
from PyQt5.QtGui import QDragEnterEvent, QDropEvent
from PyQt5.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from faceapp.edit import segments
from faceapp.jobs import manager
from faceapp.pipeline.photos import read_photo
from faceapp.services import Services
from faceapp.types import Image, PersonName
from ui.casting_panel import LEFT_ALONE, MIME
from ui.images import to_bgr
from ui.jobs_qt import JobsQt
from ui.photo_source import PhotoSource
from ui.swap_page import SwapPage


@pytest.fixture
def page(qtbot: QtBot, services: Services, jobs: JobsQt) -> SwapPage:
    return exposed(qtbot, SwapPage(services, jobs))


@pytest.fixture
def group(tmp_path: Path, portrait_files: dict[str, Path], read_image: Callable) -> Path:
    """Both portraits side by side, as one photo."""
    from faceapp.opencv import cv2

    photos = (read_image(portrait_files[name]) for name in ("astronaut", "hopper"))
    one, other = (cv2.resize(photo, (512, 600)) for photo in photos)
    path = tmp_path / "group.png"
    path.write_bytes(cv2.imencode(".png", np.hstack([one, other]))[1].tobytes())
    return path


@pytest.fixture
def swapped(page: SwapPage, portrait_files: dict[str, Path], group: Path, until) -> SwapPage:
    """The astronaut's face is put into the photo of both."""
    page.sources.add([PhotoSource.file(portrait_files["astronaut"])])
    page.open_photo(group)
    until(lambda: page._cards)
    return page


def test_the_sample_is_swapped_and_checked_in_one_click(page: SwapPage, until) -> None:
    page.canvas.empty.other_chosen.emit()
    until(lambda: page._cards)
    before, after = (to_bgr(picture.levels[0]) for picture in (page.canvas.picture, page.canvas.result))
    changed = (before != after).any(axis=2)
    face = page._planned.plan.faces[0].face.box
    assert changed[int(face.y1) : int(face.y2), int(face.x1) : int(face.x2)].mean() > 0.4
    assert not changed[-60:].any()
    assert "recognise the source" in page.card.text
    assert page.save_button.isEnabled()


def test_nothing_of_a_result_is_left_when_its_photos_go(swapped: SwapPage) -> None:
    assert swapped.card.isVisible()
    for well in (swapped.sources, swapped.targets):
        well.removal_wanted.emit(well.model.keys())
    assert not swapped.card.isVisible() and swapped.casting.rows == []
    assert swapped.canvas.empty.title == "Whose face goes where?"
    assert not swapped.choose_place()


def test_tab_leads_from_the_photo_to_who_goes_where(swapped: SwapPage) -> None:
    after = swapped.outlines
    for row in swapped.casting.rows:
        after = after.nextInFocusChain()
        while not after.isVisible() or after.focusPolicy() == Qt.NoFocus:
            after = after.nextInFocusChain()
        assert after is row.choice


def test_a_face_goes_to_the_one_most_like_it_and_the_rows_say_so(swapped: SwapPage) -> None:
    rows = swapped.casting.rows
    assert [row.choice.currentText() for row in rows] == ["astronaut", "Left as it is"]
    assert [mark.label for mark in swapped.canvas.marks] == ["← astronaut", ""]


def test_the_user_chooses_in_a_row_and_lets_the_program_choose_again(
    swapped: SwapPage, qtbot: QtBot, until
) -> None:
    swapped.casting.rows[0].cast.emit(LEFT_ALONE)
    swapped.casting.rows[1].cast.emit(0)
    until(lambda: swapped._planned.casts[1].locked)
    assert [each.source for each in swapped._planned.casts] == [None, 0]
    qtbot.mouseClick(swapped.casting.rows[0].release, Qt.LeftButton)
    qtbot.mouseClick(swapped.casting.rows[1].release, Qt.LeftButton)
    until(lambda: swapped._planned.casts[0].source == 0)


def test_a_source_is_dropped_onto_a_face_of_the_photo(swapped: SwapPage, until) -> None:
    mime = QMimeData()
    mime.setData(MIME, b"0")
    place = swapped.canvas.frame_of(1).center().toPoint()
    entered = QDragEnterEvent(place, Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
    QApplication.sendEvent(swapped.canvas, entered)
    assert entered.isAccepted()
    QApplication.sendEvent(
        swapped.canvas, QDropEvent(place, Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
    )
    until(lambda: swapped._planned.casts[1].source == 0)
    assert swapped._chosen == {1: 0}


def test_a_source_dropped_beside_every_face_is_not_taken(swapped: SwapPage) -> None:
    mime = QMimeData()
    mime.setData(MIME, b"0")
    drop = QDropEvent(QPoint(2, 2), Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
    QApplication.sendEvent(swapped.canvas, drop)
    assert not drop.isAccepted()
    assert swapped._chosen == {}


def test_a_preset_sets_the_sliders_and_makes_another_result(swapped: SwapPage, until) -> None:
    before = to_bgr(swapped.canvas.result.levels[0])
    controls = swapped.controls
    controls.preset.setCurrentText("Expression")
    controls.preset.activated.emit(controls.preset.currentIndex())
    assert controls.likeness.value == 0
    until(lambda: swapped._cards)
    assert (to_bgr(swapped.canvas.result.levels[0]) != before).any()
    assert controls.preset.currentText() == "Expression"
    controls.likeness.slider.setValue(35)
    assert controls.preset.currentText() == "", "these are the settings of no preset"


def test_a_preset_is_kept_under_a_name(swapped: SwapPage) -> None:
    swapped.controls.likeness.slider.setValue(30)
    swapped.keep_preset("Mine")
    assert swapped.controls.preset.currentText() == "Mine"
    swapped.keep_preset("Likeness")
    assert "built in" in swapped.messages.text


def test_a_preset_of_ones_own_is_deleted_and_brought_back(swapped: SwapPage, qtbot: QtBot) -> None:
    controls = swapped.controls
    assert controls.drop_button.isHidden(), "those that are built in stay"
    controls.likeness.slider.setValue(30)
    swapped.keep_preset("Mine")
    qtbot.mouseClick(controls.drop_button, Qt.LeftButton)
    assert controls.preset.findText("Mine") < 0 and controls.likeness.value == 0.3
    qtbot.mouseClick(swapped.messages._action, Qt.LeftButton)
    assert controls.preset.currentText() == "Mine"


def test_the_result_is_saved_at_full_size(swapped: SwapPage, group: Path, tmp_path: Path, until) -> None:
    out = tmp_path / "out.png"
    swapped.save(out)
    until(lambda: swapped.messages.text == "Saved as out.png.")
    saved, before = read_photo(out).image, read_photo(group).image
    assert saved.shape == before.shape
    assert (saved[:, 600:] == before[:, 600:]).all(), "the face that was left alone stays as it is"
    assert (saved[:, :512] != before[:, :512]).any()


@pytest.fixture
def deep(group: Path, read_image: Callable) -> Path:
    """The photo of both with 16 bits a colour, of which a result keeps 8."""
    from faceapp.opencv import cv2

    path = group.with_name("deep.png")
    path.write_bytes(cv2.imencode(".png", read_image(group).astype(np.uint16) * 257)[1].tobytes())
    return path


def test_what_a_saved_photo_has_lost_is_said(swapped: SwapPage, deep: Path, tmp_path: Path, until) -> None:
    swapped.save(tmp_path / "out.png")
    until(lambda: swapped.messages.text == "Saved as out.png.")
    assert swapped.messages._details.toPlainText() == ""
    swapped.open_photo(deep)
    until(lambda: swapped._cards)
    swapped.save(tmp_path / "deep_out.png")
    until(lambda: swapped.messages.text == "Saved as deep_out.png.")
    assert "8 bits" in swapped.messages._details.toPlainText()


def test_the_photo_itself_is_never_written_over(swapped: SwapPage, group: Path, until) -> None:
    kept = group.read_bytes()
    swapped.save(group)
    until(lambda: swapped.messages.text)
    assert group.read_bytes() == kept


def test_a_folder_is_done_in_one_go_and_what_was_left_out_is_said(
    swapped: SwapPage, group: Path, deep: Path, tmp_path: Path, until
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / "good.png").write_bytes(group.read_bytes())
    (folder / "broken.png").write_bytes(group.read_bytes()[:500])
    (folder / "deep.png").write_bytes(deep.read_bytes())
    swapped.swap_folder(folder, out)
    until(lambda: "left out" in swapped.messages.text)
    assert sorted(path.name for path in out.iterdir()) == ["deep.png", "good.png"]
    broken, lost = swapped.messages._details.toPlainText().splitlines()
    assert broken.startswith("broken.png: ")
    assert lost.startswith("deep.png: ") and "8 bits" in lost


def test_somebody_who_does_not_want_it_is_not_swapped(
    page: SwapPage, services: Services, portrait_files: dict[str, Path], group: Path, until
) -> None:
    person = services.enrolment.enrol(
        read_photo(portrait_files["astronaut"]), PersonName("Eileen", "Collins")
    ).person
    services.people.set_no_swap(person.id, True)
    page.sources.add([PhotoSource.file(portrait_files["astronaut"])])
    page.open_photo(group)
    until(lambda: "Eileen Collins" in page.messages.text)
    assert page.canvas.result is None
    assert not page.save_button.isEnabled()


def test_a_photo_without_a_face_says_so(page: SwapPage, portrait_files, tmp_path: Path, until) -> None:
    from faceapp.opencv import cv2

    blank = tmp_path / "blank.png"
    blank.write_bytes(cv2.imencode(".png", np.full((300, 300, 3), 120, np.uint8))[1].tobytes())
    page.sources.add([PhotoSource.file(portrait_files["astronaut"])])
    page.open_photo(blank)
    until(lambda: page.messages.text)
    assert "face" in page.messages.text.lower()
    assert page.canvas.result is None


@pytest.fixture
def clip(tmp_path: Path, hopper: Image) -> Path:
    """A short video of the portrait, which drifts a little."""
    import av

    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 480, 560, "yuv420p"
        for shift in range(12):
            part = np.ascontiguousarray(hopper[20:580, 10 + shift : 490 + shift])
            output.mux(stream.encode(av.VideoFrame.from_ndarray(part, format="bgr24")))
        output.mux(stream.encode())
    return path


def test_a_video_is_looked_at_shown_frame_by_frame_and_made(
    page: SwapPage, portrait_files: dict[str, Path], clip: Path, tmp_path: Path, until
) -> None:
    import av

    page.sources.add([PhotoSource.file(portrait_files["astronaut"])])
    page.open_photo(clip)
    until(lambda: page.canvas.result is not None)
    assert [row.choice.currentText() for row in page.casting.rows] == ["astronaut"]
    first = to_bgr(page.canvas.result.levels[0])
    page.frames.slider.setValue(11)
    until(lambda: not np.array_equal(to_bgr(page.canvas.result.levels[0]), first))
    assert (to_bgr(page.canvas.picture.levels[0]) != to_bgr(page.canvas.result.levels[0])).any()
    page.save(tmp_path / "made.mp4")
    until(lambda: "made.mp4 is ready: 12 of 12 frames" in page.messages.text)
    with av.open(str(tmp_path / "made.mp4")) as made:
        assert sum(1 for _ in made.decode(video=0)) == 12


def test_a_video_that_was_stopped_goes_on_at_a_click(
    page: SwapPage, services: Services, portrait_files: dict[str, Path], clip: Path, tmp_path: Path, until,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(segments, "SEGMENT_SECONDS", 0.4)
    monkeypatch.setattr(manager, "PROGRESS_INTERVAL", 0.0)
    page.sources.add([PhotoSource.file(portrait_files["astronaut"])])
    page.open_photo(clip)
    until(lambda: page.canvas.result is not None)
    leave = services.jobs.subscribe(
        lambda job: services.jobs.cancel(job.id) if "Swapping frame 6" in job.message else None
    )
    page.save(tmp_path / "made.mp4")
    until(lambda: "frames are finished" in page.messages.text)
    leave()
    assert not (tmp_path / "made.mp4").exists()
    button = page.messages.findChild(QPushButton, "messageAction")
    assert button.text() == "Go on"
    button.click()
    until(lambda: "made.mp4 is ready" in page.messages.text)
