"""Faces that resemble everybody count for less."""

from __future__ import annotations

import numpy as np
import pytest

from faceapp.search import hubs
from faceapp.search.hubs import FEWEST, penalties
from faceapp.types import Floats


def people(count: int, seed: int = 0) -> Floats:
    vectors = np.random.default_rng(seed).normal(size=(count, 32)).astype(np.float32)
    return unit(vectors)


def unit(vectors: Floats) -> Floats:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_face_in_the_middle_gets_the_highest_penalty() -> None:
    vectors = people(300) + 0.3
    vectors[7] = vectors.mean(0)
    added = penalties(unit(vectors), np.arange(300))
    assert added.dtype == np.float32
    assert np.argmax(added) == 7
    assert added[7] > 3 * added.std()


def test_distances_keep_their_meaning_on_average() -> None:
    assert float(penalties(people(300), np.arange(300)).mean()) == pytest.approx(0, abs=1e-6)


def test_a_persons_own_photos_are_no_strangers() -> None:
    """Fifty photos of one person do not make that person a hub."""
    vectors, owners = people(300), np.arange(300)
    more = unit(vectors[5] + 0.01 * people(50, seed=1))
    added = penalties(np.concatenate([vectors, more]), np.concatenate([owners, np.full(50, 5)]))
    assert np.abs(added[300:]).max() < 3 * added[:300].std()
    assert added[:300] - added[:300].mean() == pytest.approx(penalties(vectors, owners), abs=1e-5)


def test_a_hub_no_longer_wins_searches_that_it_has_nothing_to_do_with() -> None:
    """A third of the library is blurred, so with less of its own; the clear ones are searched for."""
    dice = np.random.default_rng(3)
    own, middle = people(600), np.full(32, 2 / np.sqrt(32), np.float32)
    blurred = np.arange(600) >= 400

    def photos(rows: Floats, clear: np.ndarray) -> Floats:
        noise = 0.13 * dice.normal(size=rows.shape).astype(np.float32)
        return unit(middle + clear[:, None] * (rows + noise))

    gallery = photos(own, np.where(blurred, 0.4, 1.0).astype(np.float32))
    searched = photos(own[~blurred], np.ones(400, np.float32))
    distances = 1 - searched @ gallery.T
    plain = (distances.argmin(1) == np.arange(400)).mean()
    better = ((distances + penalties(gallery, np.arange(600))).argmin(1) == np.arange(400)).mean()
    assert 0.5 < plain < better - 0.05


def test_few_people_say_nothing() -> None:
    assert penalties(people(FEWEST - 1), np.arange(FEWEST - 1)).tolist() == [0.0] * (FEWEST - 1)
    assert penalties(np.zeros((0, 32), np.float32), np.zeros(0, np.int64)).shape == (0,)


def test_a_large_library_is_measured_against_some_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, owners = unit(people(1500) + 0.2), np.arange(1500)
    whole = penalties(vectors, owners)
    monkeypatch.setattr(hubs, "COHORT", 800)
    monkeypatch.setattr(hubs, "SLICE", 100)
    part = penalties(vectors, owners)
    assert part.tolist() == penalties(vectors, owners).tolist()
    assert np.corrcoef(whole, part)[0, 1] > 0.9


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="owners"):
        penalties(people(10), np.arange(9))
