"""The Enrol page with the real models, a real library and real faces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from pytestqt.qtbot import QtBot

from faceapp.pipeline.photos import read_photo
from faceapp.services import Services
from faceapp.services.morphs import MorphSettings
from faceapp.types import PersonName
from ui.enrol_entry import people_among
from ui.enrol_page import EnrolPage
from ui.jobs_qt import JobsQt
from ui.library import Library
from ui.photo_list import ItemState
from ui.photo_source import PhotoSource


@pytest.fixture
def page(qtbot: QtBot, services: Services, jobs: JobsQt) -> EnrolPage:
    widget = EnrolPage(services, jobs)
    qtbot.addWidget(widget)
    widget.resize(1200, 760)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


@pytest.fixture
def hopper_enrolled(services: Services, photo_files: dict[str, Path]) -> None:
    services.enrolment.enrol(read_photo(photo_files["hopper"]), PersonName("Grace", "Hopper"))


@pytest.fixture
def add(page: EnrolPage, until, photo_files: dict[str, Path]) -> Callable[..., list[int]]:
    """Add photos by name and wait until all were looked at and the current one is shown."""

    def run(*names: str) -> list[int]:
        keys = page.well.add(PhotoSource.file(photo_files[name]) for name in names)
        until(lambda: all(state is not ItemState.WAITING for state in page._states()))
        until(lambda: page.canvas.picture is not None or page.canvas.empty.title)
        until(lambda: not page._soon.isActive())
        return keys

    return run


def state(page: EnrolPage, key: int) -> tuple[ItemState, str]:
    item = page.well.model.item(key)
    assert item is not None
    return item.state, item.line


def test_a_person_is_enrolled_with_enter(
    page: EnrolPage, services: Services, qtbot: QtBot, add, until
) -> None:
    add("astronaut", "astronaut again")
    qtbot.keyClicks(page.panel.form.first_name, "Eileen")
    qtbot.keyClicks(page.panel.form.surname, "Collins")
    qtbot.keyClicks(page.panel.form.note, "commander")
    assert page.panel.enrol_button.text() == "Enrol 2 photos as Eileen Collins"
    with qtbot.waitSignal(page.library_changed, timeout=60_000):
        qtbot.keyClick(page.panel.form.surname, Qt.Key_Return)
    person = services.people.named("Eileen Collins")
    assert (person.photos, person.note) == (2, "commander")
    assert page.messages.text == "Enrolled Eileen Collins with 2 photos."
    assert page.well.model.rowCount() == 0
    assert page.panel.form.name() == PersonName("", "")
    assert page.canvas.picture is None and page.canvas.empty.title == "Put somebody into your library"


def test_an_enrolment_is_taken_back_as_a_whole_and_the_photos_come_back(
    page: EnrolPage, services: Services, qtbot: QtBot, add, until
) -> None:
    add("astronaut", "astronaut again")
    page.panel.form.first_name.setText("Eileen Collins")
    page.enrol()
    until(lambda: page.messages.text.startswith("Enrolled"))
    qtbot.mouseClick(page.messages._action, Qt.LeftButton)
    until(lambda: page.well.model.rowCount() == 2)
    assert services.people.count() == (0, 0, 0)
    until(lambda: all(each is ItemState.READY for each in page._states()))


def test_one_undo_of_the_window_takes_back_the_person_and_all_photos(
    page: EnrolPage, services: Services, jobs: JobsQt, qtbot: QtBot, add, until
) -> None:
    add("astronaut", "astronaut again")
    page.panel.form.first_name.setText("Eileen Collins")
    page.enrol()
    until(lambda: page.messages.text.startswith("Enrolled"))
    library = Library(services, jobs)
    with qtbot.waitSignal(library.told, timeout=30_000) as told:
        library.undo()
    library.stop()
    assert told.args == ["Taken back: Enrolled 2 faces of Eileen Collins."]
    assert services.people.count() == (0, 0, 0)


def test_nothing_is_enrolled_without_a_name(page: EnrolPage, services: Services, qtbot: QtBot, add) -> None:
    add("astronaut")
    assert not page.panel.enrol_button.isEnabled()
    qtbot.keyClick(page.panel.form.first_name, Qt.Key_Return)
    assert page.enrolling.job is None
    assert services.people.count() == (0, 0, 0)


def test_of_several_faces_one_is_chosen_by_a_click(
    page: EnrolPage, services: Services, qtbot: QtBot, add, until
) -> None:
    (key,) = add("both")
    assert state(page, key) == (ItemState.DOUBTFUL, "2 faces: choose one")
    assert page.panel.card.sentence == "There are 2 faces on this photo."
    until(lambda: len(page.canvas.marks) == 2)
    right = page.canvas.reading_order()[1]
    qtbot.mouseClick(page.canvas, Qt.LeftButton, pos=page.canvas.frame_of(right).center().toPoint())
    assert state(page, key)[0] is ItemState.READY
    page.panel.form.first_name.setText("Grace")
    page.enrol()
    until(lambda: page.messages.text.startswith("Enrolled"))
    stored = services.people.faces(services.people.named("Grace").id)[0]
    assert stored.box.centre[0] > 512  # the right half of the photo


@pytest.mark.parametrize(
    ("name", "code"), [("blurred", "blurred"), ("dark", "dark"), ("tiny", "too_small"), ("nobody", "no_face")]
)
def test_a_refused_photo_says_why(page: EnrolPage, services: Services, add, photo_files, name, code) -> None:
    photo = read_photo(photo_files[name])
    candidates = services.enrolment.candidates(photo)
    (key,) = add(name)
    shown, line = state(page, key)
    if not candidates:
        assert shown is ItemState.REFUSED
        assert "No face was found" in page.panel.card.sentence
        return
    refusals = candidates[0].refusals
    assert code in [refusal.code for refusal in refusals]
    assert (shown, line) == (ItemState.DOUBTFUL, refusals[0].sentence)
    said = f"{page.panel.card.sentence} {page.panel.card.hint}"
    assert all(refusal.sentence in said and refusal.hint in said for refusal in refusals)


def test_a_broken_file_is_refused_and_the_others_go_in(
    page: EnrolPage, services: Services, add, until
) -> None:
    broken, _ = add("broken", "astronaut")
    assert state(page, broken)[0] is ItemState.REFUSED
    page.panel.form.first_name.setText("Eileen")
    page.enrol()
    until(lambda: page.messages.text.startswith("Enrolled"))
    assert page.well.model.keys() == [broken]
    assert services.people.named("Eileen").photos == 1


def test_a_doubtful_photo_is_enrolled_anyway_when_that_is_wanted(
    page: EnrolPage, services: Services, qtbot: QtBot, add, until
) -> None:
    (key,) = add("dark")
    page.panel.form.first_name.setText("Eileen")
    assert not page.panel.enrol_button.isEnabled()
    qtbot.mouseClick(page.panel.card.anyway_button, Qt.LeftButton)
    assert state(page, key)[0] is ItemState.READY
    page.enrol()
    until(lambda: page.messages.text.startswith("Enrolled"))
    assert services.people.named("Eileen").photos == 1


@pytest.mark.usefixtures("hopper_enrolled")
def test_the_same_face_of_the_same_file_is_never_enrolled_twice(
    page: EnrolPage, services: Services, add
) -> None:
    (key,) = add("hopper")
    assert state(page, key) == (ItemState.DONE, "This face is already enrolled as Grace Hopper.")
    page.panel.form.first_name.setText("Somebody Else")
    assert page.panel.card.anyway_button.isHidden()
    assert not page.panel.enrol_button.isEnabled()


def test_one_photo_under_two_names_is_enrolled_once(
    page: EnrolPage, services: Services, until, tmp_path: Path, photo_files
) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes(photo_files["astronaut"].read_bytes())
    keys = page.well.add([PhotoSource.file(photo_files["astronaut"]), PhotoSource.file(copy)])
    until(lambda: page._states() == [ItemState.READY, ItemState.READY])
    page.panel.form.first_name.setText("Eileen")
    page.enrol()
    until(lambda: page.messages.text == "Enrolled Eileen with 1 photo.")
    assert state(page, keys[1]) == (ItemState.REFUSED, "This face is already enrolled as Eileen.")
    assert services.people.count() == (1, 1, 1)


@pytest.mark.usefixtures("hopper_enrolled")
def test_a_face_that_looks_like_somebody_goes_to_them_instead(
    page: EnrolPage, services: Services, qtbot: QtBot, add, until
) -> None:
    (key,) = add("hopper again")
    page.panel.form.first_name.setText("Somebody Else")
    assert state(page, key) == (ItemState.DOUBTFUL, "This face looks like Grace Hopper, who is enrolled.")
    assert page.panel.card.twin_button.text() == "Add to Grace Hopper instead"
    qtbot.mouseClick(page.panel.card.twin_button, Qt.LeftButton)
    assert state(page, key) == (ItemState.READY, "goes to Grace Hopper")
    page.enrol()
    until(lambda: page.messages.text.startswith("Enrolled Grace Hopper"))
    assert [(each.name, each.photos) for each in services.people.find()] == [("Grace Hopper", 2)]


@pytest.mark.usefixtures("hopper_enrolled")
def test_a_morph_is_not_advised_to_be_added_to_whom_it_looks_like(
    page: EnrolPage, services: Services, until, tmp_path: Path, photo_files
) -> None:
    portraits = [read_photo(photo_files[name]) for name in ("astronaut", "hopper")]
    services.enrolment.enrol(portraits[0], PersonName("Eileen", "Collins"))
    plan = services.morphs.plan(portraits, MorphSettings(size=400))
    (key,) = page.well.add([PhotoSource(name="mix.png", picture=services.morphs.frame(plan, 0.5))])
    until(lambda: page._states() == [ItemState.DOUBTFUL])
    until(lambda: "morph" in page.panel.card.sentence)
    assert "lies between Grace Hopper and Eileen Collins" in page.panel.card.sentence
    assert "looks like Grace Hopper" in page.panel.card.sentence
    assert state(page, key)[1] == page.panel.card.sentence
    assert "Add" not in page.panel.card.hint and page.panel.card.twin_button.isHidden()
    assert page.panel.card.anyway_button.isVisible()


@pytest.mark.usefixtures("hopper_enrolled")
def test_more_photos_of_somebody_known_need_no_question(
    page: EnrolPage, services: Services, add, until
) -> None:
    (key,) = add("hopper again")
    until(lambda: page.panel.form._known.names)
    page.panel.form.first_name.setText("grace  HOPPER")
    assert page.panel.form.status.startswith("Grace Hopper is in the library")
    assert state(page, key) == (ItemState.READY, "ready")
    page.enrol()
    until(lambda: page.messages.text.startswith("Enrolled Grace Hopper"))
    assert services.people.named("Grace Hopper").photos == 2


def test_photos_of_different_people_under_one_name_are_remarked(page: EnrolPage, add) -> None:
    keys = add("astronaut", "astronaut again", "hopper")
    page.panel.form.first_name.setText("Eileen")
    assert "2 different people" in page.panel.doubt
    page.leave_out([keys[2]])
    assert page.panel.doubt == ""


def test_groups_of_embeddings_are_counted() -> None:
    east, north = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    between = (east + north) / np.float32(np.sqrt(2))
    assert people_among([], 0.3) == 0
    assert people_among([east, east], 0.3) == 1
    assert people_among([east, north], 0.3) == 2
    assert people_among([east, north, between], 0.3) == 1  # each is near the one between them


def test_del_leaves_a_photo_out(page: EnrolPage, qtbot: QtBot, add) -> None:
    first, second = add("astronaut", "hopper")
    page.well.list.make_current(first)
    qtbot.keyClick(page.well.list, Qt.Key_Delete)
    assert page.well.model.keys() == [second]
    assert page.panel._heading.text() == "Will be enrolled: 1"


def test_the_next_open_question_is_shown(page: EnrolPage, qtbot: QtBot, add) -> None:
    _, dark, _, both = add("astronaut", "dark", "hopper", "both")
    qtbot.mouseClick(page.panel.next_button, Qt.LeftButton)
    assert page.well.list.current == dark
    qtbot.mouseClick(page.panel.next_button, Qt.LeftButton)
    assert page.well.list.current == both


def test_a_folder_of_people_is_offered_and_imported(
    page: EnrolPage, services: Services, qtbot: QtBot, until, tmp_path: Path, photo_files
) -> None:
    for name in ("astronaut", "hopper"):
        (tmp_path / "people" / name).mkdir(parents=True)
        (tmp_path / "people" / name / "one.png").write_bytes(photo_files[name].read_bytes())
    page.well.look_into(tmp_path / "people")
    until(page.offer.isVisible)
    assert page.offer.import_button.text() == "Import 2 people"
    qtbot.mouseClick(page.offer.import_button, Qt.LeftButton)
    until(lambda: page.messages.text == "Imported 2 people, 2 photos.")
    assert sorted(each.name for each in services.people.find()) == ["astronaut", "hopper"]


def test_a_folder_of_photos_is_taken_as_photos(page: EnrolPage, until, tmp_path: Path, photo_files) -> None:
    (tmp_path / "one.png").write_bytes(photo_files["hopper"].read_bytes())
    page.well.look_into(tmp_path)
    until(lambda: page._states() == [ItemState.READY])


def test_a_person_is_handed_over_to_get_more_photos(page: EnrolPage, services: Services) -> None:
    person = services.enrolment.store.add_person("Ann", "Lee")
    page.open_person(person)
    assert page.panel.form.known == person


def test_a_photo_is_handed_over_from_another_page(page: EnrolPage, until, photo_files) -> None:
    page.open_photo(read_photo(photo_files["astronaut"]))
    until(lambda: page._states() == [ItemState.READY])


def test_enrolled_photos_stay_when_the_rest_is_cancelled(
    page: EnrolPage, services: Services, add, until, monkeypatch: pytest.MonkeyPatch
) -> None:
    add("astronaut", "astronaut again")
    page.panel.form.first_name.setText("Eileen")
    enrol_face = services.enrolment.enrol_face

    def cancel_after(*words: object) -> object:
        done = enrol_face(*words)  # type: ignore[arg-type]
        services.jobs.cancel(page.enrolling.job.id)
        return done

    monkeypatch.setattr(services.enrolment, "enrol_face", cancel_after)
    page.enrol()
    until(lambda: page.messages.text.startswith("Enrolled"))
    assert page.messages.text == "Enrolled Eileen with 1 photo."
    assert page.well.model.rowCount() == 1
    assert services.people.named("Eileen").photos == 1
