"""The list of sightings, naming visitors, deleting, export, and attendance."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from made_sightings import new_visitor
from PyQt5.QtCore import QDateTime, Qt
from PyQt5.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from faceapp.live import NewSighting
from faceapp.opencv import cv2
from faceapp.services import Services
from faceapp.types import Person
from ui.attendance_dialog import AttendanceDialog
from ui.group_dialog import GroupDialog
from ui.jobs_qt import JobsQt
from ui.sightings_page import SightingsPage

Enrol = Callable[..., Person]
Settle = Callable[[], None]
Until = Callable[[Callable[[], object]], None]
See = Callable[..., int]
CROP = bytes(cv2.imencode(".jpg", np.full((64, 64, 3), 150, np.uint8))[1])
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def see(services: Services) -> See:
    """see("Door", person=ann) or see("Door", visitor=7, ago=timedelta(...)): a sighting in the store."""
    random = np.random.default_rng(3)

    def put(
        source: str, person: Person | None = None, visitor: int | None = None, ago: timedelta = timedelta()
    ) -> int:
        vector = random.normal(size=128).astype(np.float32)
        vector /= np.linalg.norm(vector)
        first, last = NOW - ago, NOW - ago + timedelta(seconds=9)
        person_id = person.id if person is not None else None
        key = services.analyser.model_key
        seen = NewSighting(source, first, last, person_id, visitor, 0.1, key, vector, CROP)
        return services.sightings.record(seen)

    return put


@pytest.fixture
def page(qtbot: QtBot, services: Services, jobs: JobsQt, settle: Settle) -> Iterator[SightingsPage]:
    made = SightingsPage(services, jobs)
    made.resize(1100, 600)
    qtbot.addWidget(made)
    made.show()
    settle()
    yield made
    made.stop()
    made.close()
    settle()


def shown(page: SightingsPage) -> list[str]:
    return [page.model.index(row, 0).data() for row in range(page.model.rowCount())]


def test_new_sightings_appear_by_themselves(
    page: SightingsPage, see: See, enrol: Enrol, until: Until
) -> None:
    assert page.empty.isVisible()
    see("Door", enrol("Ann Lee"))
    until(lambda: shown(page) == ["Ann Lee"])
    assert page.table.isVisible()
    until(lambda: page._tiles.tile(page.model.sighting(0).id, 48) is not None)
    page.table.selectRow(0)
    see("Door", ago=timedelta(seconds=-1))
    until(lambda: shown(page) == ["Unknown", "Ann Lee"])
    assert [sighting.person.name for sighting in page.selected] == ["Ann Lee"]


def test_filters(page: SightingsPage, see: See, enrol: Enrol, settle: Settle, until: Until) -> None:
    ann = enrol("Ann Lee")
    see("Door", ann)
    see("Yard", ann, ago=timedelta(days=3))
    see("Yard", None)
    until(lambda: len(shown(page)) == 3)
    page.source.setCurrentIndex(page.source.findData("Yard"))
    until(lambda: sorted(shown(page)) == ["Ann Lee", "Unknown"])
    page.field.setText("ann")
    until(lambda: shown(page) == ["Ann Lee"])
    page.source.setCurrentIndex(0)
    until(lambda: len(shown(page)) == 2)
    page.period.setCurrentIndex(page.period.findData(-1))
    page.since.setDateTime(QDateTime.fromSecsSinceEpoch(int((NOW - timedelta(days=4)).timestamp())))
    page.until.setDateTime(QDateTime.fromSecsSinceEpoch(int((NOW - timedelta(days=2)).timestamp())))
    until(lambda: [page.model.sighting(row).source for row in range(page.model.rowCount())] == ["Yard"])
    page.field.setText("nobody of this name")
    until(lambda: shown(page) == [])
    assert page.table.isVisible()


def test_a_visitor_who_gets_a_name_has_it_in_earlier_sightings(
    page: SightingsPage, see: See, enrol: Enrol, services: Services, until: Until
) -> None:
    ann = enrol("Ann Lee")
    visitor = new_visitor(services.enrolment.store)
    see("Door", visitor=visitor, ago=timedelta(hours=1))
    see("Door", visitor=visitor)
    until(lambda: shown(page) == [f"Visitor {visitor}"] * 2)
    page.table.selectRow(0)
    page.say(page.selected, ann)
    until(lambda: shown(page) == ["Ann Lee", "Ann Lee"])
    page.table.selectRow(1)
    page.say(page.selected, None)
    until(lambda: "Ann Lee" in shown(page) and shown(page) != ["Ann Lee", "Ann Lee"])


def test_deleting_asks_first(page: SightingsPage, see: See, services: Services, until: Until) -> None:
    for _ in range(3):
        see("Door")
    until(lambda: len(shown(page)) == 3)
    page.table.selectRow(0)
    page.delete_action.trigger()
    answer(page, QMessageBox.RejectRole)
    assert services.sightings.count() == 3
    page.delete_action.trigger()
    answer(page, QMessageBox.DestructiveRole)
    until(lambda: len(shown(page)) == 2)
    page.clear_action.trigger()
    answer(page, QMessageBox.DestructiveRole)
    until(lambda: shown(page) == [])
    assert services.sightings.count() == 0


def answer(page: SightingsPage, role: QMessageBox.ButtonRole) -> None:
    box = next(box for box in page.findChildren(QMessageBox) if box.isVisible())
    next(button for button in box.buttons() if box.buttonRole(button) == role).click()


def test_what_is_shown_is_exported(
    page: SightingsPage, see: See, enrol: Enrol, tmp_path: Path, until: Until
) -> None:
    see("Door", enrol("Ann Lee"))
    see("Yard")
    until(lambda: len(shown(page)) == 2)
    page.source.setCurrentIndex(page.source.findData("Door"))
    until(lambda: len(shown(page)) == 1)
    page.write_csv(tmp_path / "seen")
    until(lambda: "Wrote 1 sighting" in page.messages.text)
    rows = list(csv.DictReader((tmp_path / "seen.csv").read_text("utf-8").splitlines()))
    assert [(row["person"], row["source"]) for row in rows] == [("Ann Lee", "Door")]


def test_old_sightings_go_when_the_user_says_so(
    page: SightingsPage, see: See, services: Services, until: Until
) -> None:
    see("Door", ago=timedelta(days=40))
    see("Door")
    until(lambda: len(shown(page)) == 2)
    page.keep_days.setValue(30)
    until(lambda: len(shown(page)) == 1)
    assert services.settings.current.keep_sightings_days == 30


def test_attendance_of_a_group(
    page: SightingsPage, see: See, enrol: Enrol, services: Services, tmp_path: Path, until: Until
) -> None:
    ann, bob, cy = enrol("Ann"), enrol("Bob"), enrol("Cy")
    enrol("Dora")
    see("Door", ann, ago=timedelta(minutes=60))
    see("Door", bob, ago=timedelta(minutes=30))
    page.show_attendance()
    dialog = page.findChildren(AttendanceDialog)[0]
    dialog.start.setDateTime(QDateTime.fromSecsSinceEpoch(int((NOW - timedelta(minutes=62)).timestamp())))
    dialog.end.setDateTime(QDateTime.fromSecsSinceEpoch(int(NOW.timestamp()) + 60))
    until(lambda: len(dialog.rows) == 4)
    dialog.show_groups()
    groups = dialog.findChildren(GroupDialog)[0]
    until(lambda: groups.people.count() == 4)
    groups.name.setText("Class 3b")
    for row in range(4):
        if groups.people.item(row).text() != "Dora":
            groups.people.item(row).setCheckState(Qt.Checked)
    groups.save_button.click()
    until(lambda: dialog.group.count() == 2)
    assert set(services.sightings.group("Class 3b").person_ids) == {ann.id, bob.id, cy.id}
    dialog.group.setCurrentIndex(1)
    until(lambda: [row.state for row in dialog.rows] == ["present", "late", "absent"])
    assert dialog.summary.text() == "1 present, 1 late, 1 absent"
    dialog.write(tmp_path / "attendance.csv")
    dialog.write(tmp_path / "attendance.html")
    until((tmp_path / "attendance.html").is_file)
    assert "Ann,present" in (tmp_path / "attendance.csv").read_text("utf-8")
    assert "Class 3b" in (tmp_path / "attendance.html").read_text("utf-8")


def test_a_period_that_ends_before_it_begins_is_refused(page: SightingsPage, until: Until) -> None:
    page.show_attendance()
    dialog = page.findChildren(AttendanceDialog)[0]
    dialog.end.setDateTime(dialog.start.dateTime().addSecs(-60))
    until(lambda: "ends before it begins" in dialog.messages.text)
