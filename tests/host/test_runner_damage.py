"""Files that cannot be used cost their own command its output, or its end; the others go on."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest
from tests.host.commands import LIMIT, lives, printed, run, until
from tests.host.spill_files import block, spoil

from devopsclaw.host.runner import Runner
from devopsclaw.model.errors import Damaged
from devopsclaw.model.process import Gap, Outcome, Printed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the runner's spills lie."""
    return tmp_path / "output"


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A command that reads of it waits until something is written to it."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


async def ended(runner: Runner, command_id: str) -> Outcome:
    """Its outcome, within reason."""
    async with asyncio.timeout(LIMIT):
        return await runner.wait(command_id)


async def started(runner: Runner, command_id: str, line: str) -> None:
    """Start it, and wait until it has printed something."""
    await runner.start(command_id, line)
    await until(lambda: runner.length(command_id, "stdout") > 0)


@pytest.mark.parametrize("has_pidfd", [True, False])
async def test_a_spoilt_spill_holds_up_no_other_command(
    runner: Runner,
    command_id: str,
    folder: Path,
    gate: Path,
    told: list[Printed],
    monkeypatch: pytest.MonkeyPatch,
    has_pidfd: bool,
) -> None:
    if not has_pidfd:
        monkeypatch.delattr(os, "pidfd_open")
    spoilt, other, second = f"{command_id}1", f"{command_id}2", gate.with_name("second")
    os.mkfifo(second)
    await started(runner, spoilt, f"echo first; read x <{gate}; echo more; exit 3")
    spoil(folder / f"{spoilt}.stdout")

    await runner.start(other, f"echo one; read x <{second}; echo two")
    await until(lambda: Printed(other, "stdout", 4) in told)
    second.write_text("go\n")
    assert (await ended(runner, other)).exit_code == 0

    gate.write_text("go\n")
    outcome = await ended(runner, spoilt)
    assert outcome.exit_code == 3, "how it ended is known all the same"
    assert (outcome.stdout_length, outcome.gaps) == (6, (Gap("stdout", 0, 6),))
    assert outcome.stdout_sha256 == hashlib.sha256().hexdigest()
    assert "cannot read" in outcome.reason and "Too many levels" in outcome.reason


async def test_output_that_breaks_while_it_is_hashed_is_lost_and_said_so(
    runner: Runner, command_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from a disk with a bad sector: the file opens, and looks right at its beginning."""
    pread = os.pread

    def broken(descriptor: int, size: int, offset: int) -> bytes:
        if offset > 0 and os.fstat(descriptor).st_size > 100_000:
            raise OSError(5, "Input/output error")
        return pread(descriptor, size, offset)

    monkeypatch.setattr(os, "pread", broken)

    outcome = await run(runner, command_id, "head -c 200000 /dev/zero; echo fine >&2")

    assert (outcome.exit_code, outcome.gaps) == (0, (Gap("stdout", 0, 200_000),))
    assert outcome.stderr_sha256 == hashlib.sha256(b"fine\n").hexdigest()
    assert "Input/output error" in outcome.reason


async def test_a_spill_that_can_be_read_again_has_lost_nothing(
    runner: Runner, command_id: str, folder: Path, gate: Path
) -> None:
    await started(runner, command_id, f"echo first; read x <{gate}; echo second")
    path, aside = folder / f"{command_id}.stdout", folder / "aside"
    path.rename(aside)
    with pytest.raises(Damaged, match="cannot read"):
        runner.length(command_id, "stdout")
    aside.rename(path)
    gate.write_text("go\n")

    outcome = await ended(runner, command_id)

    assert (outcome.gaps, outcome.reason) == ((), "")
    assert printed(runner, command_id) == b"first\nsecond\n"


@pytest.mark.parametrize("has_pidfd", [True, False])
async def test_an_exit_file_that_cannot_be_read_makes_the_end_unknown(
    runner: Runner,
    command_id: str,
    folder: Path,
    gate: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_pidfd: bool,
) -> None:
    if not has_pidfd:
        monkeypatch.delattr(os, "pidfd_open")
    await started(runner, command_id, f"echo first; read x <{gate}")
    spoil(folder / f"{command_id}.exit")
    assert (await run(runner, f"{command_id}2", "true")).exit_code == 0, "the others are looked at"
    gate.write_text("go\n")

    outcome = await ended(runner, command_id)

    assert outcome.interrupted and outcome.exit_code is None
    assert "cannot read" in outcome.reason
    assert printed(runner, command_id) == b"first\n"


async def test_a_command_whose_files_are_spoilt_can_be_stopped(
    runner: Runner, command_id: str, folder: Path
) -> None:
    await started(runner, command_id, "trap '' TERM; echo up; sleep 60; sleep 60")
    for name in ("stdout", "stderr", "exit"):
        spoil(folder / f"{command_id}.{name}")

    assert await runner.stop(command_id, 0.1) == []

    assert (await ended(runner, command_id)).interrupted
    assert not lives(runner.shim(command_id).pid)


async def test_what_is_left_is_named_though_nobody_knows_who_holds_the_spill(
    runner: Runner, command_id: str, folder: Path, gate: Path
) -> None:
    await started(runner, command_id, f"echo up; sh -c 'sleep 60; sleep 60' & read x <{gate}")
    spoil(folder / f"{command_id}.stdout")
    gate.write_text("go\n")

    outcome = await ended(runner, command_id)

    assert "sh" in [each.split()[1] for each in outcome.left]


async def test_files_that_cannot_be_deleted_are_named(runner: Runner, command_id: str, folder: Path) -> None:
    await run(runner, command_id, "true")
    block(folder / f"{command_id}.stderr")

    with pytest.raises(Damaged, match="cannot delete"):
        runner.forget(command_id)

    (folder / f"{command_id}.stderr").rmdir()
    runner.forget(command_id)
    assert list(folder.iterdir()) == []


async def test_a_command_whose_files_tell_nothing_is_not_adopted_and_the_others_are(
    runner: Runner, command_id: str, folder: Path, gate: Path
) -> None:
    first = Runner(folder, lambda printed: None)
    spoilt, other = f"{command_id}1", f"{command_id}2"
    lines = {spoilt: "sleep 60", other: f"read x <{gate}; exit 4"}
    shims = {each: await first.start(each, line) for each, line in lines.items()}
    await until(lambda: all((folder / f"{each}.exit").read_bytes()[:1].isdigit() for each in shims))
    await first.close()
    spoil(folder / f"{spoilt}.exit")

    with pytest.raises(Damaged, match="cannot read"):
        await runner.adopt(spoilt, shims[spoilt].pid, shims[spoilt].start_time, shims[spoilt].boot_id)
    assert await runner.adopt(other, shims[other].pid, shims[other].start_time, shims[other].boot_id)

    gate.write_text("go\n")
    assert (await ended(runner, other)).exit_code == 4
