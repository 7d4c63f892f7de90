"""One source on the screen: the newest frame, with every track drawn over it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PyQt5.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, pyqtSignal
from PyQt5.QtGui import (
    QColor,
    QContextMenuEvent,
    QFont,
    QHelpEvent,
    QHideEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
)
from PyQt5.QtWidgets import QMenu, QSizePolicy, QToolTip, QWidget

from faceapp.live import FrameResult, TrackedFace
from faceapp.stream.status import SourceState
from faceapp.types import Box, Image
from ui import live_words
from ui.face_mark import (
    EDGE,
    LABEL_BACK,
    STROKES,
    FaceMark,
    MarkState,
    draw_label,
    draw_mark,
    label_frame,
    label_text,
)
from ui.icons import icon
from ui.images import to_qimage
from ui.live_feed import Feed
from ui.theme import colour

RADIUS = 8
GROUND = QColor("#101214")
INK = QColor("#e8eaed")
SHADE = QColor(10, 12, 15, 150)
# A running picture that is older than this is not the present any more, and says so.
STALE_SECONDS = 2.0
# A label wider than its face by this much is shortened, unless the face is selected.
ROOMY = 2.2
# Whose label goes first where there is no room for all.
PLACES = {
    MarkState.KNOWN: 0,
    MarkState.STRANGER: 1,
    MarkState.DECIDING: 2,
    MarkState.SMALL: 3,
    MarkState.LOST: 4,
}
POINT_RADIUS = 2.5
NAME_MARGIN = 8

MenuMaker = Callable[[int], QMenu | None]


class LiveView(QWidget):
    """Draws a `Feed`. The state of the source stands over the picture whenever it does not run.

    Signals:
        pressed: it was clicked, beside a face too.
        track_clicked: the number of a track, or 0 beside all faces.
        track_activated: a double click on a track.
        enlarged: a double click beside the faces.
    """

    pressed = pyqtSignal()
    track_clicked = pyqtSignal(int)
    track_activated = pyqtSignal(int)
    enlarged = pyqtSignal()

    def __init__(self, feed: Feed, make_menu: MenuMaker) -> None:
        super().__init__()
        self.feed = feed
        self._make_menu = make_menu
        self._selected = self._hovered = 0
        self._current = False
        self._landmarks = False
        self._pixels: Image | None = None
        self._image: QImage | None = None
        self._told = ""
        self.setMinimumSize(200, 140)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setFocusPolicy(Qt.ClickFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WA_OpaquePaintEvent)
        feed.fresh.connect(self._on_fresh)
        feed.status_changed.connect(self.update)
        self._tell()

    # -- what is shown -------------------------------------------------------------------------------
    @property
    def notice(self) -> str:
        """What stands over the picture; "" while it runs and is fresh."""
        status = self.feed.status
        if status.state is SourceState.PAUSED:
            return " ".join(part for part in (self.tr("Paused"), status.warning) if part)
        if status.state is not SourceState.RUNNING or status.warning:
            return status.words if status.state is not SourceState.RUNNING else status.warning
        if self.feed.result is None:
            return self.tr("Waiting for the first picture.")
        if self.feed.age > STALE_SECONDS:
            return self.tr("This picture is {0:.0f} seconds old.").format(self.feed.age)
        return ""

    def set_current(self, current: bool) -> None:
        """The controls belong to this one."""
        self._current = current
        self.update()

    def set_landmarks(self, shown: bool) -> None:
        self._landmarks = shown
        self.update()

    def select(self, track_id: int) -> None:
        """Mark a track; 0 for none."""
        self._selected = track_id
        self.update()

    def refresh(self) -> None:
        """Draw the newest frame again."""
        self._image = None
        self.update()

    def tick(self) -> None:
        """Now and then, whether there was a frame or not: what is said about the age must be true."""
        if self.notice != self._told:
            self._tell()
            self.update()

    # -- places --------------------------------------------------------------------------------------
    def frame_of(self, box: Box) -> QRectF:
        """Where a box of the frame lies on the widget."""
        place, scale = self._place()
        corner = place.topLeft()
        return QRectF(corner + QPointF(box.x1, box.y1) * scale, corner + QPointF(box.x2, box.y2) * scale)

    def track_at(self, point: QPointF) -> int:
        """The number of the smallest face under a point of the widget, 0 for none."""
        found = [
            (frame.width(), face.track_id)
            for face in self._faces()
            if (frame := self.frame_of(face.box)).adjusted(-4, -4, 4, 4).contains(point)
        ]
        return min(found)[1] if found else 0

    def _faces(self) -> tuple[TrackedFace, ...]:
        return self.feed.result.faces if self.feed.result is not None else ()

    def _place(self) -> tuple[QRectF, float]:
        """Where the frame lies on the widget, and pixels of the widget for one of the frame."""
        result = self.feed.result
        if result is None:
            return QRectF(self.rect()), 1.0
        height, width = result.frame.image.shape[:2]
        scale = min(self.width() / max(1, width), self.height() / max(1, height))
        place = QRectF(0, 0, width * scale, height * scale)
        place.moveCenter(QRectF(self.rect()).center())
        return place, scale

    def _pixel_size(self, place: QRectF) -> tuple[int, int]:
        ratio = self.devicePixelRatioF()
        return max(1, round(place.width() * ratio)), max(1, round(place.height() * ratio))

    # -- drawing -------------------------------------------------------------------------------------
    def _on_fresh(self) -> None:
        if self.isVisible():
            self._image = None
            self._tell()
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), GROUND)
        painter.setRenderHint(QPainter.Antialiasing)
        if self.feed.result is not None:
            self._draw_frame(painter)
            self._draw_faces(painter)
        if self.notice:
            self._draw_notice(painter)
        self._draw_name(painter)
        if self._current:
            painter.setBrush(Qt.NoBrush)
            painter.setPen(QPen(colour("accent"), 3))
            painter.drawRect(QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5))

    def _draw_frame(self, painter: QPainter) -> None:
        place, _ = self._place()
        if self._image is None and self.feed.result is not None:
            ratio, size = self.devicePixelRatioF(), self._pixel_size(place)
            self.feed.picture.want(size)
            self._pixels = self.feed.picture.pixels(self.feed.result, size)
            # On the memory of the array: a copy of every frame would be time for nothing.
            self._image = QImage(self._pixels.data, *size, 4 * size[0], QImage.Format_RGB32)
            self._image.setDevicePixelRatio(ratio)
        if self._image is not None:
            painter.drawImage(place.topLeft(), self._image)

    def _draw_faces(self, painter: QPainter) -> None:
        faces = sorted(self._faces(), key=self._chosen)
        for face in faces:
            chosen = face.track_id == self._selected
            draw_mark(
                painter,
                self.frame_of(face.box),
                live_words.mark(face),
                chosen,
                face.track_id == self._hovered,
            )
            if self._landmarks and face.landmarks is not None:
                self._draw_landmarks(painter, face)
        self._draw_labels(painter, faces)

    def _draw_landmarks(self, painter: QPainter, face: TrackedFace) -> None:
        place, scale = self._place()
        painter.setPen(QPen(EDGE, 1))
        painter.setBrush(STROKES[live_words.mark(face).state].colour)
        for x, y in np.asarray(face.landmarks):
            centre = place.topLeft() + QPointF(float(x), float(y)) * scale
            painter.drawEllipse(centre, POINT_RADIUS, POINT_RADIUS)

    def _draw_labels(self, painter: QPainter, faces: list[TrackedFace]) -> None:
        """Those of the selected and hovered face whole, the others, known people first, as there is room."""
        painter.setFont(self.font())
        taken: list[QRectF] = []
        for face in sorted(
            faces, key=lambda face: (not self._chosen(face), PLACES[live_words.state_of(face)])
        ):
            for text in self._texts(face):
                place = self._free_place(face, text, taken)
                if place is not None:
                    taken.append(place)
                    draw_label(painter, place, text)
                    break

    def _texts(self, face: TrackedFace) -> list[str]:
        """What may stand beside a face, the longest first."""
        marked = live_words.mark(face)
        long = label_text(marked)
        short = label_text(FaceMark(face.box, live_words.short_label(face), state=marked.state))
        width = label_frame(self.font(), QRectF(), long, QRectF(self.rect())).width()
        roomy = self._chosen(face) or width <= ROOMY * self.frame_of(face.box).width()
        return [long, short] if roomy else [short]

    def _free_place(self, face: TrackedFace, text: str, taken: list[QRectF]) -> QRectF | None:
        """Below the face, else above it, else nowhere; a chosen face has its label in any case."""
        frame = self.frame_of(face.box)
        below = label_frame(self.font(), frame, text, QRectF(self.rect()))
        above = QRectF(below)
        above.moveBottom(max(frame.top() - 9, below.height()))
        for place in (below, above):
            if self._chosen(face) or not any(place.intersects(other) for other in taken):
                return place
        return None

    def _draw_notice(self, painter: QPainter) -> None:
        """A dead camera does not look alive: the picture is dark, a sign and a sentence stand over it."""
        dead = self.feed.status.state not in (SourceState.PAUSED, SourceState.RUNNING, SourceState.ENDED)
        text = self.notice
        if not dead:
            self._draw_banner(painter, text)
            return
        painter.fillRect(self.rect(), SHADE)
        side = min(48, self.height() // 4)
        area = QRectF(self.rect()).adjusted(16, 0, -16, 0)
        words = painter.boundingRect(area, int(Qt.AlignCenter | Qt.TextWordWrap), text)
        words.moveCenter(area.center() + QPointF(0, side * 0.7))
        plate = words.united(QRectF(area.center().x() - side / 2, words.top() - side - 8, side, side))
        painter.setPen(Qt.NoPen)
        painter.setBrush(LABEL_BACK)
        painter.drawRoundedRect(plate.adjusted(-16, -12, 16, 12), RADIUS, RADIUS)
        opening = self.feed.status.state is SourceState.OPENING
        sign = icon("waiting", QPalette.Dark) if opening else icon("signal-lost", QPalette.BrightText)
        sign.paint(painter, plate.center().toPoint().x() - side // 2, round(plate.top()), side, side)
        painter.setPen(INK)
        painter.drawText(words, int(Qt.AlignCenter | Qt.TextWordWrap), text)

    def _draw_banner(self, painter: QPainter, text: str) -> None:
        painter.setFont(self.font())
        place = label_frame(self.font(), QRectF(self.width() / 2, 0, 0, 0), text, QRectF(self.rect()))
        place.moveTop(12)
        draw_label(painter, place.adjusted(-6, -3, 6, 3), text)

    def _draw_name(self, painter: QPainter) -> None:
        """Which source it is, and how many of its frames were passed over."""
        painter.setFont(self.font())
        text = self.feed.spec.name
        dropped = self.feed.result.dropped if self.feed.result is not None else 0
        if dropped:
            text = self.tr("{0} · {1} frames passed over").format(text, dropped)
        place = label_frame(self.font(), QRectF(0, 0, 0, 0), text, QRectF(self.rect()))
        place.moveTopLeft(QPointF(NAME_MARGIN, NAME_MARGIN))
        draw_label(painter, place, text)

    def _chosen(self, face: TrackedFace) -> bool:
        return face.track_id in (self._selected, self._hovered)

    def _tell(self) -> None:
        self._told = self.notice
        count = len(self._faces())
        words = self.tr("{0}: {1} faces. {2}").format(self.feed.spec.name, count, self._told)
        if words != self.accessibleName():
            self.setAccessibleName(words)

    # -- mouse ---------------------------------------------------------------------------------------
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._image = None

    def hideEvent(self, event: QHideEvent) -> None:
        self.feed.picture.want(None)
        super().hideEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pressed.emit()
        if event.button() == Qt.LeftButton:
            self.track_clicked.emit(self.track_at(event.localPos()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        track_id = self.track_at(event.localPos())
        if track_id:
            self.track_activated.emit(track_id)
        else:
            self.enlarged.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hovered = self.track_at(event.localPos())
        if hovered != self._hovered:
            self._hovered = hovered
            self.setCursor(Qt.PointingHandCursor if hovered else Qt.ArrowCursor)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = 0
        self.update()
        super().leaveEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.pressed.emit()
        by_mouse = event.reason() == QContextMenuEvent.Mouse
        track_id = self.track_at(QPointF(event.pos())) if by_mouse else self._selected
        self.track_clicked.emit(track_id)
        menu = self._make_menu(track_id)
        if menu is not None:
            menu.setAttribute(Qt.WA_DeleteOnClose)
            menu.popup(event.globalPos())

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.ToolTip:
            self._show_tooltip(event.pos(), event.globalPos())
            return True
        return bool(super().event(event))

    def _show_tooltip(self, place: QPoint, on_screen: QPoint) -> None:
        face = self.feed.face(self.track_at(QPointF(place)))
        QToolTip.showText(on_screen, live_words.tooltip(face) if face is not None else "", self)


def annotated(result: FrameResult, font: QFont) -> QImage:
    """The frame in its own size with boxes and names, as the view draws them."""
    picture = to_qimage(result.frame.image).convertToFormat(QImage.Format_RGB32)
    area = QRectF(picture.rect())
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.Antialiasing)
    painter.setFont(font)
    for face in result.faces:
        frame = QRectF(face.box.x1, face.box.y1, face.box.width, face.box.height)
        marked = live_words.mark(face)
        draw_mark(painter, frame, marked, False, False)
        draw_label(painter, label_frame(font, frame, label_text(marked), area), label_text(marked))
    painter.end()
    return picture
