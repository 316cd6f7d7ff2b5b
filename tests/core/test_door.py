"""The door in process: it sets the actor itself, and hands on run, events and cancel."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.context import Ctx
from devopsclaw.core.door import Door, LocalDoor, os_user
from devopsclaw.core.gate import Gate, Record
from devopsclaw.core.operation import NoParams, Operation, Result, operation
from devopsclaw.core.registry import Registry
from devopsclaw.core.services import Services
from devopsclaw.model.call import Actor, Call, Consent
from devopsclaw.model.errors import Denied
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect


class Answer(Result):
    """Who asked."""

    user: str = ""
    door: str = ""
    uid: int = -1
    demo: bool = False
    phrase: str = ""


@operation("door.ask", Effect.READ)
async def ask(ctx: Ctx, params: NoParams) -> Answer:
    """Say who asks."""
    actor, consent = ctx.call.actor, ctx.call.consent
    ctx.publish(f"asked in {ctx.call.id}")
    return Answer(
        user=actor.user,
        door=actor.door,
        uid=actor.uid,
        demo=actor.demo,
        phrase=consent.phrase if consent else "",
    )


@operation("door.wait", Effect.READ)
async def wait(ctx: Ctx, params: NoParams) -> Answer:
    """Wait for ever."""
    ctx.publish("waiting")
    await asyncio.Event().wait()
    return Answer()


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

    async def approve(self, operation: Operation, plan: Plan, call: Call) -> str:
        """See `Guards.approve`."""
        return ""

    @asynccontextmanager
    async def audited(
        self, operation: Operation, call: Call, plan: Plan, approval: str
    ) -> AsyncIterator[Record]:
        """See `Guards.audited`."""
        yield Silent()


@pytest.fixture
def gate() -> Gate:
    return Gate(Registry([ask, wait]), Open(), Services(), Bus(), ManualClock())


@pytest.fixture
def door(gate: Gate) -> Door:
    return LocalDoor(gate, "console")


async def test_who_stands_at_the_door_is_the_user_of_the_process(gate: Gate, door: Door) -> None:
    answer = await door.run("door.ask", {})

    assert (answer.user, answer.uid, answer.door) == (os_user(), os.getuid(), "console")
    assert not answer.demo
    assert LocalDoor(gate, "cli", demo=True).actor == Actor(os_user(), "cli", os.getuid(), demo=True)


async def test_a_yes_and_a_dry_run_are_handed_on(door: Door) -> None:
    assert (await door.run("door.ask", {}, consent=Consent("prod:43"))).phrase == "prod:43"
    assert await door.run("door.ask", {}, dry_run=True) == Plan(operation="door.ask", effect=Effect.READ)


async def test_events_of_a_call_can_be_listened_to_before_it_starts(door: Door) -> None:
    with door.events(lambda event: "c1" in event) as listener:
        await door.run("door.ask", {}, call_id="c2")
        await door.run("door.ask", {}, call_id="c1")

        assert listener.drain() == ["asked in c1"]


async def test_a_call_is_cancelled_by_its_id_and_others_go_on(door: Door) -> None:
    with door.events(lambda event: event == "waiting") as listener:
        async with asyncio.TaskGroup() as group:
            one = group.create_task(door.run("door.wait", {}, call_id="c1"))
            other = group.create_task(door.run("door.wait", {}, call_id="c2"))
            await listener.next()
            await listener.next()

            door.cancel("c1")
            await asyncio.wait([one])
            assert one.cancelled()
            assert not other.done()
            door.cancel("c2")

        assert other.cancelled()


async def test_cancelling_what_does_not_run_changes_nothing(door: Door) -> None:
    await door.run("door.ask", {}, call_id="c1")

    door.cancel("c1")
    door.cancel("c9")
    door.cancel("")

    assert (await door.run("door.ask", {}, call_id="c1")).user == os_user()


def test_a_user_without_a_name_is_called_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)

    assert os_user() == f"uid-{os.getuid()}"
