"""The builder's data: splits without leakage, changed photos, scores, and names of uploads. No TensorFlow."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from made_people import made_photos
from made_zips import zipped

from faceapp.build import augment, baselines, openset
from faceapp.build.baselines import Plain
from faceapp.build.dataset import STRANGER, TEST, TRAIN, VALIDATION, Dataset, split, split_strangers, stack
from faceapp.build.network import unit
from faceapp.build.openset import Scores
from faceapp.build.topology import DEEPEST, DEFAULT, Topology, as_params, suggest
from faceapp.build.upload import LARGEST_FILE, Upload, by_person, person_of
from faceapp.errors import BadRequest, Conflict, FaceAppError, TooLarge
from faceapp.jobs import JobContext
from faceapp.models.align import five_points
from faceapp.models.registry import Models
from faceapp.pipeline.photos import read_photo
from faceapp.services import Services
from faceapp.tasks import build
from faceapp.tasks.build import Gathered
from faceapp.types import Detections, Floats, Image, Ints


def faces(people: int, photos: int, seed: int = 0, noise: float = 0.1) -> tuple[Floats, Ints]:
    """Unit vectors around a centre a person: (N, 32), people (N,)."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((people, 32))
    labels = np.repeat(np.arange(people), photos)
    vectors = centres[labels] + noise * random.standard_normal((len(labels), 32)) * np.sqrt(32)
    return unit(vectors.astype(np.float32)), labels


def made(people: int = 5, photos: int = 10, strangers: int = 60) -> Dataset:
    vectors, labels = faces(people, photos)
    hashes = [f"{index:064x}" for index in range(len(labels))]
    parts = split(labels, hashes, vectors, 0)
    rows = [
        (vector, int(label), int(part), True, sha256)
        for vector, label, part, sha256 in zip(vectors, labels, parts, hashes, strict=True)
    ]
    others, _ = faces(strangers, 1, seed=9)
    strange = split_strangers(strangers, 0)
    rows += [
        (vector, STRANGER, int(part), True, f"s{index}")
        for index, (vector, part) in enumerate(zip(others, strange, strict=True))
    ]
    return stack([f"P{index}" for index in range(people)], rows)


# -- split ---------------------------------------------------------------------------------------


def test_every_person_is_in_every_part_and_about_a_fifth_is_held_back() -> None:
    vectors, labels = faces(7, 11)
    parts = split(labels, [str(index) for index in range(len(labels))], vectors, 3)
    for person in range(7):
        counts = np.bincount(parts[labels == person], minlength=3)
        assert counts[TEST] == counts[VALIDATION] == 2
        assert counts[TRAIN] == 7


def test_a_photo_is_in_one_part_whoever_is_on_it() -> None:
    vectors, labels = faces(4, 9)
    # Photo "shared-n" shows everybody.
    hashes = [f"shared-{index % 9}" if index % 9 < 4 else str(index) for index in range(len(labels))]
    for seed in range(20):
        parts = split(labels, hashes, vectors, seed)
        by_photo: dict[str, set[int]] = {}
        for sha256, part in zip(hashes, parts.tolist(), strict=True):
            by_photo.setdefault(sha256, set()).add(part)
        assert all(len(found) == 1 for found in by_photo.values())


def test_one_photo_saved_twice_is_one_photo() -> None:
    vectors, labels = faces(2, 6)
    twice = np.concatenate([vectors, vectors[:6]])
    people = np.concatenate([labels, labels[:6]])
    hashes = [str(index) for index in range(len(people))]
    for seed in range(20):
        parts = split(people, hashes, twice, seed)
        assert (parts[:6] == parts[12:]).all()


def test_photos_that_are_all_alike_are_still_split() -> None:
    """Somebody with one photo in six versions: better tested on a version than not at all."""
    vectors, labels = faces(2, 6)
    vectors[:6] = vectors[0]
    parts = split(labels, [str(index) for index in range(12)], vectors, 0)
    assert set(parts[:6].tolist()) == {TRAIN, VALIDATION, TEST}


