"""The swap engine on the two portraits: identity, shape, masks, colours and every odd face."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceapp.edit.blend import feathered, membrane, paste
from faceapp.edit.colour import colour_map, colours
from faceapp.edit.detail import grain, matched
from faceapp.edit.faces import EditFace, FaceReader
from faceapp.edit.neural import NeuralSwapper
from faceapp.edit.points import MOUTH, eye_distance
from faceapp.edit.skin import stand_upright
from faceapp.edit.swap import (
    Source,
    SwapSettings,
    match_colours,
    prepare,
    swap_face,
    swap_faces,
)
from faceapp.errors import Cancelled, UnusableFace
from faceapp.models.swapper import template
from faceapp.opencv import cv2
from faceapp.types import Floats, Image


@pytest.fixture(scope="module")
def source(hopper: Image, man: EditFace) -> Source:
    return prepare(hopper, man)


def scaled(image: Image, face: EditFace, factor: float) -> tuple[Image, EditFace]:
    area = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=area), replace(
        face, points=face.points * np.float32(factor)
    )


def distance(one: EditFace, other: EditFace) -> float:
    assert one.face.embedding is not None and other.face.embedding is not None
    return float(1 - one.face.embedding @ other.face.embedding)


def error(points: np.ndarray, target: EditFace) -> float:
    return float(np.hypot(*(points - target.points).T).mean() / eye_distance(target.points))


def test_the_result_is_the_source_at_full_likeness(
    reader: FaceReader, astronaut: Image, woman: EditFace, man: EditFace, source: Source
) -> None:
    done = swap_face(astronaut, woman, source)
    seen = min(reader.read(done.image), key=lambda each: error(each.points, woman))
    assert distance(seen, man) < distance(seen, woman)


def test_expression_takes_the_targets_shape(
    reader: FaceReader, astronaut: Image, woman: EditFace, source: Source
) -> None:
    errors = []
    for likeness in (1.0, 0.0):
        done = swap_face(astronaut, woman, source, SwapSettings(likeness=likeness))
        seen = min(reader.read(done.image, embed=False), key=lambda each: error(each.points, woman))
        errors.append(error(seen.points, woman))
    assert errors[1] < 0.06 and errors[1] < errors[0]


def test_pixels_outside_of_the_mask_stay_bit_for_bit(
    astronaut: Image, woman: EditFace, source: Source
) -> None:
    before = astronaut.copy()
    done = swap_face(astronaut, woman, source)
    covered = np.zeros(astronaut.shape[:2], bool)
    x1, y1, x2, y2 = done.box
    covered[y1:y2, x1:x2] = done.mask > 0
    assert done.mask.shape == (y2 - y1, x2 - x1) and covered.any()
    assert np.array_equal(done.image[~covered], astronaut[~covered])
    assert np.array_equal(astronaut, before), "the photo that was given must not change"
    assert (
        done.image[done_core(done.box, astronaut.shape)] != astronaut[done_core(done.box, astronaut.shape)]
    ).any()


def done_core(box: tuple[int, int, int, int], shape: tuple[int, ...]) -> tuple[slice, slice]:
    x1, y1, x2, y2 = box
    return slice(y1 + (y2 - y1) // 3, y2 - (y2 - y1) // 3), slice(x1 + (x2 - x1) // 3, x2 - (x2 - x1) // 3)


def test_the_same_call_gives_the_same_pixels(astronaut: Image, woman: EditFace, source: Source) -> None:
    assert np.array_equal(
        swap_face(astronaut, woman, source).image, swap_face(astronaut, woman, source).image
    )


def test_no_opacity_changes_nothing(astronaut: Image, woman: EditFace, source: Source) -> None:
    assert np.array_equal(swap_face(astronaut, woman, source, SwapSettings(opacity=0)).image, astronaut)


def test_the_mouth_can_stay(astronaut: Image, woman: EditFace, source: Source) -> None:
    done = swap_face(astronaut, woman, source, SwapSettings(keep_mouth=True))
    x, y = np.rint(woman.points[MOUTH]).astype(int).T
    assert np.array_equal(done.image[y, x], astronaut[y, x])


def test_the_hair_stays_out(astronaut: Image, woman: EditFace, source: Source) -> None:
    copy = stand_upright(astronaut, woman.points)
    hair = cv2.warpAffine(
        (copy.skin < 0.1).astype(np.float32), copy.to_copy, astronaut.shape[1::-1], flags=cv2.WARP_INVERSE_MAP
    )
    brows = woman.points[17:27, 1].min() - 0.4 * eye_distance(woman.points)
    hair[int(brows) :] = 0
    done = swap_face(astronaut, woman, source)
    x1, y1, x2, y2 = done.box
    shown = (done.mask > 0.3) & (hair[y1:y2, x1:x2] > 0.9)
    assert (hair > 0.9).sum() > 500 and shown.sum() < 0.03 * (hair > 0.9).sum()


def test_the_skin_takes_on_the_targets_colour(astronaut: Image, woman: EditFace, source: Source) -> None:
    cheeks = np.rint(woman.points[[1, 2, 3, 13, 14, 15]] * 0.6 + woman.points[30] * 0.4).astype(int)
    gaps = {}
    for method in ("mkl", "lab", "none"):
        done = swap_face(astronaut, woman, source, SwapSettings(colour=method, blend="feather")).image  # type: ignore[arg-type]
        blurred = [cv2.GaussianBlur(image, (0, 0), 4).astype(float) for image in (done, astronaut)]
        gaps[method] = np.mean([np.abs(blurred[0][y, x] - blurred[1][y, x]).mean() for x, y in cheeks])
    assert gaps["mkl"] < gaps["none"] and gaps["lab"] < gaps["none"]


def test_a_colour_map_can_be_given(astronaut: Image, woman: EditFace, source: Source) -> None:
    measured = match_colours(woman, astronaut, source)
    own = swap_face(astronaut, woman, source)
    given, halfway = (
        swap_faces(astronaut, [(woman, source)], colour_maps=[colour])[0]
        for colour in (measured, measured.toward(measured.same(), 0.5))
    )
    assert np.array_equal(own.image, given) and not np.array_equal(own.image, halfway)


def test_a_grey_target_gets_a_grey_face(astronaut: Image, woman: EditFace, source: Source) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    done = swap_face(grey, woman, source)
    x1, y1, x2, y2 = done.box
    part = done.image[y1:y2, x1:x2].astype(int)
    assert (part.max(-1) - part.min(-1)).mean() < 6


@pytest.mark.parametrize("factor", [0.05, 0.1, 0.35, 3.0])
def test_every_size_of_target(astronaut: Image, woman: EditFace, source: Source, factor: float) -> None:
    image, face = scaled(astronaut, woman, factor)
    done = swap_face(image, face, source)
    assert done.image.shape == image.shape and not np.array_equal(done.image, image)


@pytest.mark.parametrize("cut", ["left", "right", "top", "bottom"])
def test_a_face_that_the_border_cuts(
    astronaut: Image, woman: EditFace, hopper: Image, man: EditFace, cut: str
) -> None:
    for image, face in ((astronaut, woman), (hopper, man)):
        x, y = np.rint(face.points[30]).astype(int)
        part = {"left": image[:, x:], "right": image[:, :x], "top": image[y:], "bottom": image[:y]}[cut]
        moved = face.points - np.array((x if cut == "left" else 0, y if cut == "top" else 0), np.float32)
        cut_face = replace(face, points=moved)
        onto = swap_face(np.ascontiguousarray(part), cut_face, prepare(hopper, man))
        assert onto.image.shape == part.shape
        back = swap_face(astronaut, woman, prepare(np.ascontiguousarray(part), cut_face))
        assert back.image.shape == astronaut.shape


def test_black_and_white_photos(astronaut: Image, woman: EditFace, source: Source) -> None:
    for value in (0, 255):
        flat = np.full_like(astronaut, value)
        assert swap_face(flat, woman, source).image.shape == flat.shape
        assert swap_face(astronaut, woman, prepare(flat, woman)).image.shape == astronaut.shape


def test_points_that_are_no_face_are_refused(astronaut: Image, woman: EditFace, source: Source) -> None:
    for points in (np.zeros((68, 2)), np.full((68, 2), np.nan), np.tile(woman.points[:1], (68, 1))):
        nothing = replace(woman, points=points.astype(np.float32))
        with pytest.raises(UnusableFace, match=r"\.$|\. "):
            swap_face(astronaut, nothing, source)
        with pytest.raises(UnusableFace):
            prepare(astronaut, nothing)


def test_a_face_outside_of_the_photo_changes_nothing(
    astronaut: Image, woman: EditFace, source: Source
) -> None:
    away = replace(woman, points=woman.points + np.float32(5000))
    assert np.array_equal(swap_face(astronaut, away, source).image, astronaut)


def test_heads_that_are_turned_apart_are_remarked(astronaut: Image, woman: EditFace, source: Source) -> None:
    yaw = source.face.face.quality.yaw + 40
    turned = replace(woman, face=replace(woman.face, quality=replace(woman.face.quality, yaw=yaw)))
    said = swap_face(astronaut, turned, source).remarks
    assert any("degrees apart" in sentence for sentence in said)
    same = replace(woman, face=replace(woman.face, quality=source.face.face.quality))
    assert not any("apart" in sentence for sentence in swap_face(astronaut, same, source).remarks)


def test_two_hundred_faces(astronaut: Image, woman: EditFace, source: Source) -> None:
    image, face = scaled(astronaut, woman, 0.1)
    tiled = np.tile(image, (10, 20, 1))
    height, width = image.shape[:2]
    faces = [
        replace(face, points=face.points + np.array((column * width, row * height), np.float32))
        for row in range(10)
        for column in range(20)
    ]
    done, swapped = swap_faces(tiled, [(each, source) for each in faces])
    assert len(swapped) == 200
    for each in swapped:
        x1, y1, x2, y2 = each.box
        assert not np.array_equal(done[y1:y2, x1:x2], tiled[y1:y2, x1:x2])


class Mirror:
    """A network that draws what it saw, and counts the faces."""

    size, template = 128, template(128)
    drawn = 0

    def embed(self, image: Image, points: Floats) -> Floats:
        return np.ones((len(points), 512), np.float32)

    def swap(self, chips: Image, embeddings: Floats) -> Image:
        self.drawn += len(chips)
        return chips


def test_either_engine_stops_between_two_faces(astronaut: Image, woman: EditFace, source: Source) -> None:
    network = Mirror()
    for engine in (swap_faces, NeuralSwapper(network).swap_faces):
        asked = 0

        def check() -> None:
            nonlocal asked
            asked += 1
            if asked == 3:
                raise Cancelled()

        with pytest.raises(Cancelled):
            engine(astronaut, [(woman, source)] * 5, SwapSettings(), check=check)
    assert network.drawn == 2


def test_faces_are_measured_on_the_photo_as_it_came(
    astronaut: Image, woman: EditFace, source: Source
) -> None:
    pairs = [(woman, source), (replace(woman, points=woman.points + np.float32(300)), source)]
    both, _ = swap_faces(astronaut, pairs)
    one = swap_face(astronaut, woman, source).image
    x1, y1, x2, y2 = swap_face(astronaut, woman, source).box
    assert np.array_equal(both[y1:y2, x1:x2], one[y1:y2, x1:x2])


def test_a_blurred_target_gets_a_blurred_face(astronaut: Image, woman: EditFace, source: Source) -> None:
    image = cv2.GaussianBlur(cv2.resize(astronaut, None, fx=2, fy=2), (0, 0), 5)
    face = replace(woman, points=woman.points * np.float32(2))

    def detail(settings: SwapSettings) -> float:
        done = swap_face(image, face, source, settings)
        x1, y1, x2, y2 = done.box
        grey = cv2.cvtColor(done.image[y1:y2, x1:x2], cv2.COLOR_BGR2GRAY)
        return float(cv2.Laplacian(grey, cv2.CV_32F)[done.mask > 0.9].std())

    assert detail(SwapSettings()) < 0.8 * detail(SwapSettings(degrade=False))


def test_a_grainy_target_gets_a_grainy_face(astronaut: Image, woman: EditFace, source: Source) -> None:
    random = np.random.default_rng(0)
    noisy = np.clip(astronaut + random.normal(0, 12, astronaut.shape[:2])[..., None], 0, 255).astype(np.uint8)
    done = swap_face(noisy, woman, source)
    plain = swap_face(noisy, woman, source, SwapSettings(degrade=False))
    x1, y1, x2, y2 = done.box
    inside = done.mask > 0.9
    strength = [
        grain(cv2.cvtColor(image[y1:y2, x1:x2], cv2.COLOR_BGR2GRAY).astype(np.float32), inside)
        for image in (done.image, plain.image, noisy)
    ]
    assert strength[1] < 0.7 * strength[2] < 1.1 * strength[0]


def test_a_sharp_patch_is_left_as_it_is_on_a_sharp_photo(astronaut: Image) -> None:
    mask = np.ones(astronaut.shape[:2], bool)
    patch = astronaut.astype(np.float32)
    assert np.abs(matched(patch, astronaut, mask) - patch).max() < 3


def test_mkl_carries_mean_and_spread() -> None:
    random = np.random.default_rng(0)
    first = np.clip(random.normal((90, 110, 140), (12, 14, 16), (60, 60, 3)), 0, 255).astype(np.uint8)
    second = np.clip(random.normal((100, 120, 150), (14, 13, 18), (60, 60, 3)), 0, 255).astype(np.uint8)
    everything = np.ones((60, 60), bool)
    moved = colour_map(colours(first, everything), colours(second, everything), "mkl").of(first)
    assert np.abs(moved.mean((0, 1)) - second.mean((0, 1))).max() < 0.5
    assert np.abs(moved.std((0, 1)) / second.std((0, 1)) - 1).max() < 0.05


def test_the_membrane_ignores_what_is_not_in_the_rim() -> None:
    difference = np.full((80, 80, 3), 10, np.float32)
    difference[:, 40:] = 200  # a cap
    rim = np.zeros((80, 80), np.float32)
    rim[10:70, 10:14] = 1
    spread = membrane(difference, rim, 3.0)
    assert np.abs(spread - 10).max() < 1
    assert not membrane(difference, np.zeros_like(rim), 3.0).any()


def test_feather_and_paste() -> None:
    mask = np.zeros((40, 40), bool)
    mask[5:35, 5:35] = True
    soft = feathered(mask, 6)
    assert (soft[~mask] == 0).all() and soft[20, 20] == 1 and 0 < soft[20, 7] < 1
    canvas = np.arange(40 * 40 * 3, dtype=np.uint32).reshape(40, 40, 3).astype(np.uint8)
    before = canvas.copy()
    paste(canvas, np.full((40, 40, 3), 300, np.float32), soft, (0, 0, 40, 40))
    assert np.array_equal(canvas[~mask], before[~mask]) and (canvas[20, 20] == 255).all()


def test_real_photos_of_every_kind(data_dir: Path, reader: FaceReader, source: Source) -> None:
    """Cut faces, profiles and crowds: a result for each face that is found, nothing raised."""
    from faceapp.pipeline.photos import read_photo

    files = (
        sorted((data_dir / "portraits").glob("*.jpg"))[:4] + sorted((data_dir / "crowd").glob("4*.jpg"))[:1]
    )
    faces = 0
    for file in files:
        image = read_photo(file).image
        found = reader.read(image, embed=False)
        done, swapped = swap_faces(image, [(face, source) for face in found])
        faces += len(swapped)
        assert done.shape == image.shape
    assert faces >= len(files)
