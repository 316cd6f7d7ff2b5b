"""The audit log: the chain as it is written and read, and what happens when it cannot be written."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from devopsclaw.core import audit_seal, sqlite
from devopsclaw.core.audit import AuditLog
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.keys import Keys
from devopsclaw.model.audit import AuditFilter, Draft, Entry
from devopsclaw.model.errors import Damaged, NotFound
from devopsclaw.model.nodeset import fold

EVERYTHING = AuditFilter(limit=0)


async def opened(tmp_path: Path, clock: ManualClock | None = None) -> AuditLog:
    return await AuditLog.open(tmp_path / "audit", Keys(tmp_path / "keys"), clock or ManualClock())


def draft(user: str = "maria", action: str = "fleet.exec", **fields: object) -> Draft:
    return Draft.model_validate({"user": user, "action": action, "status": "ok", **fields})


async def test_an_entry_gets_the_next_number_and_is_there_after_opening_again(tmp_path: Path) -> None:
    async with await opened(tmp_path) as log:
        first = await log.append(draft(target="role=web", nodes={"ok": 2}, duration=0.5))
        second = await log.append(draft("tomas"))

    assert (first.seq, first.id, second.id) == (1, "E-1", "E-2")
    assert first.time == "2027-01-15T08:00:00.000Z"
    async with await opened(tmp_path) as log:
        assert await log.list(EVERYTHING) == [second, first]
        third = await log.append(draft())
        assert third.id == "E-3"


async def test_the_hash_goes_over_the_hash_before_and_the_bytes_that_are_stored(tmp_path: Path) -> None:
    async with await opened(tmp_path) as log:
        entries = [await log.append(draft(detail={"run": "echo ü \udcff"})) for _ in range(3)]

    connection = sqlite3.connect(tmp_path / "audit" / "audit.db")
    rows = connection.execute("SELECT body, hash FROM entries ORDER BY seq").fetchall()
    connection.close()

    previous = bytes(32)
    for entry, (body, stored) in zip(entries, rows, strict=True):
        assert Entry.model_validate(json.loads(body)) == entry
        assert json.dumps(json.loads(body), separators=(",", ":")) == body == entry.canonical()
        previous = hashlib.sha256(previous + body.encode()).digest()
        assert stored == previous


async def test_writers_at_once_make_one_unbroken_chain(tmp_path: Path) -> None:
    async with await opened(tmp_path) as log:
        entries = await asyncio.gather(*(log.append(draft(f"user{number}")) for number in range(200)))

        assert sorted(entry.seq for entry in entries) == list(range(1, 201))
        verification = await log.verify()
        assert (verification.exit, verification.entries, verification.findings) == (0, 200, ())


async def test_entries_are_found_by_user_action_node_and_time(tmp_path: Path) -> None:
    clock = ManualClock()
    names = fold(f"prod-web-{number}" for number in range(1, 8))
    async with await opened(tmp_path, clock) as log:
        await log.append(draft("maria", "fleet.exec", node_names=names))
        clock.advance(3600)
        await log.append(draft("tomas", "fleet.exec", node_names="db-1"))
        clock.advance(3600)
        await log.append(draft("maria", "node.remove", node_names="db-1,prod-web-3"))

        async def found(**wanted: object) -> list[str]:
            return [entry.id for entry in await log.list(AuditFilter.model_validate(wanted))]

        assert await found() == ["E-3", "E-2", "E-1"]
        assert await found(user="maria") == ["E-3", "E-1"]
        assert await found(action="fleet.exec") == ["E-2", "E-1"]
        assert await found(node="prod-web-3") == ["E-3", "E-1"]
        assert await found(node="prod-web") == []
        assert await found(since="2027-01-15T09:00:00.000Z") == ["E-3", "E-2"]
        assert await found(until="2027-01-15T09:00:00.000Z") == ["E-1"]
        assert await found(user="maria", node="db-1", limit=5) == ["E-3"]
        assert await found(limit=1) == ["E-3"]
        assert await found(before=3) == ["E-2", "E-1"]


async def test_fifty_entries_are_listed_unless_more_are_asked_for(tmp_path: Path) -> None:
    async with await opened(tmp_path) as log:
        await asyncio.gather(*(log.append(draft()) for _ in range(60)))

        assert len(await log.list(AuditFilter())) == 50
        assert len(await log.list(EVERYTHING)) == 60


async def test_one_entry_is_found_by_its_number(tmp_path: Path) -> None:
    async with await opened(tmp_path) as log:
        entry = await log.append(draft())

        found, digest = await log.find(1)

        assert found == entry
        assert digest == hashlib.sha256(bytes(32) + entry.canonical().encode()).hexdigest()
        with pytest.raises(NotFound, match="no audit entry E-2"):
            await log.find(2)


async def test_entries_cannot_be_changed_or_deleted_by_accident(tmp_path: Path) -> None:
    async with await opened(tmp_path) as log:
        await log.append(draft())
    connection = sqlite3.connect(tmp_path / "audit" / "audit.db")

    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        connection.execute("UPDATE entries SET body = '{}'")
    with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
        connection.execute("DELETE FROM entries")
    connection.close()


async def test_intents_without_outcome_are_known_after_a_crash(tmp_path: Path) -> None:
    async with await opened(tmp_path) as log:
        await log.append(draft(phase="intent", call="c0"))

    log = await opened(tmp_path)
    await log.append(draft(phase="intent", call="c1"))
    await log.append(draft(phase="intent", call="c2"))
    await log.append(draft(phase="outcome", call="c1"))
    assert [entry.call for entry in await log.unfinished()] == ["c2"]
    after_crash = crashed(tmp_path)
    await log.close()

    async with await opened(after_crash) as log:
        assert [entry.call for entry in await log.unfinished()] == ["c2"]


def crashed(tmp_path: Path) -> Path:
    """The files as they would be if the process were killed now."""
    copy = tmp_path / "crashed"
    for path in sorted(tmp_path.rglob("*")):
        if path.is_file() and copy not in path.parents and not path.name.endswith("-shm"):
            target = copy / path.relative_to(tmp_path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
            target.chmod(0o600)
    return copy


async def test_a_crash_loses_no_entry_and_is_no_failure(tmp_path: Path) -> None:
    async with await opened(tmp_path) as log:
        await log.append(draft())
    log = await opened(tmp_path)
    await asyncio.gather(*(log.append(draft()) for _ in range(20)))
    after_crash = crashed(tmp_path)
    await log.close()

    async with await opened(after_crash) as log:
        verification = await log.verify()
        assert (verification.exit, verification.entries) == (0, 21)
        assert (await log.append(draft())).id == "E-22"


async def test_a_crash_while_the_file_was_rewritten_is_said_and_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[Path] = []
    checkpoint = sqlite.checkpoint

    def killed_after(connection: sqlite3.Connection) -> bool:
        done = checkpoint(connection)
        copies.append(crashed(tmp_path))
        return done

    log = await opened(tmp_path)
    await log.append(draft())
    monkeypatch.setattr(sqlite, "checkpoint", killed_after)
    await log.close()
    monkeypatch.undo()

    async with await opened(copies[0]) as log:
        verification = await log.verify()
        assert (verification.exit, verification.entries) == (0, 1)
        assert verification.notes == ("unsealed since crash: rows verified by chain",)
        await log.append(draft())
    async with await opened(copies[0]) as log:
        verification = await log.verify()
        assert (verification.exit, verification.entries, verification.notes) == (0, 2, ())


async def test_a_full_disk_refuses_the_entry_and_the_chain_goes_on_from_what_is_on_disk(
    tmp_path: Path,
) -> None:
    async with await opened(tmp_path) as log:
        await log.append(draft())
        await limit_pages(log, 0)

        ended = await asyncio.gather(
            *(log.append(draft(detail={"run": "x" * 9000})) for _ in range(5)), return_exceptions=True
        )

        assert all(isinstance(each, Damaged) and "disk is full" in each.message for each in ended)
        assert [entry.id for entry in await log.list(EVERYTHING)] == ["E-1"]
        await limit_pages(log, 1_000_000)
        assert (await log.append(draft())).id == "E-2"
        assert (await log.verify()).exit == 0


async def limit_pages(log: AuditLog, pages: int) -> None:
    """SQLite's own limit stands in for the disk's: 0 allows not one page more than there are."""

    def limit(connection: sqlite3.Connection) -> None:
        (used,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages or used}")

    assert log._database is not None
    await log._database.write(limit)


async def test_checkpoints_are_signed_every_thousand_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_seal, "CHECKPOINT_ENTRIES", 10)
    async with await opened(tmp_path) as log:
        for _ in range(25):
            await log.append(draft())
        assert log.trouble is None

    names = sorted(path.name for path in (tmp_path / "audit" / "checkpoints").iterdir())
    assert names == ["000000000010.json", "000000000020.json"]
    async with await opened(tmp_path) as log:
        assert (await log.verify()).checkpoints == 2
        for _ in range(5):
            await log.append(draft())
    assert (tmp_path / "audit" / "checkpoints" / "000000000030.json").exists()


async def test_a_checkpoint_is_signed_after_a_quarter_of_an_hour(tmp_path: Path) -> None:
    clock = ManualClock()
    async with await opened(tmp_path, clock) as log:
        await log.append(draft())
        assert list((tmp_path / "audit" / "checkpoints").iterdir()) == []
        clock.advance(15 * 60)
        await log.append(draft())
        await log.append(draft())

    (checkpoint,) = (tmp_path / "audit" / "checkpoints").iterdir()
    assert checkpoint.name in ("000000000001.json", "000000000002.json")


async def test_looking_changes_no_byte(tmp_path: Path) -> None:
    async with await opened(tmp_path) as log:
        await log.append(draft())
    before = contents(tmp_path / "audit")

    async with await opened(tmp_path) as log:
        await log.list(EVERYTHING)
        await log.verify()

    assert contents(tmp_path / "audit") == before


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a_large_log_keeps_what_is_new_beside_it_and_seals_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_seal, "SMALL", 0)
    async with await opened(tmp_path) as log:
        await log.append(draft())
    main = (tmp_path / "audit" / "audit.db").read_bytes()
    assert (tmp_path / "audit" / "audit.db-wal").stat().st_size > 0

    async with await opened(tmp_path) as log:
        await log.append(draft())
        assert (await log.verify()).findings == ()

    assert (tmp_path / "audit" / "audit.db").read_bytes() == main
    async with await opened(tmp_path) as log:
        verification = await log.verify()
        assert (verification.exit, verification.entries) == (0, 2)


async def test_a_long_log_is_moved_and_sealed_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_seal, "LONG_LOG", 50_000)
    async with await opened(tmp_path) as log:
        for _ in range(30):
            await log.append(draft(detail={"run": "x" * 2000}))

        assert log.trouble is None
        assert (tmp_path / "audit" / "audit.db").stat().st_size > 50_000
        verification = await log.verify()
        assert (verification.exit, verification.entries, verification.notes) == (0, 30, ())


async def test_a_closed_log_says_so(tmp_path: Path) -> None:
    log = await opened(tmp_path)
    await log.close()
    await log.close()

    with pytest.raises(Damaged, match="closed"):
        await log.append(draft())
    assert (await log.verify()).exit == 2


WRITER = """
import asyncio, pathlib, sys
from devopsclaw.core.audit import AuditLog
from devopsclaw.core.clock import SystemClock
from devopsclaw.core.keys import Keys
from devopsclaw.model.audit import Draft

