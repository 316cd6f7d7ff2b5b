"""The client's open session: pings, farewells, and a relay that breaks the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets

from devopsclaw.core.clock import ManualClock
from devopsclaw.relay.link import RelayLink, plain
from devopsclaw.wire.channel import Closed
from devopsclaw.wire.enroll import Welcome
from devopsclaw.wire.frames import BadFrame, Frame, FrameType, decode, encode
from devopsclaw.wire.table import Seat

WELCOME = Welcome(epoch=1, uid="n_a", server_time=1.0)


@asynccontextmanager
async def joined(
    *said: bytes | str, seat: Seat = Seat.NODE, ping: float = 15.0
) -> AsyncIterator[tuple[RelayLink, asyncio.Queue[Any]]]:
    """A link to a bare server that says these words and keeps what it hears."""
    heard: asyncio.Queue[Any] = asyncio.Queue()

    async def speak(connection: ServerConnection) -> None:
        for each in said:
            await connection.send(each)
        async for data in connection:
            heard.put_nowait(data)

    async with serve_websockets(speak, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        connection = await connect(f"ws://127.0.0.1:{port}", proxy=None)
        link = RelayLink(connection, WELCOME.model_copy(update={"ping": ping}), seat, ManualClock(5.0))
        try:
            yield link, heard
        finally:
            await link.close()


async def test_pings_go_out_with_the_time_and_pongs_are_not_handed_on() -> None:
    offer = Frame(FrameType.OFFER, {"node": "n_a"})
    async with joined(encode(Frame(FrameType.PONG, {"at": 1.0})), encode(offer), ping=0.01) as (link, heard):
        async with asyncio.timeout(10):
            assert await link.receive() == offer
            assert decode(await heard.get()) == Frame(FrameType.PING, {"at": 5.0})


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"garbage", "broke the protocol"),
        ("text", "broke the protocol"),
        (encode(Frame(FrameType.DONE)), "DONE is not let in here"),
        (encode(Frame(FrameType.HELLO)), "HELLO is not let in here"),
        (encode(Frame(FrameType.GOODBYE, {"reason": "gone\x1b"})), r"^gone\?$"),
        (encode(Frame(FrameType.GOODBYE)), "the relay said goodbye"),
    ],
)
async def test_what_a_node_must_not_hear_ends_the_session(said: bytes | str, why: str) -> None:
    async with joined(said) as (link, _):
        with pytest.raises(Closed, match=why):
            await link.receive()


@pytest.mark.parametrize(("retry", "taken"), [(3.5, 3.5), (-1, 0.0), (9999, 60.0), ("soon", 0.0)])
async def test_a_drain_says_when_to_come_back_within_reason(retry: Any, taken: float) -> None:
    async with joined(encode(Frame(FrameType.DRAIN, {"retry": retry}))) as (link, _):
        with pytest.raises(Closed) as closed:
            await link.receive()

    assert closed.value.retry == taken


async def test_after_the_end_sending_and_receiving_say_so() -> None:
    async with joined() as (link, _):
        await link.close()
        await link.close()

        with pytest.raises(Closed):
            await link.send(Frame(FrameType.PING, {"at": 1.0}))
        with pytest.raises(Closed):
            await link.receive()


async def test_a_frame_that_no_relay_would_take_is_not_sent() -> None:
    async with joined() as (link, _):
        with pytest.raises(BadFrame):
            await link.send(Frame(FrameType.OUTPUT, {}, bytes(70_000)))


def test_words_of_a_peer_are_one_short_printable_line() -> None:
    assert plain("a\nb\x1b[0m" + "x" * 400).isprintable()
    assert len(plain("x" * 400)) == 300
