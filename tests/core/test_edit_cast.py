"""Casting: who goes where, for any distances, and which photo of a person fits a face."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest

from faceapp.edit.cast import (
    Cast,
    SourceFace,
    SourcePerson,
    best_fit,
    cast,
    eye_opening,
    misfit,
    mouth_opening,
    same_people,
    tapped,
    turned_apart,
    unsure,
)
from faceapp.edit.faces import EditFace
from faceapp.edit.points import size
from faceapp.errors import BadRequest
from faceapp.pipeline.quality import HEAD
from faceapp.types import Box, Face, Floats, Quality

Sizes = [(1, 1), (3, 3), (5, 2), (2, 5), (15, 4), (4, 15), (30, 30)]
SEEDS = range(6)


def distances(targets: int, sources: int, seed: int) -> Floats:
    return np.random.default_rng(seed).uniform(0.05, 1.6, (targets, sources)).astype(np.float32)


def greedy(table: Floats) -> list[tuple[int, int]]:
    """What the seed does: each source in its order takes the nearest face that is left."""
    taken: list[tuple[int, int]] = []
    for source in range(table.shape[1]):
        left = [t for t in range(table.shape[0]) if t not in {target for target, _ in taken}]
        best = min(left, key=lambda t: table[t, source], default=None)
        if best is not None:
            taken.append((best, source))
    return taken


def pairs(casts: tuple[Cast, ...]) -> dict[int, int]:
    return {each.target: each.source for each in casts if each.source is not None}


def total(table: Floats, found: dict[int, int]) -> float:
    return float(sum(table[target, source] for target, source in found.items()))


@pytest.mark.parametrize(("targets", "sources"), Sizes)
@pytest.mark.parametrize("seed", SEEDS)
def test_never_worse_than_greedy(targets: int, sources: int, seed: int) -> None:
    table = distances(targets, sources, seed)
    found = pairs(cast(table))
    assert len(found) == min(targets, sources)
    assert len(set(found.values())) == len(found), "each source once"
    assert total(table, found) <= total(table, dict(greedy(table))) + 1e-5


def test_better_than_greedy_where_the_order_misleads() -> None:
    table = np.array([(0.1, 0.2), (0.15, 0.9)], np.float32)
    assert total(table, dict(greedy(table))) == pytest.approx(1.0)
    assert pairs(cast(table)) == {0: 1, 1: 0}


@pytest.mark.parametrize("seed", SEEDS)
def test_no_other_casting_is_nearer(seed: int) -> None:
    table = distances(4, 4, seed)
    best = min(sum(table[t, s] for t, s in enumerate(order)) for order in permutations(range(4)))
    assert total(table, pairs(cast(table))) == pytest.approx(best, abs=1e-5)


@pytest.mark.parametrize(("targets", "sources"), Sizes)
@pytest.mark.parametrize("everyone", [False, True])
def test_the_order_of_photos_does_not_matter(targets: int, sources: int, everyone: bool) -> None:
    rng = np.random.default_rng(7)
    table = distances(targets, sources, 3)
    rows, columns = rng.permutation(targets), rng.permutation(sources)
    plain = pairs(cast(table, max_distance=0.9, everyone=everyone))
    mixed = pairs(cast(table[rows][:, columns], max_distance=0.9, everyone=everyone))
    assert {int(rows[t]): int(columns[s]) for t, s in mixed.items()} == plain


@pytest.mark.parametrize("everyone", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_locks_and_faces_left_alone_are_kept(seed: int, everyone: bool) -> None:
    table = distances(8, 5, seed)
    locks, left = {2: 4, 6: 0}, {1, 3}
    casts = cast(table, locks, left, max_distance=0.6, everyone=everyone)
    found = pairs(casts)
    assert {target: found[target] for target in locks} == locks
    assert {each.target for each in casts if each.locked} == set(locks)
    assert not left & set(found)
    assert [each.target for each in casts] == list(range(8))
    for target, source in found.items():
        assert casts[target].distance == pytest.approx(float(table[target, source]))
        assert target in locks or table[target, source] <= 0.6
    if not everyone:
        assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rest_is_cast_as_well_as_without_the_locked_ones(seed: int) -> None:
    table = distances(7, 6, seed)
    found = pairs(cast(table, {3: 2}))
    rows, columns = [0, 1, 2, 4, 5, 6], [0, 1, 3, 4, 5]
    rest = pairs(cast(table[rows][:, columns]))
    assert {rows[t]: columns[s] for t, s in rest.items()} == {t: s for t, s in found.items() if t != 3}


@pytest.mark.parametrize("seed", SEEDS)
def test_everyone_gets_a_source_and_each_source_is_used(seed: int) -> None:
    table = distances(6, 3, seed)
    found = pairs(cast(table, everyone=True))
    assert set(found) == set(range(6))
    every = [order for order in product(range(3), repeat=6) if set(order) == set(range(3))]
    best = min(sum(table[t, s] for t, s in enumerate(order)) for order in every)
    assert total(table, found) == pytest.approx(best, abs=1e-5)


def test_everyone_takes_the_nearest_where_each_is_used_anyway() -> None:
    table = np.array([(0.1, 0.5), (0.6, 0.2), (0.3, 0.4), (0.2, 0.1)], np.float32)
    assert pairs(cast(table, everyone=True)) == {0: 0, 1: 1, 2: 0, 3: 1}


def test_nobody_is_cast_too_far_away() -> None:
    table = np.array([(0.2, 0.9), (0.8, 0.95)], np.float32)
    casts = cast(table, max_distance=0.5)
    assert pairs(casts) == {0: 0}
    assert casts[1] == Cast(1)
    assert pairs(cast(table, max_distance=0.1, everyone=True)) == {}


def test_as_many_faces_as_possible_get_a_source() -> None:
    """The nearest pair alone would leave the other face with nobody."""
    table = np.array([(0.1, 0.4), (0.3, 1.9)], np.float32)
    assert pairs(cast(table, max_distance=0.5)) == {0: 1, 1: 0}


def test_forbidden_pairs_and_unused_sources() -> None:
    table = np.array([(0.1, 0.4), (0.3, 0.2)], np.float32)
    forbidden = np.array([(True, False), (False, False)])
    assert pairs(cast(table, forbidden=forbidden)) == {0: 1, 1: 0}
    assert pairs(cast(table, unused={1}, everyone=True)) == {0: 0, 1: 0}
    assert pairs(cast(table, {0: 0}, forbidden=forbidden))[0] == 0, "a lock is kept"


@pytest.mark.parametrize(("targets", "sources"), [(0, 0), (3, 0), (0, 3)])
@pytest.mark.parametrize("everyone", [False, True])
def test_nobody_there(targets: int, sources: int, everyone: bool) -> None:
    casts = cast(np.zeros((targets, sources), np.float32), everyone=everyone)
    assert casts == tuple(Cast(target) for target in range(targets))


@pytest.mark.parametrize(
    ("locks", "left", "unused", "code"),
    [
        ({9: 0}, (), (), "no_such_face"),
        ({-1: 0}, (), (), "no_such_face"),
        ({}, (9,), (), "no_such_face"),
        ({0: 9}, (), (), "no_such_source"),
        ({0: 1}, (0,), (), "lock_and_leave"),
        ({0: 1}, (), (1,), "refused_source"),
    ],
)
def test_choices_that_cannot_be(
    locks: dict[int, int], left: tuple[int, ...], unused: tuple[int, ...], code: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        cast(distances(3, 3, 0), locks, left, unused=unused)
    assert refused.value.code == code


def test_two_hundred_faces_and_two_hundred_sources() -> None:
    table = distances(200, 200, 1)
    found = pairs(cast(table))
    assert len(found) == 200
    # No pair is nearer than 0.05: of what comes on top, greedy has more than twice as much.
    least = 200 * 0.05
    assert total(table, found) - least < 0.5 * (total(table, dict(greedy(table))) - least)


# -- people of several photos -----------------------------------------------------------------------


def near(centre: int, seed: int, spread: float = 0.03) -> Floats:
    """A unit vector near a corner of space."""
    row = np.eye(8)[centre] + np.random.default_rng(seed).normal(0, spread, 8)
    return (row / np.linalg.norm(row)).astype(np.float32)


def test_photos_of_one_person_are_one_source() -> None:
    rows = np.stack([near(0, 1), near(1, 2), near(0, 3), near(2, 4), near(1, 5)])
    assert same_people(rows, [0, 1, 2, 3, 4], 0.2) == ((0, 2), (1, 4), (3,))


def test_two_faces_of_one_photo_are_two_people() -> None:
    rows = np.stack([near(0, 1), near(0, 2), near(0, 3)])
    groups = same_people(rows, [0, 0, 1], 0.2)
    assert sorted(map(len, groups)) == [1, 2]
    assert not any({0, 1} <= set(group) for group in groups)


def test_a_chain_of_lookalikes_is_not_one_person() -> None:
    """Each is like the next; the first and the last are strangers."""
    angles = np.radians([0, 25, 50, 75, 100])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    groups = same_people(rows, range(5), 1 - np.cos(np.radians(30)))
    assert len(groups) > 1
    for group in groups:
        assert {0, 4} - set(group)


def test_what_the_user_said_of_people_goes_before_likeness() -> None:
    rows = np.stack([near(0, 1), near(1, 2), near(0, 3)])
    assert same_people(rows, [0, 1, 2], 0.2, [(0, 1)]) == ((0, 1), (2,))


# -- the photo that fits ----------------------------------------------------------------------------


def face(yaw: float = 0, pitch: float = 0, roll: float = 0, mouth: float = 0, scale: float = 1) -> EditFace:
    """A face with 68 points: a head of five points, turned, lids and lips `mouth` eye distances apart."""
    across, down, lean = np.radians([yaw, pitch, roll])
    x, y, z = HEAD.T
    x, z = x * np.cos(across) - z * np.sin(across), x * np.sin(across) + z * np.cos(across)
    y, z = y * np.cos(down) - z * np.sin(down), y * np.sin(down) + z * np.cos(down)
    five = np.stack([x, y], axis=1)
    points = np.zeros((68, 2))
    wide = float(np.linalg.norm(five[1] - five[0]))
    for start, eye in ((36, five[0]), (42, five[1])):
        turn = np.radians([180, 120, 60, 0, -60, -120])
        points[start : start + 6] = eye + wide * np.stack([0.15 * np.cos(turn), -0.06 * np.sin(turn)], axis=1)
    points[30], points[48], points[54] = five[2:]
    points[60:68] = five[3:].mean(0)
    points[61:64, 1] -= wide * mouth / 2
    points[65:68, 1] += wide * mouth / 2
    points = points @ np.array([(np.cos(lean), np.sin(lean)), (-np.sin(lean), np.cos(lean))])
    points = (points * scale + 200).astype(np.float32)
    quality = Quality(100 * scale, 1, 0.5, 0.2, 0, 0, 0, 1)
    return EditFace(Face(Box(100, 100, 300, 300), five.astype(np.float32), quality, near(0, 1)), points)


def test_how_far_a_mouth_is_open() -> None:
    assert mouth_opening(face(mouth=0.3).points) == pytest.approx(0.3, abs=1e-3)
    assert mouth_opening(face(mouth=0.3, scale=0.2).points) == pytest.approx(0.3, abs=1e-3)
    assert eye_opening(face().points) == pytest.approx(0.12 * np.sin(np.radians(60)), abs=1e-3)


def test_the_photo_that_fits_best_is_used() -> None:
    faces = [face(yaw=-40), face(yaw=5), face(yaw=35, mouth=0.3), face(yaw=35)]
    person = SourcePerson(tuple(SourceFace(number, 0, each) for number, each in enumerate(faces)))
    assert best_fit(face(), person).photo == 1
    assert best_fit(face(yaw=30), person).photo == 3
    assert best_fit(face(yaw=30, mouth=0.35), person).photo == 2
    assert best_fit(face(yaw=-30), person).photo == 0


def test_the_sharper_photo_is_used_where_poses_are_the_same() -> None:
    person = SourcePerson((SourceFace(0, 0, face(scale=0.2)), SourceFace(1, 0, face(scale=1.5, yaw=3))))
    assert best_fit(face(), person).photo == 1
    assert misfit(face(), face(scale=3.0)) == pytest.approx(0, abs=0.01), "larger is no fault"


def test_a_leaning_head_is_no_misfit() -> None:
    assert misfit(face(), face(roll=40)) == pytest.approx(0, abs=0.01)
    assert turned_apart(face(yaw=10, pitch=-5), face(yaw=-20, pitch=35)) == pytest.approx(50, abs=5)


def test_how_far_the_points_may_be_off() -> None:
    """The detector's five points, and those of the 68 that mean the same."""
    one = face(scale=2)
    eyes = [one.points[start : start + 6].mean(0) for start in (36, 42)]
    five = np.stack([*eyes, *one.points[[30, 48, 54]]]).astype(np.float32)
    agreed = replace(one, face=replace(one.face, landmarks=five))
    assert unsure(agreed) == pytest.approx(0, abs=1e-3)
    moved = replace(agreed, points=one.points + np.float32([0.3 * size(one.points), 0]))
    assert unsure(moved) == pytest.approx(0.3, abs=0.01)


def test_a_tapped_point_means_the_nearest_face_around_it() -> None:
    one, other = face(), face()
    moved = EditFace(Face(Box(250, 100, 450, 300), other.face.landmarks, other.face.quality), other.points)
    assert tapped((one, moved), (120, 200)) == 0
    assert tapped((one, moved), (290, 200)) == 1
    assert tapped((one, moved), (260, 200)) == 0
    assert tapped((one, moved), (20, 20)) is None
    assert tapped((), (20, 20)) is None
