"""Sightings as a table that reads on as it is scrolled."""

from __future__ import annotations

from PyQt5.QtCore import QAbstractTableModel, QModelIndex, QObject, QRect, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QPainter
from PyQt5.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget

from faceapp.errors import FaceAppError
from faceapp.jobs import JobContext
from faceapp.live import Sighting, SightingFilter
from faceapp.services import Services
from ui import live_words
from ui.crops import Crops
from ui.face_row import FACE, GAP, ROW, paint_cell, paint_line, paint_tile
from ui.jobs_qt import JobsQt

SIGHTING_ROLE = Qt.UserRole
PAGE = 200
LANE = "sightings"


class SightingCrops(Crops):
    """Tiles of sightings, by their number."""

    def _bytes_of(self, face_id: int) -> bytes:
        return self._services.sightings.crop(face_id)


class SightingsModel(QAbstractTableModel):
    """Those that fit a filter, newest first.

    Signals:
        loaded: they were read; `total` says how many there are in all. failed: a FaceAppError.
    """

    loaded = pyqtSignal()
    failed = pyqtSignal(object)

    def __init__(self, services: Services, jobs: JobsQt, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._jobs = jobs
        self._rows: list[Sighting] = []
        self._number = 0
        self._reading = False
        self.filter = SightingFilter()
        self.total = 0
        self.sources: list[str] = []
        self.headings = (
            self.tr("Who"),
            self.tr("Source"),
            self.tr("First seen"),
            self.tr("Last seen"),
            self.tr("Distance"),
        )

    def search(self, chosen: SightingFilter) -> None:
        """Show other sightings."""
        self.filter = chosen
        self._read(PAGE)

    def refresh(self) -> None:
        """Read the same again, as far as they were read, and what is new."""
        self._read(len(self._rows) + PAGE)

    def sighting(self, row: int) -> Sighting:
        return self._rows[row]

    # -- what Qt asks ----------------------------------------------------------------------------------
    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 Qt's own signature
        return 0 if parent.isValid() else len(self.headings)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole) -> object:
        if role == Qt.DisplayRole and orientation == Qt.Horizontal:
            return self.headings[section]
        return int(Qt.AlignLeft | Qt.AlignVCenter) if role == Qt.TextAlignmentRole else None

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        sighting = self._rows[index.row()]
        if role == SIGHTING_ROLE:
            return sighting
        if role not in (Qt.DisplayRole, Qt.AccessibleTextRole):
            return None
        distance = "" if sighting.distance is None else f"{sighting.distance:.3f}"
        return (
            live_words.name_of(sighting.person.name if sighting.person else "", sighting.visitor),
            sighting.source,
            live_words.moment(sighting.first),
            live_words.moment(sighting.last),
            distance,
        )[index.column()]

    def canFetchMore(self, parent: QModelIndex) -> bool:
        return not parent.isValid() and not self._reading and len(self._rows) < self.total

    def fetchMore(self, parent: QModelIndex) -> None:
        self._read(len(self._rows) + PAGE)

    # -- reading ---------------------------------------------------------------------------------------
    def _read(self, limit: int) -> None:
        self._number += 1
        number, chosen = self._number, self.filter
        self._reading = True

        def body(_: JobContext) -> tuple[list[Sighting], int, list[str]]:
            kept = self._services.sightings
            return kept.find(chosen, limit), kept.count(chosen), kept.sources()

        def done(found: tuple[list[Sighting], int, list[str]]) -> None:
            if number == self._number:
                self._reading = False
                self._show(*found)

        def failed(error: FaceAppError) -> None:
            if number == self._number:
                self._reading = False
                self.failed.emit(error)

        self._jobs.run(self.tr("Read the sightings"), body, done, failed, resource=LANE, owner=self)

    def _show(self, rows: list[Sighting], total: int, sources: list[str]) -> None:
        """New ones at the top or the bottom are inserted, so that the selection and the place stay."""
        self.total, self.sources = total, sources
        before = [sighting.id for sighting in self._rows]
        after = [sighting.id for sighting in rows]
        new = after.index(before[0]) if before and before[0] in after else 0
        kept = min(len(before), len(after) - new)
        if not before or kept < len(before) or after[new : new + kept] != before:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
        else:
            self._insert(0, rows[:new])
            self._insert(new + kept, rows[new + kept :])
            self._rows = rows
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(self.headings) - 1))
        self.loaded.emit()

    def _insert(self, at: int, rows: list[Sighting]) -> None:
        if rows:
            self.beginInsertRows(QModelIndex(), at, at + len(rows) - 1)
            self._rows = self._rows[:at] + rows + self._rows[at:]
            self.endInsertRows()


class SightingDelegate(QStyledItemDelegate):
    """The first column has the face beside the name."""

    def __init__(self, crops: SightingCrops, parent: QWidget) -> None:
        super().__init__(parent)
        self._crops = crops

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(160, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        sighting = index.data(SIGHTING_ROLE)
        if not isinstance(sighting, Sighting):
            return
        painter.save()
        painter.setRenderHint(QPainter.Antialiasing)
        paint_cell(painter, option, index.column() == 0)
        left = option.rect.left() + GAP
        if index.column() == 0:
            face = QRect(left, option.rect.top() + GAP, FACE, FACE)
            paint_tile(painter, face, self._crops, sighting.id)
            left += FACE + GAP
        area = QRect(left, option.rect.top(), option.rect.right() - left - 4, option.rect.height())
        first, named = index.column() == 0, sighting.person is not None
        word = "text" if first else "quiet"
        paint_line(painter, area, str(index.data()), word, bold=first and named, cut=Qt.ElideMiddle)
        painter.restore()
