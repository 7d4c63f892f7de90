"""The appearance model: shapes, textures, their components; FFHQ's crop; the cache of projections."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from faceapp.edit.faces import EditFace, FaceReader
from faceapp.edit.points import eye_centres, eye_distance, with_forehead
from faceapp.edit.warp import areas
from faceapp.errors import Cancelled, ModelUnavailable, UnusableFace
from faceapp.jobs import JobContext
from faceapp.latent import appearance, ffhq
from faceapp.latent.appearance import AppearanceModel, fit, members_of
from faceapp.latent.cache import ProjectionCache
from faceapp.latent.generator import Generator, GeneratorInfo, Projection, Step, Subject, mixed
from faceapp.latent.texture import MIRROR, Frame, edge, mean_shape, mirrored
from faceapp.models.registry import Models
from faceapp.opencv import cv2
from faceapp.types import Floats, Image

QUIET = JobContext.silent()
SIDE = 96


def biggest(reader: FaceReader, image: Image) -> EditFace | None:
    faces = reader.read(image, views=1)
    middle = np.array(image.shape[1::-1]) / 2
    return min(faces, key=lambda face: np.abs(face.points.mean(0) - middle).sum(), default=None)


@pytest.fixture(scope="module")
def subjects(reader: FaceReader, astronaut: Image, hopper: Image) -> list[Subject]:
    found = []
    for image in (astronaut, hopper):
        face = max(reader.read(image, embed=False), key=lambda one: one.face.box.width)
        found.append(Subject(image, face.points))
    return found


@pytest.fixture(scope="module")
def varied(subjects: list[Subject]) -> list[Subject]:
    """Both portraits with other expressions, light and places: faces with known differences."""
    random = np.random.default_rng(0)
    found = []
    for number in range(12):
        subject = subjects[number % 2]
        gain, scale = 1 + 0.3 * random.standard_normal(), 1 + 0.1 * random.standard_normal()
        image = np.clip(subject.image * max(0.4, gain), 0, 255).astype(np.uint8)
        points = subject.points.copy()
        points[48:, 1] += 4 * random.standard_normal()
        matrix = np.array([(scale, 0.1, 5.0), (-0.1, scale, 40.0)])
        height, width = image.shape[:2]
        moved = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
        found.append(Subject(np.asarray(moved), (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)))
    return found


@pytest.fixture(scope="module")
def model(varied: list[Subject]) -> AppearanceModel:
    return fit(QUIET, varied, 2, "gallery", (1, 2, 3), side=SIDE)


# -- shapes and textures -----------------------------------------------------------------------------------
def test_the_mirror_image_of_a_face_has_its_points_in_order(reader: FaceReader, astronaut: Image) -> None:
    face = max(reader.read(astronaut, embed=False), key=lambda one: one.face.box.width)
    turned = np.ascontiguousarray(astronaut[:, ::-1])
    other = max(reader.read(turned, embed=False), key=lambda one: one.face.box.width)
    expected = mirrored(with_forehead(face.points), astronaut.shape[1])
    error = np.linalg.norm(with_forehead(other.points) - expected, axis=1) / eye_distance(face.points)
    assert error.mean() < 0.06
    assert sorted(MIRROR) == list(range(77)) and np.array_equal(MIRROR[MIRROR], np.arange(77))


def test_the_mean_shape_is_symmetric_with_level_eyes(varied: list[Subject]) -> None:
    mean = mean_shape(np.stack([with_forehead(subject.points) for subject in varied]), SIDE)
    assert np.abs(mirrored(mean, SIDE) - mean).max() < 0.01
    left, right = eye_centres(mean)
    assert right[0] - left[0] == pytest.approx(0.29 * SIDE, abs=0.1)
    assert left[1] == pytest.approx(right[1], abs=0.01)


def test_a_texture_has_its_points_on_those_of_the_mean(subjects: list[Subject]) -> None:
    """Dots painted onto a photo's points are found on the mean's points."""
    frame = Frame(mean_shape(np.stack([with_forehead(s.points) for s in subjects]), 160), 160)
    for subject in subjects:
        image = np.zeros_like(subject.image)
        for index in (8, 30, 36, 45, 48, 54):
            x, y = subject.points[index]
            cv2.circle(image, (round(float(x)), round(float(y))), 3, (255, 255, 255), -1)
        texture = frame.texture(image, subject.points)[..., 0]
        for index in (8, 30, 36, 45, 48, 54):
            x, y = np.rint(frame.mean[index]).astype(int)
            assert texture[y - 2 : y + 3, x - 2 : x + 3].max() > 100, index
        assert (texture > 100).mean() < 0.02


def test_warping_to_the_mean_and_back_shows_the_photo(subjects: list[Subject]) -> None:
    frame = Frame(mean_shape(np.stack([with_forehead(s.points) for s in subjects]), 160), 160)
    subject = subjects[0]
    shape = frame.shape(subject.points)
    texture = frame.texture(subject.image, subject.points).astype(np.float32)
    back, direct = frame.shaped(texture, shape, 160), frame.direct(subject.image, subject.points, shape, 160)
    assert np.abs(back - direct)[8:-8, 8:-8].mean() < 6
    # The direct way is a similarity of the photo: at twice the size the same picture.
    double = frame.direct(subject.image, subject.points, shape, 320)
    small = cv2.resize(double, (160, 160), interpolation=cv2.INTER_AREA)
    assert np.abs(small - direct)[8:-8, 8:-8].mean() < 4


# -- the model ---------------------------------------------------------------------------------------------
def test_the_components_are_those_of_all_faces_and_their_mirror_images(varied: list[Subject]) -> None:
    """Against a plain singular value decomposition of everything at once."""
    faces = [appearance.cut(subject, 32) for subject in varied]
    own = fit(QUIET, faces, 2, side=32)
    whole = np.stack([own.frame.texture(subject.image, subject.points) for subject in faces])
    both = np.concatenate([whole, whole[:, :, ::-1]]).astype(np.float64)
    weight = 0.3 + 0.7 * own.frame.face[..., None]
    rows = ((both - both.mean(0)) * weight).reshape(len(both), -1)
    spread = np.linalg.svd(rows, compute_uv=False) / np.sqrt(len(both))
    found = np.sort(np.concatenate([own.even_spread, own.odd_spread]))[::-1]
    count = min(len(found), 12)
    assert count >= 8
    assert np.allclose(found[:count], spread[:count], rtol=1e-2)
    for basis in (own.even, own.odd):
        assert np.abs(basis @ basis.T - np.eye(len(basis))).max() < 5e-3


def test_faces_it_was_fitted_on_are_drawn_again(model: AppearanceModel, varied: list[Subject]) -> None:
    for subject in varied[:4]:
        encoded = model.encoded(subject)
        assert np.abs(model.shape_of(encoded.w) - encoded.shape).max() < 0.05 * 0.29 * SIDE
        pictures = model.synthesis(np.stack([encoded.w[None], 0 * encoded.w[None]]))
        on_face = cv2.resize(model.frame.face, pictures.shape[2:0:-1]) > 0.5
        drawn, mean_face = np.abs(pictures.astype(float) - model.aligned(subject))[:, on_face].mean((1, 2))
        assert drawn < mean_face / 3


def test_it_is_a_generator_like_the_other_one(model: AppearanceModel, subjects: list[Subject]) -> None:
    generator: Generator = model
    info = generator.info
    assert (info.route, info.align, info.num_ws) == ("pca", "appearance", 1)
    assert "own library" in info.licence and "2 people" in info.remark
    z = np.random.default_rng(0).standard_normal((2, info.z_dim)).astype(np.float32)
    mean = generator.synthesis(generator.mapping(0 * z))
    assert np.array_equal(mean[0], mean[1])
    assert not np.array_equal(*generator.synthesis(generator.mapping(z)))
    seen: list[Step] = []
    found = generator.project(subjects[0], QUIET, seen.append)
    assert found.complete and np.array_equal(found.ws, generator.encode(subjects[0]))
    assert seen[0].losses["total"] == pytest.approx(float(found.curve[0]))
    half = mixed([generator.encode(subject) for subject in subjects], (1, 1))
    assert generator.synthesis(half[None]).shape == (1, info.resolution, info.resolution, 3)
    with pytest.raises(ValueError, match="ws"):
        generator.synthesis(half[None, :, :-1])


def test_the_mirror_image_of_a_face_is_its_mirrored_point(
    model: AppearanceModel, varied: list[Subject]
) -> None:
    """Symmetric scores stay, antisymmetric ones change their sign."""
    subject = varied[0]
    width = subject.image.shape[1]
    turned = mirrored(with_forehead(subject.points), width)[:68]
    other = model.encoded(Subject(np.ascontiguousarray(subject.image[:, ::-1]), turned))
    own = model.encoded(subject)
    start, middle = len(model.shape_spread), len(model.shape_spread) + len(model.even_spread)
    assert np.abs(own.w[start:middle] - other.w[start:middle]).max() < 0.2
    assert np.abs(own.w[middle:] + other.w[middle:]).max() < 0.2
    assert np.abs(own.w[middle:]).max() > 0.3


def test_a_morph_begins_and_ends_with_its_parents(model: AppearanceModel, subjects: list[Subject]) -> None:
    parents = [model.encoded(subject) for subject in subjects]
    for number, weights in enumerate(((1.0, 0.0), (0.0, 1.0))):
        picture = model.morph(parents, weights, 256)
        own = model.frame.direct(subjects[number].image, subjects[number].points, parents[number].shape, 256)
        assert np.abs(picture.astype(float) - own).max() <= 1.5


@pytest.mark.parametrize("detail", [0.0, 1.0])
def test_beyond_the_ends_a_face_stays_a_face(
    model: AppearanceModel, subjects: list[Subject], reader: FaceReader, detail: float
) -> None:
    """It goes on, away from both, and neither burns out nor changes what is around it."""
    parents = [model.encoded(subject) for subject in subjects]
    size = 256
    face = cv2.resize(model.frame.face, (size, size))
    for number in (0, 1):
        places = [(1 + step, -step) if number == 0 else (-step, 1 + step) for step in (0.0, 0.5, 1.0)]
        pictures = [model.morph(parents, weights, size, detail) for weights in places]
        shapes = [model.mixed(parents, weights, detail)[1] for weights in places]
        there = parents[1 - number].shape
        away = [float(np.linalg.norm(shape - there)) for shape in shapes]
        assert away == sorted(away) and away[2] > 1.02 * away[0]
        inside = [cv2.GaussianBlur(picture, (0, 0), 8)[face > 0.9].astype(float) for picture in pictures]
        assert 2 < np.abs(inside[2] - inside[0]).mean() < 40
        burnt = [float(np.isin(picture[face > 0.9], (0, 255)).mean()) for picture in pictures]
        assert burnt[2] < burnt[0] + 0.03
        corners = [picture[-20:, -20:].astype(float) for picture in pictures]
        assert np.abs(corners[2] - corners[0]).mean() < 6
        assert reader.read(pictures[2], embed=False)


def test_beyond_the_ends_no_triangle_turns_over(subjects: list[Subject]) -> None:
    """A closed mouth is the end of what moves away from an open one: it would turn inside out."""
    opened, closed = subjects[0].points.copy(), subjects[0].points.copy()
    middle = closed[60:68, 1].mean()
    opened[61:64, 1], opened[65:68, 1] = middle - 6, middle + 6
    closed[61:64, 1], closed[65:68, 1] = middle - 0.5, middle + 0.5
    faces = [Subject(subjects[0].image, points) for points in (opened, closed)]
    own = fit(QUIET, faces, 2, side=SIDE)
    parents = [own.encoded(face) for face in faces]
    ends = [own.mixed(parents, weights)[1] for weights in ((0.0, 1.0), (-1.0, 2.0))]
    signs = [
        np.sign(areas(np.concatenate([shape, edge(SIDE)]), own.frame.triangles)) for shape in ends
    ]
    assert np.array_equal(*signs) and not np.array_equal(*ends)


def test_a_face_ends_where_those_of_the_library_do(model: AppearanceModel, subjects: list[Subject]) -> None:
    parents = [model.encoded(subject) for subject in subjects]
    middle, furthest = len(model.shape_spread), []
    for step in (0.5, 1.0, 3.0, 30.0):
        w, _ = model.mixed(parents, (-step, 1 + step))
        furthest.append([float(np.sqrt(np.mean(part**2))) for part in (w[:middle], w[middle:])])
    own = [float(np.sqrt(np.mean(part**2))) for part in (parents[1].w[:middle], parents[1].w[middle:])]
    for values, start in zip(np.transpose(furthest), own, strict=True):
        assert values.max() <= max(appearance.BEYOND, start + appearance.LEAST_BEYOND) + 1e-3


def test_detail_is_what_the_components_leave_out(model: AppearanceModel, subjects: list[Subject]) -> None:
    parents = [model.encoded(subject) for subject in subjects]
    pictures = [model.morph(parents, (0.5, 0.5), 256, detail)[..., 1] for detail in (0.0, 0.5, 1.0)]
    sharp = [float(cv2.Laplacian(picture, cv2.CV_32F).var()) for picture in pictures]
    assert sharp[0] < sharp[1] < sharp[2]


def test_the_file_gives_back_the_model(
    model: AppearanceModel, subjects: list[Subject], tmp_path: Path
) -> None:
    path = tmp_path / "appearance.safetensors"
    model.save(path)
    read = AppearanceModel.load(path)
    assert (read.people, read.faces, read.gallery, read.members) == (2, 12, "gallery", (1, 2, 3))
    assert members_of(path) == {1, 2, 3} and read.sha256
    w = model.encoded(subjects[0]).w
    assert np.abs(read.encoded(subjects[0]).w - w).max() < 0.05
    assert np.abs(read.picture(w, 128) - model.picture(w, 128)).max() < 2
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        AppearanceModel.load(path)
    assert members_of(tmp_path / "absent") is None
    with pytest.raises(ModelUnavailable, match="no model"):
        AppearanceModel.load(tmp_path / "absent")


def test_too_few_faces_and_cancelling(subjects: list[Subject]) -> None:
    with pytest.raises(UnusableFace, match="at least two"):
        fit(QUIET, subjects[:1], 1)
    with pytest.raises(Cancelled):
        fit(JobContext(lambda **_: None, lambda: True), subjects, 2)


def test_points_that_make_no_face_are_refused(model: AppearanceModel, astronaut: Image) -> None:
    with pytest.raises(UnusableFace, match="do not make a face"):
        model.encoded(Subject(astronaut, np.full((68, 2), 7, np.float32)))


def test_held_back_faces_of_lfw(
    reader: FaceReader, data_dir: Path, read_image: Callable[[Path], Image], models: Models
) -> None:
    """A model of 250 people draws 12 others: the landmarks found on its pictures are theirs, and a morph
    with the parents' details is accepted as both about as often as one of the landmarks alone."""
    people = sorted(path for path in (data_dir / "faces" / "lfw").iterdir() if path.is_dir())[::10]
    faces: list[tuple[Subject, Floats]] = []
    for person in people:
        image = read_image(sorted(person.glob("*.jpg"))[0])
        face = biggest(reader, image)
        if face is not None and face.face.embedding is not None:
            faces.append((Subject(image, face.points), face.face.embedding))
    held, known = faces[::20][:12], [face for index, face in enumerate(faces) if index % 20]
    own = fit(QUIET, (subject for subject, _ in known), len(known), side=128)
    assert not own.remark
    size, errors = 256, []
    for subject, _ in held:
        encoded = own.encoded(subject)
        drawn = own.synthesis(encoded.w[None, None])[0]
        face = biggest(reader, drawn)
        assert face is not None
        truth = (encoded.shape[:68] + 0.5) * size / own.frame.side - 0.5
        errors.append(np.linalg.norm(face.points - truth, axis=1).mean() / eye_distance(truth))
    assert np.mean(errors) <= 0.03
    closer = []
    for (one, first), (two, second) in pairwise(held):
        morph = own.morph([own.encoded(one), own.encoded(two)], (0.5, 0.5), size)
        face = biggest(reader, morph)
        assert face is not None and face.face.embedding is not None
        worst = max(1 - float(face.face.embedding @ parent) for parent in (first, second))
        closer.append(worst < 1 - float(first @ second))
    assert np.mean(closer) >= 0.9


