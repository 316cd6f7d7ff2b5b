"""The first command after nodes joined an unclaimed relay: the claim sends them away once, unseen."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from urllib.request import urlopen

from tests.assembly.small_town import Node, Town, small_town

from devopsclaw.core.paths import Home


async def test_a_command_right_after_the_claim_finds_every_node(tmp_path: Path) -> None:
    async with small_town(tmp_path) as town:
        await join(town, "web-1", "web-2", "web-3")

        async with town.core() as door:
            ran = await door.run("fleet.exec", {"command": "echo here", "target": "web-*"})

    assert ran.counts == {"ok": 3}


async def join(town: Town, *names: str) -> None:
    """Nodes that joined, and a relay that nobody has claimed."""
    await town.relay.start()
    for name in names:
        town.nodes[name] = Node(name, Home(town.folder / name), town.relay)
        await town.nodes[name].start()
    async with asyncio.timeout(30):
        while f'sessions{{role="node"}} {len(names)}.0' not in await asyncio.to_thread(
            metrics, town.relay.url
        ):
            await asyncio.sleep(0.02)


def metrics(url: str) -> str:
    """What the relay counts; its certificate is its own, and nothing secret is asked for."""
    page = url.replace("wss://", "https://") + "/metrics"
    with urlopen(page, context=ssl._create_unverified_context()) as answer:
        return str(answer.read().decode())
