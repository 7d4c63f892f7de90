"""Small widgets and layouts that many pages make in the same way."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QPalette
from PyQt5.QtWidgets import (
    QFrame,
    QLayout,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ui.icons import icon

GRID = 8


def tool_button(name: str, tip: str, checkable: bool = False, flat: bool = False) -> QToolButton:
    """A button with an icon (its meaning, see `icons`) and a tooltip, which a screen reader says as well."""
    button = QToolButton(checkable=checkable, autoRaise=flat)
    button.setIcon(icon(name))
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    return button


def primary_button(name: str, text: str) -> QPushButton:
    """The one button of a page that is meant first: filled with the accent, its icon in the colour on it."""
    button = QPushButton(icon(name, QPalette.HighlightedText), text)
    button.setProperty("role", "primary")
    return button


def number_box(low: int, high: int, value: int, suffix: str = "") -> QSpinBox:
    """A field for a whole number, without arrows: type, turn the wheel, or press up and down."""
    box = QSpinBox(minimum=low, maximum=high, value=value, suffix=suffix)
    box.setButtonSymbols(QSpinBox.NoButtons)
    return box


def scrolling(inside: QWidget) -> QScrollArea:
    """A column that scrolls up and down where the window is too low for it. The keys pass it by."""
    area = QScrollArea(widgetResizable=True)
    area.setFrameShape(QFrame.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.NoFocus)
    area.setWidget(inside)
    return area


def side_by_side(splitter: QSplitter, zones: Sequence[tuple[QWidget, int]]) -> None:
    """Put the zones of a page beside each other, each with its least width; the second one grows."""
    for widget, least in zones:
        widget.setMinimumWidth(least)
        splitter.addWidget(widget)
    splitter.setChildrenCollapsible(False)
    splitter.setStretchFactor(1, 1)


def fill_page(page: QWidget, *bars: QWidget, body: QWidget) -> None:
    """Lay out a page: bars that say something above, and the body in what is left."""
    layout = QVBoxLayout(page)
    layout.setContentsMargins(GRID, GRID, GRID, GRID)
    layout.setSpacing(GRID)
    for bar in bars:
        layout.addWidget(bar)
    layout.addWidget(body, 1)


def clear_layout(layout: QLayout) -> None:
    """Take every widget out of a layout and delete it."""
    while layout.count():
        widget = layout.takeAt(0).widget()
        if widget is not None:
            # Hidden first: a layout shows what was added to it a moment later, and without a parent that
            # would be a window of its own.
            widget.hide()
            widget.setParent(None)
            widget.deleteLater()


def stacked(widget: QWidget) -> QVBoxLayout:
    """The layout of a widget whose children stand below each other, without a margin of its own."""
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(GRID)
    return layout
