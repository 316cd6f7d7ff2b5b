"""Whatever is changed in an audit log shows, and is named; the log itself goes on where it can."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devopsclaw.core import audit_seal
from devopsclaw.core.audit import AuditLog
from devopsclaw.core.audit_verify import Chain
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.keys import Keys
from devopsclaw.model.audit import AuditFilter, Draft, Verification
from devopsclaw.model.errors import Damaged

ENTRIES = 12


async def opened(home: Path) -> AuditLog:
    return await AuditLog.open(home / "audit", Keys(home / "keys"), ManualClock())


async def write(home: Path, count: int = ENTRIES) -> None:
    async with await opened(home) as log:
        for number in range(count):
            await log.append(Draft(user=f"user{number}", action="fleet.exec", status="ok"))


async def verified(home: Path) -> Verification:
    async with await opened(home) as log:
        return await log.verify()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that was closed cleanly, all in the main file."""
    home = tmp_path_factory.mktemp("written")
    asyncio.run(write(home))
    return home


@pytest.fixture(scope="module")
def written_beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that was closed cleanly with entries still in the file beside it."""
    home = tmp_path_factory.mktemp("beside")
    asyncio.run(write(home, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit_seal, "SMALL", 0)
        asyncio.run(write(home))
    assert (home / "audit" / "audit.db-wal").stat().st_size > 0
    return home


def copied(home: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(home, target)
    return target


def flip(path: Path, position: int, bits: int) -> None:
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= bits
    path.write_bytes(content)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 1 << 20), bits=st.integers(1, 255))
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


async def test_a_change_of_free_space_does_not_become_right_by_going_on(
    written: Path, tmp_path: Path
) -> None:
    home = copied(written, tmp_path / "home")
    path = home / "audit" / "audit.db"
    free = path.read_bytes().rindex(bytes(64))
    flip(path, free, 1)

    await write(home, 2)
    await write(home, 2)

    verification = await verified(home)
    assert verification.entries == ENTRIES + 4
    assert [finding.kind for finding in verification.findings] == ["file_edited"]
    assert "changed from outside, found at 2027-01-15" in verification.findings[0].message


async def test_entries_that_were_cut_off_are_missed_and_their_numbers_not_given_again(
    written_beside: Path, tmp_path: Path
) -> None:
    home = copied(written_beside, tmp_path / "home")
    (home / "audit" / "audit.db-wal").unlink()

    async with await opened(home) as log:
        assert {finding.kind for finding in log.found} == {"file_edited", "truncated"}
        assert (await log.verify()).findings[0].entry == "E-4"
        entry = await log.append(Draft(user="maria", action="a.b", status="ok"))

    assert entry.id == f"E-{3 + ENTRIES + 1}"
    first = (await verified(home)).findings[0]
    assert (first.kind, first.entry, first.message) == ("missing", "E-4", "E-4 to E-15 is not there")


async def test_a_damaged_log_file_is_kept_as_evidence(written_beside: Path, tmp_path: Path) -> None:
    home = copied(written_beside, tmp_path / "home")
    beside = home / "audit" / "audit.db-wal"
    flip(beside, 3, 0xFF)
    damaged = beside.read_bytes()

    await write(home, 1)

    (kept,) = (home / "audit").glob("audit.db-wal.damaged-*")
    assert kept.read_bytes() == damaged


async def test_a_deleted_database_is_missed(written: Path, tmp_path: Path) -> None:
    home = copied(written, tmp_path / "home")
    (home / "audit" / "audit.db").unlink()

    verification = await verified(home)

    assert verification.exit == 1
    assert (verification.findings[0].kind, verification.findings[0].entry) == ("truncated", "E-1")


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"signed": "{}", "public": "", "signature": "zz"}'])
async def test_a_missing_or_forged_seal_is_named(
    written: Path, tmp_path: Path, content: bytes | None
) -> None:
    home = copied(written, tmp_path / "home")
    seal = home / "audit" / "seal.json"
    seal.unlink()
    if content is not None:
        seal.write_bytes(content)

    assert [finding.kind for finding in (await verified(home)).findings] == ["forged_seal"]
    await write(home, 1)
    assert (await verified(home)).exit == 1


async def test_a_seal_of_another_key_is_forged(written: Path, tmp_path: Path) -> None:
    home = copied(written, tmp_path / "home")
    (home / "keys" / "audit.pem").unlink()

    (finding,) = (await verified(home)).findings

    assert (finding.kind, finding.message) == ("forged_seal", "seal.json was signed with another key")


async def test_a_forged_checkpoint_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_seal, "CHECKPOINT_ENTRIES", 5)
    await write(tmp_path)
    checkpoint = tmp_path / "audit" / "checkpoints" / "000000000005.json"
    checkpoint.write_text(checkpoint.read_text().replace('\\"seq\\":5', '\\"seq\\":4'))

    (finding,) = (await verified(tmp_path)).findings

    assert (finding.kind, finding.entry) == ("forged_checkpoint", "E-5")
    assert finding.message == "000000000005.json was changed after it was signed"


async def test_a_checkpoint_shows_what_an_older_seal_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_seal, "CHECKPOINT_ENTRIES", 5)
    await write(tmp_path, 4)
    older = tmp_path / "older"
    shutil.copytree(tmp_path / "audit", older)
    await write(tmp_path, 4)
    for path in (older / "audit.db", older / "seal.json"):
        shutil.copy(path, tmp_path / "audit" / path.name)

    (finding,) = (await verified(tmp_path)).findings

    assert (finding.kind, finding.entry) == ("truncated", "E-5")


async def test_a_log_that_cannot_be_opened_is_not_called_broken(written: Path, tmp_path: Path) -> None:
    home = copied(written, tmp_path / "home")
    path = home / "audit" / "audit.db"
    path.unlink()
    path.symlink_to(path)

    verification = await verified(home)

    assert (verification.exit, verification.findings) == (2, ())
    assert "symbolic links" in verification.unread


async def test_a_log_whose_folder_is_none_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file")

    async with await opened(tmp_path) as log:
        verification = await log.verify()
        assert verification.exit == 2
        assert "audit" in verification.unread
        with pytest.raises(Damaged, match="the audit log cannot be used"):
            await log.append(Draft(user="maria", action="a.b", status="ok"))
        with pytest.raises(Damaged, match="the audit log cannot be used"):
            await log.list(AuditFilter())


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
