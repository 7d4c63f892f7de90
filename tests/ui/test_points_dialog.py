"""The dialog that corrects the points of a face, with the real model on a real face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt5.QtGui import QMouseEvent
from PyQt5.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from faceapp.edit.rigid import MIRROR
from faceapp.pipeline.photos import read_photo
from faceapp.services import Services
from faceapp.types import Image, PersonName
from ui.images import to_bgr
from ui.jobs_qt import JobsQt
from ui.photo_source import PhotoSource
from ui.points_canvas import PARTS
from ui.points_dialog import PointsDialog

NOSE_TIP, MOUTH_CORNER, INNER_CORNER, CHIN = 30, 48, 60, 8


@pytest.fixture
def open_dialog(qtbot: QtBot, services: Services, jobs: JobsQt, photo_files: dict[str, Path], until):
    def make(name: str = "astronaut", points=None, read: bool = True) -> PointsDialog:
        source = PhotoSource.file(photo_files[name])
        dialog = PointsDialog(services, jobs, source, points)
        dialog.setAttribute(Qt.WA_DeleteOnClose, False)
        dialog.told = []
        dialog.chosen.connect(dialog.told.append)
        # A dialog with points that nobody used does not close the first time.
        qtbot.addWidget(dialog, before_close_func=lambda widget: widget.hide())
        dialog.show()
        QApplication.setActiveWindow(dialog)
        qtbot.waitExposed(dialog)
        if read:
            until(lambda: dialog.points is not None)
        return dialog

    return make


def drag(dialog: PointsDialog, index: int, by: QPoint) -> None:
    """Take a point with the mouse and let it go elsewhere, as a hand does."""
    canvas = dialog.canvas
    start = canvas.place_of(index)
    for kind, place, buttons in (
        (QEvent.MouseButtonPress, start, Qt.LeftButton),
        (QEvent.MouseMove, start + QPointF(by) / 2, Qt.LeftButton),
        (QEvent.MouseMove, start + QPointF(by), Qt.LeftButton),
        (QEvent.MouseButtonRelease, start + QPointF(by), Qt.NoButton),
    ):
        button = Qt.NoButton if kind == QEvent.MouseMove else Qt.LeftButton
        QApplication.sendEvent(canvas, QMouseEvent(kind, place, button, buttons, Qt.NoModifier))


def test_the_face_is_shown_large_with_its_points_on_it(open_dialog) -> None:
    dialog = open_dialog()
    canvas = dialog.canvas
    places = [canvas.place_of(index) for index in range(68)]
    assert all(canvas.rect().contains(place.toPoint()) for place in places)
    spread = max(place.y() for place in places) - min(place.y() for place in places)
    assert spread > 0.6 * min(canvas.width(), canvas.height())
    assert places[NOSE_TIP].y() < places[CHIN].y()
    assert not dialog.use_button.isEnabled(), "nothing was moved yet"


def test_a_dragged_point_lands_where_it_was_let_go_and_its_neighbours_follow(open_dialog) -> None:
    dialog = open_dialog()
    before, scale = dialog.points, dialog.canvas._scale
    drag(dialog, MOUTH_CORNER, QPoint(-24, 12))
    moved = dialog.points - before
    assert np.allclose(moved[MOUTH_CORNER], np.array((-24, 12)) / scale, atol=0.01)
    assert np.hypot(*moved[INNER_CORNER]) > 0.4 * np.hypot(*moved[MOUTH_CORNER])
    assert (moved[36:48] == 0).all(), "the eyes stay"
    dialog.follow.setChecked(False)
    drag(dialog, CHIN, QPoint(0, 10))
    assert np.flatnonzero((dialog.points - before - moved).any(1)).tolist() == [CHIN]


def test_symmetric_moves_the_other_side_as_in_a_mirror(open_dialog) -> None:
    dialog = open_dialog()
    dialog.symmetric.setChecked(True)
    before = dialog.points
    drag(dialog, 36, QPoint(-20, 0))
    one, other = (dialog.points - before)[[36, int(MIRROR[36])]]
    assert one[0] < 0 < other[0]
    assert np.isclose(np.hypot(*one), np.hypot(*other), rtol=0.01)


def test_everything_is_done_with_the_keys_alone(open_dialog, qtbot: QtBot) -> None:
    dialog = open_dialog()
    canvas, before = dialog.canvas, dialog.points
    canvas.setFocus()
    for part in PARTS[:6]:
        qtbot.keyClick(canvas, Qt.Key_Tab)
        assert canvas.chosen == part.first
    qtbot.keyClick(canvas, Qt.Key_BracketRight)
    assert canvas.chosen == 37
    qtbot.keyClick(canvas, Qt.Key_BracketLeft)
    qtbot.keyClick(canvas, Qt.Key_Right)
    qtbot.keyClick(canvas, Qt.Key_Up, Qt.ShiftModifier)
    assert np.allclose((dialog.points - before)[36], (1, -10), atol=1e-3)
    assert "Eye on the left, point 1 of 6" in canvas.accessibleDescription()
    for _ in PARTS[6:]:
        qtbot.keyClick(canvas, Qt.Key_Tab)
    assert canvas.hasFocus()
    qtbot.keyClick(canvas, Qt.Key_Tab)
    assert not canvas.hasFocus(), "after the last part comes the next widget"


def test_moves_are_taken_back_and_made_again(open_dialog, qtbot: QtBot) -> None:
    dialog = open_dialog()
    found = dialog.points
    drag(dialog, CHIN, QPoint(0, 30))
    first = dialog.points
    drag(dialog, NOSE_TIP, QPoint(20, 0))
    qtbot.keyClick(dialog.canvas, Qt.Key_Z, Qt.ControlModifier)
    assert (dialog.points == first).all()
    qtbot.keyClick(dialog.canvas, Qt.Key_Z, Qt.ControlModifier)
    assert (dialog.points == found).all()
    assert not dialog.undo_action.isEnabled()
    qtbot.keyClick(dialog.canvas, Qt.Key_Z, Qt.ControlModifier | Qt.ShiftModifier)
    assert (dialog.points == first).all()
    qtbot.mouseClick(dialog.reset_button, Qt.LeftButton)
    assert (dialog.points == found).all()
    dialog.undo()
    assert (dialog.points == first).all(), "As found can be taken back too"
    dialog.redo()


def photo_shown(dialog: PointsDialog) -> Image:
    """What the canvas shows of the photo, without the points on it."""
    return to_bgr(dialog.canvas._rendered().toImage()).astype(int)


def around(picture: Image, place: QPointF) -> Image:
    x, y = round(place.x()), round(place.y())
    return picture[y - 6 : y + 7, x - 6 : x + 7]


def test_the_face_moves_along_with_its_points(open_dialog, qtbot: QtBot) -> None:
    dialog = open_dialog()
    canvas = dialog.canvas
    drag(dialog, CHIN, QPoint(0, 30))
    plain, start = photo_shown(dialog), canvas.place_of(NOSE_TIP)
    assert not dialog.along.isChecked()
    dialog.along.setFocus()
    qtbot.keyClick(dialog.along, Qt.Key_Space)
    chin_only = photo_shown(dialog)
    assert (chin_only != plain).any(), "what was moved before is shown too"
    drag(dialog, NOSE_TIP, QPoint(30, 12))
    moved, end = photo_shown(dialog), canvas.place_of(NOSE_TIP)
    there = np.abs(around(moved, end) - around(plain, start)).mean()
    assert there < 0.5 * np.abs(around(plain, end) - around(plain, start)).mean()
    dialog.undo()
    assert (photo_shown(dialog) == chin_only).all()
    dialog.redo()
    assert (photo_shown(dialog) == moved).all()
    dialog.reset()
    assert (photo_shown(dialog) == plain).all(), "nothing is moved"
    dialog.undo()
    qtbot.keyClick(dialog.along, Qt.Key_Space)
    assert (photo_shown(dialog) == plain).all()


def test_a_face_that_moves_along_follows_the_mouse_and_the_zoom(open_dialog) -> None:
    dialog = open_dialog()
    canvas = dialog.canvas
    dialog.along.setChecked(True)
    plain, start = photo_shown(dialog), canvas.place_of(NOSE_TIP)
    middle = start + QPointF(24, 0)
    for kind, place in ((QEvent.MouseButtonPress, start), (QEvent.MouseMove, middle)):
        button = Qt.NoButton if kind == QEvent.MouseMove else Qt.LeftButton
        QApplication.sendEvent(canvas, QMouseEvent(kind, place, button, Qt.LeftButton, Qt.NoModifier))
    held = photo_shown(dialog)
    assert np.abs(around(held, middle) - around(plain, start)).mean() < 12
    assert np.abs(around(held, middle) - around(plain, middle)).mean() > 12
    end = QMouseEvent(QEvent.MouseButtonRelease, middle, Qt.LeftButton, Qt.NoButton, Qt.NoModifier)
    QApplication.sendEvent(canvas, end)
    for factor in (0.1, 8.0, 2.0):
        canvas.zoom_by(factor, canvas.place_of(NOSE_TIP))
        shown = photo_shown(dialog)
        canvas.move_along(None)
        assert (photo_shown(dialog) != shown).any()
        canvas.move_along(dialog._face.points)
        assert (photo_shown(dialog) == shown).all()


def test_points_of_somebody_unknown_are_used_until_the_end(open_dialog, qtbot, until) -> None:
    dialog = open_dialog()
    drag(dialog, CHIN, QPoint(0, 30))
    shown = dialog.points
    qtbot.mouseClick(dialog.use_button, Qt.LeftButton)
    until(lambda: dialog.told)
    assert dialog.told[0].shape == (68, 2)
    assert dialog.told[0].dtype == np.float32
    assert (dialog.told[0] == shown).all()
    assert dialog.messages.text == "Used until the window closes."
    assert not dialog.use_button.isEnabled()
    dialog.reset()
    qtbot.mouseClick(dialog.use_button, Qt.LeftButton)
    until(lambda: len(dialog.told) == 2)
    assert dialog.told[1] is None, "as found is no choice of points"


def test_points_of_an_enrolled_face_are_kept_with_the_library(
    open_dialog, services: Services, photo_files, qtbot, until
) -> None:
    photo = read_photo(photo_files["astronaut"])
    services.enrolment.enrol(photo, PersonName("Ann", "Lee"))
    stored = services.enrolment.store.faces_on(photo.sha256)[0]
    dialog = open_dialog()
    found = dialog.points
    drag(dialog, CHIN, QPoint(0, 30))
    qtbot.mouseClick(dialog.use_button, Qt.LeftButton)
    until(lambda: dialog.told)
    assert dialog.messages.text == "Kept with the photo of Ann Lee."
    assert np.allclose(services.people.points(stored.id), dialog.points)
    again = open_dialog()
    assert np.allclose(again.points, dialog.points), "the library's points go before found ones"
    again.reset()
    assert np.allclose(again.points, found, atol=0.01)
    qtbot.mouseClick(again.use_button, Qt.LeftButton)
    until(lambda: again.told)
    assert services.people.points(stored.id) is None


def test_earlier_points_are_shown_again(open_dialog) -> None:
    earlier = open_dialog().points + np.float32(3)
    dialog = open_dialog(points=earlier)
    assert (dialog.points == earlier).all()
    assert not dialog.use_button.isEnabled()
    assert dialog.reset_button.isEnabled()


def test_a_point_does_not_leave_the_photo(open_dialog, qtbot: QtBot) -> None:
    dialog = open_dialog("tiny")
    dialog.canvas.choose(CHIN)
    for _ in range(30):
        qtbot.keyClick(dialog.canvas, Qt.Key_Down, Qt.ShiftModifier)
    assert dialog.points[CHIN, 1] == dialog.canvas.picture.height - 1


def test_a_point_that_is_chosen_comes_into_view(open_dialog) -> None:
    dialog = open_dialog()
    canvas = dialog.canvas
    canvas.choose(NOSE_TIP)
    for _ in range(8):
        canvas.zoom_by(1.25)
    assert not canvas.rect().contains(canvas.place_of(CHIN).toPoint())
    canvas.choose(CHIN)
    assert canvas.rect().contains(canvas.place_of(CHIN).toPoint())


def test_closing_gives_moved_points_up_only_the_second_time(open_dialog, qtbot: QtBot) -> None:
    dialog = open_dialog()
    drag(dialog, CHIN, QPoint(0, 30))
    qtbot.keyClick(dialog, Qt.Key_Escape)
    assert dialog.isVisible()
    assert "not used yet" in dialog.messages.text
    qtbot.keyClick(dialog, Qt.Key_Escape)
    assert not dialog.isVisible()
    assert dialog.told == []


@pytest.mark.parametrize("name", ["nobody", "broken"])
def test_a_photo_without_points_says_why(open_dialog, until, name: str) -> None:
    dialog = open_dialog(name, read=False)
    until(lambda: dialog.messages.text)
    assert dialog.points is None
    assert not dialog.use_button.isEnabled()
    assert dialog.canvas.empty.isVisible()
