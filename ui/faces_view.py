"""All enrolled faces of one person as a grid of tiles."""

from __future__ import annotations

from pathlib import PurePath

from PyQt5.QtCore import QAbstractListModel, QModelIndex, QRect, QSize, Qt
from PyQt5.QtGui import QFontMetrics, QPainter
from PyQt5.QtWidgets import QAbstractItemView, QListView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from faceapp.types import StoredFace
from ui.crops import Crops
from ui.face_row import paint_ground, paint_tile
from ui.theme import colour

FACE_ROLE = Qt.UserRole
TILE = 128
CELL = QSize(TILE + 16, TILE + 40)


class FacesModel(QAbstractListModel):
    """The faces in the order in which they were enrolled."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._faces: list[StoredFace] = []

    @property
    def faces(self) -> list[StoredFace]:
        return list(self._faces)

    def show(self, faces: list[StoredFace]) -> None:
        """Take the place of the faces that are shown; nothing stirs when they are the same."""
        if [face.id for face in faces] != [face.id for face in self._faces]:
            self.beginResetModel()
            self._faces = list(faces)
            self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 Qt's own signature
        return 0 if parent.isValid() else len(self._faces)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._faces):
            return None
        face = self._faces[index.row()]
        if role == FACE_ROLE:
            return face
        if role == Qt.DisplayRole:
            return PurePath(face.photo.path).name
        if role == Qt.ToolTipRole:
            return self.tr("{0}\n{1} × {2} pixels, the face {3} pixels").format(
                face.photo.path, face.photo.width, face.photo.height, round(face.quality.size)
            )
        return None


class FaceDelegate(QStyledItemDelegate):
    """Paints one face with the name of its photo."""

    def __init__(self, crops: Crops, parent: QWidget) -> None:
        super().__init__(parent)
        self._crops = crops

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return CELL

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        face = index.data(FACE_ROLE)
        if not isinstance(face, StoredFace):
            return
        painter.save()
        painter.setRenderHint(QPainter.Antialiasing)
        paint_ground(painter, option)
        area = QRect(option.rect.left() + 8, option.rect.top() + 8, TILE, TILE)
        paint_tile(painter, area, self._crops, face.id)
        below = QRect(area.left(), area.bottom() + 4, TILE, 20)
        short = QFontMetrics(painter.font()).elidedText(index.data(), Qt.ElideMiddle, TILE)
        painter.setPen(colour("quiet"))
        painter.drawText(below, Qt.AlignCenter, short)
        painter.restore()


class FacesView(QListView):
    """The grid. Several can be selected."""

    def __init__(self, model: FacesModel, crops: Crops) -> None:
        super().__init__()
        self.setModel(model)
        self.setItemDelegate(FaceDelegate(crops, self))
        self.setProperty("role", "bare")
        self.setViewMode(QListView.IconMode)
        self.setResizeMode(QListView.Adjust)
        self.setMovement(QListView.Static)
        self.setUniformItemSizes(True)
        self.setGridSize(CELL)
        self.setSelectionMode(QAbstractItemView.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ActionsContextMenu)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Photos of this person"))
        crops.loaded.connect(self.viewport().update)

    @property
    def selected(self) -> list[StoredFace]:
        """The selected faces, in the order of the grid."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        return [self.model().faces[row] for row in rows]
