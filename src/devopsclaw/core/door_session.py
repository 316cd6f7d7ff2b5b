"""One client at a core's socket: its greeting, its requests, the events it listens to. Not who is let in:
that is the listener's.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from devopsclaw.core import door_words as words
from devopsclaw.core.background import Background
from devopsclaw.core.bus import Subscription
from devopsclaw.core.door import LocalDoor
from devopsclaw.model.call import Actor
from devopsclaw.model.door import PROTOCOL, check_protocol
from devopsclaw.model.errors import ClawError, Defect, Denied, Misused
from devopsclaw.model.interest import Interest

LOG = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds a client may take to say who it is."""

MOST_CALLS = 64
"""Calls of one client at a time, and interests."""

TOLD_EVERY = 0.05
"""Seconds between two batches of events; a console draws at most ten times a second."""


class Host(Protocol):
    """The listener, as far as a session needs it."""

    log: Path
    calls: set[asyncio.Task[None]]
    """What runs for clients, of all sessions."""

    def door_for(self, peer: socket.socket, face: str) -> LocalDoor:
        """The door of this client. Raises Denied."""
        ...

    def admit(self, actor: Actor) -> None:
        """Raises Denied for whom nothing is told: events say what runs and what it prints."""
        ...

    @property
    def welcome(self) -> dict[str, Any]:
        """What a client is told first."""
        ...


