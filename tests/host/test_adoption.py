"""Commands outlive the daemon: killed with -9 in the middle, the next one tells what became of them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.host.commands import LIMIT, lives, printed, run, until

from devopsclaw.host.runner import Runner
from devopsclaw.model.process import Gap, Printed, Started

FIRST_LIFE = """
import asyncio, sys
from pathlib import Path
from devopsclaw.host.runner import Runner

async def main():
    runner = Runner(Path(sys.argv[1]), lambda printed: print(repr(printed), flush=True))
    print(repr(await runner.start(sys.argv[2], sys.argv[3])), flush=True)
    await runner.wait(sys.argv[2])

asyncio.run(main())
"""


class FirstDaemon:
    """Another process that runs a command, to be killed with -9; it says what it was told."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def started(self) -> Started:
        """Who runs the command."""
        found = re.fullmatch(r"Started\(pid=(\d+), start_time=(\d+), boot_id='(.*)'\)", self._line())
        assert found
        return Started(int(found[1]), int(found[2]), found[3])

    def told(self, printed: Printed) -> None:
        """Wait until it was told this."""
        while (line := self._line()) != repr(printed):
            assert line, f"it ended, and was never told {printed}"

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")

    def kill(self) -> None:
        """With -9; the command goes on."""
        self._process.kill()
        self._process.wait()


@contextmanager
def first_daemon(folder: Path, command_id: str, command: str) -> Iterator[FirstDaemon]:
    """Start a command in another process."""
    argv = [sys.executable, "-c", FIRST_LIFE, str(folder), command_id, command]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        first = FirstDaemon(process)
        try:
            yield first
        finally:
            first.kill()


def killed_daemon(folder: Path, command_id: str, command: str) -> Started:
    """Start a command in another process, and kill that with -9; who runs the command then."""
    with first_daemon(folder, command_id, command) as first:
        return first.started()


