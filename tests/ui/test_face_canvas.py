"""The canvas: places, selection, keys, zoom and what is said about a face."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt5.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt5.QtGui import QContextMenuEvent, QHelpEvent, QMouseEvent, QWheelEvent
from PyQt5.QtWidgets import QApplication, QLineEdit, QMenu, QToolTip, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from faceapp.types import Box, Image
from ui.face_canvas import FaceCanvas
from ui.face_mark import STROKES, FaceMark, MarkState
from ui.images import to_bgr
from ui.picture import Picture, thumbnail

LEFT = FaceMark(Box(50, 100, 150, 220), "Ann", "<p>Ann, distance 0.02</p>", MarkState.KNOWN, "Ann")
RIGHT = FaceMark(Box(250, 110, 350, 230), "like Bob", "<p>Bob</p>", MarkState.LOOKALIKE)
BELOW = FaceMark(Box(150, 320, 250, 390))


@pytest.fixture
def canvas(qtbot: QtBot) -> FaceCanvas:
    widget = FaceCanvas()
    qtbot.addWidget(widget)
    widget.resize(624, 624)
    widget.set_picture(Picture.of(np.full((400, 400, 3), (10, 200, 30), np.uint8)))
    widget.set_marks([RIGHT, BELOW, LEFT])
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def middle(canvas: FaceCanvas, index: int) -> QPoint:
    return canvas.frame_of(index).center().toPoint()


def test_a_photo_is_fitted_into_the_middle_and_faces_lie_where_they_are_on_it(canvas: FaceCanvas) -> None:
    frame = canvas.frame_of(2)
    assert (frame.left(), frame.top()) == pytest.approx((12 + 50 * 1.5, 12 + 100 * 1.5))
    assert frame.width() == pytest.approx(100 * 1.5)


def test_the_photo_is_drawn(canvas: FaceCanvas) -> None:
    shown = canvas.grab().toImage().pixelColor(*[int(312 * canvas.devicePixelRatioF())] * 2)
    # a virtual screen may have few colours
    assert (shown.red(), shown.green(), shown.blue()) == pytest.approx((30, 200, 10), abs=8)


def test_a_click_selects_the_face_under_it(canvas: FaceCanvas, qtbot: QtBot) -> None:
    with qtbot.waitSignal(canvas.face_selected) as told:
        qtbot.mouseClick(canvas, Qt.LeftButton, pos=middle(canvas, 0))
    assert told.args == [0]
    with qtbot.assertNotEmitted(canvas.face_selected):
        qtbot.mouseClick(canvas, Qt.LeftButton, pos=QPoint(20, 20))
    assert canvas.selected == 0


def test_of_two_faces_that_overlap_the_smaller_one_is_meant(canvas: FaceCanvas) -> None:
    canvas.set_marks([FaceMark(Box(0, 0, 400, 400)), FaceMark(Box(100, 100, 200, 200))])
    assert canvas.face_at(canvas.frame_of(1).center()) == 1
    assert canvas.face_at(QPointF(60, 60)) == 0


def test_hovering_says_who_it_is(canvas: FaceCanvas, qtbot: QtBot) -> None:
    place = middle(canvas, 2)
    QApplication.sendEvent(canvas, QHelpEvent(QHelpEvent.ToolTip, place, canvas.mapToGlobal(place)))
    assert QToolTip.text() == LEFT.tooltip


def test_arrows_go_from_face_to_face_as_people_read(canvas: FaceCanvas, qtbot: QtBot) -> None:
    seen = []
    for _ in range(4):
        qtbot.keyClick(canvas, Qt.Key_Right)
        seen.append(canvas.selected)
    assert seen == [2, 0, 1, 2]
    qtbot.keyClick(canvas, Qt.Key_Left)
    assert canvas.selected == 1


def test_tab_goes_through_the_faces_and_then_on(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    canvas, field = FaceCanvas(), QLineEdit()
    layout = QVBoxLayout(window)
    layout.addWidget(canvas)
    layout.addWidget(field)
    canvas.set_picture(Picture.of(np.zeros((400, 400, 3), np.uint8)))
    canvas.set_marks([LEFT, RIGHT])
    window.show()
    window.activateWindow()
    canvas.setFocus()
    qtbot.waitUntil(canvas.hasFocus)
    seen = []
    for _ in range(2):
        qtbot.keyClick(canvas, Qt.Key_Tab)
        seen.append(canvas.selected)
    assert seen == [0, 1]
    qtbot.keyClick(canvas, Qt.Key_Tab)
    assert field.hasFocus()


def test_enter_and_a_double_click_act_on_the_face(canvas: FaceCanvas, qtbot: QtBot) -> None:
    canvas.select(1)
    with qtbot.waitSignal(canvas.face_activated) as told:
        qtbot.keyClick(canvas, Qt.Key_Return)
    assert told.args == [1]
    with qtbot.waitSignal(canvas.face_activated) as told:
        qtbot.mouseDClick(canvas, Qt.LeftButton, pos=middle(canvas, 2))
    assert told.args == [2]


def test_the_wheel_zooms_at_the_mouse(canvas: FaceCanvas) -> None:
    place = canvas.frame_of(0).center()
    before = canvas.scale
    turn = QWheelEvent(
        place, QPointF(0, 0), QPoint(), QPoint(0, 120), Qt.NoButton, Qt.NoModifier, Qt.NoScrollPhase, False
    )
    QApplication.sendEvent(canvas, turn)
    assert canvas.scale > before
    after = canvas.frame_of(0).center()
    assert (after.x(), after.y()) == pytest.approx((place.x(), place.y()), abs=1)


def test_keys_zoom_fit_and_show_pixel_for_pixel(canvas: FaceCanvas, qtbot: QtBot) -> None:
    fitted = canvas.scale
    qtbot.keyClick(canvas, Qt.Key_Plus)
    qtbot.keyClick(canvas, Qt.Key_Plus)
    assert canvas.scale > fitted
    qtbot.keyClick(canvas, Qt.Key_0)
    assert canvas.scale == pytest.approx(fitted)
    qtbot.keyClick(canvas, Qt.Key_1)
    assert canvas.scale == pytest.approx(1.0)


def test_dragging_moves_the_photo_and_selects_nothing(canvas: FaceCanvas, qtbot: QtBot) -> None:
    for _ in range(4):
        canvas.zoom_by(1.25)
    start = canvas.frame_of(0).center()
    qtbot.mousePress(canvas, Qt.LeftButton, pos=QPoint(300, 300))
    # qtbot's own move carries no button, as no mouse does while it drags
    move = QMouseEvent(QEvent.MouseMove, QPointF(340, 330), Qt.NoButton, Qt.LeftButton, Qt.NoModifier)
    QApplication.sendEvent(canvas, move)
    qtbot.mouseRelease(canvas, Qt.LeftButton, pos=QPoint(340, 330))
    moved = canvas.frame_of(0).center() - start
    assert (moved.x(), moved.y()) == pytest.approx((40, 30), abs=1)
    assert canvas.selected == -1


def test_the_context_menu_is_that_of_the_face_under_the_mouse(canvas: FaceCanvas, qtbot: QtBot) -> None:
    asked = []

    def make(index: int) -> QMenu:
        asked.append(index)
        menu = QMenu(canvas)
        menu.addAction("Enrol")
        return menu

    canvas.set_menu(make)
    place = middle(canvas, 1)
    QApplication.sendEvent(
        canvas, QContextMenuEvent(QContextMenuEvent.Mouse, place, canvas.mapToGlobal(place))
    )
    menu = QApplication.activePopupWidget()
    assert menu is not None
    menu.close()
    assert asked == [1]
    assert canvas.selected == 1


def test_a_selected_face_outside_the_view_is_brought_into_it(canvas: FaceCanvas) -> None:
    canvas.zoom_to(2, share=2.0)
    canvas.select(0)
    assert canvas.rect().contains(canvas.frame_of(0).center().toPoint())


def test_it_is_said_aloud_what_is_selected(canvas: FaceCanvas) -> None:
    canvas.select(2)
    assert canvas.accessibleName() == "Photo with 3 faces"
    assert canvas.accessibleDescription() == "Face 3 of 3: Ann"


def test_an_empty_canvas_shows_its_sentence_and_a_photo_hides_it(qtbot: QtBot) -> None:
    canvas = FaceCanvas()
    qtbot.addWidget(canvas)
    canvas.empty.say("photo", "Nothing here yet.", button="Choose…")
    canvas.show()
    assert canvas.empty.isVisible()
    with qtbot.waitSignal(canvas.empty.chosen):
        qtbot.mouseClick(canvas.empty.button, Qt.LeftButton)
    canvas.set_picture(Picture.of(np.zeros((40, 40, 3), np.uint8)))
    assert not canvas.empty.isVisible()


def test_no_state_is_told_by_its_colour_alone() -> None:
    said = {(stroke.line, stroke.sign) for stroke in STROKES.values()}
    # A face that will be enrolled is drawn as a known one is: both say "this one is right".
    assert len(said) == len(MarkState) - 1


@pytest.mark.parametrize("scale", [0.05, 0.2, 0.25, 0.4, 0.5, 0.9, 1.0, 3.0])
def test_the_level_that_is_drawn_has_a_pixel_for_each_of_the_screen(scale: float) -> None:
    picture = Picture.of(np.zeros((2100, 3001, 3), np.uint8))
    level = picture.level(scale)
    assert level.width() >= min(1.0, scale) * picture.width - 2 ** len(picture.levels)
    halves = [other.width() for other in picture.levels]
    assert halves == [3001, 1500, 750, 375][: len(halves)]


def test_a_face_that_was_brought_close_stays_so_when_the_window_grows(canvas: FaceCanvas) -> None:
    canvas.zoom_to(0, share=0.5)
    canvas.resize(1024, 924)
    frame = canvas.frame_of(0)
    assert max(frame.width(), frame.height()) == pytest.approx(0.5 * (924 - 24), abs=1)
    canvas.zoom_by(0.5)
    before = canvas.scale
    canvas.resize(624, 624)
    assert canvas.scale == before


@pytest.mark.parametrize("box", [Box(180, 60, 270, 180), Box(-40, -40, 60, 60), Box(480, 480, 530, 560)])
def test_a_thumbnail_is_a_square_of_the_photo_around_the_face(astronaut: Image, box: Box) -> None:
    marked = np.zeros_like(astronaut)
    inside = [int(min(max(value, 0), 512)) for value in (box.x1, box.y1, box.x2, box.y2)]
    marked[inside[1] : inside[3], inside[0] : inside[2]] = 255
    small = to_bgr(thumbnail(marked, box, size=64))
    assert small.shape == (64, 64, 3)
    # twice the face's side, so the face fills half of each side, cut where the photo ends
    shown = (small[..., 0] > 127).mean()
    side = 2 * max(box.width, box.height)
    expected = (inside[2] - inside[0]) * (inside[3] - inside[1]) / side**2
    assert shown == pytest.approx(expected, abs=0.03)


def test_the_thumbnail_of_a_photo_without_a_face_is_its_middle() -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200
    assert (to_bgr(thumbnail(wide, size=8)) > 150).all()
