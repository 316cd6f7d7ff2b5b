"""Ends a command with everything that came of it, and names what lives on. Not when to do so.

TERM to the group, grace, then KILL to each process that the census finds, again and again, since a
process may fork while it is counted. The shim is spared, so that it writes how its command ended;
only where it does not follow within a moment the group is killed with it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from devopsclaw.host.census import PROC, Census, Resident
from devopsclaw.host.process import group_lives, send, send_group
from devopsclaw.host.spill import Spill
from devopsclaw.model.errors import Damaged
from devopsclaw.model.process import STREAMS, Started

ROUNDS = 20
"""Counts after KILL before the living are called survivors: one second, at `PAUSE` between them."""
PAUSE = 0.05
"""Seconds between two looks at processes that are about to end."""
FEW = 8
"""With fewer commands running each end is counted in full, else only where a cheap sign asks for it."""
EXEC_TIME = 0.01
"""Seconds that a process just forked gets to become what it will be, before it is named."""
NAMED = 50
"""Processes named at most; more would not fit the frame that reports them."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A command that shall end: its id, its shim, its files, and how to wait for the shim's end.

    `since` is the loop's time at which it was started or adopted.
    """

    command_id: str
    shim: Started
    spill: Spill
    since: float
    ended: Callable[[], Awaitable[object]]


class Reaper:
    """Kills and counts for all commands of one runner."""

    def __init__(self) -> None:
        self._census = Census()

    async def stop(self, ending: Ending, grace: float) -> list[str]:
        """End the command and all that came of it; returns who lives even so, as `1234 sleep`.

        Waits `grace` seconds at most between TERM and KILL, less if everybody in the group ends.
        """
        await self._wait_for_begin(ending)
        send_group(ending.shim.pid, signal.SIGTERM)
        await self._wait_for_group(ending, grace)
        living = await self._kill(ending)
        await self._end_shim(ending)
        return named(living)

    async def left(self, command_id: str, shim: int, spill: Spill, running: int) -> list[str]:
        """Who lives on after the shell has ended. `running` counts the other commands.

        Cheap signs first: somebody still has a spill, or the group still has a member. Where many
        commands end together only these ask for a count, so that one who left its session and let go
        of both spills is not named then.
        """
        held = _is_held(spill)
        if not held and not group_lives(shim) and running >= FEW:
            return []
        if held or group_lives(shim):
            await asyncio.sleep(EXEC_TIME)
        return named(await self._census.members(command_id, shim))

    async def _wait_for_begin(self, ending: Ending) -> None:
        """A shim that was spawned just now would die of TERM, or its subshell would lose the signal.

        Its pid in the file says that it catches signals; a moment later the command itself does.
        """
        for _ in range(ROUNDS):
            if _has_begun(ending.spill) or not group_lives(ending.shim.pid):
                break
            await asyncio.sleep(PAUSE)
        await asyncio.sleep(ending.since + PAUSE - asyncio.get_running_loop().time())

    async def _wait_for_group(self, ending: Ending, seconds: float) -> None:
        """Until nobody of it lives; counted, since a zombie that no parent collects keeps its group."""
        now = asyncio.get_running_loop().time
        deadline = now() + seconds
        while now() < deadline and await self._is_alive(ending):  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(min(PAUSE, max(0.0, deadline - now())))

    async def _is_alive(self, ending: Ending) -> bool:
        if not group_lives(ending.shim.pid):
            return False
        if not PROC.is_dir():
            return True
        shim = ending.shim.pid
        return any(each.session == shim for each in await self._census.take())

    async def _kill(self, ending: Ending) -> list[Resident]:
        if not PROC.is_dir():
            send_group(ending.shim.pid, signal.SIGKILL)
        living: list[Resident] = []
        for _ in range(ROUNDS):
            living = await self._census.members(ending.command_id, ending.shim.pid)
            if not living:
                break
            for each in living:
                send(each.as_started(ending.shim.boot_id), signal.SIGKILL)
            await asyncio.sleep(PAUSE)
        return living

    async def _end_shim(self, ending: Ending) -> None:
        try:
            async with asyncio.timeout(ROUNDS * PAUSE):
                await ending.ended()
        except TimeoutError:
            send_group(ending.shim.pid, signal.SIGKILL)


def _is_held(spill: Spill) -> bool:
    """Whether somebody still has a spill; in doubt it is counted."""
    try:
        return any(spill.is_held(stream) for stream in STREAMS)
    except Damaged:
        return True


def _has_begun(spill: Spill) -> bool:
    """Whether the shim has said so; where its file cannot be read it is not waited for."""
    try:
        return spill.exit_file().pid > 0
    except Damaged:
        return True


def named(living: list[Resident]) -> list[str]:
    """Pid and name of each, the first `NAMED` of them; a last line counts the others."""
    words = [each.words for each in living[:NAMED]]
    return [*words, f"and {len(living) - NAMED} more"] if len(living) > NAMED else words
