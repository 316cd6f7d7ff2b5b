"""Jobs that nobody followed for a while: what is said of them meanwhile, and what is on record of them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.assembly.small_town import Town, drop, eventually, small_town, start_run
from tests.ops.left_jobs import left_behind, waiting

from devopsclaw.core.clock import stamp


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Town]:
    """A home whose fleet is this machine."""
    async with small_town(tmp_path) as opened:
        yield opened


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """A web server and its relay."""
    async with small_town(tmp_path, "web-1") as opened:
        yield opened


async def test_a_job_that_nobody_follows_stands_as_it_was_last_heard_of(home: Town, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with home.core() as door:
        await door.run("fleet.exec", {"command": "true"})
        task, run = await start_run(door, waiting(marker))
        followed = await door.run("jobs.list", {}), await door.run("jobs.show", {"run": run})
        await drop(task)

    async with home.core() as door:
        listed = await door.run("jobs.list", {})
        shown = await door.run("jobs.show", {"run": run})
    async with home.core() as door:
        marker.touch()
        await door.run("jobs.watch", {"run": run})
        over = await door.run("jobs.list", {}), await door.run("jobs.show", {"run": run})

    hint = f"nobody follows {run} now: devopsclaw jobs watch {run} asks its nodes"
    assert [result.hint for result in (*followed, listed, shown, *over)] == ["", "", hint, hint, "", ""]
    heard_at = shown.last_heard
    assert heard_at >= shown.started_at and shown.items[0].last_heard == heard_at
    assert [(item.status, item.last_heard) for item in listed.items] == [("running", heard_at), ("ok", "")]
    assert (over[0].items[0].last_heard, over[1].last_heard) == ("", "")


async def test_looking_at_what_nobody_follows_touches_nothing(home: Town, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    run = await left_behind(home, waiting(marker))

    async with home.core() as door:
        for _ in range(2):
            await door.run("jobs.list", {})
            shown = await door.run("jobs.show", {"run": run})
        entries = (await door.run("audit.list", {})).items
    marker.touch()

    assert (shown.status, shown.results_hash) == ("running", "")
    assert [entry.status for entry in entries] == ["detached", "planned"]
    assert "error" not in entries[0].detail and "message" not in entries[0].detail


async def test_of_many_jobs_that_nobody_follows_the_newest_are_named(home: Town, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with home.core() as door:
        tasks = [(await start_run(door, waiting(marker)))[0] for _ in range(5)]
        for task in tasks:
            await drop(task)

    async with home.core() as door:
        hint = (await door.run("jobs.list", {})).hint
    marker.touch()

    assert hint == ("nobody follows X-5, X-4, X-3 and 2 more now: devopsclaw jobs watch X-5 asks its nodes")


async def test_a_job_lasted_until_its_node_ended_it_and_not_until_somebody_looked(
    town: Town, tmp_path: Path
) -> None:
    marker, ended = tmp_path / "marker", tmp_path / "ended"
    run = await left_behind(town, waiting(marker, f"touch {ended}"), "web-1")
    marker.touch()
    await eventually(ended.exists, "the end of the command")

    async with town.core() as door:
        await town.all_online(door, "web-1")
        looked = stamp(time.time())
        ran = await door.run("jobs.watch", {"run": run})
        listed = await door.run("jobs.list", {})
        outcome = (await door.run("audit.list", {"action": "fleet.exec", "limit": 1})).items[0]

    assert ran.items[0].started_at <= ran.ended_at < looked
    assert listed.items[0].duration == ran.duration
    assert (outcome.status, outcome.duration) == ("ok", round(ran.duration, 3))


async def test_a_job_of_this_machine_lasted_until_it_ended_while_no_core_was_there(
    home: Town, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    run = await left_behind(home, waiting(marker))
    marker.touch()
    written = (home.home.output / "local").glob
    await eventually(lambda: any(b" end" in file.read_bytes() for file in written("*.exit")), "its end")

    async with home.core() as door:
        looked = stamp(time.time())
        ran = await door.run("jobs.watch", {"run": run})

    assert ran.items[0].started_at <= ran.ended_at < looked
    assert ran.items[0].duration is not None and ran.items[0].duration <= ran.duration


async def test_the_outcome_of_a_job_has_the_hash_of_its_results_live_and_later(
    home: Town, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    run = await left_behind(home, waiting(marker, "echo whole"))
    marker.touch()

    async with home.core() as door:
        later = await door.run("jobs.watch", {"run": run})
        live = await door.run("fleet.exec", {"command": waiting(marker, "echo whole")})
        other = await door.run("fleet.exec", {"command": waiting(marker, "echo half")})
        entries = (await door.run("audit.list", {"action": "fleet.exec"})).items
        shown = await door.run("audit.show", {"id": entries[0].id})

    assert later.results_hash == live.results_hash != other.results_hash
    evidence = [entry.detail["evidence"] for entry in entries if "evidence" in entry.detail]
    assert evidence == [other.results_hash, live.results_hash, later.results_hash]
    assert f"evidence     {other.results_hash}" in shown.text()


async def test_a_read_whose_asker_left_is_named_by_its_job(home: Town, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    async with home.core() as door:
        task, run = await start_run(door, f"cat {pipe}")
        await drop(task)
        await asyncio.to_thread(pipe.write_text, "whole\n")
        watched = await door.run("jobs.watch", {"run": run})
        shown = await door.run("jobs.show", {"run": run})
        entry = await door.run("audit.show", {"id": shown.entry})

    assert (entry.phase, entry.status, entry.detail["job"]) == ("single", "ok", run)
    assert entry.detail["evidence"] == watched.results_hash == shown.results_hash
