"""The file: made, migrated, copied, damaged, full, read-only."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from shutil import copytree

import pytest
from sqlalchemy import Connection, text

from db import schema
from db.engine import writing_engine
from db.store import SqlPeopleStore, open_store
from faceapp.errors import StoreUnavailable

REPOSITORY = Path(__file__).resolve().parent.parent.parent

STEP = '''
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    {body}
'''
ADD_COLUMN = (
    'with op.batch_alter_table("person", recreate="always") as person:\n'
    '        person.add_column(sa.Column("nickname", sa.Text))'
)


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """A later program's migrations: one step more than ours."""
    folder = tmp_path / "a later program 100%" / "migrations"
    copytree(schema.MIGRATIONS, folder)
    step(folder, "later", schema.HEAD, ADD_COLUMN)
    return folder


def step(folder: Path, revision: str, before: str, body: str) -> None:
    (folder / "versions" / f"{revision}.py").write_text(
        STEP.format(revision=revision, before=before, body=body), encoding="utf-8"
    )


def definition(library: Path) -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(library)) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql NOT NULL").fetchall()
    # SQLite writes a renamed table's name with quotes.
    return sorted((kind, name, re.sub(r"\s+", " ", sql).replace('"', "")) for kind, name, sql in rows)


def test_head_is_the_newest_migration() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_the_migrations_make_what_a_new_file_has(tmp_path: Path) -> None:
    from alembic import command
    from alembic.config import Config

    created, migrated = tmp_path / "created.sqlite3", tmp_path / "migrated.sqlite3"
    schema.prepare(created, tmp_path)
    engine = writing_engine(migrated)
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(schema.MIGRATIONS))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, "head")
    engine.dispose()
    assert definition(migrated) == definition(created)
    for file in (created, migrated):
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("SELECT * FROM revision").fetchall() == [(1, 0)]
            assert connection.execute("SELECT * FROM alembic_version").fetchall() == [(schema.HEAD,)]


