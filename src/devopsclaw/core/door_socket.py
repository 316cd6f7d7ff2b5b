"""The door of a face whose core runs in another process: the same three methods, over that core's socket."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from devopsclaw.core import door_words as words
from devopsclaw.core.background import background
from devopsclaw.core.bus import MAX_PENDING, Subscription
from devopsclaw.core.paths import Home, short
from devopsclaw.model.call import Consent
from devopsclaw.model.door import ANSWER_LIMIT, GREETING, LINE_LIMIT, check_protocol, hello, silent
from devopsclaw.model.errors import BadParams, CoreEnded, Denied, Unreachable, from_wire
from devopsclaw.model.interest import EVERYTHING, Interest

ResultOf = Callable[[str, dict[str, Any]], Any]
"""Makes the result of the operation of this name from its JSON."""

LOST = "the core that this was asked of has ended"


class SocketDoor:
    """See `core.door.Door`. `welcome` is what the core said of itself; `lost` is set when it is gone."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        welcome: dict[str, Any],
        result_of: ResultOf,
    ) -> None:
        self.welcome = welcome
        self.lost = asyncio.Event()
        self._reader = reader
        self._writer = writer
        self._result_of = result_of
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._heard: dict[int, Subscription] = {}

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
        """See `Door.run`. Raises CoreEnded where the core ends before it answers."""
        number = next(self._numbers)
        asked = {"name": name, "params": params, "consent": words.consent_json(consent), "dry_run": dry_run}
        message = words.line({"id": number, "run": {**asked, "call": call_id, "waits": waits}})
        if len(message) > LINE_LIMIT:
            raise BadParams(
                f"{name}: more than {LINE_LIMIT // 1024} KiB were given", hint="put it into a file"
            )
        answer = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            await self._send(message)
            return self._read_answer(name, await answer)
        except asyncio.CancelledError:
            if call_id and not answer.done():
                self.cancel(call_id)
            raise
        finally:
            del self._asked[number]

    @contextmanager
    def events(self, interest: Interest = EVERYTHING) -> Iterator[Subscription]:
        """See `Door.events`."""
        number = next(self._numbers)
        subscription = Subscription(lambda event: True, MAX_PENDING)
        self._heard[number] = subscription
        self._write({"id": number, "listen": words.interest_json(interest)})
        try:
            yield subscription
        finally:
            del self._heard[number]
            self._write({"id": number, "hush": True})

    def cancel(self, call_id: str) -> None:
        """See `Door.cancel`."""
        self._write({"cancel": call_id})

    async def listen(self) -> None:
        """Take what the core says until it is gone; has to run beside everything else."""
        try:
            while raw := await self._reader.readline():
                self._take(words.read(raw))
        except ConnectionError:
            pass  # the same as its end
        finally:
            self.lost.set()
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(_lost())

    def _take(self, message: dict[str, Any]) -> None:
        number = message.get("id", 0)
        if "events" in message:
            for each in message["events"]:
                if number in self._heard:
                    self._heard[number].offer(words.heard(each))
        elif number in self._asked and not self._asked[number].done():
            self._asked[number].set_result(message)

    def _read_answer(self, name: str, message: dict[str, Any]) -> Any:
        if "error" in message:
            raise from_wire(message["error"])
        if "cancelled" in message:
            raise asyncio.CancelledError
        if "plan" in message:
            return words.plan_of(message["plan"])
        return self._result_of(name, message["result"])

    async def _send(self, message: bytes) -> None:
        if self.lost.is_set():
            raise _lost()
        try:
            self._writer.write(message)
            await self._writer.drain()
        except ConnectionError as gone:
            raise _lost() from gone

    def _write(self, message: dict[str, Any]) -> None:
        """Send what needs no answer; to a core that is gone there is nothing to say."""
        if not self.lost.is_set():
            self._writer.write(words.line(message))


def _lost() -> CoreEnded:
    return CoreEnded(LOST, hint="what was sent goes on at the nodes: devopsclaw jobs list")


@asynccontextmanager
async def attached(home: Home, face: str, version: str, result_of: ResultOf) -> AsyncIterator[SocketDoor]:
    """The door of the core that runs on this home, until the block ends.

    Raises Unreachable where no core listens, Denied for a stranger, Misused where the versions do not fit.
    """
    reader, writer = await _connected(home)
    try:
        welcome = await _welcomed(reader, writer, face, version)
        door = SocketDoor(reader, writer, welcome, result_of)
        async with background() as tasks:
            tasks.start(door.listen())
            yield door
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _connected(home: Home) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        with short(home.socket) as name:
            return await asyncio.open_unix_connection(name, limit=ANSWER_LIMIT)
    except PermissionError:
        raise Denied(
            f"{home.root} is not yours, and its core lets nobody else in",
            hint="its owner can set core.socket_group and grant you a role",
        ) from None
    except OSError as nobody:
        raise Unreachable(f"no core runs on {home.root}", hint="devopsclaw starts one") from nobody


async def _welcomed(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, face: str, version: str
) -> dict[str, Any]:
    try:
        writer.write(words.line(hello(face, version)))
        async with asyncio.timeout(GREETING):
            raw = await reader.readline()
    except ConnectionError:
        raw = b""
    except TimeoutError:
        raise silent() from None
    if not raw:
        raise Unreachable("the core ended just now", hint="try again")
    said = words.read(raw)
    if "refused" in said:
        raise from_wire(said["refused"])
    welcome: dict[str, Any] = said["welcome"]
    theirs = f"the core in process {welcome.get('pid')} ({welcome.get('face')}, {welcome.get('version')})"
    check_protocol(welcome.get("protocol"), theirs, f"your devopsclaw {version} ({face})")
    return welcome
