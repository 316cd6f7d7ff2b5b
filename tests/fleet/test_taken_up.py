"""What waits for a person, for the relay, or for nothing, when a core takes up what an earlier one left; and
parts that a person settles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from tests.fleet.crash_town import WITHIN, Core, Crash, CrashTown, crash_town, reached
from tests.fleet.dispatch_place import PATIENCE

from devopsclaw.model.errors import BadParams, Damaged, NotFound
from devopsclaw.model.events import NodeMoved, Warned
from devopsclaw.model.state import State

LEFT_AT_FIRST = Crash("before", "sent", "a")
LEFT_AT_SECOND = Crash("before", "sent", "b")


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[CrashTown]:
    async with crash_town(tmp_path, {"a": "ok", "b": "ok"}) as opened:
        yield opened


async def over(core: Core) -> int | None:
    """The exit code of the run, once it is over."""
    async with asyncio.timeout(PATIENCE):
        await core.executions.follow("X-1")
    return (await core.log.find("X-1")).exit_code


async def states(core: Core) -> list[State]:
    """Where the nodes stand."""
    return [item.status for item in (await core.executions.results("X-1")).items]


async def taken_up(core: Core, there: asyncio.Event) -> asyncio.Task[None]:
    """A core that has taken up what was left, and sends nothing before the relay is `there`."""

    async def wait() -> None:
        await there.wait()

    resuming = asyncio.ensure_future(core.executions.resume_all(WITHIN, wait))
    async with asyncio.timeout(PATIENCE):
        while not core.executions.is_sending("X-1"):
            await asyncio.sleep(0)
    return resuming


async def test_what_nobody_wanted_for_long_waits_for_a_person_who_is_told(town: CrashTown) -> None:
    await town.ask(LEFT_AT_SECOND, serial=True)

    async with town.core() as core:
        core.clock.advance(WITHIN + 1)
        await core.executions.resume_all(WITHIN, reached)
        async with asyncio.timeout(PATIENCE):
            await core.executions.watch("X-1")

        with core.bus.subscribe(lambda event: isinstance(event, Warned)) as told:
            (warned,) = told.drain()
        assert "X-1 waits for a person" in warned.text and "jobs resume X-1" in warned.hint
        assert await states(core) == [State.OK, State.PENDING]
        assert (core.executions.is_sending("X-1"), core.executions.is_busy) == (False, False)
        assert town.started == {"a": 1, "b": 0}


async def test_a_person_goes_on_with_what_waits_and_that_outlives_this_core(town: CrashTown) -> None:
    await town.ask(LEFT_AT_FIRST, serial=True)
    async with town.core(LEFT_AT_SECOND) as core:
        core.clock.advance(WITHIN + 1)
        await core.executions.resume_all(WITHIN, reached)
        await core.executions.go_on("X-1", "maria")
        async with asyncio.timeout(PATIENCE):
            await core.died.wait()
        resumed = [event.body for event in await core.log.events("X-1") if event.kind == "resumed"]
    assert resumed == [{"by": "maria"}]

    async with town.core() as core:
        core.clock.advance(WITHIN + 2)
        await core.executions.resume_all(WITHIN, reached)
        assert await over(core) == 0
    assert town.started == {"a": 1, "b": 1}


async def test_what_a_core_left_a_moment_ago_goes_on_however_long_ago_it_was_asked_for(
    town: CrashTown,
) -> None:
    await town.ask(LEFT_AT_FIRST, serial=True)
    async with town.core() as core:
        resuming = await taken_up(core, asyncio.Event())
        core.clock.advance(2 * WITHIN)
        await core.executions.leave()
        resuming.cancel()

    async with town.core() as core:
        core.clock.advance(2 * WITHIN + 60)
        await core.executions.resume_all(WITHIN, reached)
        assert await over(core) == 0


async def test_nothing_is_sent_before_the_relay_is_reached_and_a_cancel_needs_none(town: CrashTown) -> None:
    await town.ask(LEFT_AT_FIRST)
    async with town.core() as core:
        there = asyncio.Event()
        resuming = await taken_up(core, there)
        async with asyncio.timeout(PATIENCE):
            assert core.executions.is_busy and town.started == {"a": 0, "b": 0}

            await core.executions.cancel("X-1")
        there.set()
        await resuming

        assert await states(core) == [State.CANCELLED] * 2
    assert town.started == {"a": 0, "b": 0}


async def test_a_run_that_cannot_be_read_holds_up_no_other(
    town: CrashTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    await town.ask(LEFT_AT_FIRST)
    async with town.core() as core:
        first = await core.log.find("X-1")
        broken = [(part.node, part.uid, f"{number:032x}") for number, part in enumerate(first.nodes)]
        plan_json = core.request("a", "b").plan.model_dump_json()
        await core.log.create(call="c" * 32, entry="", plan_json=plan_json, nodes=broken, body=first.body)
        await core.log.append("X-2", [("sent", "a", {"not_before": 0.0})])

        async def unreadable(command: str, stream: str) -> object:
            raise Damaged(f"no {stream} of {command}")

        monkeypatch.setattr(core.outputs, "stream", unreadable)
        with core.bus.subscribe(lambda event: isinstance(event, Warned)) as told:
            await core.executions.resume_all(WITHIN, reached)
            assert "X-2 is not taken up" in told.drain()[0].text
        assert await over(core) == 0


async def test_a_run_that_is_launched_goes_on_and_its_outcome_is_put_on_record(town: CrashTown) -> None:
    async with town.core() as core:
        run = await core.executions.launch(core.request("a", "b", serial=True))
        begun = await states(core)
        assert await over(core) == 0
        assert (run, core.late, begun[0] is State.PENDING) == ("X-1", ["ok"], False)


@asynccontextmanager
async def unknown(town: CrashTown) -> AsyncIterator[Core]:
    """A core whose run is over: `b` is well, and the link to `a` was lost while it ran there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(town.nodes["a"], "end_all", lambda: None)
        async with town.core() as core, asyncio.timeout(PATIENCE):
            run = await core.executions.launch(core.request("a", "b"))
            while State.RUNNING not in await states(core):
                await asyncio.sleep(0.005)
            core.dispatch.lose(town.nodes["a"].uid)
            core.clock.advance(6.0)
            await core.executions.follow(run)
            core.late.clear()
            patch.undo()
            yield core


