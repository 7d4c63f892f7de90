"""Settings as typed data. The file holds only what the user changed; the defaults are here."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from faceapp.errors import BadRequest, StoreUnavailable

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """Everything that a user can set.

    detector, embedder: keys of the catalogue; "" = the catalogue's default.
    threshold: cosine distance up to which two faces are the same person; 0 = the model's own.
    one_person_once: a person is recognised at most once on one photo (off for twins and mirrors).
    rest_enabled, rest_port: the REST port of the window. upload_limit_mb: the largest upload.
    keep_sightings_days: sightings older than that are deleted; 0 = kept.
    theme: "system", "light" or "dark".
    recogniser: the id of the built recogniser that recognises, with ":network" or ":plain" behind it where
    one of the two was chosen; "" = nearest neighbour in the library.
    visible_mark: results of swap and morph say in a corner that they are edited. content_credentials: they
    carry a signed C2PA manifest.
    """

    detector: str = ""
    embedder: str = ""
    threshold: float = 0.0
    top: int = 10
    one_person_once: bool = True
    rest_enabled: bool = False
    rest_port: int = 8765
    upload_limit_mb: int = 64
    keep_sightings_days: int = 0
    theme: str = "system"
    welcomed: bool = False
    recogniser: str = ""
    visible_mark: bool = False
    content_credentials: bool = False


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "threshold": lambda value: 0 <= value <= 2,
    "top": lambda value: 1 <= value <= 1000,
    "rest_port": lambda value: 1 <= value <= 65535,
    "upload_limit_mb": lambda value: 1 <= value <= 4096,
    "keep_sightings_days": lambda value: 0 <= value <= 36_500,
    "theme": lambda value: value in ("system", "light", "dark"),
}


class SettingsFile:
    """Reads and writes the settings. A file that could not be read is never written over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problem: str = ""
        self.current = self._read()

    def change(self, **changes: Any) -> Settings:
        """Set some values and save. Raises BadRequest for a value that is out of range."""
        for name, value in changes.items():
            problem = _problem(name, value)
            if problem:
                raise BadRequest("bad_setting", problem)
        changed = replace(self.current, **changes)
        if self.problem:
            raise StoreUnavailable("settings", self.problem, "Mend or remove the file; nothing was saved.")
        self._write(changed)
        self.current = changed
        return changed

    def _read(self) -> Settings:
        try:
            values = tomllib.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return Settings()
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            self.problem = f"The settings file {self._path} cannot be read: {error}."
            return Settings()
        wrong = [text for name, value in values.items() if (text := _problem(name, value))]
        if wrong:
            self.problem = f"The settings file {self._path} holds a mistake: {' '.join(wrong)}"
        good = {name: value for name, value in values.items() if not _problem(name, value)}
        return Settings(**good)

    def _write(self, settings: Settings) -> None:
        defaults = asdict(Settings())
        lines = [
            # A JSON string, number or boolean is the same text in TOML.
            f"{name} = {json.dumps(value)}\n"
            for name, value in asdict(settings).items()
            if value != defaults[name]
        ]
        temporary = self._path.with_suffix(".tmp")
        try:
            temporary.write_text("".join(lines), "utf-8")
            os.replace(temporary, self._path)
        except OSError as error:
            raise StoreUnavailable(
                "settings", f"The settings could not be saved: {error.strerror}.", "Is the disk full?"
            ) from error


def _problem(name: str, value: Any) -> str:
    kinds = {field.name: type(getattr(Settings(), field.name)) for field in fields(Settings)}
    if name not in kinds:
        return f"There is no setting “{name}”."
    number = kinds[name] is float and isinstance(value, int) and not isinstance(value, bool)
    if type(value) is not kinds[name] and not number:
        return f"“{name}” must be of type {kinds[name].__name__}."
    if name in _CHECKS and not _CHECKS[name](value):
        return f"{value} is out of range for “{name}”."
    return ""
