"""Chips: where points end up, and what lies outside of the photo."""

from __future__ import annotations

import numpy as np
import pytest

from faceapp.models.align import (
    ARCFACE_POINTS,
    CHIP_POINTS,
    DLIB_TEMPLATE,
    arcface_chips,
    dlib_boxes,
    dlib_chips,
    five_points,
    point_chips,
    similarity,
)
from faceapp.types import Detections, Floats


def turned(points: Floats, degrees: float, scale: float, shift: tuple[float, float]) -> Floats:
    angle = np.radians(degrees)
    turn = scale * np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    return (points @ turn.T + shift).astype(np.float32)


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1), (30, 0.4), (-75, 2.5), (180, 1)])
def test_similarity_finds_the_turn_that_was_made(degrees: float, scale: float) -> None:
    source = DLIB_TEMPLATE
    matrix = similarity(source, turned(source, degrees, scale, (40, -7)))
    expected = scale * np.exp(1j * np.radians(degrees))
    assert matrix[0, 0] + 1j * matrix[1, 0] == pytest.approx(expected, abs=1e-6)
    assert matrix[:, 2] == pytest.approx((40, -7), abs=1e-4)


def test_similarity_never_mirrors() -> None:
    source = DLIB_TEMPLATE
    matrix = similarity(source, source * (-1, 1) + (150, 0))
    assert np.linalg.det(matrix[:, :2]) > 0


def test_similarity_of_one_point_is_refused() -> None:
    with pytest.raises(ValueError, match="same"):
        similarity(np.ones((5, 2)), DLIB_TEMPLATE)


def spot_photo(points: Floats) -> np.ndarray:
    """A photo with a smooth white spot at each point."""
    ys, xs = np.mgrid[:700, :700]
    spots = [np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / 60) for x, y in points]
    return np.repeat((255 * np.max(spots, axis=0))[:, :, None], 3, 2).astype(np.uint8)


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1.2), (25, 2.5), (-40, 3.6)])
def test_points_end_up_where_the_template_has_them(degrees: float, scale: float) -> None:
    template = ARCFACE_POINTS
    points = turned(template, degrees, scale, (200, 250))
    chip = arcface_chips(spot_photo(points), points[None])[0]
    for x, y in template:
        window = chip[round(y) - 6 : round(y) + 7, round(x) - 6 : round(x) + 7, 0].astype(float)
        ys, xs = np.mgrid[-6:7, -6:7]
        centre = np.array([(xs * window).sum(), (ys * window).sum()]) / window.sum()
        assert centre == pytest.approx((x - round(x), y - round(y)), abs=0.5)


def test_a_wider_chip_shows_more_around_the_same_centre() -> None:
    points = turned(DLIB_TEMPLATE, 0, 2, (150, 150))
    photo = spot_photo(points)
    plain, closer, wider = (dlib_chips(photo, points[None], width=width)[0] for width in (1, 0.8, 1.25))
    assert wider.sum() < plain.sum() < closer.sum()
    middle = np.abs(plain[70:80, 70:80].astype(int) - closer[70:80, 70:80])
    assert middle.max() <= 40


def test_outside_is_black() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)
    points = turned(DLIB_TEMPLATE, 0, 1, (-75, 0))
    for chip in (
        dlib_chips(white, points[None])[0],
        point_chips(white, points[None], DLIB_TEMPLATE, 150)[0],
    ):
        assert chip[50, :70].max() == 0
        assert chip[50, 80:].min() == 255
        assert set(np.unique(chip)) == {0, 255}


def test_a_face_far_outside_and_a_collapsed_one_give_a_chip() -> None:
    white = np.full((60, 90, 3), 255, np.uint8)
    away = turned(DLIB_TEMPLATE, 0, 1, (5000, -9000))
    assert dlib_chips(white, away[None]).max() == 0
    assert dlib_chips(white, np.full((1, 5, 2), 30, np.float32)).shape == (1, 150, 150, 3)
    huge = turned(DLIB_TEMPLATE, 0, 400, (-20000, -20000))
    assert dlib_chips(white, huge[None]).shape == (1, 150, 150, 3)


def test_boxes_follow_the_points_and_else_the_box() -> None:
    points = turned(CHIP_POINTS, 10, 1, (50, 50))
    box = np.array([[60, 50, 160, 190]], np.float32)
    with_points = dlib_boxes(Detections(box, np.ones(1, np.float32), points[None]))[0]
    moved = dlib_boxes(Detections(box + 500, np.ones(1, np.float32), points[None]))[0]
    assert with_points == pytest.approx(moved)
    assert with_points[2] - with_points[0] == pytest.approx(with_points[3] - with_points[1])
    alone = dlib_boxes(Detections(box, np.ones(1, np.float32)))[0]
    assert (alone[:2] + alone[2:]) / 2 == pytest.approx((110, 120))
    assert (alone[2] - alone[0]) ** 2 == pytest.approx(100 * 140, rel=1e-4)


def test_five_points_of_a_face_that_lies_as_the_mean_face_does() -> None:
    points = five_points(turned(DLIB_TEMPLATE, 20, 2, (30, 40))[None])
    assert points[0] == pytest.approx(turned(CHIP_POINTS, 20, 2, (30, 40)), abs=1e-3)


def test_wrong_shapes_are_refused() -> None:
    white = np.full((60, 90, 3), 255, np.uint8)
    with pytest.raises(ValueError, match="points"):
        dlib_chips(white, np.zeros((1, 4, 2), np.float32))
    with pytest.raises(ValueError, match="image"):
        arcface_chips(white[:, :, 0], np.zeros((1, 5, 2), np.float32))
