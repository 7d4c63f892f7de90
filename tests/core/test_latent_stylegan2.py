"""The StyleGAN2 generator in its child process, against a plain reference written here."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from safetensors.numpy import save_file

from faceapp.errors import Cancelled, ModelUnavailable
from faceapp.jobs import JobContext
from faceapp.latent import weights as weight_files
from faceapp.latent.generator import Step, Subject, mixed
from faceapp.latent.process import StyleGan2, chip_matrix
from faceapp.latent.weights import Design, Weights, random_weights, read_weights, save_weights
from faceapp.models.registry import Models
from faceapp.types import Floats, Image

DESIGN = Design((24, 24, 16, 12, 8), z_dim=32, w_dim=32, layers=3)
STEPS = 140


# -- the reference: one picture, channels first, as the paper describes it ----------------------------------
def linear(arrays: dict[str, Floats], name: str, x: Floats, rate: float = 1.0) -> Floats:
    matrix = arrays[f"{name}.weight"]
    return np.asarray(matrix @ x * rate / math.sqrt(len(x)) + arrays[f"{name}.bias"] * rate)


def active(x: Floats) -> Floats:
    return np.asarray(np.maximum(x, 0.2 * x) * math.sqrt(2))


def correlate(x: Floats, filters: Floats) -> Floats:
    """(O, h, w) of x (I, H, W) with filters (O, I, k, k), without padding."""
    windows = sliding_window_view(x, filters.shape[2:], axis=(1, 2))
    return np.einsum("ihwab,oiab->ohw", windows, filters)


def blur(x: Floats, before: int, after: int) -> Floats:
    """[1, 3, 3, 1] both ways, four times as strong."""
    row = np.array((1.0, 3.0, 3.0, 1.0))
    kernel = np.outer(row, row) / 64 * 4
    padded = np.pad(x, ((0, 0), (before, after), (before, after)))
    return np.einsum("chwab,ab->chw", sliding_window_view(padded, (4, 4), axis=(1, 2)), kernel)


def modulated(
    arrays: dict[str, Floats], name: str, x: Floats, w: Floats, demodulate: bool = True, up: bool = False
) -> Floats:
    filters = arrays[f"{name}.weight"][0].astype(np.float64)
    outputs, inputs, side, _ = filters.shape
    style = linear(arrays, f"{name}.modulation", w)
    filters = filters / math.sqrt(inputs * side * side) * style[None, :, None, None]
    if demodulate:
        filters = filters / np.sqrt((filters**2).sum((1, 2, 3), keepdims=True) + 1e-8)
    if not up:
        border = side // 2
        return correlate(np.pad(x, ((0, 0), (border, border), (border, border))), filters)
    height = x.shape[1]
    wide = np.zeros((outputs, 2 * height + 1, 2 * height + 1))
    for row in range(3):
        for column in range(3):
            spread = np.einsum("ihw,oi->ohw", x, filters[:, :, row, column])
            wide[:, row : row + 2 * height : 2, column : column + 2 * height : 2] += spread
    return blur(wide, 1, 1)


def styled(
    arrays: dict[str, Floats], name: str, noise: str, x: Floats, w: Floats, up: bool = False
) -> Floats:
    x = modulated(arrays, f"{name}.conv", x, w, up=up)
    x = x + arrays[noise][0, 0] * arrays[f"{name}.noise.weight"]
    return active(x + arrays[f"{name}.activate.bias"][:, None, None])


def coloured(arrays: dict[str, Floats], name: str, x: Floats, w: Floats) -> Floats:
    return modulated(arrays, f"{name}.conv", x, w, demodulate=False) + arrays[f"{name}.bias"][0]


def reference(weights: Weights, ws: Floats) -> Image:
    """(R, R, 3) BGR uint8 of ws (num_ws, w_dim)."""
    arrays = dict(weights.arrays)
    x = styled(arrays, "conv1", "noises.noise_0", arrays["input.input"][0], ws[0])
    picture = coloured(arrays, "to_rgb1", x, ws[1])
    for level in range(len(weights.design.channels) - 1):
        one, two = 2 * level, 2 * level + 1
        x = styled(arrays, f"convs.{one}", f"noises.noise_{one + 1}", x, ws[one + 1], up=True)
        x = styled(arrays, f"convs.{two}", f"noises.noise_{two + 1}", x, ws[two + 1])
        side = picture.shape[1]
        wide = np.zeros((3, 2 * side, 2 * side))
        wide[:, ::2, ::2] = picture
        picture = blur(wide, 2, 1) + coloured(arrays, f"to_rgbs.{level}", x, ws[two + 2])
    rgb = np.clip(np.rint((picture.transpose(1, 2, 0) + 1) * 127.5), 0, 255)
    return rgb[:, :, ::-1].astype(np.uint8)


def reference_mapping(weights: Weights, z: Floats) -> Floats:
    w = z / math.sqrt(float(np.mean(z**2)) + 1e-8)
    for layer in range(1, weights.design.layers + 1):
        w = active(linear(dict(weights.arrays), f"style.{layer}", w, 0.01))
    return np.asarray(w)


# -- fixtures -----------------------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def weights() -> Weights:
    return random_weights(DESIGN, seed=3)


@pytest.fixture(scope="session")
def weight_file(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generator") / "small.safetensors"
    save_weights(path, weights)
    return path


@pytest.fixture(scope="session")
def vgg() -> dict[str, Floats]:
    """Convolutions in the places of VGG16's, with few channels."""
    random = np.random.default_rng(4)
    found, inputs = {}, 3
    for number in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21):
        found[f"features.{number}.weight"] = random.standard_normal((5, inputs, 3, 3)).astype(np.float32) / 4
        found[f"features.{number}.bias"] = random.standard_normal(5).astype(np.float32) / 10
        inputs = 5
    return found


