"""Jobs that wait for a person, through the whole product: watched, gone on with, left, and settled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.assembly.small_town import PATIENCE, Town, drop, eventually, small_town, start_run
from tests.ops.conftest import MakeGate
from tests.ops.left_jobs import starts, waiting

from devopsclaw.boot import LinksAre
from devopsclaw.core.door import LocalDoor, os_user
from devopsclaw.core.operation import Operation
from devopsclaw.model.call import Actor, Consent
from devopsclaw.model.errors import ApprovalNeeded, BadParams, Denied, NotFound
from devopsclaw.model.events import Warned
from devopsclaw.model.interest import Interest
from devopsclaw.ops.jobs import resume_job, settle_job


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Town]:
    """A home whose fleet is this machine."""
    async with small_town(tmp_path) as opened:
        yield opened


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Two web servers and their relay."""
    async with small_town(tmp_path, "web-1", "web-2") as opened:
        yield opened


async def half_done(town: Town, command: str) -> str:
    """A serial run whose core died while its first node was at it."""
    async with town.core() as door:
        task, run = await start_run(door, command, target="web-*", serial=True)
        await drop(task)
    return run


async def phases(door: LocalDoor, action: str) -> list[tuple[str, str]]:
    """What the audit trail has of this operation, oldest first."""
    entries = (await door.run("audit.list", {"action": action})).items
    return [(entry.phase, entry.status) for entry in reversed(entries)]


