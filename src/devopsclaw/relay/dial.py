"""Dials a relay, as node or controller: TLS, the handshake, the pin. Each failure says what to look at."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from devopsclaw.core.clock import Clock, SystemClock
from devopsclaw.model.errors import BadParams, Busy, ClawError, Denied, Dismissed, Unreachable
from devopsclaw.relay.address import Endpoint, endpoint, is_loopback
from devopsclaw.relay.link import RelayLink, plain
from devopsclaw.relay.pins import Pins
from devopsclaw.relay.tls import client_context, shrink_buffers, spki_of
from devopsclaw.wire.enroll import NAME_PATTERN, NONCE_BYTES, Auth
from devopsclaw.wire.frames import MAX_FRAME, BadFrame, Frame, decode, encode
from devopsclaw.wire.jointoken import JoinToken
from devopsclaw.wire.session import ClientSession, Credentials, Refused, Welcomed
from devopsclaw.wire.table import Role, seat_of

OPEN_TIMEOUT = 10.0
"""Seconds for TCP, TLS and the WebSocket handshake."""
HANDSHAKE_TIMEOUT = 15.0
"""Seconds for ours: the relay may ask an old session of this key for five, and has ten for the rest."""
PING_EVERY, PING_TIMEOUT = 20.0, 30.0
"""Of the WebSocket itself. The answer may wait behind a slow controller, which the relay cuts after 20 s."""
CLOSE_TIMEOUT = 5.0
TRANSIENT = frozenset({"full", "busy", "unavailable"})
"""Codes of refusals that nothing is wrong with on this side."""
FINAL = frozenset(
    {
        "token_spent",
        "token_expired",
        "token_revoked",
        "token_name",
        "token_unknown",
        "other_root",
        "other_relay",
    }
)
"""Codes of refusals after which the same join token can never do; somebody in between cannot cause them."""

HINTS = {
    "relay_unproven": "compare the token here with the one the relay was started with; if they are the same, "
    "check that the address leads straight to the relay",
    "claim_unproven": "take the line that `devopsclaw relay start` prints; it has a code until the relay is "
    "claimed, once",
    "relay_changed": "if the relay was set up anew, remove {place} from {pins} and connect with the token",
    "relay_unknown": "give the fleet token (--token-file FILE), or the relay's claim code",
    "version": "bring both to the same release of devopsclaw",
    "other_root": "take a join token of the controller that has this relay now: devopsclaw node token create",
    "other_relay": "check the address: the token was made for another relay, or somebody is in between",
}


@dataclass(frozen=True, slots=True)
class Dialer:
    """Who dials which relay. `relay_key` (hex) is a key known from elsewhere, as `run/relay.json`.

    Raises BadParams for an address or name that cannot work.
    """

    url: str
    role: Role
    key: Ed25519PrivateKey = field(repr=False)
    name: str
    pins: Pins
    token: str = field(default="", repr=False)
    claim: str = field(default="", repr=False)
    insecure: bool = False
    version: str = ""
    relay_key: str = ""
    join: JoinToken | None = field(default=None, repr=False)
    clock: Clock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        endpoint(self.url, insecure=self.insecure)
        if not re.fullmatch(NAME_PATTERN, self.name):
            raise BadParams(
                f"{self.name!r} cannot be the name of a {self.role}",
                hint="up to 64 letters, digits, dots, dashes and underscores, a letter or digit at both ends",
            )

    async def connect(self) -> RelayLink:
        """An open session. Raises Unreachable or Busy where trying again may help, else Denied."""
        place = endpoint(self.url, insecure=self.insecure)
        connection = await _open(place)
        link: RelayLink | None = None
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT):
                welcomed = await self._shake_hands(connection, place)
            self._pin(place, welcomed.relay_key)
            link = RelayLink(connection, welcomed.welcome, seat_of(self.role), self.clock)
        except (TimeoutError, ConnectionClosed, BadFrame) as failed:
            raise _broken_off(place, failed) from failed
        finally:
            if link is None:
                connection.transport.abort()
        return link

    def _pin(self, place: Endpoint, relay_key: str) -> None:
        """A key that was known from elsewhere stays known from there."""
        if not self.relay_key and self.pins.get(place.place) != relay_key:
            self.pins.put(place.place, relay_key)

    async def _shake_hands(self, connection: ClientConnection, place: Endpoint) -> Welcomed:
        session = ClientSession(
            self._credentials(connection, place),
            self._spki(connection, place),
            secrets.token_bytes(NONCE_BYTES),
        )
        await _say(connection, session.open())
        while True:
            data = await connection.recv()
            step = session.receive(decode(data if isinstance(data, bytes) else b""))
            if isinstance(step.verdict, Refused):
                raise self._refused(step.verdict, place)
            if isinstance(step.verdict, Welcomed):
                return step.verdict
            for frame in step.frames:
                await _say(connection, frame)

    def _credentials(self, connection: ClientConnection, place: Endpoint) -> Credentials:
        """A claim code goes before the tokens: only it makes a controller."""
        secret, auth = self._secret()
        peer = connection.remote_address
        is_local = bool(peer) and is_loopback(str(peer[0]))
        return Credentials(
            role=self.role,
            name=self.name,
            key=self.key,
            secret=secret,
            auth=auth,
            pin=self.relay_key or self.pins.get(place.place) or (self.join.relay_key if self.join else ""),
            trusts_first=is_local and self.role is Role.CONTROLLER,
            version=self.version,
            join=self.join,
        )

    def _secret(self) -> tuple[str, Auth]:
        if self.claim:
            return self.claim, Auth.CLAIM
        if self.join is not None:
            return self.join.verifier, Auth.JOIN
        return self.token, Auth.TOKEN if self.token else Auth.KEY

    def _spki(self, connection: ClientConnection, place: Endpoint) -> bytes:
        """What goes into the transcript. Raises Dismissed, before a word is said, for another relay than the
        one that a join token names; one that was met before may have a new certificate. Raises BadFrame.
        """
        shown = _spki(connection)
        if self.join is not None and not self.pins.get(place.place) and shown != self.join.spki:
            raise Dismissed(f"{place.place} is not the relay of this join token", hint=HINTS["other_relay"])
        return shown

    def _refused(self, refused: Refused, place: Endpoint) -> ClawError:
        refusal = refused.refusal
        code = self._code(refusal.code, place)
        hint = HINTS.get(code, "").format(place=place.place, pins=self.pins.path)
        is_final = code in FINAL and self.join is not None and (refused.is_proven or not refused.by_peer)
        kind: type[ClawError] = Dismissed if is_final else Denied
        if not refused.by_peer:
            return kind(f"{place.place}: {refusal.message}", hint=hint)
        kind = Busy if refusal.code in TRANSIENT else kind
        return kind(f"{place.place} refused: {plain(refusal.message)}", hint=plain(refusal.hint) or hint)

    def _code(self, code: str, place: Endpoint) -> str:
        """The code of a refusal, more exact where it is known what this side brought."""
        if code == "relay_unproven" and self.claim:
            return "claim_unproven"
        if code == "relay_changed" and self.join is not None and not self.pins.get(place.place):
            return "other_relay"
        return code


async def _say(connection: ClientConnection, frame: Frame) -> None:
    """A relay that closed may have said why before: that is read next, and only its absence is an error."""
    with suppress(ConnectionClosed):
        await connection.send(encode(frame))


async def _open(place: Endpoint) -> ClientConnection:
    """The WebSocket, with nothing proven yet. Raises Unreachable."""
    if not place.is_plain:
        shrink_buffers()
    try:
        return await connect(
            place.url,
            ssl=None if place.is_plain else client_context(),
            proxy=None,
            compression=None,
            user_agent_header=None,
            open_timeout=OPEN_TIMEOUT,
            ping_interval=PING_EVERY,
            ping_timeout=PING_TIMEOUT,
            close_timeout=CLOSE_TIMEOUT,
            max_size=MAX_FRAME,
        )
    except (OSError, UnicodeError, InvalidHandshake, EOFError) as failed:
        raise _unreachable(place, failed) from failed


def _unreachable(place: Endpoint, failed: Exception) -> Unreachable:
    where = place.place
    match failed:
        case socket.gaierror() | UnicodeError():  # the latter: no name that DNS could hold
            return Unreachable(
                f"the name {place.host} cannot be resolved", hint="check its spelling, and DNS"
            )
        case TimeoutError():
            return Unreachable(
                f"{where} does not answer within {OPEN_TIMEOUT:.0f} s",
                hint="check the address, and that no firewall is in between",
            )
        case ConnectionRefusedError():
            return Unreachable(
                f"nothing listens at {where}",
                hint="check the address, and that the relay runs there: devopsclaw relay start",
            )
        case ssl.SSLError() | ConnectionResetError() if not place.is_plain:
            return Unreachable(
                f"what answers at {where} does not speak TLS 1.3 as a relay does",
                hint="was it started with --insecure? Restart it without, or give --insecure here too",
            )
    if place.is_plain:
        return Unreachable(
            f"what answers at {where} does not speak plain WebSocket: a relay speaks TLS",
            hint="leave --insecure out, or start the relay with it too",
        )
    if isinstance(failed, InvalidHandshake):
        return Unreachable(
            f"what answers at {where} is no devopsclaw relay, or it is stopping", hint="check the address"
        )
    return Unreachable(
        f"{where} cannot be reached: {plain(failed)}", hint="check the address and the network"
    )


def _broken_off(place: Endpoint, failed: Exception) -> Unreachable:
    why = plain(failed) if isinstance(failed, BadFrame) else "it did not finish the handshake"
    return Unreachable(f"{place.place} broke off: {why}", hint="look at the log of the relay, and try again")


def _spki(connection: ClientConnection) -> bytes:
    """What goes into the transcript: the pin of the certificate that this side was shown. Raises BadFrame."""
    tls = connection.transport.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) if tls is not None else None
    try:
        return spki_of(certificate) if certificate else b""
    except (ValueError, UnsupportedAlgorithm) as odd:
        raise BadFrame("its certificate cannot be read") from odd
