"""Looking after the models, and measuring them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from faceapp.jobs import Job, JobManager
from faceapp.models.base import ModelSpec
from faceapp.models.registry import Models
from faceapp.pipeline.analysis import Analyser
from faceapp.tasks import upkeep
from faceapp.tasks.evaluate import evaluate_pairs


class Upkeep:
    """Fetches, adds, prepares and evaluates models."""

    def __init__(self, models: Models, analyser: Analyser, jobs: JobManager) -> None:
        self._models = models
        self._analyser = analyser
        self._jobs = jobs

    def start_fetch(self, key: str) -> Job:
        """Download a model, as a job whose result is its ModelSpec. Raises NotFound."""
        title = f"Download {self._models.spec(key).title}"
        return self._jobs.submit("fetch", title, partial(upkeep.fetch_model, models=self._models, key=key))

    def start_build(self, key: str) -> Job:
        """Make a model ready, as a job whose result is its ModelSpec. Raises NotFound."""
        title = f"Prepare {self._models.spec(key).title}"
        return self._jobs.submit("build", title, partial(upkeep.build_model, models=self._models, key=key))

    def add(self, path: Path, licence_accepted: bool = False) -> ModelSpec:
        """Copy a model's file into the models folder. Raises NotFound, BadRequest, and Conflict
        (licence_not_accepted) for a network of the user's own, until its licence was accepted."""
        return upkeep.add_model_file(self._models, path, licence_accepted)

    def start_evaluation(self, pairs: Path, images: Path, detector: str = "", embedder: str = "") -> Job:
        """Measure the accuracy on pairs of photos, as a job whose result is an Evaluation.

        detector, embedder: keys of the catalogue; "" for those in use. Raises NotFound.
        """
        keys = detector or self._analyser.detector_key, embedder or self._analyser.model_key
        for key in keys:
            self._models.spec(key)
        body = partial(evaluate_pairs, analyser=Analyser(self._models, *keys), pairs=pairs, images=images)
        return self._jobs.submit("evaluate", f"Evaluate on {pairs.name}", body)
