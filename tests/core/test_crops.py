"""Faces cut out of their photos."""

from __future__ import annotations

import numpy as np
import pytest

from faceapp.pipeline.crops import jpeg_crop
from faceapp.pipeline.photos import decode_photo
from faceapp.types import Box, Image


def test_a_crop_shows_the_face_with_its_margin(hopper: Image) -> None:
    crop = decode_photo(jpeg_crop(hopper, Box(160, 100, 360, 300), margin=0.25, size=150)).image
    expected = hopper[50:350, 110:410].reshape(150, 2, 150, 2, 3).mean((1, 3))
    assert crop.shape == (150, 150, 3)
    assert np.abs(crop - expected).mean() < 5


@pytest.mark.parametrize(
    "box",
    [
        Box(-50, -80, 60, 70),
        Box(450, 500, 700, 800),
        Box(10, 10, 10, 10),
        Box(-1e7, -1e7, 1e7, 1e7),
        Box(5000, 5000, 5100, 5100),
    ],
)
def test_a_box_over_the_border_gives_a_square(hopper: Image, box: Box) -> None:
    crop = decode_photo(jpeg_crop(hopper, box, margin=0.3, size=120)).image
    assert crop.shape[0] == crop.shape[1] <= 120


def test_the_border_goes_on(hopper: Image) -> None:
    crop = decode_photo(jpeg_crop(hopper, Box(-100, 100, 100, 300), margin=0, size=400)).image
    assert np.abs(crop[:, 20].astype(int) - crop[:, 80]).mean() < 4


def test_a_small_face_is_not_blown_up(hopper: Image) -> None:
    crop = decode_photo(jpeg_crop(hopper, Box(100, 100, 120, 120), margin=0.5, size=160)).image
    assert crop.shape == (40, 40, 3)
