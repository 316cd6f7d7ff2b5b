"""The durable event log of executions: what was planned, and everything that happened since, in order.

State is folded from the events by whoever asks. Not here: output (core/outputs), and what the events mean.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from devopsclaw.core.clock import Clock, SystemClock
from devopsclaw.core.db import Database
from devopsclaw.model.errors import NotFound
from devopsclaw.model.state import State

Event = tuple[str, str | None, dict[str, Any]]
"""Kind, name of the node (None: the whole run), what it says."""


@dataclass(frozen=True, slots=True)
class RunNode:
    """A node's part of a run; `command` is the id under which the node knows it."""

    node: str
    uid: str
    command: str


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One event as it was recorded; `at` is wall time, `seq` grows over all runs."""

    seq: int
    at: float
    kind: str
    node: str | None
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it was created, and how it ended. `finished_at` (wall time) and `exit_code` are None while it
    is open, `word` is empty: the word for how it ended.
    """

    run: str
    kind: str
    call: str
    entry: str
    plan: dict[str, Any]
    body: dict[str, Any]
    created_at: float
    finished_at: float | None
    exit_code: int | None
    nodes: tuple[RunNode, ...] = field(default=())
    word: str = ""

    @property
    def ended_at(self) -> float | None:
        """Wall time at which its last node ended; None while it is open, and where that is not known."""
        return None if self.word == State.UNKNOWN else self.finished_at

    @property
    def duration(self) -> float | None:
        """Seconds from the start to the end."""
        return None if self.ended_at is None else max(0.0, self.ended_at - self.created_at)


_FIELDS = "run, kind, call, entry, plan, body, created_at, finished_at, exit_code, word"


