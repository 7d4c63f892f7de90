"""Before and after on one canvas: a line that can be dragged parts the photo from what was made of it."""

from __future__ import annotations

from PyQt5.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen

from ui.face_canvas import FaceCanvas
from ui.face_mark import EDGE, draw_label, label_frame
from ui.picture import Picture
from ui.theme import colour

GRIP = 12.0
GRAB = 10.0
STEP = 0.05


class DividerCanvas(FaceCanvas):
    """A `FaceCanvas` that may show a result over its photo: left of a line the photo, right of it the result.

    Keys besides the canvas's own: B shows the photo alone for as long as it is held, < and > move the line.
    """

    divided = pyqtSignal(float)  # where the line is: 0 the result alone, 1 the photo alone

    def __init__(self) -> None:
        super().__init__()
        self._result: Picture | None = None
        self._share = 0.0
        self._dragging = False
        self._before_only = False

    def set_picture(self, picture: Picture | None) -> None:
        self._result = None
        super().set_picture(picture)

    def set_result(self, result: Picture | None) -> None:
        """Show what was made of the photo, at the place of the photo; None for the photo alone."""
        self._result = result
        self._redraw()

    @property
    def result(self) -> Picture | None:
        return self._result

    @property
    def share(self) -> float:
        """Where the line is, from the left (0) to the right side (1) of the photo."""
        return self._share

    def set_share(self, share: float) -> None:
        self._share = min(1.0, max(0.0, share))
        self.divided.emit(self._share)
        self._redraw()

    # -- drawing -----------------------------------------------------------------------------------

    def _draw_photo(self, painter: QPainter, picture: Picture) -> None:
        super()._draw_photo(painter, picture)
        if self._result is None or self._before_only:
            return
        painter.save()
        # The line may lie outside: the photo is larger than the canvas when it is zoomed in.
        left = self._line_x()
        right = QRectF(left, 0, max(0.0, self.width() - left), self.height())
        painter.setClipRect(right, Qt.IntersectClip)
        super()._draw_photo(painter, self._result)
        painter.restore()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._result is None or self._before_only:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        self._draw_line(painter)
        if 0.02 < self._share < 0.98:
            self._draw_words(painter)
        painter.end()

    def _draw_line(self, painter: QPainter) -> None:
        x, middle = self._line_x(), self._grip_y()
        for pen in (QPen(EDGE, 4), QPen(Qt.white, 2)):
            painter.setPen(pen)
            painter.drawLine(QPointF(x, self._top()), QPointF(x, self._bottom()))
        painter.setPen(QPen(EDGE, 1))
        painter.setBrush(Qt.white)
        painter.drawEllipse(QPointF(x, middle), GRIP, GRIP)
        painter.setPen(QPen(colour("accent"), 2, Qt.SolidLine, Qt.RoundCap, Qt.RoundJoin))
        for side in (-1, 1):
            tip = QPointF(x + side * 7, middle)
            painter.drawLine(tip, tip + QPointF(-side * 4, -4))
            painter.drawLine(tip, tip + QPointF(-side * 4, 4))

    def _draw_words(self, painter: QPainter) -> None:
        painter.setFont(self.font())
        area = QRectF(self.rect())
        for text, side in ((self.tr("Before"), -1), (self.tr("After"), 1)):
            place = label_frame(self.font(), QRectF(0, 0, 0, 0), text, area)
            gap = place.width() / 2 + 8
            place.moveCenter(QPointF(self._line_x() + side * gap, self._top() + 20))
            if area.contains(place):
                draw_label(painter, place, text)

    def _line_x(self) -> float:
        assert self._picture is not None
        return self._to_widget((self._share * self._picture.width, 0.0)).x()

    def _top(self) -> float:
        return max(1.0, self._to_widget((0.0, 0.0)).y())

    def _bottom(self) -> float:
        assert self._picture is not None
        return min(self.height() - 1.0, self._to_widget((0.0, float(self._picture.height))).y())

    def _grip_y(self) -> float:
        return (self._top() + self._bottom()) / 2

    # -- events ------------------------------------------------------------------------------------

    def _is_on_line(self, point: QPointF) -> bool:
        if self._result is None or self._picture is None:
            return False
        return abs(point.x() - self._line_x()) <= GRAB and self._top() <= point.y() <= self._bottom()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.LeftButton and self._is_on_line(event.localPos()):
            self._dragging = True
            self.setFocus()
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragging and self._picture is not None:
            self.set_share(self._to_photo(event.localPos()).x() / self._picture.width)
            return
        super().mouseMoveEvent(event)
        if not event.buttons() and self._is_on_line(event.localPos()):
            self.setCursor(Qt.SplitHCursor)
        elif self.cursor().shape() == Qt.SplitHCursor:
            self.setCursor(Qt.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._dragging:
            self._dragging = False
            return
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {"<": -STEP, ">": STEP}.get(event.text())
        if self._result is not None and step is not None:
            self.set_share(self._share + step)
        elif self._result is not None and event.key() == Qt.Key_B:
            self._show_before(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key_B and not event.isAutoRepeat():
            self._show_before(False)
        else:
            super().keyReleaseEvent(event)

    def _show_before(self, alone: bool) -> None:
        self._before_only = alone
        self._redraw()
