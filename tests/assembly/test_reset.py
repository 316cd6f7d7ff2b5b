"""Root's way back: the node forgets whom it obeys, and only where nothing runs for that one."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from devopsclaw.assembly.reset import reset_trust
from devopsclaw.core.clock import SystemClock
from devopsclaw.core.keys import Keys
from devopsclaw.core.lock import hold
from devopsclaw.core.paths import Home
from devopsclaw.daemon.effects import Record
from devopsclaw.daemon.journal import Journal, open_journal
from devopsclaw.daemon.trust import Trust
from devopsclaw.model.errors import Busy, Denied
from devopsclaw.wire.uid import uid_of

ROOT = "aa" * 32
UnderWay = Literal["accepted", "starting", "running"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A node's home, which obeys a controller."""
    home = Home(tmp_path / "home").make()
    Trust(home.keys / "trust.json").show(ROOT)
    return home


async def test_what_was_forgotten_is_said_and_the_next_root_is_taken(home: Home) -> None:
    said: list[str] = []

    await reset_trust(home, SystemClock(), said.append)

    assert uid_of(bytes.fromhex(ROOT)) in said[0]
    trust = Trust(home.keys / "trust.json")
    assert trust.root == ""
    assert trust.show("bb" * 32) and trust.root == "bb" * 32


async def test_a_node_that_obeys_nobody_has_nothing_to_forget(tmp_path: Path) -> None:
    said: list[str] = []

    await reset_trust(Home(tmp_path / "new"), SystemClock(), said.append)

    assert said == ["this node obeys no controller: there is nothing to forget"]


async def test_nothing_is_forgotten_while_the_daemon_runs(home: Home) -> None:
    async with hold(home.run, "daemon", "agent-daemon", SystemClock(), 0.0):
        with pytest.raises(Busy):
            await reset_trust(home, SystemClock(), print)

    assert Trust(home.keys / "trust.json").root == ROOT


@pytest.mark.parametrize("state", ["accepted", "starting", "running"])
async def test_nothing_is_forgotten_while_a_command_runs(home: Home, state: UnderWay) -> None:
    uid = uid_of(Keys(home.keys).load_or_create("node").public)
    async with await open_journal(home.state / "node.db") as database:
        await Journal(database, uid).record([Record("c" * 32, state, {"digest": "d"})])

    with pytest.raises(Denied, match="1 command runs here"):
        await reset_trust(home, SystemClock(), print)

    assert Trust(home.keys / "trust.json").root == ROOT


async def test_commands_that_ended_hold_nothing_up(home: Home) -> None:
    uid = uid_of(Keys(home.keys).load_or_create("node").public)
    async with await open_journal(home.state / "node.db") as database:
        await Journal(database, uid).record([Record("c" * 32, "finished", {"digest": "d"})])

    await reset_trust(home, SystemClock(), print)

    assert Trust(home.keys / "trust.json").root == ""
