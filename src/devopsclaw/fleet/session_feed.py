"""What comes in over a channel: presence of nodes, and their frames. A relay is not believed on results."""

from __future__ import annotations

import asyncio

from pydantic import TypeAdapter, ValidationError

from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import Clock
from devopsclaw.fleet.dispatch import Dispatch
from devopsclaw.fleet.inventory import Node
from devopsclaw.fleet.nodes import Nodes
from devopsclaw.fleet.presence import Presence
from devopsclaw.fleet.relay_desk import RelayDesk
from devopsclaw.model.events import NodeSeen, Warned
from devopsclaw.wire.channel import Channel, Closed
from devopsclaw.wire.envelope import BadEnvelope
from devopsclaw.wire.frames import Frame, FrameType
from devopsclaw.wire.testimony import check_testimony

ROWS = TypeAdapter(list[Presence])
TOLD_AGAIN = 60.0
"""Seconds between two warnings of false words in one node's name."""
CLAIMS = {
    FrameType.DONE: "a result",
    FrameType.REJECT: "a refusal",
    FrameType.STANDING: "an answer",
}


class SessionFeed:
    """Feeds dispatch and the registry from channels, and the desk from a relay's own words."""

    def __init__(self, nodes: Nodes, dispatch: Dispatch, desk: RelayDesk, bus: Bus, clock: Clock) -> None:
        self._nodes = nodes
        self._dispatch = dispatch
        self._desk = desk
        self._bus = bus
        self._clock = clock
        self._relay: Channel | None = None
        self._told: dict[str, float] = {}
        """Steady time at which a false word in a node's name was last told, by uid."""
        self.disbelieved = 0
        """Words that the node in whose name they came had not signed."""

    def say(self, warning: Warned) -> None:
        """Tell everybody who listens, now and later."""
        self._bus.post(warning)

    async def follow_relay(self, channel: Channel, arrived: asyncio.Event) -> None:
        """Serve a session with a relay until it closes; raises Closed. Its nodes are then out of reach.
        `arrived` is set after each full presence.
        """
        self._relay = channel
        try:
            with self._desk.serving(channel):
                await self._follow(channel, arrived)
        finally:
            self._relay = None
            arrived.clear()
            await self._lose_all(channel)

    async def _follow(self, channel: Channel, arrived: asyncio.Event) -> None:
        while True:
            frame = await channel.receive()
            if frame.type is FrameType.PRESENCE:
                await self._take_presence(frame, channel)
                if not frame.header.get("more"):
                    arrived.set()
            elif frame.type is not FrameType.PONG and not await self._desk.take(frame, channel):
                self._take(frame)

    async def follow_pipe(self, channel: Channel, uid: str) -> None:
        """Serve the pipe to the core's own node until it closes."""
        self._dispatch.on_presence(uid, channel, channel.welcome.epoch)
        try:
            while True:
                self._dispatch.on_frame(await channel.receive())
        except Closed:
            self._dispatch.on_presence(uid, None, channel.welcome.epoch)

    async def forget(self) -> bool:
        """Tell the relay which nodes were removed; whether it was there to be told. It is told again with
        each presence until it lists them no more.
        """
        relay = self._relay
        if relay is None:
            return False
        try:
            for uid in self._nodes.removed:
                self._dispatch.lose(uid)
                await relay.send(Frame(FrameType.FORGET, {"uid": uid}))
        except Closed:
            return False
        return True

    def _take(self, frame: Frame) -> None:
        """A node's frame. What it claims has to carry its own signature: a relay could invent it."""
        node = self._nodes.by_uid(str(frame.header.get("node", "")))
        if node is None:
            return
        try:
            check_testimony(node.public_key, frame)
        except BadEnvelope:
            self._disbelieve(node, frame.type)
        else:
            self._dispatch.on_frame(frame)

    def _disbelieve(self, node: Node, frame_type: FrameType) -> None:
        """Nothing changes by it; a liar who goes on is told of once a minute."""
        self.disbelieved += 1
        now = self._clock.steady()
        if now < self._told.get(node.uid, -TOLD_AGAIN) + TOLD_AGAIN:
            return
        self._told[node.uid] = now
        claim = CLAIMS[frame_type]
        self._bus.publish(
            Warned(
                f"{claim} in the name of {node.name} was not signed by it and is not believed",
                "somebody may have taken over the relay; look at its host",
            )
        )

    async def _take_presence(self, frame: Frame, channel: Channel) -> None:
        try:
            rows = ROWS.validate_python(frame.header.get("nodes"))
        except ValidationError:
            self._bus.publish(Warned("the relay sent a presence that makes no sense", "update the relay"))
            return
        full, more = bool(frame.header.get("full")), bool(frame.header.get("more"))
        for node in await self._nodes.saw(rows, full=full, more=more):
            self._dispatch.on_presence(node.uid, channel if node.connected else None, node.epoch)
            self._tell(node)
        self._desk.stir()
        await self.forget()

    async def _lose_all(self, channel: Channel) -> None:
        """Nothing is known of the relay's nodes any more; what they run goes on."""
        self._dispatch.lose_channel(channel)
        for node in await self._nodes.lose():
            self._tell(node)

    def _tell(self, node: Node) -> None:
        link = node.link(self._clock.wall()).value
        self._bus.publish(NodeSeen(node.name, link, node.last_seen, dict(node.facts)))
        if node.alarm:
            self._bus.publish(Warned(f"{node.name}: {node.alarm}", f"devopsclaw node show {node.name}"))
