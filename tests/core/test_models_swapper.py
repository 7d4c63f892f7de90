"""Neural swappers of the user's own: which files are taken, what the networks get, and what is done with it.

The networks are those of `made_networks`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_networks import COLOURS, MATRIX, SPREAD, write_arcface, write_swapper
from onnx import TensorProto

from faceapp.edit.faces import EditFace, FaceReader
from faceapp.edit.neural import NeuralSwapper
from faceapp.edit.points import five_of
from faceapp.edit.swap import Source, Swapped, SwapSettings, prepare
from faceapp.errors import BadRequest, Conflict, ModelUnavailable, NotFound, UnusableFace
from faceapp.models.align import ARCFACE_POINTS, arcface_chips
from faceapp.models.embed import unit
from faceapp.models.plugin import FILES, KEY, LICENCE, NOTES, Plugins
from faceapp.models.registry import Models
from faceapp.models.swapper import part_of, template
from faceapp.paths import Paths
from faceapp.pipeline.analysis import Analyser
from faceapp.tasks.upkeep import add_model_file
from faceapp.types import Floats, Image

Write = Callable[..., Path]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Models]:
    """A models folder of the test's own."""
    paths = Paths(tmp_path / "data")
    paths.create()
    made = Models(paths, threads=1)
    yield made
    made.release()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return {
        "swapper": write_swapper(tmp_path / "inswapper_128.onnx"),
        "arcface": write_arcface(tmp_path / "w600k_r50.onnx"),
    }


@pytest.fixture
def swapping(own: Models, files: dict[str, Path]) -> Models:
    """With both networks added."""
    for path in files.values():
        add_model_file(own, path, licence_accepted=True)
    return own


# -- which files --------------------------------------------------------------------------------------------


def test_a_file_s_shapes_say_what_it_is(files: dict[str, Path], tmp_path: Path) -> None:
    for part, path in files.items():
        assert part_of(path) == part
    assert part_of(write_swapper(tmp_path / "a.onnx", 256, ("N", 3, 256, 256), ("N", 512))) == "swapper"
    assert part_of(write_swapper(tmp_path / "b.onnx", given=("a", "b", "c", "d"))) == "swapper"
    assert part_of(write_arcface(tmp_path / "c.onnx", (1, 3, 112, 112), (1, 512))) == "arcface"


@pytest.mark.parametrize("options", [
    {"picture": (1, 3, 128, 96)}, {"picture": (1, 1, 128, 128)}, {"picture": (4, 3, 128, 128)},
    {"picture": (1, 3, "S", "S")}, {"size": 32}, {"size": 4096}, {"vector": (1, 256)},
    {"vector": (1, 512, 1)}, {"given": (1, 3, 64, 64)}, {"given": (1, 512)}, {"matrix": None},
    {"matrix": MATRIX[:256, :256]}, {"kind": TensorProto.FLOAT16},
])
def test_a_swapper_that_does_not_fit_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as refused:
        part_of(write_swapper(tmp_path / "other.onnx", **options))
    assert refused.value.code == "unknown_model"
    assert "other.onnx" in refused.value.sentence
    assert refused.value.hint


@pytest.mark.parametrize("options", [
    {"taken": ("N", 3, 160, 160)}, {"taken": ("N", 112, 112, 3)}, {"given": ("N", 128)},
    {"given": ("N", 512, 1)},
])
def test_another_embedder_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        part_of(write_arcface(tmp_path / "other.onnx", **options))


@pytest.mark.parametrize("data", [b"", b"no network", b"\x08\x07" * 500])
def test_what_is_no_network_is_refused(tmp_path: Path, own: Models, data: bytes) -> None:
    path = tmp_path / "file.onnx"
    path.write_bytes(data)
    with pytest.raises(BadRequest) as refused:
        add_model_file(own, path, licence_accepted=True)
    assert refused.value.code == "unknown_model"
    assert own.plugins.files() == {}


def test_other_files_are_answered_as_ever(tmp_path: Path, own: Models) -> None:
    (tmp_path / "x.dat").write_bytes(b"x")
    with pytest.raises(BadRequest) as refused:
        add_model_file(own, tmp_path / "x.dat", licence_accepted=True)
    assert refused.value.hint == "“models list” says which models there are."
    with pytest.raises(NotFound):
        add_model_file(own, tmp_path / "gone.onnx")
    with pytest.raises(NotFound):
        own.plugins.add(tmp_path / "gone.onnx")


