"""How a controller dials its relay: by which address, key, pin and secret; Loaded only where there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any

from devopsclaw.assembly.token import token_of
from devopsclaw.core.clock import Clock
from devopsclaw.core.config import Loaded
from devopsclaw.core.door import os_user
from devopsclaw.core.keys import SigningKey
from devopsclaw.model.errors import BadParams, ClawError, Unreachable
from devopsclaw.model.ports import RelayAnswer
from devopsclaw.ops.version import baked
from devopsclaw.relay.address import endpoint
from devopsclaw.relay.announcement import read_announcement
from devopsclaw.relay.dial import Dialer
from devopsclaw.relay.pins import Pins
from devopsclaw.relay.stay import Report, stay
from devopsclaw.wire.channel import Channel, Closed
from devopsclaw.wire.frames import FrameType
from devopsclaw.wire.table import Role

FIRST_PRESENCE = 10.0
"""Seconds for a relay that was dialled to say who is there; then it counts as out of reach for now."""


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
        token=token_of(loaded, "relay").text,
        claim=claim or (beside.claim if beside and is_beside else ""),
        insecure=settings.insecure,
        version=baked().version,
        relay_key=beside.key if beside and is_beside else "",
        clock=clock,
    )


async def connected(
    dialer: Dialer,
    follow: Callable[[Channel], Awaitable[None]],
    arrived: asyncio.Event,
    report: Report,
    start: Callable[[Coroutine[Any, Any, None]], object],
) -> None:
    """Stay connected from now on, by tasks given to `start`. Returns once `follow` has seen who is there
    and set `arrived`, or the relay is out of reach.
    """
    settled = asyncio.Event()

    def tell(status: str, why: ClawError | None) -> None:
        report(status, why)
        if status == "lost":
            settled.set()

    async def first() -> None:
        await arrived.wait()
        settled.set()

    start(first())
    start(stay(dialer, follow, dialer.clock, Random(), tell))
    try:
        async with asyncio.timeout(FIRST_PRESENCE):
            await settled.wait()
    except TimeoutError:
        silent = f"the relay at {dialer.url} did not say in {FIRST_PRESENCE:.0f} s who is there"
        report("lost", Unreachable(silent, hint="look at its host and its log, and try again"))


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
