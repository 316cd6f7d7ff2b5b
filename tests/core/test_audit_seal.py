"""Seals and checkpoints of the audit files: missing, forged, or of another time than the files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.core.audit_home import ENTRIES, copied, flip, opened, verified, write

from devopsclaw.core import audit_seal
from devopsclaw.model.audit import AuditFilter, Draft
from devopsclaw.model.errors import Damaged


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
