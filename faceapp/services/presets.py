"""Named settings of a swap: built in, and the user's own."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from faceapp.errors import BadRequest, NotFound, StoreUnavailable

if TYPE_CHECKING:
    from faceapp.edit.swap import SwapSettings

LONGEST_NAME = 60
BUILT_IN: dict[str, dict[str, Any]] = {
    "Likeness": {"likeness": 1.0},
    "Balanced": {"likeness": 0.5},
    "Expression": {"likeness": 0.0},
}


class Presets:
    """Named settings in a JSON file that holds the user's own. A file that cannot be read stays as it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def default(self) -> SwapSettings:
        from faceapp.edit.swap import SwapSettings

        return SwapSettings()

    def all(self) -> dict[str, SwapSettings]:
        found = {name: self.changed(self.default(), values) for name, values in BUILT_IN.items()}
        for name, values in self._own().items():
            found.setdefault(name, self._tolerant(values))
        return found

    def get(self, name: str) -> SwapSettings:
        """The settings of that name, whatever its case. Raises NotFound with the names there are."""
        known = self.all()
        for each, settings in known.items():
            if each.casefold() == name.strip().casefold():
                return settings
        raise NotFound("no_such_preset", f"There is no preset “{name}”.", f"There are: {', '.join(known)}.")

    def changed(self, base: SwapSettings, values: Mapping[str, Any]) -> SwapSettings:
        """The settings with some values changed. Raises BadRequest for an unknown or unfit one."""
        for name, value in values.items():
            problem = _problem(base, name, value)
            if problem:
                raise BadRequest("bad_setting", problem)
        try:
            return replace(base, **values)
        except ValueError as error:
            raise BadRequest("bad_setting", f"This setting is not possible: {error}.") from error

    def save(self, name: str, settings: SwapSettings) -> None:
        words = " ".join(name.split())
        if not words or len(words) > LONGEST_NAME:
            raise BadRequest("bad_name", "A preset needs a name.", f"Up to {LONGEST_NAME} characters.")
        if words.casefold() in {each.casefold() for each in BUILT_IN}:
            raise BadRequest("built_in", f"“{words}” is built in.", "Choose another name.")
        with self._lock:
            own = {each: values for each, values in self._own(strict=True).items()
                   if each.casefold() != words.casefold()}  # fmt: skip
            self._write({**own, words: asdict(settings)})

    def delete(self, name: str) -> None:
        if name.casefold() in {each.casefold() for each in BUILT_IN}:
            raise BadRequest("built_in", f"“{name}” is built in and stays.")
        self.get(name)
        with self._lock:
            own = self._own(strict=True)
            self._write({each: v for each, v in own.items() if each.casefold() != name.casefold()})

    def _tolerant(self, values: Mapping[str, Any]) -> SwapSettings:
        """What an older or newer version wrote: values that do not fit are passed over."""
        base = self.default()
        for name, value in values.items():
            if not _problem(base, name, value):
                try:
                    base = replace(base, **{name: value})
                except ValueError:
                    continue
        return base

    def _own(self, strict: bool = False) -> dict[str, dict[str, Any]]:
        try:
            found = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            if strict:
                sentence = f"The file {self._path} cannot be read."
                hint = "Mend or remove it; nothing was saved."
                raise StoreUnavailable("presets", sentence, hint) from error
            return {}
        pairs = found.items() if isinstance(found, dict) else ()
        return {name: values for name, values in pairs if isinstance(values, dict)}

    def _write(self, own: Mapping[str, Mapping[str, Any]]) -> None:
        temporary = self._path.with_suffix(".tmp")
        try:
            temporary.write_text(json.dumps(own, indent=1), "utf-8")
            os.replace(temporary, self._path)
        except OSError as error:
            raise StoreUnavailable(
                "presets", f"The preset could not be saved: {error.strerror}.", "Is the disk full?"
            ) from error


def _problem(settings: SwapSettings, name: str, value: Any) -> str:
    """What is wrong with a value of a setting; "" when nothing is. Numbers are shares from 0 to 1."""
    hints = get_type_hints(type(settings))
    if name not in hints:
        return f"There is no setting “{name}”."
    words = get_args(hints[name])
    if words:
        return "" if value in words else f"“{name}” is one of {', '.join(map(str, words))}."
    if hints[name] is bool:
        return "" if isinstance(value, bool) else f"“{name}” is yes or no."
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return "" if number and 0 <= value <= 1 else f"“{name}” is a number from 0 to 1."
