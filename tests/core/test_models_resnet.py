"""The rebuilt dlib network against dlib itself, and the file that is kept of it."""

from __future__ import annotations

import importlib.util
import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from faceapp.errors import ModelUnavailable
from faceapp.models import int8, resnet
from faceapp.models.align import dlib_chips
from faceapp.models.dlibfile import read_network
from faceapp.models.embed import Network
from faceapp.models.onnx import session
from faceapp.types import Floats, Image


@pytest.fixture(scope="module")
def weights() -> Path:
    spec = importlib.util.find_spec("face_recognition_models")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "models"


@pytest.fixture(scope="module")
def dlib_file(weights: Path) -> Path:
    return weights / "dlib_face_recognition_resnet_model_v1.dat"


@pytest.fixture(scope="module")
def network_bytes(dlib_file: Path) -> bytes:
    return resnet.build(dlib_file)


@pytest.fixture(scope="module")
def dlib_chip_pairs(weights: Path, portrait_files: dict[str, Path], read_image) -> list[tuple[Image, Image]]:  # type: ignore[no-untyped-def]
    """(dlib's own chip, ours) of real faces at sizes that dlib enlarges, halves once, twice, three times."""
    import dlib

    from faceapp.opencv import cv2

    find, place = (
        dlib.get_frontal_face_detector(),
        dlib.shape_predictor(str(weights / "shape_predictor_5_face_landmarks.dat")),
    )
    pairs = []
    for file in portrait_files.values():
        for scale in (0.7, 1, 2.5, 6):
            image = cv2.resize(read_image(file), None, fx=scale, fy=scale)
            rgb = np.ascontiguousarray(image[:, :, ::-1])
            # the face cut off at an edge as well
            for top in (0, int(60 * scale)):
                part, ours = np.ascontiguousarray(rgb[top:]), np.ascontiguousarray(image[top:])
                box = max(find(part), key=lambda face: face.area(), default=None)
                if box is None:
                    continue
                shape = place(part, box)
                points = np.array([[(point.x, point.y) for point in shape.parts()]], np.float32)
                pairs.append((dlib.get_face_chip(part, shape)[:, :, ::-1], dlib_chips(ours, points)[0]))
    assert len(pairs) >= 12
    return pairs


def test_chips_are_dlibs_own(dlib_chip_pairs: list[tuple[Image, Image]]) -> None:
    for theirs, ours in dlib_chip_pairs:
        assert np.abs(theirs.astype(int) - ours).max() <= 1


def test_descriptors_are_dlibs_own(
    dlib_file: Path, network_bytes: bytes, dlib_chip_pairs: list[tuple[Image, Image]]
) -> None:
    import dlib

    reference = dlib.face_recognition_model_v1(str(dlib_file))
    chips = np.stack([theirs for theirs, _ in dlib_chip_pairs])
    expected = np.array(
        [reference.compute_face_descriptor(np.ascontiguousarray(chip[:, :, ::-1])) for chip in chips]
    )
    network = Network(session(network_bytes), resnet.SIZE, resnet.DIMENSION)
    assert np.abs(network.run(chips) - expected).max() < 1e-4


def test_real_photos_agree_with_dlib(data_dir: Path, weights: Path, network_bytes: bytes, read_image) -> None:  # type: ignore[no-untyped-def]
    import dlib

    find, place = (
        dlib.get_frontal_face_detector(),
        dlib.shape_predictor(str(weights / "shape_predictor_5_face_landmarks.dat")),
    )
    reference = dlib.face_recognition_model_v1(str(weights / "dlib_face_recognition_resnet_model_v1.dat"))
    network = Network(session(network_bytes), resnet.SIZE, resnet.DIMENSION)
    compared = 0
    for file in sorted((data_dir / "faces" / "lfw").glob("A*/*_0001.jpg"))[:12]:
        rgb = np.ascontiguousarray(read_image(file)[:, :, ::-1])
        for box in find(rgb):
            chip = dlib.get_face_chip(rgb, place(rgb, box))
            expected = np.array(reference.compute_face_descriptor(chip))
            assert np.abs(network.run(chip[None, :, :, ::-1])[0] - expected).max() < 1e-4
            compared += 1
    assert compared >= 10


