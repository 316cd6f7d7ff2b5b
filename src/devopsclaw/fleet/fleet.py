"""The fleet as operations see it: nodes, runs, and the links that are opened when they are first needed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from devopsclaw.core.bus import Bus
from devopsclaw.fleet.execution import Executions
from devopsclaw.fleet.nodes import Nodes
from devopsclaw.model.errors import ClawError
from devopsclaw.model.events import RelayMoved


@dataclass
class RelayState:
    """How the link to the relay stands: `none`, `connecting`, `connected`, `lost`, and why."""

    status: str = "none"
    url: str = ""
    why: str = ""


class Fleet:
    """`open_links` starts what reaches nodes and returns once it is known who is there, or that it fails."""

    def __init__(
        self,
        nodes: Nodes,
        executions: Executions,
        bus: Bus,
        open_links: Callable[[Fleet], Awaitable[None]],
    ) -> None:
        self.nodes = nodes
        self.executions = executions
        self._bus = bus
        self.relay = RelayState()
        self.trouble: ClawError | None = None
        """Why the relay is out of reach; None while it is connected, or where there is none."""
        self._open_links = open_links
        self._opening = asyncio.Lock()
        self._is_open = False

    async def ready(self) -> None:
        """Open the links, once. Raises ClawError where this home cannot use its relay at all."""
        async with self._opening:
            if not self._is_open:
                await self._open_links(self)
                self._is_open = True

    async def reached(self) -> None:
        """Wait until the relay is not out of reach."""
        with self._bus.subscribe(lambda event: isinstance(event, RelayMoved)) as moves:
            while self.trouble is not None:
                await moves.next()

    def report(self, status: str, url: str, why: str, trouble: ClawError | None = None) -> None:
        """The link to the relay changed."""
        self.relay = RelayState(status, url, why)
        self.trouble = trouble
        self._bus.publish(RelayMoved(status, url, why))

    def summary(self) -> dict[str, int | str]:
        """See `model.ports.FleetView`."""
        inventory = self.nodes.inventory()
        counts = Counter(node.link(inventory.now).value for node in inventory.nodes)
        found: dict[str, int | str] = {"relay": self.relay.url or "none", "connection": self.relay.status}
        if self.relay.why:
            found["why"] = self.relay.why
        found["nodes"] = len(inventory.nodes)
        return {**found, **counts}
