"""Whatever is changed in an audit log shows, and is named; the log itself goes on where it can."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.audit_home import copied, flip, opened, verified, write

from devopsclaw.core.audit_verify import Chain
from devopsclaw.model.audit import AuditFilter, Draft
from devopsclaw.model.errors import Damaged


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.one_of(st.integers(0, 4095), st.integers(0, 1 << 20)), bits=st.integers(1, 255))
def test_any_byte_of_the_file_that_was_changed_shows(
    written: Path, tmp_path: Path, position: int, bits: int
) -> None:
    home = copied(written, tmp_path / "home")
    flip(home / "audit" / "audit.db", position, bits)

    verification = asyncio.run(verified(home))

    assert verification.exit == 1
    assert verification.findings


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 1 << 20), bits=st.integers(1, 255), in_log=st.booleans())
def test_any_byte_of_a_log_with_entries_beside_it_that_was_changed_shows(
    written_beside: Path, tmp_path: Path, position: int, bits: int, in_log: bool
) -> None:
    home = copied(written_beside, tmp_path / "home")
    flip(home / "audit" / ("audit.db-wal" if in_log else "audit.db"), position, bits)

    assert asyncio.run(verified(home)).exit == 1


@pytest.mark.parametrize("position", [*range(100), 4096, 4097, 4100])
async def test_each_byte_of_the_header_that_was_changed_shows(
    written: Path, tmp_path: Path, position: int
) -> None:
    home = copied(written, tmp_path / "home")
    flip(home / "audit" / "audit.db", position, 0xFF)

    assert (await verified(home)).exit == 1


@pytest.mark.parametrize("word", [b"seq INTEGER", b"body TEXT", b"hash BLOB", b"number INTEGER", b"CREATE"])
async def test_a_schema_that_was_changed_shows_and_crashes_nothing(
    written: Path, tmp_path: Path, word: bytes
) -> None:
    home = copied(written, tmp_path / "home")
    path = home / "audit" / "audit.db"
    for position in range(len(word)):
        copied(written, home)
        flip(path, path.read_bytes().index(word) + position, 0x81)

        assert (await verified(home)).exit == 1


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 1 << 20), in_log=st.booleans(), length=st.integers(1, 5000))
def test_a_damaged_log_is_used_without_a_crash_and_stays_broken(
    written_beside: Path, tmp_path: Path, position: int, in_log: bool, length: int
) -> None:
    home = copied(written_beside, tmp_path / "home")
    path = home / "audit" / ("audit.db-wal" if in_log else "audit.db")
    content = bytearray(path.read_bytes())
    start = position % len(content)
    content[start : start + length] = bytes(byte ^ 0xA5 for byte in content[start : start + length])
    path.write_bytes(content)

    async def use() -> None:
        async with await opened(home) as log:
            for work in (log.append(Draft(user="maria", action="a.b", status="ok")), log.list(AuditFilter())):
                try:
                    await work
                except Damaged as refused:
                    assert refused.message
            assert (await log.verify()).exit == 1

    asyncio.run(use())
    assert asyncio.run(verified(home)).exit == 1


def edit(home: Path, *statements: str) -> None:
    """As somebody would who can write the file: the triggers go first."""
    connection = sqlite3.connect(home / "audit" / "audit.db", isolation_level=None)
    for trigger in ("updated", "deleted"):
        connection.execute(f"DROP TRIGGER entries_are_never_{trigger}")
    for statement in statements:
        connection.execute(statement)
    connection.close()


EDITS = {
    "edited body": (
        "edited",
        "E-5",
        ["UPDATE entries SET body = replace(body, 'user4', 'root') WHERE seq = 5"],
    ),
    "edited hash": ("edited", "E-5", ["UPDATE entries SET hash = zeroblob(32) WHERE seq = 5"]),
    "emptied body": ("edited", "E-5", ["UPDATE entries SET body = '{}' WHERE seq = 5"]),
    "deleted": ("missing", "E-5", ["DELETE FROM entries WHERE seq = 5"]),
    "deleted at the start": ("missing", "E-1", ["DELETE FROM entries WHERE seq < 4"]),
    "deleted at the end": ("truncated", "E-11", ["DELETE FROM entries WHERE seq > 10"]),
    "all deleted": ("truncated", "E-1", ["DELETE FROM entries"]),
    "inserted at the end": (
        "reordered",
        "E-13",
        ["INSERT INTO entries SELECT 13, body, hash FROM entries WHERE seq = 9"],
    ),
    "inserted at the start": (
        "inserted",
        "E--1",
        ["INSERT INTO entries SELECT -1, body, hash FROM entries WHERE seq = 9"],
    ),
    "swapped": (
        "reordered",
        "E-5",
        [
            "UPDATE entries SET seq = 100 WHERE seq = 5",
            "UPDATE entries SET seq = 5 WHERE seq = 6",
            "UPDATE entries SET seq = 6 WHERE seq = 100",
        ],
    ),
    "table dropped": ("unreadable", "E-1", ["DROP TABLE entries"]),
}


@pytest.mark.parametrize("name", EDITS)
async def test_what_was_edited_through_sqlite_is_named(written: Path, tmp_path: Path, name: str) -> None:
    kind, entry, statements = EDITS[name]
    home = copied(written, tmp_path / "home")
    edit(home, *statements)

    verification = await verified(home)

    assert verification.exit == 1
    kinds = {(finding.kind, finding.entry) for finding in verification.findings}
    if name == "table dropped":
        assert ("file_edited", "") in kinds
    else:
        first = verification.findings[0]
        assert (first.kind, first.entry) == (kind, entry)


def rewrite(home: Path, first: int, *, also: str = "") -> None:
    """The whole chain made anew from one entry on, with right hashes: only a signature shows it."""
    edit(
        home,
        f"UPDATE entries SET body = replace(body, 'fleet', 'FLEET') WHERE seq = {first}",
        *([also] if also else []),
    )
    connection = sqlite3.connect(home / "audit" / "audit.db", isolation_level=None)
    previous = bytes(32)
    for seq, body in connection.execute(
        "SELECT seq, CAST(body AS BLOB) FROM entries ORDER BY seq"
    ).fetchall():
        previous = hashlib.sha256(previous + body).digest()
        connection.execute("UPDATE entries SET hash = ? WHERE seq = ?", (previous, seq))
    connection.close()


async def test_a_chain_that_was_made_anew_does_not_fit_what_was_signed(written: Path, tmp_path: Path) -> None:
    home = copied(written, tmp_path / "home")
    rewrite(home, 3)

    verification = await verified(home)

    assert (verification.findings[0].kind, verification.findings[0].entry) == ("rewritten", "E-12")


async def test_an_entry_that_was_added_with_a_right_hash_is_named(written: Path, tmp_path: Path) -> None:
    home = copied(written, tmp_path / "home")
    rewrite(home, 100, also="INSERT INTO entries SELECT 13, body, hash FROM entries WHERE seq = 12")

    verification = await verified(home)

    assert (verification.findings[0].kind, verification.findings[0].entry) == ("inserted", "E-13")


async def test_a_change_does_not_become_right_by_going_on(written: Path, tmp_path: Path) -> None:
    home = copied(written, tmp_path / "home")
    rewrite(home, 3)

    for _ in range(3):
        await write(home, 2)

    verification = await verified(home)
    assert verification.exit == 1
    assert any(
        "changed from outside" in finding.message or "signed" in finding.message
        for finding in verification.findings
    )


async def test_a_damaged_entry_stands_in_the_list_as_such(written: Path, tmp_path: Path) -> None:
    home = copied(written, tmp_path / "home")
    path = home / "audit" / "audit.db"
    path.write_bytes(path.read_bytes().replace(b'"user":"user4"', b'"user":!user4"'))

    async with await opened(home) as log:
        entries = await log.list(AuditFilter())
        assert [entry.id for entry in entries if entry.status == "unreadable"] == ["E-5"]
        assert await log.list(AuditFilter(node="web-1")) == []


@settings(deadline=None, max_examples=200)
@given(
    data=st.data(), bodies=st.lists(st.binary(min_size=1, max_size=20), min_size=2, max_size=12, unique=True)
)
def test_no_edit_of_the_rows_leaves_the_chain_whole(data: st.DataObject, bodies: list[bytes]) -> None:
    rows = chained(bodies)
    anchors = {len(rows): rows[-1][2]}
    change: Callable[[list[tuple[int, bytes, bytes]]], list[tuple[int, bytes, bytes]]] = data.draw(
        st.sampled_from([dropped_first, dropped_last, doubled_last, swapped, changed_body, changed_hash])
    )

    whole, broken = Chain(), Chain()
    whole.follow(rows, anchors)
    broken.follow(change(rows), anchors)

    assert (whole.finding, whole.count) == (None, len(rows))
    assert broken.finding is not None or broken.count != len(rows)


def chained(bodies: list[bytes]) -> list[tuple[int, bytes, bytes]]:
    rows, previous = [], bytes(32)
    for seq, body in enumerate(bodies, 1):
        previous = hashlib.sha256(previous + body).digest()
        rows.append((seq, body, previous))
    return rows


def dropped_first(rows: list[tuple[int, bytes, bytes]]) -> list[tuple[int, bytes, bytes]]:
    return [(seq - 1, body, digest) for seq, body, digest in rows[1:]]


def dropped_last(rows: list[tuple[int, bytes, bytes]]) -> list[tuple[int, bytes, bytes]]:
    return rows[:-1]


def doubled_last(rows: list[tuple[int, bytes, bytes]]) -> list[tuple[int, bytes, bytes]]:
    return [*rows, (rows[-1][0] + 1, *rows[-1][1:])]


def swapped(rows: list[tuple[int, bytes, bytes]]) -> list[tuple[int, bytes, bytes]]:
    return [(1, *rows[1][1:]), (2, *rows[0][1:]), *rows[2:]]


def changed_body(rows: list[tuple[int, bytes, bytes]]) -> list[tuple[int, bytes, bytes]]:
    return [*rows[:-1], (rows[-1][0], rows[-1][1] + b"!", rows[-1][2])]


def changed_hash(rows: list[tuple[int, bytes, bytes]]) -> list[tuple[int, bytes, bytes]]:
    return [(rows[0][0], rows[0][1], bytes(32)), *rows[1:]]
