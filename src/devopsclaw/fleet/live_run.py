"""A run while this core follows it: where each node stands, and a bell for whoever waits. No effects."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from devopsclaw.core.runs import RunNode
from devopsclaw.model.state import State


class Sending(StrEnum):
    """Whether what was never sent is sent in its turn."""

    NO = "waits for a person"
    SOON = "waits for the relay"
    NOW = "goes on"


@dataclass
class LiveRun:
    """`parts` are its nodes in order, with the key and the command id each had when the run was recorded;
    `states` has every node from the start.
    """

    id: str
    call: str
    parts: Sequence[RunNode]
    states: dict[str, State]
    under_way: set[str] = field(default_factory=set)
    """Ids of commands of which more may be heard: sent, and not ended for good."""
    awaited: set[str] = field(default_factory=set)
    """Nodes whose part is called unknown and that are about to tell: asked, or back and not finished."""
    stopped: bool = False
    """Stopped by a budget: a node failed where that ends the run."""
    is_cancelled: bool = False
    """A person wants no more of it."""
    is_left: bool = False
    """Who asked does not wait any more, so the outcome is put on record by whoever sees it."""
    sending: Sending = Sending.NO
    is_adopted: bool = False
    """This core answers for it: it began it, or was told to go on with it or to stop it; else it looks."""
    decided: set[str] = field(default_factory=set)
    """Nodes whose part a person closed; what the nodes say later does not change it."""
    ended_at: float = 0.0
    """Wall time of the last end that is known."""
    recorded: int | None = None
    """The exit code that the log has of it."""
    is_closed: bool = False
    """Every node has ended, and that is in the log."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._names = {part.command: part.node for part in self.parts}
        self._parts = {part.node: part for part in self.parts}

    def node_of(self, command: str) -> str:
        """The node that this command of the run is for."""
        return self._names[command]

    def part(self, node: str) -> RunNode:
        """This node's part."""
        return self._parts[node]

    @property
    def is_over(self) -> bool:
        """Whether every node is in a final state; an `unknown` one may still become the truth."""
        return not self.awaited and all(state.is_final for state in self.states.values())

    @property
    def has_pending(self) -> bool:
        """Whether some node was never sent its part."""
        return State.PENDING in self.states.values()

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing more happens by itself: all that was sent has ended, and nothing is about to be."""
        rests = {State.PENDING} if self.sending is Sending.NO else set()
        return not self.awaited and all(state.is_final or state in rests for state in self.states.values())

    def move(self, node: str, state: State, *, is_awaited: bool = False) -> None:
        """The node stands elsewhere now; not where a person closed its part."""
        if node in self.decided:
            return
        self.states[node] = state
        self.awaited.discard(node)
        if is_awaited:
            self.awaited.add(node)
        self._changed.set()

    def end(self, at: float) -> None:
        """A node's part ended at this wall time; 0 where nobody knows."""
        self.ended_at = max(self.ended_at, at)

    def decide(self, node: str, state: State) -> None:
        """A person closed this node's part."""
        self.move(node, state)
        self.decided.add(node)

    def send(self, sending: Sending = Sending.NOW) -> None:
        """Whether to send what was never sent."""
        self.sending = sending
        self._changed.set()

    def cancel(self) -> None:
        """Send nothing more; what was never sent is over."""
        self.is_cancelled = True
        self.send()

    def close(self) -> None:
        """Its end is in the log."""
        self.is_closed = True
        self._changed.set()

    async def changed(self, seconds: float | None = None) -> None:
        """Wait until something moves, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    async def over(self) -> None:
        """Wait until its end is in the log."""
        while not self.is_closed:
            await self.changed()

    async def at_rest(self) -> None:
        """Wait until nothing more happens by itself; where it is over then, until that is in the log."""
        while not self.is_closed and (self.is_over or not self.is_at_rest):
            await self.changed()

    async def begun(self) -> None:
        """Wait until some node was sent its part, or will be sent none."""
        while all(state is State.PENDING for state in self.states.values()):
            await self.changed()
