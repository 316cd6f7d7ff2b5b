"""A SQLite file: one thread writes, others read on connections of their own. Not what is in the tables.

Own threads rather than aiosqlite: whatever waits is committed together, one hop between threads per batch.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TypeVar

from devopsclaw.core import sqlite
from devopsclaw.core.schema import migrate, migration_files
from devopsclaw.core.writer import Checkpoints, Upkeep, Writer
from devopsclaw.model.errors import Damaged

T = TypeVar("T")

READERS = 2
"""Threads that read: a long read (a verification) leaves one for the short ones."""

CHECKED = 16 * 1024 * 1024
"""Bytes up to which a database is checked whole when it is opened; that takes some 20 ms."""


class Database:
    """An open database. `set_aside` names the damaged file that an empty one took the place of."""

    def __init__(self, path: Path, writer: Writer | None, connection: sqlite3.Connection | None) -> None:
        """Use `open`."""
        self.path = path
        self.set_aside: Path | None = None
        self._writer = writer
        self._connection = connection
        self._threads = ThreadPoolExecutor(READERS, f"read {path.name}")
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._is_closed = False

    @classmethod
    async def open(
        cls,
        path: Path,
        migrations: Path | list[Path],
        *,
        read_only: bool = False,
        upkeep: Upkeep | None = None,
        replaceable: bool = True,
    ) -> Database:
        """Open the file, made 0600 if there is none, in the schema of `migrations` (files, or their folder).

        A corrupt file is moved aside, and an empty one made, if it is `replaceable` (see `set_aside`);
        one that is not is used as far as SQLite can. `upkeep` decides when the log is moved into the file.
        Raises Damaged for a file that cannot be opened, is locked, or was made by a newer build.
        """
        if read_only:
            if not path.exists():
                raise Damaged(f"there is no database {path}", hint="start devopsclaw once; it makes it")
            return cls(path, None, None)
        files = migrations if isinstance(migrations, list) else migration_files(migrations)
        upkeep = upkeep or Checkpoints(path)
        opened, aside = await asyncio.to_thread(_open, path, files, upkeep, replaceable)
        database = cls(path, Writer(path, opened, upkeep), opened)
        database.set_aside = aside
        return database

    async def __aenter__(self) -> Database:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def trouble(self) -> Damaged | None:
        """Why the log could not be moved into the file; what was written is safe in the log."""
        return self._writer.trouble if self._writer else None

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run the work in the writer's thread; returns after COMMIT. What it raises undoes it alone.

        Raises Damaged where disk or file are the cause, for each unit of a batch that could not be committed.
        A caller that is cancelled while waiting is told so when the batch has ended, not before.
        """
        if self._writer is None:
            raise Damaged(f"{self.path} is open for reading only", hint="let the running core do the change")
        waiter: asyncio.Future[T] = self._writer.submit(work)
        cancelled: asyncio.CancelledError | None = None
        while not waiter.done():
            try:
                await asyncio.wait((waiter,))
            except asyncio.CancelledError as told:
                cancelled = told
        if cancelled:
            raise cancelled from waiter.exception()
        return waiter.result()

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run the work on a connection that cannot write; sees what was committed. Raises Damaged."""
        if self._is_closed:
            raise Damaged(f"{self.path} is closed", hint="devopsclaw is ending; start it again")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work)

    async def close(self) -> None:
        """Commit what waits, then close. Nothing is left open; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        keep_log = await self._writer.stop() if self._writer else False
        await asyncio.to_thread(self._close, keep_log)

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            connection = self._reader()
            try:
                return work(connection)
            finally:
                self._idle.put(connection)
        except sqlite.FAILURES as failed:
            if sqlite.is_about_file(failed):
                raise sqlite.damaged(self.path, failed) from failed
            raise

    def _reader(self) -> sqlite3.Connection:
        try:
            return self._idle.get_nowait()
        except Empty:
            return sqlite.connect_reader(self.path)

    def _close(self, keep_log: bool) -> None:
        """The connection closed last decides: a writer moves the log into the file, a reader cannot."""
        self._threads.shutdown()
        if keep_log and self._connection:
            self._close_writer_first(self._connection)
        while not self._idle.empty():
            self._idle.get_nowait().close()
        if self._connection:
            self._connection.close()

    def _close_writer_first(self, connection: sqlite3.Connection) -> None:
        try:
            reader = self._reader()
            self._idle.put(reader)
            reader.execute("SELECT 1 FROM sqlite_schema").fetchone()
        except sqlite.FAILURES as failed:
            if not sqlite.is_about_file(failed):
                raise
        connection.close()


def _open(
    path: Path, files: list[Path], upkeep: Upkeep, replaceable: bool
) -> tuple[sqlite3.Connection, Path | None]:
    try:
        try:
            return _open_once(path, files, upkeep, check=replaceable), None
        except sqlite.FAILURES as failed:
            if sqlite.code_of(failed) not in sqlite.CORRUPT or not replaceable:
                raise
        aside = _move_aside(path)
        return _open_once(path, files, upkeep, check=False), aside
    except (*sqlite.FAILURES, OSError) as failed:
        raise sqlite.damaged(path, failed) from failed


def _open_once(path: Path, files: list[Path], upkeep: Upkeep, *, check: bool) -> sqlite3.Connection:
    sqlite.create(path)
    connection: sqlite3.Connection | None = None
    is_ready = False
    try:
        connection = sqlite.connect_writer(path)
        migrate(connection, path, files)
        if check and path.stat().st_size <= CHECKED:
            _check(connection)
        upkeep.after_open(connection)
        is_ready = True
    finally:
        if connection and not is_ready:
            connection.close()
    return connection


def _check(connection: sqlite3.Connection) -> None:
    """Raises DatabaseError with SQLITE_CORRUPT where the file is not whole."""
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        corrupt = sqlite3.DatabaseError(verdict)
        corrupt.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise corrupt


def _move_aside(path: Path) -> Path:
    """Rename the file and what belongs to it; the evidence is kept. Returns the file's new path."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_name(f"{path.name}.damaged-{stamp}{suffix}"))
    return path.with_name(f"{path.name}.damaged-{stamp}")
