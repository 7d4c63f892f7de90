"""Points of a face and the warps between them."""

from __future__ import annotations

import numpy as np
import pytest

from faceapp.edit import points as face_points
from faceapp.edit import warp as warps
from faceapp.types import Floats, Image


def mean_face(scale: float = 60.0) -> Floats:
    """(68, 2) a plain frontal face: an oval jaw, brows, nose, eyes and mouth in their places."""
    jaw = np.linspace(np.pi, 0, 17)
    parts = [np.stack([1.15 * np.cos(jaw), 0.2 + 1.5 * np.sin(jaw)], 1)]
    for side in (-0.5, 0.5):
        parts.append(np.stack([np.linspace(-0.3, 0.3, 5) + side, np.full(5, -0.35)], 1))
    parts.append(np.stack([np.zeros(4), np.linspace(0, 0.5, 4)], 1))
    parts.append(np.stack([np.linspace(-0.2, 0.2, 5), np.full(5, 0.6)], 1))
    turn = np.linspace(0, 2 * np.pi, 7)[:6] + np.pi
    for side in (-0.5, 0.5):
        parts.append(np.stack([side + 0.18 * np.cos(turn), 0.08 * np.sin(turn)], 1))
    for count, wide, high in ((12, 0.4, 0.18), (8, 0.32, 0.06)):
        turn = np.linspace(0, 2 * np.pi, count + 1)[:count] + np.pi
        parts.append(np.stack([wide * np.cos(turn), 0.95 + high * np.sin(turn)], 1))
    return (np.concatenate(parts) * scale + (150, 130)).astype(np.float32)


def turned(points: Floats, degrees: float) -> Floats:
    angle = np.radians(degrees)
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    return ((points - points.mean(0)) @ turn.T + points.mean(0)).astype(np.float32)


def test_forehead_stands_above_the_brows_however_the_head_leans() -> None:
    for degrees in (0, 35, -120):
        points = turned(mean_face(), degrees)
        both = face_points.with_forehead(points)
        up = face_points.upward(points)
        rise = (both[68:] - points[[0, 17, 18, 19, 27, 24, 25, 26, 16]]) @ up
        assert both.shape == (77, 2) and (rise > 0).all()


@pytest.mark.parametrize("degrees", [-150, -30, 0, 45, 170])
def test_the_lean_of_a_head_is_found(degrees: float) -> None:
    found = np.degrees(face_points.upright(turned(mean_face(), degrees)))
    assert found == pytest.approx(degrees, abs=1)


def test_the_ring_lies_around_the_face() -> None:
    both = face_points.with_forehead(mean_face())
    ring = face_points.ring(both, 0.3)
    middle = both.mean(0)
    assert np.hypot(*(ring - middle).T).min() > 0
    for way in (np.array((1, 0)), np.array((-1, 0)), np.array((0, 1)), np.array((0, -1))):
        assert ((ring - middle) @ way).max() > ((both - middle) @ way).max()


def test_a_piecewise_warp_brings_points_to_points(astronaut: Image) -> None:
    start = face_points.with_forehead(mean_face())
    random = np.random.default_rng(1)
    end = start + random.normal(0, 1.0, start.shape).astype(np.float32)
    warp = warps.piecewise(start, end, warps.triangulate(end), (320, 320))
    x, y = np.rint(end[20:60]).astype(int).T
    shown = np.stack([warp.x[y, x], warp.y[y, x]], 1)
    # A pixel is at most 0.71 from the point; the warp moves by little more between them.
    assert np.hypot(*(shown - start[20:60]).T).max() < 2.5
    assert not warp.covered[0, 0] and warp.covered[130, 150]


def test_an_enlarged_warp_is_the_same_warp() -> None:
    start = face_points.with_forehead(mean_face(20.0)) - (100, 60)
    matrix = np.array([(2.0, 0.3, 5.0), (-0.3, 2.0, 9.0)])
    plain = warps.affine(matrix, (120, 150))
    larger = warps.enlarged(plain, matrix, np.array([(0.25, 0, 3.0), (0, 0.25, 4.0)]), (200, 160))
    across, down = np.meshgrid(np.arange(200) * 0.25 + 3, np.arange(160) * 0.25 + 4)
    wanted = np.stack([across, down], -1) @ matrix[:, :2].T + matrix[:, 2]
    assert np.abs(larger.x - wanted[..., 0]).max() < 1e-3
    assert np.abs(larger.y - wanted[..., 1]).max() < 1e-3
    moved = warps.moved(warps.piecewise(start, start, warps.triangulate(start), (80, 90)), matrix)
    assert not moved.covered[0, 0]


def test_chain_does_the_first_then_the_second() -> None:
    first, second = np.array([(0.0, -1, 2), (1, 0, 3)]), np.array([(2.0, 0, 1), (0, 2, 0)])
    point = np.array([(4.0, 5.0)], np.float32)
    assert np.allclose(
        warps.apply(warps.chain(first, second), point), warps.apply(second, warps.apply(first, point))
    )
