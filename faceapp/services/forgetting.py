"""People who are forgotten for good: out of the library, the kept photos and the recognisers."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from faceapp.build.workspace import Workspace
from faceapp.errors import Conflict
from faceapp.paths import Paths
from faceapp.ports import PeopleStore
from faceapp.services.recognisers import FOLDER, Entry, Recognisers
from faceapp.types import Forgotten, Traces

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Held:
    """What a recogniser holds of somebody. named: it was built to know them; else they are among its
    strangers."""

    entry: Entry
    named: bool


class Forgetting:
    """What a person may ask for. Nothing brings back what it takes out.

    Photos that the user keeps in files of their own stay, and so do results that were saved, and backups.
    """

    def __init__(self, store: PeopleStore, recognisers: Recognisers, paths: Paths) -> None:
        self._store = store
        self._recognisers = recognisers
        self._paths = paths

    def deleted(self, name: str) -> list[int]:
        """The numbers of people of that name who were deleted, and could still come back."""
        return self._store.deleted_people(name)

    def forget(self, person_ids: Sequence[int]) -> Forgotten:
        """Forget these people, deleted or not, and everybody who was merged into them.

        Raises NotFound, StoreUnavailable, and Conflict while a recogniser is being built.
        """
        traces = self._store.traces(person_ids)
        held = list(self._holding(traces))
        # The library last: as long as it knows them this can be done again, whatever ends it in between.
        for one in held:
            if one.named:
                self._recognisers.delete(one.entry.id)
            else:
                self._drop_strangers(one.entry.id, set(traces.photos))
        gone = self._store.forget_people(person_ids)
        self._remove_kept(gone.photos)
        # Made again when it is asked for.
        shutil.rmtree(self._paths.latent, ignore_errors=True)
        names = tuple(one.entry.name for one in held if one.named)
        backups = tuple(str(path) for path in sorted(self._paths.backups.glob("library-*.sqlite3")))
        return replace(gone, recognisers=names, backups=backups)

    def _holding(self, traces: Traces) -> Iterable[_Held]:
        ids, names = set(traces.person_ids), {_plain(name) for name in traces.names}
        for entry in self._recognisers.all():
            if entry.state in ("waiting", "building"):
                sentence = f"The recogniser {entry.name} is being built, and may be learning these people."
                raise Conflict("building", sentence, "Stop it or wait until it is ready.")
            known = list(entry.card.people) if entry.card else []
            workspace = self._workspace(entry.id)
            known += workspace.request().people
            if any(one.person_id in ids or _plain(one.name) in names for one in known):
                yield _Held(entry, True)
            elif workspace.data.exists():
                yield _Held(entry, False)

    def _workspace(self, build_id: str) -> Workspace:
        return Workspace(self._paths.data / FOLDER / build_id)

    def _drop_strangers(self, build_id: str, photos: set[str]) -> None:
        """Take their photos out of what a recogniser was taught to refuse."""
        from faceapp.build.dataset import STRANGER, Dataset

        path = self._workspace(build_id).data
        data = Dataset.load(path)
        theirs = (data.people == STRANGER) & [str(photo) in photos for photo in data.photos]
        if theirs.any():
            kept = ~theirs
            columns = (data.vectors, data.people, data.parts, data.plain, data.photos)
            Dataset(data.names, *(column[kept] for column in columns)).save(path)

    def _remove_kept(self, photos: Sequence[str]) -> None:
        """Uploads, pastes and webcam pictures that this program has written itself."""
        for path in map(Path, photos):
            if self._paths.photos in path.parents:
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    log.warning("%s could not be deleted: %s", path, error.strerror)


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").split()).casefold()
