"""The roles that were given, kept in SQLite: who has which, from whom, since when. Not what a role may."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from devopsclaw.core.clock import Clock
from devopsclaw.core.db import Database
from devopsclaw.core.rbac import Role
from devopsclaw.model.errors import NotFound


@dataclass(frozen=True, slots=True)
class Grant:
    """`who` has this role; `at` is wall time."""

    who: str
    role: Role
    by: str
    at: float


class Grants:
    """All grants, in memory too: every call asks for them. A change counts once it is on disk."""

    def __init__(self, database: Database, clock: Clock, grants: dict[str, Grant]) -> None:
        """Use `open`."""
        self._database = database
        self._clock = clock
        self._grants = grants
        self.roles: dict[str, Role] = {who: grant.role for who, grant in grants.items()}
        """Name → role; stays the same object, for whoever judges by it."""

    @classmethod
    async def open(cls, database: Database, clock: Clock) -> Grants:
        """Read them all. Raises Damaged."""
        rows = await database.read(
            lambda reader: reader.execute("SELECT who, role, granted_by, granted_at FROM grants").fetchall()
        )
        return cls(
            database, clock, {row[0]: Grant(row[0], Role[row[1].upper()], row[2], row[3]) for row in rows}
        )

    def all(self) -> list[Grant]:
        """All of them, by name."""
        return [self._grants[who] for who in sorted(self._grants)]

    async def give(self, who: str, role: Role, by: str) -> Grant:
        """Give a role, in place of the one before. Raises Damaged."""
        grant = Grant(who, role, by, self._clock.wall())
        row = (who, role.word, by, grant.at)

        def write(writer: sqlite3.Connection) -> None:
            writer.execute("INSERT OR REPLACE INTO grants VALUES (?, ?, ?, ?)", row)

        await self._database.write(write)
        self._grants[who], self.roles[who] = grant, role
        return grant

    async def take(self, who: str) -> Grant:
        """Take the role away. Raises NotFound, Damaged."""
        grant = self.find(who)

        def write(writer: sqlite3.Connection) -> None:
            writer.execute("DELETE FROM grants WHERE who = ?", (who,))

        await self._database.write(write)
        del self._grants[who], self.roles[who]
        return grant

    def find(self, who: str) -> Grant:
        """The grant of this name. Raises NotFound."""
        if who not in self._grants:
            raise NotFound(f"{who} has no role here", hint="devopsclaw access list")
        return self._grants[who]
