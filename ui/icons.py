"""Vector icons by the name of what they mean. The icon font is loaded when the first one is drawn."""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PyQt5.QtCore import QRect, QRectF, QSize, Qt
from PyQt5.QtGui import QColor, QFont, QFontDatabase, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PyQt5.QtWidgets import QApplication

FONT = "materialdesignicons6-webfont"
# How much of its square an icon fills: the rest keeps it off the text beside it.
FILLED = 0.9
# Meaning -> Material Design icon, by its name in the font.
NAMES = {
    "add": "plus",
    "add-photos": "image-plus-outline",
    "address": "cctv",
    "attendance": "clipboard-check-outline",
    "back": "arrow-left",
    "builder": "hammer-wrench",
    "camera": "camera-outline",
    "cancel": "close-circle-outline",
    "close": "close",
    "compare": "compare",
    "copy": "content-copy",
    "delete": "trash-can-outline",
    "done": "check-circle-outline",
    "edit": "pencil-outline",
    "enrol": "account-plus-outline",
    "error": "alert-circle-outline",
    "export": "file-export-outline",
    "faces": "face-recognition",
    "find": "magnify",
    "fit": "fit-to-screen-outline",
    "folder": "folder-account-outline",
    "frames": "image-multiple-outline",
    "full-screen": "fullscreen",
    "grid": "view-grid-outline",
    "help": "help-circle-outline",
    "history": "history",
    "info": "information-outline",
    "landmarks": "dots-hexagon",
    "leave-out": "image-remove-outline",
    "less": "chevron-up",
    "lookalike": "account-search-outline",
    "merge": "merge",
    "more": "chevron-down",
    "morph": "vector-combine",
    "move": "account-arrow-right-outline",
    "next": "chevron-right",
    "not-this": "account-cancel-outline",
    "open": "folder-open-outline",
    "paste": "content-paste",
    "pause": "pause",
    "people": "account-group-outline",
    "person": "account-outline",
    "photo": "image-outline",
    "play": "play",
    "port": "lan-connect",
    "previous": "chevron-left",
    "quit": "logout",
    "record": "record-circle-outline",
    "redo": "redo",
    "refresh": "refresh",
    "running": "progress-clock",
    "sample": "star-four-points-outline",
    "save": "content-save-outline",
    "settings": "tune-variant",
    "sightings": "clipboard-text-clock-outline",
    "signal-lost": "video-off-outline",
    "snapshot": "camera-plus-outline",
    "step": "skip-next",
    "step-back": "skip-previous",
    "stop": "stop",
    "swap": "swap-horizontal",
    "theme": "theme-light-dark",
    "undo": "undo",
    "video": "movie-open-outline",
    "waiting": "clock-outline",
    "warning": "alert-outline",
    "zoom-in": "magnify-plus-outline",
    "zoom-out": "magnify-minus-outline",
}


class _Font:
    """One icon font of qtawesome, read straight from its files: importing the package costs 100 ms."""

    def __init__(self) -> None:
        spec = find_spec("qtawesome")
        assert spec is not None, "qtawesome is not installed"
        folder = Path(str(spec.origin)).parent / "fonts"
        font = next(folder.glob(f"{FONT}-*.ttf"))
        number = QFontDatabase.addApplicationFont(str(font))
        self._family = QFontDatabase.applicationFontFamilies(number)[0]
        charmap = json.loads(next(folder.glob(f"{FONT}-charmap-*.json")).read_text("utf-8"))
        self._letters = {meaning: chr(int(charmap[name], 16)) for meaning, name in NAMES.items()}

    def draw(self, painter: QPainter, rect: QRect, meaning: str, colour: QColor) -> None:
        font = QFont(self._family)
        font.setPixelSize(max(1, round(FILLED * min(rect.width(), rect.height()))))
        painter.save()
        painter.setPen(colour)
        painter.setFont(font)
        painter.drawText(QRectF(rect), Qt.AlignCenter, self._letters[meaning])
        painter.restore()


@cache
def _font() -> _Font:
    return _Font()


class _Engine(QIconEngine):
    """Draws one icon in the colours of that moment's palette, at whatever size is asked for."""

    def __init__(self, meaning: str, role: QPalette.ColorRole) -> None:
        super().__init__()
        self._meaning = meaning
        self._role = role

    def clone(self) -> QIconEngine:
        return _Engine(self._meaning, self._role)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        group = QPalette.Disabled if mode == QIcon.Disabled else QPalette.Active
        colour = QApplication.palette().color(group, self._role)
        _font().draw(painter, rect, self._meaning, colour)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, pixmap.rect(), mode, state)
        painter.end()
        return pixmap


def icon(meaning: str, role: QPalette.ColorRole = QPalette.WindowText) -> QIcon:
    """The icon of that meaning (see `NAMES`); follows the theme, `role` chooses another colour of it."""
    assert meaning in NAMES, meaning
    return QIcon(_Engine(meaning, role))
