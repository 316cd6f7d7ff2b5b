"""Carries frames between open sessions, as they are, and keeps nothing of them. Not who is let in."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Any

from websockets.frames import CloseCode

from devopsclaw.core.background import Background
from devopsclaw.core.clock import Clock
from devopsclaw.model.errors import Damaged
from devopsclaw.relay.desk import Desk
from devopsclaw.relay.identities import Identities
from devopsclaw.relay.metrics import Metrics
from devopsclaw.relay.peer import Peer
from devopsclaw.relay.presence import Presence
from devopsclaw.wire.frames import BadFrame, Frame, FrameType, decode
from devopsclaw.wire.table import FROM_CONTROLLER, FROM_NODE, TO_RELAY, Role, Stage, is_allowed, relay_seat

MAX_FACTS = 8 * 1024
"""Bytes of a node's facts as JSON, so that its row fits into one PRESENCE frame with room to spare."""

OTHER_ROOT = "other_root"
"""The code of a GOODBYE by which a node says that it obeys another controller."""

log = logging.getLogger("devopsclaw.relay")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the parts of one relay share."""

    identities: Identities
    presence: Presence
    desk: Desk
    metrics: Metrics
    background: Background
    clock: Clock


class Switchboard:
    """The open sessions: at most one per node, any number of the one controller that claimed the relay."""

    def __init__(self, parts: Parts) -> None:
        self.nodes: dict[str, Peer] = {}
        self.controllers: set[Peer] = set()
        self._parts = parts
        self._frames = {role: parts.metrics.frames.labels(role.value) for role in Role}
        self._carried = {role: parts.metrics.carried.labels(role.value) for role in Role}

    @property
    def peers(self) -> list[Peer]:
        """Every open session."""
        return [*self.nodes.values(), *self.controllers]

    def connect(self, peer: Peer) -> None:
        """This session is open from now on."""
        if peer.role is Role.CONTROLLER:
            self.controllers.add(peer)
            self._parts.presence.add(peer)
            self._parts.desk.add(peer)
            self._parts.background.start(self._tell_alarms())
            return
        self.nodes[peer.uid] = peer
        self._show(peer, is_connected=True)

    def disconnect(self, peer: Peer) -> None:
        """It is not any more; a newer session of the same node stays."""
        if peer.was_slow:
            self._parts.metrics.slow.inc()
            log.warning("the session of %s %s was cut: it did not read", peer.role, peer.uid)
        if peer.role is Role.CONTROLLER:
            self.controllers.discard(peer)
            self._parts.presence.remove(peer)
            self._parts.desk.remove(peer)
        elif self.nodes.get(peer.uid) is peer:
            del self.nodes[peer.uid]
            self._show(peer, is_connected=False)

    async def take(self, peer: Peer, data: bytes | str) -> bool:
        """One message of this session; False once it said goodbye. Raises BadFrame for what is not let in."""
        if isinstance(data, str):
            raise BadFrame("a text message")
        frame = decode(data)
        if not is_allowed(relay_seat(peer.role), Stage.OPEN, frame.type):
            raise BadFrame(f"{frame.type.name} is not let in from a {peer.role}")
        peer.last_heard = self._parts.clock.steady()
        if frame.type in FROM_NODE:
            await self._to_controllers(peer, frame, data)
        elif frame.type in FROM_CONTROLLER:
            self._to_node(frame, data)
        else:
            await self._answer(peer, frame)
        return frame.type is not FrameType.GOODBYE

    async def _to_controllers(self, peer: Peer, frame: Frame, data: bytes) -> None:
        if frame.header.get("node") != peer.uid:
            raise BadFrame("a frame in the name of another node")
        self._count(peer.role, data)
        if not self.controllers:
            self._parts.metrics.dropped.inc()
        for controller in list(self.controllers):
            await controller.deliver(data)

    def _to_node(self, frame: Frame, data: bytes) -> None:
        """Without waiting: one slow node must not hold up what the controller says to all the others."""
        uid = frame.header.get("node")
        node = self.nodes.get(uid) if isinstance(uid, str) else None
        if node is None:
            self._parts.metrics.dropped.inc()
            return
        self._count(Role.CONTROLLER, data)
        node.push(data)

    async def _answer(self, peer: Peer, frame: Frame) -> None:
        """What is said to the relay itself."""
        match frame.type:
            case FrameType.PING:
                self._see(peer)
                peer.tell(Frame(FrameType.PONG, {"at": self._parts.clock.wall()}))
            case FrameType.FACTS:
                self._learn(peer, frame.header.get("facts"))
            case FrameType.FORGET:
                await self._forget(str(frame.header.get("uid", "")))
            case FrameType.GOODBYE if frame.header.get("code") == OTHER_ROOT:
                await self._estrange(peer)
            case asked if asked in TO_RELAY:
                await self._parts.desk.take(frame)

    async def _tell_alarms(self) -> None:
        """Beside the session: a database that cannot be read must not keep a controller from its nodes."""
        try:
            await self._parts.desk.tell_waiting()
        except Damaged as unread:
            log.error("the controller is not told of alarms: %s", unread.message)

    async def _estrange(self, peer: Peer) -> None:
        """A node that obeys another controller leaves: there is nothing it would take from this one."""
        node = self._parts.identities.nodes.get(peer.uid)
        if node is not None and peer.role is Role.NODE:
            node.obeys_other = (
                "it obeys another controller; if that one is lost, on the node as the daemon's user:"
                " devopsclaw agent-daemon --reset-trust"
            )
            self._see(peer)
            await self._parts.desk.alarm("other_root", node.name, node.address)

    def _learn(self, peer: Peer, facts: Any) -> None:
        if not isinstance(facts, dict) or len(json.dumps(facts)) > MAX_FACTS:
            raise BadFrame(f"facts that are no object of at most {MAX_FACTS} bytes")
        node = self._parts.identities.nodes.get(peer.uid)
        if node is not None:
            node.facts = facts
            self._see(peer)

    async def _forget(self, uid: str) -> None:
        await self._parts.identities.forget(uid)
        log.info("node %s was removed by the controller", uid)
        peer = self.nodes.get(uid)
        if peer is not None:
            farewell = Frame(FrameType.GOODBYE, {"reason": "this node was removed by the controller"})
            self._parts.background.start(peer.end(farewell, CloseCode.NORMAL_CLOSURE))
        self._parts.presence.tell_all_again()

    def _see(self, peer: Peer) -> None:
        node = self._parts.identities.nodes.get(peer.uid)
        if node is not None:
            self._parts.identities.see(node)
            self._parts.presence.touch(node.uid)

    def _show(self, peer: Peer, *, is_connected: bool) -> None:
        node = self._parts.identities.nodes.get(peer.uid)
        if node is not None:
            node.is_connected = is_connected
            self._see(peer)

    def _count(self, role: Role, data: bytes) -> None:
        self._frames[role].inc()
        self._carried[role].inc(len(data))
