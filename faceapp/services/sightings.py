"""Who was seen when: recorded, listed, corrected, exported and deleted; visitors and attendance."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from faceapp.config import SettingsFile
from faceapp.errors import NotFound, StoreUnavailable
from faceapp.live import Group, NewSighting, Period, Presence, Sighting, SightingFilter
from faceapp.ports import Store
from faceapp.services import attendance
from faceapp.services.recognition import Recognition
from faceapp.services.retention import Retention
from faceapp.types import Floats, Person

ALL = SightingFilter()
# A camera that is asked for pictures now and then: somebody who is seen again so soon has not been away.
SAME_VISIT = timedelta(minutes=5)
# Two strangers under one number would both take the name that one of them is given, in everything that was
# recorded: that must be a hundred times rarer than a wrong name in a search.
VISITOR_CARE = 100
CSV_HEADER = ("id", "source", "first", "last", "person", "visitor", "distance")


class Sightings:
    """Safe to use from any thread."""

    def __init__(
        self, store: Store, recognition: Recognition, model_key: str, settings: SettingsFile
    ) -> None:
        self._store = store
        self._recognition = recognition
        self._model_key = model_key
        self._settings = settings
        self._lock = threading.Lock()
        self._strangers = _Strangers.nobody()
        self._extended = 0
        self._retention: Retention | None = None

    def revision(self) -> tuple[int, ...]:
        """Something that differs from its last value when a list of sightings may have changed; not when
        another process has made one last longer."""
        return self._store.revision(), self._store.sighting_revision(), self._extended

    # -- recording --------------------------------------------------------------------------------
    def record(self, sighting: NewSighting) -> int:
        """Keep a decided track; comes back with the sighting's number, for `extend`."""
        if sighting.person_id is not None and sighting.person_id < 0:
            # Known to a recogniser, not to the library.
            sighting = replace(sighting, person_id=None)
        return self._store.add_sighting(sighting)

    def extend(self, lasts: Mapping[int, datetime]) -> None:
        """These tracks were there until then. A sighting that was deleted meanwhile stays deleted."""
        self._store.extend_sightings(lasts)
        self._extended += 1

    def record_visit(self, sighting: NewSighting) -> int:
        """Keep that somebody known was on one picture; one sighting while they stay."""
        assert sighting.person_id is not None, "a stranger on one picture is not kept"
        recent = SightingFilter(
            since=sighting.first - SAME_VISIT, source=sighting.source, person_ids=(sighting.person_id,)
        )
        for earlier in self._store.sightings(recent, limit=1):
            self.extend({earlier.id: sighting.last})
            return earlier.id
        return self.record(sighting)

    def visitor_for(self, embedding: Floats) -> int | None:
        """The number of the visitor that a stranger (D,) is; None for one who is seen for the first time.

        Whoever is seen for the second time gets a number, and so does the first sighting. The visitor may
        have a name by now: see `visitor_person`.
        """
        nearest = self._nearest_stranger(embedding)
        if nearest is None:
            return None
        sighting_id, number = nearest
        if number is not None:
            return number
        try:
            return self._store.visitor_of(sighting_id)
        except NotFound:  # deleted meanwhile
            return None

    # -- visitors ---------------------------------------------------------------------------------
    def name_visitor(self, visitor: int, person_id: int) -> int:
        """That visitor is this person, in all sightings so far and to come; how many took the name."""
        return self._store.name_visitor(visitor, person_id)

    def visitor_person(self, visitor: int) -> Person | None:
        """Who that visitor is by now; None while they have no name."""
        return self._store.visitor_person(visitor)

    # -- reading ----------------------------------------------------------------------------------
    def find(
        self, chosen: SightingFilter = ALL, limit: int | None = None, offset: int = 0
    ) -> list[Sighting]:
        """Newest first."""
        return self._store.sightings(chosen, limit, offset)

    def count(self, chosen: SightingFilter = ALL) -> int:
        return self._store.count_sightings(chosen)

    def sources(self) -> list[str]:
        """Every source that anybody was seen by, by name."""
        return self._store.sighting_sources()

    def crop(self, sighting_id: int) -> bytes:
        """JPEG bytes of the best face."""
        return self._store.sighting_crop(sighting_id)

    def export(self, path: Path, chosen: SightingFilter = ALL) -> int:
        """Write the sightings as CSV, newest first; comes back with how many. Raises StoreUnavailable."""
        found = self._store.sightings(chosen)
        _write(path, (_line(row) for row in (CSV_HEADER, *map(csv_row, found))))
        return len(found)

    # -- changing ---------------------------------------------------------------------------------
    def correct(self, sighting_id: int, person_id: int | None) -> None:
        """Say who it was; None for nobody who is enrolled."""
        known = person_id is not None and person_id >= 0
        self._store.correct_sighting(sighting_id, person_id if known else None)

    def delete(self, chosen: SightingFilter) -> int:
        """For good, with their pictures; comes back with how many."""
        return self._store.delete_sightings(chosen)

    def delete_these(self, sighting_ids: Sequence[int]) -> int:
        return self._store.delete_these_sightings(sighting_ids)

    # -- retention --------------------------------------------------------------------------------
    def apply_retention(self) -> int:
        """Delete what is older than the settings allow; comes back with how many."""
        days = self._settings.current.keep_sightings_days
        if not days:
            return 0
        return self.delete(SightingFilter(until=datetime.now(UTC) - timedelta(days=days)))

    def start_retention(self) -> None:
        """Apply it now and then every day, until `close`."""
        with self._lock:
            if self._retention is None:
                self._retention = Retention(self.apply_retention)

    def close(self) -> None:
        with self._lock:
            retention, self._retention = self._retention, None
        if retention is not None:
            retention.stop()

    # -- attendance -------------------------------------------------------------------------------
    def attendance(self, period: Period, group: Group | None = None) -> list[Presence]:
        """Everybody of the group, or of the library, by name: present, late or absent."""
        people = self._store.people()
        if group is not None:
            members = set(group.person_ids)
            people = [person for person in people if person.id in members]
        chosen = SightingFilter(
            period.start, period.end, person_ids=tuple(person.id for person in people)
        )
        return attendance.presences(people, self._store.sightings(chosen), period)

    def attendance_page(self, period: Period, group: Group | None = None) -> str:
        """The same as a page of HTML to print."""
        return attendance.as_page(self.attendance(period, group), period, _title(group))

    def export_attendance(self, path: Path, period: Period, group: Group | None = None) -> None:
        """Write it as CSV, or as a page where the file's name ends in .html. Raises StoreUnavailable."""
        if path.suffix.lower() in (".html", ".htm"):
            _write(path, [self.attendance_page(period, group)])
        else:
            _write(path, [attendance.as_csv(self.attendance(period, group))])

    def groups(self) -> list[Group]:
        return self._store.groups()

    def group(self, name: str) -> Group:
        """The group of that name; case does not count. Raises NotFound."""
        wanted = name.strip().casefold()
        for group in self._store.groups():
            if group.name.casefold() == wanted:
                return group
        raise NotFound("no_group", f"There is no group called “{name}”.")

    def save_group(self, name: str, person_ids: Sequence[int]) -> Group:
        return self._store.save_group(name, person_ids)

    def delete_group(self, group_id: int) -> None:
        self._store.delete_group(group_id)

    def _nearest_stranger(self, embedding: Floats) -> tuple[int, int | None] | None:
        """(sighting id, visitor) of the nearest one who was not known, if near enough."""
        strangers = self._current_strangers()
        if not len(strangers.vectors):
            return None
        distances = 1.0 - strangers.vectors @ np.asarray(embedding, np.float32)
        index = int(np.argmin(distances))
        if distances[index] > self._recognition.threshold_among(VISITOR_CARE * len(strangers.vectors)):
            return None
        return strangers.ids[index], strangers.visitors[index]

    def _current_strangers(self) -> _Strangers:
        revision = self._store.sighting_revision()
        with self._lock:
            if self._strangers.revision != revision:
                rows = self._store.strangers(self._model_key)
                self._strangers = self._strangers.brought_up_to(revision, rows, self._store.sighted)
            return self._strangers


