"""First name, surname and note of somebody who is enrolled."""

from __future__ import annotations

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from faceapp.types import Person, PersonName


class NameDialog(QDialog):
    """Signals:
    chosen: the Person and the PersonName that they shall have.
    """

    chosen = pyqtSignal(object, object)

    def __init__(self, person: Person, parent: QWidget) -> None:
        super().__init__(parent)
        self._person = person
        self.setWindowTitle(self.tr("Edit {0}").format(person.name))
        self.setMinimumWidth(440)
        self.first_name = QLineEdit(person.first_name)
        self.surname = QLineEdit(person.surname)
        self.note = QPlainTextEdit(person.note, tabChangesFocus=True)
        self.note.setPlaceholderText(self.tr("Anything that helps you to know them"))
        self.note.setFixedHeight(96)
        self.buttons = QDialogButtonBox(QDialogButtonBox.Save | QDialogButtonBox.Cancel)
        form = QFormLayout()
        form.setVerticalSpacing(8)
        form.addRow(self.tr("&First name"), self.first_name)
        form.addRow(self.tr("&Surname"), self.surname)
        form.addRow(self.tr("&Note"), self.note)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(16)
        column.addLayout(form)
        column.addWidget(self.buttons)
        self.buttons.accepted.connect(self._on_accepted)
        self.buttons.rejected.connect(self.reject)
        self.first_name.textChanged.connect(self._on_text_changed)
        self._on_text_changed()

    def _on_text_changed(self) -> None:
        named = bool(self.first_name.text().strip())
        self.buttons.button(QDialogButtonBox.Save).setEnabled(named)

    def _on_accepted(self) -> None:
        first_name = " ".join(self.first_name.text().split())
        surname = " ".join(self.surname.text().split())
        self.accept()
        self.chosen.emit(self._person, PersonName(first_name, surname, self.note.toPlainText().strip()))
