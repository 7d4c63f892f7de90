"""Enrolment on real faces: what is refused and why, folder imports, and what a kill leaves behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from made_photos import save

from faceapp.errors import BadRequest, Cancelled, Conflict, NotFound, UnusableFace
from faceapp.jobs import JobContext
from faceapp.opencv import cv2
from faceapp.pipeline.photos import decode_photo, photo_from_pixels, read_photo
from faceapp.services import Services
from faceapp.services.morphs import MorphSettings
from faceapp.types import Image, PersonName

EILEEN = PersonName("Eileen", "Collins")
GRACE = PersonName("Grace", "Hopper")


def side_by_side(astronaut: Image, hopper: Image) -> Image:
    width = 2 * 512
    both = cv2.resize(hopper, (512, 600))
    canvas = np.zeros((600, width, 3), np.uint8)
    canvas[:512, :512] = astronaut
    canvas[:, 512:] = both
    return canvas


@pytest.fixture
def album(tmp_path: Path, astronaut: Image, hopper: Image) -> Path:
    """Two people with two photos each, and files that cannot be enrolled."""
    root = tmp_path / "album"
    for name, image in (("Eileen_Collins", astronaut), ("Grace_Hopper", hopper)):
        save(root / name / f"{name}_0001.jpg", image)
        save(root / name / f"{name}_0002.png", np.ascontiguousarray(image[:, ::-1]))
    (root / "Eileen_Collins" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    save(root / "Grace_Hopper" / "wall.jpg", np.full((300, 300, 3), 128, np.uint8))
    return root


@pytest.fixture
def mix(services: Services, portrait_files: dict[str, Path], tmp_path: Path) -> Path:
    """A morph of the two portraits, as a file."""
    portraits = [read_photo(portrait_files[key]) for key in ("astronaut", "hopper")]
    plan = services.morphs.plan(portraits, MorphSettings(size=400))
    return save(tmp_path / "mix.png", services.morphs.frame(plan, 0.5))


def enrol_both(services: Services, portrait_files: dict[str, Path]) -> None:
    for name, key in ((EILEEN, "astronaut"), (GRACE, "hopper")):
        services.enrolment.enrol(read_photo(portrait_files[key]), name, face=0)


def test_an_enrolled_person_is_found_on_another_photo(
    services: Services, portrait_files: dict[str, Path], hopper: Image
) -> None:
    enrol_both(services, portrait_files)
    darker = photo_from_pixels(np.ascontiguousarray((hopper[:, ::-1] * 0.7).astype(np.uint8)))
    found = services.recognition.recognise(darker)
    assert [face.person.person.name for face in found if face.person] == ["Grace Hopper"]
    first, second = services.recognition.lookalikes(darker)[0].matches
    assert (first.person.name, second.person.name) == ("Grace Hopper", "Eileen Collins")
    assert first.same_person and not second.same_person
    assert first.distance < second.distance
    assert first.percentile > second.percentile
    assert first.photo == str(portrait_files["hopper"])


def test_two_people_on_one_photo_and_a_choice(services: Services, astronaut: Image, hopper: Image) -> None:
    both = photo_from_pixels(side_by_side(astronaut, hopper))
    with pytest.raises(UnusableFace, match="faces on the photo") as refused:
        services.enrolment.enrol(both, EILEEN)
    assert refused.value.code == "several_faces"
    centres = [candidate.face.box.centre[0] for candidate in services.enrolment.candidates(both)]
    left, right = int(np.argmin(centres)), int(np.argmax(centres))
    services.enrolment.enrol(both, EILEEN, face=left, anyway=True)
    services.enrolment.enrol(both, GRACE, face=right, anyway=True)
    people = services.people.find()
    assert [person.name for person in people] == ["Eileen Collins", "Grace Hopper"]
    assert services.people.count() == (2, 1, 2)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda image: cv2.GaussianBlur(image, (0, 0), 14), "blurred"),
        (lambda image: (image * 0.06).astype(np.uint8), "dark"),
        (lambda image: cv2.resize(image, None, fx=0.14, fy=0.14, interpolation=cv2.INTER_AREA), "too_small"),
        (lambda image: np.full_like(image, 90), "no_face"),
    ],
    ids=["blurred", "dark", "small", "empty"],
)
def test_a_refused_photo_says_why(services: Services, hopper: Image, spoil: object, code: str) -> None:
    photo = photo_from_pixels(spoil(hopper))  # type: ignore[operator]
    with pytest.raises(UnusableFace) as refused:
        services.enrolment.enrol(photo, GRACE)
    assert refused.value.code in (code, "no_face")
    assert refused.value.sentence.endswith(".")
    assert refused.value.hint
    assert services.people.count() == (0, 0, 0)


def test_the_same_face_twice_and_under_another_name(
    services: Services, portrait_files: dict[str, Path], hopper: Image
) -> None:
    enrol_both(services, portrait_files)
    again = read_photo(portrait_files["hopper"])
    with pytest.raises(UnusableFace, match="already enrolled as Grace Hopper"):
        services.enrolment.enrol(again, EILEEN, face=0, anyway=True)
    mirrored = photo_from_pixels(np.ascontiguousarray(hopper[:, ::-1]))
    with pytest.raises(UnusableFace, match="looks like Grace Hopper") as refused:
        services.enrolment.enrol(mirrored, PersonName("Somebody", "Else"), face=0)
    assert refused.value.code == "looks_like"
    assert services.enrolment.enrol(mirrored, GRACE, face=0).person.photos == 2


def test_not_this_person_is_remembered_and_can_be_undone(
    services: Services, portrait_files: dict[str, Path], hopper: Image
) -> None:
    enrol_both(services, portrait_files)
    query = photo_from_pixels(np.ascontiguousarray(hopper[:, ::-1]))
    best = services.recognition.lookalikes(query)[0]
    services.recognition.reject(best.matches[0].person.id, best.face)
    assert services.recognition.recognise(query)[0].person is None
    assert [m.person.name for m in services.recognition.lookalikes(query)[0].matches] == ["Eileen Collins"]
    # The enrolled photo itself is still hers: the rejected face is further away than her own.
    enrolled = services.recognition.recognise(read_photo(portrait_files["hopper"]))[0].person
    assert enrolled is not None
    services.people.undo()
    assert services.recognition.recognise(query)[0].person is not None


def test_a_photo_without_a_file_is_kept(services: Services, portrait_files: dict[str, Path]) -> None:
    data = portrait_files["hopper"].read_bytes()
    enrolled = services.enrolment.enrol(decode_photo(data, "upload.jpg"), GRACE, face=0)
    kept = Path(enrolled.face.photo.path)
    assert kept.read_bytes() == data
    assert services.paths.data in kept.parents
    assert services.people.crop(enrolled.face.id)[:2] == b"\xff\xd8"


def test_one_enrolment_is_one_step_back(
    services: Services, portrait_files: dict[str, Path], tmp_path: Path, hopper: Image
) -> None:
    services.enrolment.enrol(read_photo(portrait_files["astronaut"]), EILEEN, face=0)
    services.people.undo()
    assert services.people.count() == (0, 0, 0)
    services.people.redo()
    assert services.people.count() == (1, 1, 1)
    mirrored = save(tmp_path / "mirrored.png", np.ascontiguousarray(hopper[:, ::-1]))
    paths = [portrait_files["hopper"], tmp_path / "missing.png", mirrored]
    report = services.enrolment.enrol_photos(JobContext.silent(), paths, GRACE)
    assert (report.photos, len(report.skipped)) == (2, 1)
    assert services.people.journal()[0].sentence == "Enrolled 2 faces of Grace Hopper."
    services.people.undo()
    assert [person.name for person in services.people.find()] == ["Eileen Collins"]


def test_an_enrolment_that_is_taken_back_while_it_runs_ends(
    services: Services, portrait_files: dict[str, Path], tmp_path: Path, hopper: Image
) -> None:
    mirrored = save(tmp_path / "mirrored.png", np.ascontiguousarray(hopper[:, ::-1]))

    def take_back(**progress: object) -> None:
        if progress["done"] == 1:
            services.people.undo()

    with pytest.raises(Conflict, match="undone while it was running"):
        services.enrolment.enrol_photos(
            JobContext(take_back, lambda: False), [portrait_files["hopper"], mirrored], GRACE
        )
    assert services.people.count() == (0, 0, 0)


def test_folder_of_people(services: Services, album: Path) -> None:
    report = services.enrolment.import_people(JobContext.silent(), album)
    assert (report.people, report.photos, report.faces) == (2, 4, 4)
    reasons = {Path(skipped.path).name: skipped.code for skipped in report.skipped}
    assert set(reasons) == {"broken.jpg", "wall.jpg"}
    assert reasons["wall.jpg"] == "no_face"
    assert all(skipped.reason.endswith(".") for skipped in report.skipped)
    assert [(person.name, person.photos) for person in services.people.find()] == [
        ("Eileen Collins", 2),
        ("Grace Hopper", 2),
    ]


def test_importing_again_adds_nothing_and_says_so(services: Services, album: Path) -> None:
    services.enrolment.import_people(JobContext.silent(), album)
    before = services.people.count()
    report = services.enrolment.import_people(JobContext.silent(), album)
    assert services.people.count() == before
    assert report.people == 0
    assert sum(skipped.code == "already_enrolled" for skipped in report.skipped) == 4


def test_a_stopped_import_carries_on(services: Services, album: Path) -> None:
    reports: list[int] = []

    def stop_after_the_first_person() -> bool:
        return services.people.count()[0] >= 1

    context = JobContext(lambda **progress: reports.append(progress["done"]), stop_after_the_first_person)
    with pytest.raises(Cancelled):
        services.enrolment.import_people(context, album)
    assert services.people.count()[0] == 1
    seen: list[int] = []
    resumed = JobContext(lambda **progress: seen.append(progress["done"]), lambda: False)
    report = services.enrolment.import_people(resumed, album)
    assert (report.people, report.photos) == (2, 4)
    assert {Path(skipped.path).name for skipped in report.skipped} == {"broken.jpg", "wall.jpg"}
    assert 3 in seen and seen[-1] == 6
    services.people.undo()
    assert services.people.count() == (0, 0, 0)


def test_an_import_that_was_taken_back_can_be_done_again(services: Services, album: Path) -> None:
    services.enrolment.import_people(JobContext.silent(), album)
    services.people.undo()
    report = services.enrolment.import_people(JobContext.silent(), album)
    assert report.people == 2
    assert services.people.count()[0] == 2


def test_the_same_photo_twice_in_one_folder_counts_once(services: Services, album: Path) -> None:
    folder = album / "Grace_Hopper"
    shutil.copy(folder / "Grace_Hopper_0001.jpg", folder / "copy.jpg")
    report = services.enrolment.import_people(JobContext.silent(), album)
    assert report.photos == 4
    assert "same_photo" in {skipped.code for skipped in report.skipped}


def test_a_person_with_doubtful_photos_alone_keeps_the_best(
    services: Services, tmp_path: Path, hopper: Image
) -> None:
    root = tmp_path / "doubtful"
    save(root / "Grace" / "worse.png", cv2.GaussianBlur(hopper, (0, 0), 13))
    save(root / "Grace" / "better.png", cv2.GaussianBlur(hopper, (0, 0), 11))
    report = services.enrolment.import_people(JobContext.silent(), root)
    assert (report.people, report.photos) == (1, 1)
    assert [Path(warning.path).name for warning in report.warnings] == ["better.png"]
    assert [(Path(skip.path).name, skip.code) for skip in report.skipped] == [("worse.png", "blurred")]


def test_one_person_under_two_names_is_remarked(services: Services, album: Path) -> None:
    (album / "Other_Name").mkdir()
    shutil.move(album / "Grace_Hopper" / "Grace_Hopper_0002.png", album / "Other_Name" / "x.png")
    report = services.enrolment.import_people(JobContext.silent(), album)
    assert report.people == 3
    remarks = [warning for warning in report.warnings if warning.code == "looks_like"]
    assert len(remarks) == 1
    assert "Grace Hopper" in remarks[0].reason and "Other Name" in remarks[0].reason


def test_a_morph_is_refused_as_one_before_its_likeness_counts(
    services: Services, portrait_files: dict[str, Path], mix: Path
) -> None:
    enrol_both(services, portrait_files)
    with pytest.raises(UnusableFace) as refused:
        services.enrolment.enrol(read_photo(mix), PersonName("Somebody"))
    assert refused.value.code == "in_between"
    assert "lies between Grace Hopper and Eileen Collins" in refused.value.sentence
    assert "looks like Grace Hopper" in refused.value.sentence
    assert "Add it" not in str(refused.value)


def test_a_morph_in_a_folder_of_people_is_remarked_and_the_portraits_are_not(
    services: Services, album: Path, mix: Path
) -> None:
    morph = album / "Somebody" / "mix.png"
    morph.parent.mkdir()
    shutil.copy(mix, morph)
    report = services.enrolment.import_people(JobContext.silent(), album)
    assert report.people == 3
    remarks = [warning for warning in report.warnings if warning.code == "in_between"]
    assert [Path(remark.path) for remark in remarks] == [morph]
    assert "Eileen Collins" in remarks[0].reason and "Grace Hopper" in remarks[0].reason


def test_photos_of_one_person_that_are_enrolled_anyway_keep_their_remarks(
    services: Services, portrait_files: dict[str, Path], mix: Path
) -> None:
    enrol_both(services, portrait_files)
    somebody = PersonName("Somebody")
    refused = services.enrolment.enrol_photos(JobContext.silent(), [mix], somebody)
    assert [skipped.code for skipped in refused.skipped] == ["in_between"] and refused.warnings == ()
    report = services.enrolment.enrol_photos(JobContext.silent(), [mix], somebody, anyway=True)
    assert [(remark.path, remark.code) for remark in report.warnings] == [(str(mix), "in_between")]


def test_folders_that_cannot_be_imported(services: Services, tmp_path: Path, hopper: Image) -> None:
    with pytest.raises(NotFound):
        services.enrolment.import_people(JobContext.silent(), tmp_path / "missing")
    save(tmp_path / "flat" / "one.jpg", hopper)
    with pytest.raises(BadRequest, match="no folders with photos"):
        services.enrolment.import_people(JobContext.silent(), tmp_path / "flat")


def test_sample_people(services: Services, portrait_files: dict[str, Path]) -> None:
    report = services.enrolment.enrol_sample(JobContext.silent())
    assert report.people == 2
    names = {}
    for key, path in portrait_files.items():
        persons = [face.person for face in services.recognition.recognise(read_photo(path))]
        names[key] = [match.person.name for match in persons if match]
    assert names == {"astronaut": ["Eileen Collins"], "hopper": ["Grace Hopper"]}
    services.people.undo()
    assert services.people.count() == (0, 0, 0)


def test_a_folder_whose_name_cannot_be_a_persons_does_not_end_the_import(
    services: Services, album: Path
) -> None:
    shutil.copytree(album / "Grace_Hopper", album / ("A" * 210))
    shutil.move(album / "Grace_Hopper", album / "bad\x07name")
    report = services.enrolment.import_people(JobContext.silent(), album)
    assert report.people == 1
    codes = {skipped.code for skipped in report.skipped}
    assert {"name_too_long", "name_characters"} <= codes