class RunLog:
    """The runs in the core's database. What a method wrote is on disk when it returns; all raise Damaged."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def create(
        self,
        *,
        kind: str = "X",
        call: str,
        entry: str,
        plan_json: str,
        nodes: Sequence[tuple[str, str, str]],
        body: dict[str, Any],
    ) -> str:
        """Record a new run before anything of it is sent. `nodes` holds (name, uid, command id) in order.

        Returns its id, as `X-31`: numbers of a kind grow by one and are never given twice.
        """
        return await self._database.write(
            lambda connection: self._insert(
                connection, kind, (call, entry, plan_json, json.dumps(body)), nodes
            )
        )

    async def append(self, run: str, events: Iterable[Event]) -> None:
        """Add these events to the run, all or none. Raises NotFound for a run that is not there."""
        rows = [(run, self._clock.wall(), kind, node, json.dumps(body)) for kind, node, body in events]

        def insert(connection: sqlite3.Connection) -> None:
            _require(connection, run)
            connection.executemany(
                "INSERT INTO run_events (run, at, kind, node, body) VALUES (?, ?, ?, ?, ?)", rows
            )

        await self._database.write(insert)

    async def finish(self, run: str, exit_code: int, word: str, ended_at: float) -> None:
        """Close the run. `ended_at` is the wall time of its last end that is known, 0 where none is: when it
        ended, not when that was found out. Closed again with the truth where an outcome was unknown.
        """

        def close(connection: sqlite3.Connection) -> None:
            _require(connection, run)
            connection.execute(
                "UPDATE runs SET finished_at = max(created_at, ?), exit_code = ?, word = ? WHERE run = ?",
                (ended_at, exit_code, word, run),
            )

        await self._database.write(close)

    async def name_entry(self, run: str, entry: str) -> None:
        """Keep the audit entry of a run that had none when it began; the first one stays."""

        def name(connection: sqlite3.Connection) -> None:
            _require(connection, run)
            connection.execute("UPDATE runs SET entry = ? WHERE run = ? AND entry = ''", (entry, run))

        await self._database.write(name)

    async def find(self, run: str) -> Run:
        """The run with its nodes. Raises NotFound."""
        return await self._database.read(lambda connection: _require(connection, run))

    async def of_command(self, command: str) -> Run:
        """The run that a command id belongs to. Raises NotFound."""

        def read(connection: sqlite3.Connection) -> Run:
            row = connection.execute("SELECT run FROM run_nodes WHERE command = ?", (command,)).fetchone()
            if row is None:
                raise NotFound(f"no run has the command {command}", hint="devopsclaw jobs list")
            return _require(connection, row[0])

        return await self._database.read(read)

    async def of_call(self, call: str) -> Run | None:
        """The run that this call came to; None where it came to none."""
        found = await self._database.read(_selected("WHERE call = ?", (call,)))
        return found[0] if found else None

    async def events(self, run: str) -> list[RunEvent]:
        """The events of the run, oldest first; none for a run that is not there."""

        def read(connection: sqlite3.Connection) -> list[RunEvent]:
            rows = connection.execute(
                "SELECT seq, at, kind, node, body FROM run_events WHERE run = ? ORDER BY seq", (run,)
            )
            return [RunEvent(seq, at, kind, node, json.loads(body)) for seq, at, kind, node, body in rows]

        return await self._database.read(read)

    async def open_runs(self, kind: str = "X") -> list[Run]:
        """The runs of this kind that are not closed, with their nodes, oldest first."""
        return await self._database.read(
            _selected("WHERE kind = ? AND finished_at IS NULL ORDER BY number", (kind,))
        )

    async def without_entry(self) -> list[Run]:
        """The runs that are closed and name no audit entry, oldest first."""
        return await self._database.read(
            _selected("WHERE entry = '' AND finished_at IS NOT NULL ORDER BY created_at", ())
        )

    async def recent(self, limit: int = 50, before: str = "") -> list[Run]:
        """The newest runs of all kinds, with their nodes, newest first; only those before the one named."""
        older = "WHERE (created_at, number) < (SELECT created_at, number FROM runs WHERE run = ?) "
        rest = (older if before else "") + "ORDER BY created_at DESC, number DESC LIMIT ?"
        return await self._database.read(_selected(rest, (*((before,) if before else ()), limit)))

    def _insert(
        self,
        connection: sqlite3.Connection,
        kind: str,
        texts: tuple[str, str, str, str],
        nodes: Sequence[tuple[str, str, str]],
    ) -> str:
        (number,) = connection.execute(
            "INSERT INTO run_numbers (kind, last) VALUES (?, 1)"
            " ON CONFLICT (kind) DO UPDATE SET last = last + 1 RETURNING last",
            (kind,),
        ).fetchone()
        run = f"{kind}-{number}"
        connection.execute(
            "INSERT INTO runs (run, kind, number, call, entry, plan, body, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (run, kind, number, *texts, self._clock.wall()),
        )
        connection.executemany(
            "INSERT INTO run_nodes (run, place, node, uid, command) VALUES (?, ?, ?, ?, ?)",
            [(run, place, *node) for place, node in enumerate(nodes)],
        )
        return run


def _require(connection: sqlite3.Connection, run: str) -> Run:
    found = _selected("WHERE run = ?", (run,))(connection)
    if not found:
        raise NotFound(f"there is no run {run}", hint="devopsclaw jobs list shows the runs there are")
    return found[0]


def _selected(rest: str, values: tuple[Any, ...]) -> Callable[[sqlite3.Connection], list[Run]]:
    def read(connection: sqlite3.Connection) -> list[Run]:
        rows = connection.execute(f"SELECT {_FIELDS} FROM runs {rest}", values).fetchall()
        return [_run(row, _nodes(connection, row[0])) for row in rows]

    return read


def _run(row: tuple[Any, ...], nodes: tuple[RunNode, ...]) -> Run:
    run, kind, call, entry, plan, body, created_at, finished_at, exit_code, word = row
    asked = json.loads(plan), json.loads(body)
    return Run(run, kind, call, entry, *asked, created_at, finished_at, exit_code, nodes, word)


def _nodes(connection: sqlite3.Connection, run: str) -> tuple[RunNode, ...]:
    rows = connection.execute("SELECT node, uid, command FROM run_nodes WHERE run = ? ORDER BY place", (run,))
    return tuple(RunNode(*row) for row in rows)
