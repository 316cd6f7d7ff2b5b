"""Writes that wait for their disk: what nodes did is not lost because a disk is full or a database locked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from devopsclaw.core.bus import Bus
from devopsclaw.model.errors import Damaged
from devopsclaw.model.events import Warned

DISK_RETRY = 1.0
"""Seconds between two tries."""


class Patience:
    """However many writes wait for the same disk, people are told once."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting = 0

    async def until_written(self, write: Callable[[], Awaitable[None]]) -> None:
        """Try until the write succeeds."""
        try:
            await write()
        except Damaged as failed:
            if not self._waiting:
                self._bus.publish(Warned(f"results wait on their nodes: {failed.message}", failed.hint))
        else:
            return
        self._waiting += 1
        try:
            await self._retry(write)
        finally:
            self._waiting -= 1

    async def _retry(self, write: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(DISK_RETRY)
            try:
                await write()
            except Damaged:
                continue  # it was told
            return