class Session:
    """Requests of one client. `work` outlives it: what was asked for is finished."""

    def __init__(
        self, host: Host, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, work: Background
    ) -> None:
        self._host = host
        self._reader = reader
        self._writer = writer
        self._work = work
        self._telling: dict[int, asyncio.Task[None]] = {}
        self._heard: dict[int, Subscription] = {}
        self._running = 0
        self._withdrawn: set[str] = set()
        self._writing = asyncio.Lock()

    async def serve(self) -> None:
        """Until the client leaves, or is sent away."""
        try:
            door = await self._greeted()
            while raw := await self._reader.readline():
                await self._take(door, words.read(raw))
        except (ValueError, Misused) as unreadable:  # a line without end, or none of ours
            wrong = (
                unreadable if isinstance(unreadable, Misused) else Misused("a line at the door is too long")
            )
            await self._say({"refused": wrong.as_wire()})
        except ClawError as refused:
            await self._say({"refused": refused.as_wire()})
        except ConnectionError:
            LOG.debug("a client is gone")
        finally:
            for number in tuple(self._telling):
                self._hush(number)

    async def _greeted(self) -> LocalDoor:
        """Raises ClawError for whom is not let in, ConnectionError for whom says nothing."""
        try:
            raw = await asyncio.wait_for(self._reader.readline(), PATIENCE)
        except TimeoutError:
            raise ConnectionError("it said nothing") from None
        if not raw:
            raise ConnectionError("it left again")
        said = words.read(raw).get("hello")
        if not isinstance(said, dict):
            raise Misused("a client has to say hello first")
        theirs = f"your devopsclaw {said.get('version', '?')} ({said.get('face', '?')})"
        me = self._host.welcome
        ours = f"the core in process {me['pid']} ({me['face']}, {me['version']})"
        check_protocol(said.get("protocol"), theirs, ours)
        door = self._host.door_for(self._writer.get_extra_info("socket"), str(said.get("face")))
        await self._say({"welcome": {"protocol": PROTOCOL, **self._host.welcome, "user": door.actor.user}})
        return door

    async def _take(self, door: LocalDoor, message: dict[str, Any]) -> None:
        number = message.get("id", 0)
        if not isinstance(number, int):
            raise Misused("the id of a request has to be a number")
        if isinstance(asked := message.get("run"), dict):
            self._start(door, number, asked)
        elif "listen" in message:
            await self._listen(door, number, words.interest_of(message["listen"]))
        elif "hush" in message:
            self._hush(number)
        elif isinstance(call := message.get("cancel"), str):
            self._withdrawn.add(call)
            door.cancel(call)
        else:
            raise Misused(f"a request at the door is none of ours: {', '.join(map(str, message))[:80]}")

    def _start(self, door: LocalDoor, number: int, asked: dict[str, Any]) -> None:
        if self._running >= MOST_CALLS:
            raise Misused(f"a client may have {MOST_CALLS} calls at a time")
        self._running += 1
        call = self._work.start(self._answer(door, number, asked))
        self._host.calls.add(call)
        call.add_done_callback(self._host.calls.discard)

    async def _listen(self, door: LocalDoor, number: int, interest: Interest) -> None:
        self._hush(number)
        try:
            self._host.admit(door.actor)
        except Denied as stranger:
            await self._say({"id": number, "error": stranger.as_wire()})
            return
        if len(self._telling) >= MOST_CALLS:
            raise Misused(f"a client may listen to {MOST_CALLS} interests at a time")
        self._telling[number] = self._work.start(self._tell(door, number, interest))

    def _hush(self, number: int) -> None:
        if number in self._telling:
            self._telling.pop(number).cancel()

    async def _answer(self, door: LocalDoor, number: int, asked: dict[str, Any]) -> None:
        """Run it to its end, and tell the client if it is still there: first what happened until then."""
        try:
            answer = await self._run(door, asked)
            for listening, heard in tuple(self._heard.items()):
                await self._pass_on(listening, heard.drain())
            await self._say({"id": number, **answer})
        except asyncio.CancelledError:
            self._say_last(number, is_withdrawn=asked.get("call") in self._withdrawn)
            raise
        finally:
            self._running -= 1

    def _say_last(self, number: int, *, is_withdrawn: bool) -> None:
        """What happened until then, without waiting, as the core may be ending. That it was cancelled is told
        only to a client who asked for it: a core that ends has cancelled nothing, and the next one is asked.
        """
        if not self._writer.is_closing():
            for listening, heard in self._heard.items():
                self._writer.write(words.line({"id": listening, "events": words.told(heard.drain())}))
            if is_withdrawn:
                self._writer.write(words.line({"id": number, "cancelled": True}))

    async def _run(self, door: LocalDoor, asked: dict[str, Any]) -> dict[str, Any]:
        name, is_dry = str(asked.get("name", "")), bool(asked.get("dry_run"))
        try:
            consent, params = words.consent_of(asked.get("consent")), asked.get("params")
            if not isinstance(params, dict):
                raise Misused(f"{name}: params have to be an object")
            call = str(asked.get("call", ""))
            waits = bool(asked.get("waits"))
            result = await door.run(name, params, consent=consent, dry_run=is_dry, call_id=call, waits=waits)
            if is_dry:
                return {"plan": words.plan_json(result)}
            return {"result": result.as_json(), "text": _text(result), "exit": result.exit}
        except ClawError as error:
            return {"error": error.as_wire()}
        except Exception as unexpected:  # one client's call must not end everybody's core
            LOG.exception("%s should not have failed", name)
            what = f"this should not have happened: {type(unexpected).__name__}: {unexpected}".splitlines()[0]
            return {"error": Defect(what, hint=f"read {self._host.log}").as_wire()}

    async def _tell(self, door: LocalDoor, number: int, interest: Interest) -> None:
        """Events, until the client has enough or leaves."""
        with door.events(interest) as heard:
            self._heard[number] = heard
            try:
                async for batch in heard.batches(TOLD_EVERY):
                    await self._pass_on(number, batch)
            finally:
                if self._heard.get(number) is heard:
                    del self._heard[number]

    async def _pass_on(self, number: int, happened: list[Any]) -> None:
        if happened:
            await self._say({"id": number, "events": words.told(happened)})

    async def _say(self, message: dict[str, Any]) -> None:
        """Send a line; a client that is gone hears nothing more."""
        async with self._writing:
            with suppress(ConnectionError):
                self._writer.write(words.line(message))
                await self._writer.drain()


def _text(result: Any) -> str:
    """Its own words, for a result that is no table and has no folds."""
    return "" if result.columns or hasattr(result, "folds") else str(result.text())