def test_the_same_seed_splits_the_same_and_another_one_differently() -> None:
    vectors, labels = faces(6, 10)
    hashes = [str(index) for index in range(60)]
    first = split(labels, hashes, vectors, 1)
    assert (first == split(labels, hashes, vectors, 1)).all()
    assert (first != split(labels, hashes, vectors, 2)).any()


def test_strangers_are_split_into_three_parts_of_one_size() -> None:
    counts = np.bincount(split_strangers(300, 0))
    assert counts.tolist() == [100, 100, 100]
    assert len(split_strangers(0, 0)) == 0


def test_augmented_views_of_held_back_photos_are_impossible() -> None:
    vector = np.ones(4, np.float32)
    with pytest.raises(ValueError, match="augmented"):
        stack(["A"], [(vector, 0, TEST, False, "x")])


def test_a_dataset_survives_its_file_and_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    data = made()
    file = tmp_path / "data.npz"
    data.save(file)
    again = Dataset.load(file)
    assert again.names == data.names
    assert np.array_equal(again.vectors, data.vectors)
    assert np.array_equal(again.photos, data.photos)
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(Conflict, match="damaged"):
        Dataset.load(file)


def test_without_strangers_the_known_stand_in_for_them() -> None:
    data = made(strangers=3)
    known, labels = data.known(TEST)
    plain = baselines.nearest(data)
    scores = data.scores(TEST, plain.scores(known), plain.scores(data.strangers(TEST)))
    assert len(scores.strangers) == len(known) + 1
    stand_ins = scores.strangers[1:]
    assert not np.isfinite(stand_ins[np.arange(len(labels)), labels]).any()
    assert scores.right().all()


# -- changed photos ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def portrait(models: Models, hopper: Image) -> tuple[Image, Detections]:
    found = models.detector().detect(hopper)
    return augment.cut(hopper, found.take(np.array([0])))


def test_a_changed_photo_still_shows_the_person_and_the_box_moves_along(
    models: Models, portrait: tuple[Image, Detections], astronaut: Image
) -> None:
    image, face = portrait
    embedder = models.embedder()
    own = embedder.embed(image, face, 1)[0]
    other = embedder.embed(astronaut, models.detector().detect(astronaut), 1)[0]
    for seed in range(4):
        for changed, moved in augment.augment(image, face, np.random.default_rng(seed)):
            assert changed.shape[2] == 3 and changed.dtype == np.uint8
            distance = 1 - float(own @ embedder.embed(changed, moved, 1)[0])
            assert 0 < distance < 0.6 * (1 - float(own @ other))
            found = models.detector().detect(changed).take(np.array([0]))
            width = found.boxes[0, 2] - found.boxes[0, 0]
            assert found.landmarks is not None and moved.landmarks is not None
            assert np.abs(found.landmarks - moved.landmarks).max() < 0.15 * width


def test_a_mirrored_face_has_its_left_eye_on_the_left(portrait: tuple[Image, Detections]) -> None:
    image, face = portrait
    mirrored, moved = augment.mirror(image, face, np.random.default_rng(0))
    assert face.landmarks is not None and moved.landmarks is not None
    assert moved.landmarks[0, 0, 0] < moved.landmarks[0, 1, 0]
    again, back = augment.mirror(mirrored, moved, np.random.default_rng(0))
    assert np.array_equal(again, image)
    assert back.landmarks is not None and np.allclose(back.landmarks, face.landmarks, atol=1e-3)


def test_a_cut_face_has_the_embedding_that_it_has_on_the_photo(models: Models, hopper: Image) -> None:
    found = models.detector().detect(hopper).take(np.array([0]))
    image, face = augment.cut(hopper, found)
    embedder = models.embedder()
    assert max(image.shape[:2]) <= augment.LONGEST
    distance = 1 - float(embedder.embed(hopper, found, 1)[0] @ embedder.embed(image, face, 1)[0])
    assert distance < 0.01
    points = models.landmarker().locate(image, face.boxes)
    assert five_points(points).shape == (1, 5, 2)


# -- scores --------------------------------------------------------------------------------------


