"""Commands on real processes: how they end, what they print and leave, what outlives the daemon."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from devopsclaw.host import process
from devopsclaw.host.census import residents
from devopsclaw.host.runner import Runner
from devopsclaw.model.errors import Busy, Damaged, NotFound
from devopsclaw.model.process import MIB, Gap, Outcome, Printed, Started

LIMIT = 10.0
"""Seconds after which a wait in a test has failed."""


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a state of the world that nobody announces."""
    async with asyncio.timeout(LIMIT):
        while not holds():  # noqa: ASYNC110 (see above)
            await asyncio.sleep(0.01)


async def run(runner: Runner, command_id: str, command: str, cap: int = 16 * MIB) -> Outcome:
    """Start and wait."""
    await runner.start(command_id, command, {}, cap)
    async with asyncio.timeout(LIMIT):
        return await runner.wait(command_id)


def lives(pid: int) -> bool:
    """Whether this process exists and is no zombie."""
    return any(each.pid == pid for each in residents())


def printed(runner: Runner, command_id: str, stream: str = "stdout") -> bytes:
    """What a stream holds, as far as it is kept in one piece."""
    return runner.read(command_id, stream, 0, runner.length(command_id, stream))


# How a command ends


@pytest.mark.parametrize("code", [0, 1, 3, 127, 129, 137, 255])
async def test_the_exit_code_is_the_commands(runner: Runner, command_id: str, code: int) -> None:
    outcome = await run(runner, command_id, f"exit {code}")

    assert (outcome.exit_code, outcome.signal, outcome.interrupted) == (code, None, False)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGHUP])
async def test_a_death_by_signal_is_no_exit_code(runner: Runner, command_id: str, number: int) -> None:
    outcome = await run(runner, command_id, f"kill -{int(number)} $$")

    assert (outcome.exit_code, outcome.signal) == (None, number)
    assert outcome.stderr_length == 0, "what the shim's shell says is no output of the command"


async def test_a_command_that_signals_its_whole_group_still_has_an_outcome(
    runner: Runner, command_id: str
) -> None:
    outcome = await run(runner, command_id, "kill -TERM 0; sleep 60")

    assert outcome.signal == signal.SIGTERM


async def test_a_command_that_kills_its_shim_is_interrupted(runner: Runner, command_id: str) -> None:
    outcome = await run(runner, command_id, "echo before; kill -9 $PPID 0")

    assert outcome.interrupted
    assert "killed" in outcome.reason
    assert printed(runner, command_id) == b"before\n"


async def test_the_outcome_is_the_same_to_everybody_any_time(runner: Runner, command_id: str) -> None:
    await runner.start(command_id, "echo one")

    first, second = await asyncio.gather(runner.wait(command_id), runner.wait(command_id))

    assert first is second is await runner.wait(command_id)


async def test_many_commands_leave_no_zombie(runner: Runner, command_id: str) -> None:
    ids = [f"{command_id}{number}" for number in range(20)]

    await asyncio.gather(*(run(runner, each, "true") for each in ids))

    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


# What it runs in


async def test_the_command_is_one_word_and_no_text_of_the_shims(runner: Runner, command_id: str) -> None:
    await run(runner, command_id, """echo '"; $(reboot) `x` \\' "$0" $#""")

    assert printed(runner, command_id) == b'"; $(reboot) `x` \\ /bin/sh 0\n'


async def test_a_command_sees_only_the_allowed_environment(
    tmp_path: Path, command_id: str, told: list[Printed]
) -> None:
    own = {"PATH": os.environ["PATH"], "HOME": "/", "LC_ALL": "C", "AWS_SECRET": "no", "TERM": "xterm"}
    runner = Runner(tmp_path / "own", told.append, own)

    await runner.start(command_id, "env", {"EXTRA": "yes", process.EXECUTION: "forged"})
    await runner.wait(command_id)

    seen = dict(line.split("=", 1) for line in printed(runner, command_id).decode().splitlines())
    assert seen.pop("PWD") == "/"
    assert set(seen) - {"OLDPWD", "_", "SHLVL"} == {
        *("PATH", "HOME", "LC_ALL", "USER", "LOGNAME", "SHELL", "TERM", "EXTRA", process.EXECUTION),
    }
    assert (seen["TERM"], seen[process.EXECUTION]) == ("dumb", command_id)
    await runner.close()


