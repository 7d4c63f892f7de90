"""What a render has finished, kept below the data folder so that a killed one goes on from there.

    renders/VIDEO/survey.npz            what the clip shows: smoothed once, the same for every run
    renders/VIDEO/RENDER/state.json     what is being made
    renders/VIDEO/RENDER/0007.mp4       finished segments

VIDEO is made of the clip's bytes, RENDER of everything that decides about a pixel. Every file is written
under another name and renamed: what has its own name is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceapp import __version__
from faceapp.edit.frames import Clip, not_written
from faceapp.edit.survey import FaceTrack, Survey
from faceapp.edit.swap import Source, SwapSettings

# Seconds of a segment: what a kill costs at most.
SEGMENT_SECONDS = 2.0
# Videos whose unfinished renders are kept, and for how long.
KEPT, KEPT_DAYS = 5, 14
# Raised when the same inputs give other pixels.
_VERSION = 1
_BLOCK = 1 << 20
_TRACK_ARRAYS = ("points", "found", "strength", "sharpness", "colours", "embedding", "crop")
_TRACK_NUMBERS = ("number", "person", "first", "best")


def clip_key(path: Path, *models: str) -> str:
    """The name of a clip's folder: its bytes, and the models that look at it."""
    digest = hashlib.sha256(_text(_VERSION, __version__, *models))
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()[:32]


def render_key(roles: Mapping[int, Source], settings: SwapSettings, visible_mark: bool, segment: int) -> str:
    """The name of a render's folder inside its clip's."""
    chosen = sorted(asdict(settings).items())
    digest = hashlib.sha256(_text(_VERSION, __version__, segment, visible_mark, chosen))
    for track, source in sorted(roles.items()):
        digest.update(_text(track, source.image.shape))
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
        visible_mark: bool = False,
    ) -> RenderFolder:
        """root: the clip's folder. Made now, with its state. Raises StoreUnavailable."""
        length = max(1, round(SEGMENT_SECONDS * survey.clip.fps))
        path = root / render_key(roles, settings, visible_mark, length)
        folder = RenderFolder(path, survey.frames, length)
        state = {
            "clip": survey.clip.name, "frames": survey.frames, "segment_frames": length,
            "settings": asdict(settings), "tracks": sorted(roles),
        }  # fmt: skip
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in path.glob(".*"):
                left.unlink()  # what a killed run was writing
            _replace(path / "state.json", json.dumps(state, indent=1).encode())
        except OSError as error:
            raise not_written(path, error) from error
        return folder

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

    def remove(self) -> None:
        """Remove the render; and its clip's folder, when no other render needs it."""
        shutil.rmtree(self.path, ignore_errors=True)
        root = self.path.parent
        if root.is_dir() and not any(entry.is_dir() for entry in root.iterdir()):
            shutil.rmtree(root, ignore_errors=True)


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
        os.replace(temporary, folder / "survey.npz")
    except OSError as error:
        raise not_written(folder, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def load_survey(clip: Clip, folder: Path) -> Survey | None:
    """The survey that was kept for a clip; None where there is none that can be read."""
    try:
        with np.load(folder / "survey.npz", allow_pickle=False) as arrays:
            count = sum(name.endswith(".numbers") for name in arrays.files)
            tracks = tuple(_loaded(arrays, number) for number in range(count))
            return Survey(clip, arrays["stamps"], tracks, tuple(arrays["cuts"].tolist()))
    except (OSError, ValueError, KeyError, EOFError):
        return None


def prune(root: Path, keep: Path) -> None:
    """Remove unfinished renders that are old or too many; `keep` and what is at work stay."""
    if not root.is_dir():
        return
    folders = sorted((path for path in root.iterdir() if path.is_dir() and path != keep), key=_touched)
    limit = time.time() - KEPT_DAYS * 86400
    old = [folder for folder in folders if _touched(folder) < limit]
    for path in folders[: max(0, len(folders) - KEPT + 1)] + old:
        shutil.rmtree(path, ignore_errors=True)


def _loaded(arrays: Any, number: int) -> FaceTrack:
    numbers = dict(zip(_TRACK_NUMBERS, arrays[f"{number}.numbers"].tolist(), strict=True))
    return FaceTrack(**numbers, **{name: arrays[f"{number}.{name}"] for name in _TRACK_ARRAYS})


def _touched(folder: Path) -> float:
    """When something in a folder was last written."""
    return max((path.stat().st_mtime for path in (folder, *folder.rglob("*")) if path.exists()), default=0.0)


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def _text(*values: object) -> bytes:
    return "\n".join(str(value) for value in values).encode()
