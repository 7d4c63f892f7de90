"""Mixtures of real faces: the canvas, the ends of the way, sharpness, exaggeration, backgrounds, the pace."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from faceapp.edit import average, balance, canvas, matte, morph, retime, warp
from faceapp.edit import points as parts
from faceapp.edit.balance import Mixture
from faceapp.edit.canvas import Aligned
from faceapp.edit.faces import FaceReader
from faceapp.edit.morph import Background, Stack, Weights
from faceapp.models.registry import Models
from faceapp.opencv import cv2
from faceapp.pipeline.analysis import Analyser
from faceapp.types import Floats, Image

SIZE = 200


def points_of(models: Models, image: Image) -> Floats:
    faces = FaceReader(Analyser(models), models).read(image, embed=False)
    return max(faces, key=lambda one: one.face.box.width).points


@pytest.fixture(scope="module")
def aligned(models: Models, astronaut: Image, hopper: Image) -> list[Aligned]:
    return [canvas.align(image, points_of(models, image), SIZE) for image in (astronaut, hopper)]


@pytest.fixture(scope="module")
def both(aligned: list[Aligned]) -> Stack:
    return morph.stack(aligned, [matte.matte(one) for one in aligned])


def difference(one: Image, other: Image) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def sharpness(image: Image, points: Floats) -> float:
    inside = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.rint(points).astype(np.int32)), 1)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return float(cv2.Laplacian(grey, cv2.CV_32F)[inside > 0].var())


# -- the canvas -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1.0), (35, 0.5), (-80, 1.2), (180, 0.21)])
def test_eyes_come_level_centred_and_equally_far_apart(
    models: Models, hopper: Image, degrees: int, scale: float
) -> None:
    """However the photo is turned and scaled, the face lies in one place of the canvas."""
    points = points_of(models, hopper)
    height, width = hopper.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    turned = cv2.warpAffine(hopper, turn, (width, height), flags=cv2.INTER_AREA)
    straight = canvas.align(hopper, points, SIZE)
    face = canvas.align(turned, warp.apply(turn, points), SIZE)
    left, right = parts.eye_centres(face.points)
    middle = (left + right) / 2
    assert abs(left[1] - right[1]) < 0.5
    assert np.allclose(middle, (SIZE * canvas.EYES_ACROSS, SIZE * canvas.EYES_DOWN), atol=0.5)
    assert np.abs(face.points - straight.points).max() < 0.5
    inner = slice(SIZE // 3, SIZE * 2 // 3)
    assert difference(face.image[inner, inner], straight.image[inner, inner]) < 12
    assert face.image.shape == (SIZE, SIZE, 3)


def test_what_is_outside_of_the_photo_is_no_black_area(models: Models, hopper: Image) -> None:
    """A face in the corner of its photo: the rest of the canvas is filled from the photo."""
    points = points_of(models, hopper)
    left, top = np.maximum(points.min(0) - 10, 0).astype(int)
    cut = np.ascontiguousarray(hopper[top:, left:])
    face = canvas.align(cut, points - np.float32((left, top)), SIZE)
    assert not face.inside.all()
    outside = face.image[~face.inside]
    assert (outside.max(axis=1) < 4).mean() < 0.1
    assert outside.std() > 2


# -- mixtures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [0, 1])
def test_each_end_of_the_way_is_the_photo(both: Stack, aligned: list[Aligned], end: int) -> None:
    assert np.abs(morph.mix(both, Weights.at(end, 2)).image.astype(int) - aligned[end].image).max() <= 1


def test_the_middle_has_the_middle_shape_and_no_ghosts(
    models: Models, both: Stack, aligned: list[Aligned]
) -> None:
    """68 points found on the picture lie between those of the parents, and it is as sharp as they are."""
    middle = morph.mix(both, Weights.at(0.5, 2))
    wanted = (aligned[0].points + aligned[1].points) / 2
    large = cv2.resize(middle.image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    found = points_of(models, large) / 2
    error = np.linalg.norm(found - wanted, axis=1).mean() / parts.eye_distance(wanted)
    assert error < 0.05
    assert np.abs(middle.points - wanted).max() < 0.1
    own = np.mean([sharpness(face.image, face.points) for face in aligned])
    dissolved = cv2.addWeighted(aligned[0].image, 0.5, aligned[1].image, 0.5, 0)
    assert sharpness(middle.image, middle.points) > 0.9 * own > sharpness(dissolved, wanted)


def test_beside_the_face_two_heads_of_hair_fade_without_being_engraved(
    both: Stack, aligned: list[Aligned]
) -> None:
    """In the corners the mixture is no sharper than the photos laid over each other."""
    middle = morph.mix(both, Weights.at(0.5, 2)).image.astype(np.float32)
    dissolved = cv2.addWeighted(aligned[0].image, 0.5, aligned[1].image, 0.5, 0).astype(np.float32)
    corner = np.s_[: SIZE // 8, : SIZE // 8]
    own, plain = (cv2.Laplacian(image, cv2.CV_32F)[corner].var() for image in (middle, dissolved))
    assert own < 1.1 * plain


def test_shape_and_colour_have_places_of_their_own(both: Stack, aligned: list[Aligned]) -> None:
    shape_of_second = morph.mix(both, Weights.at(0, 2, shape=1))
    assert np.abs(shape_of_second.points - aligned[1].points).max() < 0.1
    colour_of_second = morph.mix(both, Weights.at(0, 2, colour=1))
    assert np.abs(colour_of_second.points - aligned[0].points).max() < 0.1
    cheek = tuple(np.rint(aligned[0].points[[2, 31]].mean(0)).astype(int)[::-1])
    patch = tuple(slice(value - 4, value + 5) for value in cheek)
    plain = morph.mix(both, Weights.at(0, 2)).image[patch].mean((0, 1))
    assert difference(plain, colour_of_second.image[patch].mean((0, 1))) > 5


@pytest.mark.parametrize("place", [-1.0, -0.5, 1.5, 2.0])
def test_a_caricature_goes_on_beyond_the_face_without_a_fold(both: Stack, place: float) -> None:
    mixed = morph.mix(both, Weights.at(place, 2))
    end = 0 if place < 0 else 1
    shape = morph.mixed_shape(both, Weights.at(place, 2).shape)
    turned = warp.areas(shape, both.triangles) * np.sign(warp.areas(both.shapes[end], both.triangles))
    assert (turned > 0).all()
    way = (both.shapes[1] - both.shapes[0])[:68]
    further = (shape - both.shapes[end])[:68]
    assert float((way * further).sum()) * (place - end) > 0
    assert mixed.image.std() > 20


def test_an_absurd_exaggeration_ends_before_the_face_turns_over(both: Stack) -> None:
    shape = morph.mixed_shape(both, np.array((-14.0, 15.0), np.float32))
    turned = warp.areas(shape, both.triangles) * np.sign(warp.areas(both.shapes.mean(0), both.triangles))
    assert (turned > 0).all()


def test_faces_of_opposite_sides_give_way_instead_of_folding(aligned: list[Aligned]) -> None:
    """One face squeezed to its left side, one to its right: no triangle of either is turned over."""
    faces = []
    for face, side in zip(aligned, (0.3, 1.9), strict=True):
        points = face.points.copy()
        middle = points[27:31, 0].mean()
        points[27:36, 0] += (side - 1) * 0.35 * parts.eye_distance(points)
        points[:, 0] = np.where(points[:, 0] < middle, middle + (points[:, 0] - middle) * side, points[:, 0])
        faces.append(Aligned(face.image, points, face.to_canvas, face.inside, 1.0))
    own = morph.stack(faces)
    way = np.sign(warp.areas(own.shapes.mean(0), own.triangles))
    assert all((warp.areas(shape, own.triangles) * way > 0).all() for shape in own.shapes)
    for place in np.linspace(0, 1, 5):
        assert morph.mix(own, Weights.at(float(place), 2)).image.std() > 20


def test_backgrounds(both: Stack, aligned: list[Aligned]) -> None:
    half = Weights.at(0.5, 2)
    corner = np.s_[: SIZE // 12, : SIZE // 12]
    first, last = (morph.mix(both, half, Background(kind)).image for kind in ("first", "last"))
    assert difference(first[corner], aligned[0].image[corner]) < 2
    assert difference(last[corner], aligned[1].image[corner]) < 2
    nose = np.rint(morph.mix(both, half).points[30]).astype(int)[::-1]
    spot = tuple(slice(value - 3, value + 4) for value in nose)
    assert difference(first[spot], last[spot]) < 2
    clear = morph.mix(both, half, Background("transparent"))
    assert clear.alpha is not None
    assert clear.alpha[spot].min() > 250
    assert clear.alpha[corner].max() < 30
    other_shape = morph.mix(both, Weights.at(0, 2, shape=1), Background("transparent"))
    assert other_shape.alpha is not None and other_shape.alpha[spot].min() > 250
    blue = morph.mix(both, half, Background("colour", (200, 40, 10))).image
    assert np.abs(blue[corner].astype(int) - (200, 40, 10)).max() < 40


@pytest.mark.parametrize("size", [64, 203, 333])
def test_a_canvas_of_any_size(aligned: list[Aligned], size: int) -> None:
    """Maps are made for blocks of pixels: sides that are no multiple of them lose nothing at the borders."""
    share = size / SIZE
    faces = [
        Aligned(
            cv2.resize(face.image, (size, size), interpolation=cv2.INTER_AREA),
            ((face.points + 0.5) * share - 0.5).astype(np.float32),
            face.to_canvas, np.ones((size, size), bool), 1.0,
        )
        for face in aligned
    ]  # fmt: skip
    own = morph.stack(faces)
    assert np.array_equal(morph.mix(own, Weights.at(0, 2)).image, faces[0].image)
    middle = morph.mix(own, Weights.at(0.5, 2)).image
    mean = cv2.addWeighted(faces[0].image, 0.5, faces[1].image, 0.5, 0)
    for rim in (np.s_[-2:], np.s_[:, -2:], np.s_[:2], np.s_[:, :2]):
        assert difference(middle[rim], mean[rim]) < 10


def test_reading_the_doubled_photo_is_as_good_as_bicubic(both: Stack) -> None:
    plain = dataclasses.replace(both, doubled=())
    for place in (0.3, 0.5):
        weights = Weights.at(place, 2)
        assert difference(morph.mix(both, weights).image, morph.mix(plain, weights).image) < 0.6


def test_threads_may_mix_one_stack(both: Stack) -> None:
    places = np.linspace(0, 1, 24).tolist()
    alone = [morph.mix(both, Weights.at(place, 2)).image for place in places]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda place: morph.mix(both, Weights.at(place, 2)).image, places))
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


# -- several people ---------------------------------------------------------------------------------


def test_a_way_past_three_faces() -> None:
    assert morph.on_the_way(0.5, 3).tolist() == [0, 1, 0]
    assert np.allclose(morph.on_the_way(0.25, 3), (0.5, 0.5, 0))
    assert np.allclose(morph.on_the_way(2.0, 3), (0, -1, 2))
    assert np.allclose(morph.on_the_way(-1.0, 3), (2, -1, 0))
    assert morph.on_the_way(1.0, 3, loop=True).tolist() == [1, 0, 0]
    for place in np.linspace(-1, 2, 13):
        assert abs(morph.on_the_way(float(place), 4, loop=bool(place > 0.5)).sum() - 1) < 1e-5


def test_an_average_is_symmetrical_when_wished(aligned: list[Aligned]) -> None:
    even = np.full(len(aligned), 1 / len(aligned), np.float32)
    both = average.symmetrical(even, 1.0)
    plain = morph.mix(morph.stack(aligned), Weights(even, even, even)).image
    mirrors = [average.mirror(face) for face in aligned]
    mirrored = morph.mix(morph.stack([*aligned, *mirrors]), Weights(both, both, both))
    own = mirrored.image
    assert difference(own, own[:, ::-1]) < 0.3 * difference(plain, plain[:, ::-1])
    left, right = parts.eye_centres(mirrored.points)
    assert abs((left + right)[0] / 2 - (SIZE - 1) / 2) < 0.6


def test_a_caricature_against_the_average() -> None:
    assert np.allclose(average.caricature(4, 0, 0), (1, 0, 0, 0))
    assert np.allclose(average.caricature(4, 0, -1), 0.25)
    assert np.allclose(average.caricature(4, 0, 1), (1.75, -0.25, -0.25, -0.25))


# -- the pace ---------------------------------------------------------------------------------------


def circle(places: Floats) -> Floats:
    """Identity that hardly moves at first and quickly at the end."""
    angle = 1.2 * np.asarray(places) ** 3
    return np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)


def test_identity_moves_evenly_after_retiming() -> None:
    pace = retime.measured(circle)
    rows = circle(pace(np.linspace(0, 1, 11)))
    steps = np.linalg.norm(np.diff(rows, axis=0), axis=1)
    plain = np.linalg.norm(np.diff(circle(np.linspace(0, 1, 11)), axis=0), axis=1)
    assert steps.max() / steps.mean() < 1.1
    assert plain.max() / plain.mean() > 2
    fine = pace(np.linspace(0, 1, 200))
    assert (np.diff(fine) >= 0).all() and fine[0] == 0 and fine[-1] == pytest.approx(1)


def wavering(places: Floats) -> Floats:
    """Identity that comes half-way, turns back for a while and then goes on."""
    places = np.asarray(places)
    angle = np.interp(places, (0, 0.5, 0.58, 1), (0, 0.6, 0.5, 1.2))
    return np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)


def test_a_stretch_that_leads_back_is_passed_quickly() -> None:
    """Fewer frames lie in the dip than at a pace that only counts how far identity has moved."""
    places = np.linspace(0, 1, 51)
    rows = wavering(places)
    steps = np.linalg.norm(np.diff(rows, axis=0), axis=1)
    plain = np.interp(np.linspace(0, 1, 61), np.concatenate([[0], np.cumsum(steps)]) / steps.sum(), places)
    own = retime.even(places, rows)(np.linspace(0, 1, 61))
    inside = [int(((way > 0.5) & (way < 0.58)).sum()) for way in (own, plain)]
    assert inside[0] < 0.6 * inside[1]
    assert (np.diff(own) > 0).all()


def test_two_photos_of_one_picture_have_a_plain_pace() -> None:
    pace = retime.measured(lambda places: np.tile(np.float32((1, 0)), (len(places), 1)))
    assert np.allclose(pace(np.linspace(0, 1, 5)), np.linspace(0, 1, 5))


def features(mixtures: Sequence[Mixture]) -> Floats:
    """Identity that lies in the shape more than in the colour, and hardly in the detail."""
    return circle(np.array([mixture.places for mixture in mixtures]) @ np.array((0.6, 0.3, 0.1)))


@pytest.fixture(scope="module")
def face(both: Stack) -> NDArray[np.float64]:
    """A shape of a face, in distances between its eyes."""
    return np.asarray(both.shapes.mean(0)[: parts.FACE_POINTS], np.float64) / morph.eyes_apart(SIZE)


def test_the_balanced_mixture_is_equally_far_from_both(face: NDArray[np.float64]) -> None:
    found = balance.balanced(features, face)
    assert found.moved is not None
    shown = (Mixture.at(0), Mixture.at(0.5), found, Mixture.at(1))
    first, half, here, last = features(shown)
    assert abs(first @ here - last @ here) < 0.05 * abs(first @ half - last @ half)
    assert (found.places > 0.6).all() and np.ptp(found.places) < 0.2
    assert np.abs(found.moved).max() < 1e-6


def strangers(mixtures: Sequence[Mixture]) -> Floats:
    """Identity that looks like a third person half-way, the less the lower the nose of the mixture is."""
    rows = []
    for mixture in mixtures:
        place = float(mixture.places.mean())
        lower = 0.0 if mixture.moved is None else float(mixture.moved[27:36, 1].mean())
        rows.append((1 - place, place, 4 * place * (1 - place) * (0.3 - 3 * lower)))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (np.array(rows) / lengths).astype(np.float32)


def test_features_move_a_little_where_that_makes_a_mixture_more_like_both(face: NDArray[np.float64]) -> None:
    found = balance.balanced(strangers, face)
    assert found.moved is not None
    first, half, here, last = strangers((Mixture.at(0), Mixture.at(0.5), found, Mixture.at(1)))
    assert min(first @ here, last @ here) > min(first @ half, last @ half) + 0.005
    assert abs(first @ here - last @ here) < 0.01
    down = found.moved[:, 1]
    assert 0.02 < down[27:36].mean() < 0.1 and np.abs(found.moved[:, 0]).max() < 0.01
    # What is near goes along, what is far stays.
    assert np.ptp(down[31:36]) < 0.05 and abs(down[8]) < 0.02
    assert np.allclose(found.places, 0.5, atol=0.05)


def test_between_two_photos_of_one_picture_nothing_moves(face: NDArray[np.float64]) -> None:
    found = balance.balanced(lambda asked: np.tile(np.float32((1, 0)), (len(asked), 1)), face)
    assert found.moved is not None
    assert np.allclose(found.places, 0.5) and np.allclose(found.moved, 0)


def test_points_of_a_mixture_are_moved_and_never_turn_the_face_over(both: Stack) -> None:
    eyes = morph.eyes_apart(SIZE)
    moved = np.zeros((parts.FACE_POINTS, 2), np.float32)
    moved[48:68] = 0.1, 0.05
    plain, own = balance.mixed(both, Mixture.at(0.5)), balance.mixed(both, Mixture(np.full(3, 0.5), moved))
    assert np.allclose(own.points - plain.points, eyes * moved[:68], atol=1e-3)
    assert difference(own.image[SIZE // 2 :], plain.image[SIZE // 2 :]) > 0.3
    shape = morph.mixed_shape(both, Weights.even(2).shape, 400 * moved)
    turned = warp.areas(shape, both.triangles) * np.sign(warp.areas(both.shapes.mean(0), both.triangles))
    assert (turned > 0).all()


def test_moments_there_and_back_around_and_eased() -> None:
    assert retime.moments(4, ping_pong=True).tolist() == [0, 0.5, 1, 0.5]
    assert retime.moments(4, 3, loop=True).tolist() == [0, 0.25, 0.5, 0.75]
    assert retime.moments(1).tolist() == [0.5]
    slow = retime.moments(101, 3, ease=True)
    steps = np.diff(slow)
    assert (steps >= 0).all() and slow[50] == pytest.approx(0.5)
    assert steps[50] < 0.2 * steps[25]
