"""The tables `nodes` and `removed_nodes`. Not what their rows mean."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from typing import Any

from devopsclaw.core.db import Database
from devopsclaw.fleet.inventory import Node

_COLUMNS = (
    "name",
    "uid",
    "public_key",
    "address",
    "peer",
    "labels",
    "groups",
    "drained",
    "accepted",
    "joined_at",
    "last_seen",
    "version",
    "facts",
    "join_token",
)
_LOAD = f"SELECT {', '.join(_COLUMNS)} FROM nodes ORDER BY name"
_SAVE = (
    f"INSERT INTO nodes ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' for _ in _COLUMNS)})"
    f" ON CONFLICT (name) DO UPDATE SET {', '.join(f'{each} = excluded.{each}' for each in _COLUMNS[1:])}"
)


class NodeTable:
    """Reads and writes nodes. Each method raises Damaged."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> tuple[list[Node], set[str]]:
        """All nodes, and the keys that the relay has still to forget."""
        return await self._database.read(_load)

    async def save(self, nodes: Iterable[Node]) -> None:
        """Write the nodes, new or known by name; all of them or none."""
        rows = [_row(node) for node in nodes]
        await self._database.write(lambda connection: connection.executemany(_SAVE, rows).rowcount)

    async def remove(self, node: Node, at: float) -> None:
        """Take the node away, and remember its key until the relay has forgotten it. `at` is wall time."""
        await self._database.write(lambda connection: _remove(connection, node, at))

    async def forget(self, uids: Collection[str]) -> None:
        """The relay knows these keys no more."""
        rows = [(uid,) for uid in uids]
        await self._database.write(
            lambda connection: (
                connection.executemany("DELETE FROM removed_nodes WHERE uid = ?", rows).rowcount
            )
        )


def _load(connection: sqlite3.Connection) -> tuple[list[Node], set[str]]:
    nodes = [_node(row) for row in connection.execute(_LOAD)]
    return nodes, {uid for (uid,) in connection.execute("SELECT uid FROM removed_nodes")}


def _remove(connection: sqlite3.Connection, node: Node, at: float) -> None:
    connection.execute("DELETE FROM nodes WHERE name = ?", (node.name,))
    if node.uid:
        connection.execute(
            "INSERT OR REPLACE INTO removed_nodes (uid, removed_at) VALUES (?, ?)", (node.uid, at)
        )


def _row(node: Node) -> tuple[Any, ...]:
    return (
        node.name,
        node.uid,
        node.public_key,
        node.address,
        node.peer,
        json.dumps(dict(node.registered_labels)),
        json.dumps(sorted(node.registered_groups)),
        node.drained,
        node.accepted,
        node.joined_at,
        node.last_seen,
        node.version,
        json.dumps(dict(node.facts)),
        node.join_token,
    )


def _node(row: tuple[Any, ...]) -> Node:
    name, uid, key, address, peer, labels, groups, *rest = row
    drained, accepted, joined_at, last_seen, version, facts, join_token = rest
    return Node(
        name=name,
        uid=uid,
        public_key=key,
        address=address,
        peer=peer,
        registered_labels=json.loads(labels),
        registered_groups=frozenset(json.loads(groups)),
        drained=bool(drained),
        accepted=bool(accepted),
        joined_at=joined_at,
        last_seen=last_seen,
        version=version,
        facts=json.loads(facts),
        join_token=join_token,
    )