# -- adding, and the licence --------------------------------------------------------------------------------


def test_nothing_is_added_before_the_licence_is_accepted(own: Models, files: dict[str, Path]) -> None:
    before = sorted(own.store.folder.iterdir())
    with pytest.raises(Conflict) as refused:
        add_model_file(own, files["swapper"])
    assert refused.value.code == "licence_not_accepted"
    assert refused.value.sentence == LICENCE
    assert sorted(own.store.folder.iterdir()) == before
    assert own.specs("swapper") == []


def test_both_parts_make_a_model(own: Models, files: dict[str, Path]) -> None:
    with pytest.raises(ModelUnavailable) as refused:
        own.swapper()
    assert refused.value.code == "no_swapper"
    add_model_file(own, files["arcface"], licence_accepted=True)
    assert own.state(KEY) == "missing"
    with pytest.raises(ModelUnavailable) as refused:
        own.swapper()
    assert "the network that swaps faces is missing" in refused.value.sentence
    spec = add_model_file(own, files["swapper"], licence_accepted=True)
    assert own.specs("swapper") == [spec]
    assert "inswapper_128.onnx and w600k_r50.onnx" in spec.remark
    assert own.state(KEY) == "ready"
    assert own.swapper().size == 128
    assert own.state(KEY) == "loaded"
    for path in files.values():
        path.unlink()
    assert Models(Paths(own.store.folder.parent)).swapper().size == 128, "it is copied, and found again"


def test_without_acceptance_it_is_not_used(own: Models, files: dict[str, Path]) -> None:
    """As the window does it: add, show the licence, accept."""
    for path in files.values():
        own.plugins.add(path)
    with pytest.raises(Conflict) as refused:
        own.swapper()
    assert refused.value.code == "licence_not_accepted"
    own.plugins.accept()
    assert own.swapper().size == 128
    assert all(len(file.accepted) == 10 for file in own.plugins.files().values()), "the day is noted"


def test_a_file_that_was_changed_is_refused(swapping: Models) -> None:
    path = swapping.store.folder / FILES["arcface"]
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(ModelUnavailable) as refused:
        swapping.swapper()
    assert refused.value.code == "model_broken"


def test_what_another_process_added_is_found(own: Models, files: dict[str, Path]) -> None:
    other = Plugins(own.store.folder)
    for path in files.values():
        other.add(path, accepted=True)
    assert own.swapper().size == 128
    other.add(write_swapper(files["swapper"], 256), accepted=True)
    assert own.swapper().size == 256
    other.remove()
    with pytest.raises(ModelUnavailable):
        own.swapper()
    own.read_plugins()
    assert own.specs("swapper") == []


@pytest.mark.parametrize("notes", [
    "", "[]", "{", '{"swapper": 3}', '{"swapper": {"name": "x"}}',
    json.dumps({"arcface": {"name": "x", "sha256": 1, "accepted": ""}}), "\ud800",
])
def test_broken_notes_are_no_notes(own: Models, notes: str) -> None:
    (own.store.folder / NOTES).write_bytes(notes.encode("utf-8", "surrogatepass"))
    assert own.plugins.files() == {}
    with pytest.raises(ModelUnavailable):
        own.swapper()


# -- what the networks get ----------------------------------------------------------------------------------


def test_the_layout_follows_the_size() -> None:
    np.testing.assert_allclose(template(112), ARCFACE_POINTS)
    np.testing.assert_allclose(template(128), ARCFACE_POINTS + np.array((8, 0)))
    np.testing.assert_allclose(template(256), 2 * template(128))
    np.testing.assert_allclose(template(224), 2 * ARCFACE_POINTS)
    assert np.abs(template(512).mean(0)[0] - 256) < 3, "a face is in the middle"


