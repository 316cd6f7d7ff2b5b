"""The driver of delivery: durable before said, nobody forgotten, nothing kept that is over, loud in death."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from tests.fleet.dispatch_place import PATIENCE, Place, open_place

from devopsclaw.core.outputs import SHORT
from devopsclaw.core.runs import Event
from devopsclaw.fleet import patience
from devopsclaw.fleet.progress import STILL_THERE
from devopsclaw.fleet.resume import rows_of
from devopsclaw.model.errors import Damaged
from devopsclaw.model.events import NodeMoved, NodePrinted, Warned
from devopsclaw.model.state import State
from devopsclaw.wire.frames import FrameType


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path) as opened:
        yield opened


async def test_a_command_is_on_record_before_it_is_offered(place: Place) -> None:
    web = await place.joined("web")
    run = await place.recorded("web")
    command = place.command(run, "web")

    place.dispatch.offer(run, command)
    offer = await web.hears(FrameType.OFFER)

    (event,) = await place.log.events(run.id)
    assert (event.kind, event.node, event.body) == ("sent", "web", {"not_before": command.not_before})
    assert (offer.header["command"], offer.body) == (command.id, command.body)


async def test_result_and_output_are_on_disk_before_the_node_may_forget_them(place: Place) -> None:
    web = await place.joined("web")
    run = await place.recorded("web")
    command = place.command(run, "web")
    place.dispatch.offer(run, command)
    await web.hears(FrameType.OFFER)

    for frame in (
        web.says.accept(command.id),
        web.says.output(0, b"up 3 days\n", identifier=command.id),
        web.says.done(b"up 3 days\n", command.id),
    ):
        place.dispatch.on_frame(frame)
    await web.hears(FrameType.DONE_ACK)

    assert await place.kinds(run.id) == ["sent", "accepted", "ended"]
    assert await place.outputs.read(command.id, "stdout") == b"up 3 days\n"
    assert await place.outputs.sha256(command.id, "stdout")
    assert run.states == {"web": State.OK}


async def test_what_happens_is_told_as_it_happens(place: Place) -> None:
    web = await place.joined("web")
    run = await place.recorded("web")
    command = place.command(run, "web")

    with place.bus.subscribe() as events:
        place.dispatch.offer(run, command)
        place.dispatch.on_frame(web.says.accept(command.id))
        place.dispatch.on_frame(web.says.output(0, b"x", "stderr", command.id))
        place.dispatch.on_frame(
            web.says.done(
                identifier=command.id,
                status="failed",
                exit_code=2,
                stderr_length=1,
                stderr_sha256="2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
            )
        )
        await web.hears(FrameType.DONE_ACK)

    moved = [event for event in events.drain() if not isinstance(event, Warned)]
    assert moved == [
        NodeMoved(run.call, run.id, "web", State.SENT),
        NodeMoved(run.call, run.id, "web", State.RUNNING),
        NodePrinted(run.call, run.id, "web", "stderr", 0, b"x"),
        NodeMoved(run.call, run.id, "web", State.FAILED, 2),
    ]


async def test_nothing_is_kept_of_a_command_that_is_over(place: Place) -> None:
    web = await place.joined("web")
    for _ in range(3):
        run = await place.recorded("web")
        command = place.command(run, "web")
        place.dispatch.offer(run, command)
        place.dispatch.on_frame(web.says.accept(command.id))
        assert (place.dispatch.held, run.under_way) == (1, {command.id})
        place.dispatch.on_frame(web.says.done(identifier=command.id))
        await web.hears(FrameType.DONE_ACK)

        assert (place.dispatch.held, run.under_way) == (0, set())


async def test_nothing_is_kept_of_a_command_whose_node_is_not_there(place: Place) -> None:
    web = await place.joined("web")
    run = await place.recorded("web")
    place.dispatch.lose(web.uid)

    place.dispatch.offer(run, place.command(run, "web"))
    await place.until_kind(run.id, "ended")
    await place.quiet()

    assert (run.states, place.dispatch.held) == ({"web": State.UNREACHABLE}, 0)
    assert (place.dispatch._epochs, place.dispatch._channels) == ({}, {})


async def test_what_is_unknown_is_kept_until_it_is_the_truth(place: Place) -> None:
    web = await place.joined("web")
    run = await place.recorded("web")
    command = place.command(run, "web")
    place.dispatch.offer(run, command)
    place.dispatch.on_frame(web.says.accept(command.id))
    place.dispatch.lose_channel(web.ours)

    place.clock.advance(6.0)
    await place.until_kind(run.id, "unknown")
    await place.quiet()
    assert (run.states, run.is_over, place.dispatch.held) == ({"web": State.UNKNOWN}, True, 1)

    back = await place.joined("web", epoch=2)
    place.dispatch.on_frame(back.says.done(identifier=command.id))
    await back.hears(FrameType.DONE_ACK)

    assert (run.states, place.dispatch.held) == ({"web": State.OK}, 0)
    assert await place.kinds(run.id) == ["sent", "accepted", "unknown", "ended"]


async def test_a_node_that_is_back_with_its_command_running_is_waited_for_again(place: Place) -> None:
    web = await place.joined("web")
    run = await place.recorded("web")
    command = place.command(run, "web")
    place.dispatch.offer(run, command)
    place.dispatch.on_frame(web.says.accept(command.id))
    place.dispatch.lose(web.uid)
    place.clock.advance(6.0)
    await place.until_kind(run.id, "unknown")

    with place.bus.subscribe(lambda event: isinstance(event, NodeMoved)) as moves:
        place.dispatch.on_presence(web.uid, web.ours, 2)
        web.says = type(web.says)(2, web.uid)
        asked = await web.hears(FrameType.RECONCILE)
        place.dispatch.on_frame(web.says.standing(asked, "running", command.id))
        async with asyncio.timeout(PATIENCE):
            while (await moves.next()).reason != STILL_THERE:
                pass

    assert run.states["web"] is State.UNKNOWN and not run.is_over


async def test_a_later_core_asks_the_node_where_it_stands(place: Place) -> None:
    web = await place.joined("web")
    run = await place.recorded("web")
    command = place.command(run, "web")
    place.dispatch.offer(run, command)
    place.dispatch.on_frame(web.says.accept(command.id))
    place.dispatch.on_frame(web.says.output(0, b"half", identifier=command.id))
    await place.until_kind(run.id, "accepted")
    await place.quiet()

    later = type(place)(place.database, place.folder, place.tasks)
    await later.furnish()
    later.dispatch.on_presence(web.uid, web.ours, 1)
    stored = await later.log.find(run.id)
    rows = await rows_of(stored, await later.log.events(run.id), later.outputs, later.signer)
    later.dispatch.resume(run, rows)

    async with asyncio.timeout(PATIENCE):
        while not (asked := await web.hears(FrameType.RECONCILE)).header["commands"]:
            pass
    assert asked.header["commands"] == [{"command": command.id, "stdout": 4, "stderr": 0}]
    assert (rows[0].command, later.dispatch.held) == (command, 1)


async def test_cancelling_stops_every_command_that_is_under_way(place: Place) -> None:
    ends = [await place.joined(name) for name in ("web-1", "web-2")]
    run = await place.recorded("web-1", "web-2")
    for name in ("web-1", "web-2"):
        place.dispatch.offer(run, place.command(run, name))
    for end in ends:
        offer = await end.hears(FrameType.OFFER)
        place.dispatch.on_frame(end.says.accept(offer.header["command"]))
    ended = run.part("web-1").command
    place.dispatch.on_frame(ends[0].says.done(identifier=ended))
    await ends[0].hears(FrameType.DONE_ACK)

    place.dispatch.cancel(run)

    cancel = await ends[1].hears(FrameType.CANCEL)
    assert cancel.header["command"] == run.part("web-2").command
    await ends[0].hears_nothing_of(FrameType.CANCEL, place)
    assert "cancelling" in await place.kinds(run.id)


async def test_a_node_that_was_never_sent_anything_is_settled_here(place: Place) -> None:
    await place.joined("web")
    run = await place.recorded("web")

    with place.bus.subscribe() as events:
        place.dispatch.settle(run, "web", State.SKIPPED, "drained")

    assert run.is_over
    assert events.drain() == [NodeMoved(run.call, run.id, "web", State.SKIPPED, None, "drained")]


async def test_a_result_that_an_earlier_core_already_holds_is_acknowledged(place: Place) -> None:
    web = await place.joined("web")
    run = await place.recorded("web")
    command = place.command(run, "web")
    place.dispatch.offer(run, command)
    place.dispatch.on_frame(web.says.accept(command.id))
    done = web.says.done(identifier=command.id)
    place.dispatch.on_frame(done)
    await web.hears(FrameType.DONE_ACK)

    place.dispatch.on_frame(web.says.done(identifier=command.id))

    assert (await web.hears(FrameType.DONE_ACK)).header["command"] == command.id


async def test_a_result_that_nobody_asked_for_is_left_where_it_is(place: Place) -> None:
    web, other = await place.joined("web"), await place.joined("other")
    run = await place.recorded("web")
    command = place.command(run, "web")
    place.dispatch.offer(run, command)
    place.dispatch.on_frame(web.says.accept(command.id))
    place.dispatch.on_frame(web.says.done(identifier=command.id))
    await web.hears(FrameType.DONE_ACK)

    place.dispatch.on_frame(web.says.done(identifier="f" * 32))
    place.dispatch.on_frame(other.says.done(identifier=command.id))

    await web.hears_nothing_of(FrameType.DONE_ACK, place)
    await other.hears_nothing_of(FrameType.DONE_ACK, place)


async def test_a_channel_that_is_closed_loses_the_frame_and_nothing_else(place: Place) -> None:
    web = await place.joined("web")
    run = await place.recorded("web")
    await web.ours.close()

    place.dispatch.offer(run, place.command(run, "web"))
    await place.until_kind(run.id, "sent")
    await place.quiet()

    back = await place.joined("web", epoch=2)
    assert (run.states, back.ours.welcome.epoch) == ({"web": State.SENT}, 2)


async def test_while_the_disk_is_full_nothing_is_acknowledged_and_people_are_told_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "DISK_RETRY", 0.01)
    web = await place.joined("web")
    run = await place.recorded("web")
    command = place.command(run, "web")
    place.dispatch.offer(run, command)
    place.dispatch.on_frame(web.says.accept(command.id))
    await place.until_kind(run.id, "accepted")

    def fill(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    await place.database.write(fill)
    text = b"x" * SHORT
    with place.bus.subscribe(lambda event: isinstance(event, Warned)) as warnings:
        place.dispatch.on_frame(web.says.output(0, text, identifier=command.id))
        place.dispatch.on_frame(web.says.done(text, command.id))
        async with asyncio.timeout(PATIENCE):
            warned = await warnings.next()
        await web.hears_nothing_of(FrameType.DONE_ACK, place)
        assert run.states == {"web": State.RUNNING}
        await place.database.write(
            lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchone()
        )
        await web.hears(FrameType.DONE_ACK)

    assert "results wait on their nodes" in warned.text
    assert warnings.drain() == []
    assert await place.kinds(run.id) == ["sent", "accepted", "ended"]
    assert await place.outputs.read(command.id, "stdout", 0, SHORT) == text


async def test_output_that_a_dying_core_had_closed_too_early_goes_on(place: Place) -> None:
    web = await place.joined("web")
    run = await place.recorded("web")
    command = place.command(run, "web")
    place.dispatch.offer(run, command)
    place.dispatch.on_frame(web.says.accept(command.id))
    place.dispatch.on_frame(web.says.output(0, b"half", identifier=command.id))
    await place.until_kind(run.id, "accepted")
    await place.quiet()
    await place.outputs.close(command.id)

    place.dispatch.on_frame(web.says.output(4, b" and half", identifier=command.id))
    place.dispatch.on_frame(web.says.done(b"half and half", command.id))
    await web.hears(FrameType.DONE_ACK)

    assert run.states == {"web": State.OK}
    assert await place.outputs.read(command.id, "stdout") == b"half and half"


async def test_a_disk_that_fails_while_something_is_sent_does_not_lose_its_time_window(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "DISK_RETRY", 0.0)
    web = await place.joined("web")
    run = await place.recorded("web")
    append, failures = place.log.append, [Damaged("the disk is full"), Damaged("the disk is full")]

    async def fail_first(run: str, events: Iterable[Event]) -> None:
        if failures:
            raise failures.pop()
        await append(run, events)

    monkeypatch.setattr(place.log, "append", fail_first)
    place.dispatch.offer(run, place.command(run, "web"))
    await web.hears(FrameType.OFFER)

    (event,) = await place.log.events(run.id)
    assert event.body == {"not_before": place.clock.wall()}


async def test_a_driver_that_dies_ends_its_core_loudly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_down(*given: object) -> int:
        raise ZeroDivisionError("the store is broken")

    with pytest.raises(ZeroDivisionError, match="the store is broken"):
        async with open_place(tmp_path) as place, asyncio.timeout(PATIENCE):
            web = await place.joined("web")
            run = await place.recorded("web")
            command = place.command(run, "web")
            monkeypatch.setattr(place.outputs, "append", break_down)
            place.dispatch.offer(run, command)
            place.dispatch.on_frame(web.says.output(0, b"x", identifier=command.id))
            await asyncio.Event().wait()
