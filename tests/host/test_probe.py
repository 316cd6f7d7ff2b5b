"""The way to an address, step by step, on real sockets of this machine."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from devopsclaw.host import probe
from devopsclaw.model.errors import Unreachable

HOST = "127.0.0.1"


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[int]:
    """A server that says this to whoever asks; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_name_has_its_addresses() -> None:
    assert HOST in await probe.resolve("localhost", 80)


@pytest.mark.parametrize("name", ["no-such-name.invalid", "a" * 70])
async def test_a_name_that_is_none_is_named(name: str) -> None:
    with pytest.raises(Unreachable, match=name):
        await probe.resolve(name, 80)


async def test_a_port_where_nothing_listens_is_named() -> None:
    async with answering(b"") as port:
        assert await probe.connect(HOST, port) == ""

    with pytest.raises(Unreachable, match=f"{HOST}:{port}: nothing listens there"):
        await probe.connect(HOST, port)


async def test_what_speaks_no_tls_is_told_as_that() -> None:
    context = ssl.create_default_context()
    async with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        with pytest.raises(Unreachable, match="does not speak TLS"):
            await probe.connect(HOST, port, context)


async def test_an_answer_tells_its_clock() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nok") as port:
        assert (await probe.clock_of(HOST, port, None)).timestamp() == 784_111_777


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "plain requests"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "no date"),
        (b"HTTP/1.1 200 OK\r\nDate: soon\r\n\r\n", "no date that can be read"),
    ],
)
async def test_an_answer_without_a_clock_is_told(answer: bytes, why: str) -> None:
    async with answering(answer) as port:
        with pytest.raises(Unreachable, match=why):
            await probe.clock_of(HOST, port, None)


async def test_who_stays_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PATIENCE", 0.05)
    async with silent() as port:
        with pytest.raises(Unreachable):
            await probe.clock_of(HOST, port, None)


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """A server that never answers; its port."""
    over = asyncio.Event()
    left: list[Callable[[], None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left.append(writer.close)
        await over.wait()

    server = await asyncio.start_server(serve, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        over.set()
        for close in left:
            close()
