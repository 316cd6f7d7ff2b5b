"""One run from its first offer to its end in the log, with nodes that the test speaks for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from tests.fleet.dispatch_place import PATIENCE, FarEnd, Place, open_place

from devopsclaw.core.runs import Event, RunNode
from devopsclaw.fleet import patience
from devopsclaw.fleet.conductor import Request
from devopsclaw.fleet.live_run import LiveRun
from devopsclaw.fleet.membership import Registration
from devopsclaw.model.errors import Damaged
from devopsclaw.model.events import RunEnded
from devopsclaw.model.state import State
from devopsclaw.wire.frames import FrameType


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path) as opened:
        yield opened


async def begun(place: Place, *names: str, **changes: object) -> tuple[LiveRun, asyncio.Task[None]]:
    """A run that is being carried out."""
    run = await place.recorded(*names)
    request: Request = place.request(*names, call=run.call, **changes)
    return run, asyncio.ensure_future(place.conductor.carry_out(run, request))


async def answer(place: Place, end: FarEnd, **done: Any) -> None:
    """The node takes its command and ends it."""
    offer = await end.hears(FrameType.OFFER)
    command = offer.header["command"]
    place.dispatch.on_frame(end.says.accept(command))
    place.dispatch.on_frame(end.says.done(identifier=command, **done))


async def ended(task: asyncio.Task[None]) -> None:
    """The run is over."""
    async with asyncio.timeout(PATIENCE):
        await task


FAILED: dict[str, Any] = {"status": "failed", "exit_code": 1}
KILLED: dict[str, Any] = {"status": "killed", "exit_code": None, "signal": 15}


async def test_every_node_is_sent_its_command_and_the_end_is_in_the_log(place: Place) -> None:
    ends = [await place.joined(name) for name in ("a", "b", "c")]
    with place.bus.subscribe(lambda event: isinstance(event, RunEnded)) as events:
        run, task = await begun(place, "a", "b", "c")
        for end in ends:
            await answer(place, end)
        await ended(task)

    stored = await place.log.find(run.id)
    assert (stored.exit_code, stored.finished_at) == (0, place.clock.wall())
    assert events.drain() == [RunEnded(run.call, run.id, 0, {"ok": 3})]
    assert run.is_closed and place.dispatch.held == 0


async def test_no_more_nodes_than_asked_for_run_at_the_same_time(place: Place) -> None:
    ends = [await place.joined(name) for name in ("a", "b", "c")]
    _, task = await begun(place, "a", "b", "c", parallel=2)
    await ends[1].hears(FrameType.OFFER)
    await ends[2].hears_nothing_of(FrameType.OFFER, place)

    await answer(place, ends[0])
    await ends[2].hears(FrameType.OFFER)
    task.cancel()


async def test_serial_is_one_after_the_other_with_a_pause_between(place: Place) -> None:
    first, second = await place.joined("a"), await place.joined("b")
    run, task = await begun(place, "a", "b", serial=True, delay=0.05)
    await answer(place, first)
    await place.until_kind(run.id, "ended")
    await second.hears_nothing_of(FrameType.OFFER, place)

    place.clock.advance(1.0)
    run.move("a", State.OK)  # whoever waits looks at the clock again
    await answer(place, second)
    await ended(task)

    assert run.states == {"a": State.OK, "b": State.OK}


async def test_a_serial_run_ends_with_the_first_node_that_fails(place: Place) -> None:
    first, second = await place.joined("a"), await place.joined("b")
    run, task = await begun(place, "a", "b", serial=True)
    await answer(place, first, **FAILED)
    await ended(task)

    assert run.states == {"a": State.FAILED, "b": State.SKIPPED}
    assert (await place.log.find(run.id)).exit_code == 5
    await second.hears_nothing_of(FrameType.OFFER, place)


async def test_a_serial_run_whose_last_node_fails_was_not_stopped(place: Place) -> None:
    end = await place.joined("a")
    run, task = await begun(place, "a", serial=True)
    await answer(place, end, **FAILED)
    await ended(task)

    assert (await place.log.find(run.id)).exit_code == 1


async def test_what_is_drained_or_never_joined_does_not_stop_a_serial_run(place: Place) -> None:
    await place.joined("a")
    await place.nodes.drain("a")
    await place.nodes.register(Registration("b"))
    end = await place.joined("c")
    run, task = await begun(place, "a", "b", "c", serial=True)
    await answer(place, end)
    await ended(task)

    assert run.states == {"a": State.SKIPPED, "b": State.UNREACHABLE, "c": State.OK}
    assert (await place.log.find(run.id)).exit_code == 4


async def test_a_run_with_nobody_to_send_to_is_over_at_once(place: Place) -> None:
    await place.nodes.register(Registration("a"))
    run, task = await begun(place, "a")
    await ended(task)

    assert (await place.log.find(run.id)).exit_code == 4


async def test_cancelling_sends_nothing_more_and_waits_for_what_runs(place: Place) -> None:
    first, second = await place.joined("a"), await place.joined("b")
    run, task = await begun(place, "a", "b", parallel=1)
    offer = await first.hears(FrameType.OFFER)
    place.dispatch.on_frame(first.says.accept(offer.header["command"]))

    run.cancel()
    place.dispatch.cancel(run)
    await first.hears(FrameType.CANCEL)
    await place.until_kind(run.id, "ended")
    assert not task.done()
    place.dispatch.on_frame(
        first.says.done(identifier=offer.header["command"], status="killed", exit_code=None, signal=15)
    )
    await ended(task)

    assert run.states == {"a": State.KILLED, "b": State.CANCELLED}
    stored = await place.log.find(run.id)
    assert (stored.exit_code, stored.word) == (1, "cancelled")
    await second.hears_nothing_of(FrameType.OFFER, place)


async def cancelled_at(place: Place, run: LiveRun, node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person cancels the run while the end of this node's part is on its way to the disk."""
    append = place.log.append

    async def append_and_cancel(run_id: str, events: Iterable[Event]) -> None:
        events = list(events)
        if any(kind == "ended" and name == node for kind, name, _ in events):
            run.cancel()
            place.dispatch.cancel(run)
        await append(run_id, events)

    monkeypatch.setattr(place.log, "append", append_and_cancel)


