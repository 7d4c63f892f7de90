"""Swaps of photos through the service: real models on real faces."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_photos import jpeg, together
from oddfiles import make_odd_files

from faceapp.edit import results
from faceapp.edit.cast import CastChoices, misfit
from faceapp.edit.faces import EditFace
from faceapp.edit.points import size
from faceapp.edit.provenance import read_marks
from faceapp.edit.swap import SwapSettings
from faceapp.errors import (
    BadRequest,
    Cancelled,
    Conflict,
    FaceAppError,
    Forbidden,
    NotFound,
    StoreUnavailable,
    UnusableFace,
)
from faceapp.jobs import JobContext, State
from faceapp.models.registry import Models
from faceapp.opencv import cv2
from faceapp.pipeline.analysis import TOGETHER
from faceapp.pipeline.photos import decode_photo, find_photos, photo_from_pixels, read_photo
from faceapp.pipeline.tiles import starts
from faceapp.services import Services
from faceapp.services.results import Results
from faceapp.tasks import swap as tasks
from faceapp.tasks.swap import BatchReport, SwapReport
from faceapp.types import Detections, Image, PersonName, Photo

ROOT = Path(__file__).resolve().parents[2]
# Of the many good files of `oddfiles`, one for each way through the loader.
WANTED_ODD = frozenset(
    {"cmyk_adobe.jpg", "colour_16_bit.png", "grey_16_bit.tif", "animated.gif", "orientation_6.jpg"}
)


@pytest.fixture
def eileen(astronaut: Image) -> Photo:
    """The photo of Eileen Collins without the people behind her."""
    return decode_photo(jpeg(np.ascontiguousarray(astronaut[:320])), "eileen.jpg")


@pytest.fixture
def grace(hopper: Image) -> Photo:
    return decode_photo(jpeg(hopper), "grace.jpg")


@pytest.fixture
def crowd(astronaut: Image, hopper: Image) -> Photo:
    """Grace Hopper, Eileen Collins, and Grace Hopper mirrored and smaller: faces 0, 1, 2."""
    head = astronaut[:300]
    mirrored = np.ascontiguousarray(hopper[:, ::-1])
    photo = together(1400, 700, (hopper, 20, 40, 0.9), (head, 500, 60, 1.0), (mirrored, 1050, 100, 0.6))
    return decode_photo(jpeg(photo), "crowd.jpg")


def wall(name: str = "wall.png") -> Photo:
    return photo_from_pixels(np.full((300, 400, 3), 90, np.uint8), name)


def enrol(services: Services, photo: Photo, name: str) -> int:
    return services.enrolment.enrol(photo, PersonName.parse(name), face=0, anyway=True).person.id


# -- casting ----------------------------------------------------------------------------------------


def test_faces_are_read_once_and_counted_from_the_left(services: Services, crowd: Photo) -> None:
    faces = services.swaps.read(crowd)
    assert len(faces) == 3
    centres = [face.face.box.centre[0] for face in faces]
    assert centres == sorted(centres)
    assert services.swaps.read(crowd) is faces


def test_each_source_goes_to_its_lookalike(
    services: Services, eileen: Photo, grace: Photo, crowd: Photo
) -> None:
    plan = services.swaps.plan([eileen, grace], crowd)
    assert [cast.source for cast in plan.casts].count(0) == 1
    assert plan.casts[1].source == 0
    assert [plan.casts[0].source, plan.casts[2].source].count(1) == 1
    for cast in plan.casts:
        if cast.source is not None:
            assert cast.distance == pytest.approx(float(plan.distances[cast.target, cast.source]))
            assert plan.reason(cast.target) == ""
        else:
            assert plan.reason(cast.target) == "Every source is used for another face."
    assert plan.title == "2 of 3 faces swapped"
    turned_round = services.swaps.plan([grace, eileen], crowd)
    assert [cast.source for cast in turned_round.casts] == [
        None if cast.source is None else 1 - cast.source for cast in plan.casts
    ]


def test_everyone_locks_and_faces_left_alone(
    services: Services, eileen: Photo, grace: Photo, crowd: Photo
) -> None:
    plan = services.swaps.plan([eileen, grace], crowd, CastChoices(everyone=True))
    assert [cast.source for cast in plan.casts] == [1, 0, 1]
    choices = CastChoices(locks={1: 1}, leave=frozenset({0}))
    plan = services.swaps.plan([eileen, grace], crowd, choices)
    assert plan.casts[1].source == 1
    assert plan.casts[1].locked
    assert plan.casts[0].source is None
    assert plan.reason(0) == "It is to be left alone."
    with pytest.raises(BadRequest):
        services.swaps.plan([eileen], crowd, CastChoices(locks={0: 7}))


def test_only_lookalikes_up_to_a_distance(services: Services, eileen: Photo, crowd: Photo) -> None:
    same = services.recognition.threshold_among(1)
    plan = services.swaps.plan([eileen], crowd, CastChoices(everyone=True, max_distance=same))
    assert [cast.source for cast in plan.casts] == [None, 0, None]
    assert plan.reason(0) == "No source is near enough."
    nobody = services.swaps.plan([eileen], crowd, CastChoices(leave=frozenset({1}), max_distance=same))
    with pytest.raises(UnusableFace) as refused:
        services.swaps.render(nobody)
    assert refused.value.code == "nobody_near"


def test_a_tapped_face_alone_is_changed(services: Services, eileen: Photo, crowd: Photo) -> None:
    x, y = services.swaps.read(crowd)[2].face.box.centre
    plan = services.swaps.plan([eileen], crowd, CastChoices(points=((x, y),)))
    assert [cast.source for cast in plan.casts] == [None, None, 0]
    plan = services.swaps.plan([eileen], crowd, CastChoices(points=((2.0, 2.0),)))
    with pytest.raises(UnusableFace) as refused:
        services.swaps.render(plan)
    assert refused.value.code == "no_face_there"


def test_several_photos_of_one_person_are_one_source(
    services: Services, grace: Photo, hopper: Image, crowd: Photo
) -> None:
    again = decode_photo(jpeg(np.ascontiguousarray(hopper[:, ::-1])), "mirrored.jpg")
    plan = services.swaps.plan([grace, again], crowd, CastChoices(everyone=True))
    assert [len(person.faces) for person in plan.people] == [2]
    for face, shown in zip(plan.faces, plan.shown, strict=True):
        assert shown is not None
        both = [misfit(face, each.face) for each in plan.people[0].faces]
        assert misfit(face, shown.face) == min(both)
    apart = services.swaps.plan([grace, again], crowd, CastChoices(people=(((0, 0),), ((1, 0),))))
    assert [len(person.faces) for person in apart.people] == [1, 1]


def test_a_source_photo_with_two_people_is_two_sources(
    services: Services, crowd: Photo, astronaut: Image, hopper: Image
) -> None:
    both = decode_photo(jpeg(together(1000, 600, (astronaut[:300], 0, 0, 1.0), (hopper, 520, 0, 0.9))))
    plan = services.swaps.plan([both], crowd)
    assert len(plan.people) == 2
    assert plan.casts[1].source == 0
    one = services.swaps.plan([both], crowd, CastChoices(faces=frozenset({(0, 1)})))
    assert [shown.number for person in one.people for shown in person.faces] == [1]


# -- pixels -----------------------------------------------------------------------------------------


def test_the_result_is_the_source_and_the_rest_is_untouched(
    services: Services, grace: Photo, crowd: Photo
) -> None:
    plan = services.swaps.plan([grace], crowd, CastChoices(locks={1: 0}, leave=frozenset({0, 2})))
    result = services.swaps.render(plan)
    (card,) = result.cards
    assert (card.target, card.source, card.found) == (1, 0, True)
    assert card.to_source < card.to_target
    assert card.recognised
    assert card.sentences[0] == "This program would recognise the source."
    assert 0.5 < card.seam < 1.5
    assert result.image.shape == crowd.image.shape
    changed = (result.image != crowd.image).any(axis=2)
    box = plan.faces[1].face.box
    y, x = np.nonzero(changed)
    assert len(y) > 0.2 * box.width * box.height
    assert x.min() > box.x1 - box.width and x.max() < box.x2 + box.width
    assert y.min() > box.y1 - box.height and y.max() < box.y2 + box.height


def test_cards_tell_a_swap_from_none(services: Services, grace: Photo, crowd: Photo) -> None:
    """With the source invisible the card must say that nothing has changed."""
    plan = services.swaps.plan([grace], crowd, CastChoices(locks={1: 0}, leave=frozenset({0, 2})))
    (full,) = services.swaps.render(plan).cards
    (nothing,) = services.swaps.render(plan, SwapSettings(opacity=0.0)).cards
    assert nothing.to_target < 0.01 < full.to_target
    assert nothing.to_source > full.to_source
    assert nothing.expression < full.expression
    assert not nothing.recognised
    assert "still recognise the person who was there before" in nothing.sentences[0]
    assert nothing.seam == pytest.approx(1.0)
    assert nothing.doubt > 1


def test_likeness_goes_from_expression_to_source(services: Services, grace: Photo, crowd: Photo) -> None:
    plan = services.swaps.plan([grace], crowd, CastChoices(locks={1: 0}, leave=frozenset({0, 2})))
    cards = [
        services.swaps.render(plan, services.swaps.settings(preset=name)).cards[0]
        for name in ("Expression", "Likeness")
    ]
    assert cards[0].expression < cards[1].expression
    assert cards[0].to_source > cards[1].to_source


def test_the_preview_is_the_result_but_smaller(services: Services, grace: Photo, crowd: Photo) -> None:
    plan = services.swaps.plan([grace], crowd)
    full = services.swaps.render(plan).image
    assert np.array_equal(services.swaps.preview(plan, max_side=None), full)
    small = services.swaps.preview(plan, max_side=700)
    assert small.shape == (350, 700, 3)
    shrunk = cv2.resize(full, (700, 350), interpolation=cv2.INTER_AREA).astype(int)
    original = cv2.resize(crowd.image, (700, 350), interpolation=cv2.INTER_AREA).astype(int)
    changed = abs(shrunk - original).max(axis=2) > 8
    assert changed.any()
    assert abs(small.astype(int) - shrunk)[changed].mean() < 0.5 * abs(shrunk - original)[changed].mean()


def test_a_plan_without_a_source_previews_as_the_target(services: Services, crowd: Photo) -> None:
    plan = services.swaps.plan([], crowd)
    assert np.array_equal(services.swaps.preview(plan, max_side=None), crowd.image)
    with pytest.raises(BadRequest):
        services.swaps.render(plan)


def test_photos_without_a_face_have_sentences(services: Services, grace: Photo, crowd: Photo) -> None:
    for sources, target, code, words in (
        ([grace], wall(), "no_target_face", "No face was found on “wall.png”."),
        ([wall()], crowd, "no_source_face", "No face was found on “wall.png”."),
    ):
        plan = services.swaps.plan(sources, target)
        with pytest.raises(UnusableFace) as refused:
            services.swaps.render(plan)
        assert refused.value.code == code
        assert words in refused.value.sentence
        assert refused.value.hint
    result = services.swaps.render(services.swaps.plan([wall(), grace], crowd))
    assert len(result.cards) == 1
    assert "No face was found on “wall.png”." in result.remarks[0]


@pytest.mark.parametrize("cut", ["left", "right", "top", "bottom", "corner"])
def test_faces_cut_off_by_the_border(services: Services, grace: Photo, hopper: Image, cut: str) -> None:
    """A result of the same size, or a sentence."""
    face = services.swaps.read(grace)[0].face.box
    x, y = (round(value) for value in face.centre)
    part = {
        "left": hopper[:, x:],
        "right": hopper[:, :x],
        "top": hopper[y - 20 :],
        "bottom": hopper[: y + 30],
        "corner": hopper[y - 40 :, x - 30 :],
    }[cut]
    target = photo_from_pixels(np.ascontiguousarray(part))
    plan = services.swaps.plan([grace], target)
    try:
        result = services.swaps.render(plan)
    except FaceAppError as refused:
        assert refused.sentence.endswith(".")
    else:
        assert result.image.shape == part.shape
        assert len(result.cards) == len(plan.pairs)


def test_tiny_faces_are_left_with_a_sentence(services: Services, grace: Photo, hopper: Image) -> None:
    tiny = together(320, 240, (hopper, 100, 80, 0.06))
    plan = services.swaps.plan([grace], photo_from_pixels(tiny), CastChoices(far=True))
    with pytest.raises(UnusableFace) as refused:
        services.swaps.render(plan)
    assert refused.value.code in ("no_target_face", "all_left")


def test_a_face_whose_points_are_lost_is_left_unless_the_user_says_so(
    services: Services, grace: Photo, crowd: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its points are where no face is: on a third of its width beside it."""
    faces = services.swaps.read(crowd)
    moved = replace(faces[1], points=faces[1].points + np.float32([0.4 * size(faces[1].points), 0]))
    read = services.swaps.read

    def lost(photo: Photo, far: bool = False) -> tuple[EditFace, ...]:
        return (faces[0], moved, faces[2]) if photo is crowd else read(photo, far)

    monkeypatch.setattr(services.swaps, "read", lost)
    plan = services.swaps.plan([grace], crowd, CastChoices(everyone=True))
    assert [cast.source for cast in plan.casts] == [0, None, 0]
    assert plan.barred[1].code == "points_lost"
    assert plan.reason(1).endswith(".") and plan.barred[1].hint
    plan = services.swaps.plan([grace], crowd, CastChoices(locks={1: 0}, leave=frozenset({0, 2})))
    (card,) = services.swaps.render(plan).cards
    assert "The face is turned far or partly hidden: it may be misplaced." in card.sentences
    assert card.doubt > 1


