"""The one thread that writes to a database: whatever waits goes into one transaction (group commit).

A unit that fails is undone alone; when the COMMIT fails, every unit of the batch fails. Not here: reading.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Protocol

from devopsclaw.core import sqlite
from devopsclaw.model.errors import Damaged

MAX_BATCH = 512
"""Units in one transaction: that many take some 10 ms, and the first of them waits for the last."""

Work = Callable[[sqlite3.Connection], Any]


class Upkeep(Protocol):
    """What the writer's thread does around the commits. May raise `sqlite.FAILURES` and OSError."""

    def after_open(self, connection: sqlite3.Connection) -> None:
        """Once, when the schema is in place and nobody writes yet."""
        ...

    def after_commit(self, connection: sqlite3.Connection) -> None:
        """After each batch that is on disk; a failure is kept in `Writer.trouble`, the batch stands."""
        ...

    def before_close(self, connection: sqlite3.Connection) -> bool:
        """Last of all; True leaves the log beside the file, False lets SQLite move it in."""
        ...


class Checkpoints:
    """The plain upkeep: move the log into the file when it has grown to `limit` bytes, and at the end."""

    def __init__(self, path: Path, limit: int = 4 * 1024 * 1024) -> None:
        self._path = path
        self._limit = limit

    def after_open(self, connection: sqlite3.Connection) -> None:
        """Nothing to do."""

    def after_commit(self, connection: sqlite3.Connection) -> None:
        """See `Upkeep.after_commit`."""
        if sqlite.log_size(self._path) > self._limit:
            sqlite.checkpoint(connection)

    def before_close(self, connection: sqlite3.Connection) -> bool:
        """See `Upkeep.before_close`."""
        sqlite.checkpoint(connection)
        return False


class _Unit:
    """One piece of work and who waits for it."""

    __slots__ = ("error", "result", "waiter", "work")

    def __init__(self, work: Work, waiter: asyncio.Future[Any]) -> None:
        self.work = work
        self.waiter = waiter
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """Tell the waiter, in its own loop; one that was cancelled is told nothing."""
        if self.waiter.done():
            return
        if isinstance(self.error, StopIteration):  # no future takes it (PEP 479), and others wait behind it
            self.waiter.set_exception(RuntimeError(f"a unit of work raised {self.error!r}"))
        elif self.error is not None:
            self.waiter.set_exception(self.error)
        else:
            self.waiter.set_result(self.result)


class _Savepoint:
    """What the unit did is kept, or undone if it raised; the error is the waiter's, not the thread's."""

    def __init__(self, connection: sqlite3.Connection, unit: _Unit) -> None:
        self._connection = connection
        self._unit = unit

    def __enter__(self) -> None:
        self._connection.execute("SAVEPOINT unit")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        # Some errors (a full disk, say) end the whole transaction, and the savepoint with it.
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK TO unit" if error else "RELEASE unit")
        self._unit.error = error
        return True


class Writer:
    """Owns the writing connection from `start` to `stop`."""

    def __init__(self, path: Path, connection: sqlite3.Connection, upkeep: Upkeep) -> None:
        self._path = path
        self._connection = connection
        self._upkeep = upkeep
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Unit | None] = SimpleQueue()
        self._ended = self._loop.create_future()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name=f"write {path.name}", daemon=True)
        self.trouble: Damaged | None = None
        """Why the last upkeep failed; None when it went well. What was committed is not affected."""
        self._thread.start()

    def submit(self, work: Work) -> asyncio.Future[Any]:
        """Resolves when the batch with this work is on disk. Raises Damaged after `stop`."""
        if self._is_closed:
            raise Damaged(f"{self._path} is closed", hint="devopsclaw is ending; start it again")
        waiter = self._loop.create_future()
        self._queue.put(_Unit(work, waiter))
        return waiter

    async def stop(self) -> bool:
        """Commit what waits, do the last upkeep, end the thread; the connection stays open.

        Returns whether the log is to be left beside the file.
        """
        if not self._is_closed:
            self._is_closed = True
            self._queue.put(None)
        keep_log: bool = await asyncio.shield(self._ended)
        self._thread.join()
        return keep_log

    def _run(self) -> None:
        while batch := self._next_batch():
            self._commit(batch)
            self._loop.call_soon_threadsafe(_settle, batch)
            self._keep_up(self._upkeep.after_commit)
        keep_log = self._keep_up(self._upkeep.before_close)
        self._loop.call_soon_threadsafe(self._ended.set_result, bool(keep_log))

    def _next_batch(self) -> list[_Unit]:
        """All that waits, at least one; empty at the end."""
        batch: list[_Unit] = []
        unit = self._queue.get()
        while unit is not None:
            batch.append(unit)
            if len(batch) == MAX_BATCH:
                return batch
            try:
                unit = self._queue.get_nowait()
            except Empty:
                return batch
        if batch:
            self._queue.put(None)
        return batch

    def _commit(self, batch: list[_Unit]) -> None:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for unit in batch:
                with _Savepoint(connection, unit):
                    unit.result = unit.work(connection)
                _require_transaction(connection, unit)
            connection.execute("COMMIT")
        except sqlite.FAILURES as failed:
            self._fail(batch, failed)
        for unit in batch:
            if isinstance(unit.error, sqlite.FAILURES) and sqlite.is_about_file(unit.error):
                unit.error = _caused(sqlite.damaged(self._path, unit.error), unit.error)

    def _fail(self, batch: list[_Unit], cause: sqlite.Failure) -> None:
        """Nothing of the batch is on disk."""
        if self._connection.in_transaction:
            # Where even this fails, the next BEGIN says so to those who wait for it.
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
        for unit in batch:
            if unit.error is None or unit.error is cause:
                unit.error = _caused(sqlite.damaged(self._path, cause), cause)

    def _keep_up(self, step: Callable[[sqlite3.Connection], bool | None]) -> bool | None:
        try:
            done = step(self._connection)
        except (*sqlite.FAILURES, OSError) as failed:
            self.trouble = _caused(sqlite.damaged(self._path, failed), failed)
            return True
        self.trouble = None
        return done


def _require_transaction(connection: sqlite3.Connection, unit: _Unit) -> None:
    """Raises what ended the transaction, if the unit did: then nothing of the batch can be committed."""
    if connection.in_transaction:
        return
    if isinstance(unit.error, sqlite.FAILURES):
        raise unit.error
    raise sqlite3.OperationalError("a unit of work ended the transaction that it shares")


def _settle(batch: list[_Unit]) -> None:
    for unit in batch:
        unit.settle()


def _caused(error: Damaged, cause: BaseException) -> Damaged:
    error.__cause__ = cause
    return error
