"""Widgets on the screen."""

from __future__ import annotations

from typing import TypeVar

from PyQt5.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

Shown = TypeVar("Shown", bound=QWidget)


def exposed(qtbot: QtBot, widget: Shown, width: int = 1200, height: int = 720) -> Shown:
    """The widget, shown in that size (pixels); qtbot closes it after the test."""
    qtbot.addWidget(widget)
    widget.resize(width, height)
    widget.show()
    qtbot.waitExposed(widget)
    return widget