async def main():
    home = pathlib.Path(sys.argv[1])
    log = await AuditLog.open(home / "audit", Keys(home / "keys"), SystemClock())
    async def write():
        while True:
            entry = await log.append(Draft(user="maria", action="fleet.exec", status="ok"))
            print(entry.seq, flush=True)
    await asyncio.gather(*(write() for _ in range(8)))

asyncio.run(main())
"""


async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(200)]
        process.kill()
        acknowledged += [
            int(line) for line in process.stdout.read().splitlines(keepends=True) if line[-1] == "\n"
        ]
        process.wait()
        process.stdout.close()

        async with await opened(tmp_path) as log:
            verification = await log.verify()
            assert (verification.exit, verification.findings) == (0, ())
            assert verification.entries >= max(acknowledged)


async def test_a_log_that_cannot_be_written_any_more_says_how_to_go_on(tmp_path: Path) -> None:
    async with await opened(tmp_path) as log:
        await log.append(draft())
    (tmp_path / "audit" / "audit.db").write_bytes(b"overwritten" * 1000)

    async with await opened(tmp_path) as log:
        with pytest.raises(Damaged, match="no database any more") as refused:
            await log.append(draft())
        assert "move the folder audit/ aside and keep it" in refused.value.hint
        verification = await log.verify()
        assert verification.exit == 1
        assert {finding.kind for finding in verification.findings} == {"unreadable", "file_edited"}
