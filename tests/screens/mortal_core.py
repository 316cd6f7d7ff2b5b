"""Cores of other processes that are not there, and that end one after the other under a console."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from tests.screens.conftest import Bench, FakeCore
from tests.screens.fake_core import FakeDoor
from textual.pilot import Pilot

from devopsclaw.app import Console
from devopsclaw.model.errors import CoreEnded
from devopsclaw.screens.desk import Desk
from devopsclaw.screens.live_run import LiveRun


@dataclass
class MortalDoor(FakeDoor):
    """The door of another process's core: what is asked of it breaks off when that ends."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    holds: str = ""
    """An operation that is taken and not begun."""

    async def run(self, name: str, params: dict[str, Any], **options: Any) -> Any:
        """See `Door.run`."""
        asked = asyncio.ensure_future(self._answer(name, params, options))
        gone = asyncio.ensure_future(self.ended.wait())
        try:
            await asyncio.wait((asked, gone), return_when=asyncio.FIRST_COMPLETED)
            if self.ended.is_set():
                raise CoreEnded("the core that this was asked of has ended", hint="J lists the jobs")
            return asked.result()
        finally:
            asked.cancel()
            gone.cancel()

    async def _answer(self, name: str, params: dict[str, Any], options: dict[str, Any]) -> Any:
        if name == self.holds and not options.get("dry_run"):
            self.calls.append((name, params, options.get("consent"), False))
            await asyncio.Event().wait()
        if name != "jobs.watch":
            return await super().run(name, params, **options)
        self.calls.append((name, params, None, False))
        await self.finish.wait()
        return next(each for each in self.past if each.run == params["run"])


def core() -> FakeCore:
    """A core of another process."""
    return FakeCore(MortalDoor())


@dataclass
class Succession(Bench):
    """A console whose cores end one after the other. Each but the first opens when it `may_open`."""

    cores: list[FakeCore] = field(default_factory=lambda: [core() for _ in range(3)])
    may_open: asyncio.Event = field(default_factory=asyncio.Event)
    opened: int = 0

    async def open(self) -> FakeCore:
        """See `Bench.open`."""
        if self.opened:
            await self.may_open.wait()
            if self.failure is not None:
                raise self.failure
        core = self.cores[self.opened]
        self.opened += 1
        core.opened_by = asyncio.current_task()
        return core

    def at(self, number: int) -> MortalDoor:
        """The door of this core."""
        door = self.cores[number].door
        assert isinstance(door, MortalDoor)
        return door

    def end_core(self) -> None:
        """The core that is open ends."""
        self.at(self.opened - 1).ended.set()
        self.cores[self.opened - 1].lost.set()

    def know_run(self, number: int, run: str = "X-31", status: str = "ok") -> None:
        """This core has the run on record; one that is not over it counts as open."""
        door = self.at(number)
        made = door.result(run, "E-8851", "sleep 60", door.plan({"command": "sleep 60", "target": "local"}))
        door.past = [made]
        if status != "ok":
            door.fleet_status = door.fleet_status.model_copy(update={"open_runs": [run]})

    def was_asked(self, number: int, name: str) -> bool:
        """Whether this core was asked for this operation."""
        return bool(self.at(number).named(name))

    def is_at(self, pilot: Pilot[int], number: int) -> bool:
        """Whether the console is at this core."""
        return desk(pilot).door is self.at(number)


def desk(pilot: Pilot[int]) -> Desk:
    """The console's desk."""
    assert isinstance(pilot.app, Console)
    return pilot.app.desk


def run_of(pilot: Pilot[int], run: str) -> LiveRun:
    """What the console knows of this run."""
    live = desk(pilot).situation.named(run)
    assert live is not None
    return live
