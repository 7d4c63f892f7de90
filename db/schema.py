"""The library's file: made, checked, copied and migrated before it is used."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, insert, select

from db import engine
from db.failures import damaged, translated
from db.tables import metadata, revision, sighting_revision
from faceapp.errors import StoreUnavailable

log = logging.getLogger(__name__)

# The newest migration. Written here so that opening a current library need not import Alembic;
# a test holds it against db/migrations/versions.
HEAD = "0003"
MIGRATIONS = Path(__file__).parent / "migrations"
BACKUPS_KEPT = 5

# Alembic's own table, for a new file that is made without Alembic.
version = Table(
    "alembic_version", MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def prepare(path: Path, backups: Path, migrations: Path = MIGRATIONS, head: str = HEAD) -> None:
    """Make the file, or bring it to `head` after a copy into `backups`; nothing where it is there.

    Raises StoreUnavailable: the file is damaged, is no library, or is newer than this program. It is left
    untouched then.
    """
    with translated(path, backups):
        found = _found(path, backups)
        if found == head:
            return
        engine.switch_to_wal(path)
        writing = engine.writing_engine(path, foreign_keys=False)
        try:
            with writing.begin() as connection:
                # Behind the write lock: another process may have done it meanwhile.
                found = _version(connection)
                if found is None:
                    _create(connection)
                elif found != head:
                    _migrate(connection, path, backups, found, migrations)
        finally:
            writing.dispose()


def copy(path: Path, backups: Path, label: str) -> Path:
    """Copy the library, consistent even while it is in use; the last BACKUPS_KEPT copies stay.

    Comes back with the copy, named by the moment (UTC) and `label`. Raises StoreUnavailable.
    """
    target = backups / f"library-{datetime.now(UTC):%Y-%m-%dT%H%M%S}-{label}.sqlite3"
    partial = target.with_suffix(".partial")
    try:
        backups.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as goal:
                source.backup(goal)
                goal.execute("PRAGMA journal_mode = DELETE")  # one file, without a -wal beside it
            os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)
        for old in sorted(backups.glob("library-*.sqlite3"))[:-BACKUPS_KEPT]:
            old.unlink()
    except (OSError, sqlite3.Error) as error:
        raise StoreUnavailable(
            "backup_failed", f"The library {path} could not be copied into {backups}: {error}.",
            "A copy is made before an older library is changed. Make room there, or the right to write.",
        ) from error
    return target


def _found(path: Path, backups: Path) -> str | None:
    """The file's version, or None for a new or empty one; without writing to it."""
    if not path.exists() or path.stat().st_size == 0:
        return None
    with closing(sqlite3.connect(path, timeout=engine.BUSY_SECONDS)) as connection:
        connection.execute("PRAGMA query_only = ON")
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if not tables:
            return None
        if version.name not in tables:
            raise damaged(path, backups)
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None:
        raise damaged(path, backups)
    return str(row[0])


def _version(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, version.name):
        return None
    return str(connection.execute(select(version.c.version_num)).scalar_one())


def _create(connection: Connection) -> None:
    metadata.create_all(connection)
    version.create(connection)
    connection.execute(insert(version).values(version_num=HEAD))
    for counter in (revision, sighting_revision):
        connection.execute(insert(counter).values(id=1, number=0))


def _migrate(connection: Connection, path: Path, backups: Path, found: str, migrations: Path) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found not in known:
        raise StoreUnavailable(
            "store_newer", f"The library {path} was made by a newer version of this program.",
            "Install the newer version, or choose another library with --data-dir.",
        )
    backup = copy(path, backups, found)
    log.info("migrating %s from %s; its copy is %s", path, found, backup)
    command.upgrade(config, "head")
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise RuntimeError(f"the migration of {path} left rows without their parents: {broken[:5]}")
