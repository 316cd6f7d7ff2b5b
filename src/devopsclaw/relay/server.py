"""The relay: listens, lets sessions in, carries their frames, and drains when it stops. It holds nothing."""

from __future__ import annotations

import asyncio
import errno
import logging
import random
import secrets
from base64 import b32encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as serve_websockets
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from devopsclaw.core.background import background
from devopsclaw.core.clock import Clock
from devopsclaw.core.keys import Keys
from devopsclaw.core.lock import hold
from devopsclaw.core.paths import Home
from devopsclaw.model.errors import BadParams, Busy, ClawError, Damaged
from devopsclaw.model.state import OFFLINE_AFTER
from devopsclaw.relay.address import Endpoint, listen_address
from devopsclaw.relay.announcement import Announcement, announce, withdraw
from devopsclaw.relay.desk import Desk
from devopsclaw.relay.http import Pages
from devopsclaw.relay.identities import identities
from devopsclaw.relay.metrics import Metrics
from devopsclaw.relay.peer import WRITE_LIMIT, Peer
from devopsclaw.relay.presence import Presence
from devopsclaw.relay.reception import HANDSHAKE_TIMEOUT, Identity, Reception
from devopsclaw.relay.settings import RelaySettings, check_descriptors, open_tls
from devopsclaw.relay.switchboard import Parts, Switchboard
from devopsclaw.relay.tls import shrink_buffers
from devopsclaw.wire.enroll import Refusal
from devopsclaw.wire.frames import BadFrame, Frame, FrameType
from devopsclaw.wire.session import Secrets
from devopsclaw.wire.table import Role

MAX_MESSAGE = 256 * 1024
"""Bytes of a WebSocket message; over it the session is closed with 1009 (security reference §2.3)."""
MAX_QUEUE = 16
"""Messages read ahead of the one in hand, per session; then the socket is not read (the same)."""
BACKLOG = 1024
"""Connections the kernel holds while the handshakes of a reconnect storm are done."""
SWEEP_EVERY, SAVE_EVERY = 5.0, 30.0
"""Seconds; when a node was last seen is not worth a disk write per ping (security reference §2.10)."""
RETURN_WITHIN = 10.0
"""Clients of a stopping relay come back after U(0, this) seconds (security reference §2.13)."""
CLAIM_RETURN_WITHIN = 1.0
"""The same for nodes that have to come back once, to be shown the root: a person is waiting."""
RETURN_SPACING = 0.01
"""Seconds between two of them on average: what a handshake costs."""
DRAIN_TIMEOUT, CLOSE_TIMEOUT = 30.0, 5.0

log = logging.getLogger("devopsclaw.relay")


@dataclass(frozen=True, slots=True)
class RunningRelay:
    """A relay that listens. `claim_code` is empty where it was claimed before; `warnings` are for people."""

    address: str
    port: int
    url: str
    public_key: str
    claim_code: str = field(repr=False)
    warnings: tuple[str, ...]


@asynccontextmanager
async def serve(settings: RelaySettings, home: Home, clock: Clock) -> AsyncIterator[RunningRelay]:
    """Run a relay until the block ends; then its clients are told to come back, within 30 seconds in all.

    Raises BadParams for settings that cannot work, Busy where the port or this home's relay is taken,
    Damaged where its files cannot be used.
    """
    check_descriptors(settings.max_connections)
    listen_address(settings.address)
    home.make()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(hold(home.run, "relay", "relay start", clock, 0))
        known, aside = await stack.enter_async_context(identities(home.state / "relay.db", clock))
        beside = await stack.enter_async_context(background())
        presence = Presence(known)
        parts = Parts(known, presence, Desk(known, presence.touch), Metrics(), beside, clock)
        relay = _Relay(settings, home, parts)
        await stack.enter_async_context(relay.listening())
        lost = (f"the damaged database was kept as {aside}; nodes join anew",) if aside else ()
        yield relay.running(settings.warnings() + lost)


