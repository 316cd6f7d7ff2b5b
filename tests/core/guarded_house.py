"""A gate with the core's guards, a few operations, and a real audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devopsclaw.core.approvals import Approvals
from devopsclaw.core.audit import AuditLog
from devopsclaw.core.bus import Bus, Subscription
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.context import Ctx
from devopsclaw.core.db import Database
from devopsclaw.core.gate import Gate
from devopsclaw.core.guards import CoreGuards
from devopsclaw.core.keys import Keys
from devopsclaw.core.operation import Params, Result, operation
from devopsclaw.core.paths import PACKAGE
from devopsclaw.core.rbac import Role, Roles
from devopsclaw.core.registry import Registry
from devopsclaw.core.services import Services
from devopsclaw.model.audit import AuditFilter, Entry
from devopsclaw.model.call import Actor, Consent
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect

MARIA = Actor("maria", "cli", uid=1000)
OLGA = Actor("olga", "console", uid=1002)
LIFETIME = 600.0
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
    effect: Effect | None = None
    """How strong the plan is, where it is other than asked for."""
    nodes: tuple[str, ...] = ()
    """The nodes there are, where they are other than asked for."""


async def plan_where(ctx: Ctx, params: Where) -> Plan:
    return Plan(
        operation=ctx.call.operation,
        effect=ctx.get(World).effect or params.effect,
        target="role=web",
        nodes=ctx.get(World).nodes or params.nodes,
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
    approvals: Approvals
    database: Database
    clock: ManualClock

    async def run(
        self,
        name: str,
        actor: Actor = MARIA,
        consent: Consent | None = None,
        waits: bool = False,
        **params: Any,
    ) -> Any:
        return await self.gate.run(name, params, actor, consent=consent, waits=waits)

    async def entries(self) -> list[Entry]:
        return (await self.log.list(AuditFilter()))[::-1]


@asynccontextmanager
async def open_house(folder: Path, two_person: tuple[str, ...] = ()) -> AsyncIterator[House]:
    """maria owns it, tomas is a viewer, olga an operator, prod is protected."""
    clock, bus, world = ManualClock(), Bus(), World()
    async with await AuditLog.open(folder / "audit", Keys(folder / "keys"), clock) as log:
        database = await Database.open(folder / "core.db", PACKAGE / "core" / "migrations" / "core")
        async with database:
            approvals = await Approvals.open(database, log, bus, clock, LIFETIME)
            roles = Roles(1000, {"tomas": Role.VIEWER, "olga": Role.OPERATOR})
            guards = CoreGuards(roles, log, bus, clock, ("prod",), approvals, two_person=two_person)
            gate = Gate(Registry([change, touch, look, listed]), guards, Services(world), bus, clock)
            with bus.subscribe() as events:
                yield House(gate, guards, log, world, events, approvals, database, clock)
