"""The Builder page with a real build, in its process, on a library of people made of noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from exposed import exposed
from PyQt5.QtCore import Qt
from pytestqt.qtbot import QtBot

from faceapp.services import Services
from ui.builder_page import NONE, BuilderPage
from ui.jobs_qt import JobsQt


@pytest.fixture
def page(
    qtbot: QtBot, services: Services, jobs: JobsQt, enrol: Callable, until: Callable
) -> BuilderPage:
    for name in ("Ann Lee", "Bob Ray", "Cleo Fox", "Dan Poe"):
        enrol(name, photos=5)
    enrol("Eve Few", photos=1)
    widget = exposed(qtbot, BuilderPage(services, jobs))
    until(lambda: widget.people.list.count() == 4)
    return widget


def tick(page: BuilderPage, *rows: int) -> None:
    for row in rows:
        page.people.list.item(row).setCheckState(Qt.Checked)


def test_only_people_with_enough_photos_can_be_chosen_and_two_are_needed(page: BuilderPage) -> None:
    names = [page.people.list.item(row).text() for row in range(4)]
    assert names[0] == "Ann Lee · 5 photos"
    assert not page.start_button.isEnabled()
    tick(page, 0, 1)
    assert page.start_button.isEnabled()
    page.people.least.setValue(6)
    assert page.people.chosen == [], "nobody is built in unseen"
    assert not page.start_button.isEnabled()


def test_a_filter_hides_and_all_ticks_what_is_shown(page: BuilderPage, qtbot: QtBot) -> None:
    page.people.field.setText("bob")
    qtbot.mouseClick(page.people.all, Qt.LeftButton)
    page.people.field.clear()
    assert len(page.people.chosen) == 1
    qtbot.mouseClick(page.people.none, Qt.LeftButton)
    assert page.people.chosen == []


def test_a_budget_is_minutes_candidates_or_no_search(page: BuilderPage) -> None:
    page.amount.setValue(7)
    assert page.chosen_budget.seconds == 420
    page.budget.setCurrentIndex(1)
    assert (page.chosen_budget.candidates, page.chosen_budget.seconds) == (7, None)
    page.budget.setCurrentIndex(page.budget.findData(NONE))
    assert not page.chosen_budget.search
    assert not page.amount.isVisible()


def test_a_library_of_few_photos_is_told_what_to_do(qtbot: QtBot, services: Services, jobs: JobsQt) -> None:
    page = BuilderPage(services, jobs)
    qtbot.addWidget(page)
    assert page.empty.button.text() == "Import a folder of people…"
    with qtbot.waitSignal(page.import_requested):
        page.empty.button.click()
    assert page.recognisers.list.isHidden() and page.recognisers.delete_button.isHidden()


@pytest.mark.timeout(400)
def test_a_recogniser_is_built_looked_at_used_taken_away_and_deleted(
    page: BuilderPage, services: Services, qtbot: QtBot, tmp_path: Path
) -> None:
    tick(page, 0, 1, 2)
    page.name.setText("Three")
    page.budget.setCurrentIndex(page.budget.findData(NONE))
    qtbot.mouseClick(page.start_button, Qt.LeftButton)
    ended = ("ready", "failed", "stopped")
    qtbot.waitUntil(lambda: page.entry is not None and page.entry.state in ended, timeout=300_000)
    assert page.entry.state == "ready", page.entry.error
    assert page.entry.name == "Three"
    assert page.recognisers.verdict.text() == page.entry.card.verdict
    assert page.views.methods.table.rowCount() == len(page.entry.card.table) > 1
    assert page.views.candidates.table.rowCount() == len(page.entry.card.candidates)
    qtbot.mouseClick(page.recognisers.use_button, Qt.LeftButton)
    qtbot.waitUntil(lambda: services.settings.current.recogniser == page.entry.id)
    qtbot.waitUntil(lambda: page.recognisers.use_button.text() == "Stop using it")
    which = page.recognisers.which
    which.setCurrentIndex(1)
    which.activated.emit(1)
    assert page.recognisers.use_button.text() == "Use this recogniser"
    qtbot.mouseClick(page.recognisers.use_button, Qt.LeftButton)
    qtbot.waitUntil(lambda: services.recognisers.using == (page.entry.id, which.itemData(1)))
    page.recognisers.export(tmp_path / "three.zip")
    qtbot.waitUntil(lambda: page.messages.text == "Saved as three.zip.")
    page.recognisers.delete(page.entry.id)
    qtbot.waitUntil(lambda: page.entry is None)
    assert services.settings.current.recogniser == ""
    page.recognisers.add_file(tmp_path / "three.zip")
    qtbot.waitUntil(lambda: page.entry is not None and page.entry.available)
    assert [known.person_id for known in page.entry.card.people] == [None] * 3


def test_a_file_that_is_no_recogniser_gets_a_sentence(page: BuilderPage, tmp_path: Path, until) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 not really")
    page.recognisers.add_file(tmp_path / "broken.zip")
    until(lambda: page.messages.text)
    assert page.entry is None
