"""The one thread that writes: what shares a commit, what fails alone, what fails together, and the end."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.core.writer_desk import PATIENCE, Desk

from devopsclaw.core import writer
from devopsclaw.model.errors import Damaged

ONE_COMMIT = ["BEGIN IMMEDIATE", "COMMIT"]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path / "core.db")
    yield desk
    async with asyncio.timeout(PATIENCE):
        await desk.writer.stop()
    desk.connection.close()


def note(text: str) -> Callable[[sqlite3.Connection], str]:
    """A unit that writes a line, and gives it back."""

    def work(connection: sqlite3.Connection) -> str:
        connection.execute("INSERT INTO notes VALUES (?)", (text,))
        return text

    return work


def orphan(connection: sqlite3.Connection) -> None:
    """A unit that is well by itself, and lets the COMMIT fail."""
    connection.execute("INSERT INTO children VALUES (7)")


async def test_a_result_comes_when_its_work_is_on_disk(desk: Desk) -> None:
    assert await desk.writer.submit(note("one")) == "one"
    assert desk.notes() == ["one"]


async def test_what_waits_shares_one_commit_and_keeps_its_order(desk: Desk) -> None:
    texts = [str(number) for number in range(40)]

    assert await desk.together(*map(note, texts)) == texts

    assert desk.notes() == texts
    assert desk.transactions == ONE_COMMIT * 2  # the one that held it up, and all the others
    await desk.writer.stop()
    assert desk.upkeep.called == ["commit", "commit", "close"]


async def test_one_commit_takes_only_so_many(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_BATCH", 3)
    texts = [str(number) for number in range(7)]

    assert await desk.together(*map(note, texts)) == texts

    assert desk.transactions == ONE_COMMIT * 4  # one, then 3 + 3 + 1
    assert desk.notes() == texts


async def test_a_statement_that_fails_among_others_fails_alone(desk: Desk) -> None:
    def half(connection: sqlite3.Connection) -> None:
        note("half")(connection)
        raise ValueError("the work is wrong")

    one, twice, wrong, two = await desk.together(note("one"), note("one"), half, note("two"))

    assert (one, two) == ("one", "two")
    assert isinstance(twice, sqlite3.IntegrityError)
    assert isinstance(wrong, ValueError)
    assert desk.notes() == ["one", "two"]
    assert desk.transactions == ONE_COMMIT * 2


async def test_a_unit_that_runs_out_of_something_holds_nobody_up(desk: Desk) -> None:
    def empty(connection: sqlite3.Connection) -> Any:
        return next(iter(connection.execute("SELECT text FROM notes")))

    wrong, after = await desk.together(empty, note("after"))

    assert isinstance(wrong, RuntimeError) and "StopIteration" in str(wrong)
    assert after == "after"


async def test_a_statement_about_the_file_is_told_in_our_words(desk: Desk) -> None:
    wrong, after = await desk.together(
        lambda connection: connection.execute("SELECT * FROM no_such_table"), note("after")
    )

    assert isinstance(wrong, Damaged) and "no such table" in wrong.message and str(desk.path) in wrong.message
    assert isinstance(wrong.__cause__, sqlite3.OperationalError)
    assert after == "after"


async def test_a_commit_that_fails_fails_everybody_in_it_and_nobody_after_it(desk: Desk) -> None:
    ended = await desk.together(note("one"), orphan, note("two"))

    assert [type(each) for each in ended] == [Damaged] * 3
    assert all("FOREIGN KEY" in each.message for each in ended)
    assert all(isinstance(each.__cause__, sqlite3.IntegrityError) for each in ended)
    assert desk.notes() == []
    assert desk.transactions[-1] == "ROLLBACK"

    assert await desk.writer.submit(note("after")) == "after"
    assert desk.notes() == ["after"]


async def test_whoever_failed_before_the_commit_did_keeps_the_own_reason(desk: Desk) -> None:
    def wrong(connection: sqlite3.Connection) -> None:
        raise ValueError("the work is wrong")

    ended = await desk.together(note("one"), wrong, orphan)

    assert [type(each) for each in ended] == [Damaged, ValueError, Damaged]


async def test_a_transaction_that_cannot_begin_runs_nothing(desk: Desk) -> None:
    desk.connection.execute("PRAGMA busy_timeout=0")
    other = sqlite3.connect(desk.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ran: list[str] = []

    with pytest.raises(Damaged, match="another process holds it locked"):
        async with asyncio.timeout(PATIENCE):
            await desk.writer.submit(lambda connection: ran.append("it"))

    assert ran == []
    other.execute("ROLLBACK")
    other.close()
    assert await desk.writer.submit(note("after")) == "after"


async def test_a_unit_that_ends_the_shared_transaction_fails_those_before_and_after_it(desk: Desk) -> None:
    ran: list[str] = []

    ended = await desk.together(
        note("one"), lambda connection: connection.execute("COMMIT"), lambda connection: ran.append("it")
    )

    assert [type(each) for each in ended] == [Damaged] * 3
    assert ran == []
    assert await desk.writer.submit(note("after")) == "after"


async def test_a_full_disk_fails_the_batch_and_not_the_writer(desk: Desk) -> None:
    (pages,) = desk.connection.execute("PRAGMA page_count").fetchone()
    desk.connection.execute(f"PRAGMA max_page_count = {pages}")

    ended = await desk.together(note("small"), note("x" * 100_000))
    desk.connection.execute("PRAGMA max_page_count = 1000000")

    assert [type(each) for each in ended] == [Damaged] * 2
    assert all("the disk is full" in each.message for each in ended)
    assert await desk.writer.submit(note("after")) == "after"
    assert desk.notes() == ["after"]


async def test_a_waiter_that_was_cancelled_is_told_nothing_and_its_work_is_done(desk: Desk) -> None:
    async with desk.busy():
        impatient, patient = desk.writer.submit(note("impatient")), desk.writer.submit(note("patient"))
        impatient.cancel()

    assert await patient == "patient"
    assert impatient.cancelled()
    assert desk.notes() == ["impatient", "patient"]


async def test_stopping_first_commits_what_waits(desk: Desk) -> None:
    async with desk.busy():
        waiting = [desk.writer.submit(note(str(number))) for number in range(20)]
        failing = desk.writer.submit(note("0"))
        stopping = asyncio.ensure_future(desk.writer.stop())
    await stopping

    assert [each.result() for each in waiting] == [str(number) for number in range(20)]
    assert isinstance(failing.exception(), sqlite3.IntegrityError)
    assert len(desk.notes()) == 20
    assert desk.upkeep.called == ["commit", "commit", "close"]


async def test_stopping_with_a_commit_that_fails_tells_all_who_wait(desk: Desk) -> None:
    async with desk.busy():
        waiting = [desk.writer.submit(note("one")), desk.writer.submit(orphan)]
        stopping = asyncio.ensure_future(desk.writer.stop())
    await stopping

    assert [type(each.exception()) for each in waiting] == [Damaged, Damaged]
    assert desk.notes() == []


async def test_after_stopping_nothing_is_taken(desk: Desk) -> None:
    await desk.writer.stop()

    with pytest.raises(Damaged, match="is closed"):
        desk.writer.submit(note("late"))
    assert desk.notes() == []


@pytest.mark.parametrize("keep_log", [True, False])
async def test_stopping_says_whether_the_log_stays_each_time_it_is_asked(keep_log: bool, desk: Desk) -> None:
    desk.upkeep.keep_log = keep_log

    assert [await desk.writer.stop(), await desk.writer.stop()] == [keep_log, keep_log]
    assert desk.upkeep.called == ["close"]


async def test_who_stops_may_be_cancelled_and_the_writer_still_ends(desk: Desk) -> None:
    async with desk.busy():
        waiting = desk.writer.submit(note("one"))
        stopping = asyncio.ensure_future(desk.writer.stop())
        await asyncio.sleep(0)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping

    assert await desk.writer.stop() is False
    assert waiting.result() == "one"


async def test_upkeep_that_fails_is_trouble_until_it_goes_well_again(desk: Desk) -> None:
    desk.upkeep.failing = {"commit"}
    await desk.together(note("one"))
    trouble = desk.writer.trouble
    desk.upkeep.failing = set()
    await desk.together(note("two"))

    assert trouble is not None and "No space left" in trouble.message
    assert isinstance(trouble.__cause__, OSError)
    assert desk.notes() == ["one", "two"]
    assert (await desk.writer.stop(), desk.writer.trouble) == (False, None)


async def test_where_the_last_upkeep_fails_the_log_stays(desk: Desk) -> None:
    desk.upkeep.failing = {"close"}

    assert await desk.writer.stop() is True
    assert desk.writer.trouble is not None
