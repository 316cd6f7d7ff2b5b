"""Writes that wait for their disk: what nodes did is not lost because a disk is full or a database locked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from devopsclaw.core.bus import Bus
from devopsclaw.model.errors import Damaged
from devopsclaw.model.events import Warned

DISK_RETRY = 1.0
"""Seconds between two tries."""


async def until_written(write: Callable[[], Awaitable[None]], bus: Bus) -> None:
    """Try until the write succeeds; the first failure is told to people, once."""
    warned = False
    while True:
        try:
            await write()
        except Damaged as full:
            if not warned:
                bus.publish(Warned(f"results wait on their nodes: {full.message}", full.hint))
            warned = True
            await asyncio.sleep(DISK_RETRY)
        else:
            return
