"""Opens a core: configuration, lock, databases, engines, gate. A face gets its door and nothing else."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from devopsclaw import ops
from devopsclaw.assembly.links import Links, dial_once
from devopsclaw.assembly.roles import serve_daemon, serve_relay
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
from devopsclaw.core.keys import Keys
from devopsclaw.core.lock import hold
from devopsclaw.core.log import Mask, logging_to
from devopsclaw.core.operation import Operation
from devopsclaw.core.outputs import Outputs
from devopsclaw.core.paths import PACKAGE, Home
from devopsclaw.core.rbac import Roles
from devopsclaw.core.registry import Registry, discover
from devopsclaw.core.runs import RunLog
from devopsclaw.core.services import Services
from devopsclaw.fleet.delivery import Delivery
from devopsclaw.fleet.dispatch import Dispatch
from devopsclaw.fleet.execution import Executions
from devopsclaw.fleet.fleet import Fleet
from devopsclaw.fleet.nodes import Nodes
from devopsclaw.fleet.session_feed import SessionFeed
from devopsclaw.fleet.signing import Signer
from devopsclaw.model.events import Warned
from devopsclaw.model.ports import Claims, FleetPort, Reach

__all__ = ["Core", "open", "serve_daemon", "serve_relay"]

SHORT_PATIENCE = 10.0
"""Seconds a command waits for another short-lived core of this home to end: each lives a second or so."""


class LinksAre(StrEnum):
    """When the links to nodes are opened."""

    LAZY = "when needed"
    WANTED = "at once"
    AWAITED = "awaited"
    """It is known who is there when the core is open."""


DEMO = "demo"
"""A home with this file is a demo's; it says `walls` where its nodes cannot touch the user's files."""


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
        yield Core(LocalDoor(gate, face, demo=(home.root / DEMO).exists()))


async def _assemble(stack: AsyncExitStack, loaded: Loaded, clock: Clock, links: LinksAre) -> Gate:
    """Every engine, and the gate over them."""
    bus = Bus()
    home = loaded.home
    keys = Keys(home.keys)
    audit = await stack.enter_async_context(await AuditLog.open(home.audit, keys, clock))
    database = await stack.enter_async_context(
        await Database.open(home.state / "core.db", PACKAGE / "core" / "migrations" / "core")
    )
    fleet, tasks = await _open_fleet(stack, loaded, database, keys, bus, clock)
    claims = Claims(partial(dial_once, loaded, keys.load_or_create("controller"), clock))
    services = Services(loaded, audit, fleet, fleet.nodes, FleetPort(fleet), claims, Reach(fleet.ready))
    protected = frozenset(loaded.config.fleet.protected_envs)
    guards = CoreGuards(Roles(), audit, bus, clock, protected)
    registry = Registry([each for each in discover(ops, Operation) if not each.remote])
    for warning in (*loaded.warnings, *_said(database, audit)):
        bus.post(warning)
    if links is LinksAre.AWAITED:
        await fleet.ready()
    elif links is LinksAre.WANTED:
        tasks.start(fleet.ready())
    return Gate(registry, guards, services, bus, clock)


async def _open_fleet(
    stack: AsyncExitStack, loaded: Loaded, database: Database, keys: Keys, bus: Bus, clock: Clock
) -> tuple[Fleet, Background]:
    """The fleet over its log, its output store and its registry; links are opened when needed."""
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
    links = Links(loaded, key, SessionFeed(nodes, dispatch, bus, clock), clock, tasks.start)
    executions = Executions(dispatch, log, outputs, nodes, signer)
    return Fleet(nodes, executions, bus, clock, links.open), tasks


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
