"""The runs of a core: asked for, left, taken up, watched by many, and forgotten when they are over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.fleet.dispatch_place import PATIENCE, FarEnd, Place, open_place

from devopsclaw.fleet.grammar import parse
from devopsclaw.model.errors import DETACHED, NotFound
from devopsclaw.model.events import RunPlanned
from devopsclaw.model.state import State
from devopsclaw.wire.frames import FrameType


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path) as opened:
        yield opened


async def accepted(place: Place, end: FarEnd) -> str:
    """The command that the node was offered, which it has taken."""
    command = str((await end.hears(FrameType.OFFER)).header["command"])
    place.dispatch.on_frame(end.says.accept(command))
    return command


async def later_core(place: Place) -> Place:
    """Another core on the same database, which follows nothing yet."""
    later = Place(place.database, place.folder, place.tasks)
    await later.furnish()
    return later


async def test_a_run_is_recorded_before_it_is_sent_and_named_to_whoever_listens(place: Place) -> None:
    web = await place.joined("web")
    request = place.request("web")
    with place.bus.subscribe(lambda event: isinstance(event, RunPlanned)) as events:
        task = asyncio.ensure_future(place.executions.execute(request))
        command = await accepted(place, web)

    stored = await place.log.find("X-1")
    assert events.drain() == [RunPlanned(request.call, "X-1", "uptime", ("web",))]
    assert (stored.entry, stored.plan["run"], stored.nodes[0].command) == ("E-1", "uptime", command)
    assert stored.body == request.body()
    task.cancel()


async def test_the_call_returns_when_the_run_is_over(place: Place) -> None:
    web = await place.joined("web")
    task = asyncio.ensure_future(place.executions.execute(place.request("web")))
    command = await accepted(place, web)
    place.dispatch.on_frame(web.says.done(identifier=command))

    assert await asyncio.wait_for(task, PATIENCE) == "X-1"
    run, items, *_ = await place.executions.results("X-1")
    assert (run.exit_code, [item.status for item in items]) == (0, ["ok"])


async def test_nothing_is_kept_of_runs_that_are_over(place: Place) -> None:
    web = await place.joined("web")
    for _ in range(3):
        task = asyncio.ensure_future(place.executions.execute(place.request("web")))
        place.dispatch.on_frame(web.says.done(identifier=await accepted(place, web)))
        await asyncio.wait_for(task, PATIENCE)
    await place.quiet()

    assert (place.executions._live, place.dispatch.held) == ({}, 0)


async def test_a_call_that_is_cancelled_leaves_a_run_that_ends_by_itself(place: Place) -> None:
    web = await place.joined("web")
    task = asyncio.ensure_future(place.executions.execute(place.request("web")))
    command = await accepted(place, web)
    task.cancel()
    with pytest.raises(asyncio.CancelledError, match=DETACHED):
        await task
    assert await place.executions.open_ids() == ["X-1"]

    place.dispatch.on_frame(web.says.done(identifier=command))
    await asyncio.wait_for(place.executions.watch("X-1"), PATIENCE)

    assert await place.executions.open_ids() == []


async def test_a_later_core_takes_a_run_up_once_for_all_who_ask(place: Place) -> None:
    web = await place.joined("web")
    task = asyncio.ensure_future(place.executions.execute(place.request("web")))
    command = await accepted(place, web)
    await place.until_kind("X-1", "accepted")
    later = await later_core(place)
    later.dispatch.on_presence(web.uid, web.ours, 1)

    watching = [asyncio.ensure_future(later.executions.watch("X-1")) for _ in range(5)]
    async with asyncio.timeout(PATIENCE):
        while not later.dispatch.held:
            await asyncio.sleep(0.005)
    later.dispatch.on_frame(web.says.done(identifier=command))
    await asyncio.wait_for(asyncio.gather(*watching), PATIENCE)

    assert (await later.kinds("X-1")).count("ended") == 1
    assert (await later.log.find("X-1")).exit_code == 0
    task.cancel()


async def test_watching_sends_nothing_that_was_not_sent(place: Place) -> None:
    web = await place.joined("a")
    run = await place.recorded("a")
    later = await later_core(place)
    later.dispatch.on_presence(web.uid, web.ours, 1)

    await asyncio.wait_for(later.executions.watch(run.id), PATIENCE)

    _, (item,), *_ = await later.executions.results(run.id)
    assert (item.status, await later.kinds(run.id)) == (State.PENDING, [])
    assert not later.executions.is_sending(run.id) and not later.executions.is_busy
    await web.hears_nothing_of(FrameType.OFFER, later)


async def test_what_is_over_is_not_followed_again(place: Place) -> None:
    web = await place.joined("web")
    task = asyncio.ensure_future(place.executions.execute(place.request("web")))
    place.dispatch.on_frame(web.says.done(identifier=await accepted(place, web)))
    await asyncio.wait_for(task, PATIENCE)
    before = await place.kinds("X-1")

    await asyncio.wait_for(place.executions.watch("X-1"), PATIENCE)
    await asyncio.wait_for(place.executions.cancel("X-1"), PATIENCE)

    assert await place.kinds("X-1") == before


@pytest.mark.parametrize("verb", ["watch", "follow", "cancel", "results"])
async def test_a_run_that_does_not_exist_is_an_error(verb: str, place: Place) -> None:
    with pytest.raises(NotFound):
        await getattr(place.executions, verb)("X-9")


async def test_a_later_core_cancels_and_closes_the_run(place: Place) -> None:
    web = await place.joined("web")
    task = asyncio.ensure_future(place.executions.execute(place.request("web")))
    command = await accepted(place, web)
    await place.until_kind("X-1", "accepted")
    later = await later_core(place)
    later.dispatch.on_presence(web.uid, web.ours, 1)

    cancelling = asyncio.ensure_future(later.executions.cancel("X-1"))
    await web.hears(FrameType.CANCEL)
    later.dispatch.on_frame(web.says.done(identifier=command, status="killed", exit_code=None, signal=9))
    await asyncio.wait_for(cancelling, PATIENCE)

    assert (await later.log.find("X-1")).exit_code == 1
    assert await later.executions.open_ids() == []
    task.cancel()


async def watched_later(place: Place, end: FarEnd, looked_after: float) -> Place:
    """A core that takes X-1 up so many seconds later, and hears that it ran for five."""
    command = await accepted(place, end)
    await place.until_kind("X-1", "accepted")
    later = await later_core(place)
    later.clock.now = place.clock.now + looked_after
    later.dispatch.on_presence(end.uid, end.ours, 1)
    watching = asyncio.ensure_future(later.executions.watch("X-1"))
    async with asyncio.timeout(PATIENCE):
        while not later.dispatch.held:
            await asyncio.sleep(0.005)
    done: dict[str, Any] = {"identifier": command, "started_at": place.clock.now + 1, "duration": 5.0}
    later.dispatch.on_frame(end.says.done(**done))
    await asyncio.wait_for(watching, PATIENCE)
    return later


async def test_a_run_that_is_looked_at_later_did_not_last_longer(place: Place) -> None:
    web = await place.joined("web")
    task = asyncio.ensure_future(place.executions.execute(place.request("web")))

    later = await watched_later(place, web, 3600.0)

    assert (await later.log.find("X-1")).duration == 6.0
    assert later.late == ["ok"]
    task.cancel()


async def test_a_run_that_ended_before_its_core_died_ended_then(place: Place) -> None:
    web = await place.joined("web")
    run = await place.recorded("web")
    command = place.command(run, "web")
    place.dispatch.offer(run, command)
    place.dispatch.on_frame(web.says.accept(command.id))
    done: dict[str, Any] = {"identifier": command.id, "started_at": place.clock.now, "duration": 0.0}
    place.dispatch.on_frame(web.says.done(**done))
    await web.hears(FrameType.DONE_ACK)
    later = await later_core(place)
    later.clock.now = place.clock.now + 3600.0

    await asyncio.wait_for(later.executions.watch(run.id), PATIENCE)

    assert (await later.log.find(run.id)).duration == 0.0


async def test_the_hash_of_the_results_is_the_same_live_and_later(place: Place) -> None:
    web = await place.joined("web")
    live = asyncio.ensure_future(place.executions.execute(place.request("web")))
    await watched_later(place, web, 3600.0)
    live.cancel()
    again = asyncio.ensure_future(place.executions.execute(place.request("web")))
    place.dispatch.on_frame(web.says.done(identifier=await accepted(place, web)))
    await asyncio.wait_for(again, PATIENCE)

    first, second = [(await place.executions.results(run)).evidence for run in ("X-1", "X-2")]
    assert first == second


async def test_what_stays_unknown_is_put_on_record_once_however_often_it_is_watched(place: Place) -> None:
    web = await place.joined("web")
    task = asyncio.ensure_future(place.executions.execute(place.request("web")))
    await accepted(place, web)
    await place.until_kind("X-1", "accepted")
    words = []
    for _ in range(2):
        later = await later_core(place)
        watching = asyncio.ensure_future(later.executions.watch("X-1"))
        async with asyncio.timeout(PATIENCE):
            while not watching.done():
                later.clock.advance(10.0)
                await asyncio.wait({watching}, timeout=0.05)
        words.append(later.late)

    assert words == [["unknown"], []]
    assert (await place.log.find("X-1")).duration is None
    task.cancel()


async def test_a_run_that_an_earlier_core_was_cancelling_reads_cancelled(place: Place) -> None:
    web = await place.joined("web")
    task = asyncio.ensure_future(place.executions.execute(place.request("web")))
    command = await accepted(place, web)
    await place.until_kind("X-1", "accepted")
    cancelling = asyncio.ensure_future(place.executions.cancel("X-1"))
    await place.until_kind("X-1", "cancelling")
    later = await later_core(place)
    later.dispatch.on_presence(web.uid, web.ours, 1)
    watching = asyncio.ensure_future(later.executions.watch("X-1"))
    async with asyncio.timeout(PATIENCE):
        while not later.dispatch.held:
            await asyncio.sleep(0.005)

    later.dispatch.on_frame(web.says.done(identifier=command, status="killed", exit_code=None, signal=15))
    await asyncio.wait_for(watching, PATIENCE)

    stored = await later.log.find("X-1")
    assert (stored.exit_code, stored.word) == (1, "cancelled")
    for each in (cancelling, task):
        each.cancel()


async def test_only_the_core_that_follows_a_run_hears_what_its_nodes_say(place: Place) -> None:
    web = await place.joined("web")
    task = asyncio.ensure_future(place.executions.execute(place.request("web")))
    heard_at = place.clock.now
    await accepted(place, web)
    await place.until_kind("X-1", "accepted")
    place.clock.advance(100.0)
    later = await later_core(place)

    assert (place.executions.follows("X-1"), later.executions.follows("X-1")) == (True, False)
    assert (await later.executions.standing(await later.log.find("X-1"))).heard == {"web": heard_at}
    task.cancel()


async def test_open_runs_name_the_keys_they_concern(place: Place) -> None:
    web = await place.joined("web")
    await place.recorded("web")

    assert await place.executions.open_uids() == {web.uid}


async def test_targets_may_name_what_earlier_runs_came_to(place: Place) -> None:
    web, api = await place.joined("web"), await place.joined("api")
    task = asyncio.ensure_future(place.executions.execute(place.request("api", "web")))
    place.dispatch.on_frame(web.says.done(identifier=await accepted(place, web)))
    command = await accepted(place, api)
    place.dispatch.on_frame(api.says.done(identifier=command, status="failed", exit_code=1))
    await asyncio.wait_for(task, PATIENCE)

    for name in ("last", "X-1"):
        ended = await place.executions.lookup(parse(f"run:{name}:failed"))
        assert ended.nodes_of(name, frozenset({State.FAILED})) == ["api"]
    assert (await place.executions.lookup(None)).states == {}


async def test_before_anything_ran_there_is_no_last_run(place: Place) -> None:
    with pytest.raises(NotFound, match="nothing ran yet"):
        await place.executions.lookup(parse("run:last:failed"))


async def test_equal_output_of_many_nodes_is_read_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = [await place.joined(name) for name in ("a", "b", "c")]
    task = asyncio.ensure_future(place.executions.execute(place.request("a", "b", "c")))
    for end in ends:
        command = await accepted(place, end)
        place.dispatch.on_frame(end.says.output(0, b"same\n", identifier=command))
        place.dispatch.on_frame(end.says.done(b"same\n", command))
    await asyncio.wait_for(task, PATIENCE)

    reads, read = [], place.outputs.read

    async def counted(command: str, stream: str, *given: int) -> bytes:
        reads.append(command)
        return await read(command, stream, *given)

    monkeypatch.setattr(place.outputs, "read", counted)
    _, items, *_ = await place.executions.results("X-1")

    assert [item.stdout for item in items] == ["same\n"] * 3
    assert len(reads) == 1


async def test_a_run_gets_the_entry_that_was_written_after_it(place: Place) -> None:
    await place.joined("web")
    parts = place.conductor.recipients.parts("c" * 32, ["web"])
    run = await place.log.create(
        call="c" * 32,
        entry="",
        plan_json="{}",
        nodes=[(part.node, part.uid, part.command) for part in parts],
        body={},
    )

    await place.executions.name_entry(run, "E-5")

    assert (await place.executions.recent(1))[0].entry == "E-5"
