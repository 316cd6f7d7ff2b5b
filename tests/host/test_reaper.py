"""Ending a command with everything that came of it, and naming what lives on, on real processes."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.host.commands import LIMIT, lives, until

from devopsclaw.host import process, reaper, shim
from devopsclaw.host.census import Resident, residents
from devopsclaw.host.reaper import FEW, NAMED, Ending, Reaper, named
from devopsclaw.host.spill import Spill

LONG_GRACE = 600.0
"""Seconds that no test waits for: who needs them all would fail by time."""


class Launched:
    """A command under its shim, as a runner has it: the test asks for its end itself."""

    def __init__(self, folder: Path, command_id: str, line: str) -> None:
        self.spill = Spill(folder, command_id)
        streams = self.spill.create()
        variables = {**process.base_environment(os.environ), process.EXECUTION: command_id}
        started = process.identity(process.spawn(line, variables, streams), process.boot_id())
        streams.close()
        self._is_reaped = False
        now = asyncio.get_running_loop().time()
        self.ending = Ending(command_id, started, self.spill, now, self.ended)

    async def ended(self) -> None:
        """Wait for the shim's end."""
        while not self.is_over():
            await asyncio.sleep(0.01)

    def is_over(self) -> bool:
        """Whether the shim has ended, and is no zombie."""
        self._is_reaped = self._is_reaped or process.reap(self.ending.shim.pid)
        return self._is_reaped

    async def up(self) -> int:
        """The number it prints first, once it has."""
        await until(lambda: self.spill.measure("stdout") > 0)
        return int(self.spill.read("stdout", 0, 20).split()[0])

    async def left(self, running: int) -> list[str]:
        """Who lives on after its end, by program, while so many others run."""
        await asyncio.wait_for(self.ended(), LIMIT)
        ending = self.ending
        return programs(await Reaper().left(ending.command_id, ending.shim.pid, self.spill, running))


def programs(words: list[str]) -> list[str]:
    """The names without the pids."""
    return sorted(each.split()[1] for each in words)


async def stop(launched: Launched, grace: float) -> list[str]:
    """Stop it, within reason."""
    async with asyncio.timeout(LIMIT):
        return await Reaper().stop(launched.ending, grace)


# Stopping


async def test_who_ends_at_term_gets_the_time_it_needs_and_no_more(tmp_path: Path, command_id: str) -> None:
    line = "trap 'sleep 0.3; echo bye; exit 7' TERM; echo $$; while :; do sleep 0.05; done"
    launched = Launched(tmp_path, command_id, line)
    await launched.up()

    assert await stop(launched, LONG_GRACE) == []

    assert launched.spill.exit_file().exit_code == 7
    launched.spill.measure("stdout")
    assert launched.spill.read("stdout", 0, 99).endswith(b"bye\n")


async def test_who_ignores_term_is_killed_and_the_shim_still_writes_how_it_ended(
    tmp_path: Path, command_id: str
) -> None:
    launched = Launched(tmp_path, command_id, "trap '' TERM; echo $$; while :; do sleep 60; done")
    pid = await launched.up()

    assert await stop(launched, 0.1) == []

    assert not lives(pid)
    assert launched.spill.exit_file().signal == signal.SIGKILL


