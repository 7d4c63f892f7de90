"""The file with sightings in it: an older library, deleting for good, several processes, a kill."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from made_sightings import ALL, START, make, who
from processes import lines, process

from db.store import SqlStore, open_store
from faceapp.errors import StoreUnavailable
from faceapp.live import SightingFilter

OLD = Path(__file__).parent / "library_0001.sql"


@pytest.fixture
def old(library: Path) -> Path:
    """A library that the first version wrote: four people, of whom two were merged, an import, an undo."""
    with closing(sqlite3.connect(library)) as connection:
        connection.executescript(OLD.read_text("utf-8"))
        connection.execute("PRAGMA journal_mode = WAL")
    return library


def test_the_first_version_s_library_is_copied_and_gets_sightings(old: Path, backups: Path) -> None:
    with open_store(old, backups) as store:
        assert [person.name for person in store.people()] == ["Ann Lee", "Bob Zoë", "Cy"]
        assert store.count() == (3, 5, 5)
        assert len(store.rejections("test")) == 1
        ann = store.people("ann")[0]
        store.add_sighting(make(0, ann.id))
        store.save_group("class", [ann.id])
        assert who(store) == ["Ann Lee"]
        for expected in ("Imported 1 person", "Merged Annie"):
            entry = store.undo()
            while entry is not None and not entry.sentence.startswith(expected):
                entry = store.undo()
            assert entry is not None
        assert "Annie" in [person.name for person in store.people()], "its journal still works"
    (copy,) = backups.iterdir()
    assert copy.name.endswith("-0001.sqlite3")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM face").fetchone() == (5,)
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        assert not connection.execute("SELECT name FROM sqlite_master WHERE name = 'sighting'").fetchall()


def test_without_room_for_a_copy_the_old_library_stays(old: Path, backups: Path) -> None:
    backups.write_text("a file where the folder should be")
    with pytest.raises(StoreUnavailable) as refused:
        open_store(old, backups)
    assert refused.value.code == "backup_failed"
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)


def bytes_of(library: Path) -> bytes:
    """The file with its write-ahead log."""
    return b"".join(path.read_bytes() for path in sorted(library.parent.glob(f"{library.name}*")))


@pytest.mark.parametrize("size", [20, 900, 50_000])
def test_what_is_deleted_is_not_in_the_file_any_more(
    store: SqlStore, library: Path, size: int
) -> None:
    """Crops that fill a part of a page, and such that fill many."""
    marks = [f"<mark {number}>".encode() for number in range(40)]
    for number, mark in enumerate(marks):
        new = make(number)
        store.add_sighting(
            type(new)(**{**vars(new), "crop": mark * (1 + size // len(mark))})
        )
    strangers = [number for number, _ in store.strangers("test")]
    vectors = [store.sighted([number])[number].tobytes() for number in strangers]
    present = bytes_of(library)
    assert all(mark in present for mark in [*marks, *vectors])
    assert store.delete_sightings(SightingFilter(until=START + timedelta(minutes=30))) == 30
    left = bytes_of(library)
    assert [mark for mark in marks[:30] if mark in left] == []
    assert [vector for vector in vectors[:30] if vector in left] == []
    assert all(mark in left for mark in [*marks[30:], *vectors[30:]])


def test_two_processes_record_at_once(library: Path, backups: Path) -> None:
    with process("see", library, backups, 0, 120) as one, process("see", library, backups, 120, 240) as other:
        assert one.communicate()
        assert other.communicate()
        assert (one.returncode, other.returncode) == (0, 0)
    with open_store(library, backups) as store:
        found = store.sightings(ALL)
        assert len(found) == 240
        assert {store.sighting_crop(one.id) for one in found} == {
            f"picture {number}".encode() for number in range(240)
        }
        assert store.sighting_revision() == 240


def test_two_processes_number_the_same_visitors(library: Path, backups: Path) -> None:
    """Both ask for the visitor of the same sightings: each gets one number, whoever asks first."""
    with open_store(library, backups) as store:
        numbers = [store.add_sighting(make(number)) for number in range(40)]
    arguments = (numbers[0], numbers[-1] + 1)
    with (
        process("number", library, backups, *arguments) as one,
        process("number", library, backups, *arguments) as other,
    ):
        said = [started.communicate()[0].splitlines()[1:] for started in (one, other)]
    assert said[0] == said[1]
    assert len(set(said[0])) == 40


@pytest.mark.parametrize("after", [0, 3, 30])
def test_what_was_recorded_survives_a_kill(library: Path, backups: Path, after: int) -> None:
    with process("see", library, backups, 0, 5000) as killed:
        said = []
        for line in lines(killed):
            if line.isdigit():
                said.append(int(line))
            if said and said[-1] >= after:
                killed.kill()
                break
        killed.wait()
    with closing(sqlite3.connect(library)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchone() is None
    with open_store(library, backups) as store:
        found = store.sightings(ALL)
        crops = [store.sighting_crop(one.id) for one in reversed(found)]
        assert len(crops) >= len(said)
        assert crops == [f"picture {number}".encode() for number in range(len(crops))], "none is half there"
        first = found[-1].id
        assert np.array_equal(store.sighted([first])[first], make(0).embedding)
        store.add_sighting(make(len(crops)))
