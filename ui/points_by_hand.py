"""The points that the user has placed on the faces of a page, and the dialogs in which that is done."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtWidgets import QWidget

from faceapp.services import Services
from faceapp.types import Floats
from ui.jobs_qt import JobsQt
from ui.photo_source import PhotoSource
from ui.points_dialog import PointsDialog


class PointsByHand(QObject):
    """Signals:
    changed: other points are to be used.
    """

    changed = pyqtSignal()

    def __init__(self, services: Services, jobs: JobsQt, window: QWidget) -> None:
        super().__init__(window)
        self._services = services
        self._jobs = jobs
        self._window = window
        self._points: dict[PhotoSource, Floats] = {}
        self._dialogs: dict[PhotoSource, PointsDialog] = {}

    @property
    def dialogs(self) -> list[PointsDialog]:
        """Those that are open: one a photo."""
        return list(self._dialogs.values())

    def of(self, sources: Sequence[PhotoSource]) -> list[Floats | None]:
        """(68, 2) for each photo, None where nothing was placed by hand."""
        return [self._points.get(source) for source in sources]

    def edit(self, source: PhotoSource) -> None:
        """Correct the points of a face, beside the window."""
        known = self._dialogs.get(source)
        if known is not None:
            known.raise_()
            known.activateWindow()
            return
        dialog = PointsDialog(self._services, self._jobs, source, self._points.get(source), self._window)
        dialog.chosen.connect(partial(self._on_chosen, source))
        dialog.destroyed.connect(lambda: self._dialogs.pop(source, None))
        self._dialogs[source] = dialog
        dialog.show()

    def _on_chosen(self, source: PhotoSource, points: Floats | None) -> None:
        if points is None:
            self._points.pop(source, None)
        else:
            self._points[source] = points
        self.changed.emit()
