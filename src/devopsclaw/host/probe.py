"""The way to an address, step by step: name, connection, TLS, and what clock is at its end.

Proves nobody's identity: whoever dials a relay for good does that (`relay.dial`).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import datetime
from email.utils import parsedate_to_datetime

from devopsclaw.model.errors import Unreachable

PATIENCE = 5.0
"""Seconds for one step; a person is waiting."""

ANSWER = 8192
"""Bytes of an answer that are looked at."""


async def resolve(host: str, port: int) -> list[str]:
    """The addresses behind a name, in the order they would be tried. Raises Unreachable."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(PATIENCE):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError as silent:
        raise Unreachable(f"no answer to the name {host} within {PATIENCE:.0f} s") from silent
    except (OSError, UnicodeError) as unknown:
        raise Unreachable(f"the name {host} cannot be resolved") from unknown
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def connect(host: str, port: int, context: ssl.SSLContext | None = None) -> str:
    """Open and close a connection; the version of its TLS, empty without `context`. Raises Unreachable."""
    _, writer = await _opened(host, port, context)
    try:
        tls = writer.get_extra_info("ssl_object")
        return str(tls.version()) if tls else ""
    finally:
        writer.transport.abort()


async def clock_of(host: str, port: int, context: ssl.SSLContext | None) -> datetime:
    """The time in the answer to a plain request (RFC 9110 §6.6.1), to the second. Raises Unreachable."""
    reader, writer = await _opened(host, port, context)
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
    except (OSError, EOFError, asyncio.LimitOverrunError) as odd:
        raise Unreachable("it does not answer plain requests") from odd
    finally:
        writer.transport.abort()
    for line in head[:ANSWER].decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "date":
            return _moment(value.strip())
    raise Unreachable("its answer has no date")


def _moment(text: str) -> datetime:
    try:
        return parsedate_to_datetime(text)
    except ValueError as odd:
        raise Unreachable("its answer has no date that can be read") from odd


async def _opened(
    host: str, port: int, context: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.open_connection(host, port, ssl=context)
    except TimeoutError as silent:
        raise Unreachable(f"{host}:{port} does not answer within {PATIENCE:.0f} s") from silent
    except ssl.SSLError as plain:
        raise Unreachable(f"{host}:{port} does not speak TLS 1.3") from plain
    except OSError as refused:
        why = "nothing listens there" if isinstance(refused, ConnectionRefusedError) else refused.strerror
        raise Unreachable(f"{host}:{port}: {why or refused}") from refused
