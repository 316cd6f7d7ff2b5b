"""A run while this core follows it: where each node stands, and a bell for whoever waits. No effects."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from devopsclaw.model.state import State


@dataclass
class LiveRun:
    """`commands` maps a command's id to its node's name; `states` has every node from the start."""

    id: str
    call: str
    commands: Mapping[str, str]
    states: dict[str, State] = field(default_factory=dict)
    stopped: bool = False
    """Stopped by a budget: a node failed where that ends the run."""
    is_cancelled: bool = False
    """A person wants no more of it."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_over(self) -> bool:
        """Whether every node is in a final state; an `unknown` one may still become the truth."""
        return all(state.is_final for state in self.states.values())

    def move(self, node: str, state: State) -> None:
        """The node stands elsewhere now."""
        self.states[node] = state
        self._changed.set()

    def cancel(self) -> None:
        """Send nothing more."""
        self.is_cancelled = True
        self._changed.set()

    async def changed(self, seconds: float | None = None) -> None:
        """Wait until a node moves, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()
