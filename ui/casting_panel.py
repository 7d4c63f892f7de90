"""Who goes where: a row for each face of the target, and the source faces to drag onto them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PyQt5.QtCore import QMimeData, QPoint, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QDrag, QIcon, QImage, QMouseEvent, QPixmap
from PyQt5.QtWidgets import (
    QApplication,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from faceapp.edit.cast import Cast
from ui.icons import icon
from ui.images import tile
from ui.widgets import clear_layout

FACE = 40
LEFT_ALONE = -1
# So many faces are seen without scrolling, however low the window is.
ROWS_IN_SIGHT = 4
# What a source face is dragged as: its position as text.
MIME = "application/x-faceapp-source"


class SourceChip(QLabel):
    """One source face that can be dragged onto a face of the target."""

    def __init__(self, number: int, name: str, picture: QImage) -> None:
        super().__init__()
        self.number = number
        self.setPixmap(_pixmap(self, picture))
        self.setToolTip(self.tr("{name}: drag onto a face of the photo").format(name=name))
        self.setAccessibleName(name)
        self.setCursor(Qt.OpenHandCursor)
        self._pressed: QPoint | None = None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = event.pos()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        far = QApplication.startDragDistance()
        if self._pressed is None or (event.pos() - self._pressed).manhattanLength() < far:
            return
        self._pressed = None
        drag = QDrag(self)
        mime = QMimeData()
        mime.setData(MIME, str(self.number).encode())
        drag.setMimeData(mime)
        drag.setPixmap(self.pixmap())
        drag.setHotSpot(QPoint(FACE // 2, FACE // 2))
        drag.exec_(Qt.CopyAction)


def dragged_source(mime: QMimeData) -> int | None:
    """The position of the source face that is being dragged; None for anything else."""
    if not mime.hasFormat(MIME):
        return None
    return int(bytes(mime.data(MIME)).decode())


class CastingRow(QFrame):
    """One face of the target: what it looks like, whom it gets, how alike the two are.

    Signals:
        cast: the source chosen (LEFT_ALONE for none). released: back to the automatic choice.
    """

    cast = pyqtSignal(int)
    released = pyqtSignal()
    pointed_at = pyqtSignal()

    def __init__(
        self, number: int, face: QImage, names: Sequence[str], pictures: Sequence[QImage], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName("castingRow")
        self._picture = QLabel()
        self._picture.setPixmap(_pixmap(self, face))
        self._picture.setToolTip(self.tr("Face {number} of the photo").format(number=number + 1))
        self.choice = QComboBox()
        self.choice.setIconSize(QSize(28, 28))
        self.choice.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.choice.setMinimumContentsLength(6)
        self.choice.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self.choice.setAccessibleName(self.tr("Who goes onto face {number}").format(number=number + 1))
        self.choice.addItem(self.tr("Left as it is"), LEFT_ALONE)
        for source, (name, picture) in enumerate(zip(names, pictures, strict=True)):
            self.choice.addItem(QIcon(QPixmap.fromImage(tile(picture, 28, radius=4))), name, source)
        self._distance = QLabel()
        self._distance.setProperty("role", "quiet")
        self._distance.setMinimumWidth(self.fontMetrics().horizontalAdvance("0.00") + 4)
        self._distance.setToolTip(self.tr("How far apart the two faces are: 0 is the same photo."))
        self.release = QToolButton(icon=icon("refresh"), autoRaise=True)
        self.release.setToolTip(self.tr("You chose this. Let the program choose again"))
        self.release.setAccessibleName(self.release.toolTip())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        arrow = QLabel("←")
        arrow.setProperty("role", "quiet")
        for widget in (self._picture, arrow):
            row.addWidget(widget)
        row.addWidget(self.choice, 1)
        row.addWidget(self.release)
        row.addWidget(self._distance)
        self.choice.activated.connect(lambda _: self.cast.emit(self.choice.currentData()))
        self.release.clicked.connect(self.released)

    def show_cast(self, cast: Cast, chosen: bool) -> None:
        """chosen: by the user, who may take it back."""
        self.choice.setCurrentIndex(0 if cast.source is None else cast.source + 1)
        self.choice.setToolTip(self.choice.currentText())
        self._distance.setText("" if cast.distance is None else f"{cast.distance:.2f}")
        self.release.setVisible(chosen)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pointed_at.emit()
        super().mousePressEvent(event)


class CastingPanel(QWidget):
    """The chips of the sources above, a row for each face of the target below.

    Signals:
        cast: (target face, source or LEFT_ALONE). released: a target face. pointed_at: a target face.
    """

    cast = pyqtSignal(int, int)
    released = pyqtSignal(int)
    pointed_at = pyqtSignal(int)

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[CastingRow] = []
        self.chips: list[SourceChip] = []
        self._title = QLabel(self.tr("Who goes where"))
        self._title.setProperty("role", "heading")
        self._hint = QLabel(self.tr("Drag a face onto the photo, or choose."))
        self._hint.setProperty("role", "quiet")
        self._chip_row = QHBoxLayout()
        self._chip_row.setSpacing(4)
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, 8, 0)
        self._list.setSpacing(4)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._title)
        column.addWidget(self._hint)
        self._sources = _scrolled(self._chip_row, Qt.Horizontal, FACE + 16)
        column.addWidget(self._sources)
        self._faces = _scrolled(self._list, Qt.Vertical)
        column.addWidget(self._faces, 1)
        # As high as its rows, so that what stands below it moves up when there are few.
        self.setSizePolicy(QSizePolicy.Preferred, QSizePolicy.Maximum)
        for area in (self._sources, self._faces):
            area.hide()

    def show_people(
        self, faces: Sequence[QImage], sources: Sequence[QImage], names: Sequence[str]
    ) -> None:
        """Other faces, other people: everything is made anew."""
        clear_layout(self._chip_row)
        clear_layout(self._list)
        self.chips = [
            SourceChip(number, name, picture)
            for number, (name, picture) in enumerate(zip(names, sources, strict=True))
        ]
        for chip in self.chips:
            self._chip_row.addWidget(chip)
        self._chip_row.addStretch(1)
        self.rows = [CastingRow(number, face, names, sources, self) for number, face in enumerate(faces)]
        for number, row in enumerate(self.rows):
            self._list.addWidget(row)
            row.cast.connect(lambda source, number=number: self.cast.emit(number, source))
            row.released.connect(lambda number=number: self.released.emit(number))
            row.pointed_at.connect(lambda number=number: self.pointed_at.emit(number))
        self._list.addStretch(1)
        self._sources.setVisible(bool(self.chips))
        self._faces.setVisible(bool(self.rows))
        seen = [row.sizeHint().height() + self._list.spacing() for row in self.rows[:ROWS_IN_SIGHT]]
        self._faces.setMinimumHeight(sum(seen))
        self.updateGeometry()

    def follow(self, widget: QWidget) -> None:
        """Tab comes to the rows after that widget: they are made later than what stands below them."""
        for row in self.rows:
            for field in (row.choice, row.release):
                QWidget.setTabOrder(widget, field)
                widget = field

    def show_casts(self, casts: Sequence[Cast], chosen: Mapping[int, int]) -> None:
        """chosen: target face -> source, as the user said; LEFT_ALONE among them."""
        for row, cast in zip(self.rows, casts, strict=True):
            row.show_cast(cast, cast.target in chosen)


def _scrolled(layout: QHBoxLayout | QVBoxLayout, along: Qt.Orientation, height: int = 0) -> QScrollArea:
    inside = QWidget()
    inside.setLayout(layout)
    layout.setContentsMargins(0, 0, 0, 0)
    area = QScrollArea(widgetResizable=True)
    area.setFrameShape(QFrame.NoFrame)
    area.setFocusPolicy(Qt.NoFocus)
    area.setWidget(inside)
    if along == Qt.Horizontal:
        area.setVerticalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        area.setFixedHeight(height)
    else:
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
    return area


def _pixmap(widget: QWidget, picture: QImage) -> QPixmap:
    return QPixmap.fromImage(tile(picture, FACE, widget.devicePixelRatioF(), 6))
