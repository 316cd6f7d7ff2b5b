"""Rows of nodes come back as they were written."""

from __future__ import annotations

from pathlib import Path

from devopsclaw.core.db import Database
from devopsclaw.core.paths import PACKAGE
from devopsclaw.fleet.inventory import Node
from devopsclaw.fleet.node_table import NodeTable

NODE = Node(
    "web1",
    uid="n_1",
    public_key="00" * 32,
    address="10.0.1.1",
    peer="203.0.113.5",
    registered_labels={"env": "prod"},
    registered_groups=frozenset({"eu", "us"}),
    drained=True,
    accepted=False,
    joined_at=1.5,
    last_seen=2.5,
    version="0.1.0",
    facts={"os": {"name": "debian"}},
)


async def test_a_node_is_read_back_whole_and_written_over_by_name(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "core.db", PACKAGE / "core/migrations/core") as database:
        table = NodeTable(database)
        await table.save([Node("web1"), Node("db")])
        await table.save([NODE])

        assert await table.load() == ([Node("db"), NODE], set())


async def test_a_removed_node_leaves_its_key_until_it_is_forgotten(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "core.db", PACKAGE / "core/migrations/core") as database:
        table = NodeTable(database)
        await table.save([NODE, Node("db")])
        await table.remove(NODE, 3.0)
        await table.remove(Node("db"), 3.0)

        assert await table.load() == ([], {"n_1"})

        await table.forget(["n_1"])
        assert await table.load() == ([], set())
