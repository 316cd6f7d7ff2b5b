"""The demo's fleet: a relay and real daemons on loopback, in a temporary home that ends with it.

The first three nodes are processes of their own, behind walls where bubblewrap is there; more of them
share one process. Nothing here is simulated, and nothing of the user's is touched.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from devopsclaw import boot
from devopsclaw.core.door import Door
from devopsclaw.core.paths import Home
from devopsclaw.demo import sandbox
from devopsclaw.host.program import Program, launch
from devopsclaw.model.call import Consent
from devopsclaw.model.errors import ClawError, Unreachable
from devopsclaw.model.events import NodeSeen
from devopsclaw.model.interest import Interest

START_PATIENCE = 30.0
"""Seconds for the relay to listen; a cold start of Python on a busy machine takes a few."""

ARRIVAL = 60.0
"""Seconds for the nodes to dial in: cold starts of Python on a busy machine, behind new walls."""


REMOVALS = 40
"""Tries to remove the demo's folder, 50 ms apart: the kernel ends a whole namespace in less."""


@dataclass(frozen=True, slots=True)
class Resident:
    """A demo node: its labels, what service it has, and what is wrong with it."""

    name: str
    role: str
    service: str
    fill: int = 0
    dead: bool = False

    @property
    def labels(self) -> list[str]:
        """As `node register --tags` takes them."""
        return ["env=prod", f"role={self.role}"]

    @property
    def situation(self) -> dict[str, str]:
        """What `sandbox.START` reads."""
        return {
            "SERVICE": self.service,
            "FILL": str(self.fill) if self.fill else "",
            "DEAD": "1" if self.dead else "",
        }


FIRST = (
    Resident("prod-web-1", "web", "nginx"),
    Resident("prod-web-2", "web", "nginx", fill=2 * sandbox.SCRATCH, dead=True),
    Resident("prod-api-1", "api", "api-server"),
)


@dataclass(frozen=True, slots=True)
class Town:
    """A demo that runs. `walls`: its nodes cannot touch the user's files."""

    home: Home
    residents: tuple[Resident, ...]
    walls: bool


def residents(count: int) -> tuple[Resident, ...]:
    """The first `count` nodes of the demo; past three they are workers."""
    workers = (Resident(f"prod-worker-{number}", "worker", "") for number in range(1, max(0, count - 3) + 1))
    return (*FIRST[:count], *workers)


@asynccontextmanager
async def started(count: int) -> AsyncIterator[Town]:
    """Start everything, and end everything with the block. Raises ClawError where the relay cannot."""
    folder = Path(tempfile.mkdtemp(prefix="devopsclaw-demo-"))
    token = secrets.token_urlsafe(32)
    try:
        bubblewrap = await _working_bubblewrap(folder)
        async with AsyncExitStack() as stack:
            home = _home(folder / "home", token, bool(bubblewrap))
            url = await _start_relay(stack, home)
            people = residents(count)
            for resident in people[:3]:
                await _start_daemon(stack, resident, folder / resident.name, url, token, bubblewrap)
            if people[3:]:
                await _start_crowd(stack, people[3:], folder / "crowd", (url, token), bubblewrap)
            yield Town(home, people, bool(bubblewrap))
    finally:
        await _remove(folder)


