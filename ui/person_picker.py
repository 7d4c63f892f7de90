"""Choose one person of the library: whom to merge into, whom to give a face to."""

from __future__ import annotations

from PyQt5.QtCore import QTimer, pyqtSignal
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from faceapp.services import Services
from faceapp.types import Person
from ui.crops import Crops
from ui.jobs_qt import JobsQt
from ui.messages import MessageBar
from ui.people_list import PeopleList
from ui.people_model import PERSON_ROLE, PeopleModel

TYPING_MS = 150


class PersonPicker(QDialog):
    """Args:
        question: what the choice is for, one sentence.
        besides: ids of people who cannot be chosen.

    Signals:
        picked: the Person.
    """

    picked = pyqtSignal(object)

    def __init__(
        self,
        services: Services,
        jobs: JobsQt,
        crops: Crops,
        question: str,
        besides: set[int],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Choose a person"))
        self.resize(400, 520)
        self._besides = besides
        self._model = PeopleModel(services, jobs, self)
        self._list = PeopleList(self._model, crops)
        self._list.setSelectionMode(QAbstractItemView.SingleSelection)
        self._list.setEditTriggers(QAbstractItemView.NoEditTriggers)
        self._field = QLineEdit(placeholderText=self.tr("Search by name or note"), clearButtonEnabled=True)
        self._field.setAccessibleName(self.tr("Search"))
        self._notice = MessageBar()
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._buttons = QDialogButtonBox(QDialogButtonBox.Ok | QDialogButtonBox.Cancel)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(QLabel(question, wordWrap=True))
        for widget in (self._notice, self._field, self._list, self._buttons):
            column.addWidget(widget)
        self._connect()
        self._model.search()
        self._on_selection_changed()

    def _connect(self) -> None:
        self._field.textChanged.connect(self._typing.start)
        self._typing.timeout.connect(self._on_typing_ended)
        self._model.failed.connect(self._notice.show_error)
        self._model.loaded.connect(self._on_loaded)
        self._list.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self._list.doubleClicked.connect(self._on_accepted)
        self._buttons.accepted.connect(self._on_accepted)
        self._buttons.rejected.connect(self.reject)

    def _chosen(self) -> Person | None:
        selected = self._list.selected
        return selected[0] if selected and selected[0].id not in self._besides else None

    def _on_typing_ended(self) -> None:
        self._model.search(self._field.text())

    def _on_loaded(self) -> None:
        """One person left: no need to point at them."""
        if self._model.rowCount() == 1:
            self._list.setCurrentIndex(self._model.index(0))

    def _on_selection_changed(self) -> None:
        self._buttons.button(QDialogButtonBox.Ok).setEnabled(self._chosen() is not None)
        current = self._list.currentIndex().data(PERSON_ROLE)
        self._notice.clear()
        if current is not None and current.id in self._besides:
            self._notice.show_message(self.tr("{0} is the one you came from.").format(current.name))

    def _on_accepted(self) -> None:
        person = self._chosen()
        if person is not None:
            self.accept()
            self.picked.emit(person)
