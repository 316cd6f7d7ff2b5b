"""A gate that lets everything pass, a few operations, and the door of its core: in process, over a real
socket, and as raw lines for those who keep to no protocol.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.context import Ctx
from devopsclaw.core.door_server import Listener, listening
from devopsclaw.core.door_socket import SocketDoor, attached
from devopsclaw.core.gate import Gate, Record
from devopsclaw.core.operation import NoParams, Operation, Params, Result, operation
from devopsclaw.core.paths import Home
from devopsclaw.core.registry import Registry
from devopsclaw.core.services import Services
from devopsclaw.model.call import Call
from devopsclaw.model.door import hello
from devopsclaw.model.errors import ApprovalNeeded, ClawError, Denied
from devopsclaw.model.events import NodeMoved
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.model.state import State

PATIENCE = 30.0
"""Seconds that anything here may take on a loaded machine."""

SECRET = "the boiler has burst"


class Answer(Result):
    """Who asked."""

    schema_name = "test.answer/1"

    user: str = ""
    door: str = ""
    uid: int = -1
    demo: bool = False
    phrase: str = ""
    digest: str = ""


class Text(Result):
    """What was said."""

    schema_name = "test.text/1"

    said: str


class Say(Params):
    """What is to be said, so many times."""

    text: str
    times: int = 1


class Fail(Params):
    """Which error, by the name of its class."""

    kind: str


def moved(call: str, node: str = "n", run: str = "X-1") -> NodeMoved:
    """An event of a call."""
    return NodeMoved(call, run, node, State.RUNNING)


@operation("door.ask", Effect.READ)
async def ask(ctx: Ctx, params: NoParams) -> Answer:
    """Say who asks."""
    actor, consent = ctx.call.actor, ctx.call.consent
    ctx.publish(moved(ctx.call.id, "asked"))
    given = {"phrase": consent.phrase, "digest": consent.digest} if consent else {}
    return Answer(user=actor.user, door=actor.door, uid=actor.uid, demo=actor.demo, **given)


@operation("door.wait", Effect.READ)
async def wait(ctx: Ctx, params: NoParams) -> Answer:
    """Wait for ever."""
    ctx.publish(moved(ctx.call.id, "waits"))
    await asyncio.Event().wait()
    return Answer()


@operation("door.say", Effect.READ)
async def say(ctx: Ctx, params: Say) -> Text:
    """Say it."""
    return Text(said=params.text * params.times)


@operation("door.fail", Effect.READ)
async def fail(ctx: Ctx, params: Fail) -> Answer:
    """Fail as it is asked."""
    raise failure(params.kind)


@operation("door.break", Effect.READ)
async def broken(ctx: Ctx, params: NoParams) -> Answer:
    """Fail as nothing should."""
    raise ZeroDivisionError(SECRET)


def failure(kind: str) -> ClawError:
    """An error of this class, with all that it can carry."""
    if kind == ApprovalNeeded.__name__:
        return ApprovalNeeded("needs a yes", hint="--yes", risk="critical", digest="d" * 64, phrase="prod:43")
    return kinds()[kind](f"{kind}: zażółć", hint="try again", identifier="E-7")


def kinds(kind: type[ClawError] = ClawError) -> dict[str, type[ClawError]]:
    """Every class of error at and below this one, by its name."""
    below = [kinds(each) for each in kind.__subclasses__() if each.__module__ == ClawError.__module__]
    return {kind.__name__: kind} | {name: each for found in below for name, each in found.items()}


class Silent:
    """A record that keeps nothing."""

    entry = ""

    def conclude(self, result: Any) -> None:
        """See `Record.conclude`."""


class Open:
    """Guards that let everything pass."""

    async def permit(self, operation: Operation, call: Call) -> None:
        """See `Guards.permit`."""

    async def permit_plan(self, operation: Operation, plan: Plan, call: Call) -> None:
        """See `Guards.permit_plan`."""

    async def refuse(self, operation: Operation, call: Call, denied: Denied) -> None:
        """Not recorded here."""

    def weigh(self, plan: Plan) -> Plan:
        """Not judged here."""
        return plan

    async def ask(self, operation: Operation, plan: Plan, call: Call) -> bool:
        """See `Guards.ask`."""
        return False

    async def approve(self, operation: Operation, plan: Plan, call: Call) -> str:
        """See `Guards.approve`."""
        return ""

    @asynccontextmanager
    async def audited(
        self, operation: Operation, call: Call, plan: Plan, approval: str
    ) -> AsyncIterator[Record]:
        """See `Guards.audited`."""
        yield Silent()


def open_gate() -> Gate:
    """A gate over the operations of this file."""
    return Gate(Registry([ask, wait, say, fail, broken]), Open(), Services(), Bus(), ManualClock())


async def eventually(holds: Callable[[], Any], what: str = "it") -> Any:
    """What `holds` returns, once that is true."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not (found := holds()):
                await asyncio.sleep(0.005)
            return found
    except TimeoutError:
        raise AssertionError(f"{what} did not happen in {PATIENCE:.0f} s") from None


