"""The Morph page with the real engine and real faces."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from exposed import exposed
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from faceapp.errors import ModelUnavailable
from faceapp.jobs import JobContext
from faceapp.latent import process
from faceapp.latent.weights import Design, random_weights, save_weights
from faceapp.pipeline.photos import read_photo
from faceapp.services import Services
from faceapp.services.morphs import MorphSettings
from faceapp.types import Image, PersonName
from ui import latent_job, morph_job
from ui.images import to_bgr
from ui.jobs_qt import JobsQt
from ui.morph_job import Kind
from ui.morph_page import MorphPage
from ui.photo_source import PhotoSource

SIDE = 256  # of the pictures that are shown: a quarter of the work of the window's own


@pytest.fixture
def page(
    qtbot: QtBot, services: Services, jobs: JobsQt, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MorphPage]:
    for module in (morph_job, latent_job):
        monkeypatch.setattr(module, "PREVIEW_SIDE", SIDE)
    widget = exposed(qtbot, MorphPage(services, jobs))
    yield widget
    widget.stop()


@pytest.fixture
def still(page: MorphPage, until):
    """Wait until what is shown is what was asked for."""
    return lambda: until(
        lambda: not (page._plans.busy or page._frames.busy) and page.canvas.result is not None
    )


@pytest.fixture
def two(page: MorphPage, portrait_files: dict[str, Path], still) -> MorphPage:
    page.well.add([PhotoSource.file(portrait_files[name]) for name in ("astronaut", "hopper")])
    still()
    return page


def shown(page: MorphPage) -> Image:
    return to_bgr(page.canvas.result.levels[0])


def test_nothing_can_be_done_before_there_is_a_face(page: MorphPage) -> None:
    assert page.canvas.empty.title == "Turn one face into another"
    for button in (page.save_button, page.points_button, page.earlier, page.later):
        assert not button.isEnabled()
    assert not page.choose_place()


def test_a_file_that_is_no_photo_is_named_among_the_others(
    two: MorphPage, photo_files: dict[str, Path], until
) -> None:
    two.well.add([PhotoSource.file(photo_files["broken"])])
    until(lambda: two.messages.text.startswith("broken.jpg: "))
    assert not two.save_button.isEnabled() and two.way.names.names == ()
    two.well.removal_wanted.emit(two.well.model.keys()[2:])
    until(two.save_button.isEnabled)
    assert two.messages.text == ""


def test_one_face_asks_for_another(page: MorphPage, portrait_files: dict[str, Path]) -> None:
    page.well.add([PhotoSource.file(portrait_files["astronaut"])])
    assert page.canvas.empty.title == "One more face"
    assert not page.save_button.isEnabled()


def test_the_slider_leads_from_the_first_face_to_the_last(two: MorphPage, still) -> None:
    plan = two._prepared.plan
    for value, index in ((0, 0), (1000, 1)):
        two.way.slider.setValue(value)
        still()
        own = plan.aligned[index].image.astype(float)
        other = plan.aligned[1 - index].image.astype(float)
        picture = shown(two).astype(float)
        assert np.abs(picture - own).mean() < 6 < np.abs(picture - other).mean()


def test_the_slider_goes_at_the_pace_of_the_identity(two: MorphPage, until) -> None:
    until(lambda: two._pace is not None)
    two.way.slider.setValue(300)
    assert two.place == pytest.approx(float(two._pace(np.array([0.3]))[0]))
    two.controls.even.setChecked(False)
    assert two.place == pytest.approx(0.3)


def test_a_name_below_the_slider_leads_to_its_face(two: MorphPage, qtbot: QtBot) -> None:
    names = two.way.names
    assert names.names == ("astronaut", "grace_hopper")
    end = QPoint(names.width() - 4, names.height() - 4)
    qtbot.mouseClick(names, Qt.LeftButton, pos=end)
    assert two.way.moment == 1.0


def test_space_plays_and_stops(two: MorphPage, until) -> None:
    two.way.slider.setValue(0)
    QTest.keyClick(two, Qt.Key_Space)
    until(lambda: two.way.moment > 0.05)
    QTest.keyClick(two, Qt.Key_Space)
    assert not two.way.playing


def test_the_order_of_the_faces_is_the_order_of_the_way(two: MorphPage, qtbot: QtBot, still) -> None:
    first = two._prepared.plan.photos[0].sha256
    two.well.list.make_current(two.well.model.keys()[0])
    qtbot.mouseClick(two.later, Qt.LeftButton)
    still()
    assert two._prepared.plan.photos[1].sha256 == first


def test_a_shape_beyond_the_end_is_a_caricature(two: MorphPage, still) -> None:
    two.way.slider.setValue(700)
    still()
    before = shown(two)
    two.controls.apart.setChecked(True)
    still()
    assert two.controls.shape.value == pytest.approx(two.place, abs=0.01)
    assert apart(shown(two), before) < 1, "nothing moves before a slider does"
    two.way.slider.setValue(500)
    still()
    assert two.controls.shape.value == pytest.approx(two.place, abs=0.01)
    before = shown(two)
    two.controls.shape.slider.setValue(two.controls.shape.slider.maximum())
    still()
    assert two.controls.settings.shape == 2.0
    assert (shown(two) != before).mean() > 0.2


def test_an_average_has_a_symmetry(two: MorphPage, until) -> None:
    make(two, "average")
    until(lambda: not (two._plans.busy or two._frames.busy))
    two.controls.symmetry.slider.setValue(100)
    until(lambda: not (two._plans.busy or two._frames.busy))
    face = shown(two)[100:200, 78:178].astype(float)
    assert np.abs(face - face[:, ::-1]).mean() < 12


# -- the one face like both ---------------------------------------------------------------------------------
def make(page: MorphPage, kind: Kind) -> None:
    page.controls.kind.setCurrentIndex(page.controls.kind.findData(kind))


def test_one_face_like_both_is_another_than_half_way(two: MorphPage, until, still) -> None:
    two.controls.even.setChecked(False)
    still()
    half_way = shown(two)
    make(two, "alike")
    until(lambda: "like both" in two.canvas.accessibleDescription())
    still()
    assert "like both" not in two.canvas.accessibleDescription()
    assert apart(shown(two), half_way) > 0.5
    assert np.array_equal(shown(two), two.services.morphs.alike(two.plan))
    assert two.way.isHidden() and two.save_button.isEnabled()
    make(two, "way")
    still()
    assert not two.way.isHidden() and two.way.isEnabled()
    assert np.array_equal(shown(two), half_way)


def test_nothing_plays_behind_one_picture(two: MorphPage, still) -> None:
    two.way.toggle()
    make(two, "alike")
    moment = two.way.moment
    for key in (Qt.Key_Space, Qt.Key_Right):
        QTest.keyClick(two, key)
    still()
    for key in (Qt.Key_Space, Qt.Key_Right):
        QTest.keyClick(two, key)
    assert not two.way.playing and two.way.moment == moment


def test_a_kind_that_is_chosen_away_leaves_nothing_behind(two: MorphPage, until, still) -> None:
    two.controls.even.setChecked(False)
    still()
    half_way = shown(two)
    two.controls.symmetry.slider.setValue(100)
    make(two, "alike")
    until(lambda: "like both" in two.canvas.accessibleDescription())
    make(two, "average")
    still()
    make(two, "way")
    two.controls.there_and_back.setChecked(True)
    still()
    until(lambda: two._pace is not None)
    assert two.messages.text == "" and "like both" not in two.canvas.accessibleDescription()
    assert np.array_equal(shown(two), half_way)


def test_what_is_stopped_in_the_jobs_says_so_and_goes_on(
    page: MorphPage, portrait_files: dict[str, Path], services: Services, qtbot: QtBot, still, until
) -> None:
    looking = threading.Event()

    def look(context: JobContext, **_: object) -> None:
        looking.set()
        while True:
            context.check()
            threading.Event().wait(0.005)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(morph_job, "prepare", look)
        page.well.add([PhotoSource.file(portrait_files[name]) for name in ("astronaut", "hopper")])
        until(looking.is_set)
    assert page.canvas.accessibleDescription() == "Looking at the faces…"
    (job,) = (job for job in services.jobs.all() if job.title == "Looking at the faces")
    services.jobs.cancel(job.id)
    until(lambda: page.messages.text == "Stopped.")
    assert page.canvas.accessibleDescription() == ""
    assert page.canvas.empty.title == "Stopped."
    qtbot.mouseClick(page.messages.findChild(QPushButton, "messageAction"), Qt.LeftButton)
    still()
    assert page.save_button.isEnabled()


def test_the_face_like_both_is_saved_as_one_picture(
    two: MorphPage, tmp_path: Path, until, still, read_image, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[str] = []

    def ask(parent: object, title: str, place: str, kinds: str) -> tuple[str, str]:
        offered.append(kinds)
        return str(tmp_path / "both"), kinds

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    two.controls.loop.setChecked(True)
    two.controls.side.setValue(SIDE)
    make(two, "alike")
    still()
    two.save_button.click()
    until(lambda: two.messages.text == "Saved as both.png.")
    assert "Animation" not in offered[0]
    assert [path.name for path in tmp_path.glob("both*")] == ["both.png"]
    assert apart(read_image(tmp_path / "both.png"), shown(two)) < 0.5


def test_of_three_there_is_no_face_like_both(two: MorphPage, photo_files: dict[str, Path], still) -> None:
    make(two, "alike")
    two.well.add([PhotoSource.file(photo_files["astronaut again"])])
    assert "exactly two faces" in two.canvas.empty.title and two.canvas.empty.isVisible()
    assert two.canvas.result is None and not two.save_button.isEnabled()
    make(two, "average")
    still()
    make(two, "alike")
    assert two.canvas.result is None
    two.well.removal_wanted.emit(two.well.model.keys()[2:])
    still()
    assert two.save_button.isEnabled()


def test_a_generator_makes_a_way_only(two: MorphPage) -> None:
    make(two, "alike")
    choose(two, "pca")
    assert two.controls.makes == "way" and not two.way.isHidden()
    choose(two, "landmarks")
    assert two.controls.makes == "way"


# -- files --------------------------------------------------------------------------------------------------
def test_an_animation_is_saved_with_as_many_frames_as_were_asked_for(
    two: MorphPage, tmp_path: Path, until
) -> None:
    two.controls.frames.setValue(8)
    two.controls.side.setValue(128)
    for name in ("morph.gif", "morph.webp", "morph.mp4"):
        two.save(tmp_path / name)
        until(lambda name=name: two.messages.text == f"Saved as {name}.")
        assert _frames(tmp_path / name) == 8


def _frames(path: Path) -> int:
    if path.suffix == ".mp4":
        import av

        with av.open(str(path)) as video:
            return sum(1 for _ in video.decode(video=0))
    from PIL import Image as Pillow

    with Pillow.open(path) as picture:
        return int(picture.n_frames)


def test_a_name_that_is_no_picture_is_refused_with_a_sentence(two: MorphPage, tmp_path: Path) -> None:
    two.save(tmp_path / "morph.txt")
    assert "which kind of file" in two.messages.text


def test_somebody_who_does_not_want_it_is_not_morphed(
    page: MorphPage, services: Services, portrait_files: dict[str, Path], until
) -> None:
    person = services.enrolment.enrol(
        read_photo(portrait_files["astronaut"]), PersonName("Eileen", "Collins")
    ).person
    services.people.set_no_swap(person.id, True)
    page.well.add([PhotoSource.file(portrait_files[name]) for name in ("astronaut", "hopper")])
    until(lambda: "Eileen Collins" in page.messages.text)
    assert page.canvas.result is None


def test_who_is_in_between_is_said(
    two: MorphPage, services: Services, portrait_files: dict[str, Path], tmp_path: Path, until
) -> None:
    for name, first in (("astronaut", "Eileen"), ("hopper", "Grace")):
        services.enrolment.enrol(read_photo(portrait_files[name]), PersonName(first))
    two.save(tmp_path / "middle.png")
    until(lambda: two.messages.text == "Saved as middle.png.")
    two.between.look(tmp_path / "middle.png")
    until(lambda: "Eileen" in two.between.text)
    assert "Grace" in two.between.text


# -- what does not fit --------------------------------------------------------------------------------------
def test_a_photo_without_a_face_takes_the_morph_away(
    two: MorphPage, photo_files: dict[str, Path], until
) -> None:
    """What was shown is no morph of the photos that are listed now."""
    two.well.add([PhotoSource.file(photo_files["nobody"])])
    until(lambda: "No face was found" in two.messages.text)
    assert two.canvas.result is None and not two.save_button.isEnabled()


def test_the_points_of_a_photo_are_corrected_in_one_dialog(two: MorphPage, until) -> None:
    two.well.list.make_current(two.well.model.keys()[0])
    two.edit_points()
    two.edit_points()
    assert len(two.points.dialogs) == 1
    dialog = two.points.dialogs[0]
    until(lambda: dialog._face is not None)
    dialog.close()
    until(lambda: not two.points.dialogs)


def test_the_dialog_offers_the_kinds_that_can_hold_it(
    two: MorphPage, still, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[str] = []

    def ask(parent: object, title: str, place: str, kinds: str) -> tuple[str, str]:
        offered.append(kinds)
        return "", ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    for ground in ("dissolve", "transparent"):
        two.controls.background.setCurrentIndex(two.controls.background.findData(ground))
        still()
        two.save_button.click()
    two.controls.apart.setChecked(True)
    two.save_button.click()
    fading, transparent, own_sliders = offered
    assert "Animation" in fading and "Animation" not in own_sliders
    assert "*.mp4" in fading and "*.png" in fading and "*.jpg" in fading
    assert "*.webp" in transparent and "*.png" in transparent
    assert "*.mp4" not in transparent and "*.jpg" not in transparent


def test_a_name_without_an_ending_gets_that_of_its_kind(
    two: MorphPage, tmp_path: Path, until, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(parent: object, title: str, place: str, kinds: str) -> tuple[str, str]:
        return str(tmp_path / "middle"), kinds.split(";;")[1]

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    two.save_button.click()
    until(lambda: two.messages.text == "Saved as middle.png.")
    assert (tmp_path / "middle.png").is_file()


# -- through the library's faces ----------------------------------------------------------------------------
def choose(page: MorphPage, made_by: str) -> None:
    page.controls.route.setCurrentIndex(page.controls.route.findData(made_by))


def apart(one: Image, other: Image) -> float:
    """The mean difference of two pictures, at a size where both have all their pixels."""
    from faceapp.opencv import cv2

    small = [
        cv2.resize(image, (96, 96), interpolation=cv2.INTER_AREA).astype(float) for image in (one, other)
    ]
    return float(np.abs(small[0] - small[1]).mean())


@pytest.fixture
def library(two: MorphPage, services: Services, still, until) -> MorphPage:
    services.jobs.wait(services.enrolment.start_sample().id)
    choose(two, "pca")
    until(lambda: two._opened is not None)
    still()
    return two


def test_without_a_library_the_photos_themselves_are_the_faces(two: MorphPage, until) -> None:
    choose(two, "pca")
    until(lambda: two._opened is not None)
    assert "these photos alone" in two.made.text()


def test_the_library_draws_the_way(library: MorphPage, still) -> None:
    assert "Drawn from 2 people of your library" in library.made.text()
    before = library._opened.way.before
    for value, index in ((0, 0), (1000, 1)):
        library.way.slider.setValue(value)
        still()
        picture = shown(library)
        assert apart(picture, before[index]) < 6 < apart(picture, before[1 - index])
    with_detail = shown(library)
    library.controls.kept.slider.setValue(0)
    still()
    assert apart(shown(library), with_detail) > 0.5


def test_what_means_nothing_for_a_generator_says_why(library: MorphPage) -> None:
    controls = library.controls
    assert not controls.background.isEnabled() and "own background" in controls.background.toolTip()
    assert not controls.kind.isEnabled() and "warped photos" in controls.kind.toolTip()
    assert controls.apart.isHidden() and not controls.kept.isHidden()
    assert controls.even.isEnabled()
    choose(library, "landmarks")
    assert controls.background.isEnabled() and not controls.apart.isHidden() and controls.kept.isHidden()
    assert controls.settings.detail is None


def test_what_is_saved_is_what_the_slider_shows(
    library: MorphPage, tmp_path: Path, still, until, read_image
) -> None:
    before = library._opened.way.before
    library.way.slider.setValue(0)
    still()
    library.save(tmp_path / "first.png")
    until(lambda: library.messages.text == "Saved as first.png.")
    saved = read_image(tmp_path / "first.png")
    assert apart(saved, before[0]) < 6 < apart(saved, before[1])
    library.controls.frames.setValue(5)
    library.controls.side.setValue(128)
    for name in ("way.gif", "way.apng"):
        library.save(tmp_path / name)
        until(lambda name=name: library.messages.text == f"Saved as {name}.")
        assert _frames(tmp_path / name) == 5


def test_another_order_is_another_way(library: MorphPage, qtbot: QtBot, until) -> None:
    opened = library._opened
    library.well.list.make_current(library.well.model.keys()[0])
    qtbot.mouseClick(library.later, Qt.LeftButton)
    until(lambda: library._opened is not None and library._opened is not opened)
    assert np.array_equal(library._opened.way.before[1], opened.way.before[0])


# -- through a generator ------------------------------------------------------------------------------------
def test_without_weights_it_says_what_is_needed_and_refuses_a_pickle(
    page: MorphPage, services: Services, tmp_path: Path, until
) -> None:
    choose(page, "stylegan2")
    until(lambda: "docs/stylegan2.md" in page.generator.text)
    assert page.generator.add_button.isVisible() and page.generator.search_button.isHidden()
    assert not page.controls.even.isEnabled()
    pickle = tmp_path / "ffhq.pkl"
    pickle.write_bytes(b"\x80\x03}.")
    page.generator.add(pickle)
    until(lambda: "runs the code inside" in page.messages.text)
    other = tmp_path / "text.safetensors"
    other.write_bytes(b"no weights at all")
    page.generator.add(other)
    until(lambda: "text.safetensors cannot be used" in page.messages.text)
    assert not list(services.paths.models.glob("*stylegan2*"))


@pytest.mark.parametrize(("steps", "time"), [(60, "about 1 minute a photo"), (300, "minutes a photo")])
def test_a_generator_says_how_long_a_search_takes(
    page: MorphPage, monkeypatch: pytest.MonkeyPatch, steps: int, time: str
) -> None:
    monkeypatch.setattr(process, "DEFAULT_STEPS", steps)
    page.generator._on_looked(latent_job.GeneratorAbout("Mine", "my own", 32))
    assert time in page.generator.text


def test_a_search_shows_its_way_keeps_its_best_and_goes_on(
    two: MorphPage, services: Services, tmp_path: Path, until, settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "DEFAULT_STEPS", 5000)
    weights = tmp_path / "mine.safetensors"
    save_weights(weights, random_weights(Design((8, 8, 8, 8), 8, 8, 2)))
    panel = two.generator
    choose(two, "stylegan2")
    panel.add(weights)
    until(lambda: "32 pixels" in panel.text and "minutes a photo" in panel.text)
    until(panel.search_button.isEnabled)
    assert two._opened is None and not two.save_button.isEnabled()

    panel.search_button.click()
    until(lambda: panel.plot is not None and len(panel.plot.losses) >= 2)
    assert "Photo 1 of 2" in panel.status and panel.stop_button.isVisible()
    panel.stop_button.click()
    until(lambda: two._opened is not None)
    assert "as far as it came" in panel.status and two.save_button.isEnabled()

    monkeypatch.setattr(process, "DEFAULT_STEPS", 5)
    panel.search_button.click()
    until(lambda: two._opened is None)
    until(lambda: two._opened is not None and not two._frames.busy and two.canvas.result is not None)
    assert "as far as it came" not in panel.status and "mine" not in two.made.text()
    assert "Drawn by the generator" in two.made.text()
    pictures = []
    for value in (0, 1000):
        two.way.slider.setValue(value)
        until(lambda: not two._frames.busy)
        pictures.append(shown(two))
    assert apart(*pictures) > 1
    two.save(tmp_path / "last.png", still=True)
    until(lambda: two.messages.text == "Saved as last.png.")
    way = two._opened.way
    choose(two, "landmarks")
    until(lambda: two._opened is None)
    settle()
    with pytest.raises(ModelUnavailable, match="has ended"):
        way.picture(0.5, MorphSettings(size=64))
