"""Every cell of the table over real sockets: a frame that is not let in closes the session, on both sides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.relay.test_link import joined
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets
from websockets.exceptions import ConnectionClosed

from devopsclaw.model.errors import ClawError
from devopsclaw.relay.dial import Dialer
from devopsclaw.relay.pins import Pins
from devopsclaw.wire.channel import Closed
from devopsclaw.wire.frames import Frame, FrameType, decode, encode
from devopsclaw.wire.session import ClientSession, Credentials, RelaySession, Secrets
from devopsclaw.wire.table import Role, Seat, Stage, is_allowed, relay_seat, seat_of

LIMIT = 30.0
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


def forbidden(seat: Seat, stage: Stage) -> list[FrameType]:
    """What this cell does not let in."""
    return [kind for kind in FrameType if not is_allowed(seat, stage, kind)]


# An open session


@pytest.mark.parametrize("role", list(Role))
async def test_an_open_client_ends_the_session_at_each_frame_it_must_not_hear(role: Role) -> None:
    for kind in forbidden(seat_of(role), Stage.OPEN):
        async with joined(encode(Frame(kind)), seat=seat_of(role)) as (link, _), asyncio.timeout(LIMIT):
            with pytest.raises(Closed, match=f"{kind.name} is not let in here"):
                await link.receive()


@pytest.mark.parametrize("role", list(Role))
async def test_a_relay_ends_the_session_at_each_frame_it_must_not_be_told(fleet: Any, role: Role) -> None:
    async with fleet.relay(insecure=True) as relay:
        make = fleet.node if role is Role.NODE else fleet.controller
        for kind in forbidden(relay_seat(role), Stage.OPEN):
            dialer = make(relay.url, insecure=True)
            async with fleet.connected(dialer) as link, asyncio.timeout(LIMIT):
                await link.send(Frame(kind, {"node": link.welcome.uid}))
                with pytest.raises(Closed, match=r"closed the session|broke"):
                    while True:
                        await link.receive()


# A handshake


@asynccontextmanager
async def stranger(url: str, stage: Stage) -> AsyncIterator[Any]:
    """A connection to a relay that has come so far."""
    async with connect(url, proxy=None) as connection:
        if stage is Stage.PROVING:
            session = ClientSession(Credentials(Role.NODE, "web-1", KEY), b"", b"n" * 32)
            await connection.send(encode(session.open()))
            assert decode(await connection.recv()).type is FrameType.CHALLENGE  # type: ignore[arg-type]
        yield connection


@pytest.mark.parametrize("stage", [Stage.GREETING, Stage.PROVING])
async def test_a_relay_closes_on_a_stranger_who_says_anything_else(fleet: Any, stage: Stage) -> None:
    async with fleet.relay(insecure=True) as relay:
        for kind in forbidden(Seat.RELAY_TO_STRANGER, stage):
            async with stranger(relay.url, stage) as connection, asyncio.timeout(LIMIT):
                await connection.send(encode(Frame(kind)))
                with pytest.raises(ConnectionClosed):
                    await connection.recv()


@asynccontextmanager
async def odd_relay(stage: Stage, kind: FrameType) -> AsyncIterator[str]:
    """The address of a relay that says this frame where the handshake is so far."""

    async def speak(connection: ServerConnection) -> None:
        hello = decode(await connection.recv())  # type: ignore[arg-type]
        if stage is Stage.PROVING:
            challenge = RelaySession(KEY, Secrets("token", ""), b"", b"r" * 32).receive(hello).frames[0]
            await connection.send(encode(challenge))
            await connection.recv()
        await connection.send(encode(Frame(kind)))
        await connection.wait_closed()

    async with serve_websockets(speak, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


@pytest.mark.parametrize("stage", [Stage.GREETING, Stage.PROVING])
@pytest.mark.parametrize("role", list(Role))
async def test_a_client_breaks_off_at_a_relay_that_says_anything_else(
    role: Role, stage: Stage, tmp_path: Path
) -> None:
    for kind in forbidden(seat_of(role), stage):
        async with odd_relay(stage, kind) as url, asyncio.timeout(LIMIT):
            dialer = Dialer(
                url=url,
                role=role,
                key=KEY,
                name="web-1",
                pins=Pins(tmp_path / "pins.json"),
                token="token",
                insecure=True,
            )
            with pytest.raises(ClawError, match=f"{kind.name} is not let in"):
                await dialer.connect()
