"""Lets a whole page take drops for its well."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QObject, Qt
from PyQt5.QtWidgets import QWidget

from ui.photo_source import can_give
from ui.photo_well import PhotoWell


class DropFilter(QObject):
    """Whatever is dropped anywhere on `page` goes into `well`."""

    def __init__(self, page: QWidget, well: PhotoWell) -> None:
        super().__init__(page)
        self._well = well
        page.setAcceptDrops(True)
        page.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.DragEnter and can_give(event.mimeData()):
            self._well.set_inviting(True)
        elif kind == QEvent.DragLeave:
            self._well.set_inviting(False)
            return False
        elif kind == QEvent.Drop:
            self._well.set_inviting(False)
            if not self._well.take(event.mimeData()):
                return False
        else:
            return False
        event.setDropAction(Qt.CopyAction)
        event.accept()
        return True
