"""Before and after: the line, what lies on each side of it, keys; and the slider with its words."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt5.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt5.QtGui import QMouseEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ui.divider_canvas import DividerCanvas
from ui.picture import Picture
from ui.slider_row import SliderRow

GREEN, RED = (10, 200, 30), (10, 30, 200)


def plain(colour: tuple[int, int, int], side: int = 400) -> Picture:
    return Picture.of(np.full((side, side, 3), colour, np.uint8))


@pytest.fixture
def canvas(qtbot: QtBot) -> DividerCanvas:
    widget = DividerCanvas()
    qtbot.addWidget(widget)
    widget.resize(624, 624)
    widget.set_picture(plain(GREEN))
    widget.set_result(plain(RED, 200))
    widget.set_share(0.5)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def seen(canvas: DividerCanvas, x: int, y: int = 150) -> tuple[int, int, int]:
    ratio = canvas.devicePixelRatioF()
    colour = canvas.grab().toImage().pixelColor(int(x * ratio), int(y * ratio))
    return colour.blue(), colour.green(), colour.red()


def test_left_of_the_line_is_the_photo_and_right_of_it_the_result(canvas: DividerCanvas) -> None:
    assert seen(canvas, 150) == pytest.approx(GREEN, abs=8)
    assert seen(canvas, 500) == pytest.approx(RED, abs=8)


def test_the_result_fills_the_canvas_when_the_line_is_outside_it(canvas: DividerCanvas) -> None:
    canvas.set_share(0.0)
    canvas.zoom_by(4)
    for x in (4, 312, 620):
        assert seen(canvas, x) == pytest.approx(RED, abs=8)


def test_the_line_is_dragged_with_the_mouse_and_the_photo_stays_where_it_is(canvas: DividerCanvas) -> None:
    # The photo's 400 pixels lie on 12 to 612.
    QTest.mousePress(canvas, Qt.LeftButton, pos=QPoint(312, 300))
    # QTest.mouseMove moves the one pointer of the screen, which may not come to this window.
    place = QPointF(162, 300)
    QApplication.sendEvent(
        canvas, QMouseEvent(QEvent.MouseMove, place, Qt.NoButton, Qt.LeftButton, Qt.NoModifier)
    )
    QTest.mouseRelease(canvas, Qt.LeftButton, pos=place.toPoint())
    assert canvas.share == pytest.approx(0.25, abs=0.01)
    assert seen(canvas, 100) == pytest.approx(GREEN, abs=8)
    assert seen(canvas, 250) == pytest.approx(RED, abs=8)


def test_the_photo_alone_is_shown_while_b_is_held(canvas: DividerCanvas) -> None:
    QTest.keyPress(canvas, Qt.Key_B)
    assert seen(canvas, 500) == pytest.approx(GREEN, abs=8)
    QTest.keyRelease(canvas, Qt.Key_B)
    assert seen(canvas, 500) == pytest.approx(RED, abs=8)


def test_another_photo_comes_without_the_old_result(canvas: DividerCanvas) -> None:
    canvas.set_picture(plain(GREEN))
    assert canvas.result is None
    assert seen(canvas, 500) == pytest.approx(GREEN, abs=8)


def test_a_slider_says_its_value_and_a_double_click_on_its_name_brings_the_first_one_back(
    qtbot: QtBot,
) -> None:
    row = SliderRow("Likeness", -1, 2, 1, ends=("less", "more"))
    qtbot.addWidget(row)
    row.show()
    with qtbot.waitSignals([row.value_changed, row.settled]):
        QTest.keyClick(row.slider, Qt.Key_Home)
    assert row.value == -1
    assert row.slider.accessibleDescription() == "-100 %"
    QTest.mouseDClick(row, Qt.LeftButton, pos=row._title.geometry().center())
    assert row.value == pytest.approx(1, abs=0.02)
