"""The long-running roles, played in this process until they are told to end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.assembly.small_town import PATIENCE, TOKEN, Town, eventually, small_town

from devopsclaw.assembly.roles import configured, serve_daemon, serve_relay
from devopsclaw.core.paths import Home
from devopsclaw.model.errors import BadConfig, BadParams, Busy

RELAY = {"relay.listen_addr": "127.0.0.1:0", "relay.auth_token": TOKEN}


class Role:
    """A role that runs as a task here, until a signal ends it."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        self.task = task
        self._before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    async def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Tell this process to end, as soon as the role hears it."""
        await eventually(lambda: signal.getsignal(number) != self._before[number], "hearing of signals")
        os.kill(os.getpid(), number)
        async with asyncio.timeout(PATIENCE):
            await self.task


def playing(work: Coroutine[Any, Any, None]) -> Role:
    """The role, from now on."""
    return Role(asyncio.ensure_future(work))


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


async def url_of(home: Home) -> str:
    """Where the relay of this home listens."""
    notice = home.run / "relay.json"
    await eventually(notice.exists, "the relay")
    return str(json.loads(notice.read_text())["url"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_relay_serves_until_it_is_told_to_end(
    number: signal.Signals, town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    role = playing(serve_relay(town.home, flags=RELAY, environment={}))
    await url_of(town.home)
    await role.end(number)

    told = capsys.readouterr().err
    assert "relay: listening on 127.0.0.1:" in told
    assert "devopsclaw agent-daemon --relay wss://127.0.0.1:" in told
    assert "--claim" in told and "relay: told to end" in told
    assert TOKEN not in told
    assert not (town.home.run / "relay.json").exists()


async def test_a_second_relay_of_the_same_home_is_refused(town: Town) -> None:
    role = playing(serve_relay(town.home, flags=RELAY, environment={}))
    await url_of(town.home)

    with pytest.raises(Busy, match="another devopsclaw relay"):
        await serve_relay(town.home, flags=RELAY, environment={})
    await role.end()


async def test_a_daemon_joins_runs_commands_and_ends_when_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with small_town(tmp_path) as town:
        await town.relay.start()
        flags = {"node.relay": town.relay.url, "node.id": "web-1", "node.token": TOKEN}
        home = Home(tmp_path / "web-1")
        role = playing(serve_daemon(home, flags=flags, environment={}))
        async with town.core() as door:
            await town.all_online(door, "web-1")
            await eventually((home.keys / "trust.json").exists, "the claim")
            await town.all_online(door, "web-1")
            ran = await door.run("fleet.exec", {"command": "echo here"})
            shown = await door.run("node.show", {"name": "web-1"})
        await role.end()

    told = capsys.readouterr().err
    assert (ran.items[0].node, ran.items[0].stdout) == ("web-1", "here\n")
    assert shown.as_json()["facts"]
    assert f"web-1: connected to {town.relay.url}" in told
    assert "web-1: unclaimed; it runs nothing until a controller claims the relay" in told
    assert "web-1: told to end; commands that run go on and are taken up at the next start" in told
    assert TOKEN not in told


@pytest.mark.parametrize(
    ("flag", "variable", "setting", "name"),
    [
        ("by-flag", "by-variable", "by-file", "by-flag"),
        ("", "by-variable", "by-file", "by-variable"),
        ("", "", "by-file", "by-file"),
        ("", "", "", "ops-7"),
    ],
)
async def test_a_node_without_a_name_takes_that_of_the_host(
    flag: str, variable: str, setting: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "ops-7.example.com")
    async with small_town(tmp_path) as town:
        await town.relay.start()
        home = Home(tmp_path / "server").make()
        home.config.write_text(json.dumps({"node": {"id": setting}}))
        given = {"node.relay": town.relay.url, "node.token": TOKEN}
        flags = {**given, "node.id": flag} if flag else given
        role = playing(serve_daemon(home, flags=flags, environment={"DEVOPSCLAW_NODE_ID": variable}))
        async with town.core() as door:
            await town.all_online(door, name)
            assert await town.online(door) == {name}
        await role.end()


async def test_a_daemon_without_a_relay_says_what_to_do(town: Town) -> None:
    with pytest.raises(BadParams, match="no relay to connect to") as refused:
        await serve_daemon(town.home, flags={}, environment={})

    assert refused.value.hint.startswith("devopsclaw agent-daemon --relay")


async def test_a_token_file_that_is_not_there_ends_the_start(town: Town) -> None:
    flags = {"node.relay": "wss://127.0.0.1:1", "node.token_file": "/nowhere/token"}

    with pytest.raises(BadConfig, match="/nowhere/token"):
        await serve_daemon(town.home, flags=flags, environment={})


async def test_two_daemons_of_one_home_are_refused(tmp_path: Path) -> None:
    async with small_town(tmp_path, "web-1") as town:
        flags = {"node.relay": town.relay.url, "node.id": "web-2", "node.token": TOKEN}
        home = Home(tmp_path / "web-2")
        role = playing(serve_daemon(home, flags=flags, environment={}))
        await eventually((home.state / "node.db").exists, "the first daemon")

        with pytest.raises(Busy, match="another devopsclaw daemon"):
            await serve_daemon(home, flags=flags, environment={})
        await role.end()


async def test_a_damaged_journal_is_kept_aside_and_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with small_town(tmp_path, "web-1") as town:
        home = Home(tmp_path / "web-2").make()
        (home.state / "node.db").write_bytes(b"no database at all" * 1000)
        flags = {"node.relay": town.relay.url, "node.id": "web-2", "node.token": TOKEN}
        role = playing(serve_daemon(home, flags=flags, environment={}))
        async with town.core() as door:
            await town.all_online(door, "web-2")
        await role.end()

    told = capsys.readouterr().err
    assert "warning: the damaged journal was kept as" in told
    assert "commands issued before now are refused" in told


async def test_a_relay_of_another_controller_is_not_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with small_town(tmp_path, "web-1") as town:
        node = town.nodes["web-1"]
        await node.kill()
        (node.home.keys / "trust.json").write_text(json.dumps({"root": "ab" * 32}))
        await node.start()
        async with asyncio.timeout(PATIENCE):
            told = ""
            while "belongs to another controller" not in told:
                await asyncio.sleep(0.01)
                told += capsys.readouterr().err

    assert "--reset-trust" in told


def test_warnings_of_the_configuration_are_said_at_the_start(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town.configure(relay={"auth_token": "hunter2"})
    town.home.config.chmod(0o644)

    configured(town.home, {}, {})

    told = capsys.readouterr().err
    assert told.startswith("warning: ") and "hunter2" not in told


@pytest.mark.parametrize(
    ("setting", "value", "typed"),
    [("node.relay", "http://relay", "--relay"), ("relay.listen_addr", ":port", "--addr")],
)
def test_a_bad_flag_is_named_as_it_was_typed(tmp_path: Path, setting: str, value: str, typed: str) -> None:
    with pytest.raises(BadConfig, match=f"flag {typed}:"):
        configured(Home(tmp_path), {setting: value}, {})
