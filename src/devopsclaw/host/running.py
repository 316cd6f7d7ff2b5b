"""One command from its start, or its adoption, until it is forgotten. The runner holds them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from devopsclaw.host.process import ExitWatch
from devopsclaw.host.reaper import Ending, Reaper
from devopsclaw.host.shim import ExitFile
from devopsclaw.host.spill import Spill, punch
from devopsclaw.model.errors import Damaged
from devopsclaw.model.process import STREAMS, Gap, Outcome, Printed, Started

HASHED_AT_ONCE = 64 * 1024
"""Bytes that are hashed within the loop, in 0.1 ms; more goes to a thread."""

NEVER_BEGAN = "the node was stopped while it started the command: it did not begin"
TORN = "the node lost power, or the shim was killed, before it was written how the command ended"


class Running:
    """What is known of the command now."""

    def __init__(self, command_id: str, spill: Spill, shim: Started) -> None:
        self.command_id = command_id
        self.spill = spill
        self.shim = shim
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._since = loop.time()
        self.ended_at = 0.0
        """Wall time of an end that nobody saw."""
        self.watch: ExitWatch | None = None
        self._outcome: Outcome | None = None
        self._survivors: list[str] | None = None
        self._told = {stream: Printed(command_id, stream, 0) for stream in STREAMS}
        self._settling = asyncio.Lock()
        self._thinning: asyncio.Future[bool] | None = None

    @property
    def lives(self) -> bool:
        """Whether its shim has not ended yet."""
        return not self.ended.done()

    def recall(self, outcome: Outcome) -> None:
        """Take the outcome that an earlier life settled."""
        lengths = {"stdout": outcome.stdout_length, "stderr": outcome.stderr_length}
        self.spill.recall(lengths, outcome.gaps)
        self._outcome = outcome
        self.ended.set_result(None)

    def measure(self, printed: Callable[[Printed], None]) -> None:
        """Look at both spills: tell what grew, give the disk back what need not be kept.

        What cannot be read now is looked at again; if it stays so, `outcome` tells of it.
        """
        for stream in STREAMS:
            with suppress(Damaged):
                self.spill.measure(stream)
            self._tell(stream, printed)

    def _tell(self, stream: str, printed: Callable[[Printed], None]) -> None:
        seen = Printed(self.command_id, stream, self.spill.length(stream), self.spill.lost(stream))
        if seen != self._told[stream]:
            self._told[stream] = seen
            printed(seen)
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
        self.spill.finish()
        for stream in STREAMS:
            self._tell(stream, printed)
        await self.thinned()
        left: list[str] = []
        if self._survivors is None:
            left = await reaper.left(self.command_id, self.shim.pid, self.spill, others())
        hashes = {stream: await self._last_digest(stream) for stream in STREAMS}
        return replace(
            self._ending(),
            stdout_length=self.spill.length("stdout"),
            stderr_length=self.spill.length("stderr"),
            stdout_sha256=hashes["stdout"],
            stderr_sha256=hashes["stderr"],
            gaps=self.gaps(),
            left=tuple(left),
            survivors=tuple(self._survivors or ()),
            ended_at=self.ended_at,
        )

    async def _last_digest(self, stream: str) -> str:
        """The digest of what can be read at the end: of nothing, where that is not the whole of it."""
        try:
            return await self.digest(stream)
        except Damaged as damaged:
            self.spill.lose(stream, damaged)
            return await self.digest(stream)

    def _ending(self) -> Outcome:
        try:
            ending = ending_of(self.spill.exit_file())
        except Damaged as damaged:
            return Outcome(interrupted=True, reason=damaged.message)
        return ending if ending.reason else replace(ending, reason="; ".join(self.spill.troubles()))

    def gaps(self) -> tuple[Gap, ...]:
        """What is not kept of both streams."""
        return tuple(gap for stream in STREAMS for gap in self.spill.gaps(stream))

    async def digest(self, stream: str) -> str:
        """SHA-256, hex, of the kept bytes in order of offset. Raises Damaged."""
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
