"""The morph service: plans and sliders, jobs and files, refusals, and who is in between."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image as Pillow

from faceapp.edit import provenance
from faceapp.edit.balance import Mixture
from faceapp.errors import BadRequest, Cancelled, Conflict, Forbidden, UnusableFace
from faceapp.jobs import Job, JobContext
from faceapp.opencv import cv2
from faceapp.pipeline.photos import photo_from_pixels, read_photo
from faceapp.search import between
from faceapp.services import Services
from faceapp.services.morphs import MorphSettings, background
from faceapp.tasks.morph import MorphReport, mixed
from faceapp.types import Floats, Image, PersonName, Photo

SMALL = MorphSettings(size=160, frames=8, seconds=0.8)


@pytest.fixture
def photos(portrait_files: dict[str, Path]) -> list[Photo]:
    return [read_photo(portrait_files[name]) for name in ("astronaut", "hopper")]


def done(services: Services, job: Job) -> MorphReport:
    job = services.jobs.wait(job.id, 120)
    if job.error is not None:
        raise job.error
    assert isinstance(job.result, MorphReport)
    return job.result


def enrol(services: Services, portrait_files: dict[str, Path]) -> None:
    for first, key in (("Eileen", "astronaut"), ("Grace", "hopper")):
        services.enrolment.enrol(read_photo(portrait_files[key]), PersonName(first), face=0, anyway=True)


# -- mixtures ---------------------------------------------------------------------------------------


def test_a_slider_changes_the_face_on_its_way(services: Services, photos: list[Photo]) -> None:
    plan = services.morphs.plan(photos, SMALL)
    shown = [services.morphs.frame(plan, place).astype(int) for place in (0, 0.25, 0.5, 0.75, 1)]
    from_first = [np.abs(frame - shown[0]).mean() for frame in shown]
    assert from_first == sorted(from_first) and from_first[1] > 1
    clear = services.morphs.plan(photos, MorphSettings(size=160, background=background("transparent")))
    assert services.morphs.frame(clear, 0.5).shape == (160, 160, 4)


def test_identity_moves_evenly(services: Services, photos: list[Photo]) -> None:
    plan = services.morphs.plan(photos, MorphSettings(size=200))
    places = services.morphs.pace(plan)(np.linspace(0, 1, 7))
    rows = services.morphs.embedded(plan, places)
    steps = np.linalg.norm(np.diff(rows, axis=0), axis=1)
    assert steps.max() / steps.mean() < 1.3


def test_the_middle_is_more_like_both_than_half_way(services: Services, photos: list[Photo]) -> None:
    plan = services.morphs.plan(photos, MorphSettings(size=320))
    pictures = [services.morphs.frame(plan, place) for place in (0, 0.5, 1)] + [services.morphs.alike(plan)]
    rows = [services.analyser.faces(image)[0].embedding for image in pictures]
    assert all(row is not None for row in rows)
    first, half, last, here = np.array(rows)
    assert min(first @ here, last @ here) > min(first @ half, last @ half) + 0.01
    assert abs(first @ here - last @ here) < 0.02
    moved = services.morphs.middle(plan).moved
    assert moved is not None and 0.005 < np.abs(moved).max() < 0.15


def test_the_middle_does_not_depend_on_the_size_and_a_shape_of_ones_own_stays(
    services: Services, photos: list[Photo]
) -> None:
    small, large = (services.morphs.plan(photos, MorphSettings(size=size)) for size in (160, 480))
    one, other = services.morphs.middle(small), services.morphs.middle(large)
    assert one.moved is not None and other.moved is not None
    assert np.array_equal(one.places, other.places) and np.array_equal(one.moved, other.moved)
    own = replace(small, settings=replace(small.settings, shape=0.2))
    assert np.allclose(mixed(own, one).points, mixed(own, Mixture.at(0.5)).points)
    assert not np.allclose(mixed(small, one).points, mixed(small, Mixture.at(0.5)).points)


def test_points_placed_by_hand_go_before_found_ones(services: Services, photos: list[Photo]) -> None:
    found = services.morphs.read(photos[1])[0].points
    moved = found.copy()
    moved[[48, 54]] += np.float32(((-9, 4), (9, 4)))
    plain = services.morphs.plan(photos, SMALL)
    own = services.morphs.plan(photos, SMALL, points=[None, moved])
    assert np.allclose(own.faces[1].points, moved)
    assert np.abs(own.stack.shapes[1] - plain.stack.shapes[1]).max() > 2
    assert np.array_equal(own.stack.shapes[0], plain.stack.shapes[0])


def test_points_kept_in_the_library_are_used(
    services: Services, photos: list[Photo], portrait_files: dict[str, Path]
) -> None:
    enrol(services, portrait_files)
    (person,) = services.people.find("Grace")
    (stored,) = services.people.faces(person.id)
    moved = services.morphs.read(photos[1])[0].points + np.float32((3, -2))
    services.people.set_points(stored.id, moved)
    assert np.allclose(services.morphs.plan(photos, SMALL).faces[1].points, moved)
    photo, index = services.morphs.enrolled(stored.id)
    assert (photo.sha256, index) == (photos[1].sha256, 0)


def test_an_enrolled_face_whose_photo_is_gone_has_its_crop(
    services: Services, tmp_path: Path, portrait_files: dict[str, Path]
) -> None:
    copy = tmp_path / "gone.jpg"
    copy.write_bytes(portrait_files["hopper"].read_bytes())
    face = services.enrolment.enrol(read_photo(copy), PersonName("Grace"), face=0).face
    copy.unlink()
    photo, index = services.morphs.enrolled(face.id)
    assert index == 0 and len(services.morphs.read(photo)) == 1


def test_what_to_expect_is_said(services: Services, photos: list[Photo], hopper: Image) -> None:
    """Two faces on one photo, one of them small; and a face of a few pixels."""
    both = np.zeros((600, 1024, 3), np.uint8)
    both[:, :512] = hopper
    both[100:400, 600:856] = cv2.resize(hopper, (256, 300), interpolation=cv2.INTER_AREA)
    tiny = cv2.resize(hopper, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    crowd = photo_from_pixels(both, "both.png")
    plan = services.morphs.plan([crowd, photo_from_pixels(tiny, "tiny.png")], MorphSettings(size=400))
    assert any("2 faces on “both.png”: the one that it is about is used" in note for note in plan.remarks)
    assert any("“tiny.png” is small" in remark for remark in plan.remarks)
    assert plan.faces[0].face.box.x2 < 512
    same = services.morphs.plan([photos[0], replace(photos[0], name="copy.png")], SMALL)
    assert any("one and the same" in remark for remark in same.remarks)
    assert not any("one and the same" in remark for remark in services.morphs.plan(photos, SMALL).remarks)


def test_the_face_that_a_photo_is_about_is_taken_before_a_bigger_one_at_its_edge(
    services: Services, astronaut: Image, hopper: Image
) -> None:
    """As the upload, which a morph over REST starts from, chooses it."""
    photo = np.full((700, 1500, 3), 127, np.uint8)
    photo[100:600, 550:950] = cv2.resize(hopper[:500, 50:450], (400, 500), interpolation=cv2.INTER_AREA)
    photo[:, 1200:] = cv2.resize(astronaut[:300, 130:330], None, fx=2.4, fy=2.4)[:700, :300]
    faces = services.morphs.read(photo_from_pixels(photo, "edge.png"))
    assert len(faces) == 2
    assert faces[0].face.box.x2 < 1000 < faces[1].face.box.x1
    assert faces[0].face.box.width < faces[1].face.box.width


def test_a_report_has_the_places_and_the_size_of_the_file(
    services: Services, photos: list[Photo], tmp_path: Path
) -> None:
    beyond = replace(SMALL, shape=1.5, colour=1.5, detail=1.5)
    report = done(services, services.morphs.start_picture(photos, tmp_path / "beyond.png", beyond))
    assert report.place == pytest.approx(1.5)
    odd = replace(SMALL, size=97, frames=2)
    report = done(services, services.morphs.start_sequence(photos, tmp_path / "odd.mp4", odd))
    with av.open(report.out) as film:
        assert film.streams.video[0].width == report.size == 96


def test_grey_turned_and_cut_photos_have_a_result(services: Services, photos: list[Photo]) -> None:
    astronaut = photos[0].image
    grey = cv2.cvtColor(cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    x, y = services.morphs.read(photos[0])[0].points.max(0).astype(int)
    cut = np.ascontiguousarray(astronaut[: y + 5, : x + 5])
    turned = cv2.warpAffine(astronaut, cv2.getRotationMatrix2D((220, 120), 30, 1.0), (512, 512))
    for other in (grey, cut, turned):
        plan = services.morphs.plan([photos[1], photo_from_pixels(other)], SMALL)
        shown = services.morphs.frame(plan, 0.5)
        assert shown.shape == (160, 160, 3) and shown.std() > 20


def test_a_hat_glasses_and_a_turned_head_have_a_result_and_a_sentence(
    services: Services, data_dir: Path
) -> None:
    """There is a face on the mixture; two heads that look different ways are remarked on."""
    names = ("Alex_Barros", "Frank_Griswold", "Joseph_Blatter")
    files = [data_dir / "faces" / "lfw" / name / f"{name}_0001.jpg" for name in names]
    hat, glasses, turned = (read_photo(file) for file in files)
    for other, turns in ((glasses, False), (turned, True)):
        plan = services.morphs.plan([hat, other], SMALL)
        assert services.morphs.read(photo_from_pixels(services.morphs.frame(plan, 0.5)))
        assert any("heads are turned" in remark for remark in plan.remarks) == turns


# -- files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".apng"])
def test_a_sequence_has_the_frames_that_were_asked_for_and_says_what_it_is(
    services: Services, photos: list[Photo], tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"morph{suffix}"
    report = done(services, services.morphs.start_sequence(photos, out, SMALL))
    assert (report.kind, report.frames, report.size, report.route) == ("sequence", 8, 160, "landmarks")
    with Pillow.open(out) as film:
        assert (film.n_frames, film.size) == (8, (160, 160))
    assert provenance.read_marks(out).kind == "morph"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [out.name]


def test_a_video_of_three_people_round_and_round(
    services: Services, photos: list[Photo], tmp_path: Path, hopper: Image
) -> None:
    import av

    third = photo_from_pixels(np.ascontiguousarray(hopper[:, ::-1]), "mirrored")
    out = tmp_path / "three.mp4"
    settings = MorphSettings(size=128, frames=9, seconds=0.9, loop=True, ease=True, even=False)
    report = done(services, services.morphs.start_sequence([*photos, third], out, settings))
    assert report.photos == ("astronaut.png", "grace_hopper.jpg", "mirrored")
    with av.open(str(out)) as film:
        shown = [frame.to_ndarray(format="bgr24").astype(int) for frame in film.decode(video=0)]
    assert len(shown) == 9
    assert np.abs(shown[0] - shown[8]).mean() < np.abs(shown[0] - shown[4]).mean()
    assert provenance.read_marks(out).kind == "morph"


def test_a_picture_and_an_average(services: Services, photos: list[Photo], tmp_path: Path) -> None:
    report = done(services, services.morphs.start_picture(photos, tmp_path / "middle.png", SMALL))
    assert report.kind == "picture" and report.place is not None and 0.2 < report.place < 0.8
    settings = MorphSettings(size=160, symmetry=1.0, background=background("transparent"))
    out = tmp_path / "average.png"
    assert done(services, services.morphs.start_average(photos[:1], out, settings)).kind == "average"
    shown = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)
    assert shown.shape == (160, 160, 4)
    assert np.abs(shown[..., :3].astype(int) - shown[:, ::-1, :3]).mean() < 6
    assert provenance.read_marks(out).kind == "average"


def test_a_cancelled_or_failed_job_leaves_nothing(
    services: Services, photos: list[Photo], tmp_path: Path
) -> None:
    out = tmp_path / "never.gif"
    started = threading.Event()

    def report(done: int, **_: object) -> None:
        if done >= 2:
            started.set()

    context = JobContext(report, started.is_set)
    with pytest.raises(Cancelled):
        services.morphs.write(context, "sequence", tuple(photos), out, SMALL)
    assert started.is_set() and list(tmp_path.glob("*never*")) == list(tmp_path.glob(".*never*")) == []
    wall = photo_from_pixels(np.full((300, 300, 3), 120, np.uint8), "wall.png")
    job = services.jobs.wait(services.morphs.start_sequence([photos[0], wall], out, SMALL).id, 60)
    assert job.error is not None and "No face was found on “wall.png”" in job.error.sentence
    assert not out.exists()


# -- refusals ---------------------------------------------------------------------------------------


def test_what_cannot_be_is_refused_before_anything_starts(
    services: Services, photos: list[Photo], tmp_path: Path, portrait_files: dict[str, Path]
) -> None:
    morphs = services.morphs
    with pytest.raises(BadRequest, match="2 photos or more"):
        morphs.start_sequence(photos[:1], tmp_path / "x.gif")
    with pytest.raises(BadRequest, match="does not say"):
        morphs.start_sequence(photos, tmp_path / "x.avi")
    clear = MorphSettings(background=background("transparent"))
    with pytest.raises(BadRequest, match="cannot be transparent"):
        morphs.start_sequence(photos, tmp_path / "x.mp4", clear)
    with pytest.raises(Conflict):
        morphs.start_picture(photos, portrait_files["hopper"])
    for wrong in ({"size": 10}, {"frames": 0}, {"seconds": 0.0}, {"shape": 3.0}, {"symmetry": 2.0}):
        with pytest.raises(BadRequest):
            morphs.start_picture(photos, tmp_path / "x.png", MorphSettings(**wrong))  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match="no background"):
        background("red")
    assert background("#ff8000").colour == (0, 128, 255)  # type: ignore[union-attr]
    with pytest.raises(UnusableFace, match="no face number 7"):
        morphs.plan(photos, SMALL, faces=[None, 6])
    assert services.jobs.all() == []


def test_a_person_who_does_not_want_it_is_not_morphed(
    services: Services, photos: list[Photo], portrait_files: dict[str, Path]
) -> None:
    enrol(services, portrait_files)
    (person,) = services.people.find("Grace")
    services.people.set_no_swap(person.id, True)
    with pytest.raises(Forbidden, match="Grace is marked"):
        services.morphs.plan(photos, SMALL)


# -- who is in between ------------------------------------------------------------------------------


def unit(*rows: tuple[float, ...]) -> Floats:
    vectors = np.array(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_mixture_is_explained_by_its_parents() -> None:
    people = np.random.default_rng(3).normal(size=(40, 64)).astype(np.float32)
    people /= np.linalg.norm(people, axis=1, keepdims=True)
    (mixture,) = unit(tuple(0.6 * people[7] + 0.4 * people[31]))
    best = between.pairs(mixture, people)[0]
    assert (best.one, best.other) == (7, 31)
    assert best.figure < 0.05
    assert best.share == pytest.approx(0.4, abs=0.03)
    assert between.pairs(people[7], people)[0].figure > 0.9
    assert between.pairs(mixture, people[:1]) == []


def test_a_morph_of_two_enrolled_people_is_noticed_and_their_photos_are_not(
    services: Services, photos: list[Photo], portrait_files: dict[str, Path]
) -> None:
    enrol(services, portrait_files)
    plan = services.morphs.plan(photos, MorphSettings(size=400))
    morph = photo_from_pixels(services.morphs.alike(plan), "morph.png")
    best = services.morphs.between(morph)[0]
    assert {best.person.name, best.other.name} == {"Eileen", "Grace"}
    assert best.suspicious and 0.3 < best.share < 0.7
    (candidate,) = services.enrolment.candidates(morph, "Somebody")
    assert "in_between" in {refusal.code for refusal in candidate.refusals}
    darker = photo_from_pixels((photos[1].image[:, ::-1] * 0.7).astype(np.uint8), "other.png")
    (real,) = services.enrolment.candidates(darker, "Grace")
    assert "in_between" not in {refusal.code for refusal in real.refusals}
