"""The Lookalike page with the real models, a real library and real faces."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from exposed import exposed
from PyQt5.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt5.QtGui import QDragEnterEvent, QDropEvent
from PyQt5.QtWidgets import QApplication, QSpinBox
from pytestqt.qtbot import QtBot

from faceapp.pipeline.photos import photo_from_pixels, read_photo
from faceapp.services import Services
from faceapp.types import Box, PersonName, Photo
from ui import handover
from ui.jobs_qt import JobsQt
from ui.lookalike_page import LookalikePage
from ui.person_dialog import PersonDialog
from ui.photo_list import ItemState
from ui.photo_source import PhotoSource


@pytest.fixture
def page(qtbot: QtBot, services: Services, jobs: JobsQt) -> LookalikePage:
    return exposed(qtbot, LookalikePage(services, jobs))


@pytest.fixture
def two_people(services: Services, photo_files: dict[str, Path]) -> None:
    services.enrolment.enrol(read_photo(photo_files["astronaut"]), PersonName("Eileen", "Collins"))
    services.enrolment.enrol(read_photo(photo_files["hopper"]), PersonName("Grace", "Hopper"))


@pytest.fixture
def search(page: LookalikePage, until) -> Callable[[str | Path | Photo], None]:
    """Open a photo and wait for its results."""

    def run(photo: str | Path | Photo) -> None:
        page.open_photo(photo)
        key = page.well.list.current
        until(lambda: page.well.model.item(key).state not in (ItemState.WAITING,) and page._key == key)
        until(lambda: page._found is not None or page.well.model.item(key).state is ItemState.REFUSED)

    return run


def names(page: LookalikePage) -> list[str]:
    return [row.match.person.name for row in page.results.rows]


def test_an_empty_library_is_searched_in_one_click(page: LookalikePage, qtbot: QtBot, until) -> None:
    until(lambda: page.results.sentence == "Nobody is enrolled yet.")
    with qtbot.waitSignal(page.library_changed, timeout=60_000):
        qtbot.mouseClick(page.results.notice.button, Qt.LeftButton)
    until(lambda: page.results.rows)
    assert page.results.sentence == "This is Eileen Collins."
    assert names(page) == ["Eileen Collins", "Grace Hopper"]


@pytest.mark.usefixtures("two_people")
def test_every_face_is_outlined_and_named(page: LookalikePage, search, photo_files) -> None:
    search(photo_files["both"])
    order = page.canvas.reading_order()
    labels = [page.canvas.marks[index].label for index in order]
    assert labels == ["Eileen Collins", "Grace Hopper"]
    assert "Grace Hopper" in page.canvas.marks[order[1]].tooltip


@pytest.mark.usefixtures("two_people")
def test_the_results_are_those_of_the_selected_face(
    page: LookalikePage, qtbot: QtBot, search, photo_files
) -> None:
    search(photo_files["both"])
    left, right = page.canvas.reading_order()
    qtbot.mouseClick(page.canvas, Qt.LeftButton, pos=page.canvas.frame_of(right).center().toPoint())
    assert page.results.sentence == "This is Grace Hopper."
    qtbot.keyClick(page.canvas, Qt.Key_Left)
    assert page.canvas.selected == left
    assert page.results.sentence == "This is Eileen Collins."


def test_a_stranger_is_told_from_the_same_person(
    page: LookalikePage, services: Services, search, photo_files
) -> None:
    services.enrolment.enrol(read_photo(photo_files["hopper"]), PersonName("Grace", "Hopper"))
    search(photo_files["astronaut"])
    assert page.results.sentence == "Nobody enrolled is the same person."
    (row,) = page.results.rows
    assert not row.match.same_person
    assert "Grace Hopper" in page.results._beside.text()
    search(photo_files["hopper again"])
    assert page.results.sentence == "This is Grace Hopper."


@pytest.mark.usefixtures("two_people")
def test_the_enrolled_faces_are_shown_beside_the_searched_one(
    page: LookalikePage, search, until, photo_files
) -> None:
    search(photo_files["astronaut again"])
    until(lambda: all(row._person.pixmap() is not None for row in page.results.rows))
    for row in page.results.rows:
        assert not row._query.pixmap().isNull()
        assert not row._person.pixmap().isNull()


@pytest.mark.usefixtures("two_people")
def test_a_photo_without_a_face_gets_a_sentence_with_advice(page: LookalikePage, search, photo_files) -> None:
    search(photo_files["nobody"])
    assert page.results.sentence == "No face was found on this photo."
    assert page.results.rows == []


@pytest.mark.usefixtures("two_people")
def test_a_broken_file_says_so_in_the_list_and_in_the_page(page: LookalikePage, search, photo_files) -> None:
    search(photo_files["broken"])
    item = page.well.model.item(page.well.list.current)
    assert item.state is ItemState.REFUSED
    assert page.messages.text == item.line != ""
    search(photo_files["astronaut"])
    assert page.results.sentence == "This is Eileen Collins."
    assert page.messages.text == ""


@dataclass(frozen=True, eq=False)
class Held(PhotoSource):
    """A photo that is read only when the test says so: a slow disk."""

    gate: threading.Event | None = None
    reached: threading.Event | None = None

    def read(self) -> Photo:
        assert self.gate is not None and self.reached is not None and self.path is not None
        self.reached.set()
        assert self.gate.wait(60)
        return read_photo(self.path)


@pytest.mark.usefixtures("two_people")
@pytest.mark.parametrize("in_time", [True, False])
def test_an_older_search_never_shows_in_place_of_a_newer_one(
    page: LookalikePage,
    services: Services,
    until,
    photo_files,
    monkeypatch: pytest.MonkeyPatch,
    in_time: bool,
) -> None:
    """in_time: the older job is cancelled; otherwise it is past the last point where it can be."""
    if not in_time:
        monkeypatch.setattr(page.jobs, "cancel", lambda job: None)
    gates = [threading.Event() for _ in range(4)]
    page.well.add([Held("older", photo_files["hopper"], gate=gates[0], reached=gates[1])])
    until(gates[1].is_set)
    older = page._job
    newer = page.well.add([Held("newer", photo_files["astronaut again"], gate=gates[2], reached=gates[3])])
    gates[0].set()
    until(gates[3].is_set)
    until(lambda: services.jobs.get(older.id).finished)
    QApplication.processEvents()
    assert page.results.rows == []
    assert page.canvas.picture is None
    gates[2].set()
    until(lambda: page.results.rows)
    assert page.results.sentence == "This is Eileen Collins."
    assert page.well.model.item(newer[0]).state is ItemState.READY


@pytest.mark.usefixtures("two_people")
def test_a_search_that_is_cancelled_can_be_started_again(
    page: LookalikePage, services: Services, qtbot: QtBot, until, photo_files
) -> None:
    gate, reached = threading.Event(), threading.Event()
    page.well.add([Held("slow", photo_files["hopper"], gate=gate, reached=reached)])
    until(reached.is_set)
    services.jobs.cancel(page._job.id)
    gate.set()
    until(
        lambda: (
            page.results.notice.button.text() == "Search again" and not page.results.notice.button.isHidden()
        )
    )
    qtbot.mouseClick(page.results.notice.button, Qt.LeftButton)
    until(lambda: page.results.rows)
    assert page.results.sentence == "This is Grace Hopper."


@pytest.mark.usefixtures("two_people")
def test_not_this_person_is_remembered_and_can_be_taken_back(
    page: LookalikePage, services: Services, qtbot: QtBot, search, until, photo_files
) -> None:
    search(photo_files["astronaut again"])
    qtbot.mouseClick(page.results.rows[0].reject_button, Qt.LeftButton)
    until(lambda: names(page) == ["Grace Hopper"])
    assert page.results.sentence == "Nobody enrolled is the same person."
    assert page.messages.text == "Remembered: this is not Eileen Collins."
    qtbot.mouseClick(page.messages._action, Qt.LeftButton)
    until(lambda: names(page) == ["Eileen Collins", "Grace Hopper"])


@pytest.mark.usefixtures("two_people")
def test_an_undo_never_takes_back_somebody_elses_change(
    page: LookalikePage, services: Services, qtbot: QtBot, search, until, photo_files
) -> None:
    search(photo_files["astronaut again"])
    qtbot.mouseClick(page.results.rows[0].reject_button, Qt.LeftButton)
    until(lambda: page.messages.text.startswith("Remembered"))
    hopper = services.people.named("Grace Hopper")
    services.people.edit(hopper.id, "Amazing Grace", "Hopper")
    qtbot.mouseClick(page.messages._action, Qt.LeftButton)
    until(lambda: page.messages.text == "Something else was changed since.")
    assert services.people.get(hopper.id).name == "Amazing Grace Hopper"


@pytest.mark.usefixtures("two_people")
def test_how_many_are_shown_is_kept(
    page: LookalikePage, services: Services, search, until, photo_files
) -> None:
    search(photo_files["astronaut"])
    page.results.findChild(QSpinBox).setValue(1)
    until(lambda: names(page) == ["Eileen Collins"])
    until(lambda: services.settings.current.top == 1)


@pytest.mark.usefixtures("two_people")
def test_the_selection_stays_when_the_library_changes(
    page: LookalikePage, services: Services, search, until, photo_files
) -> None:
    search(photo_files["both"])
    right = page.canvas.reading_order()[1]
    page.canvas.select(right)
    hopper = services.people.named("Grace Hopper")
    services.people.edit(hopper.id, "Amazing Grace")
    page.refresh()
    until(lambda: page.results.sentence == "This is Amazing Grace.")
    assert page.canvas.selected == right


@pytest.mark.usefixtures("two_people")
def test_two_faces_are_compared_side_by_side(
    page: LookalikePage, qtbot: QtBot, search, until, photo_files
) -> None:
    search(photo_files["astronaut again"])
    qtbot.mouseClick(page.results.rows[0].compare_button, Qt.LeftButton)
    assert page.compare.isVisible()
    until(lambda: page.compare.right.picture is not None)
    assert page.compare.right.picture.width == 512
    qtbot.keyClick(page.compare, Qt.Key_Right)
    assert page.compare.match.person.name == "Grace Hopper"
    until(lambda: page.compare.right.picture is not None)
    qtbot.keyClick(page.compare, Qt.Key_Escape)
    assert page.canvas.isVisible()


def test_a_photo_that_is_gone_is_compared_by_its_crop(
    page: LookalikePage, services: Services, search, until, photo_files, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes(photo_files["astronaut"].read_bytes())
    services.enrolment.enrol(read_photo(copy), PersonName("Eileen"))
    copy.unlink()
    search(photo_files["astronaut again"])
    page.compare_with(page.results.rows[0].match)
    until(lambda: page.compare.right.picture is not None)
    assert page.compare.right.picture.width <= 256
    assert "not where it was" in page.compare._beneath.text()


@pytest.mark.usefixtures("two_people")
def test_people_are_shown_on_their_page(page: LookalikePage, qtbot: QtBot, search, photo_files) -> None:
    search(photo_files["astronaut"])
    with qtbot.waitSignal(page.people_requested) as told:
        qtbot.mouseClick(page.results.rows[1].people_button, Qt.LeftButton)
    assert told.args == [page.results.rows[1].match.person.id]


@pytest.mark.usefixtures("two_people")
def test_results_are_copied_and_saved(
    page: LookalikePage, search, until, photo_files, tmp_path: Path
) -> None:
    search(photo_files["both"])
    page.acts.copy_results()
    lines = QApplication.clipboard().text().splitlines()
    assert len(lines) == 1 + 2 * 2
    page.acts.save_results(tmp_path / "found.json")
    until((tmp_path / "found.json").exists)
    faces = json.loads((tmp_path / "found.json").read_text("utf-8"))["faces"]
    assert sorted(face["matches"][0]["person"] for face in faces) == ["Eileen Collins", "Grace Hopper"]
    page.acts.save_results(tmp_path / "found.csv")
    until((tmp_path / "found.csv").exists)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "found.csv").read_text("utf-8-sig"))))
    assert {row["person"] for row in rows if row["same_person"] == "yes"} == {
        "Eileen Collins",
        "Grace Hopper",
    }


def test_results_that_cannot_be_saved_say_so(
    page: LookalikePage, search, until, photo_files, tmp_path: Path
) -> None:
    search(photo_files["nobody"])
    page.acts.save_results(tmp_path / "no such folder" / "found.json")
    until(lambda: page.messages.text.startswith("The results could not be saved"))


def test_a_stranger_is_enrolled_from_the_results(
    page: LookalikePage, services: Services, qtbot: QtBot, search, until, photo_files
) -> None:
    services.enrolment.enrol(read_photo(photo_files["hopper"]), PersonName("Grace", "Hopper"))
    search(photo_files["astronaut"])
    qtbot.mouseClick(page.results.enrol_button, Qt.LeftButton)
    dialog = page.findChild(PersonDialog)
    assert not dialog.isModal()
    qtbot.keyClicks(dialog.form.first_name, "Eileen Collins")
    until(dialog.enrol_button.isEnabled)
    qtbot.keyClick(dialog.form.first_name, Qt.Key_Return)
    until(lambda: page.results.sentence == "This is Eileen Collins.")
    assert services.people.named("Eileen Collins").photos == 1
    qtbot.mouseClick(page.messages._action, Qt.LeftButton)
    until(lambda: page.results.sentence == "Nobody enrolled is the same person.")
    assert [person.name for person in services.people.find()] == ["Grace Hopper"]


@pytest.mark.usefixtures("two_people")
def test_a_photo_may_be_dropped_anywhere_on_the_page(page: LookalikePage, until, photo_files) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(photo_files["hopper"]))])
    enter = QDragEnterEvent(QPoint(900, 500), Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
    QApplication.sendEvent(page, enter)
    fall = QDropEvent(QPointF(900, 500), Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
    QApplication.sendEvent(page, fall)
    until(lambda: page.results.rows)
    assert page.results.sentence == "This is Grace Hopper."


@pytest.mark.usefixtures("two_people")
def test_taking_the_photo_out_of_the_list_clears_the_page(page: LookalikePage, search, photo_files) -> None:
    search(photo_files["hopper"])
    page.well.removal_wanted.emit([page.well.list.current])
    assert page.canvas.picture is None
    assert page.canvas.empty.isVisible()
    assert page.results.rows == []


def test_a_lookalike_goes_to_the_morph_page_in_one_click(
    page: LookalikePage, two_people: None, search, photo_files: dict[str, Path], qtbot: QtBot
) -> None:
    search(photo_files["astronaut"])
    with qtbot.waitSignal(page.morph_requested, timeout=30_000) as asked:
        qtbot.mouseClick(page.results.rows[1].morph_button, Qt.LeftButton)
    mine, other = asked.args[0]
    assert mine.path == str(photo_files["astronaut"])
    assert other.sha256 == read_photo(photo_files["hopper"]).sha256


def test_one_face_of_several_goes_to_the_morph_page_alone_and_under_its_name(
    page: LookalikePage, services: Services, search, photo_files: dict[str, Path], qtbot: QtBot, until
) -> None:
    both = read_photo(photo_files["both"])
    centres = [one.face.box.centre[0] for one in services.enrolment.candidates(both)]
    right = centres.index(max(centres))
    services.enrolment.enrol(both, PersonName("Grace", "B. Hopper"), face=right, anyway=True)
    search(photo_files["astronaut"])
    until(lambda: page.results.rows)
    with qtbot.waitSignal(page.morph_requested, timeout=30_000) as asked:
        qtbot.mouseClick(page.results.rows[0].morph_button, Qt.LeftButton)
    other = asked.args[0][1]
    assert other.name == "Grace B. Hopper"
    assert len(services.morphs.read(other)) == 1
    assert not any("faces" in remark for remark in services.morphs.plan(asked.args[0]).remarks)


def test_a_neighbour_is_cut_away_and_the_face_stays_whole() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    own, beside, below = Box(20, 20, 60, 60), Box(70, 25, 110, 65), Box(30, 55, 50, 80)
    image[20:60, 20:60] = 255
    part = handover.alone(photo_from_pixels(image), [beside, own], 1).image
    assert part.shape[:2] == (100, 70) and (part == 255).sum() == (image == 255).sum()
    part = handover.alone(photo_from_pixels(image), [own, below], 0).image
    assert part.shape[:2] == (60, 100) and (part == 255).sum() == (image == 255).sum()
