"""A writer on a real file that a test can hold up, so that it knows what shares a batch."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devopsclaw.core import sqlite
from devopsclaw.core.writer import Work, Writer

PATIENCE = 30.0
"""Seconds for anything that has to happen."""

SCHEMA = """
CREATE TABLE notes (text TEXT NOT NULL UNIQUE);
CREATE TABLE parents (id INTEGER PRIMARY KEY);
CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);
"""


@dataclass
class Steps:
    """An upkeep that notes when it was called, and fails where it was told to."""

    called: list[str] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    keep_log: bool = False

    def after_open(self, connection: sqlite3.Connection) -> None:
        """Not the writer's to call."""

    def after_commit(self, connection: sqlite3.Connection) -> None:
        """Note it."""
        self._note("commit")

    def before_close(self, connection: sqlite3.Connection) -> bool:
        """Note it."""
        self._note("close")
        return self.keep_log

    def _note(self, step: str) -> None:
        self.called.append(step)
        if step in self.failing:
            raise OSError(28, "No space left on device")


class Desk:
    """A writer, what its connection was told, and a way to let work pile up before it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        sqlite.create(path)
        self.connection = sqlite.connect_writer(path)
        self.connection.executescript(SCHEMA)
        self.upkeep = Steps()
        self.told: list[str] = []
        self.connection.set_trace_callback(self.told.append)
        self.writer = Writer(path, self.connection, self.upkeep)

    @property
    def transactions(self) -> list[str]:
        """How transactions began and ended, in order."""
        return [each for each in self.told if each in ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")]

    def notes(self) -> list[str]:
        """What is on disk, as somebody else reads it."""
        reader = sqlite.connect_reader(self.path)
        try:
            return [text for (text,) in reader.execute("SELECT text FROM notes ORDER BY rowid")]
        finally:
            reader.close()

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """While the block lasts the writer is in the middle of a batch: what is submitted waits together."""
        is_busy, may_go_on = threading.Event(), threading.Event()

        def hold(connection: sqlite3.Connection) -> None:
            is_busy.set()
            may_go_on.wait(PATIENCE)

        held = self.writer.submit(hold)
        await asyncio.to_thread(is_busy.wait, PATIENCE)
        try:
            yield
        finally:
            may_go_on.set()
        async with asyncio.timeout(PATIENCE):
            await held

    async def together(self, *works: Work) -> list[Any]:
        """What becomes of works that share a batch."""
        async with self.busy():
            waiting = [self.writer.submit(work) for work in works]
        async with asyncio.timeout(PATIENCE):
            return await asyncio.gather(*waiting, return_exceptions=True)
