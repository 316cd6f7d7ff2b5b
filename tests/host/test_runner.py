"""Commands on real processes: how they end, what they print, what they leave behind."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import signal
from pathlib import Path

import pytest
from tests.host.commands import lives, printed, run, until

from devopsclaw.host import process
from devopsclaw.host.census import residents
from devopsclaw.host.runner import Runner
from devopsclaw.model.errors import Busy, Damaged, NotFound
from devopsclaw.model.process import MIB, Gap, Printed

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

    for each in ids:
        with pytest.raises(ChildProcessError):
            os.waitpid(runner.shim(each).pid, os.WNOHANG)


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
