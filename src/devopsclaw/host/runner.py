"""Runs commands under their shims and knows how each stands. Not who asked, nor whether it may run."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from devopsclaw.host import process
from devopsclaw.host.reaper import Reaper
from devopsclaw.host.running import Running
from devopsclaw.host.spill import Spill
from devopsclaw.model.errors import Busy, Damaged, NotFound
from devopsclaw.model.process import OUTPUT_CAP, Gap, Outcome, Printed, Started

FIRST_LOOK, LAST_LOOK = 0.005, 0.05
"""Seconds between two looks at the spills: short after a start, then doubling."""
ADOPTION = 1.0
"""Seconds that a shim spawned by a life that died meanwhile gets to write its pid."""

NOBODY = Started(0, 0, "")
"""The shim of a command that has ended: its pid may be another's by now."""


class Runner:
    """Commands by id. One per daemon, with a folder of its own.

    `printed` is called in the loop whenever a spill grew, the last time before `wait` returns.
    """

    def __init__(
        self,
        folder: Path,
        printed: Callable[[Printed], None],
        own: Mapping[str, str] = os.environ,
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        process.keep_descriptors()
        self._folder = folder
        self._printed = printed
        self._base = process.base_environment(own)
        self._commands: dict[str, Running] = {}
        self._living: dict[str, Running] = {}
        self._reaper = Reaper()
        self._boot = process.boot_id()
        self._look: asyncio.TimerHandle | None = None
        self._pause = FIRST_LOOK

    async def start(
        self,
        command_id: str,
        command: str,
        extras: Mapping[str, str] | None = None,
        output_cap: int = OUTPUT_CAP,
    ) -> Started:
        """Start a command, once: an id that has files here is never started again.

        Raises Damaged when its files cannot be made, Busy when the system starts no process.
        """
        spill = Spill(self._folder, command_id, output_cap)
        variables = {**self._base, **(extras or {}), process.EXECUTION: command_id}
        pid = self._spawn(spill, command, variables)
        running = Running(command_id, spill, process.identity(pid, self._boot))
        self._enter(running)
        return running.shim

    async def adopt(
        self, command_id: str, pid: int, start_time: int, boot_id: str, output_cap: int = OUTPUT_CAP
    ) -> bool:
        """Take over a command of an earlier life. Whether it still runs, or its outcome is known.

        `pid` 0: it was being started when that life ended, and the shim's own file names it. After
        False `wait` answers too: interrupted, with the output there is. Raises Damaged where its files
        tell nothing.
        """
        spill = Spill(self._folder, command_id, output_cap)
        spill.resume()
        journaled = Started(pid, start_time, boot_id)
        shim = await self._living_shim(spill, journaled)
        running = Running(command_id, spill, shim or NOBODY)
        if shim is None:
            running.ended_at = spill.written_at()
            running.ended.set_result(None)
            self._commands[command_id] = running
            return spill.exit_file().status is not None
        self._enter(running)
        return True

    def recall(self, command_id: str, outcome: Outcome, output_cap: int = OUTPUT_CAP) -> None:
        """Know again a command whose outcome an earlier life had settled, to read its output."""
        running = Running(command_id, Spill(self._folder, command_id, output_cap), NOBODY)
        running.recall(outcome)
        self._commands[command_id] = running

    async def wait(self, command_id: str) -> Outcome:
        """How the command ended, as soon as it has; the same answer to everybody, any time later."""
        return await self._find(command_id).outcome(self._reaper, self._printed, lambda: len(self._living))

    async def stop(self, command_id: str, grace: float) -> list[str]:
        """End a command and all that came of it; returns who survived, as `1234 sleep`.

        `grace` is in seconds between TERM and KILL. A command that has ended is left alone. `wait`
        returns after this, with the survivors.
        """
        return await self._find(command_id).stop(self._reaper, grace)

    async def left(self, command_id: str) -> list[str]:
        """Who lives on after the command has ended, as `1234 sleep`; waits for its end."""
        return list((await self.wait(command_id)).left)

    def length(self, command_id: str, stream: str) -> int:
        """Bytes printed so far, kept or not. Raises Damaged."""
        return self._find(command_id).spill.measure(stream)

    def read(self, command_id: str, stream: str, offset: int, limit: int) -> bytes:
        """At most `limit` kept bytes from `offset`; empty at the end and inside a gap. Raises Damaged."""
        return self._find(command_id).spill.read(stream, offset, limit)

    def gaps(self, command_id: str) -> list[Gap]:
        """What is not kept, by stream and offset; it grows while the command prints."""
        return list(self._find(command_id).gaps())

    def shim(self, command_id: str) -> Started:
        """Who runs the command, as it was started or found."""
        return self._find(command_id).shim

    async def digest(self, command_id: str, stream: str) -> str:
        """SHA-256, hex, of the kept bytes in order of offset. Raises Damaged."""
        return await self._find(command_id).digest(stream)

    def forget(self, command_id: str) -> None:
        """Delete the files of a command, known or not. Raises Busy while it runs, Damaged where it cannot."""
        running = self._commands.get(command_id)
        if running and running.lives:
            raise Busy(f"command {command_id} still runs", hint="cancel it first")
        self._commands.pop(command_id, None)
        Spill(self._folder, command_id).remove()

    async def close(self) -> None:
        """Stop looking. The commands run on under their shims, for a later life to adopt."""
        if self._look:
            self._look.cancel()
        living, self._living = self._living, {}
        for running in living.values():
            if running.watch:
                running.watch.close()
            await running.thinned()

    def _find(self, command_id: str) -> Running:
        if command_id not in self._commands:
            raise NotFound(f"this node runs no command {command_id}")
        return self._commands[command_id]

    def _spawn(self, spill: Spill, command: str, variables: Mapping[str, str]) -> int:
        try:
            streams = spill.create()
        except FileExistsError as error:
            raise Damaged(
                f"{error.filename} exists: the command was started before, and is not started again",
                hint="how it ended is unknown here; look at the node before you send it anew",
            ) from error
        except OSError as error:
            raise Damaged(
                f"the node cannot write output to {self._folder}: {error.strerror}",
                hint="free some space or repair the folder, then send the command again",
            ) from error
        try:
            return process.spawn(command, variables, streams)
        except (OSError, ValueError) as error:
            spill.remove()
            raise Busy(
                f"the node could not start the command: {error}",
                hint="look at its limits of processes and memory, then send the command again",
            ) from error
        finally:
            streams.close()

    async def _living_shim(self, spill: Spill, journaled: Started) -> Started | None:
        """The shim, if it lives: then it holds its exit file, whoever has its number now."""
        now = asyncio.get_running_loop().time
        deadline = now() + ADOPTION
        while spill.is_held("exit") and now() < deadline:
            if pid := journaled.pid or spill.exit_file().pid:
                found = process.identity(pid, self._boot)
                known = journaled.start_time in (0, found.start_time)
                return found if known or not journaled.pid else None
            await asyncio.sleep(FIRST_LOOK)
        return None

    def _enter(self, running: Running) -> None:
        self._commands[running.command_id] = running
        self._living[running.command_id] = running
        self._watch(running)
        self._pause = FIRST_LOOK
        self._look_soon()

    def _watch(self, running: Running) -> None:
        """Be told of its end at once. Without that, or with no descriptor left, `_look_at_all` asks."""
        if process.can_watch():
            with suppress(OSError):
                running.watch = process.ExitWatch(running.shim.pid, lambda: self._end(running))

    def _end(self, running: Running) -> None:
        if running.lives:
            process.reap(running.shim.pid)
            self._living.pop(running.command_id, None)
            running.ended.set_result(None)

    def _look_soon(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._pause
        if self._look and self._look.when() <= due:
            return
        if self._look:
            self._look.cancel()
        self._look = loop.call_at(due, self._look_at_all)

    def _look_at_all(self) -> None:
        self._look = None
        for running in list(self._living.values()):
            running.measure(self._printed)
            if running.watch is None and self._has_ended(running):
                self._end(running)
        self._pause = min(LAST_LOOK, 2 * self._pause)
        if self._living:
            self._look_soon()

    def _has_ended(self, running: Running) -> bool:
        """Asked in turn where the system does not tell: our own child, or an adopted one."""
        try:
            return process.reap(running.shim.pid) or not running.spill.is_held("exit")
        except Damaged:
            return not process.group_lives(running.shim.pid)
