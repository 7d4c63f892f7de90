"""Networks that the user has and this program does not know: a swapper and its partner.

They are copied into the models folder and noted in a small file with their SHA-256, so that a file that was
changed since is refused, and with the day on which the user accepted the licence.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from faceapp.errors import Conflict, ModelUnavailable, NotFound, StoreUnavailable
from faceapp.models.base import ModelFile, ModelSpec
from faceapp.models.store import replacing, sha256_of

KEY = "own-swapper"
NOTES = "own.json"
# The parts of a swapper, in the order in which its adapter takes their files.
FILES = {"swapper": "own-swapper.onnx", "arcface": "own-arcface.onnx"}
_NAMES = {"swapper": "the network that swaps faces", "arcface": "the network that says who a face is"}
LICENCE = (
    "This network is not part of the program: whoever made it says what you may do with it. InsightFace's "
    "inswapper and its recognition networks may be used for research that is not commercial, and for nothing "
    "else. A swapped face must not deceive or hurt anybody: swap the faces of people who agreed to it."
)


@dataclass(frozen=True)
class OwnFile:
    """name: what the file was called. accepted: the day on which the licence was accepted; "" = not yet."""

    name: str
    sha256: str
    accepted: str = ""


class Plugins:
    """The user's own networks in one models folder. Safe to call from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def files(self) -> dict[str, OwnFile]:
        """What was added, by part: "swapper", "arcface"."""
        try:
            noted = json.loads((self._folder / NOTES).read_text("utf-8"))
        except (OSError, ValueError):  # nothing was added yet, or the notes are broken: add again
            return {}
        return {part: found for part in FILES if (found := _own_file(noted, part)) is not None}

    def add(self, path: Path, accepted: bool = False) -> OwnFile:
        """Copy a file of the user's into the models folder; the shapes that it takes say which part it is.

        Raises NotFound, BadRequest (no part of a swapper), StoreUnavailable (it could not be copied).
        """
        from faceapp.models.swapper import part_of

        if not path.is_file():
            raise NotFound("no_such_file", f"There is no file {path}.")
        part = part_of(path)
        try:
            with replacing(self._folder / FILES[part]) as temporary:
                shutil.copyfile(path, temporary)
                added = OwnFile(path.name, sha256_of(temporary), _today() if accepted else "")
        except OSError as error:
            raise StoreUnavailable(
                "model_not_added", f"{path.name} could not be copied: {error.strerror}."
            ) from error
        self._note({**self.files(), part: added})
        return added

    def accept(self) -> None:
        """Note that the user has read and accepted `LICENCE` for the files that are there."""
        self._note({
            part: file if file.accepted else replace(file, accepted=_today())
            for part, file in self.files().items()
        })

    def remove(self) -> None:
        """Forget the networks and delete their copies."""
        for name in (*FILES.values(), NOTES):
            (self._folder / name).unlink(missing_ok=True)

    def require(self) -> None:
        """Raise ModelUnavailable while a part is missing, Conflict while the licence is not accepted."""
        files = self.files()
        missing = [part for part in FILES if part not in files]
        if missing:
            raise ModelUnavailable(
                "no_swapper", f"There is no neural swapper: {_NAMES[missing[0]]} is missing.",
                "Add a file that you have with “models add FILE”.",
            )
        if not all(file.accepted for file in files.values()):
            raise licence_refusal()

    @property
    def ready(self) -> bool:
        """Whether all parts are there and their licence is accepted."""
        files = self.files()
        return all(part in files and files[part].accepted for part in FILES)

    def spec(self) -> ModelSpec | None:
        """The row of the catalogue; None while nothing was added."""
        files = self.files()
        if not files:
            return None
        names = " and ".join(file.name for file in files.values())
        return ModelSpec(
            key=KEY, role="swapper", title="Your own swapper",
            files=tuple(
                ModelFile(name, files[part].sha256 if part in files else "") for part, name in FILES.items()
            ),
            load=_load,
            licence="As its maker says; inswapper: research that is not commercial",
            remark=f"Made of {names}.",
        )

    def _note(self, files: dict[str, OwnFile]) -> None:
        text = json.dumps({part: asdict(file) for part, file in files.items()}, indent=1)
        try:
            with replacing(self._folder / NOTES) as temporary:
                temporary.write_text(text, "utf-8")
        except OSError as error:
            raise StoreUnavailable(
                "model_not_added", f"The network could not be noted: {error.strerror}.", "Is the disk full?"
            ) from error


def licence_refusal() -> Conflict:
    """The answer to whoever uses a network of their own without having accepted the licence."""
    return Conflict(
        "licence_not_accepted", LICENCE, "Accept it with “models add FILE --accept-licence”."
    )


def _load(files: Sequence[Path], folder: Path, threads: int) -> Any:
    from faceapp.models.swapper import OnnxSwapper

    return OnnxSwapper.load(files, folder, threads)


def _own_file(noted: Any, part: str) -> OwnFile | None:
    entry = noted.get(part) if isinstance(noted, dict) else None
    if not isinstance(entry, dict) or set(entry) != {"name", "sha256", "accepted"}:
        return None
    if not all(isinstance(value, str) for value in entry.values()):
        return None
    return OwnFile(**entry)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
