"""The core's guards, behind a real gate and a real log: who may, what needs a yes, what is put on record."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from devopsclaw.core.audit import AuditLog
from devopsclaw.core.bus import Bus, Subscription
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.context import Ctx
from devopsclaw.core.gate import Gate
from devopsclaw.core.guards import CoreGuards
from devopsclaw.core.keys import Keys
from devopsclaw.core.operation import Params, Result, operation
from devopsclaw.core.rbac import Role, Roles
from devopsclaw.core.registry import Registry
from devopsclaw.core.services import Services
from devopsclaw.model.audit import AuditFilter, Entry
from devopsclaw.model.call import Actor, Consent
from devopsclaw.model.errors import ApprovalNeeded, Damaged, Denied, Unreachable
from devopsclaw.model.events import CallEnded, CallStarted, Warned
from devopsclaw.model.nodeset import unfold
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect

MARIA = Actor("maria", "cli", uid=1000)
TOMAS = Actor("tomas", "cli", uid=1001)
MODEL = Actor("maria", "chat", uid=1000, via="model")


class Where(Params):
    nodes: tuple[str, ...] = ("web-1", "web-2")
    env: str = "test"
    effect: Effect = Effect.WRITE


class Done(Result):
    schema_name = "test.done/1"
    word: str = "ok"

    @property
    def verdict(self) -> str:
        return self.word

    @property
    def node_counts(self) -> dict[str, int]:
        return {"ok": 2}

    @property
    def evidence(self) -> str:
        return "sha256:abc"


@dataclass
class World:
    """What the operations do, and how often they did."""

    work: Callable[[Ctx], Awaitable[Any]] | None = None
    ran: list[str] = field(default_factory=list)


async def plan_where(ctx: Ctx, params: Where) -> Plan:
    return Plan(
        operation=ctx.call.operation,
        effect=params.effect,
        target="role=web",
        nodes=params.nodes,
        environments=(params.env,),
        run="uptime",
    )


async def work(ctx: Ctx) -> None:
    world = ctx.get(World)
    world.ran.append(ctx.entry)
    ctx.gate.clock.advance(1.5)  # type: ignore[attr-defined]
    if world.work:
        await world.work(ctx)


@operation("thing.change", Effect.DESTRUCTIVE, plan=plan_where)
async def change(ctx: Ctx, params: Where) -> Done:
    """Change something on nodes."""
    await work(ctx)
    return Done()


@operation("thing.touch", Effect.WRITE, plan=plan_where)
async def touch(ctx: Ctx, params: Where) -> Done:
    """Change little."""
    await work(ctx)
    return Done(word="unknown")


@operation("thing.look", Effect.READ, role=Role.VIEWER, plan=plan_where, reaches_nodes=True)
async def look(ctx: Ctx, params: Where) -> Done:
    """Read something on nodes."""
    await work(ctx)
    return Done()


@operation("thing.list", Effect.READ, role=Role.VIEWER)
async def listed(ctx: Ctx, params: Where) -> Done:
    """Read our own state."""
    await work(ctx)
    return Done()


@dataclass
class House:
    """A gate with the core's guards, and all that can be seen from outside."""

    gate: Gate
    guards: CoreGuards
    log: AuditLog
    world: World
    events: Subscription

    async def run(
        self, name: str, actor: Actor = MARIA, consent: Consent | None = None, **params: Any
    ) -> Any:
        return await self.gate.run(name, params, actor, consent=consent)

    async def entries(self) -> list[Entry]:
        return (await self.log.list(AuditFilter()))[::-1]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    clock, bus, world = ManualClock(), Bus(), World()
    async with await AuditLog.open(tmp_path / "audit", Keys(tmp_path / "keys"), clock) as log:
        roles = Roles(1000, {"tomas": Role.VIEWER})
        guards = CoreGuards(roles, log, bus, clock, ("prod",))
        gate = Gate(Registry([change, touch, look, listed]), guards, Services(world), bus, clock)
        with bus.subscribe() as events:
            yield House(gate, guards, log, world, events)


async def test_a_change_has_an_intent_before_it_and_an_outcome_after_it(house: House) -> None:
    await house.run("thing.touch")

    intent, outcome = await house.entries()
    assert house.world.ran == [intent.id]
    assert (intent.phase, intent.status, intent.nodes, intent.duration) == (
        "intent",
        "planned",
        {"pending": 2},
        None,
    )
    assert (intent.user, intent.action, intent.target, intent.door) == (
        "maria",
        "thing.touch",
        "role=web",
        "cli",
    )
    assert intent.node_names == "web-[1-2]"
    assert intent.detail == {"effect": "write", "environments": ["test"], "run": "uptime"}
    assert (outcome.phase, outcome.status, outcome.nodes, outcome.duration) == (
        "outcome",
        "unknown",
        {"ok": 2},
        1.5,
    )
    assert outcome.detail == {"intent": "E-1", "evidence": "sha256:abc"}
    assert outcome.call == intent.call and outcome.digest == intent.digest