def test_counts_at_a_threshold() -> None:
    known = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.6], [0.3, 0.2]], np.float32)
    scores = Scores(known, np.array([0, 1, 1, 0]), np.array([[0.75, 0.1], [0.2, 0.4]], np.float32))
    found = openset.result(scores, 0.65)
    assert (found.known_right, found.strangers_refused, found.named_wrong) == (0.5, 0.5, 0.25)
    assert found.accuracy == 0.5
    assert openset.confusion(scores, 0.65) == [[1, 0, 1], [1, 1, 0], [1, 0, 1]]


def test_the_threshold_parts_what_can_be_parted() -> None:
    random = np.random.default_rng(0)
    own = random.normal(0.9, 0.02, (200, 1))
    strange = random.normal(0.6, 0.05, (300, 1))
    scores = Scores(own.astype(np.float32), np.zeros(200, np.int64), strange.astype(np.float32))
    threshold, accuracy = openset.calibrate(scores)
    assert openset.result(scores, threshold).accuracy > 0.995
    assert accuracy > 0.98
    assert 1.5 < (0.9 - threshold) / openset.spread(scores, threshold) < 2.5


def test_no_more_strangers_get_a_name_than_allowed() -> None:
    strangers = np.random.default_rng(1).uniform(0, 1, 137)
    for allowed in (0.0, 0.01, 0.1, 0.5, 1.0):
        limit = openset.threshold_at(strangers, allowed)
        assert (strangers >= limit).mean() <= allowed
        looser = np.sort(strangers)[::-1][: int(allowed * 137) + 1]
        assert (strangers >= looser.min()).mean() > allowed or allowed == 1.0


def test_the_distribution_function() -> None:
    values = openset.above(np.array([-3.0, -1.0, 0.0, 1.0, 1.959964, 8.0]))
    expected = [0.0013499, 0.1586553, 0.5, 0.8413447, 0.975, 1.0]
    assert np.abs(values - expected).max() < 2e-7


def test_front_and_hypervolume() -> None:
    points = [(1.0, 3.0), (2.0, 2.0), (3.0, 1.0), (3.0, 3.0), (2.0, 2.0)]
    assert openset.front(points) == [0, 1, 2, 4]
    assert openset.hypervolume([(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)], (4.0, 4.0)) == 6.0
    assert openset.hypervolume([(5.0, 0.0)], (4.0, 4.0)) == 0.0


# -- plain methods -------------------------------------------------------------------------------


def test_plain_methods_know_people_and_agree_with_their_definition() -> None:
    data = made(people=4, photos=9)
    vectors, people = data.known(TRAIN)
    queries, labels = data.known(TEST)
    methods = {plain.kind: plain for plain in baselines.fit(data)}
    assert set(methods) == {"nearest", "centroid", "svm", "knn"}
    for plain in methods.values():
        assert (plain.scores(queries).argmax(1) == labels).all()
    products = queries @ vectors.T
    own = np.stack([products[:, people == person] for person in range(4)], 1)
    assert np.allclose(methods["nearest"].scores(queries), own.max(2), atol=1e-6)
    assert np.allclose(methods["knn"].scores(queries), np.sort(own, 2)[:, :, -3:].mean(2), atol=1e-6)


def test_two_people_without_strangers_have_two_columns_of_the_svm() -> None:
    data = made(people=2, photos=5, strangers=0)
    plain = baselines.svm(data)
    queries, labels = data.known(TEST)
    assert plain.scores(queries).shape == (len(queries), 2)
    assert (plain.scores(queries).argmax(1) == labels).all()


def test_people_with_different_numbers_of_photos_are_side_by_side() -> None:
    vectors = unit(np.random.default_rng(0).standard_normal((6, 8)).astype(np.float32))
    people = np.array([0, 1, 1, 1, 1, 2])
    plain = Plain("nearest", 3, *baselines.side_by_side(vectors, people, 3))
    scores = plain.scores(vectors)
    assert scores.shape == (6, 3)
    assert scores[5, 2] == pytest.approx(1.0, abs=1e-6)
    assert np.allclose(scores[:, 0], vectors @ vectors[0], atol=1e-6)


# -- topologies ----------------------------------------------------------------------------------


