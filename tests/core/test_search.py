"""Gallery, percentile and joint assignment, against plain definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from faceapp.errors import Conflict
from faceapp.models.base import STRANGER_QUANTILES, Calibration
from faceapp.search import hubs
from faceapp.search.assign import one_person_once
from faceapp.search.calibrate import (
    ENOUGH_PEOPLE,
    FALSE_NAMES,
    Strangers,
    library_threshold,
    threshold_among,
)
from faceapp.search.gallery import MANY, Gallery
from faceapp.types import Box, EmbeddingRows, Face, FaceMatches, Floats, Match, Person, Quality


def unit(rows: int, seed: int = 0, dimension: int = 16) -> Floats:
    vectors = np.random.default_rng(seed).normal(size=(rows, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def gallery(people: list[int], seed: int = 0) -> Gallery:
    faces = np.arange(1000, 1000 + len(people))
    return Gallery(EmbeddingRows("m", 1, faces, np.array(people, np.int64), unit(len(people), seed)))


def test_nearest_is_the_best_face_of_every_person() -> None:
    owners = [3, 1, 3, 2, 1, 7, 7, 7]
    vectors, faces = unit(len(owners)), np.arange(1000, 1008)
    query = unit(1, seed=9)[0]
    found = gallery(owners).nearest(query, "m", k=3)
    distances = 1 - vectors @ query
    expected = sorted(
        (min((distances[i], int(faces[i])) for i, owner in enumerate(owners) if owner == person), person)
        for person in set(owners)
    )[:3]
    assert [(n.person_id, n.face_id) for n in found] == [(person, face) for (_, face), person in expected]
    assert [n.distance for n in found] == pytest.approx([d for (d, _), _ in expected], abs=1e-6)


def test_an_enrolled_face_is_at_distance_zero_and_never_below() -> None:
    owners = list(range(50))
    searched = gallery(owners)
    for index, vector in enumerate(unit(50)):
        best = searched.nearest(vector, "m", 1)[0]
        assert best.person_id == index
        assert 0 <= best.distance < 1e-5


def test_empty_gallery_and_other_models() -> None:
    nobody = np.zeros(0, np.int64)
    empty = Gallery(EmbeddingRows("m", 0, nobody, nobody, np.zeros((0, 16), np.float32)))
    assert empty.nearest(unit(1)[0], "m", 5) == []
    assert empty.pairs_within(2.0, []) == []
    with pytest.raises(Conflict, match="model"):
        gallery([1, 2]).nearest(unit(1)[0], "other", 1)
    with pytest.raises(ValueError, match="expected shape"):
        gallery([1, 2]).nearest(unit(1, dimension=8)[0], "m", 1)


def test_a_face_is_nobodys_when_its_own_nearest_are_asked_for() -> None:
    vectors = unit(4, 3)
    vectors[1] = vectors[0]
    rows = EmbeddingRows("m", 1, np.array([10, 11, 12, 13]), np.array([5, 5, 6, 7], np.int64), vectors)
    near = dict(Gallery(rows).nearest_to_own([5, 6], 3))
    assert sorted(near) == [10, 11, 12]
    assert (near[10][0].person_id, near[10][0].face_id) == (5, 11)
    assert {one.person_id for one in near[12]} == {5, 7}
    alone = EmbeddingRows("m", 1, np.array([1]), np.array([5], np.int64), unit(1, 3))
    assert list(Gallery(alone).nearest_to_own([5], 3)) == []


def test_pairs_within_finds_one_person_under_two_names() -> None:
    vectors = unit(4)
    vectors[3] = vectors[0]
    rows = EmbeddingRows("m", 1, np.arange(4), np.array([5, 6, 7, 8]), vectors)
    assert [pair[:2] for pair in Gallery(rows).pairs_within(0.01, [5, 6, 7, 8])] == [(5, 8)]
    assert Gallery(rows).pairs_within(0.01, [6, 7]) == []


def test_percentile_is_the_share_of_strangers_further_apart() -> None:
    searched = gallery(list(range(ENOUGH_PEOPLE)))
    strangers = Strangers.of_gallery(searched)
    vectors = unit(ENOUGH_PEOPLE)
    pairs = itertools.combinations(range(ENOUGH_PEOPLE), 2)
    every = np.array([1 - vectors[a] @ vectors[b] for a, b in pairs])
    for distance in np.quantile(every, [0.01, 0.2, 0.5, 0.9]):
        further = 100 * np.mean(every > distance)
        assert strangers.percentile(float(distance)) == pytest.approx(further, abs=1.5)
    assert strangers.percentile(0.0) == 100
    assert strangers.percentile(2.0) == 0
    assert f"{ENOUGH_PEOPLE} people" in strangers.source


def test_a_small_library_uses_what_is_kept_with_the_model() -> None:
    quantiles = tuple(0.01 * (index + 1) for index in range(len(STRANGER_QUANTILES)))
    calibration = Calibration(0.09, quantiles, "measured elsewhere")
    strangers = Strangers.best(gallery([1, 2, 3]), calibration)
    assert strangers.source == "measured elsewhere"
    assert strangers.percentile(0.08) == pytest.approx(75.0)


def searched_face(*matches: tuple[int, float]) -> FaceMatches:
    quality = Quality(100, 1, 0.5, 0.2, 0, 0, 0, 1)
    face = Face(Box(0, 0, 10, 10), np.zeros((5, 2), np.float32), quality)
    found = tuple(Match(Person(i, f"P{i}"), i, d, 99.0, d <= 0.1, "") for i, d in matches)
    return FaceMatches(face, found)


def test_one_person_appears_once_and_the_other_face_takes_its_next_match() -> None:
    twins = (searched_face((1, 0.02), (2, 0.05)), searched_face((1, 0.03), (3, 0.2)))
    assert one_person_once(twins) == [1, 0]


def test_a_face_without_another_match_becomes_nobody() -> None:
    faces = (searched_face((1, 0.05)), searched_face((1, 0.02)), searched_face((9, 0.5)), searched_face())
    assert one_person_once(faces) == [None, 0, None, None]


def test_assignment_has_the_smallest_sum() -> None:
    random = np.random.default_rng(4)
    for _ in range(20):
        costs = random.uniform(0.0, 0.09, (3, 3))
        faces = tuple(
            searched_face(*sorted(((p, float(costs[row, p])) for p in range(3)), key=lambda pair: pair[1]))
            for row in range(3)
        )
        picked = one_person_once(faces)
        total = sum(face.matches[i].distance for face, i in zip(faces, picked, strict=True) if i is not None)
        orders = itertools.permutations(range(3))
        best = min(sum(costs[row, p] for row, p in enumerate(order)) for order in orders)
        assert total == pytest.approx(best)


CALIBRATION = Calibration(0.2, tuple(np.linspace(0.03, 0.4, len(STRANGER_QUANTILES))), "test")


def test_more_people_need_a_smaller_distance() -> None:
    thresholds = [threshold_among(CALIBRATION, people) for people in (1, 2, 10, 100, 1_000, 10_000, 10**9)]
    assert thresholds[0] == CALIBRATION.threshold
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[-1] == pytest.approx(CALIBRATION.strangers[0])


def test_strangers_are_named_about_as_often_as_allowed() -> None:
    random = np.random.default_rng(3)
    people, searches = 500, 4_000
    quantiles = np.array(STRANGER_QUANTILES)
    # Distances of strangers drawn from the distribution that the calibration states, by its inverse.
    nearest = random.uniform(0, 100, (searches, people)).min(axis=1)
    distances = np.interp(np.log10(nearest), np.log10(quantiles), CALIBRATION.strangers)
    named = np.mean(distances <= threshold_among(CALIBRATION, people))
    assert named == pytest.approx(FALSE_NAMES, abs=0.03)


def test_a_large_library_knows_how_near_its_strangers_are() -> None:
    people = 3 * ENOUGH_PEOPLE
    library, strangers = unit(people, seed=1), unit(2000, seed=2)
    rows = EmbeddingRows("m", 1, np.arange(people), np.arange(people), library)
    searched = Gallery(rows)
    loose = Calibration(2.0, CALIBRATION.strangers, "test")
    threshold = library_threshold(searched, loose)
    named = np.mean([searched.nearest(face, "m", 1)[0].distance <= threshold for face in strangers])
    assert named == pytest.approx(FALSE_NAMES, abs=0.06)
    strict = Calibration(threshold / 2, CALIBRATION.strangers, "test")
    assert library_threshold(searched, strict) == threshold / 2


def test_a_person_with_several_faces_is_no_stranger_to_themselves() -> None:
    vectors = unit(6)
    vectors[1] = vectors[0]
    rows = EmbeddingRows("m", 1, np.arange(6), np.array([1, 1, 2, 3, 4, 5]), vectors)
    assert Gallery(rows).nearest_strangers(10).min() > 0.01


@pytest.mark.parametrize("one_person", [False, True], ids=["many people", "most faces are one person's"])
def test_a_rough_look_at_a_large_gallery_misses_nobody(one_person: bool) -> None:
    random = np.random.default_rng(5)
    faces = MANY + 777
    owners = random.integers(0, 3000, faces)
    vectors = unit(faces, seed=6, dimension=128)
    if one_person:
        owners[1000:] = 1
        vectors[1000:] = vectors[:1] + 0.05 * vectors[1000:]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    searched = Gallery(EmbeddingRows("m", 1, np.arange(faces), owners, vectors))
    penalties = hubs.penalties(vectors, owners)
    for query in np.concatenate([vectors[:5], unit(5, seed=7, dimension=128)]):
        best = np.full(owners.max() + 1, np.inf)
        np.minimum.at(best, owners, 1 - vectors @ query + penalties)
        expected = np.argsort(best)[:10].tolist()
        assert [neighbour.person_id for neighbour in searched.nearest(query, "m", 10)] == expected
