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
from devopsclaw.model.events import NodeSeen, Warned
from devopsclaw.wire.channel import Channel, Closed
from devopsclaw.wire.envelope import BadSignature, verify_done
from devopsclaw.wire.frames import Frame, FrameType

ROWS = TypeAdapter(list[Presence])


class SessionFeed:
    """Feeds dispatch and the registry from channels. `arrived` is told of each full presence."""

    def __init__(self, nodes: Nodes, dispatch: Dispatch, bus: Bus, clock: Clock) -> None:
        self._nodes = nodes
        self._dispatch = dispatch
        self._bus = bus
        self._clock = clock
        self._relay: Channel | None = None

    def say(self, warning: Warned) -> None:
        """Tell everybody who listens, now and later."""
        self._bus.post(warning)

    async def follow_relay(self, channel: Channel, arrived: asyncio.Event) -> None:
        """Serve a session with a relay until it closes; raises Closed. Its nodes are then out of reach."""
        self._relay = channel
        try:
            while True:
                frame = await channel.receive()
                if frame.type is FrameType.PRESENCE:
                    await self._take_presence(frame, channel)
                    if not frame.header.get("more"):
                        arrived.set()
                elif frame.type is not FrameType.PONG:
                    self._take(frame)
        finally:
            self._relay = None
            arrived.clear()
            await self._lose_all(channel)

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
        """A node's frame. Its result has to carry the node's own signature: a relay could invent one."""
        node = self._nodes.by_uid(str(frame.header.get("node", "")))
        if node is None:
            return
        if frame.type is FrameType.DONE:
            try:
                verify_done(node.public_key, frame.header)
            except BadSignature:
                self._bus.publish(
                    Warned(
                        f"a result in the name of {node.name} was not signed by it and is not believed",
                        "somebody may have taken over the relay; look at its host",
                    )
                )
                return
        self._dispatch.on_frame(frame)

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