def test_a_topology_survives_its_parameters() -> None:
    import optuna

    for topology in (DEFAULT, Topology((200, 5, 17), "silu", "batch", 0.55, "sgd", 0.002, skip=False)):
        params = as_params(topology)
        assert suggest(optuna.trial.FixedTrial(params)) == topology
        assert Topology.from_dict(topology.as_dict()) == topology
        assert len([name for name in params if name.startswith("width")]) == DEEPEST


def test_parameters_are_counted() -> None:
    small = Topology((10,), normalisation="none")
    assert small.parameters(128, 3) == 128 * 10 + 10 + 10 * 128 + 128 + 3 * 128
    assert Topology((10,), normalisation="layer").parameters(128, 3) == small.parameters(128, 3) + 20
    assert Topology((20,)).microseconds(128, 50) > Topology((10,)).microseconds(128, 50)


@pytest.mark.parametrize("widths", [(), (8, 8, 8, 8), (0,), (1000,)])
def test_what_is_no_topology(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="can be built"):
        Topology(widths)


# -- uploads -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("Ann/1.jpg", "Ann"),
        ("people/Ann_Lee/photo.png", "Ann Lee"),
        ("Ann_1.jpg", "Ann"),
        ("Aaron_Eckhart_0001.jpg", "Aaron Eckhart"),
        ("Ann Lee (12).jpeg", "Ann Lee"),
        ("Zoë.jpg", "Zoë"),
        ("Ann\\2.jpg", "Ann"),
    ],
)
def test_who_is_on_a_photo_by_its_name(name: str, person: str) -> None:
    assert person_of(name) == person


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/Ann/1.jpg", "Ann/../../1.jpg", "C:\\people\\Ann\\1.jpg", "Ann\\..\\1.jpg",
     "A\x00nn/1.jpg", "Ann//1.jpg", "x" * 300, "0001.jpg", ".", ""],
)  # fmt: skip
def test_a_path_in_a_name_is_refused(name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        person_of(name)
    assert refused.value.sentence.endswith(".") and refused.value.hint


def test_a_zip_is_unpacked_in_memory_by_person() -> None:
    inside = {"Ann/1.jpg": b"a", "Ben/1.png": b"b", "__MACOSX/Ann/._1.jpg": b"x", "read me.txt": b"t",
              "Ann/.hidden.jpg": b"h", "nested.zip": zipped({"Eve/1.jpg": b"e"})}  # fmt: skip
    people = by_person([Upload("all.zip", zipped(inside)), Upload("Cid_2.jpg", b"c")])
    assert [(name, [file.data for file in files]) for name, files in people] == [
        ("Ann", [b"a"]), ("Ben", [b"b"]), ("Cid", [b"c"])
    ]  # fmt: skip


def bomb() -> bytes:
    return zipped({"Ann/1.jpg": bytes(20_000_000)})


def lying() -> bytes:
    """A zip whose header says that 20 MB are 1,000 bytes."""
    data = bytearray(bomb())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (1000).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (bomb(), TooLarge),
        (zipped({"Ann/1.bmp": bytes(LARGEST_FILE + 1)}), TooLarge),
        (lying(), BadRequest),
        (zipped({"../../Ann/1.jpg": b"x"}), BadRequest),
        (zipped({"Ann/1.jpg": b"x" * 5000})[:-30], BadRequest),
        (zipped({"notes.txt": b"x"}), BadRequest),
    ],
    ids=["bomb", "too large", "lying", "path", "cut off", "no photos"],
)
def test_bad_zips_are_sentences(data: bytes, kind: type[FaceAppError]) -> None:
    with pytest.raises(kind) as refused:
        by_person([Upload("all.zip", data)])
    assert refused.value.sentence.endswith(".")


def test_nothing_is_a_sentence() -> None:
    for files in ([], [Upload("Ann/1.jpg", b"")]):
        with pytest.raises(BadRequest, match="no photos"):
            by_person(files)


def test_unit_vectors() -> None:
    vectors = unit(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32))
    assert np.allclose(vectors, [[0.6, 0.8], [0, 0]], atol=1e-6)
    pairs = itertools.pairwise(np.linalg.norm(faces(3, 3)[0], axis=1))
    assert all(abs(one - other) < 1e-5 for one, other in pairs)


