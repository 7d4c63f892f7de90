"""Points placed by hand: who follows, who stays, what the mirror does, and what the photo shows."""

from __future__ import annotations

import numpy as np
import pytest

from faceapp.edit import points as parts
from faceapp.edit import rigid
from faceapp.edit.faces import FaceReader
from faceapp.models.registry import Models
from faceapp.pipeline.analysis import Analyser
from faceapp.types import Box, Floats, Image


@pytest.fixture(scope="module")
def face(models: Models, hopper: Image) -> Floats:
    return FaceReader(Analyser(models), models).read(hopper, embed=False)[0].points


def test_every_point_has_a_partner_on_the_other_side(face: Floats) -> None:
    assert (rigid.MIRROR[rigid.MIRROR] == np.arange(68)).all()
    assert set(np.flatnonzero(np.arange(68) == rigid.MIRROR)) == {8, 27, 28, 29, 30, 33, 51, 57, 62, 66}
    width = 300
    flipped = rigid.mirrored(face, width)
    left, right = parts.eye_centres(flipped)
    assert left[0] < right[0] and flipped[0, 0] < flipped[16, 0]
    assert np.allclose(rigid.mirrored(flipped, width), face)


def test_a_turn_and_a_shift_of_all_points_turn_and_shift_every_place(face: Floats) -> None:
    """Nothing is stretched: what a rigid motion does to the points it does to the plane."""
    turn = np.array([(np.cos(0.4), -np.sin(0.4)), (np.sin(0.4), np.cos(0.4))])
    after = (face @ turn.T + (13, -7)).astype(np.float32)
    places = np.random.default_rng(0).uniform(0, 400, (50, 2)).astype(np.float32)
    assert np.allclose(rigid.deform(places, face, after), places @ turn.T + (13, -7), atol=0.05)
    assert np.allclose(rigid.deform(face, face, after), after, atol=0.05)


def test_neighbours_follow_and_the_rest_stays(face: Floats) -> None:
    eyes = parts.eye_distance(face)
    to = face[54] + np.float32((0.15, -0.1)) * eyes
    after = rigid.drag(face, 54, (float(to[0]), float(to[1])))
    moved = np.linalg.norm(after - face, axis=1) / eyes
    assert np.allclose(after[54], to, atol=0.01)
    assert 0.02 < moved[64] < 0.19  # the inner corner of the same side
    far = np.linalg.norm(face - face[54], axis=1) > rigid.REACH * eyes
    assert moved[far].max() == 0
    alone = rigid.drag(face, 54, (float(to[0]), float(to[1])), reach=0)
    assert (np.abs(alone - face).max(1) > 0).sum() == 1


def test_the_lock_moves_the_partner_as_in_a_mirror(face: Floats) -> None:
    across = (face[rigid.MIRROR] - face)[:8].mean(0)
    across = across / np.hypot(*across)
    up = np.array((across[1], -across[0]))
    outwards = face[45] + 6 * across + 3 * up
    after = rigid.drag(face, 45, (float(outwards[0]), float(outwards[1])), symmetric=True)
    own, partner = after[45] - face[45], after[36] - face[36]
    assert own @ across == pytest.approx(-(partner @ across), abs=0.5)
    assert own @ up == pytest.approx(partner @ up, abs=0.5)
    sideways = face[33] + 8 * across
    nose = rigid.drag(face, 33, (float(sideways[0]), float(sideways[1])), symmetric=True)
    assert np.abs((nose[33] - face[33]) @ across) < 1


def test_an_unknown_point_is_a_mistake(face: Floats) -> None:
    with pytest.raises(ValueError, match="no point 68"):
        rigid.drag(face, 68, (0.0, 0.0))


def around(image: Image, place: Floats) -> Image:
    x, y = np.rint(place).astype(int)
    return image[y - 3 : y + 4, x - 5 : x + 6].astype(int)


def test_the_preview_moves_the_pixels_with_their_points(face: Floats, hopper: Image) -> None:
    to = face[33] + np.float32((0, 9))
    after = rigid.drag(face, 33, (float(to[0]), float(to[1])))
    height, width = hopper.shape[:2]
    whole, room = Box(0, 0, width, height), rigid.room_of(face, after, width, height)
    shown = rigid.preview(face, after, room, whole, (width, height)).read(hopper)
    assert shown.shape == hopper.shape
    moved = np.abs(around(shown, after[33]) - around(hopper, face[33])).mean()
    unmoved = np.abs(around(hopper, after[33]) - around(hopper, face[33])).mean()
    assert moved < 0.5 * unmoved
    assert np.abs(shown[:20].astype(int) - hopper[:20]).mean() < 1
    still = rigid.preview(face, face, room, whole, (width, height))
    assert np.array_equal(still.read(hopper), hopper)


def test_a_part_is_shown_as_it_is_in_the_whole_preview(face: Floats, hopper: Image) -> None:
    """Zoomed in twice and moved: each of its pixels reads between the same pixels of the photo."""
    after = rigid.drag(face, 8, (float(face[8, 0]) + 8, float(face[8, 1]) + 15))
    height, width = hopper.shape[:2]
    room, part = rigid.room_of(face, after, width, height), Box(40, 60, 140, 180)
    whole = rigid.preview(face, after, room, Box(0, 0, width, height), (width, height))
    shown = rigid.preview(face, after, room, part, (200, 240))
    for large, small in ((whole.x, shown.x), (whole.y, shown.y)):
        halved = small.reshape(120, 2, 100, 2).mean((1, 3))
        assert np.abs(halved - large[60:180, 40:140]).max() < 0.5


@pytest.mark.parametrize("index", [8, 30, 48])
def test_what_surrounds_a_face_stays_however_far_a_point_goes(face: Floats, index: int) -> None:
    """The preview is laid over the photo: it must not show where it ends."""
    size = parts.eye_distance(face)
    to = face[index] + np.float32((-0.8, 0.9)) * size
    after = rigid.drag(face, index, (float(to[0]), float(to[1])))
    room = rigid.room_of(face, after, 4000, 4000)
    assert (after.min(0) > (room.x1, room.y1)).all() and (after.max(0) < (room.x2, room.y2)).all()
    warp = rigid.preview(face, after, room, room, (round(room.width), round(room.height)))
    across = room.x1 + (np.arange(warp.x.shape[1]) + 0.5) * room.width / warp.x.shape[1] - 0.5
    down = room.y1 + (np.arange(warp.y.shape[0]) + 0.5) * room.height / warp.y.shape[0] - 0.5
    shift = np.hypot(warp.x - across, warp.y - down[:, None])
    assert shift.max() > 0.7 * np.hypot(*(to - face[index]))
    border = np.concatenate([shift[0], shift[-1], shift[:, 0], shift[:, -1]])
    assert border.max() < 0.02 * size
