"""The audit log: appending, the newest entries of a long one, and verifying it, beside plain SQLite."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import time
from functools import partial
from pathlib import Path

import aiosqlite
from tests.bench import place
from tests.bench.measure import Bar, Judged, Line, Run, interleaved, milliseconds, timed

from devopsclaw.core.audit import AuditLog
from devopsclaw.core.clock import SystemClock
from devopsclaw.core.keys import Keys
from devopsclaw.model.audit import AuditFilter, Draft

WRITERS = 64
APPENDS, PEER_APPENDS = 64, 1000
"""Of each writer of ours; of the one-by-one peer."""
LENGTH, QUICK_LENGTH = 200_000, 30_000
"""Entries of the long log; the budget speaks of a million, so the line says how many it were."""
NEWEST = 50
ENTRY_BYTES = 277
"""Of one entry of ours as it is stored."""
PLAIN, READ = "aiosqlite one by one", "sqlite3, the same rows"
DRAFT = Draft(
    user="root", action="fleet.exec", target="role=web", status="ok", nodes={"ok": 7}, node_names="web-[1-7]"
)


async def measure(quick: bool) -> list[Line]:
    """Append, newest, verify."""
    rounds = 3 if quick else 5
    with place.temporary() as folder:
        async with await _log(folder / "audit") as log:
            contenders: dict[str, Run] = {
                "ours": partial(_append_rate, log),
                "plain": partial(_plain_rate, folder / "plain.db"),
            }
            appended = await interleaved(contenders, rounds)
        appending = Line(
            f"audit append, {WRITERS} writers",
            "rows/s",
            appended["ours"],
            appended["plain"],
            PLAIN,
            Bar(Judged.TIMES, at_least=4.0),
        )
        return [appending, *await _long(folder / "long", QUICK_LENGTH if quick else LENGTH, rounds)]


async def _long(folder: Path, length: int, rounds: int) -> list[Line]:
    async with await _log(folder) as log:
        for _ in range(length // 1000):
            await asyncio.gather(*(log.append(DRAFT) for _ in range(1000)))
        newest: dict[str, Run] = {
            "ours": partial(timed, partial(log.list, AuditFilter(limit=NEWEST))),
            "plain": partial(timed, partial(_plain_newest, folder / "audit.db")),
        }
        listed = await interleaved(newest, 10 * rounds)
        verifying: dict[str, Run] = {
            "ours": partial(_verify_rate, log, length),
            "plain": partial(_plain_verify_rate, folder / "audit.db", length),
        }
        verified = await interleaved(verifying, rounds)
    return [
        Line(
            f"audit, newest {NEWEST} of {length:,}",
            "ms",
            milliseconds(listed["ours"]),
            milliseconds(listed["plain"]),
            READ,
            Bar(Judged.ITSELF, at_most=1.0),
        ),
        Line(
            f"audit verify, {length:,} entries",
            "rows/s",
            verified["ours"],
            verified["plain"],
            "sqlite3 and hashlib",
            Bar(Judged.ITSELF, at_least=250_000),
        ),
    ]


async def _log(folder: Path) -> AuditLog:
    folder.mkdir(parents=True)
    return await AuditLog.open(folder, Keys(folder / "keys"), SystemClock())


async def _append_rate(log: AuditLog) -> float:
    async def write() -> None:
        for _ in range(APPENDS):
            await log.append(DRAFT)

    async def all_writers() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(WRITERS):
                group.create_task(write())

    return WRITERS * APPENDS / await timed(all_writers)


async def _plain_rate(path: Path) -> float:
    """Rows of the same size, chained, one COMMIT each, synchronous=FULL."""
    body = "x" * ENTRY_BYTES
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            await connection.execute(f"PRAGMA {pragma}")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS entries (seq INTEGER PRIMARY KEY, body TEXT, hash BLOB)"
        )

        async def write() -> None:
            previous = b""
            for _ in range(PEER_APPENDS):
                previous = hashlib.sha256(previous + body.encode()).digest()
                await connection.execute("INSERT INTO entries (body, hash) VALUES (?, ?)", (body, previous))

        return PEER_APPENDS / await timed(write)


async def _plain_newest(path: Path) -> None:
    def read() -> None:
        connection = sqlite3.connect(path)
        connection.execute(
            "SELECT seq, body, hash FROM entries ORDER BY seq DESC LIMIT ?", (NEWEST,)
        ).fetchall()
        connection.close()

    await asyncio.to_thread(read)


async def _verify_rate(log: AuditLog, length: int) -> float:
    begun = time.perf_counter()
    found = await log.verify()
    if found.exit:
        raise RuntimeError(f"the log of the measurement is not whole: {found.findings or found.unread}")
    return length / (time.perf_counter() - begun)


async def _plain_verify_rate(path: Path, length: int) -> float:
    """Read every row and hash it with the one before: no check can do less."""

    def read() -> None:
        connection, previous = sqlite3.connect(path), b""
        for body, _ in connection.execute("SELECT body, hash FROM entries ORDER BY seq"):
            previous = hashlib.sha256(previous + body.encode()).digest()
        connection.close()

    return length / await timed(partial(asyncio.to_thread, read))
