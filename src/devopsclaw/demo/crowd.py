"""Many daemons in one process, each with its own key and session, over one shared journal.

Run as `python -m devopsclaw.demo.crowd URL TOKEN_FILE NAME…`; for the demo and for the bench.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack

from devopsclaw.assembly.node import NodeParts, open_node
from devopsclaw.assembly.roles import keep_link, stopped
from devopsclaw.assembly.token import read_token
from devopsclaw.core.background import Background, background
from devopsclaw.core.clock import SystemClock
from devopsclaw.core.db import Database
from devopsclaw.core.keys import Keys
from devopsclaw.core.paths import Home, home
from devopsclaw.daemon.journal import open_journal
from devopsclaw.daemon.trust import Trust
from devopsclaw.relay.dial import Dialer
from devopsclaw.relay.pins import Pins
from devopsclaw.wire.table import Role


async def serve(where: Home, url: str, token: str, names: list[str]) -> None:
    """Be all these nodes until told to end."""
    where.make()
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(await open_journal(where.state / "node.db"))
        tasks = await stack.enter_async_context(background())
        for name in names:
            await _settle_in(stack, tasks, where, journal, (url, token, name))
        await stopped()


async def _settle_in(
    stack: AsyncExitStack, tasks: Background, where: Home, journal: Database, link: tuple[str, str, str]
) -> None:
    url, token, name = link
    clock = SystemClock()
    key = Keys(where.keys).load_or_create(name)
    trust = Trust(where.keys / f"{name}.trust.json")
    parts = NodeParts(key, trust, journal, where.output / name, clock)
    daemon = await stack.enter_async_context(open_node(parts))
    pins = Pins(where.keys / f"{name}.relays.json")
    dialer = Dialer(url=url, role=Role.NODE, key=key.private, name=name, pins=pins, token=token, clock=clock)
    tasks.start(daemon.run())
    tasks.start(keep_link(dialer, daemon, trust, clock))


def main(words: list[str]) -> None:
    """The program."""
    url, token_file, *names = words
    asyncio.run(serve(home(), url, read_token(token_file), names))


if __name__ == "__main__":
    main(sys.argv[1:])
