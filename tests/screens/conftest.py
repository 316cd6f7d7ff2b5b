"""A console on a core that is not there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.screens.fake_core import NIGHT, FakeDoor
from textual.events import Key
from textual.pilot import Pilot

from devopsclaw.app import Console
from devopsclaw.core.clock import ManualClock
from devopsclaw.model.errors import ClawError
from devopsclaw.screens.desk import Desk
from devopsclaw.widgets.glyphs import UNICODE, Glyphs

KEY_NAMES = {" ": "space", ":": "colon", "=": "equals_sign", "\r": "enter", "\t": "tab", "-": "minus"}
"""How Textual calls the keys of these characters."""


@dataclass
class FakeCore:
    """What `open_core` gives."""

    door: FakeDoor
    is_closed: bool = False
    opened_by: asyncio.Task[Any] | None = None
    closed_by: asyncio.Task[Any] | None = None
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    async def close(self) -> None:
        """See `CoreHandle.close`."""
        self.is_closed, self.closed_by = True, asyncio.current_task()


@dataclass
class FakeClipboard:
    """A `screens.terminal.Copier` inside tmux, which keeps what it is sent."""

    sent: list[str]
    is_in_tmux: bool = True

    async def offer(self, text: str) -> str:
        """See `Copier.offer`."""
        self.sent.append(text)
        return "tmux"

    def keep(self, text: str) -> str:
        """See `Copier.keep`."""
        self.sent.append(text)
        return "~/clipboard.txt"


@dataclass
class Bench:
    """A console, its door, and the hands of its clock."""

    door: FakeDoor = field(default_factory=FakeDoor)
    clock: ManualClock = field(default_factory=lambda: ManualClock(NIGHT))
    glyphs: Glyphs = UNICODE
    demo: bool = False
    theme: str = "claw-dark"
    sent: list[str] = field(default_factory=list)
    failure: ClawError | None = None
    opens: asyncio.Event | None = None

    def __post_init__(self) -> None:
        self.core = FakeCore(self.door)

    def console(self, pane: str = "fleet") -> Console:
        """A console on this bench; the digit to type is always 7."""
        desk = Desk(self.clock.wall, self.clock.steady, lambda: "7", self.glyphs)
        copier = FakeClipboard(self.sent)
        return Console(self.open, demo=self.demo, copier=copier, desk=desk, theme=self.theme, pane=pane)

    async def open(self) -> FakeCore:
        """Open the core, when it may."""
        if self.opens is not None:
            await self.opens.wait()
        if self.failure is not None:
            raise self.failure
        self.core.opened_by = asyncio.current_task()
        return self.core

    def finish_with_past(self) -> None:
        """Let what runs end, and the list of jobs have it."""
        plan = self.door.plan({"command": "sleep 60", "target": "prod-web-2"})
        self.door.past = [self.door.result("X-31", "E-8851", "sleep 60", plan)]
        self.door.finish.set()

    @asynccontextmanager
    async def shown(self, size: tuple[int, int] = (80, 24), pane: str = "fleet") -> AsyncIterator[Pilot[int]]:
        """The console at this size, its fleet listed."""
        console = self.console(pane)
        async with console.run_test(size=size) as pilot:
            await until(pilot, lambda: bool(console.desk.situation.nodes))
            yield pilot


async def type_text(pilot: Pilot[Any], text: str) -> None:
    """Type this as fast as a paste would, but as keys; `pilot.press` waits after each."""
    for character in text:
        pilot.app.post_message(Key(KEY_NAMES.get(character, character), character))
    await pilot.pause()


async def until(pilot: Pilot[Any], is_so: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.005)
    await pilot.pause()


@pytest.fixture
def bench() -> Bench:
    """A console on a small fleet."""
    return Bench()