async def test_the_digest_of_the_plan_can_be_made_again_from_the_entry(house: House) -> None:
    await house.run("thing.touch")

    intent = (await house.entries())[0]
    again = Plan(
        operation=intent.action, target=intent.target, nodes=tuple(unfold(intent.node_names)), **intent.detail
    )
    assert again.digest == intent.digest


async def test_a_call_is_reported_when_it_starts_and_when_it_ends(house: House) -> None:
    await house.run("thing.touch")

    started, ended = house.events.drain()
    assert isinstance(started, CallStarted) and isinstance(ended, CallEnded)
    assert (started.operation, started.user, started.entry) == ("thing.touch", "maria", "E-1")
    assert (ended.call, ended.verdict, ended.error) == (started.call, "unknown", "")


async def test_a_read_of_nodes_has_one_entry(house: House) -> None:
    await house.run("thing.look", effect="read")

    (entry,) = await house.entries()
    assert (entry.phase, entry.status, entry.duration) == ("single", "ok", 1.5)
    assert entry.detail == {
        "effect": "read",
        "environments": ["test"],
        "run": "uptime",
        "evidence": "sha256:abc",
    }
    assert house.world.ran == [""]


async def test_a_query_of_our_own_state_is_only_counted(house: House) -> None:
    await house.run("thing.list", TOMAS)
    await house.run("thing.list")

    assert await house.entries() == []
    assert house.guards.counted == {"thing.list": 2}
    assert [type(event) for event in house.events.drain()] == [CallStarted, CallEnded] * 2


async def test_every_call_of_a_model_has_an_entry(house: House) -> None:
    await house.run("thing.list", MODEL)

    (entry,) = await house.entries()
    assert (entry.user, entry.via, entry.phase, entry.action) == ("maria", "model", "single", "thing.list")


async def test_a_denial_runs_nothing_and_is_on_record(house: House) -> None:
    with pytest.raises(Denied, match="tomas is viewer"):
        await house.run("thing.touch", TOMAS)

    (entry,) = await house.entries()
    assert (entry.user, entry.action, entry.phase, entry.status) == (
        "tomas",
        "thing.touch",
        "denied",
        "denied",
    )
    assert "tomas is viewer" in entry.detail["error"]
    assert house.world.ran == []
    (ended,) = house.events.drain()
    assert ended.verdict == "denied"


async def test_a_plan_above_the_ceiling_of_its_operation_is_denied(house: House) -> None:
    with pytest.raises(Denied, match=r"thing\.touch may at most write"):
        await house.run("thing.touch", effect="destructive")

    (entry,) = await house.entries()
    assert (entry.phase, entry.target, entry.node_names) == ("denied", "role=web", "web-[1-2]")
    assert entry.nodes == {"denied": 2}
    assert house.world.ran == []


async def test_low_and_medium_risk_run_at_once(house: House) -> None:
    await house.run("thing.touch")
    await house.run("thing.touch", env="prod")
    await house.run("thing.touch", nodes=tuple(f"web-{number}" for number in range(50)))

    assert len(house.world.ran) == 3


MANY = ("web-1", "web-2", "web-3", "web-4")


async def test_high_risk_needs_a_yes(house: House) -> None:
    with pytest.raises(ApprovalNeeded, match=r"is write on 4 nodes in prod, of high risk: it needs") as asked:
        await house.run("thing.touch", env="prod", nodes=MANY)

    assert (asked.value.risk, asked.value.phrase, asked.value.hint) == ("high", "yes", "--yes confirms it")
    assert house.world.ran == [] and await house.entries() == []
    for consent in (Consent("yes"), Consent("yes", asked.value.digest), Consent("prod:4")):
        await house.run("thing.touch", consent=consent, env="prod", nodes=MANY)
    intents = [entry for entry in await house.entries() if entry.phase == "intent"]
    assert [entry.detail["approval"] for entry in intents] == ["yes by maria"] * 2 + ["prod:4 by maria"]


