"""`people`: list, rename, merge, delete, forbid swapping, and take a change back."""

from __future__ import annotations

import argparse
import re

from faceapp import wire
from faceapp.cli import output
from faceapp.errors import Conflict
from faceapp.services import People, Services
from faceapp.types import Person, PersonName


def run(arguments: argparse.Namespace, services: Services) -> None:
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
