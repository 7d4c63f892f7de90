"""The work behind latent morphs on the Morph page: job bodies, which never see a widget."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceapp.jobs import JobContext
from faceapp.services import Services
from faceapp.services.morphs import MorphPlan, MorphSettings
from faceapp.types import Image
from ui.morph_job import PREVIEW_SIDE
from ui.picture import Picture

if TYPE_CHECKING:
    from faceapp.edit.retime import Pace
    from faceapp.latent.generator import Step
    from faceapp.tasks.latent_way import LatentWay

# A step of the search on two cores takes so many seconds at so many pixels, and grows with their root.
STEP_SECONDS, STEP_SIDE = 1.5, 256


@dataclass(frozen=True)
class GeneratorAbout:
    """What a file of weights says of itself. resolution: pixels of each side."""

    name: str
    licence: str
    resolution: int

    @property
    def search_minutes(self) -> int:
        """About how long the search for one photo takes."""
        from faceapp.latent.process import DEFAULT_STEPS

        step = STEP_SECONDS * (self.resolution / STEP_SIDE) ** 0.5
        return max(1, round(step * DEFAULT_STEPS / 60))


@dataclass(frozen=True)
class Opened:
    """A way through a space, with what is shown of it. before: the first photo, as the generator cuts it."""

    way: LatentWay
    before: Picture


@dataclass(frozen=True)
class Told:
    """A step of a search. photo: its number, from 0. picture: the best so far, None where it is as before."""

    photo: int
    step: Step
    picture: Picture | None


def generator(context: JobContext, services: Services) -> GeneratorAbout | None:
    """The generator in the models folder; None where there is none. Raises why it cannot be used."""
    from faceapp.errors import ModelUnavailable
    from faceapp.latent.weights import read_weights
    from faceapp.tasks.latent import generator_file

    try:
        path = generator_file(context, services.paths)
    except ModelUnavailable as error:
        if error.code == "no_generator":
            return None
        raise
    weights = read_weights(path)
    return GeneratorAbout(weights.name, weights.licence, weights.design.resolution)


def add_weights(context: JobContext, services: Services, source: Path) -> GeneratorAbout | None:
    """Put a file of weights into the models folder: .safetensors as it is, a checkpoint converted.

    Nothing of a file is run. Raises ModelUnavailable or BadRequest with the reason, StoreUnavailable.
    """
    from faceapp.edit.results import not_written
    from faceapp.latent.convert import convert
    from faceapp.latent.weights import read_weights
    from faceapp.models.store import replacing
    from faceapp.tasks.latent import GENERATOR_FILE

    target = services.paths.models / GENERATOR_FILE
    try:
        if source.suffix.lower() != ".safetensors":
            convert(context, source, target)
        elif source.resolve() != target.resolve():
            read_weights(source)
            context.progress(0, None, "Copying")
            with replacing(target) as temporary:
                shutil.copyfile(source, temporary)
    except OSError as error:
        raise not_written(target, error) from error
    return generator(context, services)


def open_library(context: JobContext, services: Services, plan: MorphPlan) -> Opened:
    """The faces of a plan among those of the library; fits the library's model where that is needed."""
    return _opened(services.morphs.open_latent(context, plan, "pca"))


def open_generator(
    context: JobContext,
    services: Services,
    plan: MorphPlan,
    tell: Callable[[Told], object],
    search: bool = True,
) -> Opened:
    """Search for the faces of a plan; without `search` take what a stopped one came to.

    tell: called with every step, on the job's thread.
    """

    def watch(number: int, step: Step) -> None:
        preview = None if step.preview is None else Picture.of(_sized(step.preview))
        tell(Told(number, step, preview))

    return _opened(services.morphs.open_latent(context, plan, "stylegan2", watch, search))


def frame(context: JobContext, way: LatentWay, place: float, settings: MorphSettings) -> Picture:
    """The mixture at a place, for the slider."""
    context.check()
    return Picture.of(way.picture(place, replace(settings, size=PREVIEW_SIDE)))


def pace(context: JobContext, services: Services, way: LatentWay, settings: MorphSettings) -> Pace:
    """At which places identity has come evenly far."""
    return services.morphs.latent_pace(context, way, replace(settings, size=PREVIEW_SIDE))


def _opened(way: LatentWay) -> Opened:
    return Opened(way, Picture.of(_sized(way.before[0])))


def _sized(image: Image) -> Image:
    """At the size of the slider's frames."""
    from faceapp.opencv import cv2

    how = cv2.INTER_AREA if len(image) > PREVIEW_SIDE else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (PREVIEW_SIDE, PREVIEW_SIDE), interpolation=how), np.uint8)
