"""What is put on record of a call: before it, after it, and when it is cut off."""

from __future__ import annotations

import asyncio
import sqlite3
import threading

import pytest
from tests.core.guarded_house import MARIA, TOMAS, Done, House

from devopsclaw.core.bus import Bus
from devopsclaw.core.call_record import CallRecord, drafted
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.context import Ctx
from devopsclaw.model.call import Call
from devopsclaw.model.errors import Damaged, Denied, Unreachable
from devopsclaw.model.events import CallEnded, CallStarted, Warned
from devopsclaw.model.nodeset import unfold
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect


async def test_a_change_has_an_intent_before_it_and_an_outcome_after_it(house: House) -> None:
    await house.run("thing.touch")

    intent, outcome = await house.entries()
    assert house.world.ran == [intent.id]
    assert (intent.phase, intent.status, intent.nodes, intent.duration) == (
        "intent",
        "planned",
        {"pending": 2},
        None,
    )
    assert (intent.user, intent.action, intent.target, intent.door) == (
        "maria",
        "thing.touch",
        "role=web",
        "cli",
    )
    assert intent.node_names == "web-[1-2]"
    assert intent.detail == {"effect": "write", "environments": ["test"], "run": "uptime"}
    assert (outcome.phase, outcome.status, outcome.nodes, outcome.duration) == (
        "outcome",
        "unknown",
        {"ok": 2},
        1.5,
    )
    assert outcome.detail == {"intent": "E-1", "evidence": "sha256:abc"}
    assert outcome.call == intent.call and outcome.digest == intent.digest


async def test_a_read_has_its_one_entry_in_the_record_when_it_has_ended(house: House) -> None:
    call = Call("thing.look", None, MARIA)
    plan = Plan(operation="thing.look", effect=Effect.READ)
    record = CallRecord(house.log, Bus(), ManualClock(), (call, plan, drafted(call, plan, "")), "single")

    async with record:
        assert record.entry == ""
        record.conclude(Done())

    (entry,) = await house.entries()
    assert record.entry == entry.id


async def test_the_digest_of_the_plan_can_be_made_again_from_the_entry(house: House) -> None:
    await house.run("thing.touch")

    intent = (await house.entries())[0]
    again = Plan(
        operation=intent.action, target=intent.target, nodes=tuple(unfold(intent.node_names)), **intent.detail
    )
    assert again.digest == intent.digest


async def test_a_call_is_reported_when_it_starts_and_when_it_ends(house: House) -> None:
    await house.run("thing.touch")

    started, ended = house.events.drain()
    assert isinstance(started, CallStarted) and isinstance(ended, CallEnded)
    assert (started.operation, started.user, started.entry) == ("thing.touch", "maria", "E-1")
    assert (ended.call, ended.verdict, ended.error) == (started.call, "unknown", "")


async def test_a_read_of_nodes_has_one_entry(house: House) -> None:
    await house.run("thing.look", effect="read")

    (entry,) = await house.entries()
    assert (entry.phase, entry.status, entry.duration) == ("single", "ok", 1.5)
    assert entry.detail == {
        "effect": "read",
        "environments": ["test"],
        "run": "uptime",
        "evidence": "sha256:abc",
    }
    assert house.world.ran == [""]


async def test_a_call_that_fails_is_on_record_as_failed(house: House) -> None:
    async def fail(ctx: Ctx) -> None:
        raise Unreachable("the relay does not answer")

    house.world.work = fail

    with pytest.raises(Unreachable):
        await house.run("thing.touch")

    outcome = (await house.entries())[-1]
    assert (outcome.phase, outcome.status, outcome.nodes) == ("outcome", "failed", {})
    assert outcome.detail == {"intent": "E-1", "error": "unreachable", "message": "the relay does not answer"}
    assert house.events.drain()[-1].error == "the relay does not answer"


async def test_an_unexpected_error_is_recorded_by_its_name_alone(house: House) -> None:
    async def fail(ctx: Ctx) -> None:
        raise ZeroDivisionError("the password is hunter2")

    house.world.work = fail

    with pytest.raises(ZeroDivisionError):
        await house.run("thing.touch")

    assert (await house.entries())[-1].detail["error"] == "ZeroDivisionError"
    assert "hunter2" not in str(await house.entries())


async def test_a_call_that_is_cancelled_has_its_outcome_however_often_it_is_cancelled(house: House) -> None:
    reached = asyncio.Event()

    async def wait(ctx: Ctx) -> None:
        reached.set()
        await asyncio.Event().wait()

    house.world.work = wait
    call = asyncio.ensure_future(house.run("thing.touch"))
    await reached.wait()

    call.cancel()
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    intent, outcome = await house.entries()
    assert (outcome.phase, outcome.status, outcome.detail["intent"]) == ("outcome", "cancelled", intent.id)


async def test_a_call_cancelled_while_its_intent_is_written_has_an_outcome_and_does_not_run(
    house: House,
) -> None:
    may_go_on = threading.Event()
    assert house.log._database is not None
    busy = asyncio.ensure_future(house.log._database.write(lambda connection: may_go_on.wait()))
    call = asyncio.ensure_future(house.run("thing.touch"))
    for _ in range(10):
        await asyncio.sleep(0)

    call.cancel()
    await asyncio.sleep(0)
    may_go_on.set()
    await busy
    with pytest.raises(asyncio.CancelledError):
        await call

    assert [entry.status for entry in await house.entries()] == ["planned", "cancelled"]
    assert house.world.ran == []


async def fill(house: House) -> None:
    def full(connection: sqlite3.Connection) -> None:
        """So many entries that not one more fits into the last page."""
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    assert house.log._database is not None
    await house.log._database.write(full)
    with pytest.raises(Damaged):
        while True:
            await house.run("thing.look", MARIA, effect="read")
            warned = [event for event in house.events.drain() if isinstance(event, Warned)]
            if warned:
                raise Damaged(warned[0].text)


async def test_where_the_log_cannot_be_written_a_change_does_not_run_and_a_read_does(house: House) -> None:
    await fill(house)
    house.world.ran.clear()

    with pytest.raises(Damaged, match="the disk is full"):
        await house.run("thing.touch")
    assert house.world.ran == []
    assert house.events.drain() == []

    assert await house.run("thing.look", effect="read") == Done()
    (warned,) = [event for event in house.events.drain() if isinstance(event, Warned)]
    assert "not in the audit log" in warned.text and "disk is full" in warned.text

    with pytest.raises(Denied):
        await house.run("thing.touch", TOMAS)
    assert any(isinstance(event, Warned) for event in house.events.drain())


async def test_an_outcome_that_cannot_be_written_does_not_hide_the_result(house: House) -> None:
    async def close(ctx: Ctx) -> None:
        await house.log.close()

    house.world.work = close

    assert await house.run("thing.touch") == Done(word="unknown")

    assert any(isinstance(event, Warned) for event in house.events.drain())
