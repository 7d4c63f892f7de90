"""What gives way where a window is small: no word is cut off, nothing that is needed is out of sight."""

from __future__ import annotations

import pytest
from exposed import exposed
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtWidgets import QApplication, QLabel, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from faceapp.build.card import Candidate, Row
from faceapp.edit.card import Card
from ui.builder_table import SortedTable, method_rows, topology_words
from ui.card_view import CardView
from ui.empty_state import EmptyState
from ui.icon_label import IconLabel
from ui.key_names import KeyNames
from ui.match_row import MatchRow
from ui.messages import MessageBar
from ui.wrapped_label import WrappedLabel


def test_an_empty_state_gives_its_icon_up_before_any_word(qtbot: QtBot) -> None:
    empty = EmptyState()
    empty.say("enrol", "Put somebody into your library", "Drop photos of one person here. " * 3, "Choose…")
    exposed(qtbot, empty, 300, 500)
    icon, labels = empty.findChild(IconLabel), empty.findChildren(QLabel)
    assert icon.isVisible()
    empty.resize(300, empty.layout().totalHeightForWidth(300) - 20)
    assert not icon.isVisible()
    QApplication.processEvents()
    for label in labels:
        assert label is icon or not label.text() or label.height() >= label.heightForWidth(label.width())
    empty.resize(300, 500)
    assert icon.isVisible()


def test_a_result_keeps_its_buttons_inside_at_every_width(qtbot: QtBot) -> None:
    row = exposed(qtbot, MatchRow(), 640, 140)
    buttons = (row.compare_button, row.morph_button, row.people_button, row.reject_button)
    assert all(button.toolButtonStyle() == Qt.ToolButtonTextBesideIcon for button in buttons)
    for width in (420, 340, 260):
        row.resize(width, 140)
        assert buttons[-1].mapTo(row, QPoint(buttons[-1].width(), 0)).x() <= width
        assert all(button.text() and button.toolTip() for button in buttons)
    assert buttons[-1].toolButtonStyle() == Qt.ToolButtonIconOnly


def test_a_wrapped_label_is_as_high_as_its_lines(qtbot: QtBot) -> None:
    page, label = QWidget(), WrappedLabel("a sentence that needs several lines where room is little " * 2)
    column = QVBoxLayout(page)
    column.addWidget(label)
    column.addStretch(1)
    exposed(qtbot, page, 600, 400)
    wide = label.height()
    page.resize(200, 400)
    assert label.height() == label.heightForWidth(label.width()) > wide
    label.setText("short")
    assert label.height() < wide + 4


def test_the_names_of_a_way_stand_under_their_places(qtbot: QtBot) -> None:
    names = exposed(qtbot, KeyNames(), 400, 24)
    names.show_names(["Ann", "Bob", "Cleo", "Dan"])
    centres = [names.frame(number).center().x() for number in (1, 2)]
    assert centres == pytest.approx([400 / 3, 800 / 3], abs=4)
    assert names.frame(0).left() == 0 and names.frame(3).right() <= 400
    chosen: list[float] = []
    names.chosen.connect(chosen.append)
    for x in (2, 140, 398):
        qtbot.mouseClick(names, Qt.LeftButton, pos=QPoint(x, 12))
    assert chosen == pytest.approx([0, 1 / 3, 1])
    names.show_names(())
    assert not names.isVisible()


def test_an_error_goes_with_what_it_was_about_a_success_stays(qtbot: QtBot) -> None:
    bar = MessageBar()
    qtbot.addWidget(bar)
    bar.show_message("It went wrong.", kind="error")
    bar.clear_error()
    assert bar.text == ""
    bar.show_message("Saved.", kind="success")
    bar.clear_error()
    assert bar.text == "Saved."


def test_a_card_that_is_shown_twice_leaves_no_windows_behind(qtbot: QtBot) -> None:
    card = CardView()
    exposed(qtbot, card, 300, 300)
    before = set(QApplication.topLevelWidgets())
    for _ in range(2):
        card.show_card(Card(0, 0, 0.02, 0.1, 0.08, 0.06, 0.9, 10.0))
    card.say("")
    QApplication.processEvents()
    stray = [each for each in QApplication.topLevelWidgets() if each not in before and each.isVisible()]
    assert stray == []


def test_a_table_without_room_scrolls_and_cuts_no_method(qtbot: QtBot) -> None:
    table = SortedTable([("Method", ""), ("Accuracy", "on what was held back")], "Methods", wide=0)
    exposed(qtbot, table, 600, 200)
    row = Row("network", "network 64 relu", 0.9, 0.8, 1.0, 0.1, 0.9, 100, 10.0)
    table.table.show_rows([cells[:2] for cells in method_rows([row])])
    index = table.model().index(0, 0)
    assert index.data() == "network" and index.data(Qt.ToolTipRole) == "network 64 relu"
    assert table.columnWidth(0) + table.columnWidth(1) == table.viewport().width()
    table.resize(90, 200)
    assert table.columnWidth(0) >= table.sizeHintForColumn(0)
    assert table.model().headerData(1, Qt.Horizontal, Qt.ToolTipRole) == "on what was held back"


def test_a_network_is_said_in_few_words() -> None:
    words = topology_words(
        {
            "widths": [24, 92],
            "activation": "tanh",
            "normalisation": "batch",
            "dropout": 0.2,
            "optimiser": "adam",
            "learning_rate": 0.0003,
            "skip": False,
        }
    )
    assert words == "24–92, tanh, batch normalisation, dropout 0.2, adam, learning rate 0.0003"


def test_the_plot_says_why_it_is_empty_and_names_each_plain_method(qtbot: QtBot) -> None:
    from ui.builder_plots import ParetoPlot

    plot = ParetoPlot()
    qtbot.addWidget(plot)
    plot.show_candidates((), (), ended=False)
    assert "as they are tried" in plot.plotItem.titleLabel.text
    plot.show_candidates((), (), ended=True)
    assert "no search" in plot.plotItem.titleLabel.text
    tried = [
        Candidate(0, 0, {}, 0.9, 1000, 10.0, front=True),
        Candidate(1, 0, {}, 0.8, 2000, 9.0, front=True),
        Candidate(2, 0, {}, 0.7, 3000, 9.5, stopped=True),
    ]
    plot.show_candidates(tried, [("linear SVM", 0.95), ("nearest neighbour", 0.95)], ended=True)
    names = [item[1].text for item in plot.plotItem.legend.items]
    assert "linear SVM: 95.0 %" in names and "nearest neighbour: 95.0 %" in names
    line = next(item for item in plot.listDataItems() if item.opts["pen"] is not None and not item.name())
    # The second is in front by its time alone: a line down to it would say that it is better.
    assert len(line.getOriginalDataset()[0]) == 1


def test_a_primary_button_draws_its_icon_in_the_colour_on_the_accent(qtbot: QtBot) -> None:
    from PyQt5.QtGui import QPalette

    from ui.widgets import primary_button

    button: QPushButton = primary_button("save", "Save")
    qtbot.addWidget(button)
    picture = button.icon().pixmap(32, 32).toImage()
    wanted = QApplication.palette().color(QPalette.HighlightedText)
    drawn = [picture.pixelColor(x, y) for x in range(32) for y in range(32)]
    solid = [colour for colour in drawn if colour.alpha() == 255]
    assert solid and all(colour.rgb() == wanted.rgb() for colour in solid)
