"""A door is what a face gets: run, events, cancel. This one is in process; it sets the actor itself."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from devopsclaw.core.bus import Subscription
from devopsclaw.core.gate import Gate
from devopsclaw.model.call import Actor, Consent


class Door(Protocol):
    """The same three methods in process and over a socket."""

    async def run(
        self,
        name: str,
        params: dict[str, Any],
        *,
        consent: Consent | None = None,
        dry_run: bool = False,
        call_id: str = "",
    ) -> Any:
        """Run an operation as the person at this door; its result, or its plan with `dry_run`."""
        ...

    def events(
        self, wanted: Callable[[Any], bool] = lambda event: True
    ) -> AbstractContextManager[Subscription]:
        """Listen to events until the block ends."""
        ...

    def cancel(self, call_id: str) -> None:
        """Stop the call with this id, if this door started it and it still runs."""
        ...


class LocalDoor:
    """The door of a face in the core's own process; the actor is the process's OS user."""

    def __init__(self, gate: Gate, face: str, *, demo: bool = False) -> None:
        self._gate = gate
        self._actor = Actor(os_user(), face, os.getuid(), demo=demo)
        self._running: dict[str, asyncio.Task[Any]] = {}

    @property
    def actor(self) -> Actor:
        """Who stands at this door."""
        return self._actor

    async def run(
        self,
        name: str,
        params: dict[str, Any],
        *,
        consent: Consent | None = None,
        dry_run: bool = False,
        call_id: str = "",
    ) -> Any:
        """See `Door.run`."""
        task = asyncio.current_task()
        if call_id and task:
            self._running[call_id] = task
        try:
            return await self._gate.run(
                name, params, self._actor, consent=consent, dry_run=dry_run, call_id=call_id
            )
        finally:
            self._running.pop(call_id, None)

    def events(
        self, wanted: Callable[[Any], bool] = lambda event: True
    ) -> AbstractContextManager[Subscription]:
        """See `Door.events`."""
        return self._gate.bus.subscribe(wanted)

    def cancel(self, call_id: str) -> None:
        """See `Door.cancel`."""
        if call_id in self._running:
            self._running[call_id].cancel()


def os_user() -> str:
    """The name of the process's OS user; its number where it has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"
