"""The dialog that enrols one face, and its form."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt5.QtCore import Qt
from pytestqt.qtbot import QtBot

from faceapp.pipeline.photos import read_photo
from faceapp.services import Services
from faceapp.types import Person, PersonName
from ui.jobs_qt import JobsQt
from ui.person_dialog import PersonDialog
from ui.person_form import KnownNames, PersonForm, name_key
from ui.picture import thumbnail


@pytest.fixture
def open_dialog(qtbot: QtBot, services: Services, jobs: JobsQt, photo_files: dict[str, Path]):
    def make(name: str) -> PersonDialog:
        photo = read_photo(photo_files[name])
        face = services.analyser.faces(photo.image)[0]
        dialog = PersonDialog(services, jobs, photo, face, thumbnail(photo.image, face.box))
        dialog.setAttribute(Qt.WA_DeleteOnClose, False)
        qtbot.addWidget(dialog)
        dialog.show()
        return dialog

    return make


def test_a_good_face_is_enrolled_under_a_new_name(open_dialog, services: Services, qtbot, until) -> None:
    dialog = open_dialog("astronaut")
    until(lambda: dialog._verdict is not None)
    assert not dialog.enrol_button.isEnabled()
    dialog.form.first_name.setText("Eileen Collins")
    with qtbot.waitSignal(dialog.enrolled, timeout=30_000) as told:
        qtbot.mouseClick(dialog.enrol_button, Qt.LeftButton)
    assert told.args[0] == "Eileen Collins"
    assert not dialog.isVisible()
    assert services.people.named("Eileen Collins").surname == "Collins"


def test_a_face_that_looks_like_somebody_is_added_to_them(
    open_dialog, services: Services, qtbot, until, photo_files
) -> None:
    services.enrolment.enrol(read_photo(photo_files["hopper"]), PersonName("Grace", "Hopper"))
    dialog = open_dialog("hopper again")
    until(lambda: not dialog.card.twin_button.isHidden())
    with qtbot.waitSignal(dialog.enrolled, timeout=30_000):
        qtbot.mouseClick(dialog.card.twin_button, Qt.LeftButton)
    assert [(each.name, each.photos) for each in services.people.find()] == [("Grace Hopper", 2)]


def test_an_enrolled_face_is_not_enrolled_again(open_dialog, services: Services, until, photo_files) -> None:
    services.enrolment.enrol(read_photo(photo_files["hopper"]), PersonName("Grace", "Hopper"))
    dialog = open_dialog("hopper")
    until(lambda: dialog.card.sentence == "This face is already enrolled as Grace Hopper.")
    dialog.form.first_name.setText("Ann")
    assert not dialog.enrol_button.isEnabled()
    assert dialog.card.anyway_button.isHidden()


def test_a_doubt_is_overruled_by_enrol_anyway(open_dialog, services: Services, qtbot, until) -> None:
    dialog = open_dialog("dark")
    until(lambda: not dialog.card.anyway_button.isHidden())
    dialog.form.first_name.setText("Ann")
    assert not dialog.enrol_button.isEnabled()
    with qtbot.waitSignal(dialog.enrolled, timeout=30_000):
        qtbot.mouseClick(dialog.card.anyway_button, Qt.LeftButton)
    assert services.people.named("Ann").photos == 1


def test_a_name_that_cannot_be_is_a_sentence_and_the_dialog_stays(
    open_dialog, services: Services, qtbot, until, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = open_dialog("astronaut")
    until(lambda: dialog._verdict is not None)
    dialog.form.first_name.setMaxLength(100_000)
    dialog.form.first_name.setText("x" * 50_000)
    qtbot.mouseClick(dialog.enrol_button, Qt.LeftButton)
    until(lambda: dialog.messages.text)
    assert dialog.isVisible()
    assert services.people.count() == (0, 0, 0)


@pytest.fixture
def form(qtbot: QtBot) -> PersonForm:
    widget = PersonForm()
    qtbot.addWidget(widget)
    people = [Person(1, "Ann", "Lee", "a note", 3), Person(2, "José"), Person(3, "Bob", "Lee")]
    widget.set_known(KnownNames(people))
    widget.show()
    return widget


def test_known_names_are_suggested_and_filled_in(form: PersonForm, qtbot: QtBot) -> None:
    qtbot.keyClicks(form.first_name, "lee")
    completer = form.first_name.completer()
    found = [completer.completionModel().index(row, 0).data() for row in range(completer.completionCount())]
    assert sorted(found) == ["Ann Lee", "Bob Lee"]
    completer.activated[str].emit("Ann Lee")
    qtbot.waitUntil(lambda: form.surname.text() == "Lee")
    assert (form.first_name.text(), form.note.text()) == ("Ann", "a note")
    assert form.known is not None and form.known.id == 1


@pytest.mark.parametrize("typed", ["ann lee", "Ann_Lee", "  ANN   LEE "])
def test_a_known_person_is_found_however_the_name_is_spelled(form: PersonForm, typed: str) -> None:
    form.first_name.setText(typed)
    assert form.known is not None and form.known.id == 1


def test_accents_do_not_count() -> None:
    assert name_key("José  Müller") == name_key("jose muller")
    assert name_key("Ann") != name_key("Anna")


def test_enter_submits(form: PersonForm, qtbot: QtBot) -> None:
    form.first_name.setText("Cid")
    with qtbot.waitSignal(form.submitted):
        qtbot.keyClick(form.surname, Qt.Key_Return)
