"""What a render has finished, kept below the data folder so that one that was stopped goes on from there.

    renders/VIDEO/survey.npz            what the clip shows: smoothed once, the same for every run
    renders/VIDEO/RENDER/state.json     what is being made
    renders/VIDEO/RENDER/0007.mp4       finished segments
    renders/VIDEO-RENDER.lock           somebody is at work at it

VIDEO is made of the clip's bytes, RENDER of everything that decides about a pixel. Every file is written
under another name and renamed: what has its own name is whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceapp import __version__
from faceapp.config import MEGABYTE
from faceapp.edit.claim import claimed
from faceapp.edit.frames import Clip, frames_in, not_written, part_not_written
from faceapp.edit.survey import FaceTrack, Survey
from faceapp.edit.swap import Source, SwapSettings
from faceapp.errors import Conflict

SURVEY = "survey.npz"
# Seconds of a segment: what a stop costs at most.
SEGMENT_SECONDS = 2.0
# Videos whose unfinished renders are kept, for how long, and how much of the disk they take together.
KEPT, KEPT_DAYS, KEPT_BYTES = 5, 14, 2048 * MEGABYTE
# Raised when the same inputs give other pixels.
_VERSION = 1
_BLOCK = 1 << 20
_TRACK_ARRAYS = ("points", "found", "strength", "sharpness", "colours", "embedding", "crop")
_TRACK_NUMBERS = ("number", "person", "first", "best")


def clip_key(path: Path, *looks: str) -> str:
    """The name of a clip's folder: its bytes, and the models that look at it and how."""
    digest = hashlib.sha256(_text(_VERSION, __version__, *looks))
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()[:32]


def render_key(survey: Survey, roles: Mapping[int, Source], settings: SwapSettings, *others: object) -> str:
    """The name of a render's folder inside its clip's. others: what else decides about a pixel."""
    chosen = sorted(asdict(settings).items())
    digest = hashlib.sha256(_text(_VERSION, __version__, *others, chosen))
    for track, source in sorted(roles.items()):
        digest.update(_text(track, source.image.shape))
        digest.update(survey.tracks[track].strength.tobytes())
        digest.update(source.image.tobytes())
        digest.update(source.face.points.tobytes())
    return digest.hexdigest()[:32]


