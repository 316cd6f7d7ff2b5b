"""A real fleet for a measurement: a relay process, a process of nodes, and a warm core in this one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import place

from devopsclaw import boot
from devopsclaw.core.door import Door
from devopsclaw.core.paths import Home
from devopsclaw.model.events import NodeSeen
from devopsclaw.model.interest import Interest
from devopsclaw.ops.ran import Ran


@dataclass(frozen=True, slots=True)
class WarmCore:
    """A core that is open; its nodes are online."""

    door: Door

    async def run(self, command: str, target: str, at_once: int) -> None:
        """`devopsclaw run COMMAND --target TARGET --max N`. Raises RuntimeError unless all ends well."""
        wanted = {"command": command, "target": target, "max": at_once}
        ran: Ran = await self.door.run("fleet.exec", wanted)
        bad = [item for item in ran.items if item.status != "ok"]
        if bad:
            raise RuntimeError(f"{len(bad)} nodes: {bad[0].node} {bad[0].status} {bad[0].reason}")

    async def joined(self, count: int) -> None:
        """Wait until so many nodes are online."""
        with self.door.events(Interest.of(NodeSeen)) as seen:
            async with asyncio.timeout(place.PATIENCE):
                while await self._online() < count:
                    await seen.next()

    async def _online(self) -> int:
        listed = await self.door.run("node.list", {})
        return sum(item.status == "online" for item in listed.items)


@asynccontextmanager
async def warm(home: Path) -> AsyncIterator[WarmCore]:
    """A core on this home, joined to its relay."""
    async with boot.open(Home(home), face="bench", environment={}, links=boot.LinksAre.AWAITED) as core:
        yield WarmCore(core.door)
