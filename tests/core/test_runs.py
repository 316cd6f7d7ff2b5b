"""The event log of executions: numbered, in order, there again after a crash."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devopsclaw.core.clock import ManualClock
from devopsclaw.core.db import Database
from devopsclaw.core.runs import Event, RunLog, RunNode
from devopsclaw.core.schema import migration_files
from devopsclaw.model.errors import NotFound
from devopsclaw.model.state import WORDS, word_of

MIGRATIONS = Path(__file__).parents[2] / "src" / "devopsclaw" / "core" / "migrations" / "core"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "core.db", MIGRATIONS) as opened:
        yield opened


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def runs(database: Database, clock: ManualClock) -> RunLog:
    return RunLog(database, clock)


async def created(runs: RunLog, kind: str = "X", count: int = 1, call: str = "c") -> str:
    nodes = [(f"web-{number}", f"n_{number}", f"{call}-{kind}-{number}") for number in range(count)]
    return await runs.create(
        kind=kind, call=call, entry="E-1", plan_json='{"operation":"fleet.exec"}', nodes=nodes, body={"a": 1}
    )


async def test_runs_are_numbered_by_kind_and_never_twice(runs: RunLog, database: Database) -> None:
    assert [await created(runs, call="1"), await created(runs, call="2")] == ["X-1", "X-2"]
    assert await created(runs, "D") == "D-1"

    def forget(connection: object) -> None:
        for table in ("run_nodes", "runs"):
            connection.execute(f"DELETE FROM {table} WHERE run = 'X-2'")  # type: ignore[attr-defined]

    await database.write(forget)
    assert await created(runs, call="3") == "X-3"


async def test_runs_created_at_once_get_different_numbers(runs: RunLog) -> None:
    ids = await asyncio.gather(*(created(runs, call=f"call{number}") for number in range(30)))

    assert sorted(ids, key=lambda run: int(run[2:])) == [f"X-{number}" for number in range(1, 31)]


async def test_a_run_without_an_entry_gets_one_once(runs: RunLog) -> None:
    read = await runs.create(call="1", entry="", plan_json="{}", nodes=[], body={})
    change = await runs.create(call="2", entry="E-1", plan_json="{}", nodes=[], body={})

    for entry in ("E-7", "E-8"):
        await runs.name_entry(read, entry)
        await runs.name_entry(change, entry)

    assert [(await runs.find(run)).entry for run in (read, change)] == ["E-7", "E-1"]
    with pytest.raises(NotFound):
        await runs.name_entry("X-99", "E-9")


async def test_a_run_is_found_as_it_was_created(runs: RunLog, clock: ManualClock) -> None:
    run = await created(runs, count=3)

    found = await runs.find(run)

    assert (found.run, found.kind, found.call, found.entry) == ("X-1", "X", "c", "E-1")
    assert (found.plan, found.body) == ({"operation": "fleet.exec"}, {"a": 1})
    assert found.nodes[2] == RunNode("web-2", "n_2", "c-X-2")
    assert (found.created_at, found.finished_at, found.exit_code) == (clock.now, None, None)
    assert (await runs.of_command("c-X-1")).run == "X-1"


async def test_events_come_back_in_their_order(runs: RunLog, clock: ManualClock) -> None:
    first, second = await created(runs, call="1"), await created(runs, call="2")

    await runs.append(first, [("sent", "web-0", {"epoch": 1}), ("running", "web-0", {})])
    await runs.append(second, [("sent", "web-0", {})])
    clock.advance(5)
    await runs.append(first, [("ended", None, {"exit": 0})])

    events = await runs.events(first)
    assert [(event.kind, event.node, event.body) for event in events] == [
        ("sent", "web-0", {"epoch": 1}),
        ("running", "web-0", {}),
        ("ended", None, {"exit": 0}),
    ]
    assert events[2].at == clock.now and events[0].at == clock.now - 5
    assert [event.seq for event in events] == sorted(event.seq for event in events)
    assert len(await runs.events(second)) == 1


async def test_many_nodes_report_at_once(runs: RunLog) -> None:
    run = await created(runs, count=200)

    def reports(number: int) -> list[Event]:
        return [("finished", f"web-{number}", {"exit": 0})]

    await asyncio.gather(*(runs.append(run, reports(number)) for number in range(200)))

    assert len(await runs.events(run)) == 200


async def test_a_finished_run_is_not_open_and_may_learn_the_truth(runs: RunLog, clock: ManualClock) -> None:
    first, second = await created(runs, call="1"), await created(runs, call="2")
    await created(runs, "D", call="3")
    begun = clock.now
    clock.advance(60)

    await runs.finish(first, 7, "unknown", 0.0)

    assert [run.run for run in await runs.open_runs("X")] == [second]
    found = await runs.find(first)
    assert (found.finished_at, found.exit_code, found.word) == (begun, 7, "unknown")
    await runs.finish(first, 0, "ok", begun + 5)
    found = await runs.find(first)
    assert (found.finished_at, found.exit_code, found.word) == (begun + 5, 0, "ok")


async def test_runs_from_before_words_were_kept_have_the_word_of_their_code(tmp_path: Path) -> None:
    path, files = tmp_path / "core.db", migration_files(MIGRATIONS)
    before = [file for file in files if "run_word" not in file.name]
    codes: list[int | None] = [*WORDS, 13, None]
    async with await Database.open(path, before) as database:

        def insert(connection: sqlite3.Connection) -> None:
            for number, code in enumerate(codes):
                connection.execute(
                    "INSERT INTO runs (run, kind, number, call, entry, plan, body, created_at, exit_code)"
                    " VALUES (?, 'X', ?, '', '', '{}', '{}', 0, ?)",
                    (f"X-{number}", number, code),
                )

        await database.write(insert)

    async with await Database.open(path, files) as database:
        found = {run.exit_code: run.word for run in await RunLog(database).recent()}
    assert found == {code: "" if code is None else word_of(code) for code in codes}


async def test_recent_runs_come_newest_first(runs: RunLog, clock: ManualClock) -> None:
    for number in range(4):
        await created(runs, call=str(number))
        clock.advance(1)

    assert [run.run for run in await runs.recent(3)] == ["X-4", "X-3", "X-2"]


async def test_what_is_not_there_is_said(runs: RunLog) -> None:
    with pytest.raises(NotFound, match="there is no run X-9"):
        await runs.find("X-9")
    with pytest.raises(NotFound, match="there is no run X-9"):
        await runs.append("X-9", [("sent", None, {})])
    with pytest.raises(NotFound, match="there is no run X-9"):
        await runs.finish("X-9", 0, "ok", 0.0)
    with pytest.raises(NotFound, match="no run has the command"):
        await runs.of_command("abc")
    assert await runs.events("X-9") == []


async def test_everything_is_there_after_opening_again(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "core.db", MIGRATIONS) as first:
        run = await created(RunLog(first), count=2)
        await RunLog(first).append(run, [("sent", "web-0", {})])

    async with await Database.open(tmp_path / "core.db", MIGRATIONS) as second:
        (found,) = await RunLog(second).open_runs()
        assert (found.run, len(found.nodes)) == (run, 2)
        assert len(await RunLog(second).events(run)) == 1
