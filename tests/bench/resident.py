"""A resident core as a process of its own, and how it is told that a core answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.bench import place

from devopsclaw.core.door_socket import attached
from devopsclaw.core.paths import Home
from devopsclaw.model.errors import Unreachable
from devopsclaw.ops.version import baked

GLANCE = 0.005
"""Seconds between two looks: little beside the start of a process."""


async def answering(home: Path, after: int = 0) -> int:
    """The process of the core that lets clients in, once it is another than `after`. Raises TimeoutError."""
    async with asyncio.timeout(place.PATIENCE):
        while True:
            try:
                async with attached(Home(home), "bench", baked().version, _unread) as door:
                    if (found := int(door.welcome["pid"])) != after:
                        return found
            except Unreachable:
                pass  # nobody is there yet
            await asyncio.sleep(GLANCE)


async def gone(pid: int) -> None:
    """Wait until this process has ended, whoever its parent is. Raises TimeoutError."""
    async with asyncio.timeout(place.PATIENCE):
        while _lives(pid):
            await asyncio.sleep(GLANCE)


@asynccontextmanager
async def resident(home: Path) -> AsyncIterator[place.Child]:
    """A core that is there to stay and answers, while the block lasts."""
    log = home.parent / f"{home.name}-resident.txt"
    try:
        async with place.child(place.product("--headless", "gateway"), home, log) as core:
            await answering(home)
            yield core
    finally:
        log.unlink(missing_ok=True)


def _unread(name: str, body: dict[str, Any]) -> dict[str, Any]:
    return body


def _lives(pid: int) -> bool:
    """Whether it runs; one that nobody has asked yet how it ended does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
