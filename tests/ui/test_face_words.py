"""Numbers as sentences, and results as files."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from faceapp import wire
from faceapp.types import Box, Face, FaceMatches, Match, Person, Quality
from ui import face_words, match_export
from ui.face_mark import MarkState

ANN = Person(1, "Ann", "<Lee>")


def face(**measured: float) -> Face:
    good = {"size": 182.0, "sharpness": 0.8, "brightness": 0.5, "contrast": 0.2, "score": 0.99}
    quality = Quality(**{**good, "yaw": 0.0, "pitch": 0.0, "roll": 0.0, **measured})
    return Face(Box(1, 2, 3, 4), np.zeros((5, 2), np.float32), quality)


def match(percentile: float = 99.7, same: bool = False) -> Match:
    return Match(ANN, 7, 0.1234, percentile, same, "/photos/ann.jpg")


@pytest.mark.parametrize(
    ("percentile", "said"),
    [
        (12.3, "12 %"),
        (98.96, "99 %"),
        (99.04, "99.0 %"),
        (99.734, "99.7 %"),
        (99.97, "99.97 %"),
        (100.0, "99.99 %"),
    ],
)
def test_a_share_never_claims_more_than_is_known(percentile: float, said: str) -> None:
    assert face_words.share(percentile) == said


def test_the_headline_tells_who_it_is_from_who_is_most_alike() -> None:
    assert face_words.headline(FaceMatches(face(), (match(same=True),)))[0] == "This is Ann <Lee>."
    sentence, beside = face_words.headline(FaceMatches(face(), (match(),)))
    assert sentence == "Nobody enrolled is the same person."
    assert beside == "Most alike: Ann <Lee>, closer than 99.7 % of strangers."


def test_a_name_is_not_taken_for_markup() -> None:
    mark = face_words.match_mark(FaceMatches(face(), (match(),)))
    assert mark.state is MarkState.LOOKALIKE
    assert "Ann &lt;Lee&gt;" in mark.tooltip
    assert mark.label == "like Ann <Lee>"
    assert "<script>" not in face_words.explanation(match(), "pairs of <script>", 0.1)


def test_the_explanation_has_every_number_of_the_match() -> None:
    text = face_words.explanation(match(), "50,000 pairs", 0.1)
    assert all(part in text for part in ("99.7 %", "0.123", "0.100", "50,000 pairs"))


@pytest.mark.parametrize(
    ("measured", "word"),
    [
        ({"sharpness": 0.05}, "blurred"),
        ({"brightness": 0.1}, "dark"),
        ({"brightness": 0.95}, "very bright"),
        ({"yaw": 30.0}, "turned 30° to the right"),
        ({"yaw": -30.0}, "turned 30° to the left"),
        ({"roll": -20.0}, "tilted 20°"),
        ({}, "seen from the front"),
    ],
)
def test_the_quality_of_a_face_is_told_in_words(measured: dict[str, float], word: str) -> None:
    assert word in face_words.quality(face(**measured).quality)


def test_saved_results_have_the_shape_of_the_command_line() -> None:
    found = [FaceMatches(face(), (match(), match(50.0)))]
    assert json.loads(match_export.as_json(found)) == wire.lookalikes(found)


def test_a_table_has_a_line_for_each_match() -> None:
    found = [FaceMatches(face(), (match(same=True), match(50.0))), FaceMatches(face(), (match(),))]
    rows = list(csv.DictReader(io.StringIO(match_export.as_csv(found))))
    assert [(row["face"], row["rank"], row["same_person"]) for row in rows] == [
        ("1", "1", "yes"),
        ("1", "2", "no"),
        ("2", "1", "no"),
    ]
    assert match_export.as_table(found).count("\n") == 3