# -- who is on a photo ---------------------------------------------------------------------------


def photos_of(folder: Path, people: dict[str, list[bytes]]) -> Gathered:
    """Photos as a folder with one folder a person has them."""
    files = []
    for name, photos in people.items():
        place = folder / name
        place.mkdir(parents=True)
        for number, data in enumerate(photos):
            (place / f"{number}.jpg").write_bytes(data)
        files.append((name, sorted(place.iterdir())))
    known, sources = build.of_photos(files)
    return Gathered(known, tuple(sources))


@pytest.fixture(scope="module")
def photos(models: Models, astronaut: Image, hopper: Image) -> dict[str, list[bytes]]:
    return {"Ann": made_photos(models, astronaut, 4), "Ben": made_photos(models, hopper, 4)}


def read(services: Services, gathered: Gathered) -> tuple[list[str], list[str], dict[str, str]]:
    """Who is learned, from which photos, and why what was left out was left out."""
    embedder = services.models.embedder()
    people, views, left_out = build.read_views(JobContext.silent(), services.analyser, embedder, gathered)
    used = ["/".join(view.source.path.parts[-2:]) for view in views]
    return [known.name for known in people], used, {one.path: one.reason for one in left_out}


def test_a_photo_that_is_given_for_two_people_is_learned_for_neither(
    services: Services, photos: dict[str, list[bytes]], tmp_path: Path
) -> None:
    ann, ben = photos["Ann"], photos["Ben"]
    people, used, left_out = read(services, photos_of(tmp_path, {"Ann": ann, "Ben": [*ben, ann[2]]}))
    assert people == ["Ann", "Ben"]
    assert "Ann/2.jpg" not in used and "Ben/4.jpg" not in used and len(used) == 7
    said = "The photo is given for Ann and for Ben: it was left out for both."
    assert left_out == {str(tmp_path / "Ann" / "2.jpg"): said, str(tmp_path / "Ben" / "4.jpg"): said}


def test_who_has_too_few_photos_of_their_own_is_told_why(
    services: Services, photos: dict[str, list[bytes]], tmp_path: Path
) -> None:
    ann, ben = photos["Ann"], photos["Ben"]
    given = {"Ann": ann, "Ben": ben, "Cid": [*ann[:1], *ben[:1]], "Dora": ann[:1]}
    people, used, left_out = read(services, photos_of(tmp_path, given))
    assert people == ["Ann", "Ben"] and len(used) == 6
    three = "The photo is given for Ann, for Cid and for Dora: it was left out for all of them."
    assert left_out[str(tmp_path / "Dora" / "0.jpg")] == three
    why = "Cid has only 0 photos with a face that are given for nobody else, 3 are needed."
    assert left_out["Cid"] == why
    with pytest.raises(BadRequest, match="Nobody has 3") as refused:
        read(services, photos_of(tmp_path / "same", {"Ann": ann[:3], "Ben": ann[:3]}))
    assert refused.value.code == "too_few_people"
    assert "given for Ann and for Ben" in refused.value.sentence and refused.value.sentence.endswith(".")


def test_a_photo_on_which_two_people_have_a_face_each_is_learned_for_both(
    services: Services, photos: dict[str, list[bytes]], astronaut: Image, hopper: Image, tmp_path: Path
) -> None:
    """The library says which face is whose."""
    from faceapp.opencv import cv2

    high = min(len(astronaut), len(hopper))
    both = bytes(cv2.imencode(".png", np.hstack([astronaut[:high], hopper[:high]]))[1])
    alone = photos_of(tmp_path, photos)
    path = tmp_path / "both.png"
    path.write_bytes(both)
    found = sorted(services.analyser.faces(read_photo(path).image, embed=False), key=lambda one: one.box.x1)
    pair = [build.Source(person, path, build.place_of(face)) for person, face in enumerate(found)]
    people, used, left_out = read(services, Gathered(alone.people, (*alone.sources, *pair)))
    assert people == ["Ann", "Ben"] and len(used) == 10 and left_out == {}