async def test_nothing_is_sent_after_a_cancel_that_comes_before_the_first_send(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.nodes.register(Registration("a"))
    end = await place.joined("b")
    run = await place.recorded("a", "b")
    request = place.request("a", "b", call=run.call)
    await cancelled_at(place, run, "a", monkeypatch)

    await asyncio.wait_for(place.conductor.carry_out(run, request), PATIENCE)

    assert run.states == {"a": State.UNREACHABLE, "b": State.CANCELLED}
    await end.hears_nothing_of(FrameType.OFFER, place)


async def test_nothing_is_sent_after_a_cancel_that_comes_while_a_node_is_settled_in_its_turn(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = {name: await place.joined(name) for name in ("a", "b", "c", "d")}
    run = await place.recorded(*ends)
    request = place.request(*ends, call=run.call, parallel=3)
    await cancelled_at(place, run, "b", monkeypatch)
    refusal, asked = place.conductor.recipients.refusal, Counter[str]()

    def refuse_in_its_turn(part: RunNode) -> tuple[State, str] | None:
        asked[part.node] += 1
        return (State.SKIPPED, "drained") if part.node == "b" and asked["b"] > 1 else refusal(part)

    monkeypatch.setattr(place.conductor.recipients, "refusal", refuse_in_its_turn)
    carried = asyncio.ensure_future(place.conductor.carry_out(run, request))
    cancel = await ends["a"].hears(FrameType.CANCEL)
    place.dispatch.on_frame(ends["a"].says.done(identifier=cancel.header["command"], **KILLED))
    await ended(carried)

    assert run.states == {
        "a": State.KILLED,
        "b": State.SKIPPED,
        "c": State.CANCELLED,
        "d": State.CANCELLED,
    }
    for name in ("c", "d"):
        await ends[name].hears_nothing_of(FrameType.OFFER, place)
    stored = await place.log.find(run.id)
    assert (stored.exit_code, stored.word) == (1, "cancelled")


async def test_a_cancelled_run_in_which_a_node_failed_has_failed(place: Place) -> None:
    first, second = await place.joined("a"), await place.joined("b")
    run, task = await begun(place, "a", "b")
    await answer(place, first, **FAILED)
    offer = await second.hears(FrameType.OFFER)
    await place.until_kind(run.id, "ended")
    run.cancel()
    place.dispatch.cancel(run)
    place.dispatch.on_frame(second.says.done(identifier=offer.header["command"], **KILLED))
    await ended(task)

    stored = await place.log.find(run.id)
    assert (stored.exit_code, stored.word) == (1, "failed")


async def test_a_run_lasted_as_long_as_its_nodes_say(place: Place) -> None:
    ends = [await place.joined("a"), await place.joined("b")]
    run, task = await begun(place, "a", "b")
    offers = [await end.hears(FrameType.OFFER) for end in ends]
    began = place.clock.wall() + 1
    place.clock.advance(9.0)
    for end, offer, duration in zip(ends, offers, (5.0, 2.0), strict=True):
        done = {"identifier": offer.header["command"], "started_at": began, "duration": duration}
        place.dispatch.on_frame(end.says.done(**done))
    await ended(task)

    assert (await place.log.find(run.id)).duration == 6.0


async def test_the_truth_that_comes_late_corrects_the_exit_code(place: Place) -> None:
    web = await place.joined("a")
    with place.bus.subscribe(lambda event: isinstance(event, RunEnded)) as events:
        run, task = await begun(place, "a")
        offer = await web.hears(FrameType.OFFER)
        place.dispatch.on_frame(web.says.accept(offer.header["command"]))
        place.dispatch.lose(web.uid)
        place.clock.advance(6.0)
        await asyncio.wait_for(run.over(), PATIENCE)
        assert (await place.log.find(run.id)).exit_code == 7
        assert not task.done()

        back = await place.joined("a", epoch=2)
        place.dispatch.on_frame(back.says.done(identifier=offer.header["command"]))
        await ended(task)

    assert (await place.log.find(run.id)).exit_code == 0
    assert [event.exit_code for event in events.drain()] == [7, 0]
    assert place.late == ["ok"]  # who asked has the answer `unknown`, so nobody waits for the truth


async def test_a_full_disk_delays_the_end_and_does_not_lose_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "DISK_RETRY", 0.0)
    finish, failures = place.log.finish, [Damaged("the disk is full")] * 3

    async def fail_first(*given: Any) -> None:
        if failures:
            raise failures.pop()
        await finish(*given)

    monkeypatch.setattr(place.log, "finish", fail_first)
    end = await place.joined("a")
    run, task = await begun(place, "a")
    await answer(place, end)
    await ended(task)

    assert (await place.log.find(run.id)).exit_code == 0 and not failures
