"""`sightings`, `attendance` and `groups`: who was seen when, and who should have been."""

from __future__ import annotations

import argparse
import sys
from datetime import timedelta

from faceapp import wire
from faceapp.cli import output
from faceapp.cli.people import find as find_person
from faceapp.errors import BadRequest, Cancelled
from faceapp.live import Group, Period, Sighting, SightingFilter
from faceapp.services import Services
from faceapp.services.attendance import HEADER, cell, moment
from faceapp.services.sightings import CSV_HEADER, csv_row


def run(arguments: argparse.Namespace, services: Services) -> None:
    chosen = _filter(arguments, services)
    if arguments.action == "export":
        count = services.sightings.export(arguments.file, chosen)
        written = {"sightings": count, "file": str(arguments.file)}
        output.outcome(written, f"{_many(count)} written.", arguments.json)
    elif arguments.action == "delete":
        _delete(arguments, services, chosen)
    else:
        _list(arguments, services.sightings.find(chosen, arguments.limit))


def attendance(arguments: argparse.Namespace, services: Services) -> None:
    """Show who of a group was there; --out writes CSV, or a page to print."""
    period = Period(arguments.start, arguments.end, timedelta(minutes=arguments.grace))
    if period.end <= period.start:
        raise BadRequest("bad_period", "The period ends before it begins.")
    group = services.sightings.group(arguments.group) if arguments.group else None
    if arguments.out:
        services.sightings.export_attendance(arguments.out, period, group)
    rows = services.sightings.attendance(period, group)
    if arguments.json:
        output.document(wire.attendance(period, group, rows))
    elif arguments.csv:
        output.csv_row(HEADER)
        for row in rows:
            output.csv_row((cell(row.person.name), row.state, moment(row.first), moment(row.last)))
    elif rows:
        lines = [[row.person.name, row.state, moment(row.first), moment(row.last)] for row in rows]
        output.table([list(HEADER), *lines])
    else:
        output.line("Nobody is in this group." if group else "Nobody is enrolled yet.")


def groups(arguments: argparse.Namespace, services: Services) -> None:
    sightings = services.sightings
    if arguments.action == "save":
        people = [find_person(services.people, text) for text in arguments.people]
        group = sightings.save_group(arguments.name, [person.id for person in people])
        output.outcome(_group(group), f"{group.name} has {len(group.person_ids)} people.", arguments.json)
    elif arguments.action == "delete":
        group = sightings.group(arguments.name)
        sightings.delete_group(group.id)
        output.outcome({"deleted": _group(group)}, f"{group.name} was deleted.", arguments.json)
    elif arguments.json:
        output.document([_group(group) for group in sightings.groups()])
    elif sightings.groups():
        rows = [[group.name, str(len(group.person_ids))] for group in sightings.groups()]
        output.table([["group", "people"], *rows], right=frozenset({1}))
    else:
        output.line("There are no groups yet.")


def _list(arguments: argparse.Namespace, found: list[Sighting]) -> None:
    if arguments.json:
        output.document([wire.sighting(sighting) for sighting in found])
    elif arguments.csv:
        for row in (CSV_HEADER, *map(csv_row, found)):
            output.csv_row(row)
    elif found:
        rows = [[f"#{one.id}", _who(one), one.source, moment(one.first), moment(one.last)] for one in found]
        output.table([["", "who", "source", "first", "last"], *rows], right=frozenset({0}))
    else:
        output.line("Nobody was seen.")


def _delete(arguments: argparse.Namespace, services: Services, chosen: SightingFilter) -> None:
    """For good, so it is asked about where somebody can answer, and needs --yes elsewhere."""
    if not arguments.yes:
        count = services.sightings.count(chosen)
        if arguments.json or not sys.stdin.isatty():
            sentence = f"{_many(count)} would be deleted for good."
            raise BadRequest("not_confirmed", sentence, "Add --yes to do it.")
        output.remark(f"Delete {_many(count)} with their pictures, for good? Type yes:")
        if sys.stdin.readline().strip().lower() != "yes":
            raise Cancelled("cancelled", "Nothing was deleted.")
    deleted = services.sightings.delete(chosen)
    output.outcome({"deleted": deleted}, f"{_many(deleted)} deleted.", arguments.json)


def _filter(arguments: argparse.Namespace, services: Services) -> SightingFilter:
    person_ids = None
    if arguments.person:
        person_ids = (find_person(services.people, arguments.person).id,)
    return SightingFilter(
        arguments.start, arguments.end, arguments.source, arguments.text, person_ids, arguments.visitor
    )


def _who(sighting: Sighting) -> str:
    if sighting.person is not None:
        return sighting.person.name
    return f"Visitor {sighting.visitor}" if sighting.visitor else "unknown"


def _many(count: int) -> str:
    return "1 sighting" if count == 1 else f"{count:,} sightings"


def _group(group: Group) -> wire.Json:
    return {"id": group.id, "name": group.name, "people": list(group.person_ids)}
