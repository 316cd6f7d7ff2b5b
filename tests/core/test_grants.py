"""The roles that were given outlive the process that gave them, and count only once they are on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devopsclaw.core.clock import ManualClock
from devopsclaw.core.db import Database
from devopsclaw.core.grants import Grant, Grants
from devopsclaw.core.paths import PACKAGE
from devopsclaw.core.rbac import Role
from devopsclaw.model.errors import Damaged, NotFound

MIGRATIONS = PACKAGE / "core" / "migrations" / "core"
NOW = 1_800_000_000.0


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "core.db", MIGRATIONS) as opened:
        yield opened


@pytest.fixture
async def grants(database: Database) -> Grants:
    return await Grants.open(database, ManualClock(NOW))


async def test_nobody_has_a_role_at_first(grants: Grants) -> None:
    assert grants.all() == [] and grants.roles == {}


async def test_a_grant_is_there_after_a_restart(grants: Grants, database: Database) -> None:
    given = await grants.give("maria", Role.OPERATOR, "root")

    again = await Grants.open(database, ManualClock())
    assert again.all() == [given] == [Grant("maria", Role.OPERATOR, "root", NOW)]
    assert again.roles == {"maria": Role.OPERATOR}


async def test_a_second_grant_takes_the_place_of_the_first(grants: Grants) -> None:
    await grants.give("maria", Role.ADMIN, "root")
    await grants.give("maria", Role.VIEWER, "root")

    assert [(each.who, each.role) for each in grants.all()] == [("maria", Role.VIEWER)]


async def test_whoever_judges_by_the_roles_sees_each_change_at_once(grants: Grants) -> None:
    held = grants.roles

    await grants.give("maria", Role.VIEWER, "root")
    assert held == {"maria": Role.VIEWER}
    await grants.take("maria")
    assert held == {}


async def test_a_role_that_was_taken_is_gone_after_a_restart(grants: Grants, database: Database) -> None:
    await grants.give("maria", Role.VIEWER, "root")
    await grants.take("maria")

    assert (await Grants.open(database, ManualClock())).all() == []
    with pytest.raises(NotFound, match="maria has no role here"):
        await grants.take("maria")


async def test_a_grant_that_cannot_be_written_gives_nothing(
    grants: Grants, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await grants.give("vic", Role.ADMIN, "root")

    async def full(work: object) -> None:
        raise Damaged("the disk is full")

    monkeypatch.setattr(database, "write", full)
    with pytest.raises(Damaged):
        await grants.give("maria", Role.ADMIN, "root")
    with pytest.raises(Damaged):
        await grants.take("vic")

    assert grants.roles == {"vic": Role.ADMIN}
    assert [each.who for each in grants.all()] == ["vic"]


async def test_the_database_takes_no_role_that_there_is_not(database: Database) -> None:
    def write(writer: sqlite3.Connection) -> None:
        writer.execute("INSERT INTO grants VALUES ('maria', 'god', 'root', 0)")

    with pytest.raises(sqlite3.IntegrityError):
        await database.write(write)
