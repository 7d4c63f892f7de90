"""Settings survive, mistakes in the file are named, and a file that cannot be read is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceapp.config import Settings, SettingsFile
from faceapp.errors import BadRequest, StoreUnavailable


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def test_only_what_was_changed_is_written_and_read_back(file: Path) -> None:
    SettingsFile(file).change(theme="dark", threshold=0.08, embedder='a "quoted" key ü')
    assert "rest_port" not in file.read_text("utf-8")
    again = SettingsFile(file).current
    assert (again.theme, again.threshold, again.embedder) == ("dark", 0.08, 'a "quoted" key ü')
    assert again.rest_port == Settings().rest_port


@pytest.mark.parametrize(
    "change",
    [
        {"theme": "pink"},
        {"rest_port": 0},
        {"rest_port": "80"},
        {"nonsense": 1},
        {"top": True},
        {"threshold": 3},
    ],
)
def test_bad_values_are_refused_and_nothing_is_written(file: Path, change: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        SettingsFile(file).change(**change)
    assert not file.exists()


def test_one_mistake_does_not_reset_the_rest(file: Path) -> None:
    file.write_text('theme = "dark"\nrest_port = "many"\n', "utf-8")
    settings = SettingsFile(file)
    assert settings.current.theme == "dark"
    assert "rest_port" in settings.problem


@pytest.mark.parametrize("content", [b"theme = ", b"\xff\xfe\x00", b'rest_port = "x"'])
def test_a_file_with_a_mistake_is_never_written_over(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(StoreUnavailable):
        SettingsFile(file).change(theme="dark")
    assert file.read_bytes() == content