@pytest.mark.parametrize("has_pidfd", [True, False])
@pytest.mark.parametrize("is_journaled", [True, False])
async def test_a_command_of_a_killed_daemon_is_adopted_and_its_outcome_is_told(
    runner: Runner,
    tmp_path: Path,
    command_id: str,
    monkeypatch: pytest.MonkeyPatch,
    is_journaled: bool,
    has_pidfd: bool,
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    folder = tmp_path / "output"
    shim = killed_daemon(folder, command_id, f"echo one; read x <{gate}; echo two; exit 4")
    if not has_pidfd:
        monkeypatch.delattr(os, "pidfd_open")

    known = (shim.pid, shim.start_time, shim.boot_id) if is_journaled else (0, 0, "")
    assert await runner.adopt(command_id, *known)
    assert runner.shim(command_id) == shim
    gate.write_text("go\n")
    outcome = await asyncio.wait_for(runner.wait(command_id), LIMIT)

    assert (outcome.exit_code, outcome.left, outcome.ended_at) == (4, (), 0.0)
    assert printed(runner, command_id) == b"one\ntwo\n"


async def test_a_command_that_ended_while_no_daemon_ran_is_known(
    runner: Runner, tmp_path: Path, command_id: str
) -> None:
    shim = killed_daemon(tmp_path / "output", command_id, "sleep 0.2; echo done; exit 5")
    await until(lambda: not lives(shim.pid))

    ended_at = (tmp_path / "output" / f"{command_id}.exit").stat().st_mtime

    assert await runner.adopt(command_id, shim.pid, shim.start_time, shim.boot_id)

    outcome = await runner.wait(command_id)
    assert (outcome.exit_code, outcome.ended_at) == (5, ended_at)
    assert printed(runner, command_id) == b"done\n"


async def test_an_adopted_command_can_be_stopped(runner: Runner, tmp_path: Path, command_id: str) -> None:
    shim = killed_daemon(tmp_path / "output", command_id, "trap '' TERM; echo up; sleep 60")
    assert await runner.adopt(command_id, shim.pid, shim.start_time, shim.boot_id)
    await until(lambda: runner.length(command_id, "stdout") > 0)

    assert await runner.stop(command_id, 0.1) == []

    assert (await runner.wait(command_id)).signal == signal.SIGKILL


@pytest.mark.parametrize("is_seen", [True, False], ids=["the first daemon saw it", "nobody saw it"])
async def test_a_command_that_emptied_its_output_is_adopted_behind_what_was_told(
    runner: Runner, tmp_path: Path, command_id: str, is_seen: bool, told: list[Printed]
) -> None:
    go, gate = tmp_path / "go", tmp_path / "gate"
    for fifo in (go, gate):
        os.mkfifo(fifo)
    line = f"echo lost; read x <{go}; echo kept >/dev/stdout; read x <{gate}; echo more"
    with first_daemon(tmp_path / "output", command_id, line) as first:
        shim = first.started()
        first.told(Printed(command_id, "stdout", 5))
        if not is_seen:
            first.kill()
        go.write_text("go\n")
        if is_seen:
            first.told(Printed(command_id, "stdout", 10, 5))
        first.kill()
    await until(lambda: (tmp_path / "output" / f"{command_id}.stdout").read_bytes() == b"kept\n")

    assert await runner.adopt(command_id, shim.pid, shim.start_time, shim.boot_id)
    gate.write_text("go\n")
    outcome = await asyncio.wait_for(runner.wait(command_id), LIMIT)

    assert (outcome.exit_code, outcome.gaps) == (0, (Gap("stdout", 0, 5),))
    assert runner.read(command_id, "stdout", 5, 100) == b"kept\nmore\n"
    assert outcome.stdout_sha256 == hashlib.sha256(b"kept\nmore\n").hexdigest()
    assert told[-1] == Printed(command_id, "stdout", 15, 5)


async def test_a_torn_exit_file_is_no_outcome(runner: Runner, tmp_path: Path, command_id: str) -> None:
    shim = killed_daemon(tmp_path / "output", command_id, "echo some; sleep 0.2")
    await until(lambda: not lives(shim.pid))
    (tmp_path / "output" / f"{command_id}.exit").write_text(f"{shim.pid}\n0 e")

    assert not await runner.adopt(command_id, shim.pid, shim.start_time, shim.boot_id)

    outcome = await runner.wait(command_id)
    assert outcome.interrupted and outcome.exit_code is None
    assert "lost power" in outcome.reason
    assert outcome.stdout_length == 5


async def test_a_command_that_never_began_says_so(runner: Runner, command_id: str) -> None:
    assert not await runner.adopt(command_id, 0, 0, "")

    outcome = await runner.wait(command_id)
    assert outcome.interrupted
    assert "did not begin" in outcome.reason
    assert outcome.left == (), "and not the kernel's threads"


async def test_another_process_with_the_pid_of_the_shim_is_not_adopted(
    runner: Runner, tmp_path: Path, command_id: str
) -> None:
    shim = killed_daemon(tmp_path / "output", command_id, "exec sleep 60")

    assert not await runner.adopt(command_id, shim.pid, shim.start_time + 1, shim.boot_id)

    assert (await runner.wait(command_id)).interrupted
    assert await runner.stop(command_id, 0) == []
    assert lives(shim.pid)


async def test_the_output_of_a_settled_command_can_be_read_again(
    runner: Runner, tmp_path: Path, command_id: str
) -> None:
    outcome = await run(runner, command_id, "seq 10000", 4096)
    again = Runner(tmp_path / "output", lambda printed: None)

    again.recall(command_id, outcome, 4096)

    assert await again.wait(command_id) == outcome
    assert again.read(command_id, "stdout", 0, 100) == runner.read(command_id, "stdout", 0, 100)
    assert await again.digest(command_id, "stdout") == outcome.stdout_sha256


async def test_commands_run_on_when_the_runner_closes(
    tmp_path: Path, command_id: str, runner: Runner
) -> None:
    first = Runner(tmp_path / "output", lambda printed: None)
    shim = await first.start(command_id, "sleep 0.3; exit 6")
    await first.close()

    assert await runner.adopt(command_id, shim.pid, shim.start_time, shim.boot_id)

    assert (await runner.wait(command_id)).exit_code == 6


async def test_without_pidfds_ends_are_found_by_asking(
    runner: Runner, command_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open")

    assert (await run(runner, command_id, "sleep 0.1; exit 7")).exit_code == 7