class _Relay:
    """One relay, its parts joined."""

    def __init__(self, settings: RelaySettings, home: Home, parts: Parts) -> None:
        self._settings = settings
        self._home = home
        self._parts = parts
        self._key = Keys(home.keys).load_or_create("relay")
        self._tls = open_tls(settings, home.keys)
        self._claim_code = (
            "" if parts.identities.root else b32encode(secrets.token_bytes(16)).decode().lower()[:26]
        )
        self._switchboard = Switchboard(parts)
        identity = Identity(self._key.private, self._tls.spki if self._tls else b"", self._secrets)
        self._reception = Reception(identity, parts, self._switchboard, self._claimed)
        self._pages = Pages(parts.metrics, lambda: not self._is_stopping)
        self._connections = 0
        self._is_stopping = False
        self._port = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Serve until the block ends, then drain."""
        self._watch()
        if self._tls is not None:
            shrink_buffers()
        server = await self._listen()
        self._port = next(iter(server.sockets)).getsockname()[1]
        try:
            self._announce()
            self._parts.background.start(self._parts.presence.run())
            self._parts.background.start(self._sweep())
            yield
        finally:
            self._is_stopping = True
            withdraw(self._home)
            await self._drain(server)

    def running(self, warnings: tuple[str, ...]) -> RunningRelay:
        """What the starter is told."""
        host, _ = listen_address(self._settings.address)
        shown = Endpoint(host, self._port).place
        return RunningRelay(shown, self._port, self._url(), self._key.public_hex, self._claim_code, warnings)

    async def _listen(self) -> Server:
        host, port = listen_address(self._settings.address)
        try:
            return await serve_websockets(
                self._serve_connection,
                host or None,
                port,
                process_request=self._pages.respond,
                server_header=None,
                compression=None,
                open_timeout=HANDSHAKE_TIMEOUT,
                ping_interval=None,  # clients ping; whoever is silent is swept
                close_timeout=CLOSE_TIMEOUT,
                max_size=MAX_MESSAGE,
                max_queue=MAX_QUEUE,
                write_limit=WRITE_LIMIT,
                logger=log.getChild("websockets"),
                ssl=self._tls.context if self._tls else None,
                backlog=BACKLOG,
            )
        except (OSError, UnicodeError) as failed:
            raise _listen_error(self._settings.address, failed) from failed

    async def _serve_connection(self, connection: ServerConnection) -> None:
        self._connections += 1
        try:
            if self._connections > self._settings.max_connections:
                await self._reception.refuse(connection, self._full())
                return
            peer = await self._reception.receive(connection)
            if peer is not None:
                await self._serve_peer(peer)
        finally:
            self._connections -= 1

    async def _serve_peer(self, peer: Peer) -> None:
        try:
            if self._is_stopping:  # it came in while the others were sent away
                await self._send_away(peer, RETURN_WITHIN)
            async for data in peer.connection:
                if not await self._switchboard.take(peer, data):
                    break
        except BadFrame as wrong:
            self._parts.metrics.violations.inc()
            log.warning("the session of %s %s was cut: %s", peer.role, peer.uid, wrong)
            await peer.connection.close(CloseCode.PROTOCOL_ERROR, str(wrong)[:100])
        except ConnectionClosed as closed:
            log.debug("the session of %s %s broke: %s", peer.role, peer.uid, closed)
        except ClawError as damaged:
            log.error("%s", damaged.message)
            await peer.connection.close(CloseCode.INTERNAL_ERROR)
        finally:
            self._switchboard.disconnect(peer)

    async def _sweep(self) -> None:
        """Cut who is silent or does not read; save who was seen."""
        saved = self._parts.clock.steady()
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            now = self._parts.clock.steady()
            for peer in self._switchboard.peers:
                if now - peer.last_heard > OFFLINE_AFTER:
                    peer.abort()
                elif peer.is_stuck():
                    peer.cut_slow()
            if now - saved >= SAVE_EVERY:
                saved = now
                await self._save()

    async def _save(self) -> None:
        try:
            await self._parts.identities.save_sightings()
        except Damaged as damaged:
            log.error("when nodes were last seen is not saved: %s", damaged.message)

    async def _drain(self, server: Server) -> None:
        """Let nobody in, send everybody away with a time to come back, cut who does not go."""
        server.close(close_connections=False)
        farewells = [self._send_away(peer, RETURN_WITHIN) for peer in self._switchboard.peers]
        try:
            async with asyncio.timeout(DRAIN_TIMEOUT):
                await asyncio.gather(*farewells)
                await server.wait_closed()
        except TimeoutError:
            for connection in server.connections:
                connection.transport.abort()
            await server.wait_closed()

    async def _send_away(self, peer: Peer, within: float) -> None:
        frame = Frame(FrameType.DRAIN, {"retry": random.uniform(0, within)})
        await peer.end(frame, CloseCode.SERVICE_RESTART)

    def _claimed(self) -> None:
        """Nodes welcomed before the claim were shown no root; they come back for it."""
        self._announce()
        nodes = list(self._switchboard.nodes.values())
        self._parts.presence.await_return(nodes)
        within = min(CLAIM_RETURN_WITHIN, len(nodes) * RETURN_SPACING)
        for peer in nodes:
            self._parts.background.start(self._send_away(peer, within))

    def _secrets(self) -> Secrets:
        known = self._parts.identities
        return Secrets(self._settings.token, "" if known.root else self._claim_code, known.tokens.verifier)

    def _announce(self) -> None:
        announce(
            self._home,
            Announcement(url=self._url(), claim=self._secrets().claim, key=self._key.public_hex),
        )

    def _url(self) -> str:
        """How this relay is dialled from its own machine."""
        host, _ = listen_address(self._settings.address)
        local = host if host not in ("", "0.0.0.0", "::") else "127.0.0.1"
        return Endpoint(local, self._port, self._settings.insecure).url.rstrip("/")

    def _full(self) -> Refusal:
        return Refusal(
            code="full",
            message=f"this relay takes {self._settings.max_connections} connections, and has them",
            hint="start it with a higher --max",
        )

    def _watch(self) -> None:
        roles = {
            Role.NODE.value: lambda: float(len(self._switchboard.nodes)),
            Role.CONTROLLER.value: lambda: float(len(self._switchboard.controllers)),
        }
        known = self._parts.identities
        self._parts.metrics.watch(
            roles,
            nodes=lambda: float(len(known.nodes)),
            claimed=lambda: float(bool(known.root)),
            connections=lambda: float(self._connections),
        )


def _listen_error(address: str, failed: OSError | UnicodeError) -> ClawError:
    reason = failed.errno if isinstance(failed, OSError) else 0
    if reason == errno.EADDRINUSE:
        return Busy(
            f"cannot listen on {address}: the port is in use",
            hint="end the process that has it (ss -ltnp shows it), or choose another with --addr",
        )
    if reason == errno.EACCES:
        return BadParams(
            f"cannot listen on {address}: this user may not use that port",
            hint="choose a port from 1024 up with --addr",
        )
    return BadParams(
        f"cannot listen on {address}: {getattr(failed, 'strerror', None) or failed}",
        hint="--addr takes an address of this very machine, as :9443 or 127.0.0.1:9443",
    )
