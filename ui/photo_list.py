"""A list of photos with a thumbnail, a name and what became of each; smooth at any length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from PyQt5.QtCore import QAbstractListModel, QModelIndex, QObject, QRect, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QFontMetrics, QImage, QKeyEvent, QKeySequence, QPainter, QPixmap
from PyQt5.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from ui.images import tile
from ui.photo_source import PhotoSource
from ui.theme import colour

THUMBNAIL = 48
ROW = 64
KEY_ROLE = Qt.UserRole + 1
LINE_ROLE = Qt.UserRole + 2
STATE_ROLE = Qt.UserRole + 3


class ItemState(Enum):
    """What became of a photo; each has its sign."""

    PLAIN = ""
    WAITING = "…"
    READY = "✓"
    DOUBTFUL = "!"
    REFUSED = "✕"
    DONE = "●"


@dataclass
class PhotoItem:
    """One row. key: stays the same while rows come and go."""

    key: int
    source: PhotoSource
    state: ItemState = ItemState.PLAIN
    line: str = ""
    thumbnail: QImage | None = None


class PhotoListModel(QAbstractListModel):
    """The photos of a well, in the order in which they came.

    Signals:
        thumbnail_wanted: the key of a row that is shown and has no thumbnail yet.
    """

    thumbnail_wanted = pyqtSignal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._items: list[PhotoItem] = []
        self._rows: dict[int, int] = {}
        self._wanted: set[int] = set()
        self._next = 0

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._items)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> object:
        if not index.isValid():
            return None
        item = self._items[index.row()]
        if role == Qt.DecorationRole:
            self._want(item)
            return item.thumbnail
        if role == Qt.AccessibleTextRole:
            return f"{item.source.name}. {item.line}"
        if role == Qt.ToolTipRole:
            place = str(item.source.path) if item.source.path else item.source.name
            return f"{place}\n{item.line}".strip()
        return {
            Qt.DisplayRole: item.source.name,
            KEY_ROLE: item.key,
            LINE_ROLE: item.line,
            STATE_ROLE: item.state,
        }.get(role)

    def _want(self, item: PhotoItem) -> None:
        if item.thumbnail is None and item.key not in self._wanted:
            self._wanted.add(item.key)
            self.thumbnail_wanted.emit(item.key)

    def add(self, sources: Iterable[PhotoSource]) -> list[int]:
        """Append rows; comes back with their keys. A file that is listed already is not listed twice."""
        known = {item.source.path: item.key for item in self._items if item.source.path}
        fresh: list[PhotoItem] = []
        keys: list[int] = []
        for source in sources:
            if source.path is not None and source.path in known:
                keys.append(known[source.path])
                continue
            fresh.append(PhotoItem(self._next, source))
            keys.append(self._next)
            if source.path is not None:
                known[source.path] = self._next
            self._next += 1
        if fresh:
            first = len(self._items)
            self.beginInsertRows(QModelIndex(), first, first + len(fresh) - 1)
            self._items += fresh
            self._number()
            self.endInsertRows()
        return keys

    def remove(self, keys: Iterable[int]) -> None:
        gone = set(keys)
        if gone.issuperset(self._rows):
            self.beginResetModel()
            self._items = []
            self._number()
            self.endResetModel()
            return
        for row in sorted((self._rows[key] for key in gone if key in self._rows), reverse=True):
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._items[row]
            self._number()
            self.endRemoveRows()

    def move(self, key: int, by: int) -> None:
        """One row up (-1) or down (1); nothing happens at the end of the list."""
        row = self._rows.get(key)
        if row is None or not 0 <= row + by < len(self._items):
            return
        # Qt wants the row before which it goes.
        self.beginMoveRows(QModelIndex(), row, row, QModelIndex(), row + by + (by > 0))
        self._items.insert(row + by, self._items.pop(row))
        self._number()
        self.endMoveRows()

    def change(
        self,
        key: int,
        state: ItemState | None = None,
        line: str | None = None,
        thumbnail: QImage | None = None,
    ) -> None:
        """Change what a row shows; a key that is gone is passed over (news of work that came late)."""
        row = self._rows.get(key)
        if row is None:
            return
        item = self._items[row]
        before = (item.state, item.line, item.thumbnail)
        item.state = item.state if state is None else state
        item.line = item.line if line is None else line
        item.thumbnail = item.thumbnail if thumbnail is None else thumbnail
        if (item.state, item.line, item.thumbnail) != before:
            index = self.index(row)
            self.dataChanged.emit(index, index)

    def keys(self) -> list[int]:
        return [item.key for item in self._items]

    def sources(self) -> list[PhotoSource]:
        return [item.source for item in self._items]

    def item(self, key: int) -> PhotoItem | None:
        row = self._rows.get(key)
        return None if row is None else self._items[row]

    def index_of(self, key: int) -> QModelIndex:
        row = self._rows.get(key)
        return QModelIndex() if row is None else self.index(row)

    def _number(self) -> None:
        self._rows = {item.key: row for row, item in enumerate(self._items)}


class PhotoDelegate(QStyledItemDelegate):
    """Thumbnail, name, and below it the sign and the line of the photo's state."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(160, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        self.initStyleOption(option, index)
        option.text = ""
        option.icon = option.icon.__class__()
        widget = option.widget
        style = widget.style()
        style.drawControl(QStyle.CE_ItemViewItem, option, painter, widget)
        place = option.rect.adjusted(8, 8, -8, -8)
        self._draw_thumbnail(painter, place, index)
        words = place.adjusted(THUMBNAIL + 8, 2, 0, -2)
        painter.save()
        painter.setPen(colour("text"))
        metrics = option.fontMetrics
        line = _line(index)
        top = QRect(words.left(), words.top(), words.width(), words.height() // (2 if line else 1))
        _write(painter, top, str(index.data(Qt.DisplayRole)), metrics, Qt.ElideMiddle)
        if line:
            painter.setPen(colour("quiet"))
            bottom = QRect(words.left(), top.bottom() + 1, words.width(), words.height() // 2)
            _write(painter, bottom, line, metrics, Qt.ElideRight)
        painter.restore()

    def _draw_thumbnail(self, painter: QPainter, place: QRect, index: QModelIndex) -> None:
        frame = QRect(place.left(), place.top(), THUMBNAIL, THUMBNAIL)
        image = index.data(Qt.DecorationRole)
        if isinstance(image, QImage) and not image.isNull():
            ratio = painter.device().devicePixelRatioF()
            painter.drawPixmap(frame.topLeft(), QPixmap.fromImage(tile(image, THUMBNAIL, ratio, 6)))
            return
        painter.save()
        painter.setPen(Qt.NoPen)
        painter.setBrush(colour("hover"))
        painter.drawRoundedRect(frame, 6, 6)
        painter.restore()


def _line(index: QModelIndex) -> str:
    state = index.data(STATE_ROLE)
    return f"{state.value} {index.data(LINE_ROLE)}".strip()


def _write(painter: QPainter, place: QRect, text: str, metrics: QFontMetrics, mode: Qt.TextElideMode) -> None:
    shown = metrics.elidedText(text, mode, place.width())
    painter.drawText(place, int(Qt.AlignLeft | Qt.AlignVCenter), shown)


class PhotoList(QListView):
    """The list. Up and Down choose the current photo, Del takes the selected ones out.

    Signals:
        current_changed: the key of the photo that is now current, -1 for none.
        removal_wanted: the keys of the selected photos.
    """

    current_changed = pyqtSignal(int)
    removal_wanted = pyqtSignal(list)

    def __init__(self, model: PhotoListModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setItemDelegate(PhotoDelegate(self))
        self.setUniformItemSizes(True)
        self.setSelectionMode(QListView.ExtendedSelection)
        self.setVerticalScrollMode(QListView.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Photos"))
        self._photos = model

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:
        super().currentChanged(current, previous)
        self.current_changed.emit(current.data(KEY_ROLE) if current.isValid() else -1)

    def reset(self) -> None:
        """The list has been emptied: Qt says nothing of the photo that was current."""
        super().reset()
        self.current_changed.emit(self.current)

    def make_current(self, key: int) -> None:
        index = self._photos.index_of(key)
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index)

    @property
    def current(self) -> int:
        index = self.currentIndex()
        return int(index.data(KEY_ROLE)) if index.isValid() else -1

    def selected_keys(self) -> Sequence[int]:
        return [index.data(KEY_ROLE) for index in self.selectionModel().selectedIndexes()]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.Delete) or event.key() == Qt.Key_Backspace:
            self.removal_wanted.emit(list(self.selected_keys()))
        else:
            super().keyPressEvent(event)
