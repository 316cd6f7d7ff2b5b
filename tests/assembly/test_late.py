"""The audit trail after a crash: every intent gets an outcome, from the run's log or as unknown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devopsclaw.assembly.late import close_cut_off, record_late
from devopsclaw.core.audit import AuditLog
from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.db import Database
from devopsclaw.core.keys import Keys
from devopsclaw.core.paths import PACKAGE
from devopsclaw.core.runs import RunLog
from devopsclaw.model.audit import AuditFilter, Draft, Entry
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect

PLAN = Plan(operation="fleet.exec", effect=Effect.WRITE, target="env=prod", nodes=("a1", "a2"), run="true")
INTENT = Draft(
    user="maria", action="fleet.exec", target="env=prod", status="planned", call="c1", phase="intent"
)


class House:
    """An audit log and a run log."""

    def __init__(self, audit: AuditLog, log: RunLog) -> None:
        self.audit = audit
        self.log = log
        self.bus = Bus()

    async def run(self, entry: str) -> str:
        """A run of the call c1."""
        return await self.log.create(
            call="c1",
            entry=entry,
            plan_json=PLAN.model_dump_json(),
            nodes=[("a1", "n_1", "1" * 32), ("a2", "n_2", "2" * 32)],
            body={"user": "maria", "via": "cli"},
        )

    async def entries(self) -> list[Entry]:
        """All entries, oldest first."""
        return (await self.audit.list(AuditFilter()))[::-1]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    clock = ManualClock()
    migrations = PACKAGE / "core" / "migrations" / "core"
    async with await AuditLog.open(tmp_path / "audit", Keys(tmp_path / "keys"), clock) as audit:
        async with await Database.open(tmp_path / "core.db", migrations) as database:
            yield House(audit, RunLog(database, clock))


async def test_the_end_of_a_run_that_was_left_is_the_outcome_of_its_call(house: House) -> None:
    intent = await house.audit.append(INTENT)
    run = await house.run(intent.id)
    await house.log.finish(run, 1)

    await record_late(house.audit, house.log, house.bus, run, 1, {"ok": 1, "failed": 1})

    outcome = (await house.entries())[-1]
    assert (outcome.phase, outcome.status, outcome.call) == ("outcome", "failed", "c1")
    assert (outcome.user, outcome.target, outcome.nodes) == ("maria", "env=prod", {"ok": 1, "failed": 1})
    assert (outcome.node_names, outcome.digest, outcome.detail["intent"]) == (
        "a[1-2]",
        PLAN.digest,
        intent.id,
    )


async def test_the_end_of_a_read_that_was_left_is_its_one_entry(house: House) -> None:
    run = await house.run("")
    await house.log.finish(run, 0)

    await record_late(house.audit, house.log, house.bus, run, 0, {"ok": 2})

    assert [(entry.phase, entry.status) for entry in await house.entries()] == [("single", "ok")]


async def test_an_intent_that_came_to_no_run_ends_unknown(house: House) -> None:
    intent = await house.audit.append(INTENT)

    await close_cut_off(house.audit, house.log, house.bus)
    await close_cut_off(house.audit, house.log, house.bus)

    told = [(entry.phase, entry.status) for entry in await house.entries()]
    assert told == [("intent", "planned"), ("outcome", "unknown")]
    assert (await house.entries())[-1].detail["intent"] == intent.id


async def test_an_intent_whose_run_is_open_waits_for_its_end(house: House) -> None:
    intent = await house.audit.append(INTENT)
    await house.run(intent.id)

    await close_cut_off(house.audit, house.log, house.bus)

    assert [entry.phase for entry in await house.entries()] == ["intent"]


async def test_a_log_that_cannot_be_written_is_said_and_stops_nothing(house: House) -> None:
    run = await house.run("")
    await house.audit.close()

    with house.bus.subscribe() as told:
        await record_late(house.audit, house.log, house.bus, run, 0, {})
        await close_cut_off(house.audit, house.log, house.bus)

    assert "is not in the audit log" in told.drain()[0].text


async def test_an_intent_whose_run_was_closed_gets_its_outcome_from_there(house: House) -> None:
    intent = await house.audit.append(INTENT)
    run = await house.run(intent.id)
    ended = [("ended", "a1", {"status": "ok"}), ("ended", "a2", {"status": "failed"})]
    await house.log.append(run, ended)
    await house.log.finish(run, 1)

    await close_cut_off(house.audit, house.log, house.bus)
    await close_cut_off(house.audit, house.log, house.bus)

    (_, outcome) = await house.entries()
    assert (outcome.phase, outcome.status, outcome.nodes) == ("outcome", "failed", {"ok": 1, "failed": 1})
