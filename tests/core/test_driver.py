"""The driver of a pure machine: durable before done, in order, and loud when it breaks."""

from __future__ import annotations

import asyncio

import pytest

from devopsclaw.core.driver import Driver


class Machine:
    """Keeps what it was told; `gate` holds up the disk."""

    def __init__(self) -> None:
        self.story: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.looked = asyncio.Event()
        self.driver: Driver[str] = Driver(self.write, self.perform, self.look)

    async def write(self, batch: list[str]) -> None:
        await self.gate.wait()
        self.story.append(f"disk {'+'.join(batch)}")

    async def perform(self, effect: str) -> None:
        if effect == "break":
            raise LookupError("broken")
        if effect == "again":
            self.driver.feed(["more"])
        self.story.append(effect)

    def look(self) -> None:
        self.looked.set()

    async def told(self, count: int) -> list[str]:
        """The story, once it is this long."""
        async with asyncio.timeout(30):
            while len(self.story) < count:
                await asyncio.sleep(0)
        return self.story


async def test_what_waits_is_one_batch_on_disk_before_any_of_it_is_done() -> None:
    machine = Machine()
    machine.driver.feed(["a", "b"])
    machine.driver.feed(["c"])

    async with asyncio.TaskGroup() as group:
        running = group.create_task(machine.driver.run())
        assert await machine.told(4) == ["disk a+b+c", "a", "b", "c"]
        running.cancel()


async def test_nothing_is_done_while_the_disk_is_not_ready() -> None:
    machine = Machine()
    machine.gate.clear()
    machine.driver.feed(["a"])

    async with asyncio.TaskGroup() as group:
        running = group.create_task(machine.driver.run())
        await machine.looked.wait()
        machine.driver.feed(["b"])
        assert machine.story == []
        machine.gate.set()
        assert await machine.told(4) == ["disk a", "a", "disk b", "b"]
        running.cancel()


async def test_what_an_effect_leads_to_is_the_next_batch() -> None:
    machine = Machine()
    machine.driver.feed(["again", "b"])

    async with asyncio.TaskGroup() as group:
        running = group.create_task(machine.driver.run())
        assert await machine.told(5) == ["disk again+b", "again", "b", "disk more", "more"]
        running.cancel()


async def test_an_effect_that_breaks_ends_it_loudly() -> None:
    machine = Machine()
    machine.driver.feed(["break"])

    with pytest.raises(ExceptionGroup) as broken:
        await machine.driver.run()

    assert broken.group_contains(LookupError)