@pytest.fixture(scope="module")
def generator(
    weight_file: Path, vgg: dict[str, Floats], models: Models, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StyleGan2]:
    """One child process for all tests; the last test of this file ends it."""
    face = models.store.paths(models.spec("dlib-resnet"))[0]
    file = tmp_path_factory.mktemp("vgg") / "vgg16.safetensors"
    save_file(vgg, file)
    recipe = {"steps": STEPS, "vgg": 0.1}
    with StyleGan2(JobContext.silent(), weight_file, face, file, threads=2, recipe=recipe) as started:
        yield started


def sample_ws(generator: StyleGan2, seed: int, count: int = 1) -> Floats:
    z = np.random.default_rng(seed).standard_normal((count, generator.info.z_dim)).astype(np.float32)
    return generator.mapping(z)


def psnr(one: Image, other: Image) -> float:
    error = float(np.mean((one.astype(np.float64) - other) ** 2))
    return 10 * math.log10(255**2 / max(error, 1e-9))


# -- the network --------------------------------------------------------------------------------------------
def test_the_generator_draws_what_the_reference_draws(generator: StyleGan2, weights: Weights) -> None:
    assert (generator.info.resolution, generator.info.num_ws, generator.info.align) == (64, 10, "ffhq")
    random = np.random.default_rng(1)
    one_each = random.standard_normal((2, 10, 32)).astype(np.float32) * 0.4
    ws = np.concatenate([sample_ws(generator, 5), one_each])
    pictures = generator.synthesis(ws)
    assert pictures.shape == (3, 64, 64, 3)
    for own, drawn in zip(ws, pictures, strict=True):
        expected = reference(weights, own).astype(int)
        assert expected.std() > 10
        # The last digit may be rounded to the other side.
        assert np.abs(drawn.astype(int) - expected).max() <= 1
        assert np.mean(drawn != expected) < 0.01


