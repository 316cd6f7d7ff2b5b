"""An in-memory pipe: two ends that hand values to each other, in order. Nothing is encoded, nothing is lost.

It stands in for a network link between parts of one process. What travels, what an end is told at the
start and which error says that it is over are the caller's, because they belong to a protocol.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")
Greeting = TypeVar("Greeting")

BOUND = 64
"""Values waiting in one direction before a sender waits; as a socket's buffer would make it."""


class _Lane(Generic[Item]):
    """One direction of a pipe."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._waiting: deque[Item] = deque()
        self._changed = asyncio.Condition()
        self.is_open = True

    async def put(self, item: Item) -> bool:
        """Whether the item was taken; waits for room."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._waiting) < self._bound or not self.is_open)
            if self.is_open:
                self._waiting.append(item)
                self._changed.notify_all()
            return self.is_open

    async def get(self) -> list[Item]:
        """The next item, alone in its list; an empty list once the lane is closed and empty."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._waiting) or not self.is_open)
            self._changed.notify_all()
            return [self._waiting.popleft()] if self._waiting else []

    async def close(self) -> None:
        """No more items; those waiting may still be taken."""
        async with self._changed:
            self.is_open = False
            self._changed.notify_all()


class PipeEnd(Generic[Item, Greeting]):
    """One end. It has the shape of a channel: `welcome`, `send`, `receive`, `close`."""

    def __init__(
        self,
        welcome: Greeting,
        sending: _Lane[Item],
        receiving: _Lane[Item],
        ended: Callable[[str], Exception],
    ) -> None:
        self._welcome = welcome
        self._sending = sending
        self._receiving = receiving
        self._ended = ended

    @property
    def welcome(self) -> Greeting:
        """What this end was told when the pipe was made."""
        return self._welcome

    async def send(self, item: Item) -> None:
        """Hand over one item, waiting while the other end is slow; raises once the pipe is closed."""
        if not await self._sending.put(item):
            raise self._ended("the pipe is closed")

    async def receive(self) -> Item:
        """The next item; raises the pipe's error once it is closed and empty."""
        items = await self._receiving.get()
        if not items:
            raise self._ended("the pipe is closed")
        return items[0]

    async def close(self) -> None:
        """Close both directions, for both ends; safe to call twice."""
        await self._sending.close()
        await self._receiving.close()


def pipe(
    one: Greeting, other: Greeting, ended: Callable[[str], Exception], bound: int = BOUND
) -> tuple[PipeEnd[Item, Greeting], PipeEnd[Item, Greeting]]:
    """Two joined ends, welcomed with `one` and `other`; `ended` makes the error that says it is closed."""
    there: _Lane[Item] = _Lane(bound)
    back: _Lane[Item] = _Lane(bound)
    return PipeEnd(one, there, back, ended), PipeEnd(other, back, there, ended)
