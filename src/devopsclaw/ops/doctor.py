"""The checkup: each thing that can be wrong with this home in a line, with what to type. It changes nothing.

One check is one small function; one that fails is a problem of its own, and the others go on. Not the
terminal: only the face that draws on it can look at that.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from pydantic import Field

from devopsclaw.core.audit import AuditLog
from devopsclaw.core.clock import Clock, SystemClock
from devopsclaw.core.config import Loaded, defaults, load
from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import Params, Result, operation, option
from devopsclaw.core.paths import Home
from devopsclaw.core.rbac import Role
from devopsclaw.core.redact import KNOWN
from devopsclaw.fleet.fleet import Fleet
from devopsclaw.fleet.inventory import Node
from devopsclaw.host import checks, probe
from devopsclaw.model.checkup import Checked, warned, well, wrong
from devopsclaw.model.errors import BadConfig, ClawError
from devopsclaw.model.ports import Reach
from devopsclaw.model.risk import Effect
from devopsclaw.model.text import safe
from devopsclaw.ops.version import baked
from devopsclaw.relay.address import Endpoint, endpoint
from devopsclaw.relay.announcement import read_announcement

PATIENCE = 30.0
"""Seconds for one check."""

SKEW_WARNED, SKEW_REFUSED = 30.0, 300.0
"""Seconds between two clocks; a node refuses commands beyond the second (`daemon.admission`)."""

FACTS_AGE = 70.0
"""Seconds by which what a node says of itself may be older than its last sign of life."""

SET_CLOCK = "sudo timedatectl set-ntp true"
MARKS = {"ok": "✔", "warning": "▲", "problem": "✖"}


class Examine(Params):
    """How closely to look."""

    full: bool = option("Verify the whole audit trail, not only its newest part.", False)


class Checkup(Result):
    """What was found, in the order in which it is looked at."""

    schema_name = "devopsclaw.doctor/1"

    items: list[Checked] = Field(description="One line for each thing that was looked at.")

    def text(self) -> str:
        """One line each, the fix below."""
        lines = [f"{MARKS[each.status]} {each.status:<8} {each.check}: {each.text}" for each in self.items]
        fixes = [f"\n  try: {each.fix}" if each.fix else "" for each in self.items]
        return "\n".join(safe(line + fix) for line, fix in zip(lines, fixes, strict=True))

    @property
    def exit(self) -> int:
        """1 where anything is a problem."""
        return int(any(each.status == "problem" for each in self.items))


@dataclass(frozen=True, slots=True)
class Inside:
    """What only the core that holds the home can look at."""

    audit: AuditLog
    fleet: Fleet
    reach: Reach


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at; `core` is None where it cannot be had."""

    loaded: Loaded
    environment: Mapping[str, str]
    clock: Clock
    core: Inside | None = None
    full: bool = False

    @property
    def relay(self) -> Endpoint | None:
        """Where the relay is dialled; None without one. Raises BadParams."""
        beside = read_announcement(self.loaded.home)
        url = self.loaded.config.relay.url or (beside.url if beside else "")
        return endpoint(url, insecure=self.loaded.config.relay.insecure) if url else None


Check = Callable[[Patient], Awaitable[list[Checked]]]


@operation("doctor.examine", Effect.READ, role=Role.VIEWER)
async def examine(ctx: Ctx, params: Examine) -> Checkup:
    """Look for what is wrong with this installation, and say what to type.

    devopsclaw doctor
    devopsclaw doctor --full
    """
    core = Inside(ctx.get(AuditLog), ctx.get(Fleet), ctx.get(Reach))
    return Checkup(items=await _found(Patient(ctx.get(Loaded), os.environ, ctx.clock, core, params.full)))


async def examine_alone(home: Home, environment: Mapping[str, str], why: ClawError) -> Checkup:
    """What can be said of a home whose core cannot be had; `why` is said first, if no check does."""
    try:
        loaded = load(home, environment)
    except BadConfig:  # a check of its own says so
        loaded = replace(defaults(home), home=home)
    KNOWN.add(loaded.secrets)
    patient = Patient(loaded, environment, SystemClock())
    first = wrong("core", why.message, why.hint or "devopsclaw doctor, once that is put right")
    found = await _found(patient)
    is_said = any(each.text == first.text for each in found)
    return Checkup(items=found if is_said else [first, *found])


async def _found(patient: Patient) -> list[Checked]:
    return [each for name, check in CHECKS.items() for each in await _looked(check(patient), name)]


