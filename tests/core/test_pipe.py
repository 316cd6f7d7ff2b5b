"""The in-memory pipe: in order, bounded, and its end is told to both sides."""

from __future__ import annotations

import asyncio

import pytest

from devopsclaw.core.pipe import PipeEnd, pipe


class Over(Exception):
    """The error these tests ask a pipe to raise at its end."""


def ends(bound: int = 4) -> tuple[PipeEnd[int, str], PipeEnd[int, str]]:
    """A pipe of numbers."""
    return pipe("left", "right", Over, bound)


async def test_each_end_has_its_own_welcome() -> None:
    left, right = ends()

    assert (left.welcome, right.welcome) == ("left", "right")


async def test_items_arrive_in_order_both_ways() -> None:
    left, right = ends()
    for number in (1, 2, 3):
        await left.send(number)
    await right.send(9)

    assert [await right.receive() for _ in range(3)] == [1, 2, 3]
    assert await left.receive() == 9


async def test_a_sender_waits_while_the_other_end_is_slow() -> None:
    left, right = ends(bound=2)
    await left.send(1)
    await left.send(2)

    async with asyncio.TaskGroup() as group:
        third = group.create_task(left.send(3))
        await asyncio.sleep(0)
        assert not third.done()
        assert await right.receive() == 1

    assert [await right.receive(), await right.receive()] == [2, 3]


async def test_what_was_sent_before_the_end_still_arrives() -> None:
    left, right = ends()
    await left.send(1)

    await left.close()

    assert await right.receive() == 1
    with pytest.raises(Over):
        await right.receive()


async def test_both_ends_learn_of_the_end() -> None:
    left, right = ends()
    waiting = asyncio.ensure_future(left.receive())
    await asyncio.sleep(0)

    await right.close()
    await right.close()

    with pytest.raises(Over):
        await waiting
    for end in (left, right):
        with pytest.raises(Over):
            await end.send(1)


async def test_a_sender_that_waits_for_room_learns_of_the_end() -> None:
    left, right = ends(bound=1)
    await left.send(1)
    waiting = asyncio.ensure_future(left.send(2))
    await asyncio.sleep(0)

    await right.close()

    with pytest.raises(Over):
        await waiting


async def test_a_cancelled_receiver_takes_nothing_away() -> None:
    left, right = ends()
    waiting = asyncio.ensure_future(right.receive())
    await asyncio.sleep(0)
    waiting.cancel()
    await left.send(1)

    assert await right.receive() == 1
