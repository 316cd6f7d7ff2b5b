"""The database: group commit, failures that stay where they belong, files that are damaged."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from devopsclaw.core import db as db_module
from devopsclaw.core import sqlite
from devopsclaw.core.db import Database
from devopsclaw.core.writer import Checkpoints
from devopsclaw.model.errors import Damaged

Connection = sqlite3.Connection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    migrations = tmp_path / "migrations"
    migrations.mkdir()
    (migrations / "0001_notes.sql").write_text("CREATE TABLE notes (text TEXT NOT NULL UNIQUE);")
    return migrations


def note(text: str) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        connection.execute("INSERT INTO notes VALUES (?)", (text,))

    return work


def notes(connection: Connection) -> list[str]:
    return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY rowid")]


async def test_what_was_written_is_read_and_is_there_after_opening_again(
    tmp_path: Path, folder: Path
) -> None:
    async with await Database.open(tmp_path / "core.db", folder) as database:
        await database.write(note("one"))
        assert await database.read(notes) == ["one"]

    async with await Database.open(tmp_path / "core.db", folder) as database:
        assert await database.read(notes) == ["one"]
        assert database.set_aside is None


async def test_the_file_and_its_log_are_for_the_owner_only(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "core.db"
    path.touch(0o644)

    async with await Database.open(path, folder) as database:
        await database.write(note("one"))

        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.glob("core.db*")}

    assert modes == {"core.db": 0o600, "core.db-wal": 0o600, "core.db-shm": 0o600}


async def test_the_settings_are_those_of_a_journal(tmp_path: Path, folder: Path) -> None:
    async with await Database.open(tmp_path / "core.db", folder) as database:

        def settings(connection: Connection) -> list[object]:
            names = ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint", "busy_timeout")
            return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

        def in_writer(connection: Connection) -> list[object]:
            return settings(connection)

        assert await database.write(in_writer) == ["wal", 2, 1, 0, 5000]


async def test_many_writers_share_a_commit_and_keep_their_order(tmp_path: Path, folder: Path) -> None:
    seen: list[int] = []

    def counted(number: int) -> Callable[[Connection], None]:
        def work(connection: Connection) -> None:
            note(str(number))(connection)
            seen.append(connection.total_changes)

        return work

    async with await Database.open(tmp_path / "core.db", folder) as database:
        await asyncio.gather(*(database.write(counted(number)) for number in range(300)))

        assert await database.read(notes) == [str(number) for number in range(300)]
    assert len(seen) == 300


async def test_a_unit_that_fails_is_undone_alone(tmp_path: Path, folder: Path) -> None:
    def half(connection: Connection) -> None:
        note("half")(connection)
        raise ZeroDivisionError("the work is wrong")

    async with await Database.open(tmp_path / "core.db", folder) as database:
        ended = await asyncio.gather(
            database.write(note("one")),
            database.write(half),
            database.write(note("one")),
            database.write(note("two")),
            return_exceptions=True,
        )

        assert [type(each) for each in ended] == [
            type(None),
            ZeroDivisionError,
            sqlite3.IntegrityError,
            type(None),
        ]
        assert await database.read(notes) == ["one", "two"]


async def test_a_commit_that_fails_fails_every_unit_of_its_batch(tmp_path: Path, folder: Path) -> None:
    (folder / "0002_pairs.sql").write_text(
        "CREATE TABLE parents (id INTEGER PRIMARY KEY);"
        "CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);"
    )

    def orphan(connection: Connection) -> None:
        connection.execute("INSERT INTO children VALUES (7)")

    async with await Database.open(tmp_path / "core.db", folder) as database:
        ended = await asyncio.gather(
            database.write(note("one")), database.write(orphan), return_exceptions=True
        )

        assert [type(each) for each in ended] == [Damaged, Damaged]
        assert await database.read(notes) == []
        await database.write(note("after"))
        assert await database.read(notes) == ["after"]


async def test_a_unit_that_ends_the_shared_transaction_fails_the_batch(tmp_path: Path, folder: Path) -> None:
    def rude(connection: Connection) -> None:
        connection.execute("ROLLBACK")

    async with await Database.open(tmp_path / "core.db", folder) as database:
        ended = await asyncio.gather(
            database.write(note("one")), database.write(rude), return_exceptions=True
        )

        assert [type(each) for each in ended] == [Damaged, Damaged]
        await database.write(note("after"))
        assert await database.read(notes) == ["after"]


async def test_a_full_disk_is_said_and_reads_go_on(tmp_path: Path, folder: Path) -> None:
    def fill(connection: Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    def empty(connection: Connection) -> None:
        connection.execute("PRAGMA max_page_count = 1000000")

    async with await Database.open(tmp_path / "core.db", folder) as database:
        await database.write(note("one"))
        await database.write(fill)

        with pytest.raises(Damaged, match="the disk is full") as full:
            await database.write(note("x" * 100_000))

        assert full.value.hint == "free some space, then try again"
        assert await database.read(notes) == ["one"]
        await database.write(empty)
        await database.write(note("two"))
        assert await database.read(notes) == ["one", "two"]


async def test_a_database_that_another_process_holds_is_said_to_be_locked(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT", 20)
    path = tmp_path / "core.db"
    async with await Database.open(path, folder) as database:
        await database.write(note("one"))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(Damaged, match="another process holds it locked"):
            await database.write(note("two"))
        assert await database.read(notes) == ["one"]

        other.execute("ROLLBACK")
        await database.write(note("two"))
        other.close()


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(Damaged, match=r"core\.db: Not a directory"):
        await Database.open(tmp_path / "migrations" / "0001_notes.sql" / "core.db", folder)


async def test_a_database_open_for_reading_refuses_to_write(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "core.db"
    with pytest.raises(Damaged, match="there is no database"):
        await Database.open(path, folder, read_only=True)
    async with await Database.open(path, folder) as database:
        await database.write(note("one"))

        async with await Database.open(path, folder, read_only=True) as reader:
            assert await reader.read(notes) == ["one"]
            with pytest.raises(Damaged, match="open for reading only"):
                await reader.write(note("two"))
            with pytest.raises(Damaged, match="it cannot be written"):
                await reader.read(note("three"))


@pytest.mark.parametrize("position", [0, 20, 4096])
async def test_a_damaged_database_is_kept_aside_and_an_empty_one_made(
    tmp_path: Path, folder: Path, position: int
) -> None:
    path = tmp_path / "core.db"
    async with await Database.open(path, folder) as database:
        await database.write(note("one"))
    broken = bytearray(path.read_bytes())
    broken[position : position + 50] = b"\xff" * 50
    path.write_bytes(broken)

    async with await Database.open(path, folder) as database:
        assert database.set_aside is not None
        assert database.set_aside.name.startswith("core.db.damaged-")
        assert database.set_aside.read_bytes() == bytes(broken)
        assert await database.read(notes) == []
        await database.write(note("new"))


async def test_a_damaged_database_that_is_not_replaceable_stays_where_it_is(
    tmp_path: Path, folder: Path
) -> None:
    path = tmp_path / "audit.db"
    path.write_bytes(b"no database at all" * 100)

    with pytest.raises(Damaged, match="no database any more"):
        await Database.open(path, folder, replaceable=False)

    assert path.read_bytes() == b"no database at all" * 100


async def test_damage_met_while_reading_is_said(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db_module, "CHECKED", 0)
    path = tmp_path / "core.db"
    async with await Database.open(path, folder) as database:
        for number in range(200):
            await database.write(note(f"{number} " * 100))
    broken = bytearray(path.read_bytes())
    broken[5 * 4096 : -4096] = b"\xff" * len(broken[5 * 4096 : -4096])
    path.write_bytes(broken)

    async with await Database.open(path, folder) as database:
        with pytest.raises(Damaged, match="the file is damaged"):
            await database.read(notes)


async def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "core.db"
    (folder / "0002_more.sql").write_text("CREATE TABLE more (id INTEGER); CREATE TABLE more (id INTEGER);")

    with pytest.raises(Damaged, match="already exists"):
        await Database.open(path, folder)

    (folder / "0002_more.sql").write_text("CREATE TABLE more (id INTEGER);")
    async with await Database.open(path, folder) as database:
        names = await database.read(
            lambda connection: connection.execute("SELECT number, name FROM migrations").fetchall()
        )
    assert names == [(1, "notes"), (2, "more")]


async def test_a_database_of_a_newer_build_is_refused_and_not_moved(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "core.db"
    newer = folder / "0002_more.sql"
    newer.write_text("CREATE TABLE more (id INTEGER);")
    await (await Database.open(path, folder)).close()
    newer.unlink()

    with pytest.raises(Damaged, match=r"newer devopsclaw \(its schema has step 0002_more\)"):
        await Database.open(path, folder)
    assert [each.name for each in tmp_path.glob("core.db*")] == ["core.db"]


async def test_a_migration_that_was_changed_afterwards_is_refused(tmp_path: Path, folder: Path) -> None:
    await (await Database.open(tmp_path / "core.db", folder)).close()
    (folder / "0001_notes.sql").write_text("CREATE TABLE notes (text TEXT);")

    with pytest.raises(Damaged, match="made by another build"):
        await Database.open(tmp_path / "core.db", folder)


async def test_closing_commits_what_waits_and_a_closed_database_says_so(tmp_path: Path, folder: Path) -> None:
    database = await Database.open(tmp_path / "core.db", folder)
    waiting = [asyncio.ensure_future(database.write(note(str(number)))) for number in range(50)]
    await asyncio.sleep(0)

    await database.close()
    await database.close()

    await asyncio.gather(*waiting)
    with pytest.raises(Damaged, match="is closed"):
        await database.write(note("late"))
    with pytest.raises(Damaged, match="is closed"):
        await database.read(notes)
    assert [each.name for each in tmp_path.glob("core.db*")] == ["core.db"]


async def test_a_caller_that_was_cancelled_disturbs_nobody(tmp_path: Path, folder: Path) -> None:
    async with await Database.open(tmp_path / "core.db", folder) as database:
        impatient = asyncio.ensure_future(database.write(note("impatient")))
        await asyncio.sleep(0)
        impatient.cancel()

        await database.write(note("patient"))

        assert "patient" in await database.read(notes)


async def test_the_log_is_moved_into_the_file_while_it_runs(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "core.db"
    upkeep = Checkpoints(path, limit=100_000)
    async with await Database.open(path, folder, upkeep=upkeep) as database:
        for number in range(60):
            await database.write(note(f"{number}" * 2000))

        assert database.trouble is None
        assert sqlite.log_size(path) <= 200_000
        assert path.stat().st_size > 100_000


async def test_upkeep_that_fails_is_remembered_and_the_commit_stands(tmp_path: Path, folder: Path) -> None:
    class Failing(Checkpoints):
        def after_commit(self, connection: Connection) -> None:
            raise OSError(28, os.strerror(28))

    path = tmp_path / "core.db"
    async with await Database.open(path, folder, upkeep=Failing(path)) as database:
        await database.write(note("one"))
        await database.write(note("two"))

        assert database.trouble is not None and "No space left" in database.trouble.message
        assert await database.read(notes) == ["one", "two"]


async def test_a_cancelled_caller_is_told_when_its_work_is_decided(tmp_path: Path, folder: Path) -> None:
    may_go_on = threading.Event()
    async with await Database.open(tmp_path / "core.db", folder) as database:
        busy = asyncio.ensure_future(database.write(lambda connection: may_go_on.wait()))
        impatient = asyncio.ensure_future(database.write(note("impatient")))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.sleep(0)
        impatient.cancel()
        may_go_on.set()

        with pytest.raises(asyncio.CancelledError):
            await impatient

        assert await database.read(notes) == ["impatient"]
        await busy
