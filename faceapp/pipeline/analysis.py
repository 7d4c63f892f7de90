"""A photo's faces: found, measured, embedded."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import numpy as np

from faceapp.errors import FaceAppError
from faceapp.models.registry import Models
from faceapp.pipeline.doubt import doubtful
from faceapp.pipeline.tiles import detect_far
from faceapp.types import Box, Detections, Face, Floats, Image

# So many faces are embedded at a time: enough to fill a batch of the network with two views of each.
TOGETHER = 16

Source = TypeVar("Source")
Result = TypeVar("Result")


class Analyser:
    """Detector, quality measure and embedder in one call. Safe to call from several threads."""

    def __init__(self, models: Models, detector: str = "", embedder: str = "") -> None:
        self._models = models
        self.detector_key = detector or models.default_key("detector")
        self.model_key = embedder or models.default_key("embedder")

    def faces(
        self,
        image: Image,
        embed: bool = True,
        views: int | None = None,
        far: bool = False,
        check: Callable[[], None] = lambda: None,
    ) -> tuple[Face, ...]:
        """The faces of an image, best detection first.

        A photo on which the detector finds nothing is searched once more with every patience.
        views: how many views of a face its embedding is the mean of; None for the model's best.
        far: look for small faces as well, tile by tile. check: called before every few faces and before each
        tile; it may raise.
        """
        detector = self._models.detector(self.detector_key)
        found = detect_far(detector, image, check) if far else detector.detect(image)
        if not len(found):
            found = detector.detect_thorough(image)
        if not len(found):
            return ()
        faces = _measure(image, found)
        if not embed:
            return faces
        embeddings = self.embed(image, found, views, check)
        # Small faces far away were not measured: they are hard to find twice.
        doubts = [False] * len(faces) if far else doubtful(detector, self.detector_key, image, found)
        return tuple(
            replace(face, embedding=row, doubtful=bool(doubt))
            for face, row, doubt in zip(faces, embeddings, doubts, strict=True)
        )

    def embed(
        self, image: Image, found: Detections, views: int | None, check: Callable[[], None]
    ) -> Floats:
        """(N, D) as `Embedder.embed` has them. check: called before every few faces; it may raise."""
        embedder = self._models.embedder(self.model_key)
        rows = []
        for start in range(0, len(found), TOGETHER):
            check()
            some = found.take(np.arange(start, min(start + TOGETHER, len(found))))
            rows.append(embedder.embed(image, some, views))
        return np.concatenate(rows)

    def preload(self) -> None:
        """Load the models now, not at the first photo."""
        self._models.preload((self.detector_key, self.model_key))


def _measure(image: Image, found: Detections) -> tuple[Face, ...]:
    from faceapp.pipeline.quality import measure

    assert found.landmarks is not None, "every detector of the catalogue gives five points"
    return tuple(
        Face(Box(*(float(value) for value in box)), points, measure(image, box, points, float(score)))
        for box, points, score in zip(found.boxes, found.landmarks, found.scores, strict=True)
    )


def in_order(
    sources: Iterable[Source], work: Callable[[Source], Result], workers: int = 0
) -> Iterator[tuple[Source, Result | FaceAppError]]:
    """Run `work` on every source on all cores; results come in order, a refusal as its error.

    At most a few photos a worker are in memory at once. A bug inside `work` is raised here.
    """
    workers = workers or os.cpu_count() or 1
    waiting: deque[tuple[Source, Future[Result]]] = deque()

    def oldest() -> tuple[Source, Result | FaceAppError]:
        source, future = waiting.popleft()
        try:
            return source, future.result()
        except FaceAppError as error:
            return source, error

    pool = ThreadPoolExecutor(workers, thread_name_prefix="faceapp-analysis")
    try:
        for source in sources:
            waiting.append((source, pool.submit(work, source)))
            if len(waiting) > 2 * workers:
                yield oldest()
        while waiting:
            yield oldest()
    finally:
        pool.shutdown(cancel_futures=True)
