"""The 68 points of one face on its photo, each of which can be dragged or moved with the keys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PyQt5.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from PyQt5.QtWidgets import QToolTip

from faceapp.types import Box, Floats
from ui.face_canvas import FaceCanvas
from ui.face_mark import EDGE, FaceMark
from ui.images import to_bgr, to_qimage
from ui.picture import Picture

# How near a press has to be, in pixels of the screen, and how large a point is drawn.
GRAB = 11.0
DOT = 3.0
CHOSEN_RING = 8.0
# On a face this wide on the screen the points are as large as that; on a smaller one they shrink.
FULL_WIDTH = 360.0
# How much of the canvas a face fills when it is brought to the middle.
SHARE = 0.82
# A point that is chosen with the keys is brought so far inside the canvas.
INSIDE = 24
LINE = QColor("#ffffff")
MOVED = QColor("#ffc65c")
CHOSEN = QColor("#79c0ff")
FAR_STEP = 10.0
# A face that moves along is drawn with no more pixels a side: it has to follow the mouse.
MOST_DRAWN = 800


@dataclass(frozen=True)
class Part:
    """A line of points: first to last (included), closed where the last one joins the first."""

    first: int
    last: int
    closed: bool = False

    @property
    def indices(self) -> range:
        return range(self.first, self.last + 1)


# In iBUG's order: jaw, brows, ridge and base of the nose, eyes, outer and inner edge of the lips.
PARTS = (
    Part(0, 16), Part(17, 21), Part(22, 26), Part(27, 30), Part(31, 35),
    Part(36, 41, True), Part(42, 47, True), Part(48, 59, True), Part(60, 67, True),
)  # fmt: skip


class PointsCanvas(FaceCanvas):
    """A `FaceCanvas` that shows points over its photo instead of outlines.

    Keys besides those that zoom: [ and ] go to the point before and after, Tab to the next part of the
    face, the arrows move the chosen point by one pixel of the photo (with Shift by ten), F brings the face
    to the middle, and B shows the photo alone for as long as it is held.

    Signals:
        moved: points (68, 2) as the user has moved them, and whether this goes on with the move before
            (a key that is held).
        point_chosen: the index of a point, -1 for none.
    """

    moved = pyqtSignal(object, bool)
    point_chosen = pyqtSignal(int)

    # Of the class: the canvas says aloud what is on it before this class has had its turn.
    _points: Floats | None = None
    _chosen = -1

    def __init__(self) -> None:
        super().__init__()
        self.symmetric = False
        self.follow = True
        self._found: Floats | None = None
        self._origins: Floats | None = None  # where the points were in the photo that moves along
        self._near = -1
        self._held: Floats | None = None  # the points as they were when the mouse took one
        self._offset = QPointF()
        self._changed = False
        self._bare = False

    # -- what is shown -------------------------------------------------------------------------

    def set_points(self, points: Floats, found: Floats | None = None) -> None:
        """Show points (68, 2) in pixels of the photo; `found` marks those that lie elsewhere by now."""
        if found is not None:
            self._found = found
        self._points = points
        self._show_points()

    def move_along(self, origins: Floats | None) -> None:
        """Show the face moved along with its points, which were at `origins` (68, 2) in the photo; None: show
        the photo as it is."""
        self._origins = origins
        self._redraw()

    @property
    def points(self) -> Floats | None:
        return self._points

    @property
    def chosen(self) -> int:
        """The index of the chosen point, -1 for none."""
        return self._chosen

    def choose(self, index: int) -> None:
        """Choose a point (-1: none) and bring it into view."""
        if index == self._chosen:
            return
        self._chosen = index
        self._show_point(index)
        self._tell()
        self.update()
        self.point_chosen.emit(index)

    def show_face(self) -> None:
        """Bring the face to the middle, large."""
        if self._points is None:
            return
        (x1, y1), (x2, y2) = self._points.min(0).tolist(), self._points.max(0).tolist()
        self.set_marks([FaceMark(Box(x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)))])
        self.zoom_to(0, SHARE)

    def describe(self, index: int) -> str:
        """Which point that is, in words; left and right are those of the photo."""
        number = next(n for n, part in enumerate(PARTS) if index in part.indices)
        part = PARTS[number]
        names = (
            self.tr("Jaw"), self.tr("Brow on the left"), self.tr("Brow on the right"),
            self.tr("Ridge of the nose"), self.tr("Base of the nose"), self.tr("Eye on the left"),
            self.tr("Eye on the right"), self.tr("Outer edge of the lips"), self.tr("Inner edge of the lips"),
        )  # fmt: skip
        point = self.tr("{part}, point {number} of {count}")
        return point.format(part=names[number], number=index - part.first + 1, count=len(part.indices))

    # -- places ----------------------------------------------------------------------------------

    def place_of(self, index: int) -> QPointF:
        """Where a point lies on the widget."""
        assert self._points is not None
        x, y = self._points[index].tolist()
        # The corner of the photo is the corner of its first pixel, a point the middle of one.
        return self._to_widget((x + 0.5, y + 0.5))

    def point_at(self, place: QPointF) -> int:
        """The point nearest to a place of the widget, -1 where none is near."""
        if self._points is None:
            return -1
        origin, scale = self._to_widget((0.5, 0.5)), self._scale
        apart = np.hypot(
            self._points[:, 0] * scale + origin.x() - place.x(),
            self._points[:, 1] * scale + origin.y() - place.y(),
        )
        if self._chosen >= 0 and apart[self._chosen] <= GRAB / 2:
            return self._chosen
        nearest = int(apart.argmin())
        return nearest if apart[nearest] <= GRAB else -1

    def face_at(self, point: QPointF) -> int:
        """The points are what is chosen here, not the face."""
        return -1

    def _point_of_interest(self) -> QPointF:
        if self._points is not None and self._chosen >= 0:
            place = self.place_of(self._chosen)
            if QRectF(self.rect()).contains(place):
                return place
        return super()._point_of_interest()

    def _show_point(self, index: int) -> None:
        if index < 0 or self._points is None:
            return
        place, room = self.place_of(index), QRectF(self._room()).adjusted(INSIDE, INSIDE, -INSIDE, -INSIDE)
        # Just far enough: the face stays where the user has put it.
        wanted = QPointF(
            min(max(place.x(), room.left()), room.right()), min(max(place.y(), room.top()), room.bottom())
        )
        if wanted != place:
            self._origin += wanted - place
            self._fitted, self._followed = False, None
            self._keep_inside()
            self._redraw()

    # -- moving a point ----------------------------------------------------------------------------

    def nudge(self, x: float, y: float, goes_on: bool = False) -> None:
        """Move the chosen point by so many pixels of the photo."""
        if self._points is None or self._chosen < 0:
            return
        here = self._points[self._chosen].tolist()
        self._points = self._dragged(self._points, here[0] + x, here[1] + y)
        self._show_point(self._chosen)
        self.moved.emit(self._points, goes_on)
        self._show_points()

    def _dragged(self, points: Floats, x: float, y: float) -> Floats:
        from faceapp.edit.rigid import REACH, drag

        return drag(
            points, self._chosen, self._inside(points, x, y), self.symmetric, REACH if self.follow else 0
        )

    def _inside(self, points: Floats, x: float, y: float) -> tuple[float, float]:
        """Points stay on the photo; one that was found outside of it may stay where it is."""
        assert self._picture is not None
        here_x, here_y = points[self._chosen].tolist()
        x = min(max(x, min(0.0, here_x)), max(self._picture.width - 1.0, here_x))
        y = min(max(y, min(0.0, here_y)), max(self._picture.height - 1.0, here_y))
        return x, y

    # -- drawing -----------------------------------------------------------------------------------

    def _show_points(self) -> None:
        self._tell()
        if self._origins is None:
            self.update()
        else:
            self._redraw()

    def _draw_photo(self, painter: QPainter, picture: Picture) -> None:
        super()._draw_photo(painter, picture)
        before, after = self._origins, self._points
        if before is None or after is None or (before == after).all():
            return
        from faceapp.edit.rigid import room_of

        room = room_of(before, after, picture.width, picture.height)
        frame = QRectF(self._to_widget((room.x1, room.y1)), self._to_widget((room.x2, room.y2)))
        visible = frame.intersected(QRectF(self.rect()))
        if not visible.isEmpty():
            painter.drawImage(visible, self._moved_along(picture, before, after, room, visible))

    def _moved_along(
        self, picture: Picture, before: Floats, after: Floats, room: Box, visible: QRectF
    ) -> QImage:
        """What of the face is to be seen at `visible` on the widget."""
        from faceapp.edit.rigid import preview
        from faceapp.edit.warp import Warp

        scale = min(self.scale, MOST_DRAWN / max(visible.width(), visible.height()) * self._scale)
        first, last = self._to_photo(visible.topLeft()), self._to_photo(visible.bottomRight())
        part = Box(first.x(), first.y(), last.x(), last.y())
        size = max(1, round(part.width * scale)), max(1, round(part.height * scale))
        warp = preview(before, after, room, part, size)
        level = picture.level(scale)
        x = (warp.x + 0.5) * (level.width() / picture.width) - 0.5
        y = (warp.y + 0.5) * (level.height() / picture.height) - 0.5
        # No more than what is read of the photo: it may be a large one.
        left, right = np.clip((x.min(), x.max() + 1), 0, level.width() - 1).astype(int).tolist()
        top, bottom = np.clip((y.min(), y.max() + 1), 0, level.height() - 1).astype(int).tolist()
        read = level.copy(QRect(QPoint(left, top), QPoint(right, bottom)))
        moved = Warp(x - left, y - top).read(to_bgr(read))
        return to_qimage(np.asarray(moved, np.uint8))

    def _draw_faces(self, painter: QPainter) -> None:
        if self._points is None or self._bare:
            return
        places = [self.place_of(index) for index in range(len(self._points))]
        width = max(1.0, float(np.ptp(self._points[:, 0])) * self._scale)
        size = DOT * min(1.0, max(0.4, width / FULL_WIDTH))
        self._draw_lines(painter, places)
        moved = self._moved_points()
        for index, place in enumerate(places):
            if index != self._chosen:
                self._draw_dot(painter, place, size, bool(moved[index]), index == self._near)
        if self._chosen >= 0:
            self._draw_chosen(painter, places)

    def _moved_points(self) -> NDArray[np.bool_]:
        assert self._points is not None
        if self._found is None:
            return np.zeros(len(self._points), bool)
        apart: NDArray[np.bool_] = np.abs(self._points - self._found).max(1) > 0.5
        return apart

    def _draw_lines(self, painter: QPainter, places: list[QPointF]) -> None:
        painter.setBrush(Qt.NoBrush)
        for pen in (QPen(EDGE, 2.5), QPen(LINE, 1.0)):
            painter.setPen(pen)
            for part in PARTS:
                line = QPolygonF([places[index] for index in part.indices])
                if part.closed:
                    painter.drawPolygon(line)
                else:
                    painter.drawPolyline(line)

    def _draw_dot(self, painter: QPainter, place: QPointF, size: float, moved: bool, near: bool) -> None:
        """A round point is where it was found, a square one was moved."""
        size += 2.0 if near else 0.0
        painter.setPen(QPen(EDGE, 1.0))
        painter.setBrush(MOVED if moved else LINE)
        if moved:
            painter.drawRect(QRectF(place.x() - size, place.y() - size, 2 * size, 2 * size))
        else:
            painter.drawEllipse(place, size, size)

    def _draw_chosen(self, painter: QPainter, places: list[QPointF]) -> None:
        """A ring with a fine cross: what lies under the point stays visible."""
        place = places[self._chosen]
        painter.setBrush(Qt.NoBrush)
        for pen in (QPen(EDGE, 4.0), QPen(CHOSEN, 2.0)):
            painter.setPen(pen)
            painter.drawEllipse(place, CHOSEN_RING, CHOSEN_RING)
        painter.setPen(QPen(CHOSEN, 1.0))
        for step in (QPointF(3.0, 0.0), QPointF(0.0, 3.0)):
            painter.drawLine(place - step, place + step)
        if self.symmetric:
            self._draw_partner(painter, places)

    def _draw_partner(self, painter: QPainter, places: list[QPointF]) -> None:
        from faceapp.edit.rigid import MIRROR

        partner = int(MIRROR[self._chosen])
        if partner != self._chosen:
            painter.setPen(QPen(CHOSEN, 1.5, Qt.DotLine))
            painter.drawEllipse(places[partner], CHOSEN_RING, CHOSEN_RING)

    def _tell(self) -> None:
        super()._tell()
        if self._points is not None:
            self.setAccessibleName(self.tr("Photo with the points of a face"))

    def _spoken(self) -> str:
        if self._points is None or self._chosen < 0:
            return ""
        x, y = self._points[self._chosen].tolist()
        return f"{self.describe(self._chosen)}: {x:.0f}, {y:.0f}"

    # -- events ------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.point_at(event.localPos()) if event.button() == Qt.LeftButton else -1
        if index < 0:
            super().mousePressEvent(event)
            return
        self.choose(index)
        self._held, self._changed = self._points, False
        # Where in the ring the mouse took it: the point must not jump.
        self._offset = self.place_of(index) - event.localPos()
        self.setCursor(Qt.BlankCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is not None:
            place = self._to_photo(event.localPos() + self._offset)
            self._points = self._dragged(self._held, place.x() - 0.5, place.y() - 0.5)
            self._changed = True
            self._show_points()
            return
        super().mouseMoveEvent(event)
        if not event.buttons():
            self._set_near(self.point_at(event.localPos()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held is None:
            super().mouseReleaseEvent(event)
            return
        self._held = None
        self.setCursor(Qt.PointingHandCursor)
        if self._changed:
            self.moved.emit(self._points, False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A second quick press on a point takes it as the first one did."""
        self.mousePressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._set_near(-1)
        super().leaveEvent(event)

    def _set_near(self, index: int) -> None:
        if index == self._near:
            return
        self._near = index
        self.setCursor(Qt.PointingHandCursor if index >= 0 else Qt.ArrowCursor)
        self.update()

    def _show_tooltip(self, place: QPoint, on_screen: QPoint) -> None:
        index = self.point_at(QPointF(place))
        if index >= 0:
            QToolTip.showText(on_screen, self.describe(index), self)
        else:
            QToolTip.hideText()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes through the parts of the face first, then on to the next widget."""
        if self.hasFocus() and self._points is not None and self._step_part(1 if forward else -1):
            return True
        return bool(super(FaceCanvas, self).focusNextPrevChild(forward))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key_Left: (-1, 0), Qt.Key_Right: (1, 0), Qt.Key_Up: (0, -1), Qt.Key_Down: (0, 1)}
        if self._points is None:
            super().keyPressEvent(event)
        elif event.key() in step:
            if self._chosen < 0:
                self.choose(0)
                return
            far = FAR_STEP if event.modifiers() & Qt.ShiftModifier else 1.0
            x, y = step[event.key()]
            self.nudge(x * far, y * far, event.isAutoRepeat())
        elif event.text() in ("[", "]"):
            self._step_point(1 if event.text() == "]" else -1)
        elif event.key() == Qt.Key_F and not event.modifiers():
            self.show_face()
        elif event.key() == Qt.Key_B and not event.modifiers():
            self._show_bare(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key_B and not event.isAutoRepeat():
            self._show_bare(False)
        else:
            super().keyReleaseEvent(event)

    def _show_bare(self, bare: bool) -> None:
        self._bare = bare
        self.update()

    def _step_point(self, by: int) -> None:
        assert self._points is not None
        count = len(self._points)
        start = self._chosen if self._chosen >= 0 else (-1 if by > 0 else count)
        self.choose((start + by) % count)

    def _step_part(self, by: int) -> bool:
        """Choose the first point of the next part; False after the last one."""
        number = next((n for n, part in enumerate(PARTS) if self._chosen in part.indices), None)
        if number is None:
            number = -1 if by > 0 else len(PARTS)
        if not 0 <= number + by < len(PARTS):
            return False
        self.choose(PARTS[number + by].first)
        return True