async def test_watching_starts_nothing_and_says_that_it_is_paused(town: Town, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    run = await half_done(town, waiting(marker))
    marker.touch()

    async with town.core() as door:
        ran = await door.run("jobs.watch", {"run": run})
        listed = await door.run("jobs.list", {})
        shown = await door.run("jobs.show", {"run": run})

    assert [item.status for item in ran.items] == ["ok", "pending"]
    assert (ran.status, ran.exit, starts(marker)) == ("paused", 12, 1)
    hint = f"{run} waits for a person: devopsclaw jobs resume {run}"
    assert [result.hint for result in (ran, listed, shown)] == [hint] * 3
    assert (listed.items[0].status, shown.status, shown.exit) == ("paused", "paused", 0)


async def test_a_person_goes_on_with_it(town: Town, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    run = await half_done(town, waiting(marker))
    marker.touch()

    async with town.core() as door:
        await town.all_online(door, "web-1", "web-2")
        plan = await door.run("jobs.resume", {"run": run, "reason": "it is time"}, dry_run=True)
        ran = await door.run("jobs.resume", {"run": run, "reason": "it is time"})
        again = await door.run("jobs.resume", {"run": run}, dry_run=True)
        resumed, first = await phases(door, "jobs.resume"), await phases(door, "fleet.exec")

    assert (plan.nodes, plan.effect, plan.target) == (("web-2",), "write", run)
    assert (plan.run, plan.reason) == (waiting(marker), "it is time")
    assert plan.steps[0].startswith("one node at a time")
    assert (ran.counts, ran.status, ran.exit, starts(marker)) == ({"ok": 2}, "ok", 0, 2)
    assert (again.nodes, again.effect) == ((), "read")
    assert resumed == [("intent", "planned"), ("outcome", "ok")]
    assert first == [("intent", "planned"), ("outcome", "detached"), ("outcome", "ok")]


async def test_going_on_needs_the_yes_that_its_own_plan_needs(town: Town, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with town.core() as door:
        for name in ("web-1", "web-2"):
            await door.run("node.register", {"name": name, "tags": ["env=prod"]})
        command = {"command": f"reboot --help {waiting(marker)}", "target": "web-*", "serial": True}
        asked = door.run("fleet.exec", command, consent=Consent("prod:2"))
        task = asyncio.ensure_future(asked)
        await eventually(lambda: Path(f"{marker}.starts").exists(), "its start")
        await drop(task)
    marker.touch()

    async with town.core() as door:
        await door.run("jobs.watch", {"run": "X-1"})
        with pytest.raises(ApprovalNeeded) as needed:
            await door.run("jobs.resume", {"run": "X-1"})

    assert (needed.value.risk, needed.value.phrase) == ("critical", "prod:1")


async def test_going_on_can_be_left_at_once(town: Town, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    run = await half_done(town, waiting(marker))

    async with town.core() as door:
        await town.all_online(door, "web-1", "web-2")
        left = await door.run("jobs.resume", {"run": run, "detach": True})
        marker.touch()
        ran = await door.run("jobs.watch", {"run": run})
        resumed = await phases(door, "jobs.resume")

    assert (left.status, left.exit, left.hint) == (
        "running",
        8,
        f"{run} goes on: devopsclaw jobs watch {run}",
    )
    assert (ran.counts, starts(marker)) == ({"ok": 2}, 2)
    assert resumed == [("intent", "planned"), ("outcome", "detached")]


async def test_a_core_that_stays_goes_on_by_itself(town: Town, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    run = await half_done(town, waiting(marker))
    marker.touch()

    async with town.core(LinksAre.WANTED) as door:
        async with asyncio.timeout(PATIENCE):
            while (shown := await door.run("jobs.show", {"run": run})).status != "ok":
                await asyncio.sleep(0.01)

    assert (shown.counts, starts(marker)) == ({"ok": 2}, 2)


async def test_a_core_that_stays_asks_a_person_about_what_is_old(town: Town, tmp_path: Path) -> None:
    town.configure(fleet={"resume_within": 0})
    marker = tmp_path / "marker"
    run = await half_done(town, waiting(marker))
    marker.touch()

    async with town.core(LinksAre.WANTED) as door:
        with door.events(Interest.of(Warned)) as told:
            async with asyncio.timeout(PATIENCE):
                while f"{run} waits for a person" not in (await told.next()).text:
                    pass
        ran = await door.run("jobs.watch", {"run": run})

    assert (ran.status, [item.status for item in ran.items]) == ("paused", ["ok", "pending"])


async def test_a_run_that_is_left_at_once_has_one_outcome_when_it_ends(home: Town, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with home.core() as door:
        left = await door.run("fleet.exec", {"command": waiting(marker), "detach": True})
        before = await phases(door, "fleet.exec")
        marker.touch()
        ran = await door.run("jobs.watch", {"run": left.run})
        after = await phases(door, "fleet.exec")

    assert (left.status, left.exit, left.run) == ("running", 8, "X-1")
    assert left.hint == "X-1 goes on: devopsclaw jobs watch X-1"
    assert (ran.status, starts(marker)) == ("ok", 1)
    assert before == [("intent", "planned")]
    assert after == [("intent", "planned"), ("outcome", "ok")]


async def test_a_read_that_is_left_at_once_has_its_one_entry_when_it_ends(home: Town) -> None:
    async with home.core() as door:
        left = await door.run("fleet.exec", {"command": "uptime", "detach": True})
        await door.run("jobs.watch", {"run": left.run})
        shown = await door.run("jobs.show", {"run": left.run})
        entries = (await door.run("audit.list", {"action": "fleet.exec"})).items

    assert [(entry.phase, entry.status, entry.id) for entry in entries] == [("single", "ok", shown.entry)]


async def lost_for_good(town: Town, tmp_path: Path, door: LocalDoor) -> str:
    """A run whose node went away in the middle."""
    task, run = await start_run(door, waiting(tmp_path / "marker"), target="web-1")
    await town.nodes["web-1"].kill()
    async with asyncio.timeout(PATIENCE):
        assert (await task).status == "unknown"
    return run


async def test_a_person_says_how_it_ended(town: Town, tmp_path: Path) -> None:
    town.configure(fleet={"lost_patience": 0.2})
    async with town.core() as door:
        run = await lost_for_good(town, tmp_path, door)
        given = {"run": run, "node": "web-1", "outcome": "ok", "reason": "nginx is up"}
        shown = await door.run("jobs.settle", given)
        entries = (await door.run("audit.list", {"action": "jobs.settle"})).items[::-1]
        outcome = (await door.run("audit.list", {"action": "fleet.exec", "limit": 1})).items[0]
        with pytest.raises(BadParams, match="web-1 of X-1 is ok"):
            await door.run("jobs.settle", given)
    (tmp_path / "marker").touch()

    assert (shown.status, shown.exit_code, shown.exit) == ("ok", 0, 0)
    assert shown.items[0].reason == f"settled by {os_user()}: nginx is up"
    assert [(entry.phase, entry.status) for entry in entries] == [("intent", "planned"), ("outcome", "ok")]
    assert (entries[0].detail["reason"], entries[0].node_names) == ("nginx is up", "web-1")
    assert (outcome.status, outcome.detail["settled"]) == ("ok", {"web-1": os_user()})
    assert outcome.detail["evidence"] == shown.results_hash


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"node": "web-9"}, NotFound, "web-9 is no part of X-1"),
        ({"outcome": "fine"}, BadParams, "'ok' or 'failed'"),
        ({"reason": " "}, BadParams, "--reason is empty"),
        ({"run": "X-9"}, NotFound, "there is no run X-9"),
    ],
)
async def test_what_cannot_be_settled_is_said(
    wrong: dict[str, str], error: type[Exception], said: str, home: Town
) -> None:
    async with home.core() as door:
        await door.run("fleet.exec", {"command": "true"})
        given = {"run": "X-1", "node": "local", "outcome": "ok", "reason": "why", **wrong}
        with pytest.raises(error, match=said):
            await door.run("jobs.settle", given)


@pytest.mark.parametrize("denied", [resume_job, settle_job], ids=["resume", "settle"])
async def test_a_viewer_neither_goes_on_with_jobs_nor_settles_them(
    denied: Operation, make_gate: MakeGate, viewer: Actor
) -> None:
    gate = make_gate([denied])
    part = {"node": "local", "outcome": "ok", "reason": "why"} if denied is settle_job else {}

    with pytest.raises(Denied):
        await gate.run(denied.name, {"run": "X-1", **part}, viewer)