# -- consent ----------------------------------------------------------------------------------------


def test_nobody_who_does_not_want_it_is_swapped(
    services: Services, eileen: Photo, grace: Photo, crowd: Photo
) -> None:
    person = enrol(services, grace, "Grace Hopper")
    assert services.swaps.plan([eileen, grace], crowd).title == "Grace Hopper and 1 other among 3 faces"
    services.people.set_no_swap(person, True)
    plan = services.swaps.plan([eileen, grace], crowd, CastChoices(everyone=True))
    assert [cast.source for cast in plan.casts] == [None, 0, None]
    assert {refusal.code for refusal in plan.refusals} == {"no_swap"}
    assert "Grace Hopper is marked “no swap”" in plan.reason(0)
    said = services.swaps.render(plan).remarks
    assert said and all("Grace Hopper" in remark for remark in said)
    # A lock does not change it, neither for the face nor for the source.
    locked = services.swaps.plan([eileen], crowd, CastChoices(locks={0: 0}))
    assert locked.casts[0].source is None
    with pytest.raises(BadRequest):
        services.swaps.plan([grace], crowd, CastChoices(locks={1: 0}))
    with pytest.raises(Forbidden) as refused:
        services.swaps.render(services.swaps.plan([grace], crowd))
    assert refused.value.code == "no_swap"
    assert "Grace Hopper" in refused.value.sentence
    services.people.set_no_swap(person, False)
    assert services.swaps.plan([grace], crowd).pairs


