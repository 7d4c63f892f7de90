"""Missing system libraries are named, with the command that installs them."""

from __future__ import annotations

import sys

import pytest

from faceapp import selfcheck


@pytest.fixture
def bare_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Linux on which nothing that we need can be loaded."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(selfcheck, "_loads", lambda file: False)


def test_nothing_is_missing_where_the_tests_run() -> None:
    """OpenCV was loaded by other tests, so its libraries are there."""
    assert selfcheck.missing_libraries("cv2") == []


def test_a_library_that_does_not_exist_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = selfcheck.Library("libno-such-thing.so.7", "libno", "no-libs", "no")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setitem(selfcheck.LIBRARIES, "cv2", (absent,))
    assert selfcheck.missing_libraries("cv2") == [absent]


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", "sudo apt-get install libgl1 libglib2.0-0 "),
        ("dnf", "sudo dnf install mesa-libGL glib2 "),
        ("pacman", "sudo pacman -S libglvnd glib2 "),
    ],
)
def test_the_sentence_names_the_command(
    bare_linux: None, monkeypatch: pytest.MonkeyPatch, manager: str, command: str
) -> None:
    monkeypatch.setattr(
        selfcheck.shutil, "which", lambda name: f"/usr/bin/{name}" if name == manager else None
    )
    sentence = selfcheck.explain(selfcheck.missing_libraries("window"))
    assert sentence.startswith("This system lacks libGL.so.1, ")
    assert "libxkbcommon-x11.so.0" in sentence
    assert command in sentence
    assert sentence.count("glib2 ") <= 1  # each package once


def test_an_unknown_system_gets_a_sentence_too(bare_linux: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selfcheck.shutil, "which", lambda name: None)
    assert selfcheck.explain(selfcheck.missing_libraries("cv2")).endswith(
        "Install the packages that hold them."
    )


def test_other_systems_need_nothing(bare_linux: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert selfcheck.missing_libraries("window") == []
    assert selfcheck.explain([]) == ""