def test_mapping_follows_the_reference(generator: StyleGan2, weights: Weights) -> None:
    z = np.random.default_rng(2).standard_normal((3, 32)).astype(np.float32)
    ws = generator.mapping(z)
    expected = np.stack([reference_mapping(weights, row) for row in z])
    assert ws.shape == (3, 10, 32)
    assert np.abs(ws - expected[:, None]).max() < 1e-4


def test_the_gradient_is_that_of_the_loss(generator: StyleGan2) -> None:
    """Along the gradient and along a random way the loss changes as the gradient says."""
    picture = generator.synthesis(sample_ws(generator, 6))[0]
    ws = sample_ws(generator, 7)[0]
    chip = np.array([(0.4, 0.02, 2.0), (-0.02, 0.4, 2.0)], np.float32)
    total, parts, slope = generator.slope(ws, picture, chip)
    assert total > 0 and set(parts) == {"pixels", "pyramid", "spread", "identity", "vgg"}
    for way in (slope, np.random.default_rng(0).standard_normal(ws.shape)):
        unit = (way / np.linalg.norm(way)).astype(np.float32)
        step = np.float32(0.01)
        ahead, behind = (generator.slope(ws + sign * step * unit, picture, chip)[0] for sign in (1, -1))
        expected = float((slope * unit).sum())
        assert (ahead - behind) / (2 * step) == pytest.approx(expected, rel=0.05, abs=0.02)


def vgg_features(vgg: dict[str, Floats], picture: Image) -> list[Floats]:
    """Unit vectors at four depths of a BGR picture."""
    rgb = picture[:, :, ::-1].astype(np.float64) / 255
    x = ((rgb - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)).transpose(2, 0, 1)
    found: list[Floats] = []
    for block in ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21)):
        if found:
            side = x.shape[1] // 2
            x = x.reshape(len(x), side, 2, side, 2).max((2, 4))
        for number in block:
            x = correlate(np.pad(x, ((0, 0), (1, 1), (1, 1))), vgg[f"features.{number}.weight"])
            x = np.maximum(x + vgg[f"features.{number}.bias"][:, None, None], 0)
        found.append(x / np.maximum(np.linalg.norm(x, axis=0, keepdims=True), 1e-6))
    return found


def test_the_loss_with_vgg_is_that_of_its_features(generator: StyleGan2, vgg: dict[str, Floats]) -> None:
    many = sample_ws(generator, 12, 12)
    pictures = generator.synthesis(many)
    # The loss sees the picture before it is cut off at black and white: take two that are not.
    whole = [number for number, one in enumerate(pictures) if one.min() > 0 and one.max() < 255][:2]
    ws, (own, target) = many[whole], pictures[whole]
    pairs = zip(vgg_features(vgg, own), vgg_features(vgg, target), strict=True)
    expected = sum(float(((one - other) ** 2).sum(0).mean()) for one, other in pairs)
    assert generator.slope(ws[0], target)[1]["vgg"] == pytest.approx(expected, rel=0.05)
    assert generator.slope(ws[1], target)[1]["vgg"] < expected / 50


def test_the_identity_loss_sees_what_the_embedder_sees(
    generator: StyleGan2, models: Models, astronaut: Image, hopper: Image
) -> None:
    embedder = models.embedder("dlib-resnet")
    detector, first = models.detector(), np.array([0])
    chips = np.concatenate(
        [embedder.chips(image, detector.detect(image).take(first)) for image in (astronaut, hopper)]
    )
    descriptors = generator.describe(chips)
    lengths = np.linalg.norm(descriptors, axis=1, keepdims=True)
    assert np.abs(descriptors / lengths - embedder.embed_chips(chips, mirror=False)).max() < 1e-5


def test_the_chip_of_a_crop_lies_on_its_face(generator: StyleGan2, astronaut: Image, models: Models) -> None:
    from faceapp.edit.faces import FaceReader
    from faceapp.pipeline.analysis import Analyser

    face = FaceReader(Analyser(models), models).read(astronaut, embed=False)[0]
    matrix = chip_matrix(Subject(astronaut, face.points), 256)
    centre = matrix[:, :2] @ np.array((74.5, 74.5)) + matrix[:, 2]
    # The middle of a face is a little below the middle of FFHQ's crop, and the chip half as wide.
    assert np.abs(centre - (128, 140)).max() < 25
    assert 0.35 < 150 * math.hypot(matrix[0, 0], matrix[1, 0]) / 256 < 0.75