async def test_a_command_that_was_started_just_now_is_stopped_and_not_lost(
    tmp_path: Path, command_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TERM before the shim catches it would kill the shim, and nobody could say how it ended."""
    monkeypatch.setattr(shim, "SHIM", f"sleep 0.3\n{shim.SHIM}")  # as on a machine that is busy
    launched = Launched(tmp_path, command_id, "sleep 60")

    assert await stop(launched, 1.0) == []

    assert launched.spill.exit_file().signal in (signal.SIGTERM, signal.SIGKILL)


async def test_who_left_the_session_is_found_by_what_it_came_of(tmp_path: Path, command_id: str) -> None:
    fled = "setsid sh -c 'setsid sleep 60 </dev/null >/dev/null 2>&1 & echo $!'; sleep 60"
    launched = Launched(tmp_path, command_id, fled)
    pid = await launched.up()

    assert await stop(launched, 0.1) == []

    assert not lives(pid)


async def test_who_forks_without_end_is_ended_all_the_same(tmp_path: Path, command_id: str) -> None:
    line = "trap '' TERM; echo $$; while :; do (trap '' TERM; sleep 60) & sleep 0.01; done"
    launched = Launched(tmp_path, command_id, line)
    await launched.up()

    assert await stop(launched, 0.1) == []

    assert not [each for each in residents() if each.execution == command_id]


async def test_a_shim_that_does_not_follow_is_killed(tmp_path: Path, command_id: str) -> None:
    launched = Launched(tmp_path, command_id, "echo $$; sleep 60")
    await launched.up()
    os.kill(launched.ending.shim.pid, signal.SIGSTOP)

    await stop(launched, 0.1)

    await asyncio.wait_for(launched.ended(), LIMIT)
    assert launched.spill.exit_file().status is None


async def test_what_ended_before_it_was_stopped_is_not_waited_for(tmp_path: Path, command_id: str) -> None:
    launched = Launched(tmp_path, command_id, "exit 3")
    await until(launched.is_over)

    assert await stop(launched, LONG_GRACE) == []

    assert launched.spill.exit_file().exit_code == 3


async def test_nobody_elses_command_is_touched(tmp_path: Path, command_id: str) -> None:
    first = Launched(tmp_path, f"{command_id}1", "sleep 60")
    second = Launched(tmp_path, f"{command_id}2", "echo $$; sleep 60")
    bystander = await second.up()

    await stop(first, 0.1)

    assert lives(bystander) and not second.is_over()
    await stop(second, 0.1)


async def test_who_cannot_be_killed_is_named(
    tmp_path: Path, command_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched = Launched(tmp_path, command_id, "trap '' TERM; echo $$; while :; do sleep 60; done")
    pid = await launched.up()
    with monkeypatch.context() as patched:
        patched.setattr(reaper, "ROUNDS", 3)
        patched.setattr(reaper, "send", lambda process, number: None)
        patched.setattr(reaper, "send_group", lambda group, number: None)

        survivors = await stop(launched, 0.1)

    assert f"{pid} sh" in survivors
    assert programs(survivors) == ["sh", "sleep"], "the shim is no survivor: it waits"
    await stop(launched, 0.1)


# What is left


async def test_after_a_clean_end_nobody_is_named(tmp_path: Path, command_id: str) -> None:
    assert await Launched(tmp_path, command_id, "true").left(0) == []


def leaving(how: str, marker: Path) -> str:
    """A command that ends as soon as what it leaves behind is as it stays."""
    stays = f"touch {marker}; while :; do sleep 60; done"
    return f"{how.format(stays)} & until [ -e {marker} ]; do sleep 0.02; done"


@pytest.mark.parametrize("others", [0, FEW], ids=["alone", "among many"])
@pytest.mark.parametrize(
    "how",
    ["sh -c '{}' >/dev/null 2>&1", "setsid sh -c '{}' 2>/dev/null"],
    ids=["it is in the group", "it has the spill"],
)
async def test_who_gives_a_sign_is_named_however_many_run(
    tmp_path: Path, command_id: str, how: str, others: int
) -> None:
    launched = Launched(tmp_path, command_id, leaving(how, tmp_path / "marker"))

    assert "sh" in await launched.left(others)


async def test_who_gives_no_sign_is_named_only_where_few_run(tmp_path: Path, command_id: str) -> None:
    """A count takes 15 µs for each process of the machine: not for each of many ends."""
    how = "setsid sh -c '{}' </dev/null >/dev/null 2>&1"
    launched = Launched(tmp_path, command_id, leaving(how, tmp_path / "marker"))

    assert await launched.left(FEW) == []
    assert "sh" in await launched.left(FEW - 1)


def test_more_than_fit_are_counted() -> None:
    living = [Resident(pid, "sleep", 1, 1, "") for pid in range(NAMED + 3)]

    assert named(living[:NAMED]) == [f"{pid} sleep" for pid in range(NAMED)]
    assert named(living)[NAMED - 1 :] == [f"{NAMED - 1} sleep", "and 3 more"]
