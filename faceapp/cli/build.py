"""`build`: a recogniser for some people, as a file."""

from __future__ import annotations

import argparse
import contextlib

from faceapp.build.card import Card
from faceapp.build.workspace import Budget
from faceapp.cli import output
from faceapp.cli.progress import finish
from faceapp.edit.results import refuse_closed
from faceapp.errors import Cancelled
from faceapp.services import Services
from faceapp.services.recognisers import DEFAULT_BUDGET, Entry

STOPPED = "Stopped: no network was finished yet."
KEPT = "Stopped: the best network so far was written."
CARRY_ON = "Run the same command again to carry on."

HEADER = ("method", "right or refused", "known", "strangers", "missed*", "numbers", "µs a face")


def run(arguments: argparse.Namespace, services: Services) -> None:
    """Build and write the file. Ctrl-C keeps the best so far; the same command goes on from there.

    Raises FaceAppError.
    """
    # Told before the search, which takes minutes, and not after it.
    refuse_closed(arguments.out)
    entry = _start(arguments, services)
    assert entry.job_id is not None, "a build that was started has a job"
    try:
        card: Card = finish(services.jobs, services.jobs.get(entry.job_id), STOPPED, CARRY_ON)
    except Cancelled:
        if services.recognisers.get(entry.id).available:
            _export(arguments, services, entry)
            raise Cancelled("cancelled", KEPT, CARRY_ON) from None
        raise
    _export(arguments, services, entry)
    if arguments.json:
        output.document({"id": entry.id, "out": str(arguments.out), **card.summary()})
    else:
        _show(card)
        output.line(f"Written to {arguments.out}.")


def _export(arguments: argparse.Namespace, services: Services, entry: Entry) -> None:
    with contextlib.suppress(OSError):  # the export says why the folder is not there
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
    services.recognisers.export(entry.id, arguments.out)


def _start(arguments: argparse.Namespace, services: Services) -> Entry:
    budget = Budget(1) if arguments.no_search else (arguments.budget or DEFAULT_BUDGET)
    if arguments.folder is not None:
        return services.recognisers.start_folder(
            arguments.folder, arguments.name, budget, arguments.seed, arguments.strangers
        )
    if arguments.people:
        chosen = [services.people.named(name).id for name in arguments.people]
    else:
        chosen = [person.id for person in services.people.find() if person.photos >= 3]
    return services.recognisers.start(chosen, arguments.name, budget, arguments.seed)


def _show(card: Card) -> None:
    rows = [
        [
            row.title,
            *(f"{100 * share:.1f} %" for share in (row.accuracy, row.known_right, row.strangers_refused)),
            f"{100 * row.missed_at_nearest:.1f} %",
            f"{row.parameters:,}",
            f"{row.microseconds:.0f}",
        ]
        for row in card.table
    ]
    output.table([list(HEADER), *rows], right=frozenset(range(1, len(HEADER))))
    output.line("* at the threshold where as many strangers get a name as with nearest neighbour.")
    photos, strangers = card.data["parts"]["tested"]
    output.line(f"Tested on {photos} photos of {len(card.people)} people and {strangers} strangers.")
    for left_out in card.data.get("left_out", []):
        output.remark(f"Left out: {left_out['path']}: {left_out['reason']}")
    output.line(card.verdict)
