"""Our own long-running programs as children: the demo's relay and daemons. Not commands of users."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from devopsclaw.host.process import send_group, spawn_program

END_PATIENCE = 5.0
"""Seconds between TERM and KILL for a program that is told to end."""


@dataclass(frozen=True, slots=True)
class Program:
    """A child that runs until its block ends."""

    process: asyncio.subprocess.Process
    output: Path

    @property
    def has_ended(self) -> bool:
        """Whether it ended by itself."""
        return self.process.returncode is not None

    async def wait(self) -> int:
        """Wait until it ends by itself; its exit code."""
        return await self.process.wait()

    def last_words(self) -> str:
        """The last line it printed."""
        lines = self.output.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it ended with {self.process.returncode} and said nothing"


@asynccontextmanager
async def launch(argv: list[str], environment: Mapping[str, str], output: Path) -> AsyncIterator[Program]:
    """Run a program while the block lasts; what it prints goes to the file `output`."""
    process = await _spawned(argv, environment, output)
    try:
        yield Program(process, output)
    finally:
        await _end(process)


async def _spawned(
    argv: list[str], environment: Mapping[str, str], output: Path
) -> asyncio.subprocess.Process:
    """Spawn to the end, also when cancelled: half a spawn leaves a process that nobody can name."""
    spawning = asyncio.ensure_future(spawn_program(argv, environment, output))
    try:
        return await asyncio.shield(spawning)
    except asyncio.CancelledError:
        await _end(await spawning)
        raise


async def _end(process: asyncio.subprocess.Process) -> None:
    """End it, and then whatever it left in its group: a sandbox told to end may leave its inside behind."""
    if process.returncode is None:
        send_group(process.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(END_PATIENCE):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        send_group(process.pid, signal.SIGKILL)
        await process.wait()
