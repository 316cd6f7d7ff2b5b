"""A dispatch over real stores, and the far ends of pipes to nodes that the test speaks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.fleet.delivery_driver import Speaker

from devopsclaw.core.background import Background, background
from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.db import Database
from devopsclaw.core.keys import SigningKey
from devopsclaw.core.outputs import Outputs
from devopsclaw.core.paths import PACKAGE
from devopsclaw.core.pipe import PipeEnd, pipe
from devopsclaw.core.runs import RunLog
from devopsclaw.fleet.conductor import Conductor, Request
from devopsclaw.fleet.delivery import Delivery
from devopsclaw.fleet.dispatch import Dispatch
from devopsclaw.fleet.effects import Command
from devopsclaw.fleet.execution import Executions
from devopsclaw.fleet.live_run import LiveRun, Sending
from devopsclaw.fleet.nodes import Nodes
from devopsclaw.fleet.presence import Presence
from devopsclaw.fleet.recipients import Recipients
from devopsclaw.fleet.signing import Order, Signer
from devopsclaw.model.call import Actor
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.model.state import State
from devopsclaw.wire.channel import Closed
from devopsclaw.wire.enroll import Welcome
from devopsclaw.wire.frames import Frame, FrameType
from devopsclaw.wire.uid import uid_of

PATIENCE = 30.0


def key_of(word: str) -> SigningKey:
    """The same key for the same word."""
    private = Ed25519PrivateKey.from_private_bytes(word.encode().ljust(32, b".")[:32])
    public = private.public_key().public_bytes_raw()
    return SigningKey(private, public, public.hex())


class FarEnd:
    """A node's end of its channel, and its voice."""

    def __init__(self, name: str, epoch: int = 1) -> None:
        self.name = name
        self.uid = uid_of(key_of(name).public)
        self.says = Speaker(epoch, self.uid)
        welcome = Welcome(epoch=epoch, uid=self.uid, server_time=0.0, root="")
        ends: tuple[PipeEnd[Frame, Welcome], PipeEnd[Frame, Welcome]] = pipe(welcome, welcome, Closed)
        self.ours, self.theirs = ends

    async def hears(self, wanted: FrameType) -> Frame:
        """The next frame of this type; others are passed over."""
        async with asyncio.timeout(PATIENCE):
            while (frame := await self.theirs.receive()).type is not wanted:
                pass
        return frame

    async def hears_nothing_of(self, unwanted: FrameType, place: Place) -> None:
        """Whatever is on its way by now, this is not among it."""
        await place.quiet()
        while self.theirs._receiving._waiting:  # nothing else tells what is left in a pipe
            assert (await self.theirs.receive()).type is not unwanted


class Place:
    """Everything between the operations and the channels."""

    def __init__(self, database: Database, folder: Path, tasks: Background) -> None:
        self.database = database
        self.folder = folder
        self.tasks = tasks
        self.clock = ManualClock()
        self.bus = Bus()
        self.log = RunLog(database, self.clock)
        self.outputs = Outputs(database, folder / "output")
        self.signer = Signer(key_of("controller"))
        self.delivery = Delivery(self.signer.cancel, lost_patience=5.0)
        self.dispatch = Dispatch(self.delivery, self.log, self.outputs, self.bus, self.clock)
        self.nodes: Nodes
        self.executions: Executions
        self.conductor: Conductor

    async def furnish(self) -> None:
        """The rest, over what is on disk."""
        self.nodes = await Nodes.open(self.database, self.clock)
        recipients = Recipients(self.nodes, self.signer)
        self.late: list[str] = []
        """The words of runs for which nobody waited, as they were put on record."""
        self.conductor = Conductor(
            self.dispatch, self.log, recipients, self.bus, self.clock, self._put_on_record
        )
        self.executions = Executions(self.conductor, self.log, self.outputs, self.signer, self.tasks.start)
        self.tasks.start(self.dispatch.run())

    async def _put_on_record(self, run: str) -> None:
        self.late.append((await self.log.find(run)).word)

    async def joined(self, name: str, epoch: int = 1) -> FarEnd:
        """A node that is there; its channel is known."""
        end = FarEnd(name, epoch)
        key = key_of(name).public
        row = Presence(
            uid=end.uid,
            name=name,
            public_key=key.hex(),
            connected=True,
            last_seen=self.clock.wall(),
            epoch=epoch,
        )
        await self.nodes.saw([row])
        self.dispatch.on_presence(end.uid, end.ours, epoch)
        asked = await end.hears(FrameType.RECONCILE)
        commands: list[object] = []
        answer = {"serial": asked.header["serial"], "incarnation": 0.0, "commands": commands}
        self.dispatch.on_frame(end.says.say(FrameType.STANDING, **answer))
        return end

    async def recorded(self, *names: str, command: str = "uptime") -> LiveRun:
        """A run on these nodes, in the log and not sent; whoever carries it out sends at once."""
        call = uuid4().hex
        parts = self.conductor.recipients.parts(call, names)
        request = self.request(*names, call=call)
        plan = request.plan.model_copy(update={"run": command})
        run = await self.log.create(
            call=call,
            entry="E-1",
            plan_json=plan.model_dump_json(),
            nodes=[(part.node, part.uid, part.command) for part in parts],
            body=request.body(),
        )
        live = LiveRun(run, call, parts, dict.fromkeys(names, State.PENDING))
        live.sending = Sending.NOW
        return live

    def command(self, run: LiveRun, node: str) -> Command:
        """This node's part of the run, signed."""
        order = Order(run.id, run.call, "uptime", Effect.READ, 10.0, 2.0, 1000, user="ada", via="cli")
        return self.signer.command(order, run.part(node).uid, self.clock.wall())

    def request(self, *names: str, **changes: object) -> Request:
        """What fleet.exec asks for."""
        plan = Plan(operation="fleet.exec", effect=Effect.READ, target="all", nodes=names, run="uptime")
        fields = {
            "call": uuid4().hex,
            "entry": "E-1",
            "plan": plan,
            "timeout": 10.0,
            "grace": 2.0,
            "output_cap": 1000,
            "parallel": 50,
            "serial": False,
            "delay": 0.0,
            "actor": Actor("ada", "cli"),
        }
        return Request(**{**fields, **changes})  # type: ignore[arg-type]

    async def kinds(self, run: str) -> list[str]:
        """What the log has of the run, in order."""
        return [event.kind for event in await self.log.events(run)]

    async def quiet(self) -> None:
        """Everything that was asked for so far is done: a write that comes last is on disk."""
        for _ in range(5):
            await self.database.write(lambda connection: None)
            await asyncio.sleep(0)

    async def until_kind(self, run: str, kind: str) -> list[str]:
        """What the log has of the run, once an event of this kind is there."""
        async with asyncio.timeout(PATIENCE):
            while kind not in (kinds := await self.kinds(run)):
                await asyncio.sleep(0.005)
        return kinds


@asynccontextmanager
async def open_place(folder: Path) -> AsyncIterator[Place]:
    """A place on a database in this folder."""
    migrations = PACKAGE / "core" / "migrations" / "core"
    async with await Database.open(folder / "core.db", migrations) as database, background() as tasks:
        place = Place(database, folder, tasks)
        await place.furnish()
        yield place