class _Strangers:
    """Everybody who was seen without being known, as one version of the library has them."""

    def __init__(
        self, revision: int, ids: list[int], visitors: list[int | None], vectors: Floats
    ) -> None:
        """vectors (N, D)."""
        self.revision = revision
        self.ids = ids
        self.visitors = visitors
        self.vectors = vectors

    @staticmethod
    def nobody() -> _Strangers:
        return _Strangers(-1, [], [], np.zeros((0, 0), np.float32))

    def brought_up_to(
        self,
        revision: int,
        rows: Sequence[tuple[int, int | None]],
        read: Callable[[Sequence[int]], dict[int, Floats]],
    ) -> _Strangers:
        """The version with these (sighting id, visitor); only the embeddings of new ones are read."""
        known = dict(zip(self.ids, self.vectors, strict=True))
        missing = [sighting_id for sighting_id, _ in rows if sighting_id not in known]
        if missing:
            known |= read(missing)
        # One that is missing even now was deleted between the two readings.
        found = [(sighting_id, visitor) for sighting_id, visitor in rows if sighting_id in known]
        if not found:
            return _Strangers(revision, [], [], np.zeros((0, 0), np.float32))
        ids, visitors = [list(column) for column in zip(*found, strict=True)]
        return _Strangers(revision, ids, visitors, np.stack([known[number] for number in ids]))


def csv_row(sighting: Sighting) -> tuple[object, ...]:
    """The cells of one sighting under CSV_HEADER; times are local, with their offset."""
    return (
        sighting.id,
        attendance.cell(sighting.source),
        attendance.moment(sighting.first),
        attendance.moment(sighting.last),
        attendance.cell(sighting.person.name) if sighting.person else "",
        sighting.visitor or "",
        "" if sighting.distance is None else round(sighting.distance, 4),
    )


def _title(group: Group | None) -> str:
    return f"Attendance: {group.name}" if group else "Attendance"


def _line(cells: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _write(path: Path, lines: Iterable[str]) -> None:
    """Write a file under another name first: there is never half of one under its own."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            with open(temporary, "w", encoding="utf-8", newline="") as file:
                file.writelines(lines)
            os.replace(temporary, path)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            "not_written", f"“{path.name}” could not be written: {error.strerror}.", "Choose another place."
        ) from error
