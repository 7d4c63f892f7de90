"""The outline of the target's head follows the source's; what must stay stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceapp.edit.faces import EditFace, FaceReader
from faceapp.edit.outline import bend, bent
from faceapp.edit.points import JAW, with_forehead
from faceapp.edit.skin import HEIGHT, UNIT, WIDTH, polygon, seen, stand_upright
from faceapp.edit.swap import Source, SwapSettings, prepare, swap_face, swap_faces
from faceapp.opencv import cv2
from faceapp.types import Floats, Image

NOTHING = np.zeros((HEIGHT, WIDTH), bool)


@pytest.fixture(scope="module")
def narrow(reader: FaceReader, hopper: Image) -> Source:
    """A face that is a good deal narrower than the woman's."""
    thin = cv2.resize(hopper, None, fx=0.8, fy=1.0, interpolation=cv2.INTER_AREA)
    return prepare(thin, reader.read(thin)[0])


def width(points: Floats) -> float:
    """Of the jaw, in ways from the eyes to the chin."""
    return float(np.ptp(points[JAW, 0]) / np.ptp(points[:, 1]))


def narrowed(points: Floats) -> Floats:
    middle = points[:, 0].mean()
    moved = points.copy()
    moved[:, 0] = middle + 0.85 * (points[:, 0] - middle)
    return moved


def test_points_come_to_lie_where_they_are_wanted(astronaut: Image, woman: EditFace) -> None:
    copy = stand_upright(astronaut, woman.points)
    points = with_forehead(copy.points)
    wanted = narrowed(points)
    warp = bend(copy, points, wanted, NOTHING)
    x, y = np.rint(wanted[JAW]).astype(int).T
    there = np.stack([warp.x[y, x], warp.y[y, x]], 1)
    off = np.hypot(*(there - points[JAW]).T)
    before = np.hypot(*(wanted[JAW] - points[JAW]).T)
    assert off.mean() < 0.35 * before.mean()


def test_what_is_far_stays(astronaut: Image, woman: EditFace) -> None:
    copy = stand_upright(astronaut, woman.points)
    points = with_forehead(copy.points)
    warp = bend(copy, points, narrowed(points), NOTHING)
    moving = bent(warp)
    assert moving.any()
    assert not moving[0].any() and not moving[-1].any() and not moving[:, [0, -1]].any()
    after = seen(copy, warp, copy, copy.points)
    assert np.array_equal(after.image[~moving], copy.image[~moving])
    assert not np.array_equal(after.image[moving], copy.image[moving])


def test_the_own_shape_bends_nothing(astronaut: Image, woman: EditFace) -> None:
    copy = stand_upright(astronaut, woman.points)
    points = with_forehead(copy.points)
    assert not bent(bend(copy, points, points, NOTHING)).any()


def test_what_must_be_still_is(astronaut: Image, woman: EditFace) -> None:
    copy = stand_upright(astronaut, woman.points)
    points = with_forehead(copy.points)
    still = polygon(points[[2, 3, 4, 48]])
    assert bent(bend(copy, points, narrowed(points), NOTHING))[still].any()
    assert not bent(bend(copy, points, narrowed(points), still))[still].any()


def test_pixels_from_beyond_the_photo_are_not_drawn_in(astronaut: Image, woman: EditFace) -> None:
    """Cut through the cheek: narrowing the face would need what the photo does not have."""
    x = int(woman.points[2, 0])
    cut = np.ascontiguousarray(astronaut[:, x - 2 :])
    moved = replace(woman, points=woman.points - np.array((x - 2, 0), np.float32))
    copy = stand_upright(cut, moved.points)
    points = with_forehead(copy.points)
    warp = bend(copy, points, narrowed(points), NOTHING)
    read = np.asarray(warp.read(copy.valid.view(np.uint8), inside=True), bool)
    deep = cv2.erode(copy.valid.view(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    assert read[deep].all()


def test_a_narrow_face_makes_the_head_narrow(
    reader: FaceReader, astronaut: Image, woman: EditFace, narrow: Source
) -> None:
    done = swap_face(astronaut, woman, narrow)
    found = reader.read(done.image, embed=False)[0]
    there, was, wanted = (width(points) for points in (found.points, woman.points, narrow.face.points))
    assert wanted < 0.95 * was
    assert abs(there - wanted) < 0.5 * abs(was - wanted)


def test_other_faces_keep_their_pixels(
    reader: FaceReader, astronaut: Image, woman: EditFace, narrow: Source
) -> None:
    """A second face cheek to cheek with the first: left alone, not a pixel of it moves."""
    x1, x2 = int(woman.points[:, 0].min()) - 6, int(woman.points[:, 0].max()) + 6
    part = astronaut[:300, x1:x2]
    both = np.ascontiguousarray(np.hstack([part, part]))
    first = replace(woman, points=woman.points - np.array((x1, 0), np.float32))
    second = replace(first, points=first.points + np.array((x2 - x1, 0), np.float32))
    hull = np.zeros(both.shape[:2], np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.rint(with_forehead(second.points)).astype(np.int32)), 1)
    # The outermost pixels are shared with the soft edge of what keeps them.
    inside = cv2.erode(hull, np.ones((7, 7), np.uint8)).astype(bool)
    alone, _ = swap_faces(both, [(first, narrow)], SwapSettings(), beside=[first, second])
    assert np.array_equal(alone[inside], both[inside])
    assert not np.array_equal(alone, both)


def test_a_moved_pixel_leaves_a_trace_in_the_mask(astronaut: Image, woman: EditFace, narrow: Source) -> None:
    done = swap_face(astronaut, woman, narrow)
    x1, y1, x2, y2 = done.box
    changed = (done.image != astronaut).any(2)
    assert not changed[y1:y2, x1:x2][done.mask == 0].any()
    changed[y1:y2, x1:x2] = False
    assert not changed.any()
    assert (done.mask < 0.01)[done.mask > 0].any()


def test_far_points_are_followed_only_so_far(astronaut: Image, woman: EditFace) -> None:
    copy = stand_upright(astronaut, woman.points)
    points = with_forehead(copy.points)
    warp = bend(copy, points, points + np.float32(3 * UNIT), NOTHING)
    across, down = np.arange(WIDTH)[None], np.arange(HEIGHT)[:, None]
    assert np.hypot(warp.x - across, warp.y - down).max() < 0.6 * UNIT
