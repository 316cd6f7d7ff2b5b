"""A relay on loopback with real TLS, and clients to dial it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from devopsclaw.core.clock import SystemClock
from devopsclaw.core.paths import Home
from devopsclaw.relay.dial import Dialer
from devopsclaw.relay.link import RelayLink
from devopsclaw.relay.pins import Pins
from devopsclaw.relay.server import RunningRelay, serve
from devopsclaw.relay.settings import RelaySettings
from devopsclaw.relay.tls import client_context
from devopsclaw.wire.frames import FrameType
from devopsclaw.wire.table import Role

TOKEN = "a-fleet-token-of-good-length"


class Fleet:
    """One relay's home, and clients with keys made from their names; `pins` are per client."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = Home(folder / "relay-home")

    @asynccontextmanager
    async def relay(self, **settings: Any) -> AsyncIterator[RunningRelay]:
        """A running relay on a free port of loopback."""
        chosen = {"address": "127.0.0.1:0", "token": TOKEN, **settings}
        async with serve(RelaySettings(**chosen), self.home, SystemClock()) as running:
            yield running

    def key(self, seed: str) -> Ed25519PrivateKey:
        """The same key for the same word."""
        return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())

    def public(self, seed: str) -> str:
        """Its public half, hex."""
        return self.key(seed).public_key().public_bytes_raw().hex()

    def node(self, url: str, name: str = "web-1", *, seed: str = "", **given: Any) -> Dialer:
        """A node's dialer; its key comes from `seed`, else from its name."""
        return self._dialer(url, Role.NODE, name, seed or name, {"token": TOKEN, **given})

    def controller(self, url: str, seed: str = "laptop", **given: Any) -> Dialer:
        """A controller's dialer; from loopback it needs nothing."""
        return self._dialer(url, Role.CONTROLLER, "laptop", seed, given)

    def _dialer(self, url: str, role: Role, name: str, seed: str, given: dict[str, Any]) -> Dialer:
        pins = Pins(self.folder / f"pins-{seed}.json")
        return Dialer(url=url, role=role, key=self.key(seed), name=name, pins=pins, **given)

    def announcement(self) -> dict[str, Any]:
        """What `run/relay.json` holds."""
        found: dict[str, Any] = json.loads((self.home.run / "relay.json").read_text())
        return found

    @staticmethod
    async def page(port: int, path: str, *headers: str) -> tuple[int, str, str]:
        """Status, headers (lower case) and body of a plain HTTPS GET."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context())
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
        writer.write("\r\n".join(lines).encode())
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        return int(head.split()[1]), head.lower(), body

    @staticmethod
    def connected(dialer: Dialer) -> AbstractAsyncContextManager[RelayLink]:
        """An open session, closed when the block ends."""
        return _connected(dialer)


@asynccontextmanager
async def _connected(dialer: Dialer) -> AsyncIterator[RelayLink]:
    link = await dialer.connect()
    try:
        yield link
    finally:
        await link.close()


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A fresh fleet."""
    return Fleet(tmp_path)


@pytest.fixture
def presence() -> Callable[[RelayLink, Callable[[dict[str, Any]], bool]], Any]:
    """Waits until the nodes a controller was told of, by name, are as wanted; returns them."""

    async def wait(link: RelayLink, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        known: dict[str, Any] = {}
        while True:
            frame = await link.receive()
            if frame.type is not FrameType.PRESENCE:
                continue
            if frame.header.get("full"):
                known = {}
            known |= {row["name"]: row for row in frame.header["nodes"]}
            if not frame.header["more"] and wanted(known):
                return known

    return wait
