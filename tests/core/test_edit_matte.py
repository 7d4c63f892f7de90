"""Where the head is: hair and hats come along, the wall behind them does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceapp.edit import canvas, matte
from faceapp.edit.canvas import Aligned
from faceapp.edit.faces import FaceReader
from faceapp.models.registry import Models
from faceapp.opencv import cv2
from faceapp.pipeline.analysis import Analyser
from faceapp.types import Floats, Image

SIZE = 320
# Outlines drawn by hand on the canvas of SIZE pixels, a little inside of what they name.
ASTRONAUT_HAIR = [(50, 110), (60, 72), (96, 48), (112, 22), (150, 8), (210, 12), (255, 42), (275, 92),
                  (276, 125), (250, 140), (225, 116), (150, 105), (98, 105), (90, 160)]  # fmt: skip
ASTRONAUT_WALL = [[(0, 0), (80, 0), (80, 25), (28, 60), (28, 200), (0, 200)],
                  [(265, 0), (320, 0), (320, 220), (292, 220), (300, 80)]]  # fmt: skip
HOPPER_CAP = [(96, 45), (110, 22), (150, 10), (185, 12), (222, 28), (236, 55), (165, 48)]
HOPPER_WALL = [
    [(250, 0), (320, 0), (320, 230), (265, 200), (270, 60)],
    [(0, 0), (75, 0), (50, 200), (0, 200)],
]
OBAMA_HAIR = [
    (80, 80),
    (100, 45),
    (130, 25),
    (170, 22),
    (210, 35),
    (235, 70),
    (238, 90),
    (215, 62),
    (110, 60),
]
OBAMA_WALL = [[(0, 0), (90, 0), (60, 60), (40, 200), (0, 200)], [(240, 0), (320, 0), (320, 200), (275, 200)]]


def face_of(models: Models, image: Image, size: int = SIZE) -> Aligned:
    faces = FaceReader(Analyser(models), models).read(image, embed=False)
    return canvas.align(image, max(faces, key=lambda one: one.face.box.width).points, size)


def share(alpha: Floats, *outlines: list[tuple[int, int]]) -> float:
    """The mean of `alpha` inside of the outlines."""
    inside = np.zeros(alpha.shape, np.uint8)
    for outline in outlines:
        cv2.fillPoly(inside, [np.array(outline, np.int32)], 1)
    return float(alpha[inside > 0].mean())


def test_hair_wider_than_the_face_is_kept(models: Models, astronaut: Image) -> None:
    alpha = matte.matte(face_of(models, astronaut))
    assert share(alpha, ASTRONAUT_HAIR) > 0.97
    assert share(alpha, *ASTRONAUT_WALL) < 0.02


def test_a_cap_of_many_colours_is_kept(models: Models, hopper: Image) -> None:
    alpha = matte.matte(face_of(models, hopper))
    assert share(alpha, HOPPER_CAP) > 0.9
    assert share(alpha, *HOPPER_WALL) < 0.02


def test_short_hair_before_a_busy_window_is_kept(
    models: Models, data_dir: Path, read_image: Callable[[Path], Image]
) -> None:
    alpha = matte.matte(face_of(models, read_image(data_dir / "portraits" / "obama.jpg")))
    assert share(alpha, OBAMA_HAIR) > 0.9
    assert share(alpha, *OBAMA_WALL) < 0.05


def test_hair_as_dark_as_the_background_takes_the_shape_of_a_head(models: Models, astronaut: Image) -> None:
    """Colours cannot tell hair from a wall of the same colour: the head is rounded above, not cut flat."""
    face = face_of(models, astronaut)
    head = matte.matte(face)[..., None]
    brown = np.median(face.image[20:60, 130:200].reshape(-1, 3), axis=0)
    hidden = np.rint(face.image * head + brown * (1 - head)).astype(np.uint8)
    alpha = matte.matte(Aligned(hidden, face.points, face.to_canvas, face.inside, face.enlarged))
    assert share(alpha, [(110, 60), (130, 35), (160, 28), (195, 35), (215, 60)]) > 0.95
    assert share(alpha, *ASTRONAUT_WALL) < 0.05


def test_a_photo_that_ends_at_the_brows_gets_a_round_head(models: Models, astronaut: Image) -> None:
    """Above the photo is nothing to judge: neither a flat cut nor a tower of mirrored skin."""
    whole = face_of(models, astronaut)
    points = FaceReader(Analyser(models), models).read(astronaut, embed=False)[0].points
    top = int(points[17:27, 1].min()) - 4
    face = canvas.align(astronaut[top:], points - np.array((0, top), np.float32), SIZE)
    assert np.allclose(face.points, whole.points, atol=1)
    alpha = matte.matte(face)
    assert alpha[60, SIZE // 2] > 0.9
    assert (
        share(alpha, [(0, 0), (60, 0), (60, 40), (0, 60)], [(260, 0), (320, 0), (320, 60), (265, 40)]) < 0.02
    )


@pytest.mark.parametrize("size", [64, 500])
def test_any_size_gives_a_matte_from_0_to_1(models: Models, hopper: Image, size: int) -> None:
    face = face_of(models, hopper, size)
    alpha = matte.matte(face)
    assert alpha.shape == (size, size) and alpha.dtype == np.float32
    assert alpha.min() >= 0 and alpha.max() <= 1
    x, y = np.rint(face.points[30]).astype(int)
    assert alpha[y, x] > 0.99 and alpha[0, 0] < 0.01
