"""Morphs as jobs: a sequence past several people, one picture between them, and the average of many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from faceapp.edit.results import whole
from faceapp.errors import BadRequest
from faceapp.jobs import JobContext
from faceapp.pipeline.analysis import in_order
from faceapp.types import Image

if TYPE_CHECKING:
    from faceapp.edit.balance import Mixture
    from faceapp.edit.morph import Mixed
    from faceapp.edit.provenance import Marking
    from faceapp.edit.retime import Doubles
    from faceapp.services.morphs import MorphPlan, Morphs, MorphSettings

Kind = Literal["sequence", "picture", "average"]
# What made a result: photos warped and mixed, or one of the generators of `latent`.
Route = Literal["landmarks", "pca", "stylegan2"]
STILLS = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
SEQUENCES = (".gif", ".apng", ".mp4", ".m4v", ".mov")
# Pictures a second that players of GIF still show as they are asked to.
GIF_RATE = 50
# Frames that are made at the same time.
WORKERS = 2
PALETTE_SAMPLES = 9


@dataclass(frozen=True)
class MorphReport:
    """What became of a morph.

    out: the file. photos: what the photos are called. frames, seconds, size: of the file; a picture is one
    frame. place: where on the way a picture is, -1 to 2, or None. route: what made it.
    """

    kind: Kind
    out: str
    photos: tuple[str, ...]
    frames: int
    seconds: float
    size: int
    place: float | None = None
    route: Route = "landmarks"
    remarks: tuple[str, ...] = ()


def check_picture(path: Path) -> None:
    """Raise BadRequest where the name does not end like that of one picture."""
    if path.suffix.lower() in PICTURES:
        return
    if path.suffix.lower() in SEQUENCES:
        kind = path.suffix.lower()[1:].upper()
        sentence = f"One picture is wanted, and “{path.name}” would be a sequence ({kind})."
        raise BadRequest("bad_file_name", sentence, "Let the name end in .png, .jpg, .webp or .tif.")
    sentence = f"“{path.name}” does not say which kind of picture it is to be."
    raise BadRequest("bad_file_name", sentence, "Let the name end in .png, .jpg, .webp or .tif.")


def shown_seconds(path: Path, frames: int, seconds: float) -> float:
    """How long a sequence takes as that kind of file: a GIF has fifty pictures a second at most."""
    return max(seconds, frames / GIF_RATE) if path.suffix.lower() == ".gif" else seconds


def write_sequence(
    context: JobContext, morphs: Morphs, plan: MorphPlan, out: Path, marking: Marking
) -> MorphReport:
    """The frames of a plan as a GIF, WebP, APNG or video."""
    from faceapp.edit import animation, retime, xmp
    from faceapp.edit.provenance import Made, mark_file

    settings = plan.settings
    context.progress(0, settings.frames, "Looking at the faces")
    keys = len(plan.photos) + (1 if settings.loop else 0)
    moments = retime.moments(settings.frames, keys, settings.ease, settings.ping_pong, settings.loop)
    pace = morphs.pace(plan, context.check) if settings.even else retime.Pace.plain()
    places = pace(moments)
    samples = [
        _marked(plan, _at(plan, float(places[index])), marking)
        for index in np.unique(np.linspace(0, settings.frames - 1, PALETTE_SAMPLES).astype(int))
        if out.suffix.lower() == ".gif"
    ]
    frames = context.track(_frames(plan, places, marking), settings.frames, "Morphing")
    made = Made("morph", [photo.path for photo in plan.photos])
    seconds = shown_seconds(out, settings.frames, settings.seconds)
    with whole(out) as temporary:
        animation.write(temporary, frames, settings.frames, seconds, samples)
        context.check()
        if out.suffix.lower() == ".apng":
            temporary.write_bytes(xmp.add_to(temporary.read_bytes(), ".png", made.packet()))
        else:
            mark_file(temporary, made, marking)
    return _report("sequence", plan, out, settings.frames, seconds)


def _frames(plan: MorphPlan, places: Doubles, marking: Marking) -> Iterator[Image]:
    """The frames in order; two are made at a time."""

    def work(place: float) -> Image:
        return _marked(plan, _at(plan, place), marking)

    for _, result in in_order(places.tolist(), work, WORKERS):
        if isinstance(result, Exception):
            raise result
        yield result


def _at(plan: MorphPlan, place: float) -> Mixed:
    from faceapp.edit.balance import Mixture

    return mixed(plan, Mixture.at(place))


def mixed(plan: MorphPlan, mixture: Mixture) -> Mixed:
    """The picture of a mixture; the settings' own places go before."""
    from faceapp.edit import morph
    from faceapp.edit.morph import Weights

    own = _own(plan.settings, mixture)
    shape, colour, detail = own.places.tolist()
    weights = Weights.at(0.5, len(plan.photos), shape, colour, detail, plan.settings.loop)
    return morph.mix(plan.stack, weights, plan.settings.background, own.moved)