# -- files and jobs ---------------------------------------------------------------------------------


def test_a_photo_is_swapped_as_a_job(
    services: Services, eileen: Photo, grace: Photo, crowd: Photo, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "mix.png"
    job = services.jobs.wait(services.swaps.start_photo([eileen, grace], crowd, out).id, 60)
    assert job.state is State.SUCCEEDED
    report: SwapReport = job.result
    assert report.out == str(out)
    assert [bool(face.card) for face in report.faces].count(True) == 2
    (left,) = [face.reason for face in report.faces if not face.card]
    assert left == "Every source is used for another face."
    again = services.swaps.render(services.swaps.plan([eileen, grace], crowd))
    assert np.array_equal(read_photo(out).image, again.image)
    assert read_marks(out).kind == "face swap"
    assert [path.name for path in out.parent.iterdir()] == ["mix.png"]


def test_a_report_says_what_the_result_has_not(
    services: Services, eileen: Photo, hopper: Image, tmp_path: Path
) -> None:
    wide = cv2.cvtColor(hopper, cv2.COLOR_BGR2BGRA).astype(np.uint16) * 257
    wide[:20, :, 3] = 0
    target = decode_photo(cv2.imencode(".png", wide)[1].tobytes(), "wide.png")
    report = tasks.swap_photo(JobContext.silent(), services.swaps, [eileen], target, tmp_path / "mix.png")
    bits, transparent = report.remarks
    assert "8 bits" in bits and "transparent" in transparent


def test_no_source_is_written_over(services: Services, tmp_path: Path, grace: Photo, crowd: Photo) -> None:
    own = tmp_path / "grace.jpg"
    own.write_bytes(grace.data or b"")
    before = own.read_bytes()
    with pytest.raises(Conflict):
        services.swaps.start_photo([read_photo(own)], crowd, own)
    with pytest.raises(BadRequest):
        services.swaps.start_photo([grace], crowd, tmp_path / "mix.gif")
    with pytest.raises(BadRequest):
        services.swaps.start_batch([grace], tmp_path, tmp_path)
    assert own.read_bytes() == before


def test_a_cancelled_job_leaves_nothing(
    services: Services, grace: Photo, crowd: Photo, tmp_path: Path
) -> None:
    """Cancelled at every point at which it can be."""
    out = tmp_path / "mix.jpg"
    stopped = 0
    for point in range(20):
        asked = iter(range(100))
        context = JobContext(lambda **_: None, lambda asked=asked, point=point: next(asked) >= point)
        try:
            tasks.swap_photo(context, services.swaps, sources=[grace], target=crowd, out=out)
        except Cancelled:
            assert list(tmp_path.iterdir()) == [tmp_path / "data"]
            stopped += 1
        else:
            break
    assert stopped >= 5
    assert out.exists()


def test_a_swap_of_many_faces_can_be_cancelled_between_them(
    services: Services, eileen: Photo, grace: Photo, tmp_path: Path
) -> None:
    """Before each tile that is searched, before every few that are embedded, before each that is swapped."""
    head = cv2.resize(eileen.image[:300], (240, 240))
    crowd = photo_from_pixels(np.tile(head, (4, 5, 1)), "crowd.png")
    asked = 0

    def ask() -> bool:
        nonlocal asked
        asked += 1
        return False

    choices = CastChoices(everyone=True, far=True)
    context = JobContext(lambda **_: None, ask)
    report = tasks.swap_photo(context, services.swaps, [grace], crowd, tmp_path / "mix.png", None, choices)
    tiles, faces = len(starts(crowd.height)) * len(starts(crowd.width)), len(report.swapped)
    assert faces > TOGETHER
    assert asked >= 2 * (tiles + faces // TOGETHER) + faces


def test_faces_that_are_embedded_a_few_at_a_time_have_the_same_vectors(
    services: Services, models: Models, eileen: Photo
) -> None:
    found = models.detector().detect(eileen.image)
    assert found.landmarks is not None
    moves = np.arange(TOGETHER + 5, dtype=np.float32) * 2
    many = Detections(
        found.boxes[:1] + moves[:, None], np.ones_like(moves), found.landmarks[:1] + moves[:, None, None]
    )
    rows = services.analyser.embed(eileen.image, many, 2, lambda: None)
    embedder = models.embedder(services.analyser.model_key)
    assert np.array_equal(rows, embedder.embed(eileen.image, many, 2))
    assert len(np.unique(rows, axis=0)) > 5, "they are not one face only"


@pytest.fixture
def album(tmp_path: Path, astronaut: Image, hopper: Image) -> Path:
    folder = tmp_path / "album"
    (folder / "deeper").mkdir(parents=True)
    (folder / "1 broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    (folder / "2 wall.jpg").write_bytes(jpeg(wall().image))
    (folder / "3 grace.jpg").write_bytes(jpeg(hopper))
    (folder / "deeper" / "4 eileen.jpg").write_bytes(jpeg(np.ascontiguousarray(astronaut[:300])))
    return folder


def test_a_folder_with_bad_photos_is_swapped_to_its_end(
    services: Services, grace: Photo, album: Path
) -> None:
    out = album / "swapped"
    for _ in range(2):  # the results of the first run are no targets of the second
        job = services.jobs.wait(services.swaps.start_batch([grace], album, out).id, 60)
        report: BatchReport = job.result
        assert sorted(path.relative_to(out).as_posix() for path in find_photos(out)) == [
            "3 grace.jpg", "deeper/4 eileen.jpg",
        ]  # fmt: skip
        assert [Path(skipped.path).name for skipped in report.skipped] == ["1 broken.jpg", "2 wall.jpg"]
        assert all(skipped.reason for skipped in report.skipped)
        doubts = [result.doubt for result in report.results]
        assert doubts == sorted(doubts, reverse=True)
        assert Path(report.results[-1].target).name == "3 grace.jpg", "her own face is the least doubtful"


def test_a_folder_is_not_begun_without_a_source(services: Services, album: Path) -> None:
    job = services.jobs.wait(services.swaps.start_batch([wall()], album, album / "out").id, 60)
    assert job.error is not None and job.error.code == "no_source_face"
    assert not (album / "out").exists()


def test_a_disk_that_is_full_ends_the_folder(
    services: Services, grace: Photo, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other photo would be worked on in vain."""
    replaced, out = os.replace, album.parent / "out"

    def full(old: Path, new: Path) -> None:
        if Path(new).name == "4 eileen.jpg":
            raise OSError(errno.ENOSPC, "No space left on device")
        replaced(old, new)

    monkeypatch.setattr(results.os, "replace", full)
    job = services.jobs.wait(services.swaps.start_batch([grace], album, out).id, 60)
    assert job.error is not None and job.error.code == "disk_full"
    assert [path.name for path in out.rglob("*") if path.is_file()] == ["3 grace.jpg"]


def test_a_cancelled_folder_keeps_what_is_done(services: Services, grace: Photo, album: Path) -> None:
    out = album.parent / "out"
    done: list[int] = []
    context = JobContext(lambda **told: done.append(told["done"]), lambda: bool(done) and done[-1] >= 3)
    with pytest.raises(Cancelled):
        tasks.swap_folder(context, services.swaps, sources=[grace], folder=album, out=out)
    written = [path for path in out.rglob("*") if path.is_file()]
    assert written, "the third photo is the first with a face"
    for path in written:
        assert path.suffix == ".jpg" and not path.name.startswith(".")
        assert read_photo(path).image.size


def test_odd_files_are_results_or_sentences(
    services: Services, eileen: Photo, portrait_files: dict[str, Path], tmp_path: Path
) -> None:
    """CMYK, 16 bits, rotated, animated, broken, misnamed: as targets of one run."""
    folder, out = tmp_path / "odd", tmp_path / "out"
    folder.mkdir()
    expected = make_odd_files(folder, portrait_files["hopper"])
    for path in find_photos(folder):
        if path.name not in WANTED_ODD and expected.get(path.name) == "photo":
            path.unlink()
    job = services.jobs.wait(services.swaps.start_batch([eileen], folder, out).id, 120)
    assert job.state is State.SUCCEEDED, job.error
    report: BatchReport = job.result
    swapped = {Path(result.target).name for result in report.results}
    skipped = {Path(entry.path).name: entry.reason for entry in report.skipped}
    assert len(swapped) >= 5
    assert all(reason.strip() for reason in skipped.values())
    assert {name for name in swapped if expected.get(name) == "refused"} == set()
    assert {Path(result.out) for result in report.results} == set(find_photos(out))
    for result in report.results:
        assert read_photo(result.out).image.shape == read_photo(result.target).image.shape


def test_a_kill_while_saving_leaves_no_half_result(tmp_path: Path, portrait_files: dict[str, Path]) -> None:
    """The process is killed when all is written but the name."""
    out, ready = tmp_path / "mix.jpg", tmp_path / "ready"
    program = f"""
import os, sys, time
from pathlib import Path
import main
rename = os.replace
def hang(source, place):
    if str(place) == {str(out)!r}:
        Path({str(ready)!r}).write_text(str(source))
        time.sleep(60)
    rename(source, place)
os.replace = hang
main.main(sys.argv[1:])
"""
    words = ["--data-dir", tmp_path / "data", "swap", "--faces", portrait_files["hopper"],
             "--into", portrait_files["astronaut"], "--out", out]  # fmt: skip
    with subprocess.Popen([sys.executable, "-c", program, *map(str, words)], cwd=ROOT) as started:
        end = time.monotonic() + 90
        while not ready.exists() and started.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        os.kill(started.pid, signal.SIGKILL)
    assert ready.exists(), "it never came to the end"
    assert not out.exists()


# -- presets and results ----------------------------------------------------------------------------


def test_presets_are_kept(services: Services) -> None:
    swaps = services.swaps
    assert list(swaps.presets()) == ["Likeness", "Balanced", "Expression"]
    mine = swaps.settings(preset="balanced", likeness=0.7, colour="lab")
    swaps.save_preset("  My  own ", mine)
    assert swaps.presets()["My own"] == mine
    assert swaps.settings(preset="MY OWN") == mine
    swaps.save_preset("my own", swaps.settings(mine, likeness=0.1))
    assert [name for name in swaps.presets() if name.casefold() == "my own"] == ["my own"]
    swaps.delete_preset("My own")
    assert list(swaps.presets()) == ["Likeness", "Balanced", "Expression"]
    with pytest.raises(NotFound):
        swaps.settings(preset="My own")
    for refused in ("", "Likeness", "likeness", "x" * 100):
        with pytest.raises(BadRequest):
            swaps.save_preset(refused, mine)
    with pytest.raises(BadRequest):
        swaps.delete_preset("Balanced")


@pytest.mark.parametrize(
    "values", [{"likeness": 1.5}, {"likeness": True}, {"colour": "red"}, {"keep_mouth": 1}, {"nothing": 1}]
)
def test_settings_that_cannot_be(services: Services, values: dict[str, object]) -> None:
    with pytest.raises(BadRequest) as refused:
        services.swaps.settings(**values)  # type: ignore[arg-type]
    assert next(iter(values)) in refused.value.sentence


def test_a_file_of_presets_that_is_broken_or_from_another_version(services: Services) -> None:
    place = services.paths.data / "swap_presets.json"
    place.write_text(json.dumps({"Old": {"likeness": 0.3, "gone": 1, "colour": "red"}, "odd": 3}))
    assert services.swaps.presets()["Old"] == services.swaps.settings(likeness=0.3)
    place.write_text("{broken")
    assert list(services.swaps.presets()) == ["Likeness", "Balanced", "Expression"]
    with pytest.raises(StoreUnavailable):
        services.swaps.save_preset("New", SwapSettings())
    assert place.read_text() == "{broken"


def test_results_are_bounded_and_deleted(tmp_path: Path) -> None:
    results = Results(tmp_path / "results", kept=3)
    places = [results.place(".jpg") for _ in range(5)]
    for place in places[2:]:
        place.write_bytes(b"x")
    assert [results.holds(place) for place in places] == [False, False, True, True, True]
    newest = results.place(".jpg")
    assert not places[2].exists()
    assert not results.holds(newest), "nothing is there yet"
    stale = tmp_path / "results" / "run-old"
    stale.mkdir()
    os.utime(stale, (0, 0))
    other = Results(tmp_path / "results")
    other.place(".jpg")
    assert not stale.exists()
    assert places[3].exists(), "another process's results stay"
    results.close()
    other.close()
    assert list((tmp_path / "results").iterdir()) == []


# -- real photos ------------------------------------------------------------------------------------


def test_a_real_crowd(services: Services, data_dir: Path, read_image: Callable[[Path], Image]) -> None:
    """Every face of a group photo gets the nearest of three people."""
    portraits = [read_photo(data_dir / "portraits" / f"{name}.jpg") for name in ("obama", "biden", "obama2")]
    target = read_photo(data_dir / "crowd" / "46.jpg")
    plan = services.swaps.plan(portraits, target, CastChoices(everyone=True, max_turn=180))
    assert [len(person.faces) for person in plan.people] == [2, 1]
    assert len(plan.faces) >= 12
    result = services.swaps.render(plan)
    left = {cast.target for cast in plan.casts} - {card.target for card in result.cards}
    assert left == set(plan.barred)
    assert len(left) <= 4, "men who are seen from the side"
    assert {plan.barred[face].code for face in left} <= {"points_lost"}
    nearer = [card.to_source < card.to_target for card in result.cards]
    assert sum(nearer) >= 0.7 * len(nearer)
