"""Drives a pure machine: what it asks for is made durable in batches, then done in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

Effect = TypeVar("Effect")

TICK = 0.25
"""Seconds between two looks at the clock: a quarter of the finest unit a timeout is given in."""


class Driver(Generic[Effect]):
    """`write` makes the records of a batch durable, however long the disk takes; `perform` does one effect.

    `look` tells the machine that time has passed, and feeds what it asks for.
    """

    def __init__(
        self,
        write: Callable[[list[Effect]], Awaitable[None]],
        perform: Callable[[Effect], Awaitable[None]],
        look: Callable[[], None],
    ) -> None:
        self._write = write
        self._perform = perform
        self._look = look
        self._waiting: deque[Effect] = deque()
        self._filled = asyncio.Event()

    def feed(self, effects: Iterable[Effect]) -> None:
        """Do these too, after all that waits."""
        self._waiting.extend(effects)
        if self._waiting:
            self._filled.set()

    async def run(self) -> None:
        """Go on until cancelled; what fails ends it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pump())
            group.create_task(self._tick())

    async def _pump(self) -> None:
        """All that waits, as one batch: its records become durable together, then the rest is done.

        A record may move ahead of what stood before it, never behind: what it allows comes later.
        """
        while True:
            await self._filled.wait()
            self._filled.clear()
            batch = list(self._waiting)
            self._waiting.clear()
            await self._write(batch)
            for effect in batch:
                await self._perform(effect)

    async def _tick(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(TICK)
