"""The node in the core's own process."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.daemon.daemon_place import CONTROLLER, NODE, PATIENCE, UID

from devopsclaw.assembly.local_node import join
from devopsclaw.core.background import background
from devopsclaw.core.clock import SystemClock
from devopsclaw.core.paths import Home
from devopsclaw.daemon.journal import Journal
from devopsclaw.daemon.policy_file import PolicyFile
from devopsclaw.model.errors import Damaged
from devopsclaw.model.events import Warned
from devopsclaw.wire.frames import Frame, FrameType


def nobody(warning: Warned) -> None:
    """There is nothing to be said."""
    raise AssertionError(warning.text)


async def test_it_answers_over_its_pipe(tmp_path: Path) -> None:
    home = Home(tmp_path).make()
    async with background() as tasks, asyncio.timeout(PATIENCE):
        channel = await join(home, NODE, CONTROLLER.public_hex, SystemClock(), tasks.start, nobody)
        assert (channel.welcome.uid, channel.welcome.epoch) == (UID, 1)

        await channel.send(Frame(FrameType.RECONCILE, {"node": UID, "serial": 9, "commands": []}))
        answer = await channel.receive()

    assert (answer.type, answer.header["serial"]) == (FrameType.STANDING, 9)
    assert (home.state / "local.db").exists()


async def test_what_keeps_it_from_starting_is_told_to_whoever_wanted_it(tmp_path: Path) -> None:
    home = Home(tmp_path).make()
    (home.state / "local.db").mkdir()

    async with background() as tasks, asyncio.timeout(PATIENCE):
        with pytest.raises(Damaged):
            await join(home, NODE, CONTROLLER.public_hex, SystemClock(), tasks.start, nobody)


async def test_what_ends_it_later_ends_its_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(journal: object) -> list[object]:
        raise Damaged("the journal cannot be read")

    monkeypatch.setattr(Journal, "rows", broken)
    with pytest.raises(Damaged, match="the journal cannot be read"):
        async with background() as tasks, asyncio.timeout(PATIENCE):
            await join(Home(tmp_path).make(), NODE, CONTROLLER.public_hex, SystemClock(), tasks.start, nobody)
            await asyncio.Event().wait()


async def test_a_damaged_journal_is_kept_aside_and_said_so(tmp_path: Path) -> None:
    home = Home(tmp_path).make()
    (home.state / "local.db").write_bytes(b"no database, but long enough to be read as one" * 100)
    told: list[Warned] = []

    async with background() as tasks, asyncio.timeout(PATIENCE):
        await join(home, NODE, CONTROLLER.public_hex, SystemClock(), tasks.start, told.append)

    (aside,) = home.state.glob("local.db.damaged-*")
    assert [str(aside) in warning.text for warning in told] == [True]


async def test_a_broken_policy_is_told_at_once(tmp_path: Path) -> None:
    home, policy = Home(tmp_path).make(), tmp_path / "policy.yaml"
    policy.write_text("refuze: [reboot]")
    told: list[Warned] = []

    async with background() as tasks, asyncio.timeout(PATIENCE):
        say = told.append
        await join(home, NODE, CONTROLLER.public_hex, SystemClock(), tasks.start, say, PolicyFile(policy))

    assert [warning.text.startswith(f"policy {policy}: broken: line 1: ") for warning in told] == [True]