# -- projection ---------------------------------------------------------------------------------------------
def test_a_projection_gets_the_generators_own_samples_back(generator: StyleGan2) -> None:
    target = generator.synthesis(sample_ws(generator, 8))[0]
    steps: list[Step] = []
    found = generator.project_picture(target, JobContext.silent(), steps.append)
    assert found.complete and len(found.curve) == len(steps) == STEPS
    assert psnr(found.image, target) >= 30
    assert psnr(generator.synthesis(found.ws[None])[0], target) >= 30
    assert found.curve[-1] < found.curve[0] / 5
    best = [step.losses["total"] for step in steps]
    assert best == sorted(best, reverse=True)
    previews = [step.preview for step in steps if step.preview is not None]
    assert previews and previews[0].shape == (64, 64, 3)
    assert psnr(previews[-1], target) > psnr(previews[0], target)


def test_half_way_between_two_points_is_another_picture(generator: StyleGan2) -> None:
    ws = sample_ws(generator, 9, 2)
    ends = generator.synthesis(ws)
    between = generator.synthesis(mixed(ws, (1, 1))[None])[0]
    assert psnr(between, ends[0]) < 40 and psnr(between, ends[1]) < 40
    assert np.array_equal(generator.synthesis(mixed(ws, (1, 0))[None])[0], ends[0])


def test_encode_guesses_a_point_near_the_photo(
    generator: StyleGan2, astronaut: Image, models: Models
) -> None:
    from faceapp.edit.faces import FaceReader
    from faceapp.pipeline.analysis import Analyser

    face = FaceReader(Analyser(models), models).read(astronaut, embed=False)[0]
    subject = Subject(astronaut, face.points)
    guess = generator.encode(subject)
    assert guess.shape == (10, 32)
    aligned = generator.aligned(subject)
    others = [generator.synthesis(sample_ws(generator, seed))[0] for seed in range(20, 26)]
    distances = [float(np.mean((one.astype(float) - aligned) ** 2)) for one in others]
    own = float(np.mean((generator.synthesis(guess[None])[0].astype(float) - aligned) ** 2))
    assert own < np.mean(distances)


def test_cancelling_keeps_the_best_and_the_generator(generator: StyleGan2) -> None:
    target = generator.synthesis(sample_ws(generator, 10))[0]
    seen: list[Step] = []
    context = JobContext(lambda **_: None, lambda: len(seen) >= 8)
    found = generator.project_picture(target, context, seen.append)
    assert not found.complete and 8 <= len(found.curve) < STEPS
    assert not generator.closed
    total, _, _ = generator.slope(found.ws, target)
    assert total == pytest.approx(float(found.curve.min()), rel=1e-3)
    more: list[Step] = []
    again = JobContext(lambda **_: None, lambda: len(more) >= 1)
    assert generator.project_picture(target, again, more.append, found.ws).curve[0] < found.curve[0]


def test_cancelling_the_start_leaves_no_process(weight_file: Path) -> None:
    calls: list[int] = []

    def cancelled() -> bool:
        calls.append(1)
        return len(calls) > 3

    with pytest.raises(Cancelled):
        StyleGan2(JobContext(lambda **_: None, cancelled), weight_file)


def test_the_child_ends_with_its_parent() -> None:
    program = (
        "import os, time\n"
        "from faceapp.latent.process import Child\n"
        "child = Child()\n"
        "print(child.pid, flush=True)\n"
        "os._exit(1)\n"
    )
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    pid = int(run.stdout)
    for _ in range(100):
        if not _alive(pid):
            break
        time.sleep(0.1)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    """Whether the process still runs; one that is dead and not yet collected does not."""
    status = Path(f"/proc/{pid}/status")
    if sys.platform.startswith("linux"):
        return status.exists() and "\nState:\tZ" not in status.read_text()
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def test_no_tensorflow_in_this_process(generator: StyleGan2) -> None:
    assert not generator.closed
    assert "tensorflow" not in sys.modules and "keras" not in sys.modules


