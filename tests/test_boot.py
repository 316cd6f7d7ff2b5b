"""A core from its opening to its end: what it holds, what it says, and what ends it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests.assembly.small_town import PATIENCE, Town, drop, small_town, start_run

from devopsclaw import boot
from devopsclaw.core.door import LocalDoor
from devopsclaw.core.outputs import Outputs
from devopsclaw.core.paths import Home
from devopsclaw.core.runs import RunLog
from devopsclaw.daemon.journal import Journal
from devopsclaw.model.errors import BadConfig, Busy, NotFound
from devopsclaw.model.events import Warned
from devopsclaw.model.interest import Interest


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


async def warnings(door: LocalDoor) -> list[Warned]:
    """What whoever listens is told first."""
    with door.events(Interest.of(Warned)) as events:
        return list(events.drain())


async def test_a_core_on_a_new_home_makes_it_and_answers(home: Home) -> None:
    async with boot.open(home, face="cli", environment={}) as core:
        version = await core.door.run("version.show", {})

    assert version.version
    assert home.root.stat().st_mode & 0o777 == 0o700
    assert (home.state / "core.db").exists() and (home.audit / "audit.db").exists()


async def test_opening_a_core_reaches_for_no_node(home: Home) -> None:
    async with boot.open(home, face="cli", environment={}) as core:
        await core.door.run("version.show", {})
        await core.door.run("jobs.list", {})

    assert not (home.state / "local.db").exists()


async def test_a_core_that_waits_for_its_links_knows_who_is_there(home: Home) -> None:
    async with boot.open(home, face="demo", environment={}, links=boot.LinksAre.AWAITED):
        assert (home.state / "local.db").exists()


async def test_two_cores_of_one_home_are_refused_and_the_first_is_named(home: Home) -> None:
    async with boot.open(home, face="console", environment={}):
        with pytest.raises(Busy, match=r"another devopsclaw core .*\(console\)"):
            async with boot.open(home, face="console", environment={}):
                pass


async def test_settings_come_from_flags_before_the_file(home: Home) -> None:
    home.make()
    home.config.write_text(json.dumps({"log": {"level": "error"}}))

    async with boot.open(home, face="cli", flags={"log.level": "debug"}, environment={}) as core:
        shown = await core.door.run("config.show", {"origin": True})

    assert "debug" in json.dumps(shown.as_json())


async def test_a_bad_configuration_opens_nothing(home: Home) -> None:
    home.make()
    home.config.write_text('{"relai": {}}')

    with pytest.raises(BadConfig):
        async with boot.open(home, face="cli", environment={}):
            pass
    assert not (home.state / "core.db").exists()


async def test_operations_of_nodes_do_not_exist_here(home: Home) -> None:
    async with boot.open(home, face="cli", environment={}) as core:
        with pytest.raises(NotFound):
            await core.door.run("host.exec", {"command": "id"})


async def test_a_damaged_database_is_kept_aside_and_said_so(home: Home) -> None:
    async with boot.open(home, face="cli", environment={}) as core:
        await core.door.run("node.register", {"name": "web-1"})
    (home.state / "core.db").write_bytes(b"no database at all" * 1000)

    async with boot.open(home, face="cli", environment={}) as core:
        told = await warnings(core.door)
        listed = await core.door.run("node.list", {})

    assert any("was damaged; it was kept as" in each.text for each in told)
    assert [item.name for item in listed.items] == ["local"]
    assert len(list(home.state.glob("core.db*"))) > 1


async def test_an_audit_trail_that_was_changed_opens_and_its_check_fails(home: Home) -> None:
    async with boot.open(home, face="cli", environment={}) as core:
        await core.door.run("node.register", {"name": "web-1"})
    file = home.audit / "audit.db"
    content = bytearray(file.read_bytes())
    place = content.index(b"web-1")
    content[place : place + 5] = b"web-2"
    file.write_bytes(content)

    async with boot.open(home, face="cli", environment={}) as core:
        verified = await core.door.run("audit.verify", {})

    assert verified.exit == 1


async def test_a_dispatch_that_dies_ends_the_core_loudly(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async def break_down(*given: object) -> int:
        raise ZeroDivisionError("the store is broken")

    monkeypatch.setattr(Outputs, "append", break_down)
    with pytest.raises(ZeroDivisionError, match="the store is broken"):
        async with asyncio.timeout(PATIENCE), boot.open(home, face="cli", environment={}) as core:
            await core.door.run("fleet.exec", {"command": "echo out"})


async def test_a_run_that_cannot_be_followed_ends_the_core_loudly(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_down(*given: object) -> None:
        raise ZeroDivisionError("the log is broken")

    monkeypatch.setattr(RunLog, "finish", break_down)
    with pytest.raises(ZeroDivisionError, match="the log is broken"):
        async with asyncio.timeout(PATIENCE), boot.open(home, face="cli", environment={}) as core:
            await core.door.run("fleet.exec", {"command": "echo out"})


async def test_a_daemon_that_dies_ends_the_core_loudly(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async def break_down(*given: object) -> None:
        raise ZeroDivisionError("the journal is broken")

    monkeypatch.setattr(Journal, "record", break_down)
    with pytest.raises(ZeroDivisionError, match="the journal is broken"):
        async with asyncio.timeout(PATIENCE), boot.open(home, face="cli", environment={}) as core:
            await core.door.run("fleet.exec", {"command": "echo out"})


async def test_leaving_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with small_town(tmp_path) as town:
        for _ in range(3):
            run = await _leave(town, f"until [ -e {marker} ]; do sleep 0.02; done; echo whole")
        marker.touch()
        async with town.core(boot.LinksAre.WANTED) as door:
            ran = await door.run("jobs.watch", {"run": run})
            listed = await door.run("jobs.list", {})

    assert ran.items[0].stdout == "whole\n"
    assert len(listed.items) == 3


async def _leave(town: Town, command: str) -> str:
    """A run whose core went away."""
    async with town.core() as door:
        task, run = await start_run(door, command)
        await drop(task)
    return run


async def test_a_nodes_removal_reaches_the_relay_before_the_core_ends(tmp_path: Path) -> None:
    async with small_town(tmp_path, "web-1", "web-2") as town:
        await town.nodes["web-2"].kill()
        async with town.core() as door:
            removed = await door.run("node.remove", {"name": "web-2"})
        async with town.core() as door:
            listed = await door.run("node.list", {})

    assert removed.text() == "web-2 is removed; its name is free"
    assert [item.name for item in listed.items] == ["web-1"]


async def test_a_node_removed_while_the_relay_is_away_is_forgotten_when_it_is_back(tmp_path: Path) -> None:
    async with small_town(tmp_path, "web-1") as town:
        await town.nodes["web-1"].kill()
        await town.relay.kill()
        async with town.core() as door:
            removed = await door.run("node.remove", {"name": "web-1"})
        await town.relay.start()
        async with town.core() as door:
            listed = await door.run("node.list", {})
        async with town.core() as door:
            again = await door.run("node.list", {})

    assert removed.text().endswith("the relay is told as soon as it is reached")
    assert [item.name for item in listed.items] == [item.name for item in again.items] == []