async def _remove(folder: Path) -> None:
    """Remove it whole: what was behind walls that fell may still be writing for a moment."""
    for _ in range(REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        await asyncio.sleep(0.05)


@asynccontextmanager
async def settled(count: int) -> AsyncIterator[Town]:
    """The same once every node has joined and has its labels. Raises ClawError where one stays away."""
    async with started(count) as town:
        await _settle(town)
        yield town


async def _settle(town: Town) -> None:
    consent = None if town.walls else Consent("yes")  # whoever starts the demo wants its nodes named
    async with boot.open(town.home, face="demo", links=boot.LinksAre.AWAITED) as core:
        await _arrived(core.door, town)
        for resident in town.residents:
            tags = {"name": resident.name, "tags": resident.labels}
            await core.door.run("node.register", tags, consent=consent)


async def _arrived(door: Door, town: Town) -> None:
    wanted = {resident.name for resident in town.residents}
    with door.events(Interest.of(NodeSeen)) as seen:
        try:
            async with asyncio.timeout(ARRIVAL):
                while missing := wanted - await _online(door):
                    await seen.next()
        except TimeoutError:
            raise Unreachable(
                f"{len(missing)} of the demo's nodes did not come: {', '.join(sorted(missing)[:3])}",
                hint="try again when the machine is less busy",
            ) from None


async def _online(door: Door) -> set[str]:
    listed = await door.run("node.list", {})
    return {item.name for item in listed.items if item.status == "online"}


async def _working_bubblewrap(folder: Path) -> str:
    """The path of bubblewrap; empty where there is none, or where the kernel lets this user make no walls."""
    bubblewrap = sandbox.available()
    if not bubblewrap:
        return ""
    argv = sandbox.wrapped(bubblewrap, "probe", folder, ["true"])
    async with launch(argv, os.environ, folder / "probe.txt") as probe:
        return "" if await probe.wait() else bubblewrap


def _home(root: Path, token: str, walls: bool) -> Home:
    home = Home(root).make()
    _write_token(root, token)
    (root / "demo").write_text("walls" if walls else "open")
    return home


def _write_token(folder: Path, token: str) -> Path:
    path = folder / "token"
    path.touch(mode=0o600)
    path.write_text(token)
    return path


def _product(*words: str) -> list[str]:
    return [sys.executable, "-m", "devopsclaw", *words]


def _environment(home: Path, **more: str) -> dict[str, str]:
    """This process's own, without its settings for devopsclaw, and with the demo's home."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("DEVOPSCLAW_")}
    return {**own, "DEVOPSCLAW_HOME": str(home), **more}


async def _start_relay(stack: AsyncExitStack, home: Home) -> str:
    words = ("relay", "start", "--addr", "127.0.0.1:0", "--max", "2000")
    argv = _product(*words, "--token-file", str(home.root / "token"))
    relay = await stack.enter_async_context(launch(argv, _environment(home.root), home.root / "relay.txt"))
    return await _listening(relay, home.run / "relay.json")


async def _listening(relay: Program, notice: Path) -> str:
    """The relay's address, once it has told where it listens."""
    async with asyncio.timeout(START_PATIENCE):
        while not notice.exists():
            if relay.has_ended:
                raise ClawError(f"the demo's relay did not start: {relay.last_words()}")
            await asyncio.sleep(0.02)
    return str(json.loads(notice.read_text())["url"])


async def _start_daemon(
    stack: AsyncExitStack, resident: Resident, folder: Path, url: str, token: str, bubblewrap: str
) -> None:
    folder.mkdir(mode=0o700)
    token_file = _write_token(folder, token)
    words = ("agent-daemon", "--relay", url, "--node-id", resident.name, "--token-file", str(token_file))
    argv = _product(*words)
    if bubblewrap:
        argv = sandbox.wrapped(bubblewrap, resident.name, folder, argv)
    environment = _environment(folder, **resident.situation)
    await stack.enter_async_context(launch(argv, environment, folder / "daemon.txt"))


async def _start_crowd(
    stack: AsyncExitStack,
    crowd: tuple[Resident, ...],
    folder: Path,
    link: tuple[str, str],
    bubblewrap: str,
) -> None:
    """All the others in one process, behind the same walls; `link` is the relay's address and token."""
    url, token = link
    folder.mkdir(mode=0o700)
    token_file = _write_token(folder, token)
    words = [sys.executable, "-m", "devopsclaw.demo.crowd", url, str(token_file)]
    argv = [*words, *(resident.name for resident in crowd)]
    if bubblewrap:
        argv = sandbox.wrapped(bubblewrap, "prod-workers", folder, argv)
    await stack.enter_async_context(launch(argv, _environment(folder), folder / "crowd.txt"))
