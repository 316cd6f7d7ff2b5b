"""Nodes that outlive cores, and cores that die between two writes to their log. No sockets, real SQLite.

A core dies where its log is about to write an event, or has just written it: from then on it writes nothing,
sends nothing and hears nothing, as after kill -9. What runs on nodes ends meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.fleet.delivery_driver import Speaker
from tests.fleet.dispatch_place import PATIENCE, Place, key_of

from devopsclaw.core.background import background
from devopsclaw.core.db import Database
from devopsclaw.core.paths import PACKAGE
from devopsclaw.core.runs import Event, RunLog
from devopsclaw.fleet.presence import Presence
from devopsclaw.model.state import State
from devopsclaw.wire.frames import Frame, FrameType
from devopsclaw.wire.uid import uid_of

WITHIN = 3600.0
"""Seconds after which a run that was left waits for a person."""


class Crash(NamedTuple):
    """Where a core dies: `before` or `after` its log writes an event of this kind, of this node if it has
    one. The log writes `created` first and `closed` last.
    """

    side: str
    kind: str
    node: str = ""


class FakeNode:
    """A node with a journal: it starts an id once, keeps its end until that is acknowledged."""

    def __init__(self, name: str, ends: str) -> None:
        self.name = name
        self.uid = uid_of(key_of(name).public)
        self.starts: Counter[str] = Counter()
        self.ends = ends
        """How its commands end: ok or failed."""
        self._journal: dict[str, str] = {}
        self._core: Core | None = None
        self._says = Speaker()

    def join(self, core: Core, epoch: int) -> None:
        """This core is the one it speaks with."""
        self._core, self._says = core, Speaker(epoch, self.uid)

    def hear(self, frame: Frame) -> None:
        """What the core sent."""
        match frame.type:
            case FrameType.OFFER:
                self._take(frame.header["command"])
            case FrameType.RECONCILE:
                self._stand(frame)
            case FrameType.CANCEL:
                self._cancel(frame.header["command"])
            case FrameType.DONE_ACK:
                self._journal[frame.header["command"]] = "forgotten"

    def end_all(self) -> None:
        """What runs on it ends; who listens is told."""
        for command, standing in self._journal.items():
            if standing == "running":
                self._journal[command] = "finished"
                self._tell_end(command)

    def _take(self, command: str) -> None:
        if command not in self._journal:
            self._journal[command] = "running"
            self.starts[command] += 1
        self._say(self._says.accept(command))

    def _cancel(self, command: str) -> None:
        if command not in self._journal:
            self._journal[command] = "cancelled"
        if self._journal[command] == "cancelled":
            self._say(self._says.done(identifier=command, status="cancelled", exit_code=None))

    def _stand(self, asked: Frame) -> None:
        ids = [each["command"] for each in asked.header["commands"]]
        standing = [{"command": each, "state": self._journal.get(each, "unseen")} for each in ids]
        serial = asked.header["serial"]
        answer = {"serial": serial, "incarnation": 0.0, "commands": standing}
        self._say(self._says.say(FrameType.STANDING, **answer))
        for each in ids:
            if self._journal.get(each) == "finished":
                self._tell_end(each)

    def _tell_end(self, command: str) -> None:
        code = 0 if self.ends == "ok" else 1
        self._say(self._says.done(identifier=command, status=self.ends, exit_code=code))

    def _say(self, frame: Frame) -> None:
        if self._core is not None and not self._core.is_dead:
            self._core.dispatch.on_frame(frame)


class Wire:
    """What a core sends to a node through."""

    def __init__(self, core: Core, node: FakeNode) -> None:
        self._core, self._node = core, node

    async def send(self, frame: Frame) -> None:
        """Delivered at once, while the core lives."""
        await self._core.live()
        self._node.hear(frame)


class DyingLog(RunLog):
    """A log whose core dies at one of its writes."""

    core: Core

    async def create(self, **fields: Any) -> str:
        """See `RunLog.create`."""
        await self.core.may_die("before", "created")
        run = await super().create(**fields)
        await self.core.may_die("after", "created")
        return run

    async def append(self, run: str, events: Iterable[Event]) -> None:
        """See `RunLog.append`. One at a time, so that a core may die between any two."""
        for kind, node, body in events:
            await self.core.may_die("before", kind, node or "")
            await super().append(run, [(kind, node, body)])
            await self.core.may_die("after", kind, node or "")
            if kind == "accepted":
                self.core.town.nodes[str(node)].end_all()

    async def finish(self, run: str, exit_code: int, word: str, ended_at: float) -> None:
        """See `RunLog.finish`."""
        await self.core.may_die("before", "closed")
        await super().finish(run, exit_code, word, ended_at)
        await self.core.may_die("after", "closed")


class Core(Place):
    """A core that dies at this point, or lives."""

    town: CrashTown
    crash: Crash | None = None
    died: asyncio.Event

    @property
    def is_dead(self) -> bool:
        """Whether it does nothing any more."""
        return self.died.is_set()

    async def live(self) -> None:
        """Goes no further in a core that is dead."""
        if self.is_dead:
            await asyncio.Event().wait()

    async def may_die(self, side: str, kind: str, node: str = "") -> None:
        """The log is at this point."""
        if self.crash == (side, kind, node):
            self.died.set()
        await self.live()


class CrashTown:
    """A home and its nodes, by name; cores come and go."""

    def __init__(self, database: Database, folder: Path, ends: dict[str, str]) -> None:
        self.nodes = {name: FakeNode(name, end) for name, end in ends.items()}
        self._database = database
        self._folder = folder
        self._epoch = 0

    @asynccontextmanager
    async def core(self, crash: Crash | None = None) -> AsyncIterator[Core]:
        """A core that knows the nodes, and reaches them all."""
        self._epoch += 1
        async with background() as tasks:
            core = Core(self._database, self._folder, tasks)
            core.town, core.crash, core.died = self, crash, asyncio.Event()
            log = DyingLog(self._database, core.clock)
            log.core = core
            core.log = core.dispatch._log = log
            await core.furnish()
            for node in self.nodes.values():
                await self._join(core, node)
            yield core
            core.died.set()
        for node in self.nodes.values():
            node.end_all()

    async def _join(self, core: Core, node: FakeNode) -> None:
        row = Presence(
            uid=node.uid,
            name=node.name,
            public_key=key_of(node.name).public.hex(),
            connected=True,
            last_seen=core.clock.wall(),
            epoch=self._epoch,
        )
        await core.nodes.saw([row])
        node.join(core, self._epoch)
        core.dispatch.on_presence(node.uid, Wire(core, node), self._epoch)  # type: ignore[arg-type]

    def rejoin(self, core: Core, name: str) -> tuple[str, Any, int]:
        """This node comes back: what to tell the dispatch of its presence."""
        self._epoch += 1
        node = self.nodes[name]
        node.join(core, self._epoch)
        return node.uid, Wire(core, node), self._epoch

    async def ask(self, crash: Crash | None, **pace: object) -> None:
        """A core that is asked for a run on all nodes, until it is over, or the core dead."""
        async with self.core(crash) as core:
            asked = asyncio.ensure_future(core.executions.execute(core.request(*self.nodes, **pace)))
            died = asyncio.ensure_future(core.died.wait())
            await asyncio.wait({asked, died}, return_when="FIRST_COMPLETED", timeout=PATIENCE)
            assert asked.done() or died.done(), "neither over nor dead"
            for each in (asked, died):
                each.cancel()

    async def take_up(self, crash: Crash | None = None) -> None:
        """A core that is there to stay, until all is over that was left, or the core dead."""
        async with self.core(crash) as core:
            over = asyncio.ensure_future(self._all_over(core))
            died = asyncio.ensure_future(core.died.wait())
            await asyncio.wait({over, died}, return_when="FIRST_COMPLETED", timeout=PATIENCE)
            assert over.done() or died.done(), await core.kinds("X-1")
            for each in (over, died):
                each.cancel()

    @staticmethod
    async def _all_over(core: Core) -> None:
        runs = await core.executions.open_ids()
        await core.executions.resume_all(WITHIN, reached)
        for run in runs:
            await core.executions.follow(run)

    async def story(self) -> tuple[dict[str, State], int | None, str, bool]:
        """What the log has of the run: states, exit code and word; whether no node started it twice."""
        async with self.core() as core:
            found = await core.executions.results("X-1")
        states = {item.node: item.status for item in found.items}
        return states, found.run.exit_code, found.run.word, self.started == self.expected(states)

    @property
    def started(self) -> dict[str, int]:
        """How often each node started something."""
        return {name: sum(node.starts.values()) for name, node in self.nodes.items()}

    @staticmethod
    def expected(states: dict[str, State]) -> dict[str, int]:
        """How often each should have: once where it ended so that it must have begun."""
        return {name: int(state in (State.OK, State.FAILED)) for name, state in states.items()}


async def reached() -> None:
    """The nodes are."""


@asynccontextmanager
async def crash_town(folder: Path, ends: dict[str, str]) -> AsyncIterator[CrashTown]:
    """A town in this folder; `ends` says how a command ends on each node."""
    migrations = PACKAGE / "core" / "migrations" / "core"
    async with await Database.open(folder / "core.db", migrations) as database:
        yield CrashTown(database, folder, ends)
