"""What the records say of themselves."""

from __future__ import annotations

import pytest

from faceapp.types import title_of


@pytest.mark.parametrize(
    ("name", "title"),
    [("ann.jpg", "ann"), ("ann.b.JPEG", "ann.b"), ("Grace B. Hopper", "Grace B. Hopper"), (".png", ".png"),
     ("Ann", "Ann"), ("Dr. Who", "Dr. Who"), ("", "")],
)  # fmt: skip
def test_a_title_has_no_ending_of_a_file(name: str, title: str) -> None:
    assert title_of(name) == title
