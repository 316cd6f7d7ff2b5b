"""A door is what a face gets: run, events, cancel. The one here is in process; it sets the actor itself.

The other make, over a socket, is `core.door_socket`; one contract test holds for both.
"""

from __future__ import annotations

import asyncio
import os
import pwd
from contextlib import AbstractContextManager
from typing import Any, Protocol

from devopsclaw.core.bus import Subscription
from devopsclaw.core.gate import Gate
from devopsclaw.model.call import Actor, Consent
from devopsclaw.model.interest import EVERYTHING, Interest


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
        waits: bool = False,
    ) -> Any:
        """Run an operation as the person at this door; its result, or its plan with `dry_run`.

        With `waits` it waits for somebody's yes where one is needed.
        """
        ...

    def events(self, interest: Interest = EVERYTHING) -> AbstractContextManager[Subscription]:
        """Listen to events until the block ends; what stays true is told first."""
        ...

    def cancel(self, call_id: str) -> None:
        """Stop the call with this id, if this door started it and it still runs."""
        ...


class LocalDoor:
    """The door of a face in the core's own process. Who stands at it is the process's OS user, unless whoever
    opens it knows better, as the server does that asks the kernel who its peer is.
    """

    def __init__(self, gate: Gate, face: str, *, demo: bool = False, uid: int | None = None) -> None:
        self._gate = gate
        who = os.getuid() if uid is None else uid
        self._actor = Actor(user_of(who), face, who, demo=demo)
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
        waits: bool = False,
    ) -> Any:
        """See `Door.run`."""
        task = asyncio.current_task()
        if call_id and task:
            self._running[call_id] = task
        try:
            return await self._gate.run(
                name, params, self._actor, consent=consent, dry_run=dry_run, call_id=call_id, waits=waits
            )
        finally:
            self._running.pop(call_id, None)

    def events(self, interest: Interest = EVERYTHING) -> AbstractContextManager[Subscription]:
        """See `Door.events`."""
        return self._gate.bus.subscribe(interest.wants)

    def cancel(self, call_id: str) -> None:
        """See `Door.cancel`."""
        if call_id in self._running:
            self._running[call_id].cancel()


def os_user() -> str:
    """The name of the process's OS user; its number where it has no name."""
    return user_of(os.getuid())


def user_of(uid: int) -> str:
    """The name of this OS user; its number where it has no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"
