"""The choice of the engine on the Swap page, with a small network of the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from exposed import exposed
from made_networks import write_arcface, write_swapper
from pytestqt.qtbot import QtBot

from faceapp.services import Services
from faceapp.types import Image
from ui.images import to_bgr
from ui.jobs_qt import JobsQt
from ui.photo_source import PhotoSource
from ui.swap_page import SwapPage


@pytest.fixture
def page(qtbot: QtBot, services: Services, jobs: JobsQt) -> Iterator[SwapPage]:
    widget = exposed(qtbot, SwapPage(services, jobs))
    yield widget
    services.models.plugins.remove()
    services.models.read_plugins()


def offered(page: SwapPage) -> bool:
    """Whether the choice is there once "More" is unfolded."""
    return bool(page.controls.engine.isVisibleTo(page.controls.engine.parentWidget()))


def differs(page: SwapPage, before: Image) -> bool:
    return bool((to_bgr(page.canvas.result.levels[0]) != before).any())


def test_the_engine_is_a_choice_where_there_is_one(
    page: SwapPage, services: Services, portrait_files: dict[str, Path], tmp_path: Path, until
) -> None:
    assert not offered(page)
    for path in (write_swapper(tmp_path / "swap.onnx", kept=0.1), write_arcface(tmp_path / "who.onnx")):
        services.upkeep.add(path, licence_accepted=True)
    page.refresh()
    assert offered(page)
    page.sources.add([PhotoSource.file(portrait_files["astronaut"])])
    page.open_photo(portrait_files["hopper"])
    until(lambda: page._cards)
    classical = to_bgr(page.canvas.result.levels[0])
    page.controls.engine.setCurrentIndex(page.controls.engine.findData("neural"))
    assert page.controls.settings.engine == "neural"
    until(lambda: differs(page, classical))
    until(lambda: page._cards)
    neural = to_bgr(page.canvas.result.levels[0])
    services.models.plugins.remove()
    page.refresh()
    assert not offered(page)
    assert page.controls.settings.engine == "classical", "what is not there is not chosen"
    until(lambda: differs(page, neural))
    assert page.messages.text == ""
