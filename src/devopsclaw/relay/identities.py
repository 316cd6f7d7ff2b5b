"""Who this relay knows: nodes with name and key, the controller that claimed it, and the counter of epochs.

All of it is held in memory too, because one process owns the database; a change is on disk before it counts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from devopsclaw.core.clock import Clock
from devopsclaw.core.db import Database
from devopsclaw.core.paths import shipped
from devopsclaw.relay.alarms import Alarms
from devopsclaw.relay.tokens import Tokens
from devopsclaw.wire.uid import uid_of

MIGRATIONS = "core/migrations/relay"
EPOCH_BLOCK = 1000
"""Epochs reserved at a time, so that a reconnect storm does not wait for the disk; a crash skips the rest."""


@dataclass(slots=True)
class Node:
    """One node. What stands after `join_token` is only known while this process runs.

    `is_claimed`: its session was shown a root; `obeys_other`: it said that it has another one.
    """

    uid: str
    name: str
    public_key: str
    address: str
    last_seen: float
    epoch: int = 0
    quarantine: str = ""
    join_token: str = ""
    alarm: str = ""
    version: str = ""
    is_connected: bool = False
    is_claimed: bool = True
    obeys_other: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """What controllers are shown in PRESENCE."""
        return {
            "uid": self.uid,
            "name": self.name,
            "public_key": self.public_key,
            "address": self.address,
            "connected": self.is_connected,
            "last_seen": self.last_seen,
            "epoch": self.epoch,
            "version": self.version,
            "facts": self.facts,
            "alarm": self.quarantine or self.obeys_other or self.alarm,
            "quarantined": bool(self.quarantine),
            "claimed": self.is_claimed,
            "token": self.join_token,
        }


class Identities:
    """Opened by `identities`. Names and keys are unique; the root is set once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.nodes: dict[str, Node] = {}
        """By uid."""
        self.root = ""
        """Public key (hex) of the controller that claimed this relay; empty while unclaimed."""
        self.tokens = Tokens(database, clock)
        self.alarms = Alarms(database, clock)
        self._database = database
        self._clock = clock
        self._next_epoch = self._reserved = 0
        self._names: dict[str, Node] = {}
        self._unsaved: set[str] = set()

    async def load(self) -> None:
        """Read everything; once, before use."""
        rows, root = await self._database.read(_read)
        self.nodes = {row[0]: Node(*row) for row in rows}
        self._names = {node.name: node for node in self.nodes.values()}
        self.root = root
        await self.tokens.load()

    def named(self, name: str) -> Node | None:
        """The node this name is bound to."""
        return self._names.get(name)

    async def join(self, name: str, public_key: str, address: str, token: str = "") -> Node:
        """Bind a name to a key, both so far unknown; a join token (its id) is used once by that.

        Raises sqlite3.IntegrityError where one is known, Spent where somebody else was faster with the token.
        """
        uid = uid_of(bytes.fromhex(public_key))
        node = Node(uid, name, public_key, address, self._clock.wall(), join_token=token)

        def write(writer: sqlite3.Connection) -> None:
            if token:
                self.tokens.spend(writer, token)
            columns = "uid, name, public_key, address, last_seen, epoch, join_token"
            row = (uid, name, public_key, address, node.last_seen, 0, token)
            writer.execute(f"INSERT INTO nodes ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)

        await self._database.write(write)
        if token:
            self.tokens.spent(token)
        self.nodes[uid] = self._names[name] = node
        return node

    async def claim(self, public_key: str, name: str) -> None:
        """Make this controller the root. Raises sqlite3.IntegrityError where there is one already."""
        await self._change(
            "INSERT INTO controller (one, public_key, name, claimed_at) VALUES (1, ?, ?, ?)",
            *(public_key, name, self._clock.wall()),
        )
        self.root = public_key

    async def quarantine(self, node: Node, why: str) -> None:
        """Let no session of this node's key in until it is forgotten; an empty `why` releases it."""
        await self._change("UPDATE nodes SET quarantine = ? WHERE uid = ?", why, node.uid)
        node.quarantine = why

    async def forget(self, uid: str) -> None:
        """Free the node's name and key."""
        await self._change("DELETE FROM nodes WHERE uid = ?", uid)
        node = self.nodes.pop(uid, None)
        if node is not None:
            del self._names[node.name]

    async def take_epoch(self) -> int:
        """A number larger than any that was ever handed out, also after kill -9.

        It starts at the wall clock's seconds, so even a lost database does not bring old epochs back.
        """
        while self._next_epoch >= self._reserved:
            reserved = await self._database.write(partial(_reserve, floor=int(self._clock.wall())))
            if self._next_epoch >= self._reserved:  # nobody else was quicker meanwhile
                self._next_epoch, self._reserved = reserved - EPOCH_BLOCK, reserved
        self._next_epoch += 1
        return self._next_epoch

    def see(self, node: Node) -> None:
        """The node was heard of just now; saved with the next `save_sightings`."""
        node.last_seen = self._clock.wall()
        self._unsaved.add(node.uid)

    async def save_sightings(self) -> None:
        """Write address, time and epoch of the nodes heard since the last time. Raises Damaged."""
        uids = self._unsaved & self.nodes.keys()
        rows = [
            (node.address, node.last_seen, node.epoch, node.uid) for node in map(self.nodes.__getitem__, uids)
        ]
        self._unsaved = set()
        if rows:
            await self._database.write(partial(_save, rows=rows))

    async def _change(self, sql: str, *values: Any) -> None:
        await self._database.write(lambda connection: connection.execute(sql, values).rowcount)


@asynccontextmanager
async def identities(path: Path, clock: Clock) -> AsyncIterator[tuple[Identities, Path | None]]:
    """Open the database, and with it where a damaged one was moved aside to. Raises Damaged.

    What was seen since the last save is written at the end.
    """
    async with await Database.open(path, shipped(MIGRATIONS)) as database:
        known = Identities(database, clock)
        await known.load()
        try:
            yield known, database.set_aside
        finally:
            await known.save_sightings()


def _read(connection: sqlite3.Connection) -> tuple[list[tuple[Any, ...]], str]:
    columns = "uid, name, public_key, address, last_seen, epoch, quarantine, join_token"
    rows = connection.execute(f"SELECT {columns} FROM nodes ORDER BY name").fetchall()
    root = connection.execute("SELECT public_key FROM controller").fetchone()
    return rows, root[0] if root else ""


def _reserve(connection: sqlite3.Connection, floor: int) -> int:
    sql = "UPDATE epochs SET reserved = max(reserved, ?) + ? RETURNING reserved"
    (reserved,) = connection.execute(sql, (floor, EPOCH_BLOCK)).fetchone()
    return int(reserved)


def _save(connection: sqlite3.Connection, rows: list[tuple[str, float, int, str]]) -> None:
    connection.executemany("UPDATE nodes SET address = ?, last_seen = ?, epoch = ? WHERE uid = ?", rows)