async def test_a_command_has_empty_input_its_own_session_and_only_three_descriptors(
    runner: Runner, command_id: str
) -> None:
    outcome = await run(runner, command_id, "cat; ls /proc/self/fd; ps -o sid= -p $$; echo $PPID")

    *descriptors, session, shim = printed(runner, command_id).decode().split()
    assert outcome.exit_code == 0
    assert descriptors[:3] == ["0", "1", "2"] and len(descriptors) == 4, "the fourth is ls's own folder"
    assert session == str(runner.shim(command_id).pid)
    assert shim != str(os.getpid())


async def test_signals_that_the_daemon_ignores_are_not_ignored_in_a_command(
    runner: Runner, command_id: str
) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        outcome = await run(runner, command_id, "kill -HUP $$; echo survived")
    finally:
        signal.signal(signal.SIGHUP, before)

    assert outcome.signal == signal.SIGHUP


async def test_a_command_that_was_started_before_is_never_started_again(
    runner: Runner, tmp_path: Path, command_id: str
) -> None:
    witness = tmp_path / "witness"
    await run(runner, command_id, f"echo x >>{witness}")
    again = Runner(tmp_path / "output", lambda printed: None)

    with pytest.raises(Damaged, match="not started again"):
        await again.start(command_id, f"echo x >>{witness}")

    assert witness.read_text() == "x\n"


async def test_a_folder_that_cannot_be_written_starts_nothing(
    runner: Runner, tmp_path: Path, command_id: str
) -> None:
    (tmp_path / "output").rmdir()

    with pytest.raises(Damaged, match="cannot write output"):
        await runner.start(command_id, "true")

    with pytest.raises(NotFound):
        await runner.wait(command_id)


async def test_a_command_that_no_system_takes_leaves_no_files(
    runner: Runner, tmp_path: Path, command_id: str
) -> None:
    with pytest.raises(Busy, match="could not start"):
        await runner.start(command_id, "echo " + "x" * (4 * MIB))

    assert list((tmp_path / "output").iterdir()) == []


# What it prints


async def test_output_is_kept_byte_for_byte(runner: Runner, command_id: str) -> None:
    outcome = await run(runner, command_id, r"printf '\377\376\000a\r\n\033[31m'; printf 'e\200' >&2")

    out, err = b"\xff\xfe\0a\r\n\x1b[31m", b"e\x80"
    assert printed(runner, command_id) == out
    assert printed(runner, command_id, "stderr") == err
    assert (outcome.stdout_length, outcome.stderr_length) == (len(out), len(err))
    assert outcome.stdout_sha256 == hashlib.sha256(out).hexdigest()
    assert outcome.stderr_sha256 == hashlib.sha256(err).hexdigest()


