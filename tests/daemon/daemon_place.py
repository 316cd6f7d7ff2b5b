"""One real node: journal, runner and daemon; the test is its controller at the other end of a pipe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from devopsclaw.assembly.node import NodeParts, open_node
from devopsclaw.core.background import background
from devopsclaw.core.clock import SystemClock
from devopsclaw.core.db import Database
from devopsclaw.core.keys import SigningKey
from devopsclaw.core.pipe import PipeEnd, pipe
from devopsclaw.daemon.daemon import Daemon
from devopsclaw.daemon.journal import Journal, open_journal
from devopsclaw.daemon.policy_file import PolicyFile
from devopsclaw.daemon.trust import Pinned
from devopsclaw.fleet.effects import Command
from devopsclaw.fleet.signing import Order, Signer
from devopsclaw.model.risk import Effect
from devopsclaw.wire.channel import Channel, Closed
from devopsclaw.wire.enroll import Welcome
from devopsclaw.wire.frames import Frame, FrameType
from devopsclaw.wire.testimony import check_testimony
from devopsclaw.wire.uid import uid_of

PATIENCE = 60.0


def key_of(word: str) -> SigningKey:
    """The same key for the same word."""
    private = Ed25519PrivateKey.from_private_bytes(word.encode().ljust(32, b".")[:32])
    public = private.public_key().public_bytes_raw()
    return SigningKey(private, public, public.hex())


NODE, CONTROLLER = key_of("node"), key_of("controller")
UID = uid_of(NODE.public)


class SkewedClock(SystemClock):
    """The machine's clock, set wrong by so many seconds."""

    def __init__(self) -> None:
        self.skew = 0.0

    def wall(self) -> float:
        """See `Clock.wall`."""
        return super().wall() + self.skew


class House:
    """The node's disk, which outlives its daemons."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SkewedClock()
        self.signer = Signer(CONTROLLER)
        self.epoch = 0
        self.policy = folder / "policy.yaml"
        """Nothing is there unless a test puts it there."""

    @asynccontextmanager
    async def daemon(self) -> AsyncIterator[Life]:
        """A daemon that runs until the block ends, as if it were killed there; commands go on."""
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(await open_journal(self.folder / "node.db"))
            parts = NodeParts(
                NODE,
                Pinned(CONTROLLER.public_hex),
                database,
                self.folder / "spill",
                self.clock,
                PolicyFile(self.policy),
            )
            daemon = await stack.enter_async_context(open_node(parts))
            tasks = await stack.enter_async_context(background())
            tasks.start(daemon.run())
            yield Life(self, daemon, database)

    def command(self, line: str, **changes: Any) -> Command:
        """A signed command for this node."""
        given = {"timeout": 60.0, "grace": 5.0, "output_cap": 1 << 20, **changes}
        order = Order("X-1", uuid4().hex, line, Effect.READ, **given)
        return self.signer.command(order, UID, SystemClock().wall())


class Life:
    """One life of the daemon."""

    def __init__(self, house: House, daemon: Daemon, database: Database) -> None:
        self.house = house
        self.daemon = daemon
        self.database = database
        self.journal = Journal(database, UID)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """An open session with the controller."""
        self.house.epoch += 1
        welcome = Welcome(epoch=self.house.epoch, uid=UID, server_time=0.0, root=CONTROLLER.public_hex)
        ends: tuple[PipeEnd[Frame, Welcome], PipeEnd[Frame, Welcome]] = pipe(welcome, welcome, Closed)
        talking = asyncio.ensure_future(self._converse(ends[0]))
        try:
            yield Session(self.house, ends[1])
        finally:
            await ends[0].close()
            await asyncio.wait({talking})

    async def _converse(self, channel: Channel) -> None:
        with suppress(Closed):
            await self.daemon.converse(channel)

    async def states(self) -> list[str]:
        """How far each command came, as journalled."""
        return [row.state for row in await self.journal.rows()]


class Session:
    """The controller's end."""

    def __init__(self, house: House, end: PipeEnd[Frame, Welcome]) -> None:
        self.end = end
        self._house = house
        self.heard: list[Frame] = []

    async def offer(self, command: Command) -> None:
        """Say: run this."""
        header = {"node": UID, "command": command.id, "signature": command.signature}
        await self.end.send(Frame(FrameType.OFFER, header, command.body))

    async def cancel(self, command: Command) -> None:
        """Say: stop this."""
        body, signature = self._house.signer.cancel(command)
        header = {"node": UID, "command": command.id, "grace": command.grace, "signature": signature}
        await self.end.send(Frame(FrameType.CANCEL, header, body))

    async def reconcile(self, *positions: tuple[str, int, int]) -> Frame:
        """Ask where these stand: id, offset in stdout, offset in stderr; the answer."""
        asked = [{"command": each, "stdout": out, "stderr": err} for each, out, err in positions]
        header = {"node": UID, "serial": 7, "commands": asked}
        await self.end.send(Frame(FrameType.RECONCILE, header))
        return await self.hears(FrameType.STANDING)

    async def acknowledge(self, command: Command) -> None:
        """Say: it is all here."""
        await self.end.send(Frame(FrameType.DONE_ACK, {"node": UID, "command": command.id}))

    async def hears(self, wanted: FrameType) -> Frame:
        """The next frame of this type; all of them are kept in `heard`."""
        async with asyncio.timeout(PATIENCE):
            while (frame := await self._next()).type is not wanted:
                pass
        return frame

    async def _next(self) -> Frame:
        """Whatever the node claims has to be signed."""
        frame = await self.end.receive()
        check_testimony(NODE.public_hex, frame)
        self.heard.append(frame)
        return frame

    async def done(self) -> dict[str, Any]:
        """The node's report, whose signature fits."""
        return (await self.hears(FrameType.DONE)).header

    async def hears_all(self, done: dict[str, Any]) -> None:
        """The output that the report speaks of, which may come after it."""
        missing = sum(end - start for stream, start, end in done["gaps"] if stream == "stdout")
        while len(self.output()) < done["stdout_length"] - missing:
            await self.hears(FrameType.OUTPUT)

    def output(self, stream: str = "stdout") -> bytes:
        """What was printed, as far as it was heard, in order of offset."""
        pieces = {
            frame.header["offset"]: frame.body
            for frame in self.heard
            if frame.type is FrameType.OUTPUT and frame.header["stream"] == stream
        }
        return b"".join(pieces[offset] for offset in sorted(pieces))


async def until(holds: Any) -> Any:
    """What the coroutine function returns, once that is true."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await holds()):
            await asyncio.sleep(0.01)
    return found


def waiting(marker: Path, then: str = "true") -> str:
    """A command that counts its starts, and runs until the marker is there."""
    return f"echo start >>{marker}.starts; until [ -e {marker} ]; do sleep 0.02; done; {then}"


def starts(marker: Path) -> int:
    """How often it was started."""
    return len(Path(f"{marker}.starts").read_text().splitlines())
