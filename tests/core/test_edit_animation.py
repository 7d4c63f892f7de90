"""Sequences as files: every frame that was given is there, in its order, for as long as it should be."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image as Pillow

from faceapp.edit import animation
from faceapp.errors import BadRequest
from faceapp.types import Image

COUNT = 9
SECONDS = 1.5


def frames(image: Image, transparent: bool = False, size: int = 97) -> list[Image]:
    """Frames that differ little, two of which are the same: encoders would leave some out."""
    made = []
    for number in range(COUNT):
        cut = image[40 + max(1, number) : 40 + max(1, number) + size, 60 : 60 + size].copy()
        if transparent:
            alpha = np.zeros((size, size, 1), np.uint8)
            alpha[:, number * 3 :] = 255
            cut = np.concatenate([cut, alpha], 2)
        made.append(cut)
    return made


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".apng"])
@pytest.mark.parametrize("transparent", [False, True])
def test_every_frame_is_there_even_one_like_the_one_before(
    tmp_path: Path, hopper: Image, suffix: str, transparent: bool
) -> None:
    given = frames(hopper, transparent)
    path = tmp_path / f"x{suffix}"
    animation.write(path, iter(given), COUNT, SECONDS, [frame[..., :3] for frame in given[::3]])
    with Pillow.open(path) as film:
        assert film.n_frames == COUNT
        assert film.info.get("loop", 0) == 0
        lengths = []
        for number, frame in enumerate(given):
            film.seek(number)
            film.load()
            lengths.append(film.info["duration"])
            shown = np.asarray(film.convert("RGBA")).astype(int)
            solid = shown[..., 3] > 128
            wanted = frame[..., 3] > 128 if transparent else np.ones(solid.shape, bool)
            assert (solid != wanted).mean() < 0.01
            assert np.abs(shown[..., 2::-1][solid] - frame[..., :3][solid]).mean() < 12
        assert sum(lengths) == pytest.approx(1000 * SECONDS, abs=2)
        assert max(lengths) - min(lengths) <= 10


@pytest.mark.parametrize("size", [97, 120])
def test_a_video_that_every_player_shows(tmp_path: Path, hopper: Image, size: int) -> None:
    given = frames(hopper, size=size)
    path = tmp_path / "x.mp4"
    animation.write(path, iter(given), COUNT, SECONDS)
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        shown = [frame.to_ndarray(format="bgr24") for frame in film.decode(stream)]
        assert float(film.duration / av.time_base) == pytest.approx(SECONDS, abs=0.02)
    assert len(shown) == COUNT
    even = size // 2 * 2
    assert shown[0].shape == (even, even, 3)
    for one, frame in zip(shown, given, strict=True):
        assert np.abs(one.astype(int) - frame[:even, :even]).mean() < 8
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "the index comes first"


def test_a_video_is_never_transparent(tmp_path: Path, hopper: Image) -> None:
    with pytest.raises(BadRequest, match="cannot be transparent"):
        animation.write(tmp_path / "x.mp4", iter(frames(hopper, transparent=True)), COUNT, SECONDS)


def test_an_unknown_ending_is_refused(tmp_path: Path, hopper: Image) -> None:
    with pytest.raises(BadRequest, match=r"\.mp4, \.gif, \.webp"):
        animation.write(tmp_path / "x.avi", iter(frames(hopper)), COUNT, SECONDS)
    assert list(tmp_path.iterdir()) == []