def test_vectors_are_of_red_planes_from_minus_one_to_one(swapping: Models, astronaut: Image) -> None:
    points = np.array([[(200, 100), (240, 100), (220, 125), (205, 150), (235, 150)]] * 2, np.float32)
    points[1] += 20
    chips = arcface_chips(astronaut, points).astype(np.float64)
    means = (chips[..., ::-1].mean((1, 2)) - 127.5) / 127.5
    np.testing.assert_allclose(swapping.swapper().embed(astronaut, points), unit(means @ SPREAD), atol=1e-5)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_swapped_face_is_what_the_network_says(swapping: Models, count: int) -> None:
    chips = np.random.default_rng(3).integers(0, 256, (count, 128, 128, 3), np.uint8)
    vectors = unit(np.random.default_rng(4).standard_normal((count, 512)).astype(np.float32))
    latent = unit(vectors @ MATRIX)
    paint = 1 / (1 + np.exp(-(latent @ COLOURS)))[:, None, None, ::-1]  # BGR
    expected = 0.5 * chips + 0.5 * 255 * paint
    drawn = swapping.swapper().swap(chips, vectors)
    assert drawn.dtype == np.uint8
    assert drawn.shape == chips.shape
    assert count == 0 or np.abs(drawn - expected).max() <= 0.51


