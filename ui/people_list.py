"""The list of people: a round-cornered face, a name, how many photos."""

from __future__ import annotations

from PyQt5.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QRect, QSize, Qt
from PyQt5.QtGui import QPainter
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from faceapp.types import Person
from ui import words
from ui.crops import Crops
from ui.face_row import FACE, GAP, ROW, paint_ground, paint_line, paint_person
from ui.people_model import PERSON_ROLE, PeopleModel


class PersonDelegate(QStyledItemDelegate):
    """Paints one person."""

    def __init__(self, crops: Crops, parent: QWidget) -> None:
        super().__init__(parent)
        self._crops = crops

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(160, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        person = index.data(PERSON_ROLE)
        if not isinstance(person, Person):
            return
        painter.save()
        painter.setRenderHint(QPainter.Antialiasing)
        paint_ground(painter, option)
        face = QRect(option.rect.left() + GAP, option.rect.top() + GAP, FACE, FACE)
        paint_person(painter, face, self._crops, person)
        left = face.right() + 2 * GAP
        words_rect = QRect(left, option.rect.top() + 12, option.rect.right() - left - GAP, 20)
        paint_line(painter, words_rect, person.name, "text", bold=True)
        below = words.photo_count(person.photos)
        if person.no_swap:
            below += self.tr(" · no swap")
        if person.note:
            below += f" · {person.note.splitlines()[0]}"
        paint_line(painter, words_rect.translated(0, 20), below, "quiet")
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex) -> QWidget:
        editor = QLineEdit(parent)
        editor.setAccessibleName(self.tr("Name"))
        return editor

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        left = FACE + 2 * GAP
        editor.setGeometry(option.rect.adjusted(left, 14, -GAP, -14))


class PeopleList(QTableView):
    """Several can be selected; F2 renames in place.

    A table of one column: a QListView asks a model for every single row whenever it lays itself out, which
    takes most of a second for 100,000 rows of a model that is written in Python.
    """

    def __init__(self, model: PeopleModel, crops: Crops) -> None:
        super().__init__()
        self._kept: tuple[list[int], int | None, int] = ([], None, 0)
        self.setModel(model)
        self.setItemDelegate(PersonDelegate(crops, self))
        # The delegate paints what lies behind a selected row.
        self.setProperty("role", "painted")
        self.horizontalHeader().hide()
        self.horizontalHeader().setStretchLastSection(True)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectRows)
        self.setSelectionMode(QAbstractItemView.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditKeyPressed)
        self.setVerticalScrollMode(QAbstractItemView.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("People"))
        self.setMouseTracking(True)
        self.verticalScrollBar().setSingleStep(ROW // 2)
        crops.loaded.connect(self.viewport().update)
        model.modelAboutToBeReset.connect(self._on_reset_announced)
        model.modelReset.connect(self._on_reset)

    @property
    def selected(self) -> list[Person]:
        """The selected people, in the order of the list."""
        indexes = sorted(self.selectionModel().selectedRows(), key=lambda index: index.row())
        return [index.data(PERSON_ROLE) for index in indexes]

    def select_person(self, person_id: int) -> bool:
        """Select that person alone and scroll there; False when they are not in the list."""
        row = self.model().row_of(person_id)
        if row is None:
            return False
        self.setCurrentIndex(self.model().index(row))
        self.scrollTo(self.currentIndex(), QAbstractItemView.PositionAtCenter)
        return True

    def _on_reset_announced(self) -> None:
        current = self.currentIndex().data(PERSON_ROLE)
        ids = [person.id for person in self.selected]
        self._kept = ids, current.id if current else None, self.verticalScrollBar().value()

    def _on_reset(self) -> None:
        """The same people stay selected, and the list stays where it stands."""
        ids, current, scroll = self._kept
        model = self.model()
        chosen = QItemSelection()
        for row in model.rows_of(ids):
            chosen.select(model.index(row), model.index(row))
        selection = self.selectionModel()
        if current is not None and (row := model.row_of(current)) is not None:
            selection.setCurrentIndex(model.index(row), QItemSelectionModel.NoUpdate)
        selection.select(chosen, QItemSelectionModel.ClearAndSelect)
        self.updateGeometries()
        self.verticalScrollBar().setValue(scroll)
