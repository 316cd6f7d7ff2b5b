"""The peer of a dispatch: a bare `websockets` server, and clients that check a signature and sign an answer.

Run as `python -m tests.bench.bare URL COUNT` it is the clients.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.bench import place
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

SIGNATURE = 64
BODY = b"x" * 500
"""As long as an envelope is."""
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = KEY.public_key().public_bytes_raw().hex()
AT_ONCE = 50


@dataclass
class BareServer:
    """All connections; a dispatch signs once and sends to the first so many."""

    connections: list[ServerConnection] = field(default_factory=list)
    url: str = ""

    async def dispatch(self, count: int) -> None:
        """Send to each, wait for each, check what each answers."""
        message = KEY.sign(BODY) + BODY
        async with asyncio.TaskGroup() as group:
            for connection in self.connections[:count]:
                group.create_task(_ask(connection, message))

    async def accept(self, connection: ServerConnection) -> None:
        """Keep it until it is closed."""
        self.connections.append(connection)
        await connection.wait_closed()


async def _ask(connection: ServerConnection, message: bytes) -> None:
    await connection.send(message)
    _open(await connection.recv())


@asynccontextmanager
async def serving(folder: Path, count: int) -> AsyncIterator[BareServer]:
    """A server with so many clients in a process beside, while the block lasts."""
    server = BareServer()
    async with serve(server.accept, "127.0.0.1", 0, compression=None, ping_interval=None) as listening:
        server.url = f"ws://127.0.0.1:{next(iter(listening.sockets)).getsockname()[1]}"
        argv = [place.PYTHON, "-m", "tests.bench.bare", server.url, str(count)]
        async with place.child(argv, None, folder / "bare.txt") as clients:
            await clients.heard("ready")
            yield server


def _open(signed: str | bytes) -> bytes:
    """The body, once its signature was checked."""
    raw = signed if isinstance(signed, bytes) else signed.encode()
    KEY.public_key().verify(raw[:SIGNATURE], raw[SIGNATURE:])
    return raw[SIGNATURE:]


async def main(url: str, count: int) -> None:
    """Be the clients until killed."""
    limit, left = asyncio.Semaphore(AT_ONCE), count

    async def one() -> None:
        nonlocal left
        async with limit:
            connection = await connect(url, compression=None, ping_interval=None)
        left -= 1
        if not left:
            print("ready", flush=True)
        async for message in connection:
            body = _open(message)
            await connection.send(KEY.sign(body) + body)

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(one())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
