"""Our own programs as children: they end with their block, and what they started with them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from devopsclaw.host import program
from devopsclaw.host.process import group_lives, spawn_program
from devopsclaw.host.program import Program, launch

PATH = {"PATH": os.environ["PATH"]}


async def said(child: Program) -> str:
    """Its last words, once it has said any."""
    async with asyncio.timeout(30):
        while not child.output.exists() or not child.output.read_text().endswith("\n"):
            await asyncio.sleep(0.01)
    return child.last_words()


async def emptied(child: Program) -> None:
    """Return when its group is empty; the last of it is reaped by the system, a moment later."""
    async with asyncio.timeout(30):
        while group_lives(child.process.pid):
            await asyncio.sleep(0.01)


async def test_a_program_ends_with_its_block(tmp_path: Path) -> None:
    async with launch(["sleep", "60"], PATH, tmp_path / "out") as child:
        assert not child.has_ended

    assert child.has_ended and child.process.returncode == -15


async def test_what_it_started_ends_too_even_where_it_does_not_listen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "END_PATIENCE", 0.1)
    deaf = "trap '' TERM; sleep 60 & echo ready; wait; wait"
    async with launch(["sh", "-c", deaf], PATH, tmp_path / "out") as child:
        assert await said(child) == "ready"

    assert child.process.returncode == -9
    await emptied(child)


async def test_what_is_left_of_a_program_that_ended_by_itself_ends_with_the_block(tmp_path: Path) -> None:
    async with launch(
        ["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo gone; exit 3"], PATH, tmp_path / "out"
    ) as child:
        assert await child.wait() == 3
        assert await said(child) == "gone"
        assert group_lives(child.process.pid)

    await emptied(child)


async def test_a_program_that_said_nothing_is_named_by_its_exit_code(tmp_path: Path) -> None:
    async with launch(["false"], PATH, tmp_path / "out") as child:
        await child.wait()

    assert child.last_words() == "it ended with 1 and said nothing"


async def test_a_start_that_is_cancelled_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on = asyncio.Event(), asyncio.Event()
    spawned: list[asyncio.subprocess.Process] = []

    async def slowly(*what: Any) -> asyncio.subprocess.Process:
        begun.set()
        await goes_on.wait()
        spawned.append(await spawn_program(*what))
        return spawned[-1]

    async def start() -> None:
        async with launch(["sleep", "60"], PATH, tmp_path / "out"):
            raise AssertionError("it was cancelled before")

    monkeypatch.setattr(program, "spawn_program", slowly)
    starting = asyncio.ensure_future(start())
    await begun.wait()
    starting.cancel()
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert [child.returncode for child in spawned] == [-15]
