"""Who is it: first name, surname and note, with the names that are known."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from PyQt5.QtCore import QStringListModel, Qt, pyqtSignal
from PyQt5.QtWidgets import QCompleter, QFormLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from faceapp.types import Person, PersonName
from ui import words

SUGGESTED = 8
LONGEST = 200


def name_key(name: str) -> str:
    """What two spellings of one name have in common: no accents, no capitals, single spaces."""
    plain = unicodedata.normalize("NFKD", name.replace("_", " "))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(letters.casefold().split())


class KnownNames:
    """People by name, ready for completion. Made on a job's thread: there may be very many."""

    def __init__(self, people: Iterable[Person] = ()) -> None:
        self.by_key = {name_key(person.name): person for person in people}
        self.names = [person.name for person in self.by_key.values()]


class PersonForm(QWidget):
    """Signals:
    changed: the name is another one. submitted: Enter was pressed in a field.
    """

    changed = pyqtSignal()
    submitted = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._known = KnownNames()
        self._names = QStringListModel(self)
        self.first_name = QLineEdit(maxLength=LONGEST)
        self.surname = QLineEdit(maxLength=LONGEST)
        self.note = QLineEdit(maxLength=4 * LONGEST)
        self._status = QLabel(wordWrap=True)
        self._status.setProperty("role", "quiet")
        self._status.setTextFormat(Qt.PlainText)
        self._lay_out()
        self._connect()
        self._on_edited()

    def _lay_out(self) -> None:
        self.first_name.setPlaceholderText(self.tr("Needed"))
        self.surname.setPlaceholderText(self.tr("If there is one"))
        self.note.setPlaceholderText(self.tr("Anything worth remembering"))
        rows = QFormLayout()
        rows.setSpacing(8)
        rows.setFieldGrowthPolicy(QFormLayout.ExpandingFieldsGrow)
        rows.addRow(self.tr("&First name"), self.first_name)
        rows.addRow(self.tr("&Surname"), self.surname)
        rows.addRow(self.tr("&Note"), self.note)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(rows)
        column.addWidget(self._status)
        completer = QCompleter(self._names, self)
        completer.setCaseSensitivity(Qt.CaseInsensitive)
        completer.setFilterMode(Qt.MatchContains)
        completer.setMaxVisibleItems(SUGGESTED)
        self.first_name.setCompleter(completer)

    def _connect(self) -> None:
        # Queued: the completer writes the whole name into the field after it has told us.
        self.first_name.completer().activated[str].connect(self._on_completed, Qt.QueuedConnection)
        for field in (self.first_name, self.surname):
            field.textChanged.connect(self._on_edited)
        for field in (self.first_name, self.surname, self.note):
            field.returnPressed.connect(self._on_return_pressed)

    # -- the name --------------------------------------------------------------------------------

    def name(self) -> PersonName:
        """What was typed; a full name in the first field alone is taken apart."""
        first, surname = self.first_name.text().strip(), self.surname.text().strip()
        note = self.note.text().strip()
        if surname:
            return PersonName(first, surname, note)
        parsed = PersonName.parse(first)
        return PersonName(parsed.first_name, parsed.surname, note)

    @property
    def known(self) -> Person | None:
        """The enrolled person of that name."""
        return self._known.by_key.get(name_key(self.name().full))

    @property
    def complete(self) -> bool:
        return bool(self.name().first_name)

    def set_known(self, known: KnownNames) -> None:
        """The people who are enrolled."""
        if known.names != self._known.names:
            self._names.setStringList(known.names)
        self._known = known
        self._on_edited()

    def set_person(self, person: Person) -> None:
        """Fill in an enrolled person."""
        self._known.by_key[name_key(person.name)] = person
        self.first_name.setText(person.first_name)
        self.surname.setText(person.surname)
        self.note.setText(person.note)

    def clear(self) -> None:
        for field in (self.first_name, self.surname, self.note):
            field.clear()

    @property
    def status(self) -> str:
        """What the line below the fields says."""
        return str(self._status.text())

    def _on_completed(self, text: str) -> None:
        person = self._known.by_key.get(name_key(text))
        if person is not None:
            self.set_person(person)

    def _on_edited(self) -> None:
        person = self.known
        self.note.setEnabled(person is None)
        if person is not None:
            text = self.tr("{name} is in the library with {photos}: more are added.")
            self._status.setText(text.format(name=person.name, photos=words.photo_count(person.photos)))
        elif self.complete:
            self._status.setText(self.tr("{name} is new.").format(name=self.name().full))
        else:
            self._status.setText(self.tr("Names that are known are suggested while you type."))
        self.changed.emit()

    def _on_return_pressed(self) -> None:
        popup = self.first_name.completer().popup()
        if not popup.isVisible():
            self.submitted.emit()