# -- FFHQ's crop -------------------------------------------------------------------------------------------
def test_the_crop_follows_the_recipe(subjects: list[Subject]) -> None:
    """The eyes and the mouth lie where FFHQ's do, whatever the size, the turn and the scale of the photo."""
    for subject in subjects:
        crops = []
        for turn, scale in ((0.0, 1.0), (0.3, 0.8), (-0.2, 1.5)):
            cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
            matrix = np.array([(cosine, -sine, 150.0), (sine, cosine, 100.0)])
            moved = cv2.warpAffine(subject.image, matrix, (1100, 1100), borderMode=cv2.BORDER_REFLECT_101)
            points = (subject.points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
            crops.append(ffhq.aligned(Subject(np.asarray(moved), points), 256).astype(float))
            to_photo = ffhq.to_photo(points, 256)
            placed = (points - to_photo[:, 2]) @ np.linalg.inv(to_photo[:, :2]).T
            left, right = eye_centres(placed)
            assert left[1] == pytest.approx(right[1], abs=4) and 95 < left[1] < 135
            assert (left[0] + right[0]) / 2 == pytest.approx(128, abs=8)
        inner = (slice(40, 216), slice(40, 216))
        assert np.abs(crops[0][inner] - crops[1][inner]).mean() < 6
        assert np.abs(crops[0][inner] - crops[2][inner]).mean() < 6


def test_a_crop_beyond_the_photo_goes_on_mirrored_and_fades(subjects: list[Subject]) -> None:
    subject = subjects[0]
    x1, y1 = np.floor(subject.points.min(0)).astype(int) - 2
    x2, y2 = np.ceil(subject.points.max(0)).astype(int) + 2
    tight = Subject(subject.image[y1:y2, x1:x2], subject.points - np.array((x1, y1), np.float32))
    crop, whole = ffhq.aligned(tight, 256), ffhq.aligned(subject, 256)
    middle = (slice(110, 200), slice(90, 166))
    assert np.abs(crop[middle].astype(float) - whole[middle]).mean() < 4
    corners = np.concatenate([crop[:8, :8].reshape(-1, 3), crop[-8:, -8:].reshape(-1, 3)])
    # No black border, and no hard edge at the far end.
    assert corners.min() > 10 and corners.std(0).max() < 40


# -- the cache ---------------------------------------------------------------------------------------------
def test_the_cache_gives_back_what_fits(tmp_path: Path) -> None:
    info = GeneratorInfo("test", "stylegan2", 8, 4, 4, 6, "ffhq", "", "abc")
    cache = ProjectionCache(tmp_path / "projections")
    random = np.random.default_rng(0)
    picture = random.integers(0, 255, (8, 8, 3), np.uint8)
    found = Projection(
        random.standard_normal((6, 4)).astype(np.float32), picture, np.ones(3, np.float32), 0.25, False
    )
    key = cache.key(picture, info)
    assert cache.get(key, info) is None
    cache.put(key, found)
    read = cache.get(key, info)
    assert read is not None and np.array_equal(read.ws, found.ws) and np.array_equal(read.image, picture)
    assert (read.identity, read.complete) == (0.25, False) and len(read.curve) == 3
    other = picture.copy()
    other[0, 0, 0] ^= 1
    assert cache.key(other, info) != key
    assert cache.get(key, GeneratorInfo("test", "stylegan2", 8, 4, 4, 8, "ffhq", "")) is None
    path = next((tmp_path / "projections").iterdir())
    path.write_bytes(path.read_bytes()[:50])
    assert cache.get(key, info) is None


def test_the_cache_forgets_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceapp.latent.cache.MOST_KEPT", 2)
    cache = ProjectionCache(tmp_path)
    info = GeneratorInfo("test", "stylegan2", 8, 4, 4, 6, "ffhq", "")
    found = Projection(np.zeros((6, 4), np.float32), np.zeros((8, 8, 3), np.uint8))
    for key in ("a", "b", "c"):
        cache.put(key, found)
    kept = [key for key in ("a", "b", "c") if cache.get(key, info) is not None]
    assert len(kept) == 2 and "c" in kept
    assert appearance.FEWEST == 2
