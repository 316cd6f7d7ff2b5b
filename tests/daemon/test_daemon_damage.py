"""Output that its command threw away, files that nobody can read: the truth is told, and nobody waits."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.daemon.daemon_place import PATIENCE, House, Life, Session, until, waiting
from tests.host.spill_files import block, spoil

from devopsclaw.fleet.effects import Command
from devopsclaw.model.errors import Damaged
from devopsclaw.wire.frames import FrameType

KEPT = hashlib.sha256(b"kept\n").hexdigest()


def emptying(marker: Path, then: str = "true") -> str:
    """A command that prints `lost`, throws it away when the marker is there, and prints `kept`."""
    return f"echo lost; {waiting(marker, f'echo kept >/dev/stdout; {then}')}"


def gaps(session: Session) -> list[tuple[int, int]]:
    """The gaps of stdout that were told, in order."""
    told = [frame.header for frame in session.heard if frame.type is FrameType.GAP]
    return [(each["start"], each["end"]) for each in told if each["stream"] == "stdout"]


def output_from(session: Session, offset: int) -> bytes:
    """What was heard of stdout from there on."""
    told = [frame for frame in session.heard if frame.type is FrameType.OUTPUT]
    return b"".join(frame.body for frame in told if frame.header["offset"] >= offset)


def assert_lost_the_first_five(done: dict[str, Any]) -> None:
    """The report is that of `emptying`."""
    assert (done["status"], done["exit_code"], done["stdout_length"]) == ("ok", 0, 10)
    assert (done["gaps"], done["stdout_sha256"]) == ([["stdout", 0, 5]], KEPT)
    assert "emptied its own stdout" in done["reason"]


async def test_what_was_sent_and_then_thrown_away_is_taken_back_before_more_is_sent(
    house: House, life: Life, tmp_path: Path
) -> None:
    async with life.session() as session:
        await session.offer(house.command(emptying(tmp_path / "marker")))
        assert (await session.hears(FrameType.OUTPUT)).body == b"lost\n"
        (tmp_path / "marker").touch()
        assert (await session.hears(FrameType.GAP)).header["end"] == 5
        done = await session.done()

    assert_lost_the_first_five(done)
    assert (gaps(session), output_from(session, 5)) == ([(0, 5)], b"kept\n")


@pytest.mark.parametrize("held", [0, 3, 5])
async def test_a_daemon_killed_after_the_loss_tells_of_it_whatever_the_controller_holds(
    house: House, tmp_path: Path, held: int
) -> None:
    end = tmp_path / "end"
    async with house.daemon() as first, first.session() as session:
        command = house.command(emptying(tmp_path / "marker", waiting(end)))
        await session.offer(command)
        await session.hears(FrameType.OUTPUT)
        (tmp_path / "marker").touch()
        await session.hears(FrameType.GAP)

    async with house.daemon() as second, second.session() as session:
        await session.reconcile((command.id, held, 0))
        end.touch()
        done = await session.done()

    assert_lost_the_first_five(done)
    assert (gaps(session), output_from(session, 5)) == ([(0, 5)], b"kept\n")


async def test_a_loss_that_no_daemon_saw_is_found_by_the_next(house: House, tmp_path: Path) -> None:
    async with house.daemon() as first, first.session() as session:
        command = house.command(emptying(tmp_path / "marker"))
        await session.offer(command)
        await session.hears(FrameType.OUTPUT)
    (tmp_path / "marker").touch()
    spill = house.folder / "spill" / f"{command.id}.stdout"
    await until(lambda: _holds(spill, b"kept\n"))

    async with house.daemon() as second, second.session() as session:
        await session.reconcile((command.id, 5, 0))
        done = await session.done()
        await session.hears_all(done)

    assert_lost_the_first_five(done)
    assert (gaps(session), output_from(session, 5)) == ([(0, 5)], b"kept\n")


async def _holds(path: Path, content: bytes) -> bool:
    return path.read_bytes() == content


async def test_a_finished_command_that_lost_its_beginning_is_read_again_behind_it(
    house: House, tmp_path: Path
) -> None:
    async with house.daemon() as first, first.session() as session:
        command = house.command(emptying(tmp_path / "marker"))
        await session.offer(command)
        await session.hears(FrameType.OUTPUT)
        (tmp_path / "marker").touch()
        await session.done()

    async with house.daemon() as second, second.session() as session:
        await session.reconcile((command.id, 0, 0))
        done = await session.done()
        await session.hears(FrameType.OUTPUT)

    assert_lost_the_first_five(done)
    assert (gaps(session), output_from(session, 0)) == ([(0, 5)], b"kept\n")


async def test_output_behind_a_loss_is_told_at_once_however_long_the_loss_is(
    house: House, life: Life, tmp_path: Path
) -> None:
    marker, end = tmp_path / "marker", tmp_path / "end"
    line = f"head -c 2000 /dev/zero; {waiting(marker, f'echo kept >/dev/stdout; {waiting(end)}')}"
    async with life.session() as session:
        await session.offer(house.command(line, output_cap=1000))
        await session.hears(FrameType.OUTPUT)
        marker.touch()
        await session.hears(FrameType.GAP)
        told = await session.hears(FrameType.OUTPUT)
        end.touch()
        done = await session.done()

    assert (told.header["offset"], told.body) == (2000, b"kept\n")
    assert done["gaps"] == [["stdout", 0, 2000]]


# Files that nobody can read


def files_of(house: House, command: Command, *names: str) -> list[Path]:
    """The spill files of a command."""
    return [house.folder / "spill" / f"{command.id}.{name}" for name in names]


async def finishes_another(house: House, session: Session) -> None:
    """The daemon still runs what it is asked to, and reports it."""
    other = house.command("echo other")
    await session.offer(other)
    while (done := await session.done())["command"] != other.id:
        pass  # a report that was told before, once more
    assert (done["status"], done["stdout_length"]) == ("ok", 6)


async def test_a_command_whose_output_is_spoilt_ends_as_it_ended_and_nobody_waits(
    house: House, life: Life, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    command = house.command(f"echo told; {waiting(marker, 'exit 3')}")
    async with life.session() as session:
        await session.offer(command)
        await session.hears(FrameType.OUTPUT)
        for path in files_of(house, command, "stdout"):
            spoil(path)
        await finishes_another(house, session)
        marker.touch()
        done = await session.done()
        await finishes_another(house, session)

    assert (done["command"], done["status"], done["exit_code"]) == (command.id, "failed", 3)
    assert (done["gaps"], gaps(session)) == ([["stdout", 0, 5]], [(0, 5)])
    assert "cannot read" in done["reason"]


async def test_a_command_whose_files_tell_nothing_after_a_restart_is_unknown_and_nobody_waits(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    marker, end = tmp_path / "marker", tmp_path / "end"
    async with house.daemon() as first, first.session() as session:
        spoilt, other = house.command(waiting(marker)), house.command(waiting(end, "echo other"))
        for command in (spoilt, other):
            await session.offer(command)
            await session.hears(FrameType.STARTED)
    for path in files_of(house, spoilt, "stdout", "exit"):
        spoil(path)
    for path in files_of(house, spoilt, "stderr"):
        block(path)

    async with house.daemon() as second, second.session() as session:
        await session.reconcile((spoilt.id, 0, 0), (other.id, 0, 0))
        unknown = await session.done()
        end.touch()
        done = await session.done()
        await session.acknowledge(spoilt)
        await finishes_another(house, session)
    marker.touch()

    assert (unknown["command"], unknown["status"]) == (spoilt.id, "unknown")
    assert unknown["reason"] == "interrupted"
    assert (done["command"], done["status"]) == (other.id, "ok")
    assert "what became of command" in caplog.text and "Too many levels" in caplog.text
    assert "is left over: the node cannot delete" in caplog.text


async def test_output_that_cannot_be_read_any_more_is_a_gap_and_nobody_waits(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async with house.daemon() as first, first.session() as session:
        command = house.command("echo out")
        await session.offer(command)
        await session.done()
    for path in files_of(house, command, "stdout"):
        spoil(path)

    async with house.daemon() as second, second.session() as session:
        await session.reconcile((command.id, 0, 0))
        assert (await session.done())["stdout_length"] == 4
        await session.hears(FrameType.GAP)
        await finishes_another(house, session)

    assert gaps(session) == [(0, 4)]
    assert f"the output of command {command.id} is lost" in caplog.text


async def test_a_row_without_a_sensible_envelope_is_named(house: House) -> None:
    async with house.daemon() as first, first.session() as session:
        command = house.command("true")
        await session.offer(command)
        await session.done()
    with sqlite3.connect(house.folder / "node.db") as connection:
        (text,) = connection.execute("SELECT fields FROM commands").fetchone()
        broken = json.dumps({**json.loads(text), "envelope": "{}"})
        connection.execute("UPDATE commands SET fields = ?", (broken,))
    connection.close()

    with pytest.raises(Damaged, match=f"row of command {command.id} cannot be read"):
        async with house.daemon(), asyncio.timeout(PATIENCE):
            await asyncio.Event().wait()
