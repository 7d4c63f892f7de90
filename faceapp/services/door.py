"""All services together, and the order in which they close."""

from __future__ import annotations

from faceapp.config import SettingsFile
from faceapp.jobs import JobManager
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.pipeline.analysis import Analyser
from faceapp.ports import PeopleStore
from faceapp.services.enrolment import Enrolment
from faceapp.services.people import People
from faceapp.services.recognition import Recognition
from faceapp.services.upkeep import Upkeep


class Services:
    """What faceapp can do. Made once by `main.py`; safe to use from any thread."""

    def __init__(
        self, store: PeopleStore, models: Models, jobs: JobManager, paths: Paths, settings: SettingsFile
    ) -> None:
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
        self._store = store

    def close(self, timeout: float = 5.0) -> list[str]:
        """Jobs, then the store, then the models; comes back with the names of jobs that are late."""
        late = self.jobs.shutdown(timeout)
        self._store.close()
        self.models.release()
        return late
