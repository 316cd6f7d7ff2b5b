"""Migrations: each applied once, in order, whole; a database of another build is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from devopsclaw.core.schema import migrate, migration_files
from devopsclaw.model.errors import Damaged

FIRST = "CREATE TABLE nodes (name TEXT);"
SECOND = "ALTER TABLE nodes ADD COLUMN label TEXT;"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_nodes.sql").write_text(FIRST)
    (tmp_path / "0002_labels.sql").write_text(SECOND)
    (tmp_path / "notes.txt").write_text("no migration")
    return tmp_path


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    yield opened
    opened.close()


def columns(connection: sqlite3.Connection) -> list[str]:
    return [row[1] for row in connection.execute("PRAGMA table_info(nodes)")]


def test_only_numbered_files_count_in_their_order(folder: Path) -> None:
    assert [file.name for file in migration_files(folder)] == ["0001_nodes.sql", "0002_labels.sql"]


def test_each_is_applied_once(folder: Path, connection: sqlite3.Connection) -> None:
    migrate(connection, Path("core.db"), migration_files(folder))
    migrate(connection, Path("core.db"), migration_files(folder))

    assert columns(connection) == ["name", "label"]


def test_a_later_one_is_added_to_a_database_that_is_there(
    folder: Path, connection: sqlite3.Connection
) -> None:
    migrate(connection, Path("core.db"), migration_files(folder)[:1])
    connection.execute("INSERT INTO nodes VALUES ('web-1')")

    migrate(connection, Path("core.db"), migration_files(folder))

    assert connection.execute("SELECT name, label FROM nodes").fetchall() == [("web-1", None)]


def test_one_that_fails_leaves_nothing_behind(folder: Path, connection: sqlite3.Connection) -> None:
    (folder / "0002_labels.sql").write_text("CREATE TABLE groups (name TEXT); SELECT * FROM nowhere;")

    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(connection, Path("core.db"), migration_files(folder))

    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    assert ("groups",) not in tables
    (folder / "0002_labels.sql").write_text(SECOND)
    migrate(connection, Path("core.db"), migration_files(folder))
    assert columns(connection) == ["name", "label"]


def test_a_database_of_a_newer_build_is_refused(folder: Path, connection: sqlite3.Connection) -> None:
    migrate(connection, Path("core.db"), migration_files(folder))

    with pytest.raises(Damaged, match=r"newer devopsclaw \(its schema has step 0002_labels\)"):
        migrate(connection, Path("core.db"), migration_files(folder)[:1])


def test_a_database_with_other_files_is_refused(folder: Path, connection: sqlite3.Connection) -> None:
    migrate(connection, Path("core.db"), migration_files(folder))
    (folder / "0001_nodes.sql").write_text(FIRST + " -- edited")

    with pytest.raises(Damaged, match="step 0001_nodes differs"):
        migrate(connection, Path("core.db"), migration_files(folder))
