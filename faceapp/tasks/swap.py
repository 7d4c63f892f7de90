"""Swaps as jobs: into one photo, and into every photo of a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from faceapp.errors import Cancelled, StoreUnavailable, UnusablePhoto
from faceapp.jobs import JobContext
from faceapp.pipeline.analysis import in_order
from faceapp.types import Box, Photo, Skipped

if TYPE_CHECKING:
    from faceapp.edit.card import Card
    from faceapp.edit.cast import CastChoices, Plan
    from faceapp.edit.swap import SwapSettings
    from faceapp.services.swaps import Swaps

STEPS = 4
# What a result is written as where the target is of a kind that nobody wants to write.
WRITTEN_AS = dict.fromkeys((".jpeg", ".jpe", ".jfif", ".heic", ".heif", ".hif"), ".jpg")
WRITTEN = frozenset({".jpg", ".png", ".webp", ".tif", ".tiff"})


@dataclass(frozen=True)
class FaceReport:
    """What became of one face of a target. source: position of its source, or None; name: who that is in
    the library, or "". distance: of the two before. reason: why it was left as it is, or ""."""

    box: Box
    source: int | None = None
    name: str = ""
    distance: float | None = None
    card: Card | None = None
    reason: str = ""


@dataclass(frozen=True)
class SwapReport:
    """What a swap into one photo did. target, out: files, "" for a target that was none."""

    target: str
    out: str
    title: str
    faces: tuple[FaceReport, ...]
    remarks: tuple[str, ...] = ()

    @property
    def swapped(self) -> tuple[FaceReport, ...]:
        return tuple(face for face in self.faces if face.card is not None)

    @property
    def doubt(self) -> float:
        """That of the worst card."""
        return max((face.card.doubt for face in self.faces if face.card is not None), default=0.0)


@dataclass(frozen=True)
class BatchReport:
    """What a swap into a folder did: results with the worst card first, and what was skipped and why."""

    out: str
    results: tuple[SwapReport, ...]
    skipped: tuple[Skipped, ...] = ()


def swap_photo(
    context: JobContext,
    swaps: Swaps,
    sources: Sequence[Photo],
    target: Photo,
    out: Path,
    settings: SwapSettings | None = None,
    choices: CastChoices | None = None,
) -> SwapReport:
    """Cast, swap, check and save one photo. Raises FaceAppError when nothing can be swapped."""
    context.progress(0, STEPS, "Looking for faces")
    for photo in sources:
        context.check()
        swaps.read(photo, check=context.check)
    context.check()
    swaps.read(target, choices is not None and choices.far, context.check)
    context.progress(1, STEPS, "Casting")
    plan = swaps.plan(sources, target, choices)
    context.progress(2, STEPS, "Swapping")
    result = swaps.render(plan, settings, context.check)
    context.progress(3, STEPS, "Saving")
    swaps.save(result, out)
    # No point of cancelling any more: the file is there.
    return _report(plan, out, result.cards, result.remarks)


def swap_folder(
    context: JobContext,
    swaps: Swaps,
    sources: Sequence[Photo],
    folder: Path,
    out: Path,
    settings: SwapSettings | None = None,
    choices: CastChoices | None = None,
) -> BatchReport:
    """Swap into every photo below a folder, into files of the same names below `out`.

    A photo that cannot be used is skipped with its reason. Cancelling keeps what is done, and so does a place
    that takes no more files, which raises StoreUnavailable. Raises UnusablePhoto for a folder without photos.
    """
    from faceapp.pipeline.photos import find_photos, read_photo

    context.progress(0, None, "Looking for photos")
    swaps.check_sources(sources)
    places = _places(find_photos(folder), folder, out)
    if not places:
        raise UnusablePhoto("no_photos", f"There are no photos in “{folder.name}”.", "Choose another folder.")
    done: list[SwapReport] = []
    skipped: list[Skipped] = []

    def work(job: tuple[Path, Path]) -> SwapReport:
        path, place = job
        context.check()
        photo = read_photo(path)
        swaps.read(photo, choices is not None and choices.far, context.check)
        plan = swaps.plan(sources, photo, choices)
        result = swaps.render(plan, settings, context.check)
        swaps.save(result, place)
        return _report(plan, place, result.cards, result.remarks)

    for (path, _), outcome in context.track(in_order(places, work), len(places), "Swapping"):
        if isinstance(outcome, SwapReport):
            done.append(outcome)
        elif isinstance(outcome, Cancelled | StoreUnavailable):
            raise outcome
        else:
            skipped.append(Skipped(str(path), outcome.code, str(outcome)))
    return BatchReport(str(out), tuple(sorted(done, key=lambda report: -report.doubt)), tuple(skipped))


def written_suffix(suffix: str) -> str:
    """The ending of the result of a target with this one: its own where such files are written, or .png."""
    small = suffix.lower()
    known = WRITTEN_AS.get(small, small)
    return known if known in WRITTEN else ".png"


def _places(paths: Sequence[Path], folder: Path, out: Path) -> list[tuple[Path, Path]]:
    """Each photo with the place of its result; results of an earlier run below `folder` are no targets.

    Two photos whose results would have one name (a.png, a.gif) keep the ends of their own names.
    """
    own = Path(os.path.abspath(out))
    inside = own != Path(os.path.abspath(folder))
    taken: set[Path] = set()
    places = []
    for path in paths:
        if inside and Path(os.path.abspath(path)).is_relative_to(own):
            continue
        place = out / path.relative_to(folder)
        wanted = place.with_suffix(written_suffix(place.suffix))
        if wanted in taken:
            wanted = place.with_name(f"{place.name}{written_suffix(place.suffix)}")
        taken.add(wanted)
        places.append((path, wanted))
    return places


def _report(plan: Plan, out: Path, cards: Sequence[Card], remarks: Sequence[str]) -> SwapReport:
    from faceapp.pipeline.photos import losses

    by_face = {card.target: card for card in cards}
    faces = []
    for cast, face in zip(plan.casts, plan.faces, strict=True):
        name = plan.people[cast.source].name if cast.source is not None else ""
        card = by_face.get(cast.target)
        reason = "" if card is not None else plan.reason(cast.target)
        faces.append(FaceReport(face.face.box, cast.source, name, cast.distance, card, reason))
    target = plan.target.path or plan.target.name
    said = (*remarks, *losses(plan.target))
    return SwapReport(target, str(out), plan.title, tuple(faces), said)
