"""Jobs through the whole product: what ran, what runs, and what a core that was killed left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.assembly.small_town import PATIENCE, Town, small_town, start_run
from tests.ops.left_jobs import left_behind, starts, waiting

from devopsclaw.core.door import LocalDoor, os_user
from devopsclaw.model.errors import BadParams, NotFound
from devopsclaw.model.events import NodePrinted
from devopsclaw.model.interest import Interest


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


async def test_jobs_are_listed_newest_first(home: Town) -> None:
    async with home.core() as door:
        await door.run("fleet.exec", {"command": "true"})
        await door.run("fleet.exec", {"command": "exit 1"})

        listed = await door.run("jobs.list", {})
        newest = await door.run("jobs.list", {"limit": 1})

    assert [(item.run, item.status, item.command, item.target, item.nodes) for item in listed.items] == [
        ("X-2", "failed", "exit 1", "local", 1),
        ("X-1", "ok", "true", "local", 1),
    ]
    assert [item.run for item in newest.items] == ["X-2"]
    assert listed.items[0].user == os_user() and listed.items[0].duration is not None


@pytest.mark.parametrize("limit", [0, -1, 10_001])
async def test_a_limit_that_makes_no_sense_is_an_error(limit: int, home: Town) -> None:
    async with home.core() as door:
        with pytest.raises(BadParams, match="limit"):
            await door.run("jobs.list", {"limit": limit})


@pytest.mark.parametrize("verb", ["show", "watch", "cancel"])
async def test_a_job_that_does_not_exist_is_an_error_with_the_way_to_the_list(verb: str, home: Town) -> None:
    async with home.core() as door:
        with pytest.raises(NotFound) as refused:
            await door.run(f"jobs.{verb}", {"run": "X-99"})

    assert refused.value.hint == "devopsclaw jobs list shows the runs there are"


async def test_looking_at_a_failed_job_is_no_failure_and_watching_it_is(home: Town) -> None:
    async with home.core() as door:
        await door.run("fleet.exec", {"command": "exit 3"})
        shown = await door.run("jobs.show", {"run": "X-1"})
        watched = await door.run("jobs.watch", {"run": "X-1"})

    assert (shown.exit, shown.verdict, shown.status, shown.exit_code) == (0, "ok", "failed", 1)
    assert (watched.exit, watched.verdict) == (1, "failed")


async def test_a_running_job_is_shown_with_what_it_printed_so_far(home: Town, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with home.core() as door:
        with door.events(Interest.of(NodePrinted)) as printed:
            task, run = await start_run(door, f"echo half; {waiting(marker)}")
            async with asyncio.timeout(PATIENCE):
                await printed.next()
        shown = await door.run("jobs.show", {"run": run})
        marker.touch()
        await task

    assert (shown.status, shown.exit_code, shown.ended_at, shown.duration) == ("running", 8, "", None)
    assert (shown.items[0].status, shown.items[0].stdout) == ("running", "half\n")


async def test_a_job_is_cancelled_by_the_core_that_runs_it(home: Town) -> None:
    async with home.core() as door:
        task, run = await start_run(door, "sleep 600")
        shown = await door.run("jobs.cancel", {"run": run})
        ran = await task

        listed = await door.run("jobs.list", {})
        outcome = (await door.run("audit.list", {"action": "fleet.exec", "limit": 1})).items[0]

    assert (shown.exit, shown.items[0].status) == (0, "killed")
    assert (ran.exit, ran.status, ran.items[0].status) == (1, "cancelled", "killed")
    assert (listed.items[0].status, outcome.status) == ("cancelled", "cancelled")


async def test_cancelling_says_in_its_plan_what_it_stops_and_where(home: Town) -> None:
    async with home.core() as door:
        task, run = await start_run(door, "sleep 600")
        plan = await door.run("jobs.cancel", {"run": run}, dry_run=True)
        await door.run("jobs.cancel", {"run": run})
        await task

    assert (plan.target, plan.nodes, plan.run, plan.effect) == (run, ("local",), "stop sleep 600", "write")


async def test_cancelling_sends_nothing_more(town: Town) -> None:
    async with town.core() as door:
        task, run = await start_run(door, "sleep 600", target="web-*", serial=True)
        await door.run("jobs.cancel", {"run": run})
        ran = await task

    assert [item.status for item in ran.items] == ["killed", "cancelled"]
    assert ran.items[1].reason == "cancelled before it was sent"


async def test_cancelling_what_is_over_changes_nothing(home: Town) -> None:
    async with home.core() as door:
        await door.run("fleet.exec", {"command": "true"})
        shown = await door.run("jobs.cancel", {"run": "X-1"})

    assert shown.status == "ok"


async def test_a_second_core_cancels_what_a_killed_one_left(home: Town, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    run = await left_behind(home, waiting(marker))

    async with home.core() as door:
        shown = await door.run("jobs.cancel", {"run": run})
        again = await door.run("jobs.watch", {"run": run})

    assert (shown.items[0].status, starts(marker)) == ("killed", 1)
    assert shown.ended_at and again.exit == 1


async def test_a_second_core_cancels_on_nodes_behind_the_relay(town: Town, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    run = await left_behind(town, waiting(marker), "web-*")

    async with town.core() as door:
        shown = await door.run("jobs.cancel", {"run": run})

    assert shown.counts == {"killed": 2}
    assert starts(marker) == 2


async def test_a_second_core_watches_what_a_killed_one_left_to_its_end(town: Town, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    run = await left_behind(town, waiting(marker, "echo whole"), "web-*")
    marker.touch()

    async with town.core() as door:
        before = (await door.run("fleet.status", {})).open_runs
        ran = await door.run("jobs.watch", {"run": run})
        after = (await door.run("fleet.status", {})).open_runs

    assert (ran.counts, [item.stdout for item in ran.items]) == ({"ok": 2}, ["whole\n"] * 2)
    assert (starts(marker), before, after) == (2, [run], [])


async def test_output_from_before_and_after_the_kill_is_whole(home: Town, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    run = await left_behind(home, f"seq 1 20000; {waiting(marker, 'seq 20001 30000')}")
    marker.touch()

    async with home.core() as door:
        ran = await door.run("jobs.watch", {"run": run})

    assert ran.items[0].status == "ok"
    assert ran.items[0].stdout == "".join(f"{number}\n" for number in range(1, 30001))


async def test_many_watch_the_same_job_at_once(home: Town, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    run = await left_behind(home, waiting(marker, "echo whole"))

    async with home.core() as door:
        watching = [asyncio.ensure_future(door.run("jobs.watch", {"run": run})) for _ in range(3)]
        await asyncio.sleep(0)
        marker.touch()
        async with asyncio.timeout(PATIENCE):
            seen = await asyncio.gather(*watching)

    assert [ran.items[0].stdout for ran in seen] == ["whole\n"] * 3
    assert {ran.status for ran in seen} == {"ok"}


async def test_a_watch_that_is_left_can_be_taken_up_again(home: Town, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    run = await left_behind(home, waiting(marker, "echo whole"))

    async with home.core() as door:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await door.run("jobs.watch", {"run": run})
        marker.touch()
        ran = await door.run("jobs.watch", {"run": run})

    assert (ran.items[0].stdout, starts(marker)) == ("whole\n", 1)


async def test_the_link_goes_and_comes_back_in_the_middle_and_the_truth_arrives(
    town: Town, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    async with town.core() as door:
        task, _ = await start_run(door, waiting(marker, "echo whole"), target="web-*")
        await town.relay.kill()
        marker.touch()
        await town.relay.start()
        async with asyncio.timeout(PATIENCE):
            ran = await task

    assert (ran.counts, [item.stdout for item in ran.items]) == ({"ok": 2}, ["whole\n"] * 2)
    assert starts(marker) == 2


async def test_a_daemon_that_is_killed_and_started_again_reports_the_truth_of_one_start(
    town: Town, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    async with town.core() as door:
        task, _ = await start_run(door, waiting(marker, "echo whole"), target="web-1")
        await town.nodes["web-1"].kill()
        marker.touch()
        await town.nodes["web-1"].start()
        async with asyncio.timeout(PATIENCE):
            ran = await task

    assert (ran.status, ran.items[0].stdout, starts(marker)) == ("ok", "whole\n", 1)


async def test_everything_is_killed_and_started_again_and_the_truth_arrives(
    town: Town, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    run = await left_behind(town, waiting(marker, "echo whole"), "web-*")
    await town.kill()
    marker.touch()
    await town.relay.start()
    for node in town.nodes.values():
        await node.start()

    async with town.core() as door:
        await town.all_online(door, *town.nodes)
        ran = await door.run("jobs.watch", {"run": run})

    assert (ran.counts, starts(marker)) == ({"ok": 2}, 2)


async def test_what_is_unknown_becomes_the_truth_while_nobody_waits(town: Town, tmp_path: Path) -> None:
    town.configure(fleet={"lost_patience": 0.2})
    marker = tmp_path / "marker"
    async with town.core() as door:
        task, run = await start_run(door, waiting(marker, "echo whole"), target="web-1")
        await town.nodes["web-1"].kill()
        async with asyncio.timeout(PATIENCE):
            ran = await task
        marker.touch()
        await town.nodes["web-1"].start()
        shown = await _shown_as(door, run, "ok")

    assert (ran.status, ran.exit, ran.items[0].reason) == ("unknown", 7, "link lost")
    assert (shown.exit_code, shown.items[0].stdout, starts(marker)) == (0, "whole\n", 1)


async def test_watching_what_a_core_left_as_unknown_waits_for_the_truth(town: Town, tmp_path: Path) -> None:
    town.configure(fleet={"lost_patience": 0.2})
    marker = tmp_path / "marker"
    async with town.core() as door:
        task, run = await start_run(door, waiting(marker, "echo whole"), target="web-1")
        await town.nodes["web-1"].kill()
        async with asyncio.timeout(PATIENCE):
            assert (await task).status == "unknown"
    await town.nodes["web-1"].start()

    async with town.core() as door:
        await town.all_online(door, "web-1")
        watching = asyncio.ensure_future(door.run("jobs.watch", {"run": run}))
        await asyncio.sleep(0)
        marker.touch()
        async with asyncio.timeout(PATIENCE):
            ran = await watching

    assert (ran.status, ran.items[0].stdout, starts(marker)) == ("ok", "whole\n", 1)


async def test_watching_what_is_unknown_ends_where_the_node_stays_away(town: Town, tmp_path: Path) -> None:
    town.configure(fleet={"lost_patience": 0.2})
    marker = tmp_path / "marker"
    async with town.core() as door:
        task, run = await start_run(door, waiting(marker), target="web-1")
        await town.nodes["web-1"].kill()
        await task

    async with town.core() as door, asyncio.timeout(PATIENCE):
        ran = await door.run("jobs.watch", {"run": run})
    marker.touch()

    assert (ran.status, ran.exit) == ("unknown", 7)


async def _shown_as(door: LocalDoor, run: str, status: str) -> Any:
    """The run as it is shown, once it has this status."""
    async with asyncio.timeout(PATIENCE):
        while (shown := await door.run("jobs.show", {"run": run})).status != status:
            await asyncio.sleep(0.01)
    return shown
