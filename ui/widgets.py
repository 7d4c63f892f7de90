"""Small widgets and layouts that many pages make in the same way."""

from __future__ import annotations

from PyQt5.QtWidgets import QSpinBox, QToolButton, QVBoxLayout, QWidget

from ui.icons import icon

GRID = 8


def tool_button(name: str, tip: str, checkable: bool = False, flat: bool = False) -> QToolButton:
    """A button with an icon (its meaning, see `icons`) and a tooltip, which a screen reader says as well."""
    button = QToolButton(checkable=checkable, autoRaise=flat)
    button.setIcon(icon(name))
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    return button


def number_box(low: int, high: int, value: int, suffix: str = "") -> QSpinBox:
    """A field for a whole number, without arrows: type, turn the wheel, or press up and down."""
    box = QSpinBox(minimum=low, maximum=high, value=value, suffix=suffix)
    box.setButtonSymbols(QSpinBox.NoButtons)
    return box


def stacked(widget: QWidget) -> QVBoxLayout:
    """The layout of a widget whose children stand below each other, without a margin of its own."""
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(GRID)
    return layout