@pytest.mark.parametrize(("chips", "vectors"), [
    ((1, 112, 112, 3), (1, 512)), ((1, 128, 128), (1, 512)), ((2, 128, 128, 3), (1, 512)),
    ((1, 128, 128, 3), (1, 128)), ((1, 128, 128, 3), (512,)),
])
def test_wrong_shapes_are_refused(swapping: Models, chips: tuple[int, ...], vectors: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected shape"):
        swapping.swapper().swap(np.zeros(chips, np.uint8), np.zeros(vectors, np.float32))


def test_a_network_that_gives_no_picture_is_a_sentence(own: Models, tmp_path: Path) -> None:
    for path in (write_swapper(tmp_path / "s.onnx", kept=float("nan")), write_arcface(tmp_path / "a.onnx")):
        add_model_file(own, path, licence_accepted=True)
    with pytest.raises(ModelUnavailable) as refused:
        own.swapper().swap(np.zeros((1, 128, 128, 3), np.uint8), np.zeros((1, 512), np.float32))
    assert refused.value.code == "model_broken"


# -- on photos ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def read(models: Models) -> Callable[[Image], EditFace]:
    reader = FaceReader(Analyser(models), models)
    return lambda image: reader.read(image, embed=False)[0]


@pytest.fixture(scope="module")
def target(astronaut: Image, read: Callable[[Image], EditFace]) -> EditFace:
    return read(astronaut)


@pytest.fixture(scope="module")
def source(hopper: Image, read: Callable[[Image], EditFace]) -> Source:
    return prepare(hopper, read(hopper))


class Painter:
    """A `Swapper` that gives back what it saw with some paint on it, and counts."""

    def __init__(self, size: int = 128, paint: int = 0) -> None:
        self.size = size
        self.template = template(size)
        self.paint = paint
        self.embedded = 0

    def embed(self, image: Image, points: Floats) -> Floats:
        self.embedded += len(points)
        return np.ones((len(points), 512), np.float32)

    def swap(self, chips: Image, embeddings: Floats) -> Image:
        assert len(chips) == len(embeddings)
        return np.clip(chips.astype(int) + np.array((0, 0, self.paint)), 0, 255).astype(np.uint8)


def swap_one(
    engine: NeuralSwapper, image: Image, target: EditFace, source: Source, *settings: SwapSettings
) -> Swapped:
    return engine.swap_faces(image, [(target, source)], *settings)[1][0]


def test_what_is_drawn_comes_back_to_its_place(astronaut: Image, target: EditFace, source: Source) -> None:
    """A network that changes nothing gives the photo back: the way to the chip and back fits to the pixel."""
    settings = SwapSettings(degrade=False, blend="feather")
    swapped = swap_one(NeuralSwapper(Painter(512)), astronaut, target, source, settings)
    x1, y1, x2, y2 = swapped.box
    covered = swapped.mask > 0.9
    assert covered.sum() > 3000
    error = np.abs(swapped.image[y1:y2, x1:x2].astype(float) - astronaut[y1:y2, x1:x2])[covered]
    shifted = np.abs(np.roll(astronaut, 1, 1)[y1:y2, x1:x2].astype(float) - astronaut[y1:y2, x1:x2])[covered]
    assert error.mean() < 0.35 * shifted.mean(), "nearer than a photo that is one pixel off"


@pytest.mark.parametrize("blend", ["poisson", "feather"])
def test_only_the_face_changes(astronaut: Image, target: EditFace, source: Source, blend: Any) -> None:
    before = astronaut.copy()
    settings = SwapSettings(blend=blend)
    swapped = swap_one(NeuralSwapper(Painter(paint=-60)), astronaut, target, source, settings)
    np.testing.assert_array_equal(astronaut, before)
    assert swapped.image.shape == astronaut.shape
    x1, y1, x2, y2 = swapped.box
    outside = np.ones(astronaut.shape[:2], bool)
    outside[y1:y2, x1:x2] = swapped.mask == 0
    np.testing.assert_array_equal(swapped.image[outside], astronaut[outside])
    across, down = np.rint(target.points[[2, 31]].mean(0)).astype(int)  # a cheek
    lost = int(astronaut[down, across, 2]) - int(swapped.image[down, across, 2])
    if blend == "feather":
        assert 40 < lost < 80
    else:
        assert abs(lost) < 20, "an even veil is taken for the light, and taken off"


def test_the_user_s_settings_count(astronaut: Image, target: EditFace, source: Source) -> None:
    engine = NeuralSwapper(Painter(paint=-60))
    plain = SwapSettings(blend="feather")
    mouth = tuple(np.rint(target.points[[51, 57]].mean(0)).astype(int))[::-1]
    painted = swap_one(engine, astronaut, target, source, plain).image
    assert int(painted[mouth][2]) < int(astronaut[mouth][2]) - 20
    kept = swap_one(engine, astronaut, target, source, SwapSettings(blend="feather", keep_mouth=True)).image
    np.testing.assert_array_equal(kept[mouth], astronaut[mouth])
    hidden = swap_one(engine, astronaut, target, source, SwapSettings(opacity=0.0))
    np.testing.assert_array_equal(hidden.image, astronaut)


def test_every_face_of_a_crowd_and_each_source_asked_once(
    astronaut: Image, target: EditFace, source: Source, hopper: Image
) -> None:
    painter = Painter(paint=-60)
    engine = NeuralSwapper(painter)
    crowd = np.concatenate([astronaut, astronaut], 1)
    second = EditFace(target.face, target.points + np.float32((astronaut.shape[1], 0)))
    other = prepare(hopper, source.face)
    image, done = engine.swap_faces(crowd, [(target, source), (second, source), (second, other)])
    assert len(done) == 3
    assert painter.embedded == 2
    assert all(record.image is image for record in done)
    assert done[0].box[0] < astronaut.shape[1] <= done[1].box[0]
    swap_one(engine, astronaut, target, source)
    assert painter.embedded == 2
    np.testing.assert_array_equal(engine.swap_faces(crowd, [])[0], crowd)


def test_a_face_that_the_border_cuts(astronaut: Image, target: EditFace, source: Source) -> None:
    across = int(target.points[30, 0])
    cut = np.ascontiguousarray(astronaut[:, across:])
    moved = EditFace(target.face, target.points - np.float32((across, 0)))
    swapped = swap_one(NeuralSwapper(Painter(paint=-60)), cut, moved, source)
    assert swapped.image.shape == cut.shape
    assert swapped.box[0] == 0
    assert (swapped.image != cut).any()


def test_points_that_are_no_face_are_refused(astronaut: Image, target: EditFace, source: Source) -> None:
    tiny = EditFace(target.face, np.zeros((68, 2), np.float32))
    with pytest.raises(UnusableFace):
        swap_one(NeuralSwapper(Painter()), astronaut, tiny, source)


def test_five_points_of_sixty_eight(target: EditFace) -> None:
    found = five_of(target.points)
    distance = np.linalg.norm(found - target.face.landmarks, axis=1).max()
    assert distance < 0.25 * np.linalg.norm(found[1] - found[0]), "about where the detector saw them"


def test_real_networks_swap_a_real_face(
    swapping: Models, astronaut: Image, target: EditFace, source: Source
) -> None:
    engine, settings = NeuralSwapper(swapping.swapper()), SwapSettings(blend="feather")
    swapped = swap_one(engine, astronaut, target, source, settings)
    x1, y1, x2, y2 = swapped.box
    inside = swapped.mask > 0.95
    before, after = (one[y1:y2, x1:x2][inside].astype(float) for one in (astronaut, swapped.image))
    assert after.std(0).mean() < 0.75 * before.std(0).mean(), "half of it is one colour"
