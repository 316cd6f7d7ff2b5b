"""Which way to the nodes a home takes: its relay, this very machine, or none with the reason."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.assembly.small_town import PATIENCE, drop, small_town, start_run

from devopsclaw.boot import LinksAre
from devopsclaw.core.door import LocalDoor
from devopsclaw.model.errors import BadConfig, Damaged, NotFound, Unreachable
from devopsclaw.model.events import RelayMoved
from devopsclaw.model.interest import Interest


async def names(door: LocalDoor) -> list[str]:
    """Of the nodes that are listed."""
    return [item.name for item in (await door.run("node.list", {})).items]


async def test_a_home_with_nothing_set_up_is_its_own_fleet(tmp_path: Path) -> None:
    async with small_town(tmp_path) as town, town.core() as door:
        assert await names(door) == ["local"]

        ran = await door.run("fleet.exec", {"command": "echo here"})
        assert (ran.items[0].node, ran.items[0].stdout) == ("local", "here\n")
        status = await door.run("fleet.status", {})
        assert (status.relay, status.connection) == ("none", "none")


async def test_with_a_relay_in_use_this_machine_is_no_node(tmp_path: Path) -> None:
    async with small_town(tmp_path) as town:
        async with town.core() as door:
            assert await names(door) == ["local"]

        await town.populate("web-1")

        async with town.core() as door:
            assert await names(door) == ["web-1"]
            with pytest.raises(NotFound):
                await door.run("node.show", {"name": "local"})


async def test_a_home_whose_relay_is_gone_does_not_take_itself_for_the_fleet(tmp_path: Path) -> None:
    async with small_town(tmp_path) as town:
        async with town.core() as door:
            assert await names(door) == ["local"]
        await town.populate("web-1")
        await town.relay.kill()

        async with town.core() as door:
            assert await names(door) == ["web-1"]
            with pytest.raises(Unreachable, match="the relay of this home does not run") as refused:
                await door.run("fleet.exec", {"command": "uptime"})
            status = await door.run("fleet.status", {})

    assert refused.value.hint == "devopsclaw relay start, or devopsclaw relay connect URL"
    assert (status.connection, status.away) == ("lost", ["web-1"])


async def test_a_relay_that_was_killed_is_dialled_and_its_silence_is_told(tmp_path: Path) -> None:
    async with small_town(tmp_path, "web-1") as town:
        notice = town.home.run / "relay.json"
        left = notice.read_bytes()
        await town.relay.kill()
        notice.write_bytes(left)

        async with town.core() as door:
            with pytest.raises(Unreachable, match="nothing listens at") as refused:
                await door.run("fleet.exec", {"command": "uptime"})

    assert "the relay runs there: devopsclaw relay start" in refused.value.hint


async def test_trouble_stays_while_the_relay_is_dialled_again(tmp_path: Path) -> None:
    async with small_town(tmp_path, "web-1") as town:
        async with town.core() as door:
            await names(door)
            with door.events(Interest.of(RelayMoved)) as moves:
                await town.relay.kill()
                async with asyncio.timeout(PATIENCE):
                    while (await moves.next()).status != "connecting":
                        pass
            with pytest.raises(Unreachable):
                await door.run("fleet.exec", {"command": "uptime"})


async def test_a_relay_that_comes_back_is_used_by_the_same_core(tmp_path: Path) -> None:
    async with small_town(tmp_path, "web-1") as town:
        async with town.core() as door:
            await town.all_online(door, "web-1")
            await town.relay.kill()
            await town.relay.start()
            await town.all_online(door, "web-1")

            assert (await door.run("fleet.exec", {"command": "echo again"})).items[0].stdout == "again\n"


async def test_a_run_left_on_this_machine_is_resumed_with_a_relay_in_use(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with small_town(tmp_path) as town:
        async with town.core() as door:
            task, run = await start_run(door, f"until [ -e {marker} ]; do sleep 0.05; done; echo whole")
            await drop(task)
        await town.populate("web-1")
        marker.touch()

        async with town.core() as door:
            ran = await door.run("jobs.watch", {"run": run})
            listed = await names(door)

    assert (ran.items[0].node, ran.items[0].stdout, ran.status) == ("local", "whole\n", "ok")
    assert listed == ["web-1"]


async def test_settings_that_cannot_work_are_told_by_whoever_needs_the_links(tmp_path: Path) -> None:
    async with small_town(tmp_path) as town:
        town.configure(relay={"url": "wss://127.0.0.1:1", "token_file": "/nowhere/token"})

        async with town.core() as door:
            with pytest.raises(BadConfig):
                await names(door)
            status = await door.run("status.show", {})

    assert "/nowhere/token" in str(status.fleet["why"])


async def test_status_opens_the_links_and_shows_the_relay(tmp_path: Path) -> None:
    async with small_town(tmp_path, "web-1") as town, town.core() as door:
        status = await door.run("status.show", {})

    assert (status.fleet["relay"], status.fleet["connection"]) == (town.relay.url, "connected")
    assert status.fleet["nodes"] == 1


async def test_a_journal_that_cannot_be_used_is_told_and_nothing_hangs(tmp_path: Path) -> None:
    async with small_town(tmp_path) as town:
        (town.home.state / "local.db").mkdir(parents=True)

        async with town.core() as door:
            with pytest.raises(Damaged):
                async with asyncio.timeout(PATIENCE):
                    await names(door)


async def test_a_core_that_is_there_to_stay_takes_up_what_was_left(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with small_town(tmp_path) as town:
        async with town.core() as door:
            task, run = await start_run(door, f"until [ -e {marker} ]; do sleep 0.05; done; echo whole")
            await drop(task)
        marker.touch()

        async with town.core(LinksAre.WANTED) as door:
            shown = await _shown_over(door, run)

    assert (shown.status, shown.items[0].stdout) == ("ok", "whole\n")


async def _shown_over(door: LocalDoor, run: str) -> Any:
    """The run as it is shown, once it is over; nobody watches it."""
    async with asyncio.timeout(PATIENCE):
        while not (shown := await door.run("jobs.show", {"run": run})).ended_at:
            await asyncio.sleep(0.01)
    return shown
