"""The registry over a real database: what is kept, what is told, and what a bad disk does."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from devopsclaw.core.clock import ManualClock
from devopsclaw.core.db import Database
from devopsclaw.core.paths import PACKAGE
from devopsclaw.fleet.membership import Registration
from devopsclaw.fleet.nodes import SAVE_EVERY, Nodes
from devopsclaw.fleet.presence import Presence
from devopsclaw.model.errors import BadParams, Damaged, NotFound
from devopsclaw.model.state import Link
from devopsclaw.wire.uid import uid_of

MIGRATIONS = PACKAGE / "core/migrations/core"
WEB1 = Registration("web1", "10.0.1.1", {"env": "prod"}, frozenset({"eu"}))


def row(name: str, seen: float, *, address: str = "10.0.1.1", connected: bool = True) -> Presence:
    key = sha256(name.encode()).digest()
    return Presence(
        uid=uid_of(key),
        name=name,
        public_key=key.hex(),
        address=address,
        connected=connected,
        last_seen=seen,
        facts={"cpu": 4},
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "core.db", MIGRATIONS) as opened:
        yield opened


@pytest.fixture
async def nodes(database: Database, clock: ManualClock) -> Nodes:
    return await Nodes.open(database, clock)


async def test_what_operators_said_and_who_joined_is_there_after_a_restart(
    nodes: Nodes, database: Database, clock: ManualClock
) -> None:
    await nodes.register(WEB1)
    await nodes.saw([row("web1", clock.now), row("web2", clock.now)])
    await nodes.label("web2", {"role": "web", "zone": "a"})
    await nodes.label("web2", {}, ["zone"])
    await nodes.drain("web1")

    again = await Nodes.open(database, clock)

    web1, web2 = again.inventory().nodes
    assert (web1.name, web1.drained, web1.labels, web1.groups) == (
        "web1",
        True,
        {"env": "prod"},
        frozenset({"eu"}),
    )
    assert (web1.uid, web1.facts, web1.last_seen) == (row("web1", 0).uid, {"cpu": 4}, clock.now)
    assert (web2.name, web2.labels, web2.joined_at) == ("web2", {"role": "web"}, clock.now)
    assert web1.link(clock.now) is Link.OFFLINE, "sessions do not outlive the process that saw them"
    assert again.by_uid(web2.uid) is web2


async def test_labels_that_wait_still_wait_after_a_restart(
    nodes: Nodes, database: Database, clock: ManualClock
) -> None:
    await nodes.register(WEB1)
    await nodes.saw([row("web1", clock.now, address="203.0.113.5")])

    again = await Nodes.open(database, clock)
    assert again.find("web1").waiting

    await again.accept("web1")
    assert again.find("web1").labels == {"env": "prod"}


async def test_a_full_list_takes_the_session_from_nodes_that_are_not_on_it(
    nodes: Nodes, clock: ManualClock
) -> None:
    await nodes.saw([row("web1", clock.now), row("web2", clock.now)])

    told = await nodes.saw([row("web1", clock.now)], full=True)

    assert [(node.name, node.connected) for node in told] == [("web1", True), ("web2", False)]
    assert nodes.find("web2").link(clock.now) is Link.OFFLINE


async def test_a_full_list_may_come_in_several_parts(nodes: Nodes, clock: ManualClock) -> None:
    web1, web2, web3, web4 = (row(f"web{number}", clock.now) for number in range(1, 5))
    await nodes.saw([web1, web2, web3, web4])
    await nodes.remove("web2")

    told = await nodes.saw([web1], full=True, more=True)
    assert [node.name for node in told] == ["web1"], "nobody is lost before the list has ended"
    told = await nodes.saw([web2, web3])

    assert [(node.name, node.connected) for node in told] == [("web3", True), ("web4", False)]
    assert nodes.removed == {web2.uid}, "the relay still lists it"
    assert [node.name for node in await nodes.saw([web3])] == ["web3"], "not a full list any more"


async def test_without_the_relay_no_node_but_the_cores_own_has_a_session(
    nodes: Nodes, clock: ManualClock
) -> None:
    await nodes.saw([row("web1", clock.now), row("web2", clock.now, connected=False)])
    await nodes.add_local("n_one", {})
    await nodes.saw([row("web1", clock.now)], full=True, more=True)

    assert [node.name for node in await nodes.lose()] == ["web1"]
    assert await nodes.lose() == []
    assert nodes.find("local").connected
    assert nodes.find("web1").link(clock.now) is Link.OFFLINE
    assert len(await nodes.saw([row("web2", clock.now)])) == 1, "a list that broke off does not go on"


async def test_what_was_seen_is_written_at_most_every_thirty_seconds(
    nodes: Nodes, database: Database, clock: ManualClock
) -> None:
    joined = clock.now
    await nodes.saw([row("web1", joined)])
    clock.advance(SAVE_EVERY - 1)
    await nodes.saw([row("web1", clock.now)])
    assert (await Nodes.open(database, clock)).find("web1").last_seen == joined

    clock.advance(1)
    await nodes.saw([row("web1", clock.now)])
    assert (await Nodes.open(database, clock)).find("web1").last_seen == clock.now

    clock.advance(1)
    await nodes.saw([row("web1", clock.now)])
    await nodes.save()
    assert (await Nodes.open(database, clock)).find("web1").last_seen == clock.now


async def test_a_removed_node_stays_unseen_until_the_relay_has_forgotten_it(
    nodes: Nodes, database: Database, clock: ManualClock
) -> None:
    await nodes.saw([row("web1", clock.now), row("web2", clock.now)])
    removed = await nodes.remove("web1")

    assert await nodes.saw([row("web1", clock.now)]) == []
    assert nodes.removed == {removed.uid}
    with pytest.raises(NotFound, match="there is no node 'web1'") as refused:
        nodes.find("web1")
    assert refused.value.hint == "did you mean web2?"
    assert (await Nodes.open(database, clock)).removed == {removed.uid}

    await nodes.saw([row("web2", clock.now)], full=True)
    assert nodes.removed == (await Nodes.open(database, clock)).removed == frozenset()
    await nodes.saw([row("web1", clock.now)])
    assert nodes.find("web1").labels == {}


async def test_a_removed_name_can_be_registered_at_once(nodes: Nodes, clock: ManualClock) -> None:
    await nodes.saw([row("web1", clock.now)])
    await nodes.remove("web1")

    await nodes.register(WEB1)

    assert nodes.find("web1").uid == ""


async def test_the_cores_own_node_is_always_online_and_keeps_what_operators_said(
    nodes: Nodes, database: Database, clock: ManualClock
) -> None:
    await nodes.add_local("n_one", {"cpu": 2})
    await nodes.label("local", {"role": "ops"})
    await nodes.drain("local")
    clock.advance(3600)

    again = await Nodes.open(database, clock)
    local = await again.add_local("n_two", {"cpu": 8})

    assert (local.link(clock.now), local.labels, local.drained) == (Link.ONLINE, {"role": "ops"}, True)
    assert again.by_uid("n_two") is local
    assert again.by_uid("n_one") is None
    assert await again.saw([], full=True) == []
    with pytest.raises(BadParams, match="this machine itself"):
        await again.remove("local")


async def test_a_full_disk_refuses_operators_but_not_presence(
    nodes: Nodes, database: Database, clock: ManualClock
) -> None:
    await nodes.saw([row("web1", clock.now)])
    await limit_pages(database, 1)
    clock.advance(SAVE_EVERY)
    large = {"packages": "x" * 200_000}

    await nodes.saw([row("web1", clock.now).model_copy(update={"facts": large}), row("web2", clock.now)])

    assert "the disk is full" in str(nodes.trouble)
    assert nodes.find("web2").last_seen == clock.now
    with pytest.raises(Damaged, match="the disk is full"):
        await nodes.drain("web1")
    assert not nodes.find("web1").drained

    await limit_pages(database, 1_000_000)
    await nodes.save()
    assert nodes.trouble is None
    assert (await Nodes.open(database, clock)).find("web2").last_seen == clock.now


async def limit_pages(database: Database, most: int) -> None:
    """Let the file grow no further than this; SQLite takes what it has already as the least."""
    await database.write(lambda connection: connection.execute(f"PRAGMA max_page_count={most}").fetchone())


async def test_two_changes_at_once_are_both_kept(nodes: Nodes, clock: ManualClock) -> None:
    await nodes.register(WEB1)

    async with asyncio.TaskGroup() as group:
        group.create_task(nodes.label("web1", {"a": "1"}))
        group.create_task(nodes.label("web1", {"b": "2"}))
        group.create_task(nodes.saw([row("web1", clock.now)]))

    assert nodes.find("web1").labels == {"env": "prod", "a": "1", "b": "2"}
    assert nodes.find("web1").connected


def test_the_table_is_made_by_the_migration(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.executescript((MIGRATIONS / "0002_nodes.sql").read_text())

    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    connection.close()

    assert names == {"nodes", "removed_nodes"}


async def test_a_hidden_node_is_not_shown_and_is_there_again_after_a_restart(
    nodes: Nodes, database: Database, clock: ManualClock
) -> None:
    local = await nodes.add_local("n_local", {})
    await nodes.saw([row("web1", clock.now)])

    nodes.hide("n_local")
    nodes.hide("")
    await nodes.save()

    assert [node.name for node in nodes.inventory().nodes] == ["web1"]
    assert (nodes.get("local"), nodes.by_uid("n_local"), nodes.removed) == (None, None, frozenset())
    again = await Nodes.open(database, clock)
    assert again.find("local").uid == local.uid
