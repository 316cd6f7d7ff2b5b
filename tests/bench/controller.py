"""A controller that only speaks the protocol: it offers to many nodes and checks the results."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.bench import bare, place

from devopsclaw.core.keys import SigningKey
from devopsclaw.core.paths import Home
from devopsclaw.fleet.signing import Order, Signer
from devopsclaw.model.risk import Effect
from devopsclaw.relay.announcement import read_announcement
from devopsclaw.relay.dial import Dialer
from devopsclaw.relay.link import RelayLink
from devopsclaw.relay.pins import Pins
from devopsclaw.wire.frames import Frame, FrameType
from devopsclaw.wire.table import Role
from devopsclaw.wire.testimony import check_testimony


@dataclass(frozen=True, slots=True)
class Controller:
    """`nodes` are public keys by uid, as the relay listed them."""

    link: RelayLink
    nodes: dict[str, str]

    async def joined(self, count: int) -> None:
        """Wait until the relay has told of so many nodes."""
        while len(self.nodes) < count:
            frame = await self.link.receive()
            self.nodes.update({row["uid"]: row["public_key"] for row in frame.header.get("nodes", ())})

    async def dispatch(self, count: int) -> None:
        """Sign once for so many nodes, offer to each, and check the signed end that each sends."""
        signer = Signer(SigningKey(bare.KEY, bytes.fromhex(bare.PUBLIC), bare.PUBLIC))
        order = Order("X-1", uuid4().hex, "true", Effect.READ, 60.0, 10.0, 1 << 20)
        waiting = dict(list(self.nodes.items())[:count])
        for uid, command in signer.commands(order, list(waiting), time.time()).items():
            header = {"node": uid, "command": command.id, "signature": command.signature}
            await self.link.send(Frame(FrameType.OFFER, header, command.body))
        while waiting:
            frame = await self.link.receive()
            if frame.type is FrameType.DONE:
                check_testimony(waiting.pop(frame.header["node"]), frame)


@asynccontextmanager
async def controller(relay: place.RelayPlace) -> AsyncIterator[Controller]:
    """Claim the relay with the bench's key, and stay connected while the block lasts."""
    beside = read_announcement(Home(relay.home))
    if beside is None:
        raise RuntimeError("the relay is gone")
    pins = Pins(Path(relay.home) / "bench-pins.json")
    dialer = Dialer(
        url=relay.url,
        role=Role.CONTROLLER,
        key=bare.KEY,
        name="bench",
        pins=pins,
        claim=beside.claim,
        relay_key=beside.key,
        insecure=True,
    )
    link = await dialer.connect()
    try:
        yield Controller(link, {})
    finally:
        await link.close()
