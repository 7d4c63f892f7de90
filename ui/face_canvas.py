"""The picture, large: zoom, pan, and every face outlined, named and selectable."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt5.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PyQt5.QtWidgets import QApplication, QMenu, QSizePolicy, QToolTip, QWidget

from ui.canvas_bar import CanvasBar
from ui.empty_state import EmptyState
from ui.face_mark import LABELLED_SIDE, FaceMark, draw_label, draw_mark, label_frame, label_text
from ui.picture import Picture
from ui.theme import colour

ZOOM_STEP = 1.25
# A small photo is not blown up further than this to fill the canvas.
FIT_LARGEST = 4.0
SCALE_LARGEST = 32.0
MARGIN = 12
NEAR = 4.0
RADIUS = 8

MenuMaker = Callable[[int], QMenu | None]


class FaceCanvas(QWidget):
    """Shows one `Picture` with `FaceMark`s.

    Keys: arrows and Tab move between faces, Enter activates one, the menu key opens its menu, + and -
    zoom, 0 fits, 1 shows pixel for pixel. The wheel zooms at the mouse, dragging moves the photo.
    """

    face_selected = pyqtSignal(int)  # the index, or -1 for none; only when the user or `select` changed it
    face_activated = pyqtSignal(int)  # Enter or a double click
    zoom_changed = pyqtSignal(float)  # pixels of the screen for one of the photo

    def __init__(self) -> None:
        super().__init__()
        self._picture: Picture | None = None
        self._marks: tuple[FaceMark, ...] = ()
        self._selected = -1
        self._hovered = -1
        self._scale = 1.0
        self._origin = QPointF()
        self._fitted = True
        self._followed: tuple[int, float] | None = None  # a face kept large, and its share of the canvas
        self._grabbed: QPointF | None = None
        self._moved = False
        self._busy = ""
        self._backdrop: QPixmap | None = None
        self._make_menu: MenuMaker | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setMinimumSize(100, 120)
        self.setAttribute(Qt.WA_OpaquePaintEvent)
        self.empty = EmptyState(self)
        self._bar = CanvasBar(self)
        self._connect()
        self._tell()

    def _connect(self) -> None:
        self._bar.zoomed_in.connect(lambda: self.zoom_by(ZOOM_STEP))
        self._bar.zoomed_out.connect(lambda: self.zoom_by(1 / ZOOM_STEP))
        self._bar.fitted.connect(self.fit)
        self._bar.shown_in_full.connect(self.show_pixels)
        self.zoom_changed.connect(self._bar.set_zoom)

    # -- what is shown -------------------------------------------------------------------------

    def set_picture(self, picture: Picture | None) -> None:
        """Show another photo, fitted and without marks; None brings the empty state back."""
        self._picture = picture
        self._marks = ()
        self._selected = self._hovered = -1
        self._grabbed = None
        self.fit()
        self._tell()

    def change_picture(self, picture: Picture) -> None:
        """The next picture of a video: place, zoom, marks and selection stay where the size is the same."""
        before = self._picture
        if before is None or (before.width, before.height) != (picture.width, picture.height):
            self.set_picture(picture)
            return
        self._picture = picture
        self._redraw()

    @property
    def picture(self) -> Picture | None:
        return self._picture

    def set_marks(self, marks: Sequence[FaceMark], selected: int = -1) -> None:
        """Outline these faces. The selection is set without telling anybody."""
        self._marks = tuple(marks)
        self._followed = None
        self._selected = selected if 0 <= selected < len(self._marks) else -1
        self._hovered = -1
        self._tell()
        self.update()

    @property
    def marks(self) -> tuple[FaceMark, ...]:
        return self._marks

    def select(self, index: int) -> None:
        """Select a face (-1: none) and bring it into view; says `face_selected` when that is news."""
        index = index if 0 <= index < len(self._marks) else -1
        if index == self._selected:
            return
        self._selected = index
        self._bring_into_view(index)
        self._tell()
        self.update()
        self.face_selected.emit(index)

    @property
    def selected(self) -> int:
        """The index of the selected face, -1 for none."""
        return self._selected

    def set_busy(self, text: str) -> None:
        """Say on the photo what is going on; "" when it is over."""
        self._busy = text
        self._tell()
        self.update()

    def set_menu(self, make: MenuMaker | None) -> None:
        """`make` gives the context menu of the face with that index (-1: beside all faces)."""
        self._make_menu = make

    # -- zoom ------------------------------------------------------------------------------------

    @property
    def scale(self) -> float:
        """Pixels of the screen for one of the photo."""
        return self._scale * self.devicePixelRatioF()

    def fit(self) -> None:
        """The whole photo, as large as it goes."""
        self._fitted, self._followed = True, None
        if self._picture is not None:
            room = self._room()
            scale = min(room.width() / self._picture.width, room.height() / self._picture.height)
            self._set_scale(min(scale, FIT_LARGEST))
            self._centre()
        self._redraw()

    def show_pixels(self) -> None:
        """One pixel of the photo on one of the screen."""
        self.zoom_by(1.0 / self.scale)

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom with the point `at` of the widget staying where it is; without one, the selected face."""
        if self._picture is None:
            return
        fixed = at if at is not None else self._point_of_interest()
        smallest = min(self._fit_scale(), 1.0 / self.devicePixelRatioF())
        wanted = max(smallest, min(SCALE_LARGEST, self._scale * factor))
        photo = self._to_photo(fixed)
        self._set_scale(wanted)
        self._origin = fixed - photo * wanted
        self._fitted, self._followed = False, None
        self._keep_inside()
        self._redraw()

    def zoom_to(self, index: int, share: float = 0.5) -> None:
        """Bring a face to the middle, so that it fills `share` of the canvas; also when that grows."""
        if self._picture is None or not 0 <= index < len(self._marks):
            return
        box = self._marks[index].box
        room = self._room()
        self._set_scale(
            min(SCALE_LARGEST, share * min(room.width(), room.height()) / max(1.0, box.width, box.height))
        )
        self._origin = QPointF(room.center()) - QPointF(*box.centre) * self._scale
        self._fitted, self._followed = False, (index, share)
        self._keep_inside()
        self._redraw()

    def _fit_scale(self) -> float:
        assert self._picture is not None
        room = self._room()
        return min(room.width() / self._picture.width, room.height() / self._picture.height, FIT_LARGEST)

    def _set_scale(self, scale: float) -> None:
        self._scale = max(scale, 1e-6)
        self.zoom_changed.emit(self.scale)

    def _room(self) -> QRect:
        return self.rect().adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)

    def _centre(self) -> None:
        assert self._picture is not None
        size = QPointF(self._picture.width, self._picture.height) * self._scale
        self._origin = QRectF(self.rect()).center() - size / 2

    def _keep_inside(self) -> None:
        """A photo larger than the canvas covers it, a smaller one stays in its middle."""
        assert self._picture is not None
        middle = QRectF(self.rect()).center()
        for size, low, high, setter, value, centre in (
            (
                self._picture.width * self._scale,
                MARGIN,
                self.width() - MARGIN,
                self._origin.setX,
                self._origin.x(),
                middle.x(),
            ),
            (
                self._picture.height * self._scale,
                MARGIN,
                self.height() - MARGIN,
                self._origin.setY,
                self._origin.y(),
                middle.y(),
            ),
        ):
            if size <= high - low:
                setter(centre - size / 2)
            else:
                setter(min(float(low), max(high - size, value)))

    def _point_of_interest(self) -> QPointF:
        if self._selected >= 0:
            centre = self._to_widget(self._marks[self._selected].box.centre)
            if QRectF(self.rect()).contains(centre):
                return centre
        return QRectF(self.rect()).center()

    def _bring_into_view(self, index: int) -> None:
        if index < 0 or self._fitted:
            return
        frame = self.frame_of(index)
        room = QRectF(self._room())
        if room.contains(frame):
            return
        self._origin += room.center() - frame.center()
        self._keep_inside()
        self._redraw()

    # -- places ------------------------------------------------------------------------------------

    def _to_widget(self, point: tuple[float, float]) -> QPointF:
        return self._origin + QPointF(*point) * self._scale

    def _to_photo(self, point: QPointF) -> QPointF:
        return (point - self._origin) / self._scale

    def frame_of(self, index: int) -> QRectF:
        """Where a face's outline lies on the widget."""
        box = self._marks[index].box
        return QRectF(self._to_widget((box.x1, box.y1)), self._to_widget((box.x2, box.y2)))

    def face_at(self, point: QPointF) -> int:
        """The smallest face under a point of the widget, -1 for none."""
        under = [
            index
            for index in range(len(self._marks))
            if self.frame_of(index).adjusted(-NEAR, -NEAR, NEAR, NEAR).contains(point)
        ]
        return min(under, key=lambda i: self._marks[i].box.width * self._marks[i].box.height, default=-1)

    def reading_order(self) -> list[int]:
        """The faces from left to right, and row by row where rows are clearly apart."""
        boxes = [mark.box for mark in self._marks]
        if not boxes:
            return []
        row = sorted(box.height for box in boxes)[len(boxes) // 2] * 1.2
        return sorted(range(len(boxes)), key=lambda i: (boxes[i].centre[1] // row, boxes[i].centre[0]))

    # -- drawing -----------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._rendered())
        painter.setRenderHint(QPainter.Antialiasing)
        if self._picture is not None:
            self._draw_faces(painter)
        if self._busy:
            self._draw_busy(painter)
        if self.hasFocus():
            painter.setBrush(Qt.NoBrush)
            painter.setPen(QPen(colour("accent"), 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), RADIUS, RADIUS)

    def _rendered(self) -> QPixmap:
        """The photo as it lies on the canvas; drawn again only when it has moved."""
        ratio = self.devicePixelRatioF()
        size = QSize(round(self.width() * ratio), round(self.height() * ratio))
        if self._backdrop is not None and self._backdrop.size() == size:
            return self._backdrop
        backdrop = QPixmap(size)
        backdrop.setDevicePixelRatio(ratio)
        backdrop.fill(colour("window"))
        painter = QPainter(backdrop)
        painter.setRenderHint(QPainter.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(colour("line"), 1))
        painter.setBrush(colour("panel" if self._picture is None else "hover"))
        painter.drawRoundedRect(frame, RADIUS, RADIUS)
        if self._picture is not None:
            inside = QPainterPath()
            inside.addRoundedRect(frame.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
            painter.setClipPath(inside)
            self._draw_photo(painter, self._picture)
        painter.end()
        self._backdrop = backdrop
        return backdrop

    def _draw_photo(self, painter: QPainter, picture: Picture) -> None:
        """Draw a picture where the photo lies; it may have more or fewer pixels than the photo."""
        frame = self._picture or picture
        level = picture.level(self.scale * frame.width / picture.width)
        ratio = level.width() / frame.width, level.height() / frame.height
        whole = QRectF(self._origin, self._to_widget((frame.width, frame.height)))
        visible = whole.intersected(QRectF(self.rect()))
        corner = self._to_photo(visible.topLeft())
        part = QRectF(
            corner.x() * ratio[0],
            corner.y() * ratio[1],
            visible.width() / self._scale * ratio[0],
            visible.height() / self._scale * ratio[1],
        )
        painter.setRenderHint(QPainter.SmoothPixmapTransform)
        painter.drawImage(visible, level, part)

    def _draw_faces(self, painter: QPainter) -> None:
        order = sorted(range(len(self._marks)), key=lambda i: (i == self._hovered, i == self._selected))
        for index in order:
            draw_mark(
                painter,
                self.frame_of(index),
                self._marks[index],
                index == self._selected,
                index == self._hovered,
            )
        self._draw_labels(painter, order)

    def _draw_labels(self, painter: QPainter, order: list[int]) -> None:
        """The labels of the selected and hovered face always, of the others where there is room."""
        font = self.font()
        painter.setFont(font)
        taken: list[QRectF] = []
        for index in reversed(order):
            text = label_text(self._marks[index])
            frame = self.frame_of(index)
            chosen = index in (self._selected, self._hovered)
            if not text or (not chosen and frame.width() < LABELLED_SIDE):
                continue
            place = label_frame(font, frame, text, QRectF(self.rect()))
            if not chosen and any(place.intersects(other) for other in taken):
                continue
            taken.append(place)
            draw_label(painter, place, text)

    def _draw_busy(self, painter: QPainter) -> None:
        font = self.font()
        painter.setFont(font)
        place = label_frame(font, QRectF(self.width() / 2, -20, 0, 20), self._busy, QRectF(self.rect()))
        place.moveTop(16)
        draw_label(painter, place.adjusted(-8, -4, 8, 4), self._busy)

    def _redraw(self) -> None:
        self._backdrop = None
        self.update()

    def _tell(self) -> None:
        """Show or hide what belongs to an empty canvas, and say aloud what is on it."""
        shows_photo = self._picture is not None
        self.empty.setVisible(not shows_photo and not self._busy)
        self._bar.setVisible(shows_photo and self._room().width() > self._bar.sizeHint().width())
        count = len(self._marks)
        name = self.tr("Photo with {count} faces").format(count=count) if shows_photo else self.tr("No photo")
        self.setAccessibleName(self.tr("Photo with one face") if count == 1 else name)
        self.setAccessibleDescription(self._busy or self._spoken())

    def _spoken(self) -> str:
        if self._selected < 0:
            return ""
        mark = self._marks[self._selected]
        number = self.tr("Face {number} of {count}").format(number=self._selected + 1, count=len(self._marks))
        return f"{number}: {mark.spoken or mark.label}".rstrip(": ")

    # -- events -------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.empty.setGeometry(self._room())
        bar = self._bar.sizeHint()
        self._bar.setGeometry(
            self.width() - bar.width() - MARGIN,
            self.height() - bar.height() - MARGIN,
            bar.width(),
            bar.height(),
        )
        self._tell()
        if self._picture is not None and self._fitted:
            self.fit()
        elif self._picture is not None and self._followed is not None:
            self.zoom_to(*self._followed)
        elif self._picture is not None:
            self._keep_inside()
        self._redraw()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.PaletteChange, QEvent.StyleChange, QEvent.FontChange):
            self._redraw()
        super().changeEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turns = (event.angleDelta().y() or event.angleDelta().x()) / 120
        if self._picture is not None and turns:
            self.zoom_by(ZOOM_STEP**turns, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.LeftButton, Qt.MiddleButton) and self._picture is not None:
            self._grabbed = event.localPos()
            self._moved = False
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grabbed is None:
            self._set_hovered(self.face_at(event.localPos()))
            return
        step = event.localPos() - self._grabbed
        if not self._moved and step.manhattanLength() < QApplication.startDragDistance():
            return
        self._moved = True
        self._grabbed = event.localPos()
        self._origin += step
        self._fitted, self._followed = False, None
        self._keep_inside()
        self.setCursor(Qt.ClosedHandCursor)
        self._redraw()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        clicked = self._grabbed is not None and not self._moved
        self._grabbed = None
        self._set_hovered(self.face_at(event.localPos()))
        self.setCursor(Qt.PointingHandCursor if self._hovered >= 0 else Qt.ArrowCursor)
        if clicked and event.button() == Qt.LeftButton and self._hovered >= 0:
            self.select(self._hovered)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.face_at(event.localPos())
        if index >= 0 and event.button() == Qt.LeftButton:
            self.select(index)
            self.face_activated.emit(index)

    def leaveEvent(self, event: QEvent) -> None:
        self._set_hovered(-1)
        super().leaveEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._make_menu is None:
            return
        by_mouse = event.reason() == QContextMenuEvent.Mouse
        index = self.face_at(QPointF(event.pos())) if by_mouse else self._selected
        if index >= 0:
            self.select(index)
        menu = self._make_menu(index)
        if menu is None:
            return
        where = event.globalPos()
        if not by_mouse and index >= 0:
            where = self.mapToGlobal(self.frame_of(index).center().toPoint())
        menu.setAttribute(Qt.WA_DeleteOnClose)
        menu.popup(where)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.ToolTip:
            self._show_tooltip(event.pos(), event.globalPos())
            return True
        return bool(super().event(event))

    def _show_tooltip(self, place: QPoint, on_screen: QPoint) -> None:
        index = self.face_at(QPointF(place))
        if index >= 0 and self._marks[index].tooltip:
            QToolTip.showText(
                on_screen, self._marks[index].tooltip, self, self.frame_of(index).toAlignedRect()
            )
        else:
            QToolTip.hideText()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes through the faces first, then on to the next widget."""
        if self.hasFocus() and self._step(1 if forward else -1, around=False):
            return True
        return bool(super().focusNextPrevChild(forward))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key_Right: 1, Qt.Key_Down: 1, Qt.Key_Left: -1, Qt.Key_Up: -1}.get(event.key())
        if event.matches(QKeySequence.ZoomIn) or event.key() in (Qt.Key_Plus, Qt.Key_Equal):
            self.zoom_by(ZOOM_STEP)
        elif event.matches(QKeySequence.ZoomOut) or event.key() == Qt.Key_Minus:
            self.zoom_by(1 / ZOOM_STEP)
        elif event.key() == Qt.Key_0:
            self.fit()
        elif event.key() == Qt.Key_1:
            self.show_pixels()
        elif step is not None and self._marks:
            self._step(step, around=True)
        elif event.key() in (Qt.Key_Return, Qt.Key_Enter) and self._selected >= 0:
            self.face_activated.emit(self._selected)
        else:
            super().keyPressEvent(event)

    def _step(self, by: int, around: bool) -> bool:
        """Select the next face in reading order; False at the end (unless it goes `around`)."""
        order = self.reading_order()
        if not order:
            return False
        if self._selected < 0:
            self.select(order[0 if by > 0 else -1])
            return True
        place = order.index(self._selected) + by
        if not around and not 0 <= place < len(order):
            return False
        self.select(order[place % len(order)])
        return True

    def _set_hovered(self, index: int) -> None:
        if index == self._hovered:
            return
        self._hovered = index
        self.setCursor(Qt.PointingHandCursor if index >= 0 else Qt.ArrowCursor)
        self.update()