def test_a_current_library_opens_without_alembic(library: Path, backups: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from db.store import open_store\n"
        "open_store(Path(sys.argv[1]), Path(sys.argv[2])).close()\n"
        "packages = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(packages & {'alembic', 'mako', 'cv2', 'onnxruntime'}))"
    )
    for _ in ("made", "opened"):
        run = subprocess.run(
            [sys.executable, "-c", code, library, backups],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
        assert run.stdout.strip() == "[]"


def test_the_file_is_set_up_as_promised(store: SqlPeopleStore) -> None:
    def pragmas(connection: Connection) -> list[object]:
        names = ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        return [connection.execute(text(f"PRAGMA {name}")).scalar() for name in names]

    assert store._writer.call(pragmas) == ["wal", 1, 10_000, 2]
    with pytest.raises(StoreUnavailable) as refused:
        store._read(lambda connection: connection.execute(text("DELETE FROM person")))
    assert refused.value.code == "store_read_only", "only the writer writes"


@pytest.mark.parametrize("name", ["Bibliothèque é 日本.sqlite3", "a b?c#d%20&e=f.sqlite3"])
def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    if os.name == "nt" and "?" in name:
        pytest.skip("Windows has no such file names")
    library = tmp_path / name
    with open_store(library, tmp_path / "backups") as store:
        store.add_person("Ann")
    assert library.stat().st_size > 0
    with open_store(library, tmp_path / "backups") as store:
        assert store.count()[0] == 1


def test_an_empty_file_becomes_a_library(library: Path, backups: Path) -> None:
    library.touch()
    with open_store(library, backups) as store:
        assert store.people() == []


def test_an_older_library_is_copied_and_migrated(library: Path, backups: Path, migrations: Path) -> None:
    with open_store(library, backups) as store:
        ann = store.add_person("Ann")
        schema.prepare(library, backups, migrations, head="later")  # while another process has it open
        assert store.person(ann.id) == ann
    (backup,) = backups.iterdir()
    assert re.fullmatch(rf"library-\d{{4}}-\d\d-\d\dT\d{{6}}-{schema.HEAD}\.sqlite3", backup.name)
    with open_store(backup, backups) as store:
        assert store.people() == [ann]
    with closing(sqlite3.connect(library)) as connection:
        assert connection.execute("SELECT first_name, nickname FROM person").fetchall() == [("Ann", None)]
        assert connection.execute("SELECT * FROM alembic_version").fetchall() == [("later",)]
    schema.prepare(library, backups, migrations, head="later")
    assert len(list(backups.glob("library-*T*"))) == 1, "nothing to do, so no second copy"


def test_a_failed_migration_leaves_the_library_as_it_was(
    library: Path, backups: Path, migrations: Path
) -> None:
    with open_store(library, backups) as store:
        store.add_person("Ann")
    before = definition(library)
    step(migrations, "worse", "later", "op.execute('DELETE FROM person'); raise KeyError('a bug')")
    with pytest.raises(KeyError):
        schema.prepare(library, backups, migrations, head="worse")
    assert definition(library) == before
    with open_store(library, backups) as store:
        assert store.count()[0] == 1


def test_a_migration_that_orphans_rows_is_taken_back(
    library: Path, backups: Path, migrations: Path
) -> None:
    open_store(library, backups).close()
    orphan = "INSERT INTO crop (face_id, jpeg) VALUES (7, x\\'00\\')"
    step(migrations, "worse", "later", f"op.execute('{orphan}')")
    with pytest.raises(RuntimeError, match="without their parents"):
        schema.prepare(library, backups, migrations, head="worse")
    with closing(sqlite3.connect(library)) as connection:
        assert connection.execute("SELECT count(*) FROM crop").fetchone() == (0,)


def test_five_copies_are_kept(library: Path, backups: Path, migrations: Path) -> None:
    backups.mkdir()
    for day in range(1, 8):
        (backups / f"library-2020-01-0{day}T120000-0000.sqlite3").touch()
    (backups / "my own.sqlite3").touch()
    open_store(library, backups).close()
    schema.prepare(library, backups, migrations, head="later")
    names = sorted(path.name for path in backups.iterdir())
    assert names[:4] == [f"library-2020-01-0{day}T120000-0000.sqlite3" for day in (4, 5, 6, 7)]
    assert len(names) == 6
    assert names[-1] == "my own.sqlite3"


def test_without_a_copy_nothing_is_migrated(library: Path, backups: Path, migrations: Path) -> None:
    open_store(library, backups).close()
    before = definition(library)
    backups.write_text("a file where the folder should be")
    with pytest.raises(StoreUnavailable) as refused:
        schema.prepare(library, backups, migrations, head="later")
    assert refused.value.code == "backup_failed"
    assert definition(library) == before


def test_a_newer_library_is_left_alone(library: Path, backups: Path, migrations: Path) -> None:
    open_store(library, backups).close()
    schema.prepare(library, backups, migrations, head="later")
    before = definition(library)
    with pytest.raises(StoreUnavailable) as refused:
        open_store(library, backups)
    assert refused.value.code == "store_newer"
    assert refused.value.sentence == f"The library {library} was made by a newer version of this program."
    assert definition(library) == before
    assert len(list(backups.iterdir())) == 1, "no copy of what is not migrated"


def torn(library: Path) -> bytes:
    return library.read_bytes()[: library.stat().st_size // 2]


def scrambled(library: Path) -> bytes:
    data = library.read_bytes()
    return data[:100] + bytes(255 - byte for byte in data[100:])


def foreign(library: Path) -> bytes:
    other = library.with_name("other.sqlite3")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE recipe (name)")
        connection.commit()
    return other.read_bytes()


def no_version(library: Path) -> bytes:
    with closing(sqlite3.connect(library)) as connection:
        connection.execute("DELETE FROM alembic_version")
        connection.commit()
        connection.execute("PRAGMA journal_mode = DELETE")
    return library.read_bytes()


@pytest.mark.parametrize("made", [
    lambda _: b"this is no database", lambda _: b"\x00" * 5000,
    lambda _: b"SQLite format 3\x00" + b"\xff" * 5000, torn, scrambled, foreign, no_version,
])
def test_a_damaged_file_is_named_and_left_alone(library: Path, backups: Path, made: object) -> None:
    with open_store(library, backups) as store:
        store.add_person("Ann")
    schema.copy(library, backups, "0001")
    (backups / "library-2001-01-01T000000-0001.sqlite3").touch()
    data = made(library)  # type: ignore[operator]
    library.write_bytes(data)
    newest = max(backups.iterdir())
    with pytest.raises(StoreUnavailable) as refused:
        open_store(library, backups)
    assert refused.value.code == "store_damaged"
    assert refused.value.sentence == f"The file {library} is damaged or is not a library."
    assert refused.value.hint == f"The newest backup is {newest}."
    assert library.read_bytes() == data
    assert sorted(path.name for path in library.parent.iterdir() if path.is_file()) in (
        [library.name], [library.name, "other.sqlite3"],
    ), "nothing is left beside it"


def test_a_damaged_file_without_a_backup(library: Path, backups: Path) -> None:
    library.write_bytes(b"no database at all")
    with pytest.raises(StoreUnavailable) as refused:
        open_store(library, backups)
    assert refused.value.hint == "There is no backup of it."


def test_damage_that_shows_later_is_a_sentence_too(library: Path, backups: Path) -> None:
    with open_store(library, backups) as store:
        for number in range(200):
            store.add_person(f"Person {number}", note="x" * 200)
    with closing(sqlite3.connect(library)) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'person'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with library.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)
    with open_store(library, backups) as store:
        for call in (store.people, lambda: store.add_person("Ann")):
            with pytest.raises(StoreUnavailable) as refused:
                call()
            assert refused.value.code == "store_damaged"


def test_a_full_disk_is_a_sentence_and_changes_nothing(store: SqlPeopleStore) -> None:
    ann = store.add_person("Ann")
    set_pages(store, 1)  # SQLite takes the present size instead
    with pytest.raises(StoreUnavailable) as refused:
        fill(store)
    assert refused.value.code == "disk_full"
    people = store.people()
    assert ann in people
    assert len(store.journal(10_000)) == len(people)
    set_pages(store, 1_000_000)
    store.add_person("Zoe", note="x" * 5000)
    assert len(store.people()) == len(people) + 1


def fill(store: SqlPeopleStore) -> None:
    for number in range(1000):
        store.add_person(f"Person {number}", note="x" * 5000)


def set_pages(store: SqlPeopleStore, pages: int) -> None:
    statement = f"PRAGMA max_page_count = {pages}"
    store._writer.call(lambda connection: connection.exec_driver_sql(statement).close())


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path, backups: Path) -> None:
    with pytest.raises(StoreUnavailable) as refused:
        open_store(tmp_path / "gone" / "library.sqlite3", backups)
    assert refused.value.code == "store_unreachable"


def test_a_folder_in_place_of_the_file_is_a_sentence(tmp_path: Path, backups: Path) -> None:
    with pytest.raises(StoreUnavailable):
        open_store(tmp_path, backups)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_a_sentence(tmp_path: Path, backups: Path) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir(mode=0o500)
    with pytest.raises(StoreUnavailable) as refused:
        open_store(folder / "library.sqlite3", backups)
    assert refused.value.code in {"store_unreachable", "store_read_only"}


def test_a_read_only_library_can_be_read(library: Path, backups: Path) -> None:
    """`query_only` on the writer's connection stands for a file without the right to write: also for root."""
    with open_store(library, backups) as store:
        store.add_person("Ann")
        store._writer.call(lambda connection: connection.exec_driver_sql("PRAGMA query_only = ON").close())
        with pytest.raises(StoreUnavailable) as refused:
            store.add_person("Bob")
        assert refused.value.code == "store_read_only"
        assert [person.name for person in store.people()] == ["Ann"]
