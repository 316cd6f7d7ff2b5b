"""Receives a visitor: the handshake on its connection, the rules, and what has to be written down first."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from devopsclaw.core.clock import stamp
from devopsclaw.model.errors import ClawError
from devopsclaw.model.joining import AlarmKind
from devopsclaw.relay.address import is_loopback
from devopsclaw.relay.admission import NAME_TAKEN, controller_refusal, node_refusal
from devopsclaw.relay.identities import Node
from devopsclaw.relay.peer import Peer
from devopsclaw.relay.switchboard import Parts, Switchboard
from devopsclaw.relay.tokens import Spent
from devopsclaw.wire.enroll import NONCE_BYTES, Auth, Refusal, Welcome
from devopsclaw.wire.frames import BadFrame, Frame, FrameType, decode, encode
from devopsclaw.wire.session import Proved, Refused, RelaySession, Secrets
from devopsclaw.wire.table import Role
from devopsclaw.wire.uid import uid_of

HANDSHAKE_TIMEOUT = 10.0
"""Seconds a visitor has to prove itself; an old session of its key is asked meanwhile, for up to five."""

BUSY = Refusal(code="busy", message="another session of this key is just being opened", hint="try again")
UNAVAILABLE = Refusal(
    code="unavailable",
    message="the relay cannot write its database",
    hint="look at the log of the relay: its disk is full or damaged",
)

ALARMING: dict[str, AlarmKind] = {
    "token_spent": "token_spent",
    "token_expired": "token_expired",
    "token_revoked": "token_revoked",
    "token_name": "token_name",
    NAME_TAKEN: "name_taken",
}
"""Codes of refusals that the controller is told of; whoever gets one has proven to hold a token."""

log = logging.getLogger("devopsclaw.relay")


@dataclass(frozen=True, slots=True)
class Identity:
    """What the relay shows visitors of itself, and what it expects them to know.

    `secrets` is asked each time, because the claim code is worth nothing after the claim.
    """

    key: Ed25519PrivateKey
    spki: bytes
    secrets: Callable[[], Secrets]

    def shown(self) -> dict[str, str]:
        """What a controller writes into join tokens, so that nodes know this relay."""
        return {"relay_key": self.key.public_key().public_bytes_raw().hex(), "spki": self.spki.hex()}


class TurnedAway(Exception):
    """This visitor is refused; it is told why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class Reception:
    """Lets visitors in, one session per node; `on_claim` is called after a controller claimed the relay."""

    def __init__(
        self, identity: Identity, parts: Parts, switchboard: Switchboard, on_claim: Callable[[], None]
    ) -> None:
        self._identity = identity
        self._parts = parts
        self._switchboard = switchboard
        self._on_claim = on_claim
        self._arriving: set[str] = set()

    async def receive(self, connection: ServerConnection) -> Peer | None:
        """The visitor's open session, connected to the switchboard; None: it was refused, or went away."""
        session = RelaySession(
            self._identity.key,
            self._identity.secrets(),
            self._identity.spki,
            secrets.token_bytes(NONCE_BYTES),
        )
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT):
                proved = await self._prove(connection, session)
            return await self._admit(connection, session, proved)
        except TurnedAway as turned:
            await self.refuse(connection, turned.refusal)
        except BadFrame as wrong:
            self._parts.metrics.violations.inc()
            log.info("a visitor from %s spoke no handshake: %s", address_of(connection), wrong)
            await connection.close(CloseCode.PROTOCOL_ERROR)
        except TimeoutError:
            connection.transport.abort()
        except ConnectionClosed:
            return None
        return None

    async def refuse(self, connection: ServerConnection, refusal: Refusal) -> None:
        """Say why, and close."""
        self._parts.metrics.refused.labels(refusal.code).inc()
        log.warning("refused a session from %s: %s", address_of(connection), refusal.code)
        try:
            await connection.send(encode(refusal.frame(FrameType.REFUSED)))
        except ConnectionClosed:
            return
        await connection.close(CloseCode.POLICY_VIOLATION, refusal.code)

    async def _prove(self, connection: ServerConnection, session: RelaySession) -> Proved:
        while True:
            data = await connection.recv()
            if isinstance(data, str):
                raise BadFrame("a text message")
            step = session.receive(decode(data))
            if isinstance(step.verdict, Refused):
                raise TurnedAway(step.verdict.refusal)
            if isinstance(step.verdict, Proved):
                return step.verdict
            for frame in step.frames:
                await connection.send(encode(frame))

    async def _admit(self, connection: ServerConnection, session: RelaySession, proved: Proved) -> Peer:
        """One visitor per key at a time, so that what is checked still holds when it is written."""
        public_key = proved.hello.public_key
        if public_key in self._arriving:
            raise TurnedAway(BUSY)
        self._arriving.add(public_key)
        try:
            if proved.hello.role is Role.NODE:
                return await self._admit_node(connection, session, proved)
            return await self._admit_controller(connection, session, proved)
        except ClawError as damaged:
            log.error("%s", damaged.message)
            raise TurnedAway(UNAVAILABLE) from damaged
        finally:
            self._arriving.discard(public_key)

    async def _admit_node(self, connection: ServerConnection, session: RelaySession, proved: Proved) -> Peer:
        known, hello = self._parts.identities, proved.hello
        refusal = node_refusal(known, proved, self._parts.clock.wall())
        if refusal is not None:
            await self._raise_alarm(refusal, proved, address_of(connection))
            raise TurnedAway(refusal)
        uid = uid_of(bytes.fromhex(hello.public_key))
        await self._settle_duplicate(uid, address_of(connection))
        node = known.nodes.get(uid) or await self._join(proved, address_of(connection))
        node.epoch = await known.take_epoch()
        node.address, node.version = address_of(connection), hello.version
        node.is_claimed, node.obeys_other = bool(known.root), ""
        return self._open(session, Peer(connection, Role.NODE, uid, node.epoch, self._parts.clock))

    async def _admit_controller(
        self, connection: ServerConnection, session: RelaySession, proved: Proved
    ) -> Peer:
        known, hello = self._parts.identities, proved.hello
        refusal = controller_refusal(known, proved, is_local=is_loopback(address_of(connection)))
        if refusal is not None:
            raise TurnedAway(refusal)
        for old in list(self._switchboard.controllers):
            if not await old.answers():
                old.abort()
        is_claim = not known.root
        if is_claim:
            await self._claim(hello.public_key, hello.name)
        uid = uid_of(bytes.fromhex(hello.public_key))
        peer = Peer(connection, Role.CONTROLLER, uid, await known.take_epoch(), self._parts.clock)
        opened = self._open(session, peer)
        if is_claim:
            self._on_claim()
        return opened

    def _open(self, session: RelaySession, peer: Peer) -> Peer:
        """Welcomed first: whatever the switchboard sends comes after the WELCOME."""
        known = self._parts.identities
        welcome = Welcome(
            epoch=peer.epoch,
            uid=peer.uid,
            server_time=self._parts.clock.wall(),
            root=known.root,
            claimed=bool(known.root),
            **(self._identity.shown() if peer.role is Role.CONTROLLER else {}),
        )
        peer.push(encode(session.welcome(welcome)))
        self._switchboard.connect(peer)
        return peer

    async def _join(self, proved: Proved, address: str) -> Node:
        hello, known = proved.hello, self._parts.identities
        token = hello.join if hello.auth is Auth.JOIN else ""
        try:
            node = await known.join(hello.name, hello.public_key, address, token)
        except Spent:
            refusal = node_refusal(known, proved, self._parts.clock.wall()) or BUSY
            await self._raise_alarm(refusal, proved, address)
            raise TurnedAway(refusal) from None
        except sqlite3.IntegrityError:
            # Two new keys asked for one name within the same moment; the other was first.
            raise TurnedAway(BUSY) from None
        log.info("node %s joined as %s from %s", hello.name, node.uid, address)
        if token:
            self._parts.desk.tell_tokens()
        return node

    async def _claim(self, public_key: str, name: str) -> None:
        try:
            await self._parts.identities.claim(public_key, name)
        except sqlite3.IntegrityError:
            raise TurnedAway(BUSY) from None
        log.info("controller %s claimed this relay; nodes will be shown its key", name)

    async def _settle_duplicate(self, uid: str, address: str) -> None:
        """An old session that is dead gives way; two living ones with one key are both shut out."""
        old = self._switchboard.nodes.get(uid)
        if old is None:
            return
        if not await old.answers():
            old.abort()
            return
        node = self._parts.identities.nodes[uid]
        why = (
            f"two machines used the key of {node.name} at once, "
            f"{node.address} and {address}, at {stamp(self._parts.clock.wall())}: both are shut out"
        )
        await self._parts.identities.quarantine(node, why)
        self._parts.metrics.alarms.labels("duplicate_key").inc()
        log.error("%s", why)
        await self._parts.desk.alarm("duplicate_key", node.name, address)
        self._parts.presence.touch(uid)
        farewell = Frame(FrameType.GOODBYE, {"reason": why})
        self._parts.background.start(old.end(farewell, CloseCode.POLICY_VIOLATION))
        raise TurnedAway(
            Refusal(
                code="quarantined",
                message=why,
                hint=f"once the wrong one is stopped: devopsclaw node release {node.name}",
            )
        )

    async def _raise_alarm(self, refusal: Refusal, proved: Proved, address: str) -> None:
        """Somebody with a token tried what it is not good for, or asked for the name of another."""
        kind = ALARMING.get(refusal.code)
        if kind is None:
            return
        name, token = proved.hello.name, proved.hello.join
        self._parts.metrics.alarms.labels(kind).inc()
        log.error("%s: %s from %s", kind, name, address)
        if kind == NAME_TAKEN:
            self._mark(name, address)
        await self._parts.desk.alarm(kind, name, address, token)

    def _mark(self, name: str, address: str) -> None:
        """The attempt on its name is shown with the node that has it."""
        node = self._parts.identities.named(name)
        if node is not None:
            when = stamp(self._parts.clock.wall())
            node.alarm = f"another key asked for the name {name} from {address} at {when}"
            self._parts.presence.touch(node.uid)


def address_of(connection: ServerConnection) -> str:
    """The peer's IP address; empty once the connection is gone."""
    peer = connection.remote_address
    return str(peer[0]) if peer else ""
