"""The library as the window sees it: notices every change, whoever made it; takes changes back."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QObject, QTimer, pyqtSignal

from faceapp.errors import FaceAppError
from faceapp.services import Services
from faceapp.types import JournalEntry
from ui.jobs_qt import JobsQt

POLL_MS = 2000
# The lane of everything that reads or changes the library: one thing after another.
LIBRARY = "library"


class Library(QObject):
    """Signals:
    changed: something was written, by this window, the REST port or another process.
    told: a sentence about what was taken back or done again.
    failed: a FaceAppError.
    """

    changed = pyqtSignal()
    told = pyqtSignal(str)
    failed = pyqtSignal(object)

    def __init__(self, services: Services, jobs: JobsQt, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._jobs = jobs
        self._revision: int | None = None
        self._timer = QTimer(self, interval=POLL_MS)
        self._timer.timeout.connect(self.check)

    def start(self) -> None:
        """Look now, and from now on every two seconds."""
        self._timer.start()
        self.check()

    def stop(self) -> None:
        self._timer.stop()

    def check(self) -> None:
        """Tell everybody when the library is not what it was."""
        try:
            revision = self._services.people.revision()
        except FaceAppError as error:
            # Once, not every two seconds: the timer goes on when the user does something.
            self._timer.stop()
            self.failed.emit(error)
            return
        if revision != self._revision:
            self._revision = revision
            self.changed.emit()

    def undo(self) -> None:
        """Take the newest change back."""
        self._run(self.tr("Undo"), self._services.people.undo, self._on_undone)

    def redo(self) -> None:
        """Do again what was taken back last."""
        self._run(self.tr("Redo"), self._services.people.redo, self._on_redone)

    def _run(
        self,
        title: str,
        change: Callable[[], JournalEntry | None],
        done: Callable[[JournalEntry | None], None],
    ) -> None:
        self._timer.start()
        self._jobs.run(title, lambda context: change(), done, self._on_refused, resource=LIBRARY)

    def _on_refused(self, error: FaceAppError) -> None:
        self.check()
        self.failed.emit(error)

    def _on_undone(self, entry: JournalEntry | None) -> None:
        self.check()
        nothing = self.tr("There is nothing to take back.")
        self.told.emit(self.tr("Taken back: {0}").format(entry.sentence) if entry else nothing)

    def _on_redone(self, entry: JournalEntry | None) -> None:
        self.check()
        nothing = self.tr("There is nothing to do again.")
        self.told.emit(self.tr("Done again: {0}").format(entry.sentence) if entry else nothing)
