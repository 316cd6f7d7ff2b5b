"""A node is put together from its parts, and several may share a journal."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from tests.daemon.daemon_place import CONTROLLER, PATIENCE, House, key_of

from devopsclaw.assembly.node import NodeParts, open_node
from devopsclaw.core.background import background
from devopsclaw.core.clock import SystemClock
from devopsclaw.daemon.journal import Journal, open_journal
from devopsclaw.daemon.trust import Pinned
from devopsclaw.wire.frames import FrameType
from devopsclaw.wire.uid import uid_of


async def test_what_a_node_starts_runs_under_its_gate_and_shows_in_its_folder(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with house.daemon() as life, life.session() as session:
        await session.offer(house.command("echo $DEVOPSCLAW_EXECUTION"))
        done = await session.done()
        await session.hears_all(done)
        assert [file for file in (tmp_path / "spill").iterdir() if file.name.startswith(done["command"])]

    assert session.output().decode().strip() == done["command"]


async def test_commands_outlive_the_node_that_started_them(tmp_path: Path) -> None:
    house, marker = House(tmp_path), tmp_path / "marker"
    async with house.daemon() as life, life.session() as session:
        await session.offer(house.command(f"until [ -e {marker} ]; do sleep 0.02; done; touch {marker}.done"))
        await session.hears(FrameType.STARTED)
    marker.touch()

    async with asyncio.timeout(PATIENCE):
        while not Path(f"{marker}.done").exists():
            await asyncio.sleep(0.01)


async def test_nodes_of_one_process_share_a_journal_and_nothing_else(tmp_path: Path) -> None:
    keys = [key_of("one"), key_of("two")]
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(await open_journal(tmp_path / "crowd.db"))
        tasks = await stack.enter_async_context(background())
        for number, key in enumerate(keys):
            folder = tmp_path / f"spill-{number}"
            parts = NodeParts(key, Pinned(CONTROLLER.public_hex), journal, folder, SystemClock())
            daemon = await stack.enter_async_context(open_node(parts))
            tasks.start(daemon.run())
        since = [await Journal(journal, uid_of(key.public)).incarnation(0.0) for key in keys]

    assert all(moment > 0 for moment in since) and since[0] != since[1]


async def test_a_node_keeps_the_moment_its_journal_began(tmp_path: Path) -> None:
    house = House(tmp_path)
    found = []
    for _ in range(2):
        async with house.daemon() as life:
            found.append(await life.journal.incarnation(0.0))

    assert found[0] == found[1] > 0