async def test_critical_risk_needs_the_typed_phrase(house: House) -> None:
    async def attempt(consent: Consent | None) -> Any:
        return await house.run("thing.change", consent=consent, env="prod", effect="destructive")

    with pytest.raises(ApprovalNeeded, match="of critical risk: it needs a person's yes") as asked:
        await attempt(None)
    assert (asked.value.phrase, asked.value.hint) == ("prod:2", "--confirm prod:2 confirms it")
    with pytest.raises(ApprovalNeeded, match="'yes' does not confirm it"):
        await attempt(Consent("yes"))
    with pytest.raises(ApprovalNeeded, match="'prod:3' does not confirm it"):
        await attempt(Consent("prod:3"))
    assert house.world.ran == []

    await attempt(Consent("prod:2", asked.value.digest))
    assert len(house.world.ran) == 1


async def test_a_yes_holds_for_the_plan_that_was_shown_only(house: House) -> None:
    with pytest.raises(ApprovalNeeded) as asked:
        await house.run("thing.touch", env="prod", nodes=MANY)

    with pytest.raises(ApprovalNeeded, match="the plan changed since it was confirmed") as again:
        await house.run(
            "thing.touch", consent=Consent("yes", asked.value.digest), env="prod", nodes=(*MANY, "web-5")
        )

    assert again.value.digest != asked.value.digest
    assert house.world.ran == []


async def test_a_call_that_fails_is_on_record_as_failed(house: House) -> None:
    async def fail(ctx: Ctx) -> None:
        raise Unreachable("the relay does not answer")

    house.world.work = fail

    with pytest.raises(Unreachable):
        await house.run("thing.touch")

    outcome = (await house.entries())[-1]
    assert (outcome.phase, outcome.status, outcome.nodes) == ("outcome", "failed", {})
    assert outcome.detail == {"intent": "E-1", "error": "unreachable", "message": "the relay does not answer"}
    assert house.events.drain()[-1].error == "the relay does not answer"


async def test_an_unexpected_error_is_recorded_by_its_name_alone(house: House) -> None:
    async def fail(ctx: Ctx) -> None:
        raise ZeroDivisionError("the password is hunter2")

    house.world.work = fail

    with pytest.raises(ZeroDivisionError):
        await house.run("thing.touch")

    assert (await house.entries())[-1].detail["error"] == "ZeroDivisionError"
    assert "hunter2" not in str(await house.entries())


async def test_a_call_that_is_cancelled_has_its_outcome_however_often_it_is_cancelled(house: House) -> None:
    reached = asyncio.Event()

    async def wait(ctx: Ctx) -> None:
        reached.set()
        await asyncio.Event().wait()

    house.world.work = wait
    call = asyncio.ensure_future(house.run("thing.touch"))
    await reached.wait()

    call.cancel()
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    intent, outcome = await house.entries()
    assert (outcome.phase, outcome.status, outcome.detail["intent"]) == ("outcome", "cancelled", intent.id)


async def test_a_call_cancelled_while_its_intent_is_written_has_an_outcome_and_does_not_run(
    house: House,
) -> None:
    may_go_on = threading.Event()
    assert house.log._database is not None
    busy = asyncio.ensure_future(house.log._database.write(lambda connection: may_go_on.wait()))
    call = asyncio.ensure_future(house.run("thing.touch"))
    for _ in range(10):
        await asyncio.sleep(0)

    call.cancel()
    await asyncio.sleep(0)
    may_go_on.set()
    await busy
    with pytest.raises(asyncio.CancelledError):
        await call

    assert [entry.status for entry in await house.entries()] == ["planned", "cancelled"]
    assert house.world.ran == []


async def fill(house: House) -> None:
    def full(connection: sqlite3.Connection) -> None:
        """So many entries that not one more fits into the last page."""
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    assert house.log._database is not None
    await house.log._database.write(full)
    with pytest.raises(Damaged):
        while True:
            await house.run("thing.look", MARIA, effect="read")
            warned = [event for event in house.events.drain() if isinstance(event, Warned)]
            if warned:
                raise Damaged(warned[0].text)


async def test_where_the_log_cannot_be_written_a_change_does_not_run_and_a_read_does(house: House) -> None:
    await fill(house)
    house.world.ran.clear()

    with pytest.raises(Damaged, match="the disk is full"):
        await house.run("thing.touch")
    assert house.world.ran == []
    assert house.events.drain() == []

    assert await house.run("thing.look", effect="read") == Done()
    (warned,) = [event for event in house.events.drain() if isinstance(event, Warned)]
    assert "not in the audit log" in warned.text and "disk is full" in warned.text

    with pytest.raises(Denied):
        await house.run("thing.touch", TOMAS)
    assert any(isinstance(event, Warned) for event in house.events.drain())


async def test_an_outcome_that_cannot_be_written_does_not_hide_the_result(house: House) -> None:
    async def close(ctx: Ctx) -> None:
        await house.log.close()

    house.world.work = close

    assert await house.run("thing.touch") == Done(word="unknown")

    assert any(isinstance(event, Warned) for event in house.events.drain())