def test_building_twice_gives_the_same_bytes(dlib_file: Path, network_bytes: bytes) -> None:
    assert resnet.build(dlib_file) == network_bytes


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "no checksum", "wrong checksum"])
def test_a_broken_kept_network_is_built_again(
    tmp_path: Path, dlib_file: Path, network_bytes: bytes, damage: str
) -> None:
    kept = tmp_path / resnet.FILE
    assert resnet.network(dlib_file, tmp_path) == network_bytes
    assert kept.read_bytes() == network_bytes
    if damage == "truncated":
        kept.write_bytes(network_bytes[:-100])
    elif damage == "flipped":
        kept.write_bytes(network_bytes[:5000] + bytes([network_bytes[5000] ^ 1]) + network_bytes[5001:])
    elif damage == "empty":
        kept.write_bytes(b"")
    elif damage == "no checksum":
        resnet.checksum_file(kept).unlink()
    else:
        resnet.checksum_file(kept).write_bytes(b"\xff\xfe")
    assert resnet.read_kept(kept) is None
    assert resnet.network(dlib_file, tmp_path) == network_bytes
    assert resnet.read_kept(kept) == network_bytes
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([resnet.FILE, resnet.FILE + ".sha256"])


def test_a_kept_network_is_used_without_dlibs_file(
    tmp_path: Path, dlib_file: Path, network_bytes: bytes
) -> None:
    resnet.network(dlib_file, tmp_path)
    assert resnet.network(tmp_path / "gone.dat", tmp_path) == network_bytes


def test_a_folder_that_cannot_be_written_to_costs_time_alone(
    tmp_path: Path, dlib_file: Path, network_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "models"
    blocked.write_bytes(b"a file where the folder should be")
    assert resnet.network(dlib_file, blocked) == network_bytes
    assert "cannot be kept" in caplog.text


def test_two_processes_build_at_the_same_moment(
    tmp_path: Path, dlib_file: Path, network_bytes: bytes
) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=resnet.network, args=(dlib_file, tmp_path)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert resnet.read_kept(tmp_path / resnet.FILE) == network_bytes
    assert len(list(tmp_path.iterdir())) == 2


# -- hostile files ------------------------------------------------------------------------------
def refused(path: Path) -> None:
    with pytest.raises(ModelUnavailable) as refusal:
        resnet.build(path)
    assert refusal.value.code == "model_broken"
    assert path.name in refusal.value.sentence


@pytest.mark.parametrize("length", [0, 1, 7, 200, 0x125, 0x151, 400, 20_000, 3_000_000])
def test_a_truncated_file_is_refused(tmp_path: Path, dlib_file: Path, length: int) -> None:
    path = tmp_path / "cut.dat"
    with dlib_file.open("rb") as stream:
        path.write_bytes(stream.read(length))
    refused(path)


def test_a_longer_file_is_refused(tmp_path: Path, dlib_file: Path) -> None:
    path = tmp_path / "long.dat"
    path.write_bytes(dlib_file.read_bytes() + b"\x01\x01")
    refused(path)


def test_another_file_of_dlib_is_refused(weights: Path) -> None:
    refused(weights / "mmod_human_face_detector.dat")


def test_no_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nothing.dat")


def test_hostile_headers_are_refused_at_once(tmp_path: Path, dlib_file: Path) -> None:
    """Every byte of the structure before the first weights, changed in several ways."""
    with dlib_file.open("rb") as stream:
        head = stream.read(2000)
    path = tmp_path / "hostile.dat"
    for position in range(0x160):
        for value in (0x00, 0x08, 0x0F, 0x7F, 0x88, 0xFF):
            data = bytearray(head)
            data[position] = value
            path.write_bytes(data)
            with pytest.raises(ModelUnavailable):
                read_network(path)


def test_a_tensor_that_claims_more_than_the_file_holds_is_refused(tmp_path: Path, dlib_file: Path) -> None:
    data = bytearray(dlib_file.read_bytes()[:4000])
    shape = data.index(b"con_4") + 5
    assert data[shape : shape + 2] == b"\x01\x02"
    data[shape + 2 : shape + 5] = b"\x08" + b"\xff" * 2
    path = tmp_path / "greedy.dat"
    path.write_bytes(data)
    refused(path)


# -- eight bits ---------------------------------------------------------------------------------
def test_the_eight_bit_network_is_near_the_float_one(
    tmp_path: Path, dlib_file: Path, hopper: Image, astronaut: Image
) -> None:
    chips = int8.portrait_chips(48)
    data = int8.build(resnet.network(dlib_file, tmp_path), chips)

    def vectors(network: bytes) -> Floats:
        out = Network(session(network), resnet.SIZE, resnet.DIMENSION).run(chips)
        return out / np.linalg.norm(out, axis=1, keepdims=True)

    plain, narrow = vectors(resnet.network(dlib_file, tmp_path)), vectors(data)
    assert len(data) < 0.5 * len(resnet.network(dlib_file, tmp_path))
    assert 0 < (1 - (plain * narrow).sum(1)).max() < int8.TOLERANCE


def test_a_network_that_reckons_wrongly_is_not_taken(
    tmp_path: Path, dlib_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8, "TOLERANCE", 0.0)
    source = resnet.network(dlib_file, tmp_path)
    with pytest.raises(ModelUnavailable) as refusal:
        int8.build(source, int8.portrait_chips(8))
    assert refusal.value.code == "model_int8"
