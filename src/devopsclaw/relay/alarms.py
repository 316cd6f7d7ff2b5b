"""What the controller has to be told of, kept until it has it: it may be away for days."""

from __future__ import annotations

import sqlite3
from typing import Any

from devopsclaw.core.clock import Clock
from devopsclaw.core.db import Database
from devopsclaw.model.joining import ALARMS_AT_A_TIME, AlarmKind

MOST_ALARMS = 1000
"""Alarms kept while no controller comes; then the newest are not, for the first ones say how it began."""
SAME_AFTER = 600.0
"""Seconds in which the same thing is told once: a daemon that is started again and again says nothing new."""
_COLUMNS = ("id", "kind", "name", "address", "token", "at")


class Alarms:
    """Opened with the relay's database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._raised: dict[tuple[str, ...], float] = {}

    async def raise_one(self, kind: AlarmKind, name: str, address: str, token: str = "") -> bool:
        """Keep an alarm; False where the same one was raised a moment ago. Raises Damaged."""
        now, what = self._clock.wall(), (kind, name, address, token)
        self._raised = {each: at for each, at in self._raised.items() if now - at < SAME_AFTER}
        if what in self._raised:
            return False

        def write(writer: sqlite3.Connection) -> None:
            (count,) = writer.execute("SELECT count(*) FROM alarms").fetchone()
            if count < MOST_ALARMS:
                sql = "INSERT INTO alarms (kind, name, address, token, at) VALUES (?, ?, ?, ?, ?)"
                writer.execute(sql, (*what, now))

        await self._database.write(write)
        self._raised[what] = now
        return True

    async def waiting(self) -> list[dict[str, Any]]:
        """The oldest that nobody has acknowledged, as many as are told at a time. Raises Damaged."""
        sql = f"SELECT {', '.join(_COLUMNS)} FROM alarms ORDER BY id LIMIT ?"
        rows = await self._database.read(lambda reader: reader.execute(sql, (ALARMS_AT_A_TIME,)).fetchall())
        return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]

    async def seen(self, upto: int) -> None:
        """The controller has these. Raises Damaged."""
        await self._database.write(
            lambda writer: writer.execute("DELETE FROM alarms WHERE id <= ?", (upto,)).rowcount
        )