@dataclass(frozen=True)
class RenderFolder:
    """The folder of one render. frames: of the whole clip. length: frames of a segment."""

    path: Path
    frames: int
    length: int

    @staticmethod
    def open(
        root: Path,
        survey: Survey,
        roles: Mapping[int, Source],
        settings: SwapSettings,
        *others: object,
    ) -> RenderFolder:
        """root: the clip's folder. others: what else decides about a pixel. Made now, with its state. Raises
        StoreUnavailable."""
        length = max(1, round(SEGMENT_SECONDS * survey.clip.fps))
        path = root / render_key(survey, roles, settings, length, *others)
        state = {
            "clip": survey.clip.name, "frames": survey.frames, "segment_frames": length,
            "settings": asdict(settings), "tracks": sorted(roles),
        }  # fmt: skip
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(path / "state.json", json.dumps(state, indent=1).encode())
        except OSError as error:
            raise part_not_written(survey.clip, error) from error
        return RenderFolder(path, survey.frames, length)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """While the block runs nobody else works at this render. Raises Conflict when somebody does,
        StoreUnavailable."""
        root = self.path.parent
        with contextlib.ExitStack() as stack:
            try:
                lock = root.with_name(f"{root.name}-{self.path.name}.lock")
                ours = stack.enter_context(claimed(lock))
                if ours:
                    # The one that was at work before may have removed its folder.
                    self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
                    self._tidy()
            except OSError as error:
                raise not_written(root, error) from error
            if not ours:
                raise Conflict(
                    "render_at_work", "This video is being made already, in another window or command.",
                    "Wait until it is ready, or stop it there.",
                )  # fmt: skip
            yield

    def _tidy(self) -> None:
        """Remove what a killed run was writing, and segments that a power cut left without their bytes."""
        for left in self.path.glob(".*"):
            left.unlink()
        for number, path in enumerate(self.segments):
            frames = min(self.length, self.frames - number * self.length)
            if path.is_file() and frames_in(path) != frames:
                path.unlink()

    @property
    def count(self) -> int:
        """How many segments the clip has."""
        return -(-self.frames // self.length)

    def segment(self, number: int) -> Path:
        return self.path / f"{number:04d}.mp4"

    @property
    def segments(self) -> list[Path]:
        return [self.segment(number) for number in range(self.count)]

    @property
    def finished(self) -> int:
        """How many segments are there, from the first on without a gap."""
        return next((index for index, path in enumerate(self.segments) if not path.is_file()), self.count)

    @property
    def frames_finished(self) -> int:
        """How many frames these segments have."""
        return min(self.finished * self.length, self.frames)

    def remove(self) -> None:
        """Remove the render; and its clip's folder, when no other render needs it."""
        shutil.rmtree(self.path, ignore_errors=True)
        root = self.path.parent
        with contextlib.suppress(OSError):  # somebody else may be at work in it by now
            if not any(entry.is_dir() for entry in root.iterdir()):
                (root / SURVEY).unlink(missing_ok=True)
                root.rmdir()


def save_survey(survey: Survey, folder: Path) -> None:
    """Keep a survey in its clip's folder. Raises StoreUnavailable."""
    arrays: dict[str, Any] = {"stamps": survey.stamps, "cuts": np.array(survey.cuts, np.int64)}
    for track in survey.tracks:
        numbers = [getattr(track, name) for name in _TRACK_NUMBERS]
        arrays[f"{track.number}.numbers"] = np.array(numbers, np.int64)
        arrays |= {f"{track.number}.{name}": getattr(track, name) for name in _TRACK_ARRAYS}
    temporary = folder / f".survey.{os.getpid()}.npz"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        np.savez(temporary, **arrays)
        os.replace(temporary, folder / SURVEY)
    except OSError as error:
        raise part_not_written(survey.clip, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def load_survey(clip: Clip, folder: Path) -> Survey | None:
    """The survey that was kept for a clip; None where there is none that can be read."""
    try:
        with np.load(folder / SURVEY, allow_pickle=False) as arrays:
            count = sum(name.endswith(".numbers") for name in arrays.files)
            tracks = tuple(_loaded(arrays, number) for number in range(count))
            return Survey(clip, arrays["stamps"], tracks, tuple(arrays["cuts"].tolist()))
    except (OSError, ValueError, KeyError, EOFError):
        return None


def prune(root: Path, keep: Path | None = None) -> None:
    """Remove unfinished renders that are old, too many or too large; `keep` and what is at work stay."""
    if not root.is_dir():
        return
    others = sorted((path for path in root.iterdir() if path.is_dir() and path != keep), key=_touched)
    limit, room, places = time.time() - KEPT_DAYS * 86400, KEPT_BYTES, KEPT - (keep is not None)
    for folder in reversed(others):
        room -= _bytes(folder)
        places -= 1
        if (places < 0 or room < 0 or _touched(folder) < limit) and not _at_work(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _at_work(folder: Path) -> bool:
    """Whether somebody makes a video of this clip. Locks that killed runs left go."""
    for lock in folder.parent.glob(f"{folder.name}-*.lock"):
        with claimed(lock) as free:
            if not free:
                return True
    return False


def _loaded(arrays: Any, number: int) -> FaceTrack:
    numbers = dict(zip(_TRACK_NUMBERS, arrays[f"{number}.numbers"].tolist(), strict=True))
    return FaceTrack(**numbers, **{name: arrays[f"{number}.{name}"] for name in _TRACK_ARRAYS})


def _touched(folder: Path) -> float:
    """When something in a folder was last written."""
    return max((found.st_mtime for found in _files(folder)), default=0.0)


def _bytes(folder: Path) -> int:
    return sum(found.st_size for found in _files(folder))


def _files(folder: Path) -> Iterator[os.stat_result]:
    """The folder itself and all that is in it; what goes meanwhile is passed over."""
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(OSError):
            yield path.stat()


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def _text(*values: object) -> bytes:
    return "\n".join(str(value) for value in values).encode()
