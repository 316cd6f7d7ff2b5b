"""A run that is followed: when it is over, and who is woken."""

from __future__ import annotations

import asyncio

import pytest

from devopsclaw.core.runs import RunNode
from devopsclaw.fleet.live_run import LiveRun
from devopsclaw.model.state import State


@pytest.fixture
def run() -> LiveRun:
    """Two nodes, nothing sent."""
    parts = [RunNode("a", "n_a", "1" * 32), RunNode("b", "n_b", "2" * 32)]
    return LiveRun("X-1", "c" * 32, parts, {"a": State.PENDING, "b": State.PENDING})


def test_nodes_and_commands_are_found_by_each_other(run: LiveRun) -> None:
    assert run.node_of("2" * 32) == "b"
    assert run.part("b").uid == "n_b"


def test_it_is_over_when_every_node_has_ended(run: LiveRun) -> None:
    run.move("a", State.OK)
    assert not run.is_over
    run.move("b", State.FAILED)
    assert run.is_over


@pytest.mark.parametrize("state", [State.PENDING, State.QUEUED, State.SENT, State.RUNNING])
def test_it_is_not_over_while_one_is_on_its_way(state: State, run: LiveRun) -> None:
    run.move("a", State.OK)
    run.move("b", state)

    assert not run.is_over


def test_what_is_unknown_is_over_unless_the_node_is_about_to_tell(run: LiveRun) -> None:
    run.move("a", State.OK)
    run.move("b", State.UNKNOWN, is_awaited=True)
    assert not run.is_over

    run.move("b", State.UNKNOWN)
    assert run.is_over


def test_it_ended_with_its_last_node_whoever_is_heard_of_last(run: LiveRun) -> None:
    for at in (0.0, 70.0, 12.0):
        run.end(at)

    assert run.ended_at == 70.0


async def test_whoever_waits_is_woken_by_a_move(run: LiveRun) -> None:
    waiting = asyncio.ensure_future(run.changed())
    await asyncio.sleep(0)
    assert not waiting.done()

    run.move("a", State.SENT)

    await asyncio.wait_for(waiting, 10)


async def test_a_move_while_nobody_waited_is_not_missed(run: LiveRun) -> None:
    run.move("a", State.SENT)

    await asyncio.wait_for(run.changed(), 10)


async def test_waiting_has_an_end(run: LiveRun) -> None:
    await asyncio.wait_for(run.changed(0.0), 10)

    assert run.states["a"] is State.PENDING


async def test_cancelling_wakes_whoever_sends(run: LiveRun) -> None:
    waiting = asyncio.ensure_future(run.changed())
    await asyncio.sleep(0)

    run.cancel()

    await asyncio.wait_for(waiting, 10)
    assert run.is_cancelled


async def test_all_who_wait_for_the_end_are_told_of_it(run: LiveRun) -> None:
    waiting = [asyncio.ensure_future(run.over()) for _ in range(3)]
    await asyncio.sleep(0)
    run.move("a", State.OK)
    await asyncio.sleep(0)
    assert not any(each.done() for each in waiting)

    run.close()

    await asyncio.wait_for(asyncio.gather(*waiting), 10)
    await asyncio.wait_for(run.over(), 10)
