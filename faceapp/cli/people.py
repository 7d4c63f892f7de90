"""`people`: list, rename, merge, delete, forget, forbid swapping, and take a change back."""

from __future__ import annotations

import argparse
import re
import sys

from faceapp import wire
from faceapp.cli import output
from faceapp.errors import BadRequest, Cancelled, Conflict, NotFound
from faceapp.services import People, Services
from faceapp.types import Person, PersonName

WHAT_GOES = (
    "Their faces, sightings and the recognisers that know them go, and changes up to the last one that has "
    "to do with them can no longer be undone. Photo files stay."
)
TRACES = "Traces are left in the library's file: another program is reading it, or the disk is full."


def run(arguments: argparse.Namespace, services: Services) -> None:
    if arguments.action == "forget":
        _forget(arguments, services)
    else:
        ACTIONS[arguments.action](arguments, services.people)


def find(people: People, text: str) -> Person:
    """The person that "#12" or a name stands for. Raises NotFound."""
    number = re.fullmatch(r"#([0-9]{1,18})", text.strip())
    return people.get(int(number[1])) if number else people.named(text)


def _list(arguments: argparse.Namespace, people: People) -> None:
    found = people.find(arguments.text)
    if arguments.json:
        output.document([wire.person(person) for person in found])
    elif found:
        rows = [
            [f"#{person.id}", person.name, str(person.photos), "never" if person.no_swap else ""]
            for person in found
        ]
        output.table([["", "name", "photos", "swap"], *rows], right=frozenset({0, 2}))
    else:
        output.line("Nobody is called that." if arguments.text else "Nobody is enrolled yet.")


def _rename(arguments: argparse.Namespace, people: People) -> None:
    person = find(people, arguments.person)
    name = PersonName.parse(arguments.name)
    renamed = people.edit(person.id, name.first_name, name.surname, person.note)
    _show(renamed, arguments, f"{person.name} is now called {renamed.name}.")


def _merge(arguments: argparse.Namespace, people: People) -> None:
    into = find(people, arguments.person)
    others = [find(people, text) for text in arguments.others]
    merged = people.merge(into.id, [other.id for other in others])
    _show(merged, arguments, f"{merged.name} now has {merged.photos} photos.")


def _delete(arguments: argparse.Namespace, people: People) -> None:
    chosen = {person.id: person for person in (find(people, text) for text in arguments.people)}
    people.delete(list(chosen))
    if arguments.json:
        output.document({"deleted": [wire.person(person) for person in chosen.values()]})
    else:
        names = ", ".join(person.name for person in chosen.values())
        output.line(f"Deleted {names}. “people undo” takes it back.")


def _forget(arguments: argparse.Namespace, services: Services) -> None:
    """For good, so it is asked about where somebody can answer, and needs --yes elsewhere."""
    chosen = [number for text in arguments.people for number in _also_deleted(services, text)]
    if not arguments.yes:
        who = ", ".join(arguments.people)
        if arguments.json or not sys.stdin.isatty():
            raise BadRequest("not_confirmed", f"{who} would be forgotten for good.", "Add --yes to do it.")
        output.remark(f"Forget {who} for good? {WHAT_GOES} Type yes:")
        if sys.stdin.readline().strip().lower() != "yes":
            raise Cancelled("cancelled", "Nobody was forgotten.")
    gone = services.forgetting.forget(list(dict.fromkeys(chosen)))
    if arguments.json:
        output.document(wire.forgotten(gone))
        return
    faces = "1 face" if gone.faces == 1 else f"{gone.faces} faces"
    seen = "1 sighting" if gone.sightings == 1 else f"{gone.sightings} sightings"
    output.line(f"Forgot {', '.join(gone.people)}, with {faces} and {seen}. Nothing brings it back.")
    for name in gone.recognisers:
        output.line(f"The recogniser {name} was deleted: it knew them.")
    if not gone.wiped:
        output.remark(TRACES)
    for path in gone.backups:
        output.remark(f"This older copy of the library was not changed: {path}")


def _also_deleted(services: Services, text: str) -> list[int]:
    """The people that a name stands for, those who were deleted as well. Raises NotFound."""
    deleted = services.forgetting.deleted(text)
    try:
        return [find(services.people, text).id, *deleted]
    except NotFound:
        if not deleted:
            raise
        return deleted


def _no_swap(arguments: argparse.Namespace, people: People) -> None:
    person = people.set_no_swap(find(people, arguments.person).id, not arguments.off)
    if arguments.json:
        output.document({**wire.person(person), "no_swap": person.no_swap})
    elif person.no_swap:
        output.line(f"The face of {person.name} is never swapped. “people undo” takes it back.")
    else:
        output.line(f"The face of {person.name} may be swapped.")


def _undo(arguments: argparse.Namespace, people: People) -> None:
    entry = people.undo()
    if entry is None:
        raise Conflict("nothing_to_undo", "There is nothing to take back.")
    if arguments.json:
        output.document({"undone": entry.sentence})
    else:
        output.line(f"Taken back: {entry.sentence}")


def _show(person: Person, arguments: argparse.Namespace, sentence: str) -> None:
    if arguments.json:
        output.document(wire.person(person))
    else:
        output.line(sentence)


ACTIONS = {
    "list": _list, "rename": _rename, "merge": _merge, "delete": _delete, "no-swap": _no_swap, "undo": _undo,
}
