"""Pictures between numpy (BGR) and Qt, without OpenCV."""

from __future__ import annotations

import numpy as np
from PyQt5.QtCore import QRectF, QSize, Qt
from PyQt5.QtGui import QColor, QImage, QPainter, QPainterPath

from faceapp.types import Image, check_image


def to_qimage(image: Image) -> QImage:
    """A QImage with its own copy of a BGR (H, W, 3) array. Safe on any thread."""
    check_image(image)
    rows = np.ascontiguousarray(image)
    height, width = rows.shape[:2]
    return QImage(rows.data, width, height, 3 * width, QImage.Format_BGR888).copy()


def to_bgr(picture: QImage) -> Image:
    """A BGR (H, W, 3) copy of a QImage, transparency on white. Safe on any thread."""
    if picture.isNull():
        return np.zeros((0, 0, 3), np.uint8)
    opaque = _on_white(picture) if picture.hasAlphaChannel() else picture
    plain = opaque.convertToFormat(QImage.Format_BGR888)
    bits = plain.constBits()
    bits.setsize(plain.sizeInBytes())
    rows = np.frombuffer(bits, np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return rows[:, : 3 * plain.width()].reshape(plain.height(), plain.width(), 3).copy()


def _on_white(picture: QImage) -> QImage:
    sheet = QImage(picture.size(), QImage.Format_RGB32)
    sheet.fill(Qt.white)
    # Not the ratio of the screen: these are pixels.
    picture = QImage(picture)
    picture.setDevicePixelRatio(1.0)
    painter = QPainter(sheet)
    painter.drawImage(0, 0, picture)
    painter.end()
    return sheet


def from_jpeg(data: bytes) -> QImage:
    """The picture of encoded bytes, such as a face's crop; a null image when they are broken."""
    return QImage.fromData(data)


def tile(picture: QImage, side: int, ratio: float = 1.0, radius: int = 8) -> QImage:
    """A square with round corners, cut from the middle of `picture`, sharp on HiDPI screens.

    Args:
        side: logical pixels. ratio: the screen's device pixel ratio. radius: of the corners.
    """
    pixels = max(1, round(side * ratio))
    sheet = QImage(QSize(pixels, pixels), QImage.Format_ARGB32_Premultiplied)
    sheet.fill(QColor(0, 0, 0, 0))
    scaled = picture.scaled(pixels, pixels, Qt.KeepAspectRatioByExpanding, Qt.SmoothTransformation)
    painter = QPainter(sheet)
    painter.setRenderHint(QPainter.Antialiasing)
    outline = QPainterPath()
    outline.addRoundedRect(QRectF(0, 0, pixels, pixels), radius * ratio, radius * ratio)
    painter.setClipPath(outline)
    painter.drawImage((pixels - scaled.width()) // 2, (pixels - scaled.height()) // 2, scaled)
    painter.end()
    sheet.setDevicePixelRatio(ratio)
    return sheet