async def _looked(checking: Awaitable[list[Checked]], name: str) -> list[Checked]:
    """What a check found; its failure is a finding, as one may never hide what the others say."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await checking
    except TimeoutError:
        return [wrong(name, f"no answer within {PATIENCE:.0f} s", "devopsclaw doctor, once more")]
    except ClawError as failed:
        return [wrong(name, failed.message, failed.hint)]
    except Exception as failed:
        text = KNOWN.text(f"could not be looked at: {type(failed).__name__}: {failed}")
        return [wrong(name, text, "devopsclaw doctor -d says more")]


async def _config(patient: Patient) -> list[Checked]:
    return list(checks.config(Home(patient.loaded.home.root), patient.environment))


async def _permissions(patient: Patient) -> list[Checked]:
    return list(checks.permissions(patient.loaded))


async def _keys(patient: Patient) -> list[Checked]:
    return [checks.keys_saved(patient.loaded.home, has_relay=patient.relay is not None)]


async def _relay(patient: Patient) -> list[Checked]:
    """Name, connection, TLS, and whether it lets us in; what follows a step that fails is not known."""
    place = patient.relay
    if place is None:
        return [well("relay", "none is set: this machine is the fleet")]
    context = None if place.is_plain else _tls_context()
    found: list[Checked] = []
    for name, fix, step in (
        ("relay dns", f"getent hosts {place.host}, and devopsclaw config get relay.url", _name),
        ("relay tcp", "devopsclaw relay start on its host; open the port in the firewall", _port),
        ("relay tls", "start relay and console both with, or both without, --insecure", _tls),
    ):
        try:
            found.append(well(name, await step(place, context)))
        except ClawError as failed:
            return [*found, wrong(name, failed.message, fix)]
    admitted = [await _admitted(patient.core)] if patient.core else []
    return [*found, *admitted, await _relay_clock(place, context, patient.clock)]


def _tls_context() -> ssl.SSLContext:
    """Loaded when it is asked for: certificates cost every other command 30 ms."""
    from devopsclaw.relay.tls import client_context

    return client_context()


async def _name(place: Endpoint, context: ssl.SSLContext | None) -> str:
    return f"{place.host} is {', '.join(await probe.resolve(place.host, place.port))}"


async def _port(place: Endpoint, context: ssl.SSLContext | None) -> str:
    await probe.connect(place.host, place.port)
    return f"{place.place} is open"


async def _tls(place: Endpoint, context: ssl.SSLContext | None) -> str:
    if context is None:
        return "not used: --insecure was asked for"
    return await probe.connect(place.host, place.port, context)


async def _admitted(core: Inside) -> Checked:
    """As the core's own link stands: a second one would put out the first."""
    try:
        await core.reach.ready()
        trouble = core.fleet.trouble
    except ClawError as unusable:
        trouble = unusable
    if trouble is not None:
        fix = trouble.hint or "devopsclaw relay connect URL --claim CODE"
        return wrong("relay auth", trouble.message, fix)
    if core.fleet.relay.status != "connected":
        return warned("relay auth", f"the link is {core.fleet.relay.status}", "devopsclaw doctor, once more")
    return well("relay auth", "it knows this home's key")


async def _relay_clock(place: Endpoint, context: ssl.SSLContext | None, clock: Clock) -> Checked:
    try:
        theirs = await probe.clock_of(place.host, place.port, context)
    except ClawError as failed:
        return warned("relay clock", failed.message, "compare `date` there and here")
    skew = theirs.timestamp() - clock.wall()
    text = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine"
    if abs(skew) < SKEW_WARNED:
        return well("relay clock", text if abs(skew) >= 1.5 else "the same as here")
    return (wrong if abs(skew) > SKEW_REFUSED else warned)("relay clock", text, SET_CLOCK)


async def _nodes(patient: Patient) -> list[Checked]:
    """The clocks and versions of those that were ever heard."""
    if patient.core is None:
        return []
    nodes = [node for node in patient.core.fleet.nodes.inventory().nodes if node.last_seen and not node.local]
    return [*_clocks(nodes), _versions(nodes)]


def _clocks(nodes: list[Node]) -> list[Checked]:
    off = {node.name: skew for node in nodes if (skew := node_skew(node)) is not None}
    bad = {name: skew for name, skew in off.items() if not -SKEW_WARNED - FACTS_AGE < skew < SKEW_WARNED}
    if not off:
        return []
    if not bad:
        return [well("node clocks", f"{len(off)} as the relay's")]
    named = ", ".join(f"{name} {skew:+.0f} s" for name, skew in sorted(bad.items())[:5])
    is_grave = any(abs(skew) > SKEW_REFUSED + FACTS_AGE for skew in bad.values())
    text = f"{len(bad)} of {len(off)} off, to the relay's: {named}"
    return [(wrong if is_grave else warned)("node clocks", text, f"there: {SET_CLOCK}")]


def node_skew(node: Node) -> float | None:
    """Seconds that the clock of a node goes ahead of the relay's, too low by up to `FACTS_AGE`; None where it
    did not say its time.
    """
    time = node.facts.get("time")
    return float(time) - node.last_seen if isinstance(time, int | float) else None


def _versions(nodes: list[Node]) -> Checked:
    """A relay does not say its version; that it speaks ours is what `relay auth` shows."""
    own = baked().version
    others: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        if node.version and node.version != own:
            others[node.version].append(node.name)
    if not others:
        same = f", and so are {len(nodes)} nodes" if nodes else ""
        return well("versions", f"this is {own}{same}")
    named = "; ".join(f"{version}: {', '.join(names[:5])}" for version, names in sorted(others.items()))
    return warned("versions", f"this is {own}, other nodes are not: {named}", "install this release there")


async def _disk(patient: Patient) -> list[Checked]:
    return await asyncio.to_thread(lambda: list(checks.disk(patient.loaded.home)))


async def _audit(patient: Patient) -> list[Checked]:
    if patient.core is None:
        return []
    log = patient.core.audit
    result = await log.verify(tail_only=not patient.full)
    fix = "devopsclaw audit verify"
    if result.findings:
        return [wrong("audit", result.findings[0].message, fix)]
    if result.unread:
        return [wrong("audit", result.unread, fix)]
    if log.trouble:
        return [warned("audit", log.trouble.message, log.trouble.hint)]
    how = "verified from the first on" if patient.full else "the newest verified; all: doctor --full"
    return [well("audit", f"{result.entries} entries, {result.checkpoints} checkpoints, {how}")]


async def _sandbox(patient: Patient) -> list[Checked]:
    return [checks.sandbox(patient.environment.get("PATH"))]


CHECKS: dict[str, Check] = {
    "config": _config,
    "permissions": _permissions,
    "keys saved": _keys,
    "relay": _relay,
    "nodes": _nodes,
    "disk": _disk,
    "audit": _audit,
    "sandbox": _sandbox,
}
"""Name → check, in the order in which they are shown."""
