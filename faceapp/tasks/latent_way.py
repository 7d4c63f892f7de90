"""Faces in the space of a generator, held open so that any mixture of them is drawn at once: for a slider."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from faceapp.jobs import JobContext
from faceapp.latent.generator import GeneratorInfo, Route, Subject
from faceapp.tasks import latent
from faceapp.tasks.latent import Drawn, Tools, Watch
from faceapp.types import Floats, Image, Photo

if TYPE_CHECKING:
    from faceapp.edit.retime import Pace
    from faceapp.services.morphs import MorphSettings

Between = Callable[["MorphSettings"], Drawn]


@dataclass(frozen=True, eq=False)
class LatentWay:
    """A way between the faces of photos, in the order of the photos. Safe to use from any thread.

    info: what draws. before: the photos, cut as the generator cuts them, (R, R, 3) each. between: the way as
    settings want it. people: how many people of the library the generator knows; 0 where it was made without
    them. remarks: sentences for people. end: gives back what the generator holds.
    """

    info: GeneratorInfo
    photos: tuple[Photo, ...]
    before: tuple[Image, ...]
    between: Between
    people: int = 0
    remarks: tuple[str, ...] = ()
    end: Callable[[], None] = lambda: None

    def picture(self, place: float, settings: MorphSettings) -> Image:
        """(size, size, 3): the mixture at `place`, 0 the first photo and 1 the last one."""
        return self.between(settings).draw(latent.weights_at(place, len(self.photos), settings))

    def pace(self, context: JobContext, tools: Tools, settings: MorphSettings) -> Pace:
        """At which places the identity has come evenly far, where that can be measured."""
        return latent.pace(context, tools, self.between(settings), len(self.photos), settings)

    def close(self) -> None:
        """Give back memory and processes. May be called twice; nothing can be drawn any more."""
        self.end()


def open_way(
    context: JobContext,
    tools: Tools,
    photos: Sequence[Photo],
    subjects: Sequence[Subject],
    route: Route,
    watch: Watch | None = None,
    search: bool = True,
) -> LatentWay:
    """Bring the faces of photos into the space of a generator.

    Args:
        watch: told the number of the photo and how its search goes (stylegan2 alone).
        search: False takes the points that earlier searches came to, and guesses where there was none.

    Raises:
        ModelUnavailable: the route's model is not there or cannot be used.
        Cancelled: what a search has found up to then is kept; see `search`.
    """
    context.progress(0, None, "Preparing the latent space")
    if route == "pca":
        return _through_appearance(context, tools, photos, subjects)
    return _through_generator(context, tools, photos, subjects, watch, search)


def _through_appearance(
    context: JobContext, tools: Tools, photos: Sequence[Photo], subjects: Sequence[Subject]
) -> LatentWay:
    model = latent.gallery_model(context, tools, subjects)
    parents = [model.encoded(subject) for subject in subjects]
    before = tuple(model.aligned(subject) for subject in subjects)
    people = model.people if model.members else 0
    remarks = (model.remark,) if model.remark else ()

    def between(settings: MorphSettings) -> Drawn:
        return latent.between_encoded(model, parents, settings)

    return LatentWay(model.info, tuple(photos), before, between, people, remarks)


def _through_generator(
    context: JobContext,
    tools: Tools,
    photos: Sequence[Photo],
    subjects: Sequence[Subject],
    watch: Watch | None,
    search: bool,
) -> LatentWay:
    with ExitStack() as stack:
        generator = latent.open_generator(context, tools)
        stack.callback(generator.close)
        found = [
            latent.projected(context, tools, generator, subject, latent.numbered(watch, number))
            if search
            else latent.so_far(context, tools, generator, subject)
            for number, subject in enumerate(subjects)
        ]
        before = tuple(generator.aligned(subject) for subject in subjects)
        remarks = latent.found_remarks(tools, generator.info, subjects, found)
        stack.pop_all()
    # The generator answers one thread at a time: a slider's and that of a file may ask at once.
    lock = threading.Lock()

    def between(settings: MorphSettings) -> Drawn:
        drawn = latent.between_projections(generator, found, settings, remarks)

        def draw(weights: Floats) -> Image:
            with lock:
                return drawn.draw(weights)

        return replace(drawn, draw=draw)

    def end() -> None:
        with lock:
            generator.close()

    return LatentWay(generator.info, tuple(photos), before, between, 0, remarks, end)
