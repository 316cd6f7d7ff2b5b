"""The bus reports what happens; it never carries orders. A slow listener loses nothing it asked for:
each has its own queue, and a flood of output is what `max_pending` bounds, with a `Gap` in its place.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from devopsclaw.core.veil import veiled

MAX_PENDING = 10_000


@dataclass(frozen=True, slots=True)
class Gap:
    """This many events were dropped for a listener that did not keep up; ask for the state again."""

    dropped: int


class Subscription:
    """One listener's queue of events, oldest first."""

    def __init__(self, wanted: Callable[[Any], bool], max_pending: int) -> None:
        self._wanted = wanted
        self._pending: deque[Any] = deque()
        self._max_pending = max_pending
        self._dropped = 0
        self._filled = asyncio.Event()

    def offer(self, event: Any) -> None:
        """Queue the event if this listener wants it."""
        if not self._wanted(event):
            return
        if len(self._pending) >= self._max_pending:
            lost = self._pending.popleft()
            self._dropped += lost.dropped if isinstance(lost, Gap) else 1
        self._pending.append(event)
        self._filled.set()

    def drain(self) -> list[Any]:
        """All that is waiting, at once; a `Gap` first if something was dropped."""
        events: list[Any] = [Gap(self._dropped)] if self._dropped else []
        events.extend(self._pending)
        self._pending.clear()
        self._dropped = 0
        self._filled.clear()
        return events

    async def batches(self, every: float) -> AsyncIterator[list[Any]]:
        """Batches of at least one event, at most one batch per `every` seconds."""
        while True:
            await self._filled.wait()
            yield self.drain()
            await asyncio.sleep(every)

    async def next(self) -> Any:
        """The next event, waiting for it."""
        while not self._pending:
            self._filled.clear()
            await self._filled.wait()
        return self._pending.popleft()


class Bus:
    """Publishes events to whoever listens; publishing never waits and never fails."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._standing: list[Any] = []

    def post(self, event: Any) -> None:
        """Publish what stays true: whoever listens later is told of it first."""
        self._standing.append(veiled(event))
        self.publish(event)

    def publish(self, event: Any) -> None:
        """Hand the event to every listener's queue, without the secrets in its texts."""
        told = veiled(event)
        for subscription in self._subscriptions:
            subscription.offer(told)

    @contextmanager
    def subscribe(
        self, wanted: Callable[[Any], bool] = lambda event: True, max_pending: int = MAX_PENDING
    ) -> Iterator[Subscription]:
        """Listen until the block ends."""
        subscription = Subscription(wanted, max_pending)
        for event in self._standing:
            subscription.offer(event)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
