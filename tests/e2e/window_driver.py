"""Clicks through the real window in a process of its own; `test_window_xcb.py` starts it.

Usage: window_driver.py DATA_FOLDER ENROLLED_PHOTO SEARCHED_PHOTO OTHER_PHOTO SCREENSHOT_FOLDER
Prints what it saw as one JSON document and ends with the status of `main.py`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

# The trap: OpenCV's wheel brings a Qt of its own, and its import leads PyQt5 to the wrong plug-ins.
from faceapp.opencv import cv2  # noqa: I001 before everything else

from PyQt5.QtCore import QMimeData, QPoint, Qt, QTimer, QUrl
from PyQt5.QtGui import QDragEnterEvent, QDropEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QWidget

import main
from ui import app
from ui.main_window import MainWindow

Steps = Iterator[Callable[[], object]]
TICK_MS = 50
PATIENCE_S = 90
seen: dict[str, object] = {"opencv": cv2.__version__}


class DrivenWindow(MainWindow):
    """The main window with a ghost at the mouse. Each step is a condition that is waited for."""

    def begin(self, enrolled: str, searched: str, other: str, shots: Path) -> None:
        self._steps = self._path(enrolled, searched, other, shots)
        self._wanted: Callable[[], object] = lambda: True
        self._since = time.monotonic()
        self._ghost = QTimer(self, interval=TICK_MS, timeout=self._on_tick)
        self._ghost.start()

    def _on_tick(self) -> None:
        if self._wanted():
            self._wanted = next(self._steps, None) or self._end()
            self._since = time.monotonic()
        elif time.monotonic() - self._since > PATIENCE_S:
            seen["stuck_after"] = seen.get("step")
            self._end()

    def _end(self) -> Callable[[], object]:
        self._ghost.stop()
        self.close()
        return lambda: False

    def _path(self, enrolled: str, searched: str, other: str, shots: Path) -> Steps:
        seen["platform"] = QApplication.platformName()
        yield lambda: self.models_label.text().startswith("Ready: ")
        yield from self._enrol(enrolled)
        yield from self._search(searched, shots)
        yield from self._swap(enrolled, other, shots)
        yield from self._morph(enrolled, other, shots)
        seen["step"] = "the other tabs"
        for action in (self.enrol_action, self.live_action, self.sightings_action, self.builder_action):
            action.trigger()
            yield self.current_page.isVisible
        yield settled()
        self.screen().grabWindow(0).save(str(shots / "builder.png"))
        seen["step"] = "done"

    def _enrol(self, photo: str) -> Steps:
        seen["step"] = "enrol"
        self.enrol_action.trigger()
        yield self.current_page.isVisible
        page = self.current_page
        drop(page.well, photo)
        form, button = page.panel.form, page.panel.enrol_button
        QTest.keyClicks(form.first_name, "Eileen")
        QTest.keyClicks(form.surname, "Collins")
        yield button.isEnabled
        QTest.mouseClick(button, Qt.LeftButton)
        yield lambda: "1 person" in self.library_label.text()
        seen["library"] = self.library_label.text()

    def _search(self, photo: str, shots: Path) -> Steps:
        """Whom the photo resembles, and from there to that person."""
        seen["step"] = "search"
        self.lookalike_action.trigger()
        yield self.current_page.isVisible
        page = self.current_page
        drop(page.well, photo)
        yield lambda: page.results.rows
        row = page.results.rows[0]
        seen["found"] = row.match.person.name
        seen["same_person"] = row.match.same_person
        seen["row_is_visible"] = row.isVisible()
        yield settled()
        corner = row.mapToGlobal(QPoint(0, 0))
        seen["row"] = [corner.x(), corner.y(), row.width(), row.height()]
        row.grab().save(str(shots / "row.png"))
        # The screen itself, as a person sees it.
        self.screen().grabWindow(0).save(str(shots / "screen.png"))
        seen["step"] = "people"
        QTest.mouseClick(row.people_button, Qt.LeftButton)
        yield lambda: self.tabs.currentWidget() is self.people_tab
        people = self.current_page
        yield lambda: people.list.selected
        seen["selected"] = [person.name for person in people.list.selected]

    def _swap(self, source: str, target: str, shots: Path) -> Steps:
        seen["step"] = "swap"
        self.swap_action.trigger()
        yield self.current_page.isVisible
        page = self.current_page
        drop(page.sources, source)
        drop(page.targets, target)
        yield lambda: page.card.text.startswith(("✓", "!"))
        seen["card"] = page.card.text
        page.save(shots / "swapped.png")
        yield lambda: page.messages.text.startswith("Saved")

    def _morph(self, one: str, other: str, shots: Path) -> Steps:
        seen["step"] = "morph"
        self.morph_action.trigger()
        yield self.current_page.isVisible
        page = self.current_page
        drop(page.well, one)
        drop(page.well, other)
        yield lambda: page.canvas.result is not None
        page.save(shots / "morphed.png", still=True)
        yield lambda: page.messages.text.startswith("Saved")


def drop(target: QWidget, path: str) -> None:
    """Let a file fall onto a widget."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path)])
    place = target.rect().center()
    for event in (
        QDragEnterEvent(place, Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier),
        QDropEvent(place, Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier),
    ):
        QApplication.sendEvent(target, event)


def settled() -> Callable[[], bool]:
    """A condition that holds after a moment: pictures are being loaded and painted."""
    end = time.monotonic() + 1.0
    return lambda: time.monotonic() > end


def run(data: str, enrolled: str, searched: str, other: str, shots: str) -> int:
    class Window(DrivenWindow):
        def _on_first_shown(self) -> None:
            super()._on_first_shown()
            self.begin(enrolled, searched, other, Path(shots))

    app.MainWindow = Window  # type: ignore[misc]
    status = main.main(["--data-dir", data])
    print(json.dumps(seen))
    return status


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
