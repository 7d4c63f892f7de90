"""Several processes on one library, and processes that are killed."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from processes import lines, process

from db import engine
from db.store import SqlPeopleStore, open_store
from faceapp.errors import StoreUnavailable
from faceapp.types import ImportItem, NewFace

MakeFace = Callable[..., NewFace]
ROOT = "/data/lfw"


def test_two_processes_write_at_once(library: Path, backups: Path) -> None:
    """Both make the file, both add 100 persons, and both want the same fifty of them."""
    with process("add", library, backups, 0, 100) as one, process("add", library, backups, 50, 150) as other:
        said: list[list[str]] = [[], []]
        readers = [
            threading.Thread(target=lambda words, each: words.extend(lines(each)), args=pair)
            for pair in zip(said, (one, other), strict=True)
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        assert (one.wait(), other.wait()) == (0, 0)
    with open_store(library, backups) as store:
        assert store.count() == (150, 150, 150)
        assert {person.name for person in store.people()} == {f"Person {number}" for number in range(150)}
        rows = store.embeddings("test")
        assert len(set(rows.person_ids.tolist())) == 150
        assert store.revision() == 2 * 150
    words = [line.split()[0] for line in said[0] + said[1]]
    assert (words.count("added"), words.count("refused")) == (150, 50)


def test_two_processes_import_one_folder(library: Path, backups: Path) -> None:
    together = "import", library, backups, ROOT, "together"
    with process(*together) as one, process(*together) as other:
        for started in (one, other):
            assert "importing" in lines(started)
        for started in (one, other):
            assert started.stdin is not None
            started.stdin.write("\n")
            started.stdin.flush()
        assert one.communicate()
        assert other.communicate()
        assert (one.returncode, other.returncode) == (0, 0)
    assert library_of(library) == undisturbed(library.parent)


def test_two_processes_import_the_same_people(library: Path, backups: Path) -> None:
    """Two folders with the same names: the second finds the other's persons."""
    with (
        process("import", library, backups, ROOT) as one,
        process("import", library, backups, "/data/other") as other,
    ):
        assert one.communicate()
        assert other.communicate()
        assert (one.returncode, other.returncode) == (0, 0)
    with open_store(library, backups) as store:
        names = [person.name for person in store.people()]
    assert len(names) == len(set(names)) == 51


def test_a_write_of_another_process_is_seen(store: SqlPeopleStore, library: Path, backups: Path) -> None:
    revision = store.revision()
    with process("add", library, backups, 0, 1) as other:
        assert list(lines(other))[-1] == "added 0"
    assert store.revision() == revision + 2
    assert store.find_person("Person 0") is not None


@pytest.mark.parametrize("after", [(0,), (7, 20, 41), (1, 2, 30, 59)])
def test_a_killed_import_carries_on_to_the_same_library(
    library: Path, backups: Path, after: tuple[int, ...]
) -> None:
    for number in after:
        with process("import", library, backups, ROOT) as killed:
            for line in lines(killed):
                if line == str(number):
                    killed.kill()  # SIGKILL, somewhere in the next person's write
                    break
            killed.wait()
        with closing(sqlite3.connect(library)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("PRAGMA foreign_key_check").fetchone() is None
    with process("import", library, backups, ROOT) as last:
        last.communicate()
        assert last.returncode == 0
    assert library_of(library) == undisturbed(library.parent)


def test_what_was_said_to_be_written_survives_a_kill(library: Path, backups: Path) -> None:
    with process("add", library, backups, 0, 1000) as killed:
        said = []
        for line in lines(killed):
            said.append(line)
            if line == "added 20":
                killed.kill()
                break
        killed.wait()
    with open_store(library, backups) as store:
        for number in range(21):
            person = store.find_person(f"Person {number}")
            assert person is not None
            assert person.photos == 1


def undisturbed(folder: Path) -> Any:
    library = folder / "undisturbed.sqlite3"
    with process("import", library, folder, ROOT) as whole:
        whole.communicate()
        assert whole.returncode == 0
    return library_of(library)


def library_of(library: Path) -> Any:
    """People with faces and photos, what became of each file, and the journal; no moments, no ids."""
    queries = (
        """SELECT first_name, surname, sha256, path, x1, y1, x2, y2, landmarks, vector, jpeg
           FROM person JOIN face ON face.person_id = person.id JOIN photo ON photo.id = photo_id
           JOIN crop ON crop.face_id = face.id JOIN embedding ON embedding.face_id = face.id
           WHERE person.active AND face.active ORDER BY 1, 3""",
        "SELECT first_name FROM person ORDER BY 1",
        "SELECT sha256 FROM photo ORDER BY 1",
        "SELECT path, size, modified_ns, outcome, code, reason, active FROM import_item ORDER BY 1",
        "SELECT root, finished FROM import",
        "SELECT sentence, undone FROM journal ORDER BY position",
    )
    with closing(sqlite3.connect(library)) as connection:
        result = [connection.execute(query).fetchall() for query in queries]
    assert len(result[1]) == 51
    assert len(result[4]) == 1
    return result


def test_a_locked_library_is_a_sentence(
    library: Path, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.2)
    with open_store(library, backups) as store, process("hold", library, backups) as holder:
        assert next(lines(holder)) == "held"
        with pytest.raises(StoreUnavailable) as refused:
            store.add_person("Ann")
        assert refused.value.code == "store_locked"
        assert refused.value.sentence == f"The library {library} is locked by another program."
        assert store.people() == [], "reading goes on"
        holder.kill()
        holder.wait()
        assert store.add_person("Ann").name == "Ann"


def test_threads_write_and_read_at_once(store: SqlPeopleStore, new_face: MakeFace) -> None:
    failures: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            for number in range(thread * 20, thread * 20 + 20):
                person = store.add_person(f"Person {number}")
                store.enrol(person.id, [new_face(number)])
                rows = store.embeddings("test")
                assert len(store.faces_by_ids(rows.face_ids.tolist())) == len(rows.vectors)
        except (AssertionError, StoreUnavailable) as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.count() == (120, 120, 120)


def test_closing_waits_for_what_is_queued(library: Path, backups: Path) -> None:
    store = open_store(library, backups)
    added: list[str] = []
    refused: list[str] = []

    def work(index: int) -> None:
        try:
            added.append(store.add_person(f"Person {index}").name)
        except StoreUnavailable as error:
            refused.append(error.code)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(20)]
    for thread in threads:
        thread.start()
    store.close()
    for thread in threads:
        thread.join()
    store.close()
    assert set(refused) <= {"store_closed"}
    assert len(added) + len(refused) == 20
    for call in (store.revision, store.undo):
        with pytest.raises(StoreUnavailable) as closed:
            call()
        assert closed.value.code == "store_closed"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("store-writer")]
    with open_store(library, backups) as again:
        assert {person.name for person in again.people()} == set(added)


def test_an_item_that_fails_leaves_the_writer_at_work(store: SqlPeopleStore, new_face: MakeFace) -> None:
    import_id, _ = store.open_import(ROOT)
    too_large = ImportItem("a.jpg", 2**70, 0, "enrolled")  # no integer of SQLite: a bug of the caller
    with pytest.raises(OverflowError):
        store.import_person(import_id, "Ann", "", [new_face(1)], [too_large])
    assert store.people() == [], "the transaction was taken back as a whole"
    assert store.add_person("Ann").name == "Ann"
