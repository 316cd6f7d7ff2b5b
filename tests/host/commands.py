"""Running commands in tests, and looking at the world they run in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from devopsclaw.host.census import residents
from devopsclaw.host.runner import Runner
from devopsclaw.model.process import MIB, Outcome

LIMIT = 10.0
"""Seconds after which a wait in a test has failed."""


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a state of the world that nobody announces."""
    async with asyncio.timeout(LIMIT):
        while not holds():
            await asyncio.sleep(0.01)


async def run(runner: Runner, command_id: str, command: str, cap: int = 16 * MIB) -> Outcome:
    """Start and wait."""
    await runner.start(command_id, command, {}, cap)
    async with asyncio.timeout(LIMIT):
        return await runner.wait(command_id)


def lives(pid: int) -> bool:
    """Whether this process exists and is no zombie."""
    return any(each.pid == pid for each in residents())


def printed(runner: Runner, command_id: str, stream: str = "stdout") -> bytes:
    """What a stream holds, as far as it is kept in one piece."""
    return runner.read(command_id, stream, 0, runner.length(command_id, stream))
