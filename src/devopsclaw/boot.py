"""Opens a core: configuration, lock, databases, engines, gate. A face gets its door and nothing else."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from devopsclaw import ops
from devopsclaw.assembly.banners import damage, say_roles_are_off, waiting
from devopsclaw.assembly.engines import dial_once, go_on, open_fleet
from devopsclaw.assembly.succession import Succession, first_of, idle, inherited_lock
from devopsclaw.core.approvals import Approvals
from devopsclaw.core.audit import AuditLog
from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import Clock, SystemClock
from devopsclaw.core.config import Loaded, load
from devopsclaw.core.config_layers import Flag
from devopsclaw.core.db import Database
from devopsclaw.core.door import LocalDoor
from devopsclaw.core.door_server import Listener, listening
from devopsclaw.core.door_socket import SocketDoor, attached
from devopsclaw.core.gate import Gate
from devopsclaw.core.grants import Grants
from devopsclaw.core.guards import CoreGuards
from devopsclaw.core.keys import Keys
from devopsclaw.core.lock import hold
from devopsclaw.core.log import logging_to
from devopsclaw.core.operation import Operation
from devopsclaw.core.paths import PACKAGE, Home
from devopsclaw.core.rbac import Role, Roles
from devopsclaw.core.redact import KNOWN, named_secrets
from devopsclaw.core.registry import Registry, discover
from devopsclaw.core.rights import guarded
from devopsclaw.core.services import Services
from devopsclaw.fleet.fleet import Fleet
from devopsclaw.host.clipboard import Clipboard
from devopsclaw.model.errors import Busy, ClawError, Unreachable
from devopsclaw.model.ports import Claims, FleetPort
from devopsclaw.ops.version import baked

__all__ = ["Clipboard", "Core", "examined", "open", "reached", "serve_daemon", "serve_gateway", "serve_relay"]

LOG = logging.getLogger(__name__)

SHORT_LIVED = "cli"
"""The face whose core ends after its last client."""


PATIENCE = 10.0
"""Seconds to reach a core that holds a home and does not answer yet."""

RETRY = 0.02
"""Seconds between two tries."""

GRACE = 0.5
"""Seconds for the last answers; a console that lost its terminal has one second in all (design §3)."""


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
    _gate: Gate
    _listener: Listener
    _succession: Succession
    _may_hand_over: bool

    def hand_over(self) -> bool:
        """Start a resident core that takes this home over as soon as this one is closed or gone, if something
        runs that has to go on; whether one waits.
        """
        if self._hands_over_now:
            try:
                self._succession.decide()
            except OSError as refused:
                LOG.warning("no resident core could be started: %s", refused.strerror)
        return self._succession.is_decided

    @property
    def _hands_over_now(self) -> bool:
        return self._may_hand_over and self._gate.services.get(Fleet).executions.is_busy

    async def end(self) -> None:
        """What a core does last: hand over what runs, or wait for the last client of a command's core. What
        others asked for and is no run has a moment to be answered.
        """
        alone = self._listener.alone
        while self.door.actor.door == SHORT_LIVED and not (self._hands_over_now or alone.is_set()):
            await alone.wait()
        await self._listener.finish(GRACE)
        self.hand_over()

    @property
    def lost(self) -> asyncio.Event:
        """Never set: this core is here as long as the process."""
        return asyncio.Event()

    async def idle(self) -> None:
        """Return once nothing has run and nobody has been here for a while."""
        executions = self._gate.services.get(Fleet).executions
        await idle(lambda: executions.is_busy or not self._listener.alone.is_set())


@asynccontextmanager
async def open(  # noqa: A001 - it reads as boot.open
    home: Home,
    *,
    face: str,
    flags: Mapping[str, str] | None = None,
    environment: Mapping[str, str] = os.environ,
    links: LinksAre = LinksAre.LAZY,
    lock: int | None = None,
    hands_over: bool = False,
) -> AsyncIterator[Core]:
    """A core on this home until the block ends; it lets in faces of other processes too.

    `flags` are settings by their key, `links` says when nodes are reached, `lock` is an inherited lock.
    A command's core stays until its last client has left. What runs then is handed over to a resident core
    with `hands_over`, but not in a demo: that leaves nothing behind.

    Raises Busy where another core has this home open, BadConfig, Damaged.
    """
    loaded = load(home, environment, [Flag(f"--{key}", key, value) for key, value in (flags or {}).items()])
    KNOWN.add({*loaded.secrets, *named_secrets(environment)})
    clock = SystemClock()
    loaded.home.make()
    loaded = guarded(loaded)
    async with AsyncExitStack() as stack:
        held = await stack.enter_async_context(hold(loaded.home.run, "core", face, clock, 0.0, lock))
        succession = Succession(loaded.home, held, environment)
        stack.callback(succession.release)
        stack.enter_context(logging_to(loaded.home, "core", loaded.config.log.level, KNOWN))
        gate = await _assemble(stack, loaded, clock, links)
        log = loaded.home.log / "core.jsonl"
        demo, group = bool(home.demo), loaded.config.core.socket_group
        roles = gate.services.get(Roles)
        admit = partial(roles.require, needed=Role.VIEWER, operation="listening to events")
        listener = Listener(gate, face, baked().version, demo, group, log, admit)
        async with listening(loaded.home, listener):
            runs = await gate.services.get(Fleet).executions.open_ids() if face == SHORT_LIVED else []
            if runs:
                gate.bus.post(waiting(len(runs)))
            core = Core(LocalDoor(gate, face, demo=demo), gate, listener, succession, hands_over and not demo)
            yield core
            await core.end()


@dataclass(frozen=True, slots=True)
class Attached:
    """A core of another process, as faces see it."""

    door: SocketDoor

    @property
    def lost(self) -> asyncio.Event:
        """Set when that core has ended."""
        return self.door.lost

    def hand_over(self) -> bool:
        """What runs there goes on without this process."""
        return False


@asynccontextmanager
async def reached(home: Home, *, face: str) -> AsyncIterator[Core | Attached]:
    """The core that runs on this home, else one of this process, there to stay, until the block ends.

    Raises Busy where one holds the home and does not answer, Denied for a stranger, BadConfig, Damaged.
    """
    registry = Registry([each for each in discover(ops, Operation) if not each.remote])

    def result_of(name: str, body: dict[str, Any]) -> Any:
        return registry.find(name).result.model_validate(body)

    clock = SystemClock()
    until = clock.steady() + PATIENCE
    async with AsyncExitStack() as stack:
        while True:
            try:
                attaching = attached(home, face, baked().version, result_of)
                there: Core | Attached = Attached(await stack.enter_async_context(attaching))
            except Unreachable:
                try:
                    there = await stack.enter_async_context(
                        open(home, face=face, links=LinksAre.WANTED, hands_over=True)
                    )
                except Busy:
                    if clock.steady() > until:
                        raise
                    await asyncio.sleep(RETRY)
                    continue
            break
        yield there


async def serve_gateway(home: Home, *, flags: Mapping[str, str]) -> None:
    """Be the resident core until told to end; one that was handed a home ends by itself once nothing runs and
    nobody is there. Raises ClawError where it cannot open.
    """
    from devopsclaw.assembly import roles

    lock = await inherited_lock(os.environ)
    told = roles.stopping()
    async with open(home, face="gateway", flags=flags, links=LinksAre.WANTED, lock=lock) as core:
        roles.say(f"core: open on {home.root}; the console and commands of this home use it by themselves")
        await first_of(told.wait(), *([] if lock is None else [core.idle()]))
        roles.say("core: ends; what runs on nodes goes on")


async def _assemble(stack: AsyncExitStack, loaded: Loaded, clock: Clock, links: LinksAre) -> Gate:
    """Every engine, and the gate over them."""
    bus = Bus()
    home = loaded.home
    keys = Keys(home.keys)
    audit = await stack.enter_async_context(await AuditLog.open(home.audit, keys, clock))
    database = await stack.enter_async_context(
        await Database.open(home.state / "core.db", PACKAGE / "core" / "migrations" / "core")
    )
    fleet, reach, desk, tasks = await open_fleet(stack, loaded, database, keys, (audit, bus, clock))
    claims = Claims(partial(dial_once, loaded, keys.load_or_create("controller"), clock))
    grants = await Grants.open(database, clock)
    roles = Roles(given=grants.roles, is_enabled=loaded.config.rbac.enabled)
    services = Services(loaded, audit, fleet, fleet.nodes, FleetPort(fleet), claims, reach, grants, roles)
    protected = frozenset(loaded.config.fleet.protected_envs)
    is_wary = home.demo == OPEN_DEMO
    approvals = await Approvals.open(database, audit, bus, clock, loaded.config.approvals.expiry)
    services.add(approvals)
    services.add(desk)
    two_person = loaded.config.approvals.two_person
    guards = CoreGuards(
        roles, audit, bus, clock, protected, approvals, two_person=two_person, is_wary=is_wary
    )
    registry = Registry([each for each in discover(ops, Operation) if not each.remote])
    services.add(registry)
    if not roles.is_enabled:
        await say_roles_are_off(loaded, audit, bus)
    for warning in (*loaded.warnings, *damage(database, audit)):
        bus.post(warning)
    if links is LinksAre.AWAITED:
        await fleet.ready()
    elif links is LinksAre.WANTED:
        await fleet.executions.expect()
        tasks.start(go_on(fleet, bus, loaded.config.fleet.resume_within))
    return Gate(registry, guards, services, bus, clock)


async def examined(home: Home, environment: Mapping[str, str], why: ClawError) -> dict[str, Any]:
    """See `ops.doctor.examine_alone`; as JSON."""
    from devopsclaw.ops.doctor import examine_alone

    return (await examine_alone(home, environment, why)).as_json()


async def serve_relay(home: Home, *, flags: Mapping[str, str]) -> None:
    """See `assembly.roles.serve_relay`; the code of the roles is loaded only by those who play one."""
    from devopsclaw.assembly import roles

    await roles.serve_relay(home, flags=flags)


async def serve_daemon(home: Home, *, flags: Mapping[str, str]) -> None:
    """See `assembly.roles.serve_daemon`."""
    from devopsclaw.assembly import roles

    await roles.serve_daemon(home, flags=flags)


async def reset_trust(home: Home, *, flags: Mapping[str, str]) -> None:
    """See `assembly.reset.reset_trust`; `flags` say nothing here."""
    from devopsclaw.assembly import reset, roles

    await reset.reset_trust(roles.configured(home, flags, os.environ).home, SystemClock(), roles.say)
