"""Projections that were found before, one .npz file each: minutes or hours of search are spent once."""

from __future__ import annotations

import hashlib
import logging
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceapp.latent.generator import GeneratorInfo, Projection
from faceapp.models.store import replacing
from faceapp.types import Image

log = logging.getLogger(__name__)

MOST_KEPT = 500
FORMAT = 1


@dataclass(frozen=True)
class ProjectionCache:
    """The projections in one folder, by the aligned photo and the generator. The oldest go first."""

    folder: Path

    def key(self, aligned: Image, info: GeneratorInfo, recipe: str = "") -> str:
        """What a projection is found again by: the picture that was searched for, the weights, the recipe."""
        digest = hashlib.sha256(f"{FORMAT} {info.route} {info.sha256} {recipe} {aligned.shape}".encode())
        digest.update(np.ascontiguousarray(aligned).tobytes())
        return digest.hexdigest()

    def get(self, key: str, info: GeneratorInfo) -> Projection | None:
        """The projection, complete or as far as it came; None where there is none that fits."""
        path = self._path(key)
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                identity = float(file["identity"])
                found = Projection(
                    file["ws"], file["image"], file["curve"],
                    None if np.isnan(identity) else identity, bool(file["complete"]),
                )  # fmt: skip
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            log.warning("The projection %s cannot be read and is made again: %s", path.name, error)
            return None
        side = info.resolution
        fits = found.ws.shape == (info.num_ws, info.w_dim) and found.image.shape == (side, side, 3)
        return found if fits and found.ws.dtype == np.float32 and found.image.dtype == np.uint8 else None

    def put(self, key: str, found: Projection) -> None:
        """Keep a projection. A folder that cannot be written to costs the next search, nothing else."""
        identity = np.float32(np.nan if found.identity is None else found.identity)
        try:
            with replacing(self._path(key)) as temporary, temporary.open("xb") as stream:
                np.savez_compressed(
                    stream, ws=found.ws, image=found.image, curve=found.curve, identity=identity,
                    complete=np.bool_(found.complete), allow_pickle=False,
                )  # fmt: skip
            self._forget_old()
        except OSError as error:
            log.warning("The projection cannot be kept in %s: %s", self.folder, error)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"

    def _forget_old(self) -> None:
        files = sorted(self.folder.glob("*.npz"), key=lambda path: path.stat().st_mtime_ns)
        for path in files[: max(0, len(files) - MOST_KEPT)]:
            path.unlink(missing_ok=True)
