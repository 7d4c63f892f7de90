"""Writes the decided tracks of one source down as sightings, on a thread of its own.

The frames do not wait for the disk. While the library cannot be written, what was seen is kept here and tried
again; the source goes on, and its status says so.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from faceapp.errors import FaceAppError, NotFound
from faceapp.live import Decision, NewSighting
from faceapp.stream.track import LiveTrack
from faceapp.types import Floats, Person

log = logging.getLogger(__name__)

# How much of "last seen" may be lost when the program is killed.
EXTEND_SECONDS = 5.0
RETRY_SECONDS = 3.0
# The end of a source waits no longer for a library that does not answer.
CLOSE_SECONDS = 1.5
# Sightings that have ended are remembered for corrections; a camera may run for months.
REMEMBERED = 1000


class Sightings(Protocol):
    """Where decided tracks go."""

    def record(self, sighting: NewSighting) -> int:
        """Keep it; comes back with its number."""

    def extend(self, lasts: Mapping[int, datetime]) -> None:
        """The tracks of these sightings were still there; those that are deleted are passed over."""

    def correct(self, sighting_id: int, person_id: int | None) -> None:
        """It was that person; None for nobody who is enrolled."""

    def visitor_for(self, embedding: Floats) -> int | None:
        """The number of a stranger who was seen before, or None."""

    def visitor_person(self, visitor: int) -> Person | None:
        """Who that visitor is by now; None while they have no name."""


@dataclass
class _Entry:
    """One track. new: until it is written. kept: its number in the library, then."""

    last: datetime
    new: NewSighting | None
    kept: int | None = None
    person_id: int | None = None
    corrected: bool = False
    extended: bool = False
    over: bool = False

    @property
    def dirty(self) -> bool:
        return self.new is not None or self.corrected or self.extended


class Logbook:
    """A `Book`."""

    def __init__(self, source: str, model_key: str, sightings: Sightings) -> None:
        self._source = source
        self._model_key = model_key
        self._sightings = sightings
        self._entries: dict[int, _Entry] = {}
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._extended = time.monotonic()
        self._error = ""

    @property
    def problem(self) -> str:
        with self._changed:
            waiting = sum(entry.new is not None for entry in self._entries.values())
            late = "The library does not answer." if self._closed and waiting else ""
            error = self._error or late
            many = "1 sighting is" if waiting == 1 else f"{waiting} sightings are"
            return f"{error} {many} not kept yet." if error and waiting else error

    def decided(self, track: LiveTrack) -> None:
        decision = track.decision
        if decision is None:
            return
        with self._changed:
            entry = self._entries.get(track.sighting or 0)
            if entry is not None:
                self._correct(entry, decision)
            else:
                self._open(track, decision)
        self._work()

    def seen(self, tracks: Sequence[LiveTrack]) -> None:
        if time.monotonic() - self._extended < EXTEND_SECONDS:
            return
        self._extended = time.monotonic()
        with self._changed:
            for track in tracks:
                self._extend(track)
        self._work()

    def ended(self, track: LiveTrack) -> None:
        with self._changed:
            entry = self._extend(track)
            if entry is not None:
                entry.over = True
        self._work()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(CLOSE_SECONDS)
            if thread.is_alive():
                log.warning("%s: %s", self._source, self.problem)

    # -- on the watcher's thread ------------------------------------------------------------------------

    def _open(self, track: LiveTrack, decision: Decision) -> None:
        template, best = track.template, track.best
        if template is None or best is None:
            return
        new = NewSighting(
            source=self._source,
            first=track.started,
            last=track.last,
            person_id=decision.person.id if decision.person else None,
            visitor=decision.visitor,
            distance=decision.distance,
            model_key=self._model_key,
            embedding=template,
            crop=best.crop,
        )
        track.sighting = next(self._numbers)
        self._entries[track.sighting] = _Entry(track.last, new)

    def _correct(self, entry: _Entry, decision: Decision) -> None:
        person_id = decision.person.id if decision.person else None
        if entry.new is not None:
            entry.new = replace(entry.new, person_id=person_id, visitor=decision.visitor)
        # It may be on its way to the disk just now: then the correction follows it.
        entry.person_id, entry.corrected = person_id, True

    def _extend(self, track: LiveTrack) -> _Entry | None:
        entry = self._entries.get(track.sighting or 0)
        if entry is not None and track.last > entry.last:
            entry.last, entry.extended = track.last, True
        return entry

    def _work(self) -> None:
        """Have what is new written; after the end, when the user corrects something, at once."""
        with self._changed:
            if not self._dirty():
                return
            if self._thread is None and not self._closed:
                # No bug elsewhere may keep the program from ending: `close` waits for it as long as is good.
                name = f"sightings {self._source}"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()
            self._changed.notify_all()
            running = self._thread is not None and self._thread.is_alive()
        if not running:
            self._write_all()

    # -- on the thread that writes ----------------------------------------------------------------------

    def _run(self) -> None:
        done = False
        try:
            while self._wait():
                self._write_all()
            done = True
        finally:
            if not done:  # a bug, which goes on to the log
                self._say("Something went wrong inside the program.")
            if self.problem:
                log.error("%s: %s", self._source, self.problem)

    def _wait(self) -> bool:
        """Until there is something to write; False at the end."""
        with self._changed:
            if self._error:
                if self._closed:
                    return False
                self._changed.wait_for(lambda: self._closed, RETRY_SECONDS)
            self._changed.wait_for(lambda: self._closed or self._dirty())
            return bool(self._dirty())

    def _dirty(self) -> list[_Entry]:
        return [entry for entry in self._entries.values() if entry.dirty]

    def _write_all(self) -> None:
        with self._changed:
            entries = self._dirty()
        try:
            for entry in entries:
                self._write(entry)
            self._write_lasts(entries)
        except FaceAppError as error:
            if not self._error:
                log.warning("%s: %s", self._source, error)
            self._say(error.sentence)
            return
        self._say("")
        self._forget()

    def _write(self, entry: _Entry) -> None:
        with self._changed:
            new, corrected, entry.corrected = entry.new, entry.corrected, False
            person_id, kept = entry.person_id, entry.kept
        try:
            if new is not None:
                if new.person_id is None and new.visitor is None:
                    # Whoever could not be looked up when it was decided; or has been seen meanwhile.
                    new = replace(new, visitor=self._sightings.visitor_for(new.embedding))
                kept = self._sightings.record(new)
            if corrected and kept is not None and (new is None or new.person_id != person_id):
                with contextlib.suppress(NotFound):  # deleted by the user meanwhile
                    self._sightings.correct(kept, person_id)
            corrected = False
        finally:
            with self._changed:
                if kept is not None:
                    entry.kept, entry.new = kept, None
                entry.corrected |= corrected

    def _write_lasts(self, entries: Sequence[_Entry]) -> None:
        """All in one go."""
        with self._changed:
            moved = [entry for entry in entries if entry.extended and entry.kept is not None]
            lasts = {entry.kept: entry.last for entry in moved if entry.kept is not None}
        if not lasts:
            return
        self._sightings.extend(lasts)
        with self._changed:
            for entry in moved:
                entry.extended = entry.last != lasts.get(entry.kept or 0)

    def _say(self, error: str) -> None:
        with self._changed:
            self._error = error

    def _forget(self) -> None:
        with self._changed:
            old = [number for number, entry in self._entries.items() if entry.over and not entry.dirty]
            for number in old[: max(0, len(old) - REMEMBERED)]:
                del self._entries[number]
