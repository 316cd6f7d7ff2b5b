"""The quick verification: what came after the newest checkpoint, in a moment, however long the log is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.core.audit_home import ENTRIES, opened, write

from devopsclaw.model.audit import Draft, Verification


async def tail_of(home: Path) -> Verification:
    """Write one more entry and look at the tail while the log is open."""
    async with await opened(home) as log:
        await log.append(Draft(user="maria", action="a.b", status="ok"))
        return await log.verify(tail_only=True)


def edit(home: Path, statement: str) -> None:
    """As somebody would who can write the file: the triggers go first."""
    with closing(sqlite3.connect(home / "audit" / "audit.db", isolation_level=None)) as connection:
        for trigger in ("updated", "deleted"):
            connection.execute(f"DROP TRIGGER entries_are_never_{trigger}")
        connection.execute(statement)


async def test_a_whole_log_is_whole_to_its_end(tmp_path: Path) -> None:
    await write(tmp_path)

    found = await tail_of(tmp_path)

    assert (found.exit, found.entries) == (0, ENTRIES + 1)


async def test_a_log_that_was_never_sealed_is_read_from_its_beginning(tmp_path: Path) -> None:
    found = await tail_of(tmp_path)

    assert (found.exit, found.entries) == (0, 1)


async def test_an_entry_after_the_checkpoint_that_was_edited_shows(tmp_path: Path) -> None:
    async with await opened(tmp_path) as log:
        await log.append(Draft(user="maria", action="a.b", status="ok"))
        edit(tmp_path, "UPDATE entries SET body = replace(body, 'maria', 'mario') WHERE seq = 1")

        found = await log.verify(tail_only=True)

    assert (found.exit, found.findings[0].kind, found.findings[0].entry) == (1, "edited", "E-1")


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (f"UPDATE entries SET hash = zeroblob(32) WHERE seq = {ENTRIES}", "edited"),
        (f"UPDATE entries SET body = replace(body, 'user', 'root') WHERE seq = {ENTRIES}", "edited"),
        (f"DELETE FROM entries WHERE seq = {ENTRIES}", "truncated"),
    ],
)
async def test_the_entry_that_was_signed_has_to_be_there(tmp_path: Path, statement: str, kind: str) -> None:
    await write(tmp_path)
    edit(tmp_path, statement)

    found = await tail_of(tmp_path)

    assert found.exit == 1
    assert kind in {each.kind for each in found.findings}
