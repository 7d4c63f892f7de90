"""The target of a swap: before and after, and the faces onto which a source can be dropped."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt5.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt5.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QImage,
    QPainter,
    QPaintEvent,
    QPixmap,
)

from ui.casting_panel import dragged_source
from ui.divider_canvas import DividerCanvas
from ui.images import tile

SMALLEST, LARGEST = 20, 56


class CastingCanvas(DividerCanvas):
    """A `DividerCanvas` whose faces show who is put onto them, in a corner of their outline.

    Signals:
        source_dropped: (face, source): a source face was let go over a face of the photo.
    """

    source_dropped = pyqtSignal(int, int)

    def __init__(self) -> None:
        super().__init__()
        self._sources: Mapping[int, QImage] = {}
        self._outlined = True
        self.setAcceptDrops(True)

    def set_sources(self, sources: Mapping[int, QImage]) -> None:
        """Who is put onto which face (by its index): small pictures."""
        self._sources = dict(sources)
        self.update()

    def set_outlined(self, outlined: bool) -> None:
        """Show outlines and castings, or nothing but the photo."""
        self._outlined = outlined
        self.update()

    def _draw_faces(self, painter: QPainter) -> None:
        if self._outlined:
            super()._draw_faces(painter)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._outlined or self.picture is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        for face, picture in self._sources.items():
            if face < len(self.marks):
                self._draw_source(painter, self.frame_of(face), picture)
        painter.end()

    def _draw_source(self, painter: QPainter, frame: QRectF, picture: QImage) -> None:
        side = min(LARGEST, int(frame.width() * 0.45))
        if side < SMALLEST:
            return
        shown = QPixmap.fromImage(tile(picture, side, self.devicePixelRatioF(), side // 2))
        corner = QPointF(frame.left() - side * 0.4, frame.top() - side * 0.4)
        painter.setPen(Qt.NoPen)
        painter.setBrush(Qt.white)
        painter.drawEllipse(QRectF(corner.x(), corner.y(), side, side).adjusted(-2, -2, 2, 2))
        painter.drawPixmap(corner, shown)

    # -- drops -------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dragged_source(event.mimeData()) is None:
            event.ignore()  # a file: the page takes it
        else:
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        face = self.face_at(QPointF(event.pos()))
        self._set_hovered(face)
        event.setAccepted(face >= 0)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._set_hovered(-1)

    def dropEvent(self, event: QDropEvent) -> None:
        source = dragged_source(event.mimeData())
        face = self.face_at(QPointF(event.pos()))
        self._set_hovered(-1)
        if source is None or face < 0:
            event.ignore()
            return
        event.acceptProposedAction()
        self.source_dropped.emit(face, source)