async def test_growth_is_told_while_the_command_runs_and_once_more_at_the_end(
    runner: Runner, command_id: str, told: list[Printed], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    await runner.start(command_id, f"echo one; read x <{gate}; echo two")

    await until(lambda: told == [Printed(command_id, "stdout", 4)])
    gate.write_text("go\n")
    await runner.wait(command_id)

    assert told == [Printed(command_id, "stdout", 4), Printed(command_id, "stdout", 8)]


async def test_output_beyond_the_cap_has_an_exact_gap(runner: Runner, command_id: str) -> None:
    cap = 4096
    outcome = await run(runner, command_id, "seq 10000", cap)
    whole = "".join(f"{number}\n" for number in range(1, 10001)).encode()

    start, end = cap - cap // 4, len(whole) - cap // 4
    assert outcome.gaps == (Gap("stdout", start, end),)
    assert outcome.stdout_length == len(whole)
    assert runner.read(command_id, "stdout", 0, len(whole)) == whole[:start]
    assert runner.read(command_id, "stdout", start, 10) == b""
    assert runner.read(command_id, "stdout", end, len(whole)) == whole[end:]
    assert outcome.stdout_sha256 == hashlib.sha256(whole[:start] + whole[end:]).hexdigest()
    assert await runner.digest(command_id, "stdout") == outcome.stdout_sha256
    assert runner.gaps(command_id) == list(outcome.gaps)


async def test_a_gigabyte_grows_neither_memory_nor_disk(
    runner: Runner, command_id: str, tmp_path: Path
) -> None:
    size = 1_000_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    outcome = await run(runner, command_id, f"head -c {size} /dev/zero; printf end")

    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    on_disk = sum(path.stat().st_blocks * 512 for path in (tmp_path / "output").iterdir())
    gap = Gap("stdout", 12 * MIB, size + 3 - 4 * MIB)
    assert (outcome.stdout_length, outcome.gaps) == (size + 3, (gap,))
    assert runner.read(command_id, "stdout", size, 100) == b"end"
    assert outcome.stdout_sha256 == hashlib.sha256(b"\0" * (16 * MIB - 3) + b"end").hexdigest()
    assert grown < 32 * 1024, "KiB"
    assert on_disk < 64 * MIB


async def test_a_command_that_empties_its_own_output_is_told_so(runner: Runner, command_id: str) -> None:
    outcome = await run(runner, command_id, "echo lost; echo kept >/dev/stdout; echo more")

    last = outcome.gaps[-1].end if outcome.gaps else 0
    assert runner.read(command_id, "stdout", last, 100) == b"kept\nmore\n"
    assert "emptied its own stdout" in outcome.reason
    assert outcome.stdout_sha256 == hashlib.sha256(b"kept\nmore\n").hexdigest()


# What it leaves behind, and how it is stopped


async def test_what_a_command_leaves_behind_is_named_and_lives(runner: Runner, command_id: str) -> None:
    outcome = await run(runner, command_id, "sleep 60 & echo $!")

    pid = int(printed(runner, command_id))
    assert outcome.left == (f"{pid} sleep",)
    assert await runner.left(command_id) == [f"{pid} sleep"]
    assert lives(pid)
    assert await runner.stop(command_id, 0) == [], "the execution has ended"
    assert lives(pid)


@pytest.mark.parametrize("others", [0, 8], ids=["counted in full", "found by its open spill"])
async def test_a_daemon_that_left_the_session_is_found(runner: Runner, command_id: str, others: int) -> None:
    waiting = [f"{command_id}{number}" for number in range(others)]
    for each in waiting:
        await runner.start(each, "sleep 60")

    command = "setsid sh -c 'echo $$; exec sleep 60' & read x <&1 2>/dev/null; sleep 0.1"
    outcome = await run(runner, command_id, command)

    assert outcome.left == (f"{int(printed(runner, command_id))} sleep",)
    await asyncio.gather(*(runner.stop(each, 1) for each in waiting))


async def test_a_stopped_command_ends_with_term(runner: Runner, command_id: str) -> None:
    await runner.start(command_id, "trap 'echo bye; exit 9' TERM; echo up; while :; do sleep 0.05; done")
    await until(lambda: runner.length(command_id, "stdout") > 0)

    assert await runner.stop(command_id, 5) == []

    outcome = await runner.wait(command_id)
    assert outcome.exit_code == 9
    assert printed(runner, command_id) == b"up\nbye\n"


async def test_a_command_that_ignores_term_is_killed_after_the_grace(runner: Runner, command_id: str) -> None:
    await runner.start(command_id, "trap '' TERM; echo up; sleep 60 & wait; wait; sleep 60")
    await until(lambda: runner.length(command_id, "stdout") > 0)

    assert await runner.stop(command_id, 0.2) == []

    outcome = await runner.wait(command_id)
    assert (outcome.signal, outcome.survivors, outcome.left) == (signal.SIGKILL, (), ())
    assert not [each for each in residents() if each.execution == command_id]


async def test_who_fled_from_session_and_group_is_killed_too(runner: Runner, command_id: str) -> None:
    fled = "setsid sh -c 'trap \"\" TERM; setsid sleep 60 </dev/null >/dev/null 2>&1 & echo $!; sleep 60' &"
    await runner.start(command_id, f"{fled} sleep 60")
    await until(lambda: runner.length(command_id, "stdout") > 0)
    pid = int(printed(runner, command_id))
    assert lives(pid)

    assert await runner.stop(command_id, 0.2) == []

    assert not lives(pid)
    assert not [each for each in residents() if each.execution == command_id]


async def test_who_survives_the_kill_is_reported(
    runner: Runner, command_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await runner.start(command_id, "trap '' TERM; echo up; sleep 60; sleep 60")
    await until(lambda: runner.length(command_id, "stdout") > 0)
    with monkeypatch.context() as patched:
        patched.setattr("devopsclaw.host.reaper.send", lambda process, number: None)

        survivors = await runner.stop(command_id, 0.1)

    names = sorted(words.split()[1] for words in survivors)
    assert names == ["sh", "sleep"]
    assert (await runner.wait(command_id)).survivors == tuple(survivors)


async def test_two_stops_at_once_agree(runner: Runner, command_id: str) -> None:
    await runner.start(command_id, "sleep 60")

    stops = await asyncio.gather(runner.stop(command_id, 1), runner.stop(command_id, 1))

    assert stops[0] == stops[1] == []
    assert (await runner.wait(command_id)).signal == signal.SIGTERM


async def test_a_running_command_is_not_forgotten_and_a_finished_one_is(
    runner: Runner, tmp_path: Path, command_id: str
) -> None:
    await runner.start(command_id, "sleep 60")
    with pytest.raises(Busy, match="still runs"):
        runner.forget(command_id)
    await runner.stop(command_id, 1)
    await runner.wait(command_id)

    runner.forget(command_id)

    assert list((tmp_path / "output").iterdir()) == []
    with pytest.raises(NotFound):
        runner.length(command_id, "stdout")
    runner.forget(command_id)


# What outlives the daemon


FIRST_LIFE = """
import asyncio, sys
from pathlib import Path
from devopsclaw.host.runner import Runner

async def main():
    runner = Runner(Path(sys.argv[1]), lambda printed: None)
    started = await runner.start(sys.argv[2], sys.argv[3])
    print(started.pid, started.start_time, started.boot_id, flush=True)
    await runner.wait(sys.argv[2])

asyncio.run(main())
"""


def killed_daemon(folder: Path, command_id: str, command: str) -> Started:
    """Start a command in another process, and kill that with -9; who runs the command then."""
    argv = [sys.executable, "-c", FIRST_LIFE, str(folder), command_id, command]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        pid, start_time, boot = first.stdout.readline().split()
        first.send_signal(signal.SIGKILL)
    return Started(int(pid), int(start_time), boot)


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

    assert (outcome.exit_code, outcome.left) == (4, ())
    assert printed(runner, command_id) == b"one\ntwo\n"


async def test_a_command_that_ended_while_no_daemon_ran_is_known(
    runner: Runner, tmp_path: Path, command_id: str
) -> None:
    shim = killed_daemon(tmp_path / "output", command_id, "sleep 0.2; echo done; exit 5")
    await until(lambda: not lives(shim.pid))

    assert await runner.adopt(command_id, shim.pid, shim.start_time, shim.boot_id)

    assert (await runner.wait(command_id)).exit_code == 5
    assert printed(runner, command_id) == b"done\n"


async def test_an_adopted_command_can_be_stopped(runner: Runner, tmp_path: Path, command_id: str) -> None:
    shim = killed_daemon(tmp_path / "output", command_id, "trap '' TERM; echo up; sleep 60")
    assert await runner.adopt(command_id, shim.pid, shim.start_time, shim.boot_id)
    await until(lambda: runner.length(command_id, "stdout") > 0)

    assert await runner.stop(command_id, 0.1) == []

    assert (await runner.wait(command_id)).signal == signal.SIGKILL


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


async def test_another_process_with_the_pid_of_the_shim_is_not_adopted(
    runner: Runner, tmp_path: Path, command_id: str
) -> None:
    shim = killed_daemon(tmp_path / "output", command_id, "sleep 60")

    assert not await runner.adopt(command_id, shim.pid, shim.start_time + 1, shim.boot_id)

    assert (await runner.wait(command_id)).interrupted


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
