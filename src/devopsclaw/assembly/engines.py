"""Puts the fleet's engine together: its log, output store, registry and links. Not the core: that is boot."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial

from devopsclaw.assembly.late import close_cut_off, record_late
from devopsclaw.assembly.links import Links
from devopsclaw.core.audit import AuditLog
from devopsclaw.core.background import Background, background
from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import Clock
from devopsclaw.core.config import Loaded
from devopsclaw.core.db import Database
from devopsclaw.core.keys import Keys, SigningKey
from devopsclaw.core.outputs import Outputs
from devopsclaw.core.runs import RunLog
from devopsclaw.fleet.conductor import Conductor
from devopsclaw.fleet.delivery import Delivery
from devopsclaw.fleet.dispatch import Dispatch
from devopsclaw.fleet.execution import Executions
from devopsclaw.fleet.fleet import Fleet
from devopsclaw.fleet.nodes import Nodes
from devopsclaw.fleet.recipients import Recipients
from devopsclaw.fleet.relay_desk import RelayDesk
from devopsclaw.fleet.session_feed import SessionFeed
from devopsclaw.fleet.signing import Signer
from devopsclaw.fleet.tokens import IssuedTokens
from devopsclaw.model.errors import ClawError, Damaged
from devopsclaw.model.events import Warned
from devopsclaw.model.ports import Reach, RelayAnswer


async def open_fleet(
    stack: AsyncExitStack,
    loaded: Loaded,
    database: Database,
    keys: Keys,
    tellers: tuple[AuditLog, Bus, Clock],
) -> tuple[Fleet, Reach, RelayDesk, Background]:
    """The fleet over its log, its output store and its registry; links are opened when needed."""
    audit, bus, clock = tellers
    settings = loaded.config.fleet
    key = keys.load_or_create("controller")
    signer = Signer(key)
    log, outputs = RunLog(database, clock), Outputs(database, loaded.home.output)
    delivery = Delivery(signer.cancel, lost_patience=settings.lost_patience)
    dispatch = Dispatch(delivery, log, outputs, bus, clock)
    tokens = await IssuedTokens.open(database)
    nodes = await Nodes.open(database, clock, tokens)
    desk = RelayDesk(tokens, audit, bus, key.public_hex)
    stack.push_async_callback(nodes.save)
    tasks = await stack.enter_async_context(background())
    tasks.start(dispatch.run())
    feed = SessionFeed(nodes, dispatch, desk, bus, clock)
    await close_cut_off(audit, log, bus)
    late = partial(record_late, audit, log, bus)
    conductor = Conductor(dispatch, log, Recipients(nodes, signer), bus, clock, late)
    executions = Executions(conductor, log, outputs, signer, tasks.start)
    fleet = Fleet(nodes, executions, bus, Links(loaded, key, feed, clock, tasks.start).open)
    stack.push_async_callback(left_to_next, executions, bus)
    return fleet, Reach(fleet.ready, feed.forget), desk, tasks


async def left_to_next(executions: Executions, bus: Bus) -> None:
    """This core ends: note what it was carrying out, so that the next one goes on with it."""
    try:
        await executions.leave()
    except Damaged as unwritten:
        bus.publish(Warned(unwritten.message, unwritten.hint))


async def go_on(fleet: Fleet, bus: Bus, within: float) -> None:
    """Reach the nodes, and take up what earlier cores left: this core is there to stay. `within`: see
    `Executions.resume_all`.
    """
    reached = fleet.reached
    try:
        await fleet.ready()
    except ClawError as unusable:
        bus.post(Warned(unusable.message, unusable.hint))
        reached = _never
    await fleet.executions.resume_all(within, reached)


async def _never() -> None:
    """A relay that cannot be used at all is not reached by waiting."""
    await asyncio.Event().wait()


async def dial_once(loaded: Loaded, key: SigningKey, clock: Clock, url: str, claim: str) -> RelayAnswer:
    """See `assembly.relay_client.dial_once`; loaded when it is asked for."""
    from devopsclaw.assembly.relay_client import dial_once

    return await dial_once(loaded, key, clock, url, claim)
