"""The People page on a real library: every change, and the way back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import QItemSelectionModel, QMimeData, QPoint, Qt, QUrl
from PyQt5.QtGui import QDropEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QLineEdit, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from faceapp.services import Services
from faceapp.types import Person, Photo
from ui.jobs_qt import JobsQt
from ui.merge_dialog import MergeDialog
from ui.name_dialog import NameDialog
from ui.people_page import PeoplePage
from ui.person_picker import PersonPicker

Enrol = Callable[..., Person]
Settle = Callable[[], None]


@pytest.fixture
def page(qtbot: QtBot, services: Services, jobs: JobsQt, settle: Settle) -> Iterator[PeoplePage]:
    made = PeoplePage(services, jobs)
    qtbot.addWidget(made)
    made.library_changed.connect(made.refresh)
    made.resize(1100, 700)
    made.show()
    # Shortcuts work in the active window alone, and there may be no window manager to make it so.
    QApplication.setActiveWindow(made)
    settle()
    yield made
    settle()


def names(page: PeoplePage) -> list[str]:
    return [person.name for person in page.model.people]


def select(page: PeoplePage, *wanted: str) -> None:
    page.list.clearSelection()
    for name in wanted:
        index = page.model.index(names(page).index(name))
        page.list.selectionModel().setCurrentIndex(index, QItemSelectionModel.Select)


def dialog(kind: type[QWidget]) -> QWidget:
    found = [
        widget for widget in QApplication.topLevelWidgets() if isinstance(widget, kind) and widget.isVisible()
    ]
    assert len(found) == 1
    return found[0]


def press_undo(page: PeoplePage) -> None:
    button = page.notice.findChild(QPushButton, "messageAction")
    assert button.isVisible()
    button.click()


def test_an_empty_library_offers_three_ways_to_begin(qtbot: QtBot, page: PeoplePage) -> None:
    asked: list[str] = []
    page.import_requested.connect(lambda: asked.append("import"))
    page.enrol_requested.connect(lambda what: asked.append(f"enrol {what}"))
    page.sample_requested.connect(lambda: asked.append("sample"))
    for text in ("Import a folder of people…", "Enrol somebody", "Try it with the sample people"):
        button = next(button for button in page.findChildren(QPushButton) if button.text() == text)
        assert button.isVisible()
        button.click()
    assert asked == ["import", "enrol None", "sample"]


def test_everybody_is_listed_by_name_with_the_first_one_shown(
    enrol: Enrol, page: PeoplePage, settle: Settle
) -> None:
    enrol("Bob", 2)
    enrol("Ann Lee", 3, note="our neighbour")
    enrol("Zoë")
    page.refresh()
    settle()
    assert names(page) == ["Ann Lee", "Bob", "Zoë"]
    assert page.panel.person is not None
    assert page.panel.person.name == "Ann Lee"
    assert len(page.panel.faces) == 3


def test_the_search_follows_what_is_typed(
    enrol: Enrol, page: PeoplePage, settle: Settle, qtbot: QtBot
) -> None:
    enrol("Bob", note="plays chess")
    enrol("Ann")
    enrol("Zoë")
    QTest.keyClicks(page.field, "zoe")
    qtbot.waitUntil(lambda: names(page) == ["Zoë"])
    page.field.setText("chess")
    qtbot.waitUntil(lambda: names(page) == ["Bob"])
    page.field.setText("nobody")
    qtbot.waitUntil(lambda: names(page) == [])
    settle()
    assert not page.list.isVisible()
    page.field.clear()
    qtbot.waitUntil(lambda: len(names(page)) == 3)
    assert page.list.isVisible()


def test_the_order_can_be_changed(enrol: Enrol, page: PeoplePage, settle: Settle) -> None:
    for name, photos in (("Ann", 1), ("Bob", 3), ("Cid", 2)):
        enrol(name, photos)
    page.order.setCurrentIndex(page.order.findData("photos"))
    settle()
    assert names(page) == ["Bob", "Cid", "Ann"]
    page.order.setCurrentIndex(page.order.findData("newest"))
    settle()
    assert set(names(page)) == {"Ann", "Bob", "Cid"}


def test_a_name_is_changed_in_place_and_taken_back(
    enrol: Enrol, page: PeoplePage, settle: Settle, services: Services
) -> None:
    person = enrol("Ann", note="kept")
    page.refresh()
    settle()
    page.list.setFocus()
    QTest.keyClick(page.list, Qt.Key_F2)
    editor = page.list.findChild(QLineEdit)
    editor.setText("Ann Lee")
    QTest.keyClick(editor, Qt.Key_Return)
    settle()
    assert services.people.get(person.id).name == "Ann Lee"
    assert services.people.get(person.id).note == "kept"
    assert page.notice.text == "Renamed Ann to Ann Lee."
    press_undo(page)
    settle()
    assert services.people.get(person.id).name == "Ann"
    assert names(page) == ["Ann"]


def test_swapping_a_face_is_forbidden_and_taken_back(
    enrol: Enrol, page: PeoplePage, settle: Settle, services: Services
) -> None:
    ann, bob = enrol("Ann"), enrol("Bob")
    page.refresh()
    settle()
    select(page, "Bob")
    settle()
    assert page.panel.no_swap.isVisible()
    assert not page.panel.no_swap.isChecked()
    page.panel.no_swap.click()
    settle()
    assert services.people.get(bob.id).no_swap
    assert not services.people.get(ann.id).no_swap
    assert page.panel.no_swap.isChecked()
    assert page.notice.text == "Nobody may swap the face of Bob."
    select(page, "Ann")
    settle()
    assert not page.panel.no_swap.isChecked(), "the box is this person's, not the last one's"
    select(page, "Ann", "Bob")
    settle()
    assert not page.panel.no_swap.isVisible()
    press_undo(page)
    settle()
    assert not services.people.get(bob.id).no_swap


def test_a_name_that_is_taken_offers_to_merge(enrol: Enrol, page: PeoplePage, settle: Settle) -> None:
    enrol("Ann", 2)
    enrol("Anne", 1)
    page.refresh()
    settle()
    page.rename(page.model.people[1], "Ann")
    settle()
    assert names(page) == ["Ann", "Anne"]
    assert page.notice.text == "There is already a person named Ann."
    press_undo(page)  # its button says Merge…
    merge = dialog(MergeDialog)
    assert merge.sentence == "Anne will become Ann, with 3 photos in all. You can undo this."
    merge._on_accepted()
    settle()
    assert names(page) == ["Ann"]
    assert page.model.people[0].photos == 3


def test_the_edit_dialog_changes_name_and_note(
    enrol: Enrol, page: PeoplePage, settle: Settle, services: Services
) -> None:
    person = enrol("Ann")
    page.refresh()
    settle()
    page.edit_person()
    form = dialog(NameDialog)
    form.first_name.setText("  ")
    save = form.buttons.button(form.buttons.Save)
    assert not save.isEnabled()
    form.first_name.setText(" Anna  Maria ")
    form.surname.setText("Lee")
    form.note.setPlainText("met in Seoul")
    save.click()
    settle()
    changed = services.people.get(person.id)
    assert (changed.first_name, changed.surname, changed.note) == ("Anna Maria", "Lee", "met in Seoul")


def test_deleting_is_taken_back_by_the_notice(
    enrol: Enrol, page: PeoplePage, settle: Settle, services: Services
) -> None:
    for name in ("Ann", "Bob", "Cid"):
        enrol(name, 2)
    page.refresh()
    settle()
    select(page, "Ann", "Bob")
    page.list.setFocus()
    QTest.keyClick(page.list, Qt.Key_Delete)
    settle()
    assert names(page) == ["Cid"]
    assert [person.name for person in page.list.selected] == ["Cid"]
    assert page.notice.text == "Deleted Ann and Bob."
    press_undo(page)
    settle()
    assert names(page) == ["Ann", "Bob", "Cid"]
    assert services.people.count() == (3, 6, 6)


def test_undo_of_the_notice_takes_back_nothing_else(
    enrol: Enrol, page: PeoplePage, settle: Settle, services: Services
) -> None:
    enrol("Ann")
    enrol("Bob")
    page.refresh()
    settle()
    select(page, "Ann")
    page.delete_selected()
    settle()
    enrol("Meanwhile")
    press_undo(page)
    settle()
    assert page.notice.text == "Something else was changed since."
    assert [person.name for person in services.people.find()] == ["Bob", "Meanwhile"]


def test_several_entries_become_one_person(
    enrol: Enrol, page: PeoplePage, settle: Settle, services: Services
) -> None:
    enrol("Bob", 1)
    enrol("Bobby", 2)
    enrol("Robert", 1)
    page.refresh()
    settle()
    select(page, "Bob", "Bobby", "Robert")
    page.merge_selected()
    merge = dialog(MergeDialog)
    assert merge.sentence.startswith("Bob and Robert will become Bobby, with 4 photos in all.")
    merge.keep(services.people.named("Robert").id)
    assert merge.sentence.startswith("Bobby and Bob will become Robert")
    merge._on_accepted()
    settle()
    assert names(page) == ["Robert"]
    assert len(page.panel.faces) == 4
    press_undo(page)
    settle()
    assert names(page) == ["Bob", "Bobby", "Robert"]


def test_a_face_moves_to_another_person(
    enrol: Enrol, page: PeoplePage, settle: Settle, services: Services, qtbot: QtBot
) -> None:
    ann, bob = enrol("Ann", 2), enrol("Bob", 1)
    page.refresh()
    settle()
    select(page, "Ann")
    settle()
    page.panel.grid.setCurrentIndex(page.panel.grid.model().index(1))
    moved = page.panel.selected_faces[0]
    page.move_faces()
    picker = dialog(PersonPicker)
    settle()
    picker._list.select_person(ann.id)
    assert picker._chosen() is None
    picker._list.select_person(bob.id)
    picker._on_accepted()
    settle()
    assert [face.id for face in page.panel.faces] == [face.id for face in services.people.faces(ann.id)]
    assert moved.id in [face.id for face in services.people.faces(bob.id)]
    assert page.notice.text == "Moved 1 face from Ann to Bob."


def test_a_face_is_removed_with_the_delete_key(
    enrol: Enrol, page: PeoplePage, settle: Settle, services: Services
) -> None:
    person = enrol("Ann", 2)
    page.refresh()
    settle()
    grid = page.panel.grid
    grid.setFocus()
    grid.setCurrentIndex(grid.model().index(0))
    QTest.keyClick(grid, Qt.Key_Delete)
    settle()
    assert len(services.people.faces(person.id)) == 1
    assert len(page.panel.faces) == 1
    press_undo(page)
    settle()
    assert len(page.panel.faces) == 2


def test_a_change_from_outside_keeps_selection_and_place(
    enrol: Enrol, page: PeoplePage, settle: Settle
) -> None:
    for number in range(60):
        enrol(f"Person {number:02}")
    page.refresh()
    settle()
    select(page, "Person 40")
    page.list.verticalScrollBar().setValue(1500)
    enrol("Aaron")
    page.refresh()
    settle()
    assert [person.name for person in page.list.selected] == ["Person 40"]
    assert page.list.verticalScrollBar().value() == 1500


def test_a_person_is_shown_even_if_something_else_was_searched(
    enrol: Enrol, page: PeoplePage, settle: Settle
) -> None:
    enrol("Ann")
    bob = enrol("Bob")
    page.field.setText("Ann")
    page._on_query_changed()
    settle()
    page.open_person(bob)
    page._on_query_changed()
    settle()
    assert [person.name for person in page.list.selected] == ["Bob"]


def test_lookalikes_are_searched_with_the_photo_itself(
    enrol: Enrol, page: PeoplePage, settle: Settle, portrait_files: dict[str, Path]
) -> None:
    enrol("Eileen Collins", path=str(portrait_files["astronaut"]))
    page.refresh()
    settle()
    asked: list[Photo] = []
    page.lookalike_requested.connect(asked.append)
    page.find_lookalikes()
    settle()
    assert [photo.name for photo in asked] == ["astronaut.png"]
    assert asked[0].image.shape == (512, 512, 3)


def test_a_photo_whose_file_has_gone_is_searched_by_its_crop(
    enrol: Enrol, page: PeoplePage, settle: Settle
) -> None:
    enrol("Ann")
    page.refresh()
    settle()
    asked: list[Photo] = []
    page.lookalike_requested.connect(asked.append)
    page.find_lookalikes()
    settle()
    assert asked[0].image.shape == (64, 64, 3)
    assert "is no longer there" in page.notice.text


def test_more_photos_are_asked_for_by_person(enrol: Enrol, page: PeoplePage, settle: Settle) -> None:
    person = enrol("Ann")
    page.refresh()
    settle()
    asked: list[object] = []
    page.enrol_requested.connect(asked.append)
    page.add_photos()
    assert asked == [person]


def test_a_dropped_folder_is_imported(
    page: PeoplePage, services: Services, settle: Settle, tmp_path: Path
) -> None:
    (tmp_path / "people").mkdir()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "people"))])
    page.dropEvent(QDropEvent(QPoint(5, 5), Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier))
    settle()
    job = services.jobs.all()[-1]
    assert (job.kind, job.title) == ("import", "Import people")
    assert job.error is not None
    assert job.error.code == "no_people_folders"


def test_only_what_can_be_done_can_be_chosen(enrol: Enrol, page: PeoplePage, settle: Settle) -> None:
    assert not page.delete_action.isEnabled()
    enrol("Ann")
    enrol("Bob")
    page.refresh()
    settle()
    assert page.edit_action.isEnabled()
    assert not page.remove_action.isEnabled()
    select(page, "Ann", "Bob")
    assert not page.edit_action.isEnabled()
    assert page.merge_action.isEnabled()


def test_thumbnails_are_loaded_when_seen_and_have_the_colour_of_the_crop(
    enrol: Enrol, page: PeoplePage, settle: Settle, services: Services
) -> None:
    person = enrol("Ann")
    page.refresh()
    settle()
    assert person.cover_face_id is not None
    seen = page.crops.tile(person.cover_face_id, 48, page.list.viewport().devicePixelRatioF())
    assert seen is not None
    from ui.images import from_jpeg, to_bgr

    crop = to_bgr(from_jpeg(services.people.crop(person.cover_face_id)))
    middle = to_bgr(seen.toImage())[24, 24].astype(int)
    assert np.abs(middle - crop[32, 32].astype(int)).max() <= 3


def test_a_reading_that_is_overtaken_shows_nothing(enrol: Enrol, page: PeoplePage, settle: Settle) -> None:
    enrol("Ann")
    enrol("Bob")
    page.model.search("Ann")
    page.model.search("Bob")
    settle()
    assert names(page) == ["Bob"]


def test_changes_that_come_faster_than_they_can_be_read_are_read_in_the_end(
    enrol: Enrol, page: PeoplePage, settle: Settle, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go = threading.Event(), threading.Event()
    find = services.people.find

    def slow(text: str = "", limit: int | None = None, offset: int = 0) -> list[Person]:
        found = find(text, limit, offset)
        reading.set()
        go.wait(10)
        return found

    monkeypatch.setattr(services.people, "find", slow)
    page.refresh()
    assert reading.wait(10)
    enrol("Ann")
    page.refresh()
    page.refresh()
    go.set()
    settle()
    assert names(page) == ["Ann"]


def test_forgetting_asks_once_and_leaves_nothing_to_undo(
    qtbot: QtBot, enrol: Enrol, services: Services, page: PeoplePage, settle: Settle
) -> None:
    enrol("Ann Lee", 2)
    enrol("Bob")
    page.refresh()
    settle()
    select(page, "Ann Lee")
    assert page.forget_action in page.list.actions()
    page.forget_action.trigger()
    box = dialog(QMessageBox)
    assert box.text() == "Forget Ann Lee for good? This cannot be undone."
    assert box.defaultButton() is box.button(QMessageBox.Cancel) and "photo files" in box.informativeText()
    qtbot.mouseClick(box.button(QMessageBox.Cancel), Qt.LeftButton)
    settle()
    assert names(page) == ["Ann Lee", "Bob"]
    page.forget_action.trigger()
    (button,) = [button for button in dialog(QMessageBox).buttons() if button.text() == "Forget for good"]
    qtbot.mouseClick(button, Qt.LeftButton)
    settle()
    assert names(page) == ["Bob"]
    assert page.notice.text == "Forgot Ann Lee for good."
    assert not page.notice.findChild(QPushButton, "messageAction").isVisible()
    while services.people.undo():
        pass
    assert services.people.find() == []
