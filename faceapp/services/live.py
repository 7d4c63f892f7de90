"""Watching cameras and videos: who is on them, decided once for every track."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from faceapp.errors import BadRequest, ModelUnavailable, StoreUnavailable
from faceapp.jobs import JobContext
from faceapp.jobs.manager import ThreadExecutor
from faceapp.live import FrameResult, LiveSettings
from faceapp.models.base import AntiSpoof
from faceapp.models.registry import Models
from faceapp.pipeline.analysis import Analyser
from faceapp.ports import Executor
from faceapp.services.logbook import Logbook, Sightings
from faceapp.services.recognition import Recognition
from faceapp.stream.sources import SourceSpec, list_webcams
from faceapp.types import Floats, Match, Person

if TYPE_CHECKING:
    from faceapp.stream.session import LiveSession
    from faceapp.stream.watcher import Watcher
    from faceapp.tasks.watch import WatchReport

log = logging.getLogger(__name__)

# How many people a track's face is compared with: the best, the next one for the margin, one to spare.
COMPARED = 3


class Live:
    """Opens sources. `sightings` may be set later; until then nothing is kept."""

    def __init__(
        self,
        recognition: Recognition,
        analyser: Analyser,
        models: Models,
        sightings: Sightings | None = None,
        executor: Callable[[], Executor] = ThreadExecutor,
    ) -> None:
        """executor: makes the threads of one session; the window gives its own."""
        self._recognition = recognition
        self._analyser = analyser
        self._models = models
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
        """Stop everything, all at the same time; the names of threads that are late."""
        sessions = self.sessions()
        if not sessions:
            return []
        with ThreadPoolExecutor(len(sessions), "stop") as stops:
            return [late for names in stops.map(lambda session: session.stop(), sessions) for late in names]

    @property
    def can_tell_liveness(self) -> bool:
        """The model is there that guesses whether a face is live."""
        return self._models.state(self._models.default_key("antispoof")) in ("ready", "loading", "loaded")

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

    def _watcher(self, spec: SourceSpec, settings: LiveSettings, keep: bool) -> Watcher:
        """Loads the models. Raises ModelUnavailable."""
        from faceapp.stream.watcher import Watcher

        key = self._analyser.model_key
        book = Logbook(spec.name, key, self.sightings) if self.sightings and keep else None
        return Watcher(
            self._models.detector(self._analyser.detector_key),
            self._models.embedder(key),
            self._search,
            lambda: self._recognition.threshold,
            settings,
            visitor_for=self._visitor_for,
            visitor_person=self._visitor_person,
            antispoof=self._antispoof,
            book=book,
            live=spec.live,
        )

    def _antispoof(self) -> AntiSpoof | None:
        if not self.can_tell_liveness:
            return None
        try:
            return self._models.antispoof()
        except ModelUnavailable as error:
            log.warning("No face will be judged live or not: %s", error)
            return None

    def _visitor_for(self, embedding: Floats) -> int | None:
        """None as well while the library cannot be asked: the logbook asks again when it writes."""
        if self.sightings is None:
            return None
        try:
            return self.sightings.visitor_for(embedding)
        except StoreUnavailable as error:
            log.warning("A visitor could not be looked up: %s", error)
            return None

    def _visitor_person(self, visitor: int) -> Person | None:
        if self.sightings is None:
            return None
        try:
            return self.sightings.visitor_person(visitor)
        except StoreUnavailable as error:
            log.warning("The name of visitor %d could not be looked up: %s", visitor, error)
            return None

    def _search(self, embedding: Floats) -> Sequence[Match]:
        return self._recognition.identify(embedding, COMPARED)

    def _forget(self, session: LiveSession) -> None:
        with self._lock:
            if session in self._sessions:
                self._sessions.remove(session)
