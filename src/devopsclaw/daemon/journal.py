"""The node's journal: which commands it has seen, and how far each came. It decides nothing.

Every method that writes returns when the change is on disk; changes that wait together are committed
together. A journal that was lost or damaged cannot say what ran, so it begins a new incarnation: what
was issued before that moment is refused, and at-most-once holds even then.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devopsclaw.core.db import Database
from devopsclaw.core.paths import PACKAGE
from devopsclaw.daemon.effects import Record, Row
from devopsclaw.model.errors import Damaged

MIGRATIONS = PACKAGE / "core" / "migrations" / "node"
REMEMBERED = frozenset({"digest", "purge_at"})
"""Fields that an acknowledged command keeps: enough to know its id again, and until when."""


async def open_journal(path: Path) -> Database:
    """Open the file for all journals of this process; a damaged one is set aside. Raises Damaged."""
    return await Database.open(path, MIGRATIONS)


class Journal:
    """One node's rows. Several nodes of one process may share the database, each with a journal."""

    def __init__(self, database: Database, node: str) -> None:
        self._database = database
        self._node = node

    async def incarnation(self, now: float) -> float:
        """Wall time since which no command is missing here; `now`, for a journal that is new."""

        def find(connection: sqlite3.Connection) -> float:
            insert = "INSERT OR IGNORE INTO incarnations (node, since) VALUES (?, ?)"
            connection.execute(insert, (self._node, now))
            select = "SELECT since FROM incarnations WHERE node = ?"
            return float(connection.execute(select, (self._node,)).fetchone()[0])

        return await self._database.write(find)

    async def record(self, records: Sequence[Record]) -> None:
        """Write these in order, all or none: the new state, the fields merged over those recorded."""

        def merge(connection: sqlite3.Connection) -> None:
            for record in records:
                self._merge(connection, record)

        await self._database.write(merge)

    async def rows(self) -> list[Row]:
        """Everything that is remembered, in the order in which it was first seen. Raises Damaged."""

        def find(connection: sqlite3.Connection) -> list[tuple[str, Any, str]]:
            select = "SELECT command, state, fields FROM commands WHERE node = ? ORDER BY seen"
            return connection.execute(select, (self._node,)).fetchall()

        found = await self._database.read(find)
        return [Row(command, state, _parse(command, text)) for command, state, text in found]

    async def purge(self, command: str) -> None:
        """Forget the id of a command that nobody can offer any more."""

        def delete(connection: sqlite3.Connection) -> None:
            statement = "DELETE FROM commands WHERE node = ? AND command = ?"
            connection.execute(statement, (self._node, command))

        await self._database.write(delete)

    def _merge(self, connection: sqlite3.Connection, record: Record) -> None:
        key = (self._node, record.command)
        select = "SELECT fields FROM commands WHERE node = ? AND command = ?"
        known = connection.execute(select, key).fetchone()
        fields = {**(_parse(record.command, known[0]) if known else {}), **record.fields}
        if record.state == "acked":
            fields = {name: value for name, value in fields.items() if name in REMEMBERED}
        text = json.dumps(fields, separators=(",", ":"))
        upsert = """
            INSERT INTO commands (node, command, state, fields) VALUES (?, ?, ?, ?)
            ON CONFLICT (node, command) DO UPDATE SET state = excluded.state, fields = excluded.fields
        """
        connection.execute(upsert, (*key, record.state, text))


def _parse(command: str, text: str) -> dict[str, Any]:
    """The fields of a row. Raises Damaged for what is no JSON object."""
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise Damaged(
            f"the journal's row of command {command} cannot be read",
            hint="set the journal aside and start again: what was issued before is then refused",
        )
    return fields
