"""One command from its start, or its adoption, until it is forgotten. The runner holds them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from devopsclaw.host.process import ExitWatch
from devopsclaw.host.reaper import Ending, Reaper
from devopsclaw.host.shim import ExitFile
from devopsclaw.host.spill import Spill, punch
from devopsclaw.model.process import STREAMS, Gap, Outcome, Printed, Started

HASHED_AT_ONCE = 64 * 1024
"""Bytes that are hashed within the loop, in 0.1 ms; more goes to a thread."""

NEVER_BEGAN = "the node was stopped while it started the command: it did not begin"
TORN = "the node lost power, or the shim was killed, before it was written how the command ended"

EMPTIED = "the command emptied its own {}: it opened /dev/stdout or /dev/stderr with > and not with >>"


class Running:
    """What is known of the command now."""

    def __init__(self, command_id: str, spill: Spill, shim: Started) -> None:
        self.command_id = command_id
        self.spill = spill
        self.shim = shim
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._since = loop.time()
        self.watch: ExitWatch | None = None
        self._outcome: Outcome | None = None
        self._survivors: list[str] | None = None
        self._told = dict.fromkeys(STREAMS, 0)
        self._settling = asyncio.Lock()
        self._thinning: asyncio.Future[bool] | None = None

    @property
    def lives(self) -> bool:
        """Whether its shim has not ended yet."""
        return not self.ended.done()

    def recall(self, outcome: Outcome) -> None:
        """Take the outcome that an earlier life settled."""
        self.spill.recall({"stdout": outcome.stdout_length, "stderr": outcome.stderr_length})
        self._outcome = outcome
        self.ended.set_result(None)

    def measure(self, printed: Callable[[Printed], None]) -> None:
        """Look at both spills: tell what grew, give the disk back what need not be kept."""
        for stream in STREAMS:
            length = self.spill.measure(stream)
            if length > self._told[stream]:
                self._told[stream] = length
                printed(Printed(self.command_id, stream, length))
            self._thin(stream)

    def _thin(self, stream: str) -> None:
        if self._thinning and not self._thinning.done():
            return
        if surplus := self.spill.surplus(stream):
            loop = asyncio.get_running_loop()
            self._thinning = loop.run_in_executor(None, punch, self.spill.path(stream), *surplus)

    async def thinned(self) -> None:
        """Wait until no thread works on the files."""
        if self._thinning:
            await self._thinning

    async def stop(self, reaper: Reaper, grace: float) -> list[str]:
        """End it and all that came of it; returns who survived. After its end: nothing is done."""
        async with self._settling:
            if self.lives and self._survivors is None:
                ended = partial(asyncio.shield, self.ended)
                ending = Ending(self.command_id, self.shim, self.spill, self._since, ended)
                self._survivors = await reaper.stop(ending, grace)
            return self._survivors or []

    async def outcome(
        self, reaper: Reaper, printed: Callable[[Printed], None], others: Callable[[], int]
    ) -> Outcome:
        """How it ended, once it has; `others` counts the commands that still run."""
        await asyncio.shield(self.ended)
        async with self._settling:
            if self._outcome is None:
                self._outcome = await self._settle(reaper, printed, others)
        return self._outcome

    async def _settle(
        self, reaper: Reaper, printed: Callable[[Printed], None], others: Callable[[], int]
    ) -> Outcome:
        self.measure(printed)
        self.spill.finish()
        await self.thinned()
        left: list[str] = []
        if self._survivors is None:
            left = await reaper.left(self.command_id, self.shim.pid, self.spill, others())
        return replace(
            self._ending(),
            stdout_length=self.spill.length("stdout"),
            stderr_length=self.spill.length("stderr"),
            stdout_sha256=await self.digest("stdout"),
            stderr_sha256=await self.digest("stderr"),
            gaps=self.gaps(),
            left=tuple(left),
            survivors=tuple(self._survivors or ()),
        )

    def _ending(self) -> Outcome:
        ending = ending_of(self.spill.exit_file())
        if ending.reason or not (emptied := self.spill.emptied()):
            return ending
        return replace(ending, reason=EMPTIED.format(" and ".join(emptied)))

    def gaps(self) -> tuple[Gap, ...]:
        """What is not kept of both streams."""
        return tuple(gap for stream in STREAMS for gap in self.spill.gaps(stream))

    async def digest(self, stream: str) -> str:
        """SHA-256, hex, of the kept bytes in order of offset."""
        if self.spill.length(stream) <= HASHED_AT_ONCE:
            return self.spill.digest(stream)
        return await asyncio.to_thread(self.spill.digest, stream)


def ending_of(written: ExitFile) -> Outcome:
    """The outcome as far as the exit file tells it."""
    if written.status is not None:
        return Outcome(exit_code=written.exit_code, signal=written.signal)
    if written.words:
        return Outcome(interrupted=True, reason=f"the shell could not run it: {written.words}")
    return Outcome(interrupted=True, reason=TORN if written.pid else NEVER_BEGAN)
