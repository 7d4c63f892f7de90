"""The LFW protocol against plain definitions and known outcomes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceapp.errors import BadRequest, NotFound
from faceapp.search.evaluate import Pair, accepted_at, best_threshold, evaluate, read_pairs

NONE = np.zeros(0, bool)


def normal_pairs(count: int, gap: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(seed)
    same = np.arange(count) % 2 == 0
    return dice.normal(np.where(same, 0.0, gap), 1.0).astype(np.float32), same


def test_perfect_distances() -> None:
    same = np.arange(400) % 2 == 0
    result = evaluate(np.where(same, 0.1, 0.3).astype(np.float32), same, np.zeros(400, bool))
    assert (result.pairs, result.accuracy, result.accuracy_std, result.undetected) == (400, 1, 0, 0)
    assert (result.tar_at_far_1e_2, result.tar_at_far_1e_3) == (1, 1)
    assert result.threshold == pytest.approx(0.2)


def test_useless_distances_are_right_half_of_the_time() -> None:
    same = np.arange(4000) % 2 == 0
    distances = np.random.default_rng(1).random(4000).astype(np.float32)
    result = evaluate(distances, same, np.zeros(4000, bool))
    assert result.accuracy == pytest.approx(0.5, abs=0.03)
    assert result.tar_at_far_1e_2 == pytest.approx(0.01, abs=0.01)


def test_two_bells_give_what_the_normal_distribution_says() -> None:
    distances, same = normal_pairs(40_000, 3.0)
    result = evaluate(distances, same, np.zeros(len(same), bool))
    assert result.accuracy == pytest.approx(0.93319, abs=0.006)  # the share of a bell below 1.5 deviations
    assert result.threshold == pytest.approx(1.5, abs=0.15)
    assert result.tar_at_far_1e_2 == pytest.approx(0.7497, abs=0.02)  # below 3 - 2.3263 deviations
    assert result.tar_at_far_1e_3 == pytest.approx(0.4641, abs=0.05)  # below 3 - 3.0902 deviations


def test_undetected_pairs_are_errors_of_both_kinds() -> None:
    same = np.arange(1000) % 2 == 0
    distances = np.where(same, 0.1, 0.3).astype(np.float32)
    undetected = np.arange(1000) % 10 < 2  # one pair in ten of each kind, twice
    result = evaluate(distances, same, undetected)
    assert result.undetected == 200
    assert result.accuracy == pytest.approx(0.8)
    assert result.tar_at_far_1e_3 == pytest.approx(0.8)
    assert result.threshold == pytest.approx(0.2)
    anything = np.where(undetected, np.nan, distances).astype(np.float32)
    assert evaluate(anything, same, undetected) == result


def test_the_threshold_of_a_fold_is_not_chosen_on_it() -> None:
    """One pair in ten is wrong at exactly its own distance: chosen on itself, it would come out right."""
    same = np.tile([True, False], 10)
    distances = np.where(same, 0.1, 0.3).astype(np.float32)
    distances[0] = 0.9
    assert evaluate(distances, same, np.zeros(20, bool)).accuracy == pytest.approx(0.95)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=30))
def test_best_threshold_is_the_best_of_all(pairs: list[tuple[int, bool]]) -> None:
    distances = np.array([distance / 10 for distance, _ in pairs])
    same = np.array([kind for _, kind in pairs])

    def right(threshold: float) -> int:
        return int(((distances <= threshold) == same).sum())

    tried = [-1.0, *(value / 10 + 0.05 for value in range(13))]
    assert right(best_threshold(distances, same)) == max(right(threshold) for threshold in tried)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=60),
    st.sampled_from([0.5, 0.1, 0.01]),
)
def test_accepted_at_keeps_the_false_accepts_below_their_share(
    pairs: list[tuple[int, bool]], share: float
) -> None:
    distances = np.array([0.0, 1.3, *(distance / 10 for distance, _ in pairs)])
    same = np.array([True, False, *(kind for _, kind in pairs)])
    found = np.ones(len(same), bool)
    expected = max(
        float((distances[same] < limit).mean())
        for limit in (*distances, 2.0)
        if (distances[~same] < limit).mean() <= share
    )
    assert accepted_at(distances, same, found, share) == expected


def test_what_cannot_be_scored() -> None:
    four = np.zeros(4, np.float32)
    with pytest.raises(ValueError, match="shapes"):
        evaluate(four, np.ones(3, bool), np.zeros(4, bool))
    for same in (np.ones(4, bool), np.zeros(4, bool)):
        with pytest.raises(ValueError, match="strangers"):
            evaluate(four, same, np.zeros(4, bool))
    with pytest.raises(ValueError, match="strangers"):
        evaluate(np.zeros(0, np.float32), NONE, NONE)


def test_nothing_detected_is_all_wrong() -> None:
    same = np.arange(40) % 2 == 0
    result = evaluate(np.zeros(40, np.float32), same, np.ones(40, bool))
    assert (result.accuracy, result.tar_at_far_1e_2, result.undetected) == (0, 0, 40)


# -- lists of pairs -----------------------------------------------------------------------------
def test_the_list_of_the_test_data(data_dir: Path) -> None:
    pairs = read_pairs(data_dir / "faces" / "lfw_pairs.txt")
    assert len(pairs) == 2938
    assert sum(pair.same for pair in pairs) == 1469
    assert pairs[0] == Pair(("Amber_Tamblyn", 1), ("Amber_Tamblyn", 2), True)
    assert all((pair.first[0] == pair.second[0]) == pair.same for pair in pairs)
    for pair in pairs[::100]:
        assert (data_dir / "faces" / "lfw" / Pair.file(pair.first)).is_file()
        assert (data_dir / "faces" / "lfw" / Pair.file(pair.second)).is_file()


def test_the_classic_list(tmp_path: Path) -> None:
    file = tmp_path / "pairs.txt"
    file.write_text(
        "10\t300\nAbel_Pacheco\t1\t4\nAbdul Majeed Shobokshi\t1\tCarlo_Azeglio_Ciampi\t12\n\n", "utf-8"
    )
    assert read_pairs(file) == [
        Pair(("Abel_Pacheco", 1), ("Abel_Pacheco", 4), True),
        Pair(("Abdul Majeed Shobokshi", 1), ("Carlo_Azeglio_Ciampi", 12), False),
    ]
    file.write_text("300\r\nAbel_Pacheco 1 4\r\nA_B 1 C_D 2 0\r\n", "utf-8")
    assert read_pairs(file)[1] == Pair(("A_B", 1), ("C_D", 2), False)
    assert Pair.file(("A_B", 12)) == "A_B/A_B_0012.jpg"


@pytest.mark.parametrize(
    "text", ["", "\n\n", "10 300\n", "a b\n", "A one 2\n", "A 1 B 2 7\n", "A 1 B 2 1 extra more\n"]
)
def test_a_list_without_pairs_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pairs.txt"
    file.write_text(text, "utf-8")
    with pytest.raises(BadRequest) as refusal:
        read_pairs(file)
    assert "pairs.txt" in refusal.value.sentence


def test_a_list_that_is_no_text_or_not_there(tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(b"\xff\xd8\xff\xe0 1 2")
    with pytest.raises(BadRequest):
        read_pairs(file)
    with pytest.raises(NotFound):
        read_pairs(tmp_path / "none.txt")
    with pytest.raises(NotFound):
        read_pairs(tmp_path)
