"""Light and dark: one palette and one style sheet each, switchable while the program runs."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

from PyQt5.QtCore import QSettings
from PyQt5.QtGui import QColor, QPalette
from PyQt5.QtWidgets import QApplication, QStyleFactory

STYLE_SHEET = Path(__file__).resolve().parent.parent / "resources" / "style.qss"
DARK_BELOW = 128

LIGHT = {
    "window": "#f5f6f8",
    "panel": "#ffffff",
    "raised": "#ffffff",
    "field": "#ffffff",
    "hover": "#e9ecf0",
    "pressed": "#e2e6eb",
    "line": "#d8dde3",
    "text": "#1b1f24",
    "quiet": "#5a6470",
    "faint": "#a0a8b2",
    "accent": "#2f62d0",
    "accent_hover": "#2855b8",
    "on_accent": "#ffffff",
    "soft": "#e3ebfb",
    "success": "#2c8a57",
    "success_soft": "#e6f5ec",
    "warning": "#a86c00",
    "warning_soft": "#fdf3dd",
    "error": "#c22f38",
    "error_soft": "#fceaea",
}
DARK = {
    "window": "#1b1d21",
    "panel": "#24272c",
    "raised": "#2d3137",
    "field": "#1f2226",
    "hover": "#2f343a",
    "pressed": "#383d45",
    "line": "#3b4048",
    "text": "#e7eaee",
    "quiet": "#a2abb6",
    "faint": "#69727d",
    "accent": "#79a6ff",
    "accent_hover": "#93b7ff",
    "on_accent": "#10151f",
    "soft": "#2a3a59",
    "success": "#57b884",
    "success_soft": "#20352a",
    "warning": "#dfa640",
    "warning_soft": "#3a3020",
    "error": "#f2777c",
    "error_soft": "#3f2729",
}


class Theme:
    """Dresses the application.

    Args:
        choice: "system", "light" or "dark", as in the settings.
    """

    def __init__(self, app: QApplication, choice: str) -> None:
        self._app = app
        # Asked before we put our own palette in its place.
        self._system_dark = _system_is_dark(app)
        app.setStyle(QStyleFactory.create("Fusion"))
        self.apply(choice)

    def apply(self, choice: str) -> None:
        """Change to another theme at once."""
        self.dark = self._system_dark if choice == "system" else choice == "dark"
        words = DARK if self.dark else LIGHT
        self._app.setPalette(_palette(words))
        self._app.setStyleSheet(_sheet(words))


def colour(word: str) -> QColor:
    """A colour of the theme in use, for what is painted by hand (`LIGHT` has the words)."""
    dark = QApplication.palette().color(QPalette.Window).lightness() < DARK_BELOW
    return QColor((DARK if dark else LIGHT)[word])


def _system_is_dark(app: QApplication) -> bool:
    if sys.platform == "win32":
        key = r"HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
        return QSettings(key, QSettings.NativeFormat).value("AppsUseLightTheme", 1) == 0
    return app.palette().color(QPalette.Window).lightness() < DARK_BELOW


def _palette(words: dict[str, str]) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.Window: "window",
        QPalette.WindowText: "text",
        QPalette.Base: "panel",
        QPalette.AlternateBase: "window",
        QPalette.Text: "text",
        QPalette.PlaceholderText: "faint",
        QPalette.Button: "raised",
        QPalette.ButtonText: "text",
        QPalette.BrightText: "error",
        QPalette.ToolTipBase: "raised",
        QPalette.ToolTipText: "text",
        QPalette.Highlight: "accent",
        QPalette.HighlightedText: "on_accent",
        QPalette.Link: "accent",
        QPalette.LinkVisited: "accent",
        QPalette.Mid: "line",
        QPalette.Dark: "faint",
        QPalette.Midlight: "hover",
    }
    for role, word in roles.items():
        palette.setColor(role, QColor(words[word]))
    for role in (QPalette.WindowText, QPalette.Text, QPalette.ButtonText, QPalette.HighlightedText):
        palette.setColor(QPalette.Disabled, role, QColor(words["faint"]))
    return palette


@cache
def _text() -> str:
    return STYLE_SHEET.read_text("utf-8")


def _sheet(words: dict[str, str]) -> str:
    known = {**words, "icons": (STYLE_SHEET.parent / "icons").as_posix()}
    return re.sub(r"@(\w+)", lambda match: known[match[1]], _text())