@pytest.mark.parametrize("is_followed", [True, False])
async def test_a_person_settles_what_nobody_knows_and_the_run_has_its_word_and_evidence(
    is_followed: bool, town: CrashTown
) -> None:
    async with AsyncExitStack() as stack:
        core = await stack.enter_async_context(unknown(town))
        if not is_followed:
            core = await stack.enter_async_context(town.core())
        before = await core.executions.results("X-1")
        with core.bus.subscribe(lambda event: isinstance(event, NodeMoved)) as moves:
            await core.executions.settle("X-1", "a", State.OK, "maria", "it is up")

        after = await core.executions.results("X-1")
        assert (before.run.word, before.run.exit_code) == ("unknown", 7)
        assert (after.run.word, after.run.exit_code, after.run.ended_at is None) == ("ok", 0, False)
        assert before.evidence != after.evidence and core.late == ["ok"]
        assert (after.items[0].status, after.items[0].reason) == ("ok", "settled by maria: it is up")
        assert [move.state for move in moves.drain()] == [State.OK]
        assert "a" not in after.heard


async def test_what_a_node_says_of_a_settled_part_stands_beside_it_and_is_told(town: CrashTown) -> None:
    town.nodes["a"].ends = "failed"
    async with unknown(town) as core:
        await core.executions.settle("X-1", "a", State.OK, "maria", "it is up")
        settled = await core.executions.results("X-1")

        with core.bus.subscribe(lambda event: isinstance(event, Warned)) as told:
            town.nodes["a"].end_all()
            core.dispatch.on_presence(*town.rejoin(core, "a"))
            async with asyncio.timeout(PATIENCE):
                assert "was settled as ok; the node itself now says failed" in (await told.next()).text

        after = await core.executions.results("X-1")
        assert (after.run.word, after.items[0].status) == ("ok", "ok")
        assert after.items[0].reason == "settled by maria: it is up; the node said later: failed, exit 1"
        assert after.evidence == settled.evidence
        kinds = [event.kind for event in await core.log.events("X-1") if event.node == "a"]
        assert kinds[-2:] == ["settled", "ended"]


async def test_only_what_is_unknown_is_settled(town: CrashTown) -> None:
    async with unknown(town) as core:
        with pytest.raises(BadParams, match="b of X-1 is ok: a person settles only what is unknown"):
            await core.executions.settle("X-1", "b", State.OK, "maria", "why")
        with pytest.raises(NotFound, match="web is no part of X-1"):
            await core.executions.settle("X-1", "web", State.OK, "maria", "why")
        with pytest.raises(NotFound, match="no run X-7"):
            await core.executions.settle("X-7", "a", State.OK, "maria", "why")
