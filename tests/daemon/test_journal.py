"""The node's journal on a real file: durable, in order, per node, and honest about what it lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devopsclaw.core.db import Database
from devopsclaw.daemon.effects import Record, Row
from devopsclaw.daemon.journal import Journal, open_journal
from devopsclaw.model.errors import Damaged

NODE = "n_" + "a" * 26
ONE, TWO = "1" * 32, "2" * 32


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await open_journal(tmp_path / "node.db") as opened:
        yield opened


@pytest.fixture
def journal(database: Database) -> Journal:
    return Journal(database, NODE)


async def test_a_new_journal_has_no_rows(journal: Journal) -> None:
    assert await journal.rows() == []


async def test_fields_are_merged_over_those_recorded_before(journal: Journal) -> None:
    await journal.record([Record(ONE, "accepted", {"digest": "d", "purge_at": 9.5, "pid": None})])

    await journal.record([Record(ONE, "running", {"pid": 7})])

    assert await journal.rows() == [Row(ONE, "running", {"digest": "d", "purge_at": 9.5, "pid": 7})]


async def test_a_field_may_become_null_and_stays_recorded(journal: Journal) -> None:
    await journal.record([Record(ONE, "running", {"exit_code": 3})])

    await journal.record([Record(ONE, "finished", {"exit_code": None})])

    assert await journal.rows() == [Row(ONE, "finished", {"exit_code": None})]


async def test_records_of_one_batch_are_written_in_order(journal: Journal) -> None:
    await journal.record([Record(ONE, "accepted", {"a": 1}), Record(ONE, "starting", {"a": 2})])

    assert await journal.rows() == [Row(ONE, "starting", {"a": 2})]


async def test_rows_come_in_the_order_in_which_commands_were_first_seen(journal: Journal) -> None:
    await journal.record([Record(TWO, "accepted"), Record(ONE, "accepted")])
    await journal.record([Record(TWO, "starting")])

    assert [row.command for row in await journal.rows()] == [TWO, ONE]


async def test_an_acknowledged_command_keeps_only_what_knows_it_again(journal: Journal) -> None:
    fields = {"digest": "d", "purge_at": 1.0, "envelope": "x" * 1000}
    await journal.record([Record(ONE, "accepted", fields)])

    await journal.record([Record(ONE, "acked")])

    assert await journal.rows() == [Row(ONE, "acked", {"digest": "d", "purge_at": 1.0})]


async def test_a_purged_id_is_not_known_any_more(journal: Journal) -> None:
    await journal.record([Record(ONE, "acked", {"digest": "d"}), Record(TWO, "accepted")])

    await journal.purge(ONE)

    assert [row.command for row in await journal.rows()] == [TWO]


async def test_nodes_that_share_a_file_do_not_see_each_other(database: Database) -> None:
    mine, other = Journal(database, NODE), Journal(database, "n_" + "b" * 26)
    await mine.record([Record(ONE, "running", {"pid": 1})])
    await other.record([Record(ONE, "accepted", {"pid": 2})])

    await other.purge(ONE)

    assert await mine.rows() == [Row(ONE, "running", {"pid": 1})]
    assert await other.rows() == []


async def test_many_nodes_may_record_at_once(database: Database) -> None:
    journals = [Journal(database, f"n_{number:026}") for number in range(50)]

    await asyncio.gather(*(each.record([Record(ONE, "accepted", {"digest": "d"})]) for each in journals))

    assert [len(await each.rows()) for each in journals] == [1] * 50


async def test_a_state_that_is_none_changes_nothing(journal: Journal) -> None:
    wrong = Record(TWO, "nonsense")  # type: ignore[arg-type]

    with pytest.raises(sqlite3.IntegrityError):
        await journal.record([Record(ONE, "accepted"), wrong])

    assert await journal.rows() == []


async def test_the_incarnation_is_the_moment_the_journal_was_new(tmp_path: Path) -> None:
    async with await open_journal(tmp_path / "node.db") as database:
        assert await Journal(database, NODE).incarnation(100.0) == 100.0

    async with await open_journal(tmp_path / "node.db") as database:
        assert await Journal(database, NODE).incarnation(200.0) == 100.0
        assert await Journal(database, "n_other").incarnation(300.0) == 300.0


async def test_a_damaged_journal_is_set_aside_and_begins_a_new_incarnation(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    async with await open_journal(path) as database:
        journal = Journal(database, NODE)
        await journal.incarnation(100.0)
        await journal.record([Record(ONE, "running")])
    path.write_bytes(b"this is no database" * 400)

    async with await open_journal(path) as database:
        journal = Journal(database, NODE)

        assert database.set_aside is not None
        assert await journal.incarnation(500.0) == 500.0
        assert await journal.rows() == []


async def test_a_row_that_is_no_object_is_damage(journal: Journal, database: Database) -> None:
    await journal.record([Record(ONE, "accepted")])
    await database.write(lambda connection: connection.execute("UPDATE commands SET fields = '[]'"))

    with pytest.raises(Damaged, match="cannot be read") as raised:
        await journal.rows()
    assert "set the journal aside" in raised.value.hint


WRITER = """
import asyncio, sys
from pathlib import Path
from devopsclaw.daemon.effects import Record
from devopsclaw.daemon.journal import Journal, open_journal

async def main():
    async with await open_journal(Path(sys.argv[1])) as database:
        journal = Journal(database, sys.argv[2])
        for number in range(10_000):
            await journal.record([Record(f"{number:032x}", "accepted", {"number": number})])
            print(number, flush=True)

asyncio.run(main())
"""


async def test_what_was_recorded_before_kill_9_is_there_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    argv = [sys.executable, "-c", WRITER, str(path), NODE]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env={**os.environ}) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(20)]
        writer.send_signal(signal.SIGKILL)

    async with await open_journal(path) as database:
        rows = await Journal(database, NODE).rows()

    assert [row.fields["number"] for row in rows][: len(told)] == told
