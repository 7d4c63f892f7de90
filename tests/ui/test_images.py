"""Pictures between numpy and Qt."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor, QImage
from PyQt5.QtWidgets import QApplication

from faceapp.types import Image
from ui.images import from_jpeg, tile, to_bgr, to_qimage


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (3, 5), (64, 63), (250, 250)])
def test_there_and_back(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    assert np.array_equal(to_bgr(to_qimage(image)), image)


def test_blue_green_red(astronaut: Image) -> None:
    picture = to_qimage(astronaut)
    blue, green, red = (int(value) for value in astronaut[40, 100])
    assert picture.pixelColor(100, 40) == QColor(red, green, blue)


def test_a_slice_of_an_array_is_a_picture_too(astronaut: Image) -> None:
    part = astronaut[10:200:3, 50:300:2]
    assert np.array_equal(to_bgr(to_qimage(part)), part)


def test_the_picture_keeps_its_own_pixels() -> None:
    image = np.full((4, 4, 3), 9, np.uint8)
    picture = to_qimage(image)
    image[:] = 200
    assert to_bgr(picture).max() == 9


def test_transparency_becomes_white() -> None:
    picture = QImage(4, 2, QImage.Format_ARGB32)
    picture.fill(Qt.transparent)
    picture.setPixelColor(1, 1, QColor(10, 20, 30))
    image = to_bgr(picture)
    assert image[0, 0].tolist() == [255, 255, 255]
    assert image[1, 1].tolist() == [30, 20, 10]


def test_a_picture_of_a_sharp_screen_keeps_all_its_pixels() -> None:
    picture = QImage(8, 6, QImage.Format_ARGB32_Premultiplied)
    picture.fill(QColor(1, 2, 3))
    picture.setDevicePixelRatio(2.0)
    image = to_bgr(picture)
    assert image.shape == (6, 8, 3)
    assert image[5, 7].tolist() == [3, 2, 1]


def test_no_picture_is_an_empty_array() -> None:
    assert to_bgr(QImage()).shape == (0, 0, 3)
    assert from_jpeg(b"no picture").isNull()


def test_a_wrong_array_is_refused() -> None:
    with pytest.raises(ValueError, match="expected shape"):
        to_qimage(np.zeros((3, 3), np.uint8))


def test_a_tile_is_square_round_and_sharp(qapp: QApplication, astronaut: Image) -> None:
    made = tile(to_qimage(astronaut[:, :300]), 48, 2.0)
    assert (made.width(), made.height(), made.devicePixelRatio()) == (96, 96, 2.0)
    assert made.pixelColor(0, 0).alpha() == 0
    assert made.pixelColor(48, 48).alpha() == 255
