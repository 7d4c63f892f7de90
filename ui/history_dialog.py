"""Every change of people, newest first, and the way back."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from faceapp.jobs import JobContext
from faceapp.services import Services
from faceapp.types import JournalEntry
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.library import LIBRARY, Library

SHOWN = 200


class HistoryDialog(QDialog):
    """Stays open beside the window and follows every change."""

    def __init__(self, services: Services, jobs: JobsQt, library: Library, parent: QWidget) -> None:
        super().__init__(parent)
        self._services = services
        self._jobs = jobs
        self.setWindowTitle(self.tr("History of changes"))
        self.resize(560, 480)
        self._list = QListWidget()
        self._list.setAccessibleName(self.tr("Changes, newest first"))
        self._list.setSelectionMode(QListWidget.NoSelection)
        self._list.setWordWrap(True)
        self._empty = QLabel(self.tr("Nothing has been changed yet."), alignment=Qt.AlignCenter)
        self._empty.setProperty("role", "empty")
        buttons = QDialogButtonBox(QDialogButtonBox.Close)
        self._undo = buttons.addButton(self.tr("Undo"), QDialogButtonBox.ActionRole)
        self._undo.setIcon(icon("undo"))
        self._redo = buttons.addButton(self.tr("Redo"), QDialogButtonBox.ActionRole)
        self._redo.setIcon(icon("redo"))
        for button in (self._undo, self._redo):
            button.setAutoDefault(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.addWidget(self._list, 1)
        column.addWidget(self._empty, 1)
        column.addWidget(buttons)
        buttons.rejected.connect(self.reject)
        self._undo.clicked.connect(library.undo)
        self._redo.clicked.connect(library.redo)
        library.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Read the journal again."""
        self._jobs.run(self.tr("History"), self._read, self._show, resource=LIBRARY, owner=self)

    def _read(self, context: JobContext) -> list[JournalEntry]:
        return self._services.people.journal(SHOWN)

    def _show(self, entries: list[JournalEntry]) -> None:
        self._list.clear()
        for entry in entries:
            when = entry.at.astimezone().strftime("%d %b %Y, %H:%M")
            taken_back = self.tr(" (taken back)") if entry.undone else ""
            item = QListWidgetItem(f"{entry.sentence}{taken_back}\n{when}")
            if entry.undone:
                item.setForeground(self.palette().placeholderText())
            self._list.addItem(item)
        self._list.setVisible(bool(entries))
        self._empty.setVisible(not entries)
        self._undo.setEnabled(any(not entry.undone for entry in entries))
        self._redo.setEnabled(any(entry.undone for entry in entries))
