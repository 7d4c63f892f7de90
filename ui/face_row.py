"""How a row with a face is painted, in every list: its ground, the face, a line of words."""

from __future__ import annotations

from PyQt5.QtCore import QRect, Qt
from PyQt5.QtGui import QFont, QFontMetrics, QPainter
from PyQt5.QtWidgets import QStyle, QStyleOptionViewItem

from faceapp.types import Person
from ui.crops import Crops
from ui.theme import colour

ROW = 64
FACE = 48
GAP = 8


def paint_ground(painter: QPainter, option: QStyleOptionViewItem) -> None:
    """What lies behind an item: plain, hovered or selected (with a mark at its side, not colour alone)."""
    area = option.rect.adjusted(2, 1, -2, -1)
    painter.setPen(Qt.NoPen)
    if option.state & QStyle.State_Selected:
        painter.setBrush(colour("soft"))
        painter.drawRoundedRect(area, 8, 8)
        painter.setBrush(colour("accent"))
        painter.drawRoundedRect(QRect(area.left(), area.top() + 8, 3, area.height() - 16), 1.5, 1.5)
    elif option.state & QStyle.State_MouseOver:
        painter.setBrush(colour("hover"))
        painter.drawRoundedRect(area, 8, 8)


def paint_cell(painter: QPainter, option: QStyleOptionViewItem, first: bool) -> None:
    """The ground of a cell joins that of the next; the mark of a selected row stands at its start."""
    if not option.state & QStyle.State_Selected:
        return
    painter.fillRect(option.rect, colour("soft"))
    if first:
        mark = QRect(option.rect.left(), option.rect.top() + 8, 3, option.rect.height() - 16)
        painter.fillRect(mark, colour("accent"))


def paint_tile(painter: QPainter, area: QRect, crops: Crops, face_id: int | None, letters: str = "") -> None:
    """A face; where there is none, or not yet, a grey field with letters."""
    found = None
    if face_id is not None:
        found = crops.tile(face_id, area.width(), painter.device().devicePixelRatioF())
    if found is not None:
        painter.drawPixmap(area, found)
        return
    painter.setPen(Qt.NoPen)
    painter.setBrush(colour("pressed"))
    painter.drawRoundedRect(area, 8, 8)
    if letters:
        font = QFont(painter.font())
        font.setPixelSize(area.width() // 3)
        painter.setFont(font)
        painter.setPen(colour("quiet"))
        painter.drawText(area, Qt.AlignCenter, letters)


def paint_person(painter: QPainter, area: QRect, crops: Crops, person: Person) -> None:
    """The person's face, or their initials while it loads or where there is none."""
    letters = f"{person.first_name[:1]}{person.surname[:1]}".upper()
    paint_tile(painter, area, crops, person.cover_face_id, letters)


def paint_line(
    painter: QPainter,
    area: QRect,
    text: str,
    word: str,
    bold: bool = False,
    cut: Qt.TextElideMode = Qt.ElideRight,
) -> None:
    """One line of text. word: its colour in the theme. cut: where the ellipsis goes."""
    font = QFont(painter.font())
    font.setWeight(QFont.DemiBold if bold else QFont.Normal)
    painter.setFont(font)
    painter.setPen(colour(word))
    short = QFontMetrics(font).elidedText(text, cut, area.width())
    painter.drawText(area, Qt.AlignLeft | Qt.AlignVCenter, short)
