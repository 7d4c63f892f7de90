"""The people of the library as a list that stays smooth at 100,000."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PyQt5.QtCore import QAbstractListModel, QModelIndex, QObject, Qt, pyqtSignal

from faceapp.errors import FaceAppError
from faceapp.jobs import Job, JobContext
from faceapp.services import Services
from faceapp.types import Person, PersonName
from ui import words
from ui.jobs_qt import JobsQt

PERSON_ROLE = Qt.UserRole
FIRST_PAGE = 200
PAGE = 5000
LANE = "people"

SortKey = Callable[[Person], Any]


def _newest(person: Person) -> float:
    return -person.created.timestamp() if person.created else 0.0


# The store's own order is by name.
SORTS: dict[str, SortKey | None] = {
    "name": None,
    "photos": lambda person: -person.photos,
    "newest": _newest,
}


class PeopleModel(QAbstractListModel):
    """People that fit a text, in one of the orders of `SORTS`. Reads the library in pages, behind the window.

    Signals:
        loaded: all of a query's people are there.
        failed: a FaceAppError.
        rename_requested: the Person and the new name, typed in the list.
    """

    loaded = pyqtSignal()
    failed = pyqtSignal(object)
    rename_requested = pyqtSignal(object, str)
    _arrived = pyqtSignal(int, object)

    def __init__(self, services: Services, jobs: JobsQt, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._jobs = jobs
        self._people: list[Person] = []
        self._query = ("", "name")
        self._number = 0
        self._fresh = False
        self._reading = False
        self._again = False
        self._job: Job | None = None
        self._arrived.connect(self._on_page_arrived)

    @property
    def text(self) -> str:
        """What the people were searched with."""
        return self._query[0]

    @property
    def people(self) -> Sequence[Person]:
        """The people in the order of the rows."""
        return self._people

    def search(self, text: str = "", sort: str = "name") -> None:
        """Show other people; the first ones appear before all are read."""
        self._query = (text, sort)
        self._read(progressive=SORTS[sort] is None)

    def refresh(self) -> None:
        """Read the same again; what is shown stays until it has been read."""
        if self._reading:
            # Not from the start: during an import the library changes faster than it can be read.
            self._again = True
        else:
            self._read(progressive=False)

    def row_of(self, person_id: int) -> int | None:
        """Where a person stands, or None."""
        return next((row for row, person in enumerate(self._people) if person.id == person_id), None)

    def rows_of(self, person_ids: Iterable[int]) -> list[int]:
        """Where these people stand, in order; those who are not shown are left out."""
        wanted = set(person_ids)
        return [row for row, person in enumerate(self._people) if person.id in wanted] if wanted else []

    # -- what Qt asks ----------------------------------------------------------------------------
    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 Qt's own signature
        return 0 if parent.isValid() else len(self._people)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._people):
            return None
        person = self._people[index.row()]
        if role in (Qt.DisplayRole, Qt.EditRole):
            return person.name
        if role == PERSON_ROLE:
            return person
        if role == Qt.ToolTipRole:
            return person.note or None
        if role == Qt.AccessibleTextRole:
            return f"{person.name}, {words.photo_count(person.photos)}"
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlags:
        return Qt.ItemIsEnabled | Qt.ItemIsSelectable | Qt.ItemIsEditable

    def setData(self, index: QModelIndex, value: object, role: int = Qt.EditRole) -> bool:
        """A name typed in the list: shown at once, and put right by the next reading if it is refused."""
        name = " ".join(str(value).split())
        person = self._people[index.row()]
        if role != Qt.EditRole or not name or name == person.name:
            return False
        parsed = PersonName.parse(name)
        renamed = replace(person, first_name=parsed.first_name, surname=parsed.surname)
        self._people[index.row()] = renamed
        self.dataChanged.emit(index, index)
        self.rename_requested.emit(person, name)
        return True

    # -- reading ----------------------------------------------------------------------------------
    def _read(self, progressive: bool) -> None:
        self._jobs.cancel(self._job)
        self._number += 1
        number = self._number
        text, sort = self._query
        before = self._people

        def body(context: JobContext) -> _News:
            found: list[Person] = []
            size = FIRST_PAGE
            while True:
                context.check()
                page = self._services.people.find(text, size, len(found))
                found += page
                if progressive:
                    self._arrived.emit(number, page)
                if len(page) < size:
                    break
                size = PAGE
            key = SORTS[sort]
            # Compared here too: on the main thread 100,000 comparisons would be a stall.
            return _News.between(before, found if key is None else sorted(found, key=key))

        def done(news: _News) -> None:
            if number == self._number:
                # Pages that are still on their way are not wanted any more.
                self._number += 1
                if not (progressive and self._holds(news.people)):
                    self._show(_News(news.people) if progressive else news)
                self._on_read()
                self.loaded.emit()

        def failed(error: FaceAppError) -> None:
            if number == self._number:
                self._on_read()
                self.failed.emit(error)

        self._fresh = progressive
        self._reading, self._again = True, False
        self._job = self._jobs.run(self.tr("Read the people"), body, done, failed, resource=LANE, owner=self)

    def _on_read(self) -> None:
        self._reading = False
        if self._again:
            self._read(progressive=False)

    def _on_page_arrived(self, number: int, page: list[Person]) -> None:
        if number != self._number:
            return
        if self._fresh:
            self._fresh = False
            self._show(_News(page))
        elif page:
            self.beginInsertRows(QModelIndex(), len(self._people), len(self._people) + len(page) - 1)
            self._people += page
            self.endInsertRows()

    def _holds(self, people: list[Person]) -> bool:
        """Whether all pages of these very people have arrived."""
        ends = zip(self._people[:1] + self._people[-1:], people[:1] + people[-1:], strict=False)
        return len(people) == len(self._people) and all(one is other for one, other in ends)

    def _show(self, news: _News) -> None:
        """Put these people in place of those that are shown, with as little stir as possible."""
        if not news.same_people:
            self.beginResetModel()
            self._people = list(news.people)
            self.endResetModel()
        elif not news.same_details:
            self._people = list(news.people)
            self.dataChanged.emit(self.index(0), self.index(len(self._people) - 1))


@dataclass(frozen=True)
class _News:
    """People that were read, and what is different from those before: the rows, or only what they say."""

    people: list[Person]
    same_people: bool = False
    same_details: bool = False

    @staticmethod
    def between(before: list[Person], people: list[Person]) -> _News:
        ids = [person.id for person in people]
        return _News(people, ids == [person.id for person in before], people == before)