def _own(settings: MorphSettings, mixture: Mixture) -> Mixture:
    """The mixture with the settings' own places; of a shape of their own no point is moved."""
    from faceapp.edit.balance import Mixture

    fixed = (settings.shape, settings.colour, settings.detail)
    free = mixture.places.tolist()
    places = np.array([there if own is None else own for own, there in zip(fixed, free, strict=True)])
    return Mixture(places, mixture.moved if settings.shape is None else None)


def _marked(plan: MorphPlan, mixed: Mixed, marking: Marking) -> Image:
    from faceapp.edit.provenance import stamp_frame

    image = with_alpha(mixed)
    return stamp_frame(image, "morph") if marking.visible else image


def with_alpha(mixed: Mixed) -> Image:
    """(S, S, 3), or (S, S, 4) where it is transparent."""
    return mixed.image if mixed.alpha is None else np.dstack([mixed.image, mixed.alpha])


def write_picture(
    context: JobContext,
    morphs: Morphs,
    plan: MorphPlan,
    out: Path,
    marking: Marking,
    place: float | None = None,
) -> MorphReport:
    """One picture: at `place`, or at `Morphs.middle`: as like the first person as the last.

    The report has the mean of the three places of shape, colour and detail.
    """
    from faceapp.edit.balance import Mixture
    from faceapp.edit.provenance import Made, save_image

    context.progress(0, 2, "Looking at the faces")
    free = None in (plan.settings.shape, plan.settings.colour, plan.settings.detail)
    if place is None and free:
        found = morphs.middle(plan, context.check)
    else:
        found = Mixture.at(0.5 if place is None else place)
    mixture = _own(plan.settings, found)
    context.progress(1, 2, "Morphing")
    picture = mixed(plan, mixture)
    context.check()
    made = Made("morph", [photo.path for photo in plan.photos])
    save_image(out, with_alpha(picture), made, marking)
    context.progress(2, 2)
    return _report("picture", plan, out, 1, 0.0, float(mixture.places.mean()))


def write_average(
    context: JobContext, morphs: Morphs, plan: MorphPlan, out: Path, marking: Marking
) -> MorphReport:
    """The average of the plan's faces, or a caricature of the first one against it."""
    from faceapp.edit.provenance import Made, save_image

    context.progress(0, 1, "Averaging")
    mixed = averaged(plan)
    context.check()
    made = Made("average", [photo.path for photo in plan.photos])
    save_image(out, with_alpha(mixed), made, marking)
    context.progress(1, 1)
    return _report("average", plan, out, 1, 0.0)


def averaged(plan: MorphPlan) -> Mixed:
    """The settings' shape, colour and detail: 0 the average (also where they are None), 1 the first face,
    2 its caricature, -1 its opposite."""
    from faceapp.edit import morph
    from faceapp.edit.average import caricature, symmetrical
    from faceapp.edit.morph import Weights

    settings, count = plan.settings, len(plan.photos)
    places = (0.0 if place is None else place for place in (settings.shape, settings.colour, settings.detail))
    weights = [symmetrical(caricature(count, 0, place - 1), settings.symmetry) for place in places]
    return morph.mix(plan.stack, Weights(*weights), settings.background)


def _report(
    kind: Kind, plan: MorphPlan, out: Path, frames: int, seconds: float, place: float | None = None
) -> MorphReport:
    from faceapp.edit.animation import VIDEOS

    names = tuple(photo.name or photo.path or "a photo" for photo in plan.photos)
    size = plan.stack.size
    # The sides of a video are even.
    size -= size % 2 if out.suffix.lower() in VIDEOS else 0
    return MorphReport(kind, str(out), names, frames, seconds, size, place, remarks=plan.remarks)