@dataclass
class Place:
    """A home whose core listens."""

    home: Home
    gate: Gate
    listener: Listener
    callers: list[Caller] = field(default_factory=list)

    def attach(self, face: str = "console") -> AbstractAsyncContextManager[SocketDoor]:
        """A door of another process, so to say."""

        def result_of(name: str, body: dict[str, Any]) -> Any:
            return self.gate.registry.find(name).result.model_validate(body)

        return attached(self.home, face, "1.0", result_of)

    async def call(self, greeting: bytes | None = None) -> Caller:
        """A client that says this first; nothing where it is empty, a proper hello by default."""
        reader, writer = await asyncio.open_unix_connection(str(self.home.socket), limit=1 << 24)
        caller = Caller(reader, writer)
        self.callers.append(caller)
        if greeting is None:
            caller.say(hello("cli", "1.0"))
            caller.welcome = (await caller.hear())["welcome"]
        else:
            writer.write(greeting)
        return caller


@dataclass
class Caller:
    """A client of raw lines."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    welcome: dict[str, Any] = field(default_factory=dict)

    def say(self, message: Any) -> None:
        """Send one message."""
        self.writer.write(json.dumps(message).encode() + b"\n")

    async def hear(self) -> dict[str, Any]:
        """The next message; fails where the other side has hung up."""
        async with asyncio.timeout(PATIENCE):
            raw = await self.reader.readline()
        assert raw, "it hung up"
        message: dict[str, Any] = json.loads(raw)
        return message

    async def refused(self) -> dict[str, str]:
        """Why it is sent away; it is hung up on, too."""
        said = (await self.hear())["refused"]
        await self.hung_up()
        return dict(said)

    async def hung_up(self) -> None:
        """Wait until the other side ends; nothing more is said."""
        async with asyncio.timeout(PATIENCE):
            assert await self.reader.read() == b""

    async def run(self, name: str, number: int = 1, call: str = "", **params: Any) -> dict[str, Any]:
        """Ask, and wait for the answer, whatever is said before it."""
        self.ask(name, number, call, **params)
        while (said := await self.hear()).get("id") != number or "events" in said:
            pass
        return said

    def ask(self, name: str, number: int = 1, call: str = "", **params: Any) -> None:
        """Ask, and wait for nothing."""
        self.say({"id": number, "run": {"name": name, "params": params, "call": call}})

    async def leave(self) -> None:
        """Hang up."""
        self.writer.close()
        await self.writer.wait_closed()


@asynccontextmanager
async def open_place(folder: Path, gate: Gate, group: str = "", version: str = "1.0") -> AsyncIterator[Place]:
    """A core that listens in this folder, until the block ends."""
    home = Home(folder / "home").make()
    listener = Listener(gate, "gateway", version, False, group, home.log / "core.jsonl", lambda actor: None)
    async with listening(home, listener):
        place = Place(home, gate, listener)
        try:
            yield place
        finally:
            for caller in place.callers:
                caller.writer.close()
