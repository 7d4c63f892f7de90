"""Latent morphs as jobs: the model of the library, StyleGAN2 with its cache, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from faceapp.errors import BadRequest, Cancelled, Conflict, FaceAppError, ModelUnavailable
from faceapp.jobs import JobContext
from faceapp.jobs.job import State
from faceapp.latent.appearance import fit
from faceapp.latent.generator import GeneratorInfo, Projection, Step, Subject
from faceapp.latent.weights import Design, random_weights, save_weights
from faceapp.opencv import cv2
from faceapp.pipeline.photos import read_photo
from faceapp.services.morphs import MorphSettings, background
from faceapp.tasks import latent
from faceapp.types import Photo

if TYPE_CHECKING:
    from faceapp.services import Services

QUIET = JobContext.silent()
SMALL = MorphSettings(size=160, frames=4)


@pytest.fixture
def photos(portrait_files: dict[str, Path]) -> list[Photo]:
    return [read_photo(path) for path in portrait_files.values()]


def tools(services: Services) -> latent.Tools:
    morphs = services.morphs
    return latent.Tools(morphs._store, services.models, morphs._reader, services.paths, morphs._embed)


def finished(services: Services, photos: list[Photo], out: Path, route: str, **more: Any) -> Any:
    job = services.jobs.wait(services.morphs.start_latent(photos, out, route, **more).id, 120)
    if job.error is not None:
        raise job.error
    assert job.state is State.SUCCEEDED
    return job.result


def test_a_morph_needs_no_weights_and_nobody_enrolled(
    services: Services, photos: list[Photo], tmp_path: Path
) -> None:
    """With an empty library the model is of the two photos alone, and says so."""
    out = tmp_path / "middle.png"
    report = finished(services, photos, out, "pca", settings=SMALL)
    assert (report.route, report.kind, report.frames) == ("pca", "picture", 1)
    assert any("fitted on 2 people" in remark for remark in report.remarks)
    picture = cv2.imread(str(out))
    assert picture.shape == (160, 160, 3)
    faces = services.analyser.faces(np.asarray(picture))
    assert len(faces) == 1
    assert not (tools(services).folder / latent.MODEL_FILE).exists()


def test_three_faces_in_equal_shares_are_an_average_without_a_place(
    services: Services, photos: list[Photo], tmp_path: Path
) -> None:
    three = [*photos, photos[0]]
    report = finished(services, three, tmp_path / "three.png", "pca", settings=SMALL)
    assert (report.kind, report.place) == ("average", None)
    placed = finished(services, three, tmp_path / "placed.png", "pca", settings=SMALL, place=0.25)
    assert (placed.kind, placed.place) == ("picture", 0.25)
    two = finished(services, photos, tmp_path / "two.png", "pca", settings=SMALL)
    assert (two.kind, two.place) == ("picture", 0.5)


def test_less_detail_is_told_of_where_something_is_missing(services: Services, photos: list[Photo]) -> None:
    subjects = [Subject(photo.image, services.morphs.read(photo)[0].points) for photo in photos]
    blurred = [Subject(cv2.blur(one.image, (31, 31)), one.points) for one in subjects]
    told = []
    for faces in (subjects, blurred):
        model = fit(QUIET, faces, 2)
        parents = [model.encoded(subject) for subject in subjects]
        for detail in (0.0, 1.0):
            settings = MorphSettings(size=160, detail=detail)
            remarks = latent.between_encoded(model, parents, settings).remarks
            told.append(any("softer" in remark for remark in remarks))
    # The model of these very photos leaves nothing of them out.
    assert told == [False, False, True, False]


def test_a_sequence_goes_from_one_parent_to_the_other(
    services: Services, photos: list[Photo], tmp_path: Path
) -> None:
    out = tmp_path / "way.gif"
    report = finished(services, photos, out, "pca", settings=MorphSettings(size=160, frames=5, seconds=1.0))
    assert (report.kind, report.frames, report.route) == ("sequence", 5, "pca")
    capture = cv2.VideoCapture(str(out))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1].astype(float))
    capture.release()
    assert len(frames) == 5
    away = [np.abs(frame - frames[0]).mean() for frame in frames]
    assert away == sorted(away) and away[-1] > 10


def test_the_model_of_the_library_is_kept_until_somebody_leaves(
    services: Services, photos: list[Photo], tmp_path: Path
) -> None:
    services.jobs.wait(services.enrolment.start_sample().id)
    kept = tools(services).folder / latent.MODEL_FILE
    model = latent.gallery_model(QUIET, tools(services))
    assert model.people == 2 and len(model.members) == 2 and kept.is_file()
    before = kept.stat().st_mtime_ns
    assert latent.gallery_model(QUIET, tools(services)).sha256 == model.sha256
    assert kept.stat().st_mtime_ns == before
    # Whoever leaves must not stay in the components.
    gone = services.people.find()[0].id
    services.people.delete([gone])
    also = [Subject(photo.image, services.morphs.read(photo)[0].points) for photo in photos]
    again = latent.gallery_model(QUIET, tools(services), also)
    assert set(again.members).isdisjoint(model.members) and not kept.exists()


def test_people_marked_no_swap_are_not_fitted(services: Services) -> None:
    services.jobs.wait(services.enrolment.start_sample().id)
    store = tools(services).store
    assert len(latent.willing_faces(QUIET, store)) == 2
    store.set_no_swap(store.people()[0].id, True)
    assert [face.person_id for face in latent.willing_faces(QUIET, store)] == [store.people()[1].id]


@pytest.mark.parametrize(
    ("members", "now", "expected"),
    [
        (None, {1}, False),
        (frozenset({1, 2}), {1, 2}, True),
        (frozenset({1, 2}), {1, 3}, False),
        (frozenset(range(10)), set(range(12)), True),
        (frozenset(range(10)), set(range(13)), False),
        (frozenset(), set(), False),
    ],
)
def test_when_a_model_is_fitted_again(
    members: frozenset[int] | None, now: set[int], expected: bool
) -> None:
    assert latent.fresh(members, now) is expected


def test_a_photo_that_is_gone_is_replaced_by_its_crop(
    services: Services, photos: list[Photo], tmp_path: Path
) -> None:
    path = tmp_path / "portrait.png"
    path.write_bytes(Path(photos[0].path).read_bytes())
    from faceapp.types import PersonName

    services.enrolment.enrol(read_photo(path), PersonName("Ann"), face=0, anyway=True)
    stored = latent.willing_faces(QUIET, tools(services).store)
    whole = list(latent.gallery_subjects(QUIET, tools(services), stored))
    path.unlink()
    crop = list(latent.gallery_subjects(QUIET, tools(services), stored))
    assert len(whole) == len(crop) == 1
    assert crop[0].image.shape != whole[0].image.shape


def test_cancelling_the_fit_leaves_no_file(services: Services) -> None:
    services.jobs.wait(services.enrolment.start_sample().id)
    told: list[str] = []
    late = "Computing the components"
    context = JobContext(lambda message, **_: told.append(message), lambda: late in told)
    with pytest.raises(Cancelled):
        latent.gallery_model(context, tools(services))
    assert not tools(services).folder.exists() or not list(tools(services).folder.iterdir())


@pytest.mark.parametrize(
    ("route", "name", "settings", "code"),
    [
        ("gan", "a.png", SMALL, "no_such_route"),
        ("pca", "a.xyz", SMALL, "bad_file_name"),
        ("pca", "a.png", MorphSettings(background=background("transparent")), "latent_background"),
        ("pca", "a.png", MorphSettings(shape=1.5), "latent_sliders"),
        ("pca", "a.png", MorphSettings(detail=1.5), "latent_detail"),
        ("pca", "a.png", MorphSettings(detail=-0.5), "latent_detail"),
        ("stylegan2", "a.png", MorphSettings(detail=0.5), "latent_detail"),
    ],
)
def test_what_no_latent_morph_has_is_refused_at_once(
    services: Services,
    photos: list[Photo],
    tmp_path: Path,
    route: str,
    name: str,
    settings: MorphSettings,
    code: str,
) -> None:
    with pytest.raises(FaceAppError) as refusal:
        services.morphs.start_latent(photos, tmp_path / name, route, settings)
    assert refusal.value.code == code and services.jobs.all() == []


def test_a_source_is_never_written_over(services: Services, tmp_path: Path, photos: list[Photo]) -> None:
    path = tmp_path / "portrait.png"
    path.write_bytes(Path(photos[0].path).read_bytes())
    with pytest.raises(Conflict):
        services.morphs.start_latent([read_photo(path), photos[1]], path, "pca")


def test_without_a_generator_a_sentence_says_where_to_put_one(
    services: Services, photos: list[Photo], tmp_path: Path
) -> None:
    with pytest.raises(ModelUnavailable, match=r"no StyleGAN2 generator.*stylegan2\.safetensors"):
        finished(services, photos, tmp_path / "a.png", "stylegan2")
    (services.paths.models / "stylegan2.pkl").write_bytes(b"\x80\x03}.")
    with pytest.raises(BadRequest, match="runs the code inside"):
        finished(services, photos, tmp_path / "a.png", "stylegan2")
    assert list(tmp_path.glob("*.png")) == []


def test_a_morph_through_stylegan2_shows_its_search(
    services: Services, photos: list[Photo], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceapp.latent.process.DEFAULT_STEPS", 6)
    design = Design((8, 8, 8, 8), 8, 8, 2)
    save_weights(services.paths.models / latent.GENERATOR_FILE, random_weights(design))
    steps: list[tuple[int, Step]] = []

    def watch(number: int, step: Step) -> None:
        steps.append((number, step))

    out = tmp_path / "between.png"
    report = finished(services, photos, out, "stylegan2", settings=SMALL, watch=watch)
    assert report.route == "stylegan2" and report.size == 160
    assert any("licence" in remark for remark in report.remarks)
    assert [number for number, _ in steps] == [0] * 6 + [1] * 6
    assert all("identity" in step.losses for _, step in steps)
    assert cv2.imread(str(out)).shape == (160, 160, 3)
    assert len(list((tools(services).folder / "projections").glob("*.npz"))) == 2


class Stopped:
    """A generator whose search is stopped, as far as `projected` asks for one."""

    info = GeneratorInfo("test", "stylegan2", 8, 4, 4, 6, "ffhq", "")
    measure = ""

    def __init__(self, complete: bool) -> None:
        self.complete = complete
        self.starts: list[Any] = []

    def aligned(self, subject: Subject) -> Any:
        return subject.image[:8, :8]

    def project(self, subject: Subject, context: JobContext, watch: Any, start: Any) -> Projection:
        self.starts.append(start)
        ws = np.full((6, 4), len(self.starts), np.float32)
        return Projection(ws, self.aligned(subject), np.ones(2, np.float32), None, self.complete)


def test_a_stopped_search_goes_on_from_its_best(services: Services, photos: list[Photo]) -> None:
    subject = Subject(photos[0].image, services.morphs.read(photos[0])[0].points)
    generator: Any = Stopped(complete=False)
    with pytest.raises(Cancelled):
        latent.projected(QUIET, tools(services), generator, subject)
    generator.complete = True
    found = latent.projected(QUIET, tools(services), generator, subject)
    assert generator.starts[0] is None and np.array_equal(generator.starts[1], np.full((6, 4), 1))
    again = latent.projected(QUIET, tools(services), generator, subject)
    assert len(generator.starts) == 2 and np.array_equal(again.ws, found.ws)
