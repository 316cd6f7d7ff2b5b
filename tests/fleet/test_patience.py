"""Waiting for a disk."""

from __future__ import annotations

import asyncio

import pytest

from devopsclaw.core.bus import Bus
from devopsclaw.fleet import patience
from devopsclaw.fleet.patience import Patience
from devopsclaw.model.errors import Damaged, NotFound
from devopsclaw.model.events import Warned


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "DISK_RETRY", 0.0)


class Disk:
    """Fails so many times."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.written = 0

    async def write(self) -> None:
        """One write."""
        if self.failures:
            self.failures -= 1
            raise Damaged("the disk is full", hint="free some space")
        self.written += 1


async def test_a_write_that_succeeds_is_done_once_and_nobody_is_told() -> None:
    bus, disk = Bus(), Disk(0)
    with bus.subscribe() as events:
        await Patience(bus).until_written(disk.write)

    assert (disk.written, events.drain()) == (1, [])


async def test_a_write_is_tried_until_it_succeeds() -> None:
    bus, disk = Bus(), Disk(5)
    with bus.subscribe() as events:
        await Patience(bus).until_written(disk.write)

    assert disk.written == 1
    assert events.drain() == [Warned("results wait on their nodes: the disk is full", "free some space")]


async def test_of_many_that_wait_people_are_told_once() -> None:
    bus, disk = Bus(), Disk(30)
    waiting = Patience(bus)
    with bus.subscribe() as events:
        await asyncio.gather(*(waiting.until_written(disk.write) for _ in range(10)))

    assert (disk.written, len(events.drain())) == (10, 1)


async def test_the_next_time_is_told_again() -> None:
    bus = Bus()
    waiting = Patience(bus)
    with bus.subscribe() as events:
        await waiting.until_written(Disk(2).write)
        await waiting.until_written(Disk(2).write)

    assert len(events.drain()) == 2


async def test_whoever_gives_up_waits_no_more() -> None:
    bus, disk = Bus(), Disk(10**9)
    waiting = Patience(bus)
    task = asyncio.ensure_future(waiting.until_written(disk.write))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    with bus.subscribe() as events:
        await waiting.until_written(Disk(1).write)
    assert len(events.drain()) == 1


async def test_other_errors_are_not_waited_for() -> None:
    async def lose() -> None:
        raise NotFound("there is no run X-1")

    with pytest.raises(NotFound):
        await Patience(Bus()).until_written(lose)
