"""Where files live. Everything the program writes is below one data folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from faceapp.errors import StoreUnavailable

ENVIRONMENT = "FACEAPP_DATA_DIR"


@dataclass(frozen=True)
class Paths:
    """The folders below one data folder. They are made by `create`, not by asking for them."""

    data: Path

    @property
    def library(self) -> Path:
        return self.data / "library.sqlite3"

    @property
    def backups(self) -> Path:
        return self.data / "backups"

    @property
    def photos(self) -> Path:
        """Photos that came without a file of their own: uploads, pastes, webcam pictures."""
        return self.data / "photos"

    @property
    def models(self) -> Path:
        return self.data / "models"

    @property
    def latent(self) -> Path:
        """What latent morphs have learnt of the library, and searched for in photos."""
        return self.data / "latent"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def settings(self) -> Path:
        return self.data / "settings.toml"

    def create(self) -> None:
        """Make the folders, readable by their owner alone. Raises StoreUnavailable."""
        try:
            for folder in (self.data, self.backups, self.photos, self.models, self.logs):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                "data_dir", f"The data folder {self.data} cannot be used: {error.strerror}.",
                "Choose another one with --data-dir.",
            ) from error


def locate(data_dir: str | Path | None = None) -> Paths:
    """The given folder, else $FACEAPP_DATA_DIR, else the place the system has for such data."""
    import platformdirs

    chosen = data_dir or os.environ.get(ENVIRONMENT) or platformdirs.user_data_dir("faceapp", appauthor=False)
    return Paths(Path(chosen).expanduser().absolute())
