"""A fleet in one process: a real relay on loopback over TLS, real daemons, and cores on one home.

Killing is cancelling: whatever a block does on its way out does not matter to what is tested, since every
word that counts was on disk before.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from devopsclaw import boot
from devopsclaw.assembly.node import NodeParts, open_node
from devopsclaw.assembly.roles import keep_link
from devopsclaw.core.background import background
from devopsclaw.core.clock import SystemClock
from devopsclaw.core.door import LocalDoor
from devopsclaw.core.keys import Keys
from devopsclaw.core.paths import Home
from devopsclaw.daemon.journal import open_journal
from devopsclaw.daemon.trust import Trust
from devopsclaw.model.events import NodeMoved, NodeSeen
from devopsclaw.model.interest import Interest
from devopsclaw.model.state import State
from devopsclaw.relay import server, stay
from devopsclaw.relay.dial import Dialer
from devopsclaw.relay.pins import Pins
from devopsclaw.relay.server import RunningRelay, serve
from devopsclaw.relay.settings import RelaySettings
from devopsclaw.wire.table import Role

TOKEN = "a-fleet-token-of-good-length"
PATIENCE = 60.0
"""Seconds that anything here may take on a loaded machine."""


async def eventually(holds: Callable[[], Any], what: str = "it") -> Any:
    """What `holds` returns, once that is true."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not (found := holds()):
                await asyncio.sleep(0.01)
            return found
    except TimeoutError:
        raise AssertionError(f"{what} did not happen in {PATIENCE:.0f} s") from None


class Living:
    """Something that runs as a task until it is killed."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Run; returns once it is up."""
        up = asyncio.Event()
        self._task = asyncio.create_task(self._live(up))
        waiting = asyncio.create_task(up.wait())
        await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
        waiting.cancel()
        if self._task.done():
            self._task.result()

    async def kill(self) -> None:
        """End it where it stands. Twice is fine."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    async def _live(self, up: asyncio.Event) -> None:
        raise NotImplementedError


class Relay(Living):
    """The relay of a home; it comes back on the same port."""

    def __init__(self, home: Home) -> None:
        super().__init__()
        self.home = home
        self.port = 0
        self.running: RunningRelay | None = None

    @property
    def url(self) -> str:
        """Where it listens, or did."""
        return f"wss://127.0.0.1:{self.port}"

    async def _live(self, up: asyncio.Event) -> None:
        settings = RelaySettings(address=f"127.0.0.1:{self.port}", token=TOKEN)
        async with serve(settings, self.home, SystemClock()) as self.running:
            self.port = self.running.port
            up.set()
            await asyncio.Event().wait()


class Node(Living):
    """A daemon with a home of its own."""

    def __init__(self, name: str, home: Home, relay: Relay) -> None:
        super().__init__()
        self.name = name
        self.home = home.make()
        self._relay = relay
        self.trust: Trust | None = None

    @property
    def obeys(self) -> str:
        """The controller it takes commands from; empty while there is none."""
        return self.trust.root if self.trust else ""

    async def _live(self, up: asyncio.Event) -> None:
        clock, key = SystemClock(), Keys(self.home.keys).load_or_create("node")
        pins = Pins(self.home.keys / "relays.json")
        dialer = Dialer(self._relay.url, Role.NODE, key.private, self.name, pins, token=TOKEN, clock=clock)
        self.trust = trust = Trust(self.home.keys / "trust.json")
        async with AsyncExitStack() as stack:
            journal = await stack.enter_async_context(await open_journal(self.home.state / "node.db"))
            parts = NodeParts(key, trust, journal, self.home.output / "node", clock)
            daemon = await stack.enter_async_context(open_node(parts))
            tasks = await stack.enter_async_context(background())
            tasks.start(daemon.run())
            tasks.start(keep_link(dialer, daemon, trust, clock))
            up.set()
            await asyncio.Event().wait()


class Town:
    """One home for relay and cores, and a folder for each node and for what commands write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = Home(folder / "home").make()
        self.relay = Relay(self.home)
        self.nodes: dict[str, Node] = {}

    def configure(self, **settings: Any) -> None:
        """Write the configuration file."""
        self.home.config.write_text(json.dumps(settings))

    async def populate(self, *names: str) -> None:
        """Start the relay and these nodes, and wait until all are there."""
        await self.relay.start()
        for name in names:
            self.nodes[name] = Node(name, Home(self.folder / name), self.relay)
            await self.nodes[name].start()
        async with self.core() as door:
            await self.all_online(door, *names)
            # a relay that was just claimed sends its nodes away once
            await eventually(lambda: all(self.nodes[name].obeys for name in names), "the claim of all nodes")
            await self.all_online(door, *names)

    async def all_online(self, door: LocalDoor, *names: str) -> None:
        """Wait until these nodes are."""
        async with asyncio.timeout(PATIENCE):
            with door.events(Interest.of(NodeSeen)) as changes:
                while not set(names) <= await self.online(door):
                    await changes.next()

    @staticmethod
    async def online(door: LocalDoor) -> set[str]:
        """The names of the nodes that are there."""
        listed = await door.run("node.list", {})
        return {item.name for item in listed.items if item.status == "online"}

    @asynccontextmanager
    async def core(self, links: boot.LinksAre = boot.LinksAre.LAZY) -> AsyncIterator[LocalDoor]:
        """An open core on the home: its door."""
        async with boot.open(self.home, face="cli", environment={}, links=links) as core:
            yield core.door

    async def kill(self) -> None:
        """End everything that still runs."""
        for living in (*self.nodes.values(), self.relay):
            await living.kill()


@asynccontextmanager
async def small_town(folder: Path, *names: str) -> AsyncIterator[Town]:
    """A town with these nodes, all there; without names a home with nothing in it."""
    town = Town(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "RETURN_WITHIN", 0.1)  # so long spreads a fleet out; here nobody else comes
        patch.setattr(server, "CLAIM_RETURN_WITHIN", 0.1)
        patch.setattr(stay, "LONGEST_PAUSE", 0.5)
        try:
            if names:
                await town.populate(*names)
            yield town
        finally:
            await town.kill()


async def start_run(door: LocalDoor, command: str, **params: Any) -> tuple[asyncio.Task[Any], str]:
    """Start a run; the task of its call, and its id, once a node has accepted it."""
    with door.events(Interest.of(NodeMoved)) as moves:
        task = asyncio.ensure_future(door.run("fleet.exec", {"command": command, **params}))
        async with asyncio.timeout(PATIENCE):
            while (moved := await moves.next()).state is not State.RUNNING:
                pass
    return task, moved.run


async def drop(task: asyncio.Task[Any]) -> None:
    """Cancel a call, as leaving does."""
    task.cancel()
    await asyncio.wait({task})
