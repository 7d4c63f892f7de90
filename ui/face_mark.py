"""What a canvas draws around a face, and how."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen

from faceapp.types import Box


class MarkState(Enum):
    """What is known of a face. Each state has its own line and its own sign, not only its own colour."""

    PLAIN = "plain"
    KNOWN = "known"
    LOOKALIKE = "lookalike"
    READY = "ready"
    REFUSED = "refused"
    SMALL = "small"
    DECIDING = "deciding"
    STRANGER = "stranger"
    LOST = "lost"


@dataclass(frozen=True)
class FaceMark:
    """One face on a canvas. label: beside the face; tooltip: rich text; spoken: for a screen reader."""

    box: Box
    label: str = ""
    tooltip: str = ""
    state: MarkState = MarkState.PLAIN
    spoken: str = ""


@dataclass(frozen=True)
class Stroke:
    """colour, line and sign of one state. The colours are light: they lie on photos, with a dark edge."""

    colour: QColor
    line: Qt.PenStyle
    sign: str


STROKES = {
    MarkState.PLAIN: Stroke(QColor("#ffffff"), Qt.SolidLine, ""),
    MarkState.KNOWN: Stroke(QColor("#6ee7a0"), Qt.SolidLine, "✓"),
    MarkState.LOOKALIKE: Stroke(QColor("#8ec5ff"), Qt.DashLine, "≈"),
    MarkState.READY: Stroke(QColor("#6ee7a0"), Qt.SolidLine, "✓"),
    MarkState.REFUSED: Stroke(QColor("#ffc65c"), Qt.DotLine, "!"),
    MarkState.SMALL: Stroke(QColor("#c9ced6"), Qt.DotLine, "·"),
    MarkState.DECIDING: Stroke(QColor("#ffc65c"), Qt.DashLine, "…"),
    MarkState.STRANGER: Stroke(QColor("#8ec5ff"), Qt.DashDotLine, "?"),
    MarkState.LOST: Stroke(QColor("#9aa2ad"), Qt.DotLine, "✕"),
}
EDGE = QColor(0, 0, 0, 170)
LABEL_BACK = QColor(18, 20, 24, 225)
LABEL_TEXT = QColor("#ffffff")
LABEL_WIDEST = 420.0
# A face smaller than this on the screen is drawn without its label, unless it is selected or hovered.
LABELLED_SIDE = 56.0


def draw_mark(painter: QPainter, frame: QRectF, mark: FaceMark, selected: bool, hovered: bool) -> None:
    """Draw one face's outline: `frame` is its box on the widget."""
    stroke = STROKES[mark.state]
    width = 3.0 if selected else 2.0
    radius = min(8.0, frame.width() / 6)
    painter.setBrush(QColor(255, 255, 255, 26) if hovered and not selected else Qt.NoBrush)
    painter.setPen(QPen(EDGE, width + 2.0))
    painter.drawRoundedRect(frame, radius, radius)
    painter.setBrush(Qt.NoBrush)
    painter.setPen(QPen(stroke.colour, width, stroke.line))
    painter.drawRoundedRect(frame, radius, radius)
    if selected:
        _draw_corners(painter, frame, stroke.colour)


def _draw_corners(painter: QPainter, frame: QRectF, colour: QColor) -> None:
    """The selected face has thick corners outside its outline."""
    outer = frame.adjusted(-5, -5, 5, 5)
    arm = min(18.0, outer.width() / 3, outer.height() / 3)
    path = QPainterPath()
    for corner, along, down in (
        (outer.topLeft(), arm, arm),
        (outer.topRight(), -arm, arm),
        (outer.bottomLeft(), arm, -arm),
        (outer.bottomRight(), -arm, -arm),
    ):
        path.moveTo(corner + QPointF(0, down))
        path.lineTo(corner)
        path.lineTo(corner + QPointF(along, 0))
    painter.setPen(QPen(EDGE, 6.0, Qt.SolidLine, Qt.RoundCap, Qt.RoundJoin))
    painter.drawPath(path)
    painter.setPen(QPen(colour, 4.0, Qt.SolidLine, Qt.RoundCap, Qt.RoundJoin))
    painter.drawPath(path)


def label_text(mark: FaceMark) -> str:
    """The label with the sign of its state, or "" where there is nothing to say."""
    sign = STROKES[mark.state].sign
    return f"{sign} {mark.label}".strip() if mark.label else sign


def label_frame(font: QFont, frame: QRectF, text: str, area: QRectF) -> QRectF:
    """Where a label goes: below the face, else above it, always inside `area`."""
    metrics = QFontMetricsF(font)
    width = min(LABEL_WIDEST, metrics.horizontalAdvance(text)) + 16
    height = metrics.height() + 6
    left = min(
        max(frame.center().x() - width / 2, area.left() + 4), max(area.left(), area.right() - width - 4)
    )
    top = frame.bottom() + 9
    if top + height > area.bottom() - 4:
        top = frame.top() - height - 9
    top = min(max(top, area.top() + 4), area.bottom() - height - 4)
    return QRectF(left, top, width, height)


def draw_label(painter: QPainter, place: QRectF, text: str) -> None:
    """A dark plate with light text, readable on every photo."""
    painter.setPen(Qt.NoPen)
    painter.setBrush(LABEL_BACK)
    painter.drawRoundedRect(place, 4, 4)
    painter.setPen(LABEL_TEXT)
    metrics = QFontMetricsF(painter.font())
    shown = metrics.elidedText(text, Qt.ElideRight, place.width() - 15)
    painter.drawText(place, Qt.AlignCenter, shown)
