"""Faces for edits: points that somebody placed by hand go before those that are found."""

from __future__ import annotations

import numpy as np
import pytest

from faceapp.edit.faces import FaceReader
from faceapp.models.registry import Models
from faceapp.pipeline.analysis import Analyser
from faceapp.types import Box, Floats, Image

OWN = np.arange(136, dtype=np.float32).reshape(68, 2)
SHA = "ab" * 32


@pytest.fixture(scope="module")
def two_faces(astronaut: Image, hopper: Image) -> Image:
    """Both portraits side by side."""
    height = max(astronaut.shape[0], hopper.shape[0])
    padded = [np.pad(one, ((0, height - one.shape[0]), (0, 0), (0, 0))) for one in (astronaut, hopper)]
    return np.concatenate(padded, 1)


def test_points_placed_by_hand_are_used(models: Models, two_faces: Image) -> None:
    kept: dict[str, list[tuple[Box, Floats]]] = {}
    reader = FaceReader(Analyser(models), models, lambda sha256: kept.get(sha256, []))
    found = reader.read(two_faces, embed=False, sha256=SHA)
    assert len(found) == 2
    box = found[1].face.box
    moved = Box(box.x1 + 4, box.y1 - 3, box.x2 + 2, box.y2)  # as another version of the detector finds it
    kept[SHA] = [(moved, OWN), (Box(5000, 0, 5100, 90), OWN + 7)]
    again = reader.read(two_faces, embed=False, sha256=SHA)
    np.testing.assert_array_equal(again[1].points, OWN)
    np.testing.assert_array_equal(again[0].points, found[0].points)
    for other in ("", "cd" * 32):
        elsewhere = reader.read(two_faces, embed=False, sha256=other)
        np.testing.assert_array_equal(elsewhere[1].points, found[1].points)


def test_a_photo_without_faces_has_none(models: Models) -> None:
    reader = FaceReader(Analyser(models), models, lambda sha256: [(Box(0, 0, 50, 50), OWN)])
    assert reader.read(np.zeros((80, 80, 3), np.uint8), sha256=SHA) == ()
