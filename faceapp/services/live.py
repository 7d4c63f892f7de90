"""Watching cameras and videos: who is on them, decided once for every track."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from faceapp.errors import BadRequest
from faceapp.jobs import Job, JobContext, JobManager
from faceapp.jobs.manager import ThreadExecutor
from faceapp.live import FrameResult, LiveSettings, NewSighting
from faceapp.models.registry import Models
from faceapp.pipeline.analysis import Analyser
from faceapp.ports import Executor
from faceapp.services.recognition import Recognition
from faceapp.stream.sources import SourceSpec, list_webcams
from faceapp.types import Floats, Match, Person

if TYPE_CHECKING:
    from faceapp.stream.session import LiveSession
    from faceapp.stream.track import LiveTrack
    from faceapp.stream.watcher import Watcher
    from faceapp.tasks.watch import WatchReport

# How many people a track's face is compared with: the best, the next one for the margin, one to spare.
COMPARED = 3


class Sightings(Protocol):
    """Where decided tracks go."""

    def record(self, sighting: NewSighting) -> int:
        """Keep it; comes back with its number."""

    def extend(self, sighting_id: int, last: datetime) -> None:
        """The same track was still there."""

    def correct(self, sighting_id: int, person_id: int | None) -> None:
        """It was that person; None for nobody who is enrolled."""

    def visitor_for(self, embedding: Floats) -> int | None:
        """The number of a stranger who was seen before, or None."""

    def visitor_person(self, visitor: int) -> Person | None:
        """Who that visitor is by now; None while they have no name."""


class Live:
    """Opens sources. `sightings` may be set later; until then nothing is kept."""

    def __init__(
        self,
        recognition: Recognition,
        analyser: Analyser,
        models: Models,
        jobs: JobManager,
        sightings: Sightings | None = None,
        executor: Callable[[], Executor] = ThreadExecutor,
    ) -> None:
        """executor: makes the threads of one session; the window gives its own."""
        self._recognition = recognition
        self._analyser = analyser
        self._models = models
        self._jobs = jobs
        self.sightings = sightings
        self._executor = executor
        self._lock = threading.Lock()
        self._sessions: list[LiveSession] = []

    def webcams(self) -> list[SourceSpec]:
        """The webcams of this machine, with names. May take seconds outside of Linux."""
        return list_webcams()

    def open(self, spec: SourceSpec, settings: LiveSettings | None = None, keep: bool = True) -> LiveSession:
        """Watch a source on threads of its own until `stop`.

        Comes back at once: what goes wrong is told by the session's status. keep: write sightings.
        """
        from faceapp.stream.session import LiveSession

        chosen = settings or LiveSettings()
        build = partial(self._watcher, spec, chosen, keep)
        session = LiveSession(spec, build, self._executor, on_stop=self._forget)
        with self._lock:
            self._sessions.append(session)
        return session.start()

    def sessions(self) -> list[LiveSession]:
        """Everything that is open."""
        with self._lock:
            return list(self._sessions)

    def close(self) -> list[str]:
        """Stop everything; the names of threads that are late."""
        return [late for session in self.sessions() for late in session.stop()]

    def watch_file(
        self,
        context: JobContext,
        spec: SourceSpec,
        settings: LiveSettings | None = None,
        on_result: Callable[[FrameResult], None] | None = None,
        out: Path | None = None,
        keep: bool = False,
    ) -> WatchReport:
        """Watch all of a video file or a folder of frames, on this thread.

        on_result: called with every frame. out: where the annotated video goes. keep: write sightings.
        Raises SourceLost, BadRequest and Cancelled.
        """
        from faceapp.tasks.watch import watch_file

        if spec.live:
            raise BadRequest("not_a_file", "A camera has no end.", "Open it instead.")
        watcher = self._watcher(spec, settings or LiveSettings(), keep)
        return watch_file(context, watcher, spec, out, on_result)

    def start_file(
        self,
        spec: SourceSpec,
        settings: LiveSettings | None = None,
        out: Path | None = None,
        keep: bool = False,
    ) -> Job:
        """The same as a job, whose result is the WatchReport."""
        body = partial(self.watch_file, spec=spec, settings=settings, out=out, keep=keep)
        return self._jobs.submit("watch", f"Watch {spec.name}", body)

    def _watcher(self, spec: SourceSpec, settings: LiveSettings, keep: bool) -> Watcher:
        """Loads the models. Raises ModelUnavailable."""
        from faceapp.stream.watcher import Watcher

        book = _Book(spec.name, self._analyser.model_key, self.sightings) if self.sightings and keep else None
        return Watcher(
            self._models.detector(self._analyser.detector_key),
            self._models.embedder(self._analyser.model_key),
            self._search,
            lambda: self._recognition.threshold,
            settings,
            visitor_for=self.sightings.visitor_for if self.sightings else None,
            visitor_person=self.sightings.visitor_person if self.sightings else None,
            on_decided=book.decided if book else None,
            on_ended=book.ended if book else None,
            live=spec.live,
        )

    def _search(self, embedding: Floats) -> Sequence[Match]:
        return self._recognition.nearest(embedding, COMPARED)

    def _forget(self, session: LiveSession) -> None:
        with self._lock:
            if session in self._sessions:
                self._sessions.remove(session)


class _Book:
    """Writes the decided tracks of one source down as sightings."""

    def __init__(self, source: str, model_key: str, sightings: Sightings) -> None:
        self._source = source
        self._model_key = model_key
        self._sightings = sightings

    def decided(self, track: LiveTrack) -> None:
        decision, template, best = track.decision, track.template, track.best
        if decision is not None and track.sighting is not None:
            self._sightings.correct(track.sighting, decision.person.id if decision.person else None)
            return
        if decision is None or template is None or best is None:
            return
        track.sighting = self._sightings.record(
            NewSighting(
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
        )

    def ended(self, track: LiveTrack) -> None:
        if track.sighting is not None:
            self._sightings.extend(track.sighting, track.last)
