"""The small parts of the frame: words, messages, icons, theme, memory."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PyQt5.QtCore import QSize, Qt
from PyQt5.QtGui import QColor
from PyQt5.QtWidgets import QApplication, QPushButton, QSplitter, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from faceapp.errors import Cancelled, UnusablePhoto
from faceapp.paths import Paths
from ui import words
from ui.icons import NAMES, icon
from ui.memory import Memory
from ui.messages import MessageBar
from ui.theme import DARK, LIGHT, STYLE_SHEET


def test_numbers_are_said_as_people_say_them() -> None:
    assert words.people_count(1) == "1 person"
    assert words.photo_count(2138) == "2,138 photos"
    assert words.rate(12.3, "photos") == "12 photos/s"
    assert words.rate(0.44, "photos") == "0.4 photos/s"
    assert words.time_left(59) == "less than a minute left"
    assert words.time_left(750) == "about 12 min left"
    assert words.time_left(7500) == "about 2 h 5 min left"
    assert words.listed([]) == ""
    assert words.listed(["Ann", "Bob"]) == "Ann and Bob"
    assert words.listed(["Ann", "Bob", "Cid"]) == "Ann, Bob and Cid"
    assert words.listed(["Ann", "Bob", "Cid", "Dee"]) == "Ann, Bob and 2 others"


def test_an_error_says_what_why_and_what_to_do(qtbot: QtBot) -> None:
    bar = MessageBar()
    qtbot.addWidget(bar)
    assert bar.text == ""
    try:
        try:
            raise OSError("disk")
        except OSError as cause:
            raise UnusablePhoto("broken", "The file is broken.", "Take another one.") from cause
    except UnusablePhoto as error:
        bar.show_error(error)
    assert bar.text == "The file is broken."
    copy = next(button for button in bar.findChildren(QToolButton) if button.text() == "Copy")
    copy.click()
    assert QApplication.clipboard().text().splitlines() == [
        "The file is broken.",
        "Take another one.",
        "broken",
        "OSError: disk",
    ]
    bar.show_error(Cancelled())
    assert bar.text == ""


def test_a_message_has_one_way_to_act_and_goes_when_it_was_taken(qtbot: QtBot) -> None:
    bar = MessageBar()
    qtbot.addWidget(bar)
    taken: list[str] = []
    bar.show_message("Deleted Ann.", action=("Undo", lambda: taken.append("undo")))
    bar.findChild(QPushButton, "messageAction").click()
    assert (taken, bar.text) == (["undo"], "")
    bar.show_message("Gone soon.", seconds=0.05)
    qtbot.waitUntil(lambda: bar.text == "")


@pytest.mark.parametrize("name", NAMES)
def test_every_icon_draws_something(qapp: QApplication, name: str) -> None:
    picture = icon(name).pixmap(QSize(32, 32)).toImage()
    inked = [picture.pixelColor(x, y).alpha() > 128 for x in range(32) for y in range(32)]
    assert 20 < sum(inked) < 900


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("text", "window"),
        ("text", "panel"),
        ("text", "soft"),
        ("text", "success_soft"),
        ("text", "warning_soft"),
        ("text", "error_soft"),
        ("quiet", "window"),
        ("quiet", "panel"),
        ("on_accent", "accent"),
        ("accent", "window"),
        ("error", "window"),
    ],
)
def test_words_can_be_read_on_their_ground(theme: dict[str, str], ink: str, ground: str) -> None:
    """WCAG 2.1, level AA: a contrast of 4.5 for text."""
    assert contrast(QColor(theme[ink]), QColor(theme[ground])) >= 4.5


def contrast(one: QColor, other: QColor) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: QColor) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.getRgbF()[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_both_themes_have_every_colour_of_the_style_sheet() -> None:
    used = set(re.findall(r"@(\w+)", STYLE_SHEET.read_text("utf-8"))) - {"icons"}
    assert used <= set(LIGHT)
    assert set(LIGHT) == set(DARK)


def test_a_splitter_and_a_folder_are_remembered(qtbot: QtBot, tmp_path: Path) -> None:
    def splitter() -> QSplitter:
        made = QSplitter(Qt.Horizontal)
        for _ in range(2):
            made.addWidget(QWidget())
        made.resize(600, 100)
        qtbot.addWidget(made)
        return made

    first = splitter()
    Memory(Paths(tmp_path)).restore_splitter("people", first, [200, 400])
    first.setSizes([100, 500])
    first.splitterMoved.emit(100, 1)
    second = splitter()
    Memory(Paths(tmp_path)).restore_splitter("people", second, [200, 400])
    assert second.saveState() == first.saveState()
    Memory(Paths(tmp_path)).keep_folder("import", tmp_path)
    assert Memory(Paths(tmp_path)).folder("import") == str(tmp_path)
    Memory(Paths(tmp_path)).keep_folder("import", tmp_path / "gone")
    assert Memory(Paths(tmp_path)).folder("import") != str(tmp_path / "gone")
