"""`morph` and `between`: faces of several photos mixed; and of whom a face may be a mixture."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from faceapp import wire
from faceapp.cli import output
from faceapp.cli.photos import read_photos
from faceapp.cli.progress import finish
from faceapp.errors import BadRequest
from faceapp.jobs import Job
from faceapp.services import Services
from faceapp.services.morphs import MorphSettings, background
from faceapp.tasks.morph import STILLS, MorphReport
from faceapp.types import Photo

if TYPE_CHECKING:
    from collections.abc import Sequence

STOPPED = "Stopped: nothing was written."


def run(arguments: argparse.Namespace, services: Services) -> None:
    """Morph, and say what was made. Raises FaceAppError when it cannot be."""
    photos = read_photos(arguments.photos)
    report: MorphReport = finish(services.jobs, _start(arguments, services, photos), STOPPED, "")
    if arguments.json:
        output.document(wire.morph(report))
    else:
        output.line(f"{report.out}: {_said(report)}")
    for remark in report.remarks:
        output.remark(remark)


def _start(arguments: argparse.Namespace, services: Services, photos: Sequence[Photo]) -> Job:
    settings = MorphSettings(
        size=arguments.size,
        frames=arguments.frames,
        seconds=arguments.seconds or arguments.frames / 15,
        shape=arguments.shape,
        colour=arguments.colour,
        detail=arguments.detail,
        ease=arguments.ease,
        ping_pong=arguments.ping_pong,
        loop=arguments.loop,
        even=not arguments.plain_pace,
        background=background(arguments.background),
        symmetry=arguments.symmetry,
    )
    still = arguments.average or arguments.out.suffix.lower() in STILLS or arguments.frames == 1
    if arguments.place is not None and not still:
        raise BadRequest("place_of_sequence", "--place goes with one picture, such as a .png.")
    if arguments.place is not None and arguments.average:
        raise BadRequest(
            "place_of_average", "--place goes with a picture between people, not with --average."
        )
    if arguments.latent:
        # The average of a latent route is the picture with equal shares of all.
        single = replace(settings, frames=1) if arguments.average else settings
        return services.morphs.start_latent(
            photos, arguments.out, arguments.latent, single, place=arguments.place
        )
    if arguments.average:
        return services.morphs.start_average(photos, arguments.out, settings)
    if still:
        return services.morphs.start_picture(photos, arguments.out, settings, place=arguments.place)
    return services.morphs.start_sequence(photos, arguments.out, settings)


def _said(report: MorphReport) -> str:
    faces = "1 face" if len(report.photos) == 1 else f"{len(report.photos)} faces"
    by = "" if report.route == "landmarks" else f", made by {report.route}"
    size = f"{report.size}x{report.size} pixels{by}"
    if report.kind == "average":
        return f"the average of {faces}, {size}."
    if report.kind == "picture":
        return f"{faces} mixed at {report.place:.2f} of the way, {size}."
    return f"{faces} in {report.frames} frames, {report.seconds:g} seconds, {size}."


def between(arguments: argparse.Namespace, services: Services) -> None:
    """Name the pairs of enrolled people that a face is most likely a mixture of."""
    from faceapp.pipeline.photos import read_photo

    found = services.morphs.between(read_photo(arguments.photo), arguments.top)
    if arguments.json:
        output.document(wire.between(found))
    elif found:
        rows = [
            [
                f"{place:4}",
                f"{100 * (1 - pair.share):.0f} % {pair.person.name}",
                f"{100 * pair.share:.0f} % {pair.other.name}",
                f"{pair.figure:.2f}",
                "likely" if pair.suspicious else "",
            ]
            for place, pair in enumerate(found, start=1)
        ]
        output.table(rows, right=frozenset({0, 3}))
        output.line("The lower the number, the better these two explain the face; 1 is not at all.")
    else:
        output.remark("A mixture needs two enrolled people.")
