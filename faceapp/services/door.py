"""All services together, and the order in which they close."""

from __future__ import annotations

from collections.abc import Callable

from faceapp.config import SettingsFile
from faceapp.jobs import JobManager
from faceapp.jobs.manager import ThreadExecutor
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.pipeline.analysis import Analyser
from faceapp.ports import Executor, Store
from faceapp.services.cameras import Cameras
from faceapp.services.classroom import Classroom
from faceapp.services.enrolment import Enrolment
from faceapp.services.forgetting import Forgetting
from faceapp.services.live import Live
from faceapp.services.morphs import Morphs
from faceapp.services.people import People
from faceapp.services.recognisers import Recognisers
from faceapp.services.recognition import Recognition
from faceapp.services.sightings import Sightings
from faceapp.services.swaps import Swaps
from faceapp.services.upkeep import Upkeep


class Services:
    """What faceapp can do. Made once by `main.py`; safe to use from any thread."""

    def __init__(
        self,
        store: Store,
        models: Models,
        jobs: JobManager,
        paths: Paths,
        settings: SettingsFile,
        threads: Callable[[], Executor] = ThreadExecutor,
    ) -> None:
        """threads: makes what one live session runs on; the window gives QThreads."""
        chosen = settings.current
        self.paths = paths
        self.settings = settings
        self.jobs = jobs
        self.models = models
        self.analyser = Analyser(models, chosen.detector, chosen.embedder)
        self.people = People(store)
        self.recognition = Recognition(store, self.analyser, models.spec(self.analyser.model_key), settings)
        self.enrolment = Enrolment(store, self.analyser, self.recognition, paths, jobs)
        self.upkeep = Upkeep(models, self.analyser, jobs)
        self.cameras = Cameras(store)
        self.sightings = Sightings(store, self.recognition, self.analyser.model_key, settings)
        self.classroom = Classroom(self.cameras, self.analyser, self.recognition, self.sightings)
        self.live = Live(self.recognition, self.analyser, models, self.sightings, executor=threads)
        self.swaps = Swaps(store, models, self.analyser, self.recognition, paths, jobs, settings)
        self.morphs = Morphs(store, models, self.analyser, self.recognition, paths, jobs, settings)
        self.recognisers = Recognisers(store, self.analyser, models, paths, jobs, settings)
        self.forgetting = Forgetting(store, self.recognisers, paths)
        self.recognition.matcher = self.recognisers.active
        self._store = store

    def close(self, timeout: float = 5.0) -> list[str]:
        """Live sources, jobs, the store, the models; comes back with the names of what is late."""
        late = self.live.close() + self.jobs.shutdown(timeout)
        self.sightings.close()
        self.swaps.close()
        self._store.close()
        self.models.release()
        return late
