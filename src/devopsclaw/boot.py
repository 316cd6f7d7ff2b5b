"""Opens a core: configuration, lock, databases, engines, gate. A face gets its door and nothing else."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from devopsclaw import ops
from devopsclaw.assembly.late import close_cut_off, record_late
from devopsclaw.assembly.links import Links
from devopsclaw.core.audit import AuditLog
from devopsclaw.core.background import Background, background
from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import Clock, SystemClock
from devopsclaw.core.config import Loaded, load
from devopsclaw.core.config_layers import Flag
from devopsclaw.core.db import Database
from devopsclaw.core.door import LocalDoor
from devopsclaw.core.gate import Gate
from devopsclaw.core.guards import CoreGuards
from devopsclaw.core.keys import Keys, SigningKey
from devopsclaw.core.lock import hold
from devopsclaw.core.log import Mask, logging_to
from devopsclaw.core.operation import Operation
from devopsclaw.core.outputs import Outputs
from devopsclaw.core.paths import PACKAGE, Home
from devopsclaw.core.rbac import Roles
from devopsclaw.core.registry import Registry, discover
from devopsclaw.core.runs import RunLog
from devopsclaw.core.services import Services
from devopsclaw.fleet.conductor import Conductor
from devopsclaw.fleet.delivery import Delivery
from devopsclaw.fleet.dispatch import Dispatch
from devopsclaw.fleet.execution import Executions
from devopsclaw.fleet.fleet import Fleet
from devopsclaw.fleet.nodes import Nodes
from devopsclaw.fleet.recipients import Recipients
from devopsclaw.fleet.session_feed import SessionFeed
from devopsclaw.fleet.signing import Signer
from devopsclaw.model.errors import ClawError
from devopsclaw.model.events import Warned
from devopsclaw.model.ports import Claims, FleetPort, Reach, RelayAnswer

__all__ = ["Core", "open", "serve_daemon", "serve_relay"]

SHORT_PATIENCE = 10.0
"""Seconds a command waits for another short-lived core of this home to end: each lives a second or so."""


class LinksAre(StrEnum):
    """When the links to nodes are opened."""

    LAZY = "when needed"
    WANTED = "at once"
    """And runs that earlier cores left are taken up: for a core that is there to stay."""
    AWAITED = "awaited"
    """It is known who is there when the core is open."""


OPEN_DEMO = "open"
"""What a demo's home says where its nodes can touch the user's files: every change asks then."""


@dataclass(frozen=True, slots=True)
class Core:
    """An open core, as faces see it."""

    door: LocalDoor


@asynccontextmanager
async def open(  # noqa: A001 - it reads as boot.open
    home: Home,
    *,
    face: str,
    flags: Mapping[str, str] | None = None,
    environment: Mapping[str, str] = os.environ,
    links: LinksAre = LinksAre.LAZY,
) -> AsyncIterator[Core]:
    """A core on this home until the block ends.

    `flags` are settings by their key, `links` says when nodes are reached.
    Raises Busy where another core has this home open, BadConfig, Damaged.
    """
    loaded = load(home, environment, [Flag(f"--{key}", key, value) for key, value in (flags or {}).items()])
    clock = SystemClock()
    loaded.home.make()
    async with AsyncExitStack() as stack:
        patience = SHORT_PATIENCE if face == "cli" else 0.0
        await stack.enter_async_context(hold(loaded.home.run, "core", face, clock, patience))
        stack.enter_context(logging_to(loaded.home, "core", loaded.config.log.level, Mask(loaded.secrets)))
        gate = await _assemble(stack, loaded, clock, links)
        yield Core(LocalDoor(gate, face, demo=bool(home.demo)))


async def _assemble(stack: AsyncExitStack, loaded: Loaded, clock: Clock, links: LinksAre) -> Gate:
    """Every engine, and the gate over them."""
    bus = Bus()
    home = loaded.home
    keys = Keys(home.keys)
    audit = await stack.enter_async_context(await AuditLog.open(home.audit, keys, clock))
    database = await stack.enter_async_context(
        await Database.open(home.state / "core.db", PACKAGE / "core" / "migrations" / "core")
    )
    fleet, reach, tasks = await _open_fleet(stack, loaded, database, keys, (audit, bus, clock))
    claims = Claims(partial(_dial_once, loaded, keys.load_or_create("controller"), clock))
    services = Services(loaded, audit, fleet, fleet.nodes, FleetPort(fleet), claims, reach)
    protected = frozenset(loaded.config.fleet.protected_envs)
    is_wary = home.demo == OPEN_DEMO
    guards = CoreGuards(Roles(), audit, bus, clock, protected, is_wary=is_wary)
    registry = Registry([each for each in discover(ops, Operation) if not each.remote])
    for warning in (*loaded.warnings, *_said(database, audit)):
        bus.post(warning)
    if links is LinksAre.AWAITED:
        await fleet.ready()
    elif links is LinksAre.WANTED:
        tasks.start(_go_on(fleet, bus))
    return Gate(registry, guards, services, bus, clock)


async def _open_fleet(
    stack: AsyncExitStack,
    loaded: Loaded,
    database: Database,
    keys: Keys,
    tellers: tuple[AuditLog, Bus, Clock],
) -> tuple[Fleet, Reach, Background]:
    """The fleet over its log, its output store and its registry; links are opened when needed."""
    audit, bus, clock = tellers
    settings = loaded.config.fleet
    key = keys.load_or_create("controller")
    signer = Signer(key)
    log, outputs = RunLog(database, clock), Outputs(database, loaded.home.output)
    delivery = Delivery(signer.cancel, lost_patience=settings.lost_patience)
    dispatch = Dispatch(delivery, log, outputs, bus, clock)
    nodes = await Nodes.open(database, clock)
    stack.push_async_callback(nodes.save)
    tasks = await stack.enter_async_context(background())
    tasks.start(dispatch.run())
    feed = SessionFeed(nodes, dispatch, bus, clock)
    await close_cut_off(audit, log, bus)
    late = partial(record_late, audit, log, bus)
    conductor = Conductor(dispatch, log, Recipients(nodes, signer), bus, clock, late)
    executions = Executions(conductor, log, outputs, signer, tasks.start)
    fleet = Fleet(nodes, executions, bus, Links(loaded, key, feed, clock, tasks.start).open)
    return fleet, Reach(fleet.ready, feed.forget), tasks


async def _go_on(fleet: Fleet, bus: Bus) -> None:
    """Reach the nodes, and take up what earlier cores left: this core is there to stay."""
    try:
        await fleet.ready()
    except ClawError as unusable:
        bus.post(Warned(unusable.message, unusable.hint))
    await fleet.executions.resume_all()


async def _dial_once(loaded: Loaded, key: SigningKey, clock: Clock, url: str, claim: str) -> RelayAnswer:
    """See `assembly.relay_client.dial_once`; loaded when it is asked for."""
    from devopsclaw.assembly.relay_client import dial_once

    return await dial_once(loaded, key, clock, url, claim)


async def serve_relay(home: Home, *, flags: Mapping[str, str]) -> None:
    """See `assembly.roles.serve_relay`; the code of the roles is loaded only by those who play one."""
    from devopsclaw.assembly import roles

    await roles.serve_relay(home, flags=flags)


async def serve_daemon(home: Home, *, flags: Mapping[str, str]) -> None:
    """See `assembly.roles.serve_daemon`."""
    from devopsclaw.assembly import roles

    await roles.serve_daemon(home, flags=flags)


def _said(database: Database, audit: AuditLog) -> Iterator[Warned]:
    """What was found on disk that a person should know."""
    if database.set_aside:
        yield Warned(
            f"the database of runs and nodes was damaged; it was kept as {database.set_aside}",
            "register your nodes again; the audit trail is another file and is whole or says so",
        )
    if audit.damage:
        yield Warned(audit.damage.message, audit.damage.hint)
    if audit.found:
        yield Warned("the audit trail was changed from outside", "devopsclaw audit verify")