# -- the file of weights -------------------------------------------------------------------------------------
def test_the_file_gives_back_its_weights(weights: Weights, weight_file: Path) -> None:
    read = read_weights(weight_file)
    assert read.design == DESIGN == weights.design
    assert read.name == weights.name and read.licence == weights.licence
    assert all(np.array_equal(read.arrays[name], array) for name, array in weights.arrays.items())


def test_what_a_file_may_leave_out_is_made(weights: Weights) -> None:
    kept = {name: array for name, array in weights.arrays.items() if not name.startswith("noises.")}
    del kept["latent_avg"]
    kept["convs.0.conv.blur.kernel"] = np.ones((4, 4), np.float32)
    made = weight_files.checked(kept)
    assert set(made.arrays) == set(weights.arrays)
    assert np.allclose(made.arrays["latent_avg"], weights.arrays["latent_avg"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"convs.1.conv.weight": np.zeros((1, 24, 23, 3, 3), np.float32)}, "should be"),
        ({"style.2.bias": np.full(32, np.nan, np.float32)}, "numbers that are none"),
        ({"discriminator.weight": np.zeros(3, np.float32)}, "does not belong"),
        ({"style.2.bias": None}, "is missing"),
        ({"input.input": None}, "no generator"),
    ],
)
def test_other_weights_are_refused_with_the_reason(
    weights: Weights, tmp_path: Path, change: dict[str, Floats | None], sentence: str
) -> None:
    arrays = {name: array for name, array in {**weights.arrays, **change}.items() if array is not None}
    path = tmp_path / "other.safetensors"
    save_weights(path, Weights(DESIGN, arrays))
    with pytest.raises(ModelUnavailable, match=sentence):
        read_weights(path)


def test_damaged_and_missing_files_are_refused(tmp_path: Path, weight_file: Path) -> None:
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(weight_file.read_bytes()[:5000])
    for path in (damaged, tmp_path / "none.safetensors", tmp_path / "network.pkl"):
        with pytest.raises(ModelUnavailable, match=r"cannot be used|is not there"):
            read_weights(path)
    with pytest.raises(ModelUnavailable, match="damaged"):
        StyleGan2(JobContext.silent(), damaged)


def test_the_standard_designs_have_the_known_measures() -> None:
    large = Design.standard(1024)
    assert large.channels == (512, 512, 512, 512, 512, 256, 128, 64, 32)
    assert (large.num_ws, large.resolution) == (18, 1024)
    count = sum(math.prod(shape) for name, shape in large.shapes().items() if not name.startswith("noises."))
    # 28.3 million in the generator of the paper, 2.1 in its mapping network.
    assert 30.0e6 < count < 30.8e6


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs a way to stop a process")
def test_a_generator_that_hangs_is_ended_and_its_best_is_kept(generator: StyleGan2) -> None:
    """As when one step of a large generator takes longer than anybody wants to wait. It ends the fixture's
    child, so it is the last one."""
    target = generator.synthesis(sample_ws(generator, 11))[0]
    seen: list[Step] = []

    def hang(step: Step) -> None:
        seen.append(step)
        if step.number == 3:
            os.kill(generator.pid, signal.SIGSTOP)

    found = generator.project_picture(target, JobContext(lambda **_: None, lambda: len(seen) >= 3), hang)
    assert not found.complete and generator.closed
    assert found.ws.shape == (10, 32) and len(found.curve) >= 3
    assert not _alive(generator.pid)
    with pytest.raises(ModelUnavailable, match="has ended"):
        generator.synthesis(found.ws[None])
