"""Another process on the same library: `worker.py add|import|see|number|hold LIBRARY BACKUPS ...`."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

from conftest import make_face  # of this folder, which Python puts first for a script
from made_sightings import make

from db.store import SqlPeopleStore, SqlStore, open_store
from faceapp.errors import Conflict
from faceapp.types import ImportItem

PEOPLE = 60
SHARED = 5  # every so many people of `add` are wanted by both processes


def say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def add(store: SqlPeopleStore, first: int, last: int) -> None:
    """Enrol persons with one face each; says whom it refused because somebody else had the name."""
    for number in range(first, last):
        try:
            person = store.add_person(f"Person {number}")
        except Conflict:
            say(f"refused {number}")
            continue
        store.enrol(person.id, [make_face(number)])
        say(f"added {number}")


def import_folder(store: SqlPeopleStore, root: str, *together: str) -> None:
    """What the import job does: read what is not done yet, person after person.

    together: say that it is open and go on when a line comes, so that two imports surely overlap.
    """
    import_id, items = store.open_import(root)
    if together:
        say("importing")
        sys.stdin.readline()
    done = {item.path for item in items}
    for number in range(PEOPLE):
        name = f"Person {number}"
        paths = [f"{name}/{index}.jpg" for index in range(1 + number % 3)]
        left = [path for path in paths if path not in done]
        faces = [make_face(number * 10 + int(path[-5]), path=f"{root}/{path}") for path in left]
        if number % 7 == 0:  # nobody was found on any photo
            skipped = [ImportItem(path, 9, 9, "skipped", "no_face", "There is no face.") for path in left]
            if left:
                store.import_person(import_id, name, "", [], skipped)
        elif left:
            found = [ImportItem(path, 9, 9, "enrolled") for path in left]
            store.import_person(import_id, name, "", faces, found)
        say(str(number))
    store.close_import(import_id)


def see(store: SqlStore, first: int, last: int) -> None:
    for number in range(first, last):
        store.add_sighting(make(number))
        say(str(number))


def number_visitors(store: SqlStore, first: int, last: int) -> None:
    for sighting_id in range(first, last):
        say(f"{sighting_id} is visitor {store.visitor_of(sighting_id)}")


def hold(library: Path) -> None:
    """Keep the write lock until somebody closes our standard input."""
    connection = sqlite3.connect(library, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    say("held")
    sys.stdin.read()
    connection.close()


def main(kind: str, library: Path, backups: Path, *arguments: str) -> None:
    if kind == "hold":
        hold(library)
        return
    with open_store(library, backups) as store:
        say("open")
        if kind == "add":
            add(store, *map(int, arguments))
        elif kind == "see":
            see(store, *map(int, arguments))
        elif kind == "number":
            number_visitors(store, *map(int, arguments))
        else:
            import_folder(store, *arguments)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:])
