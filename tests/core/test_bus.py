"""The bus: every listener has its own queue, nobody waits for a slow one, and a gap is said."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.core.bus import Bus, Gap, Subscription


def test_each_listener_gets_every_event_in_order() -> None:
    bus = Bus()
    with bus.subscribe() as one, bus.subscribe() as two:
        for event in ("a", "b", "c"):
            bus.publish(event)

        assert one.drain() == two.drain() == ["a", "b", "c"]
        assert one.drain() == []


def test_a_listener_gets_only_what_it_wants_and_only_while_it_listens() -> None:
    bus = Bus()
    bus.publish("before")
    with bus.subscribe(lambda event: event.startswith("node")) as listener:
        bus.publish("node up")
        bus.publish("run ended")
    bus.publish("node down")

    assert listener.drain() == ["node up"]


@settings(deadline=None)
@given(st.lists(st.integers(), max_size=40), st.integers(1, 10))
def test_a_slow_listener_keeps_the_newest_and_is_told_how_many_it_missed(
    events: list[int], room: int
) -> None:
    bus = Bus()
    with bus.subscribe(max_pending=room) as listener:
        for event in events:
            bus.publish(event)

        missed = max(0, len(events) - room)
        assert listener.drain() == ([Gap(missed)] if missed else []) + events[missed:]
        assert listener.drain() == [], "a gap is told once"


def test_one_slow_listener_takes_nothing_from_another() -> None:
    bus = Bus()
    with bus.subscribe(max_pending=1) as slow, bus.subscribe() as fast:
        bus.publish(1)
        bus.publish(2)

        assert fast.drain() == [1, 2]
        assert slow.drain() == [Gap(1), 2]


async def test_the_next_event_is_waited_for() -> None:
    bus = Bus()
    with bus.subscribe() as listener:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(listener.next())
            await asyncio.sleep(0)
            assert not waiting.done()
            bus.publish("now")

        assert waiting.result() == "now"
        bus.publish("at once")
        assert await listener.next() == "at once"


async def first_batches(listener: Subscription, count: int) -> list[list[str]]:
    """The first batches, without a pause between them."""
    batches: list[list[str]] = []
    async for batch in listener.batches(0.0):
        batches.append(batch)
        if len(batches) == count:
            break
    return batches


async def test_what_came_together_is_one_batch_and_no_batch_is_empty() -> None:
    bus = Bus()
    with bus.subscribe() as listener:
        bus.publish("a")
        bus.publish("b")
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(first_batches(listener, 2))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            bus.publish("c")

        assert reading.result() == [["a", "b"], ["c"]]


def test_what_stays_true_is_told_to_whoever_listens_later_before_anything_else() -> None:
    bus = Bus()
    with bus.subscribe() as early:
        bus.post("set aside")
        bus.publish("gone by")
        with bus.subscribe() as late, bus.subscribe(lambda event: event == "other") as other:
            bus.publish("new")

            assert early.drain() == ["set aside", "gone by", "new"]
            assert late.drain() == ["set aside", "new"]
            assert other.drain() == []


def test_a_gap_that_is_dropped_counts_for_all_it_stood_for() -> None:
    listener = Subscription(lambda event: True, 2)
    for event in (Gap(5), "a", "b"):
        listener.offer(event)

    assert listener.drain() == [Gap(5), "a", "b"]
