"""The right side of the Enrol page: who it is, how the photo stands, what will be enrolled."""

from __future__ import annotations

from PyQt5.QtCore import QModelIndex, QObject, QSize, QSortFilterProxyModel, Qt, pyqtSignal
from PyQt5.QtGui import QImage, QKeyEvent, QKeySequence, QPainter, QPixmap
from PyQt5.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListView,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from ui.images import tile
from ui.person_form import PersonForm
from ui.photo_list import KEY_ROLE, STATE_ROLE, ItemState, PhotoListModel
from ui.theme import colour
from ui.verdict import VerdictCard
from ui.widgets import scrolling

SIDE = 64
GAP = 8


class ReadyPhotos(QSortFilterProxyModel):
    """The photos of a well that will be enrolled."""

    def __init__(self, photos: PhotoListModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setSourceModel(photos)
        self.setDynamicSortFilter(True)

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        index = self.sourceModel().index(row, 0, parent)
        return bool(index.data(STATE_ROLE) is ItemState.READY)


class _Tiles(QStyledItemDelegate):
    """The face alone; its name and state are in the tooltip."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(SIDE + GAP, SIDE + GAP)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        corner = option.rect.topLeft()
        corner += type(corner)(GAP // 2, GAP // 2)
        image = index.data(Qt.DecorationRole)
        if isinstance(image, QImage) and not image.isNull():
            ratio = painter.device().devicePixelRatioF()
            painter.drawPixmap(corner, QPixmap.fromImage(tile(image, SIDE, ratio, 8)))
        if option.state & (QStyle.State_HasFocus | QStyle.State_MouseOver | QStyle.State_Selected):
            painter.save()
            painter.setRenderHint(QPainter.Antialiasing)
            painter.setPen(colour("accent" if option.state & QStyle.State_Selected else "quiet"))
            painter.drawRoundedRect(option.rect.adjusted(2, 2, -2, -2), 8, 8)
            painter.restore()


class ReadyGrid(QListView):
    """Signals:
    chosen: the key of the photo that was clicked. removal_wanted: keys, by Del.
    """

    chosen = pyqtSignal(int)
    removal_wanted = pyqtSignal(list)

    def __init__(self, photos: PhotoListModel) -> None:
        super().__init__()
        self.setProperty("role", "bare")
        self.setModel(ReadyPhotos(photos, self))
        self.setItemDelegate(_Tiles(self))
        self.setViewMode(QListView.IconMode)
        self.setMovement(QListView.Static)
        self.setResizeMode(QListView.Adjust)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setSelectionMode(QListView.ExtendedSelection)
        self.setVerticalScrollMode(QListView.ScrollPerPixel)
        self.setAccessibleName(self.tr("Photos that will be enrolled"))
        self.clicked.connect(lambda index: self.chosen.emit(index.data(KEY_ROLE)))
        self.activated.connect(lambda index: self.chosen.emit(index.data(KEY_ROLE)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.Delete) or event.key() == Qt.Key_Backspace:
            indexes = self.selectionModel().selectedIndexes()
            self.removal_wanted.emit([index.data(KEY_ROLE) for index in indexes])
        else:
            super().keyPressEvent(event)


class EnrolPanel(QWidget):
    """Signals:
    enrol_wanted: the button, or Enter in the form. next_wanted: show the next photo with an open question.
    """

    enrol_wanted = pyqtSignal()
    next_wanted = pyqtSignal()

    def __init__(self, photos: PhotoListModel) -> None:
        super().__init__()
        self._title = QLabel(self.tr("Who is this?"))
        self._title.setProperty("role", "title")
        self.form = PersonForm()
        self.card = VerdictCard()
        self._heading = QLabel()
        self._heading.setProperty("role", "heading")
        self.grid = ReadyGrid(photos)
        self._open = QLabel(wordWrap=True)
        self._open.setProperty("role", "quiet")
        self.next_button = QPushButton(self.tr("Show next"))
        self.next_button.setProperty("role", "link")
        self._doubt = QLabel(wordWrap=True)
        self._doubt.setProperty("state", "warning")
        self._doubt.hide()
        self.enrol_button = QPushButton()
        self.enrol_button.setProperty("role", "primary")
        self._lay_out()
        self.enrol_button.clicked.connect(self.enrol_wanted)
        self.form.submitted.connect(self.enrol_wanted)
        self.next_button.clicked.connect(self.next_wanted)

    def _lay_out(self) -> None:
        """The button stays in sight; what does not fit above it in a low window scrolls."""
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (self._title, self.form, self.card, self._heading):
            column.addWidget(widget)
        questions = QHBoxLayout()
        questions.addWidget(self._open, 1)
        questions.addWidget(self.next_button)
        column.addLayout(questions)
        column.addWidget(self.grid, 1)
        self.grid.setMinimumHeight(SIDE + 2 * GAP)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addWidget(scrolling(inside), 1)
        whole.addWidget(self._doubt)
        whole.addWidget(self.enrol_button)

    def show_counts(self, ready: int, doubtful: int, unusable: int, waiting: int, busy: bool) -> None:
        """How the photos stand, and what the button will do."""
        name = self.form.name().full
        self._heading.setText(
            self.tr("Will be enrolled: {count}").format(count=ready) if ready else self.tr("Will be enrolled")
        )
        parts = []
        if waiting:
            parts.append(self.tr("{count} being looked at").format(count=waiting))
        if doubtful:
            parts.append(self.tr("{count} with an open question").format(count=doubtful))
        if unusable:
            parts.append(self.tr("{count} cannot be used").format(count=unusable))
        text = ", ".join(parts)
        if not ready and not parts:
            text = self.tr("The faces that are ready appear here.")
        self._open.setText(text[:1].upper() + text[1:])
        self._open.setVisible(bool(text))
        self.next_button.setVisible(bool(doubtful))
        self._label_button(ready, name, busy)

    def show_doubt(self, people: int) -> None:
        """Say that the photos seem to show several people; up to 1 says nothing."""
        self._doubt.setText(
            "⚠ "
            + self.tr("These faces look like {count} different people. Check them before you enrol.").format(
                count=people
            )
        )
        self._doubt.setVisible(people > 1)

    @property
    def doubt(self) -> str:
        return "" if self._doubt.isHidden() else str(self._doubt.text())

    def _label_button(self, ready: int, name: str, busy: bool) -> None:
        self.enrol_button.setEnabled(bool(ready and name) and not busy)
        if busy:
            text = self.tr("Enrolling…")
        elif not ready:
            text = self.tr("Enrol")
        elif not name:
            text = self.tr("Enrol (a first name is needed)")
        elif ready == 1:
            text = self.tr("Enrol one photo as {name}").format(name=name)
        else:
            text = self.tr("Enrol {count} photos as {name}").format(count=ready, name=name)
        self.enrol_button.setText(text.replace("&", "&&"))
        self.enrol_button.setToolTip(self.tr("Enter in a field above does the same."))
