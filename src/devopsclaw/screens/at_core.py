"""The half of the console that is at a core: opens one, hears what happens, finds the next where one ends.

Not what is shown, and not the keys: that is `app`.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from operator import methodcaller
from typing import Any

from textual import work
from textual.app import App

from devopsclaw.core.bus import Gap, Subscription
from devopsclaw.core.door import Door
from devopsclaw.model.errors import ClawError, CoreEnded, Uncertain
from devopsclaw.model.events import RelayMoved
from devopsclaw.screens.base import Frame, RunConfirmed
from devopsclaw.screens.desk import CoreHandle, Desk
from devopsclaw.screens.live_run import LiveRun

DRAIN_EVERY = 0.1
"""Seconds between two looks at the events, design §14.6."""

NEWS = RelayMoved | Gap
"""Events after which the fleet is listed again."""


class AtCore(App[int], inherit_bindings=False):
    """`open_core` is called after the first paint, and again whenever the core that was there has ended."""

    def __init__(self, desk: Desk, open_core: Callable[[], Awaitable[CoreHandle]]) -> None:
        super().__init__()
        self.desk = desk
        self.leaving = asyncio.Event()
        self._open_core = open_core
        self._arrived = asyncio.Event()
        self._told: Subscription | None = None
        self._is_listing = self._lists_again = False

    @abstractmethod
    def front(self, tell: Callable[[Frame], None]) -> None:
        """Tell the frame in front."""

    @abstractmethod
    def go_on(self) -> None:
        """A run moved: what waits for it may go on."""

    @work(group="core")
    async def be_at_core(self) -> None:
        """Be at a core until the console is left. Where another process's core ends, the next one is sought:
        each is opened and closed in this one task.
        """
        situation = self.desk.situation
        while not self.leaving.is_set():
            try:
                core = await self._open_core()
            except ClawError as error:
                situation.broken = f"{error.message}\n\n  {error.hint}" if error.hint else error.message
                situation.is_reconnecting = False
                self.front(lambda frame: frame.nodes_listed())
                return
            try:
                await self._stay(core)
            finally:
                await core.close()

    async def _stay(self, core: CoreHandle) -> None:
        """Until the console is left, or this core ends."""
        situation = self.desk.situation
        was_lost = situation.is_reconnecting
        with core.door.events() as subscription:
            self.desk.door, situation.is_open, situation.is_reconnecting = core.door, True, False
            self._told = subscription
            self._arrived.set()
            listener = self._listen(subscription)
            self.list_nodes()
            self.front(lambda frame: frame.tick())
            if was_lost:
                self.front(lambda frame: frame.say("at a core again"))
            await self._left_or(core.lost)
            listener.cancel()
        if not self.leaving.is_set():
            self._absorb(subscription.drain())
            self._arrived.clear()
            self.desk.door, situation.is_open, situation.is_reconnecting = None, False, True
            situation.go_away()
            self.front(lambda frame: frame.tick())

    async def _left_or(self, lost: asyncio.Event) -> None:
        """Return when the console is left, or the core is lost."""
        async with asyncio.TaskGroup() as group:
            waits = [group.create_task(each.wait()) for each in (self.leaving, lost)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for each in waits:
                each.cancel()

    @work(group="events")
    async def _listen(self, subscription: Subscription) -> None:
        """Take what happens, at most ten times a second."""
        async for batch in subscription.batches(DRAIN_EVERY):
            self._absorb(batch)

    def _absorb(self, batch: list[Any]) -> None:
        known = self.desk.situation.nodes.keys()
        changed = self.desk.situation.absorb(batch)
        if changed - known or self.desk.situation.missed or any(isinstance(each, NEWS) for each in batch):
            self.list_nodes()
        self.go_on()
        self.front(methodcaller("absorb", changed))

    @work(group="nodes")
    async def list_nodes(self) -> None:
        """Ask for nodes, relay and open runs: once at a time, and once more if it was wanted meanwhile."""
        self._lists_again = self._is_listing
        if self._is_listing or self.desk.door is None:
            return
        self._is_listing = True
        try:
            await self._list_once(self.desk.door)
        except CoreEnded:
            pass  # the header says so, and the next core is asked as soon as it is there
        except ClawError as error:
            wrong = error
            self.front(lambda frame: frame.say_error(wrong))
        finally:
            self._is_listing = False
        if self._lists_again:
            self.list_nodes()

    async def _list_once(self, door: Door) -> None:
        listed = await door.run("node.list", {})
        status = await door.run("fleet.status", {})
        self.desk.situation.list_fleet(listed.items, status)
        for live in self.desk.situation.missed:
            self.desk.situation.settle(live, await door.run("jobs.show", {"run": live.run}))
        self.front(lambda frame: frame.nodes_listed())

    async def answer(self, door: Door, live: LiveRun, wanted: RunConfirmed) -> Any:
        """The result of a run. Where the core ends before it, the run goes on, and the next core is asked.

        Raises Uncertain where nobody knows whether it began.
        """
        try:
            return await door.run(
                "fleet.exec", wanted.params, consent=wanted.consent, call_id=live.call, waits=wanted.waits
            )
        except CoreEnded as ended:
            if self._told is not None:
                self._absorb(self._told.drain())  # the last words of that core may name the run
            if not live.run:
                raise Uncertain(
                    "the core ended before it answered: this may have run or not", hint="J lists the jobs"
                ) from ended
        return await self._answer_of_next(live.run)

    async def _answer_of_next(self, run: str) -> Any:
        """What a run came to, from the next core, or the one after it."""
        while True:
            await self._arrived.wait()
            door = self.desk.door
            try:
                if door is not None:
                    return await door.run("jobs.watch", {"run": run})
            except CoreEnded:
                await asyncio.sleep(DRAIN_EVERY)  # the console has yet to see that this one is gone too
