"""Far faces: tiles, what they may not report, and what they add."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_photos import together

from faceapp.models.boxes import overlaps
from faceapp.models.registry import Models
from faceapp.pipeline.tiles import SHARED, TILE, detect_far, starts
from faceapp.types import Detections, Floats, Image


@given(st.integers(1, 12_000))
def test_tiles_cover_a_side_and_share_enough(length: int) -> None:
    begins = starts(length)
    assert begins[0] == 0
    assert max(begins) + TILE >= length
    assert max(begins) + TILE == length or length <= TILE
    gaps = np.diff(begins)
    assert (gaps > 0).all()
    assert (gaps <= TILE - SHARED + 1).all()


class Spots:
    """A detector of white squares: it reports what part of each it sees, as real ones do."""

    def __init__(self, squares: Floats) -> None:
        self._squares = squares

    def detect(self, image: Image, min_face: int = 40) -> Detections:
        low_x, low_y, high = image[0, 0].astype(int)
        left, top = low_x + 256 * (high % 16), low_y + 256 * (high // 16)
        boxes = self._squares - np.array([left, top, left, top], np.float32)
        height, width = image.shape[:2]
        boxes = np.clip(boxes, 0, [width, height, width, height]).astype(np.float32)
        sides = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
        seen = boxes[sides >= min_face]
        points = np.repeat(((seen[:, :2] + seen[:, 2:]) / 2)[:, None], 5, axis=1).astype(np.float32)
        return Detections(seen, np.full(len(seen), 0.9, np.float32), points)

    def detect_thorough(self, image: Image) -> Detections:
        return self.detect(image)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1900), st.integers(0, 1000), st.integers(18, 150)), max_size=8))
def test_every_square_is_found_once_wherever_the_tiles_end(places: list[tuple[int, int, int]]) -> None:
    height, width = 1200, 2080
    squares = np.array([(x, y, x + side, y + side) for x, y, side in places], np.float32).reshape(-1, 4)
    apart = [
        index
        for index in range(len(squares))
        if (overlaps(squares[index : index + 1], squares[:index]) == 0).all()
    ]
    squares = squares[apart]
    # Each pixel says where it is, so that the detector knows which tile it sees.
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    picture = np.stack([x % 256, y % 256, x // 256 + 16 * (y // 256)], axis=2).astype(np.uint8)
    found = detect_far(Spots(squares), picture)
    assert sorted(map(tuple, found.boxes.tolist())) == sorted(map(tuple, squares.tolist()))
    assert found.landmarks is not None
    assert (found.landmarks[:, 0] == (found.boxes[:, :2] + found.boxes[:, 2:]) / 2).all()


@pytest.mark.parametrize("scale", [0.22, 0.18])
def test_faces_of_the_back_row(models: Models, astronaut: Image, hopper: Image, scale: float) -> None:
    """Faces of some 18 pixels, of which the plain search leaves out one."""
    picture = together(1920, 1080, (astronaut, 100, 100, scale), (hopper, 1500, 700, scale * 0.6))
    detector = models.detector()
    found = detect_far(detector, picture)
    assert sorted(found.boxes[:, 0] > 960) == [False, True]
    assert len(detector.detect(picture)) < 2


def test_near_faces_are_found_once(models: Models, astronaut: Image, hopper: Image) -> None:
    """Faces larger than what tiles share, across the tiles' borders."""
    picture = together(1600, 1200, (astronaut, 320, 60, 2.0), (hopper, 20, 500, 0.5))
    detector = models.detector()
    plain, far = detector.detect(picture), detect_far(detector, picture)
    big = plain.boxes[:, 2] - plain.boxes[:, 0] > 60
    for box in plain.boxes[big]:
        assert int((overlaps(box[None], far.boxes) > 0.4).sum()) == 1


@pytest.mark.parametrize("size", [(1, 1), (30, 2000), (640, 640)])
def test_pictures_of_any_size(models: Models, size: tuple[int, int]) -> None:
    assert len(detect_far(models.detector(), np.full((*size, 3), 90, np.uint8))) == 0
