"""Opens the way to nodes: the relay where there is one, else the one node `local` in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any

from devopsclaw.assembly.node import NodeParts, open_node
from devopsclaw.assembly.token import token_of
from devopsclaw.core.clock import Clock
from devopsclaw.core.config import Loaded
from devopsclaw.core.door import os_user
from devopsclaw.core.keys import Keys, SigningKey
from devopsclaw.core.pipe import pipe
from devopsclaw.daemon.journal import open_journal
from devopsclaw.daemon.trust import Pinned
from devopsclaw.fleet.fleet import Fleet
from devopsclaw.fleet.session_feed import SessionFeed
from devopsclaw.host.facts import read_facts
from devopsclaw.model.errors import BadParams, ClawError, Unreachable
from devopsclaw.model.ports import RelayAnswer
from devopsclaw.ops.version import baked
from devopsclaw.relay.address import endpoint
from devopsclaw.relay.announcement import read_announcement
from devopsclaw.relay.dial import Dialer
from devopsclaw.relay.pins import Pins
from devopsclaw.relay.stay import stay
from devopsclaw.wire.channel import Channel, Closed
from devopsclaw.wire.enroll import Welcome
from devopsclaw.wire.frames import FrameType
from devopsclaw.wire.table import Role
from devopsclaw.wire.uid import uid_of

LOCAL = "local"
FIRST_PRESENCE = 10.0
"""Seconds for a relay that was dialled to say who is there; then it counts as out of reach for now."""

Start = Callable[[Coroutine[Any, Any, None]], object]
"""Runs something beside, until the core closes."""


@dataclass(frozen=True, slots=True)
class Links:
    """What is needed to reach nodes. `open` is called once, by the fleet, when it is first needed."""

    loaded: Loaded
    key: SigningKey
    feed: SessionFeed
    clock: Clock
    start: Start

    async def open(self, fleet: Fleet) -> None:
        """Connect to the relay, or become the one node. Returns once it is known who is there, or not."""
        dialer = find_relay(self.loaded, self.key, self.clock)
        if dialer is None:
            await self._open_local(fleet)
        else:
            await self._open_relay(fleet, dialer)

    async def _open_relay(self, fleet: Fleet, dialer: Dialer) -> None:
        arrived, settled = asyncio.Event(), asyncio.Event()

        def report(status: str, why: str) -> None:
            trouble = Unreachable(why, hint=f"is the relay running at {dialer.url}?") if why else None
            fleet.report(status, dialer.url, why, trouble)
            if status == "lost":
                settled.set()

        async def follow(channel: Channel) -> None:
            await self.feed.follow_relay(channel, arrived)

        async def first() -> None:
            await arrived.wait()
            settled.set()

        self.start(first())
        self.start(stay(dialer, follow, self.clock, Random(), report))
        try:
            async with asyncio.timeout(FIRST_PRESENCE):
                await settled.wait()
        except TimeoutError:
            report("lost", f"the relay at {dialer.url} did not say in {FIRST_PRESENCE:.0f} s who is there")

    async def _open_local(self, fleet: Fleet) -> None:
        """The daemon of this process, joined by a pipe with the same frames."""
        uid = uid_of(local_key(self.loaded).public)
        welcome = Welcome(epoch=1, uid=uid, server_time=self.clock.wall(), root=self.key.public_hex)
        ours, theirs = pipe(welcome, welcome, Closed)
        running: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.start(self._run_local(theirs, running))
        await running
        await fleet.nodes.add_local(uid, await read_facts())
        self.start(self.feed.follow_pipe(ours, uid))

    async def _run_local(self, channel: Channel, running: asyncio.Future[None]) -> None:
        home = self.loaded.home
        try:
            async with await open_journal(home.state / "local.db") as journal:
                parts = NodeParts(
                    local_key(self.loaded),
                    Pinned(self.key.public_hex),
                    journal,
                    home.output / "local",
                    self.clock,
                )
                async with open_node(parts) as daemon:
                    running.set_result(None)
                    async with asyncio.TaskGroup() as group:
                        group.create_task(daemon.run())
                        group.create_task(daemon.converse(channel))
        except ClawError as failed:
            if running.done():
                raise
            running.set_exception(failed)


async def dial_once(loaded: Loaded, key: SigningKey, clock: Clock, url: str, claim: str) -> RelayAnswer:
    """Dial this relay, claim it where a code is given, and hang up. Raises Denied, Unreachable, BadParams."""
    dialer = find_relay(loaded, key, clock, url=url, claim=claim)
    if dialer is None:
        raise BadParams("no relay was named", hint="devopsclaw relay connect wss://HOST:9443 --claim CODE")
    channel = await dialer.connect()
    try:
        async with asyncio.timeout(FIRST_PRESENCE):
            nodes = await _listed(channel)
    except (TimeoutError, Closed) as silent:
        raise Unreachable(f"the relay at {url} did not say who is there", hint="try again") from silent
    finally:
        await channel.close()
    return RelayAnswer(dialer.pins.get(endpoint(url, insecure=dialer.insecure).place), nodes)


async def _listed(channel: Channel) -> int:
    """How many nodes the relay's first list has."""
    count = 0
    while True:
        frame = await channel.receive()
        if frame.type is FrameType.PRESENCE:
            count += len(frame.header.get("nodes", ()))
            if not frame.header.get("more"):
                return count


def local_key(loaded: Loaded) -> SigningKey:
    """The key of the node `local`."""
    return Keys(loaded.home.keys).load_or_create("local")


def find_relay(
    loaded: Loaded, key: SigningKey, clock: Clock, *, url: str = "", claim: str = ""
) -> Dialer | None:
    """How this home's controller dials its relay: the one named, the configured one, or the one that
    runs from the same home; None where there is none. Raises ClawError for settings that cannot work.
    """
    settings = loaded.config.relay
    beside = read_announcement(loaded.home)
    wanted = url or settings.url or (beside.url if beside else "")
    if not wanted:
        return None
    is_beside = beside is not None and wanted == beside.url
    return Dialer(
        url=wanted,
        role=Role.CONTROLLER,
        key=key.private,
        name=os_user(),
        pins=Pins(loaded.home.keys / "relays.json"),
        token=token_of(settings.token_file, settings.auth_token),
        claim=claim or (beside.claim if beside and is_beside else ""),
        insecure=settings.insecure,
        version=baked().version,
        relay_key=beside.key if beside and is_beside else "",
        clock=clock,
    )
