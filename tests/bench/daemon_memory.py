"""What a daemon with nothing to do holds in memory."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.bench import place
from tests.bench.measure import Bar, Judged, Line

SETTLING = 1.0
"""Seconds for what the hand-shake and the first facts left to be freed."""


async def measure(quick: bool) -> list[Line]:
    """One line; a daemon is one process, so each start is a round."""
    held = [await _idle() for _ in range(1 if quick else 3)]
    return [Line("daemon, idle", "MB", held, bar=Bar(Judged.ITSELF, at_most=55))]


async def _idle() -> float:
    """MB that a connected daemon has resident."""
    with place.temporary() as folder:
        async with place.relay(folder) as relay:
            home, log = folder / "node", folder / "node.txt"
            home.mkdir(mode=0o700)
            words = ["--relay", relay.url, "--node-id", "web-1", "--token-file", str(folder / "token")]
            async with place.child(place.product("agent-daemon", *words), home, log) as daemon:
                await _connected(log, daemon)
                await asyncio.sleep(SETTLING)
                return daemon.memory / 1024


async def _connected(log: Path, daemon: place.Child) -> None:
    async with asyncio.timeout(place.PATIENCE):
        while "connected to" not in log.read_text():
            if daemon.process.returncode is not None:
                raise RuntimeError(f"the daemon did not start: {log.read_text()[-300:]}")
            await asyncio.sleep(0.02)
