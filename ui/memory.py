"""What the window remembers from one start to the next, in `window.ini` inside the data folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt5.QtCore import QByteArray, QSettings, QStandardPaths
from PyQt5.QtWidgets import QSplitter

from faceapp.paths import Paths


class Memory:
    """Geometry, splitters and last folders. Settings that change what the program does are in Settings."""

    def __init__(self, paths: Paths) -> None:
        self._file = QSettings(str(paths.data / "window.ini"), QSettings.IniFormat)

    def get(self, key: str, default: Any = None) -> Any:
        return self._file.value(key, default)

    def put(self, key: str, value: Any) -> None:
        self._file.setValue(key, value)

    def folder(self, purpose: str) -> str:
        """The folder that was last chosen for that purpose, else the user's pictures."""
        chosen = str(self.get(f"folder/{purpose}", ""))
        if chosen and Path(chosen).is_dir():
            return chosen
        return str(QStandardPaths.writableLocation(QStandardPaths.PicturesLocation))

    def keep_folder(self, purpose: str, folder: str | Path) -> None:
        self.put(f"folder/{purpose}", str(folder))

    def restore_splitter(self, key: str, splitter: QSplitter, sizes: list[int]) -> None:
        """Bring a splitter back to where it stood, or to `sizes` the first time; it is kept when moved."""
        state = self.get(f"splitter/{key}")
        if not (isinstance(state, QByteArray) and splitter.restoreState(state)):
            splitter.setSizes(sizes)
        splitter.splitterMoved.connect(lambda: self.put(f"splitter/{key}", splitter.saveState()))
