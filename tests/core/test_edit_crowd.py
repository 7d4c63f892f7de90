"""Heads that hide each other on one photo: what is put behind stays behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from made_photos import jpeg

from faceapp.edit.cast import CastChoices
from faceapp.edit.crowd import head, in_front, swap_crowd
from faceapp.edit.faces import EditFace
from faceapp.edit.points import size
from faceapp.edit.swap import Source, Swapped, SwapSettings, prepare, swap_faces
from faceapp.opencv import cv2
from faceapp.pipeline.photos import decode_photo, photo_from_pixels
from faceapp.services import Services
from faceapp.types import Box, Face, Floats, Image, Photo, Quality

Pairs = Sequence[tuple[EditFace, Source]]


@pytest.fixture
def row(services: Services, astronaut: Image, hopper: Image) -> tuple[Photo, tuple[EditFace, ...]]:
    """Eileen Collins, and Grace Hopper's head in front of her chin."""
    wall = np.full((640, 500, 3), 128, np.uint8)
    wall[100:400, :380] = astronaut[:300, 60:440]
    around = head(services.swaps.read(photo_from_pixels(hopper))[0].points)
    cut = np.zeros(hopper.shape[:2], np.uint8)
    cv2.fillConvexPoly(cut, np.rint(around.outline()).astype(np.int32), 1)
    y, x = np.nonzero(cut)
    wall[y + 150, x - 20] = hopper[y, x]
    photo = photo_from_pixels(wall)
    return photo, services.swaps.read(photo)


def made_up(points: Floats, off: float = 0.0) -> EditFace:
    """A face of these points; the detector's five lie `off` units beside them."""
    quality = Quality(100, 1, 0.5, 0.2, 0, 0, 0, 1)
    eyes = [points[start : start + 6].mean(0) for start in (36, 42)]
    five = np.stack([*eyes, *points[[30, 48, 54]]]).astype(np.float32) + np.float32(off * size(points))
    return EditFace(Face(Box(0, 0, 1, 1), five, quality), points)


def test_a_head_is_around_its_face(services: Services, astronaut: Image, hopper: Image) -> None:
    for image in (astronaut, hopper):
        for face in services.swaps.read(photo_from_pixels(image))[:1]:
            around = head(face.points)
            assert around.inside(face.points) > 0.95
            edge = around.outline()
            assert edge[:, 1].min() < face.face.box.y1, "with its hair"
            assert np.ptp(edge[:, 0]) < 2 * face.face.box.width


def test_who_is_in_front(services: Services, hopper: Image) -> None:
    (face,) = services.swaps.read(photo_from_pixels(hopper))
    tall = float(face.points[8, 1] - face.points[27, 1])
    behind, lower = made_up(face.points, 0.15), made_up(face.points + np.float32([0, 1.4 * tall]))
    away = made_up(face.points + np.float32([8 * tall, 0]))
    assert in_front((behind, lower, away), 0) == (1,)
    assert in_front((behind, lower, away), 1) == ()
    assert in_front((behind, lower, away), 2) == ()
    # A leaning photo changes nothing.
    turn = np.float32([(0.8, 0.6), (-0.6, 0.8)])
    turned = [made_up(each.points @ turn, off) for each, off in ((behind, 0.15), (lower, 0), (away, 0))]
    assert [in_front(turned, place) for place in range(3)] == [(1,), (), ()]
    # A face that is plainly seen is hidden by nobody, and a doubtful head hides nobody.
    assert in_front((made_up(face.points), lower), 0) == ()
    assert in_front((behind, made_up(lower.points, 0.2)), 0) == ()


def test_the_head_in_front_keeps_its_pixels(row: tuple[Photo, tuple[EditFace, ...]]) -> None:
    """With an engine that paints whole boxes white, skin or not."""
    photo, faces = row
    assert len(faces) == 2
    assert in_front(faces, 0) == (1,)
    assert in_front(faces, 1) == ()

    def paint(
        image: Image, pairs: Pairs, settings: SwapSettings, *, beside: Sequence[EditFace] = ()
    ) -> tuple[Image, tuple[Swapped, ...]]:
        canvas, done = image.copy(), []
        for face, _ in pairs:
            box = tuple(round(value) for value in face.face.box.as_list())
            canvas[box[1] : box[3], box[0] : box[2]] = 255
            done.append(Swapped(canvas, box, np.ones((box[3] - box[1], box[2] - box[0]), np.float32)))
        return canvas, tuple(done)

    source: Any = None
    image, (swapped,) = swap_crowd(photo.image, faces, [(0, source)], SwapSettings(), paint)
    core = np.zeros(photo.image.shape[:2], np.uint8)
    middle = head(faces[1].points)
    inner = (middle.outline() - (middle.x, middle.y)) * 0.97 + (middle.x, middle.y)
    cv2.fillConvexPoly(core, np.rint(inner).astype(np.int32), 1)
    x1, y1, x2, y2 = swapped.box
    assert core[y1:y2, x1:x2].any(), "her cap reaches over the face behind"
    changed = (image != photo.image).any(axis=2)
    assert not changed[core > 0].any()
    white = (image[y1:y2, x1:x2] == 255).all(axis=2)
    assert white[swapped.mask == 1].all()
    assert white.mean() > 0.5
    changed[y1:y2, x1:x2][swapped.mask > 0] = False
    assert not changed.any(), "the mask says what was changed"


def test_both_are_swapped_and_the_one_in_front_is_whole(
    services: Services, row: tuple[Photo, tuple[EditFace, ...]], hopper: Image
) -> None:
    photo, faces = row
    own = photo_from_pixels(np.ascontiguousarray(hopper[:, ::-1]))
    source = prepare(own.image, services.swaps.read(own)[0])
    alone, _ = swap_crowd(photo.image, faces, [(1, source)], SwapSettings())
    front = (alone != photo.image).any(axis=2)
    for order in ((0, 1), (1, 0)):
        both, swapped = swap_crowd(photo.image, faces, [(place, source) for place in order], SwapSettings())
        assert len(swapped) == 2
        kept = (both == alone).all(axis=2)[front].mean()
        assert kept > 0.95
        assert all(each.image is both for each in swapped)


def test_faces_apart_are_the_engines_own(services: Services, astronaut: Image, hopper: Image) -> None:
    wall = np.full((640, 1300, 3), 128, np.uint8)
    wall[:300, :512], wall[:600, 700:1212] = astronaut[:300], hopper
    photo = decode_photo(jpeg(wall))
    faces = services.swaps.read(photo)
    source = prepare(photo.image, faces[0])
    pairs = [(place, source) for place in range(len(faces))]
    image, _ = swap_crowd(photo.image, faces, pairs, SwapSettings())
    plain, _ = swap_faces(photo.image, [(faces[place], source) for place, _ in pairs], SwapSettings())
    assert np.array_equal(image, plain)


def test_the_service_keeps_heads_in_front(
    services: Services, row: tuple[Photo, tuple[EditFace, ...]], hopper: Image
) -> None:
    photo, faces = row
    choices = CastChoices(locks={0: 0}, leave=frozenset({1}))
    result = services.swaps.render(services.swaps.plan([photo_from_pixels(hopper)], photo, choices))
    middle = head(faces[1].points)
    x, y = round(middle.x), round(middle.y)
    eyes = np.s_[y - 15 : y + 15, x - 25 : x + 25]
    assert np.array_equal(result.image[eyes], photo.image[eyes])
    assert (result.image != photo.image).any()
