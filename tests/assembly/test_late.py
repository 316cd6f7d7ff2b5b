"""The audit trail after a crash: every intent gets an outcome, from the run's log or as unknown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devopsclaw.assembly.late import close_cut_off, record_late
from devopsclaw.core.audit import AuditLog
from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.db import Database
from devopsclaw.core.keys import Keys
from devopsclaw.core.paths import PACKAGE
from devopsclaw.core.runs import Event, RunLog
from devopsclaw.fleet.evidence import answers_of, evidence_of
from devopsclaw.model.audit import AuditFilter, Draft, Entry
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect

PLAN = Plan(operation="fleet.exec", effect=Effect.WRITE, target="env=prod", nodes=("a1", "a2"), run="true")
READ = PLAN.model_copy(update={"effect": Effect.READ, "run": "uptime"})
SENT: list[Event] = [("sent", name, {"not_before": 0.0}) for name in PLAN.nodes]
INTENT = Draft(
    user="maria", action="fleet.exec", target="env=prod", status="planned", call="c1", phase="intent"
)


class House:
    """An audit log and a run log."""

    def __init__(self, audit: AuditLog, database: Database, clock: ManualClock) -> None:
        self.audit = audit
        self.database = database
        self.clock = clock
        self.log = RunLog(database, clock)
        self.bus = Bus()

    async def lock_runs(self) -> None:
        """Nothing can be changed in the log of runs any more."""
        await self.database.write(lambda connection: connection.execute("PRAGMA query_only = ON").fetchall())

    async def run(self, entry: str, plan: Plan = PLAN, body: dict[str, Any] | None = None) -> str:
        """A run of the call c1."""
        return await self.log.create(
            call="c1",
            entry=entry,
            plan_json=plan.model_dump_json(),
            nodes=[("a1", "n_1", "1" * 32), ("a2", "n_2", "2" * 32)],
            body=body or {"user": "maria", "via": "cli"},
        )

    async def end(self, run: str, second: str = "ok") -> None:
        """a1 ended well; a2 in this state."""
        states = {"a1": "ok", "a2": second}
        ended: list[Event] = [
            ("ended", name, {"status": state, "reason": ""}) for name, state in states.items()
        ]
        await self.log.append(run, [*SENT, *ended])

    async def entries(self) -> list[Entry]:
        """All entries, oldest first."""
        return (await self.audit.list(AuditFilter()))[::-1]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    clock = ManualClock()
    migrations = PACKAGE / "core" / "migrations" / "core"
    async with await AuditLog.open(tmp_path / "audit", Keys(tmp_path / "keys"), clock) as audit:
        async with await Database.open(tmp_path / "core.db", migrations) as database:
            yield House(audit, database, clock)


async def test_the_end_of_a_run_that_was_left_is_the_outcome_of_its_call(house: House) -> None:
    intent = await house.audit.append(INTENT)
    run = await house.run(intent.id)
    await house.end(run, "failed")
    await house.log.finish(run, 1, "failed", 0.0)

    await record_late(house.audit, house.log, house.bus, run)

    outcome = (await house.entries())[-1]
    assert (outcome.phase, outcome.status, outcome.call) == ("outcome", "failed", "c1")
    assert (outcome.user, outcome.target, outcome.nodes) == ("maria", "env=prod", {"ok": 1, "failed": 1})
    assert (outcome.node_names, outcome.digest) == ("a[1-2]", PLAN.digest)
    found, events = await house.log.find(run), await house.log.events(run)
    assert (outcome.detail["intent"], outcome.detail["job"]) == (intent.id, run)
    assert outcome.detail["evidence"] == evidence_of(answers_of(found, events))
    assert (await house.log.find(run)).entry == intent.id


async def test_it_lasted_as_long_as_its_nodes_ran_and_not_until_somebody_looked(house: House) -> None:
    run = await house.run("E-1")
    begun = house.clock.now
    house.clock.advance(9000)
    await house.end(run)
    await house.log.finish(run, 0, "ok", begun + 12.5)

    await record_late(house.audit, house.log, house.bus, run)

    assert (await house.entries())[-1].duration == 12.5


async def test_what_is_unknown_has_no_duration(house: House) -> None:
    run = await house.run("E-1")
    await house.end(run, "unknown")
    await house.log.finish(run, 7, "unknown", house.clock.now + 5)

    await record_late(house.audit, house.log, house.bus, run)

    (outcome,) = await house.entries()
    assert (outcome.status, outcome.duration) == ("unknown", None)


async def test_the_end_of_a_read_that_was_left_is_its_one_entry_and_its_run_names_it(house: House) -> None:
    run = await house.run("", READ)
    await house.end(run)
    await house.log.finish(run, 0, "ok", 0.0)

    await record_late(house.audit, house.log, house.bus, run)

    (entry,) = await house.entries()
    assert (entry.phase, entry.status, entry.detail["run"]) == ("single", "ok", "uptime")
    assert "intent" not in entry.detail
    assert (await house.log.find(run)).entry == entry.id


async def test_a_read_that_was_unknown_gets_one_more_entry_with_the_truth(house: House) -> None:
    run = await house.run("", READ)
    for code, word in ((7, "unknown"), (0, "ok")):
        await house.log.finish(run, code, word, 0.0)
        await record_late(house.audit, house.log, house.bus, run)

    first, truth = await house.entries()
    assert [(entry.phase, entry.status) for entry in (first, truth)] == [
        ("single", "unknown"),
        ("single", "ok"),
    ]
    assert (await house.log.find(run)).entry == first.id


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
        await record_late(house.audit, house.log, house.bus, run)
        await close_cut_off(house.audit, house.log, house.bus)

    assert "is not in the audit log" in told.drain()[0].text


async def test_a_run_that_cannot_name_its_entry_is_said(house: House) -> None:
    run = await house.run("", READ)
    await house.log.finish(run, 0, "ok", 0.0)
    await house.lock_runs()

    with house.bus.subscribe() as told:
        await record_late(house.audit, house.log, house.bus, run)

    (entry,) = await house.entries()
    assert f"{run} does not name its audit entry {entry.id}" in told.drain()[0].text


async def test_an_intent_whose_run_was_closed_gets_its_outcome_from_there(house: House) -> None:
    intent = await house.audit.append(INTENT)
    run = await house.run(intent.id)
    await house.end(run, "failed")
    await house.log.finish(run, 1, "failed", house.clock.now + 3)

    await close_cut_off(house.audit, house.log, house.bus)
    await close_cut_off(house.audit, house.log, house.bus)

    (_, outcome) = await house.entries()
    assert (outcome.phase, outcome.status, outcome.nodes) == ("outcome", "failed", {"ok": 1, "failed": 1})
    assert (outcome.duration, outcome.detail["evidence"][:7]) == (3.0, "sha256:")


async def test_a_late_outcome_says_through_what_and_whose_call_it_was(house: House) -> None:
    body = {"user": "maria", "via": "cli", "model": "model", "parent": "c0", "demo": True}
    run = await house.run("E-1", body=body)
    await house.end(run)
    await house.log.append(run, [("settled", "a2", {"status": "ok", "reason": "seen", "by": "tomas"})])
    await house.log.finish(run, 0, "ok", 0.0)

    await record_late(house.audit, house.log, house.bus, run)

    (outcome,) = await house.entries()
    assert (outcome.door, outcome.via, outcome.parent, outcome.demo) == ("cli", "model", "c0", True)
    assert outcome.detail["settled"] == {"a2": "tomas"}


async def test_a_read_that_was_closed_and_never_put_on_record_is_at_the_next_start(house: House) -> None:
    run = await house.run("", READ)
    await house.end(run)
    await house.log.finish(run, 0, "ok", 0.0)

    await close_cut_off(house.audit, house.log, house.bus)
    await close_cut_off(house.audit, house.log, house.bus)

    (entry,) = await house.entries()
    assert (entry.phase, entry.status, (await house.log.find(run)).entry) == ("single", "ok", entry.id)


async def test_a_read_that_is_on_record_and_whose_run_does_not_say_so_gets_no_second_entry(
    house: House,
) -> None:
    run = await house.run("", READ)
    await house.log.finish(run, 0, "ok", 0.0)
    written = await house.audit.append(INTENT.model_copy(update={"phase": "single", "status": "ok"}))

    await close_cut_off(house.audit, house.log, house.bus)

    assert [entry.id for entry in await house.entries()] == [written.id]
    assert (await house.log.find(run)).entry == written.id
