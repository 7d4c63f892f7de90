"""The work behind the Morph page: job bodies, which never see a widget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from faceapp.jobs import JobContext
from faceapp.services import Services
from faceapp.services.morphs import MorphPlan, MorphSettings
from faceapp.types import Floats, Image, Photo
from ui.photo_shelf import Shelf
from ui.photo_source import PhotoSource
from ui.picture import Picture

if TYPE_CHECKING:
    from faceapp.edit.retime import Pace

# What is made of the faces: a way from face to face, the average of all, the one face like both of two.
Kind = Literal["way", "average", "alike"]
# The pictures of the slider; what is saved has the size that was asked for.
PREVIEW_SIDE = 512
# Where a result is transparent, the screen shows a chequered ground.
CHECK_SIDE, CHECK_LIGHT, CHECK_DARK = 16, 235, 205


@dataclass(frozen=True, eq=False)
class Prepared:
    """A plan with what is shown of it. sources, photos: where they are from, and as they were read.
    first: the first face alone."""

    plan: MorphPlan
    sources: tuple[PhotoSource, ...]
    photos: tuple[Photo, ...]
    first: Picture


def prepare(
    context: JobContext,
    services: Services,
    shelf: Shelf,
    sources: Sequence[PhotoSource],
    settings: MorphSettings,
    kind: Kind,
    points: Sequence[Floats | None],
) -> Prepared:
    """Read the photos and bring their faces to one canvas."""
    photos = shelf.read_all(context, sources)
    small = replace(settings, size=PREVIEW_SIDE)
    averaged = kind == "average"
    plan = services.morphs.plan(photos, small, points=points, average=averaged, check=context.check)
    return Prepared(plan, tuple(sources), tuple(photos), Picture.of(plan.aligned[0].image))


def frame(context: JobContext, services: Services, plan: MorphPlan, place: float) -> Picture:
    """The mixture at a place, as the plan's settings want it."""
    context.check()
    chosen = plan.settings
    mixed = services.morphs.frame(plan, place, chosen.shape, chosen.colour, chosen.detail)
    return Picture.of(_opaque(mixed))


def average(context: JobContext, services: Services, plan: MorphPlan) -> Picture:
    context.check()
    return Picture.of(_opaque(services.morphs.average(plan)))


def alike(context: JobContext, services: Services, plan: MorphPlan) -> Picture:
    """The one picture that is equally like both people."""
    return Picture.of(_opaque(services.morphs.alike(plan, context.check)))


def pace(context: JobContext, services: Services, plan: MorphPlan) -> Pace:
    """At which places identity has come evenly far."""
    return services.morphs.pace(plan, context.check)


def _opaque(image: Image) -> Image:
    """(H, W, 3): what is transparent lies on squares of two greys."""
    if image.shape[2] == 3:
        return image
    height, width = image.shape[:2]
    down, across = np.arange(height)[:, None] // CHECK_SIDE, np.arange(width)[None] // CHECK_SIDE
    ground = np.where((down + across) % 2, CHECK_LIGHT, CHECK_DARK)[..., None].astype(np.float32)
    share = image[..., 3:].astype(np.float32) / 255
    return np.asarray(ground + (image[..., :3] - ground) * share, np.uint8)
