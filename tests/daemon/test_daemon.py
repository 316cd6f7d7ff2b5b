"""A real node: commands start once, survive their daemon, and end with the truth told."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest
from tests.daemon.daemon_place import (
    CONTROLLER,
    PATIENCE,
    UID,
    House,
    Life,
    key_of,
    starts,
    until,
    waiting,
)

from devopsclaw.daemon import daemon as driver
from devopsclaw.daemon.journal import Journal
from devopsclaw.fleet.signing import Signer
from devopsclaw.model.errors import Damaged
from devopsclaw.wire.enroll import Welcome
from devopsclaw.wire.frames import Frame, FrameType

LONG = "# " + 12_000 * "x"
"""A comment that fills a few pages of the journal."""


async def test_a_command_is_accepted_started_and_reported(house: House, life: Life) -> None:
    command = house.command("echo out; echo err >&2; exit 3")
    async with life.session() as session:
        await session.offer(command)
        done = await session.done()

    kinds = [frame.type for frame in session.heard if frame.type is not FrameType.OUTPUT]
    assert kinds == [FrameType.ACCEPT, FrameType.STARTED, FrameType.DONE]
    assert (session.output(), session.output("stderr")) == (b"out\n", b"err\n")
    assert (done["status"], done["exit_code"], done["stdout_length"], done["stderr_length"]) == (
        "failed",
        3,
        4,
        4,
    )
    assert done["started_at"] > 0 and done["duration"] >= 0
    assert await life.states() == ["finished"]


async def test_the_same_offer_again_starts_nothing(house: House, life: Life, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    command = house.command(waiting(marker))
    async with life.session() as session:
        await session.offer(command)
        await session.hears(FrameType.STARTED)
        await session.offer(command)
        await session.hears(FrameType.ACCEPT)
        marker.touch()
        await session.done()
        await session.offer(command)
        await session.done()

    assert starts(marker) == 1


async def test_what_another_controller_signed_is_refused(house: House, life: Life) -> None:
    house.signer = Signer(key_of("mallory"))
    async with life.session() as session:
        await session.offer(house.command("true"))
        refusal = await session.hears(FrameType.REJECT)

    assert refusal.header["code"] == "bad_signature"
    assert await life.states() == []


async def test_what_the_owner_forbids_is_refused_with_the_rule_and_leaves_no_trace(
    house: House, life: Life
) -> None:
    house.policy.write_text("refuse: [true]")
    command = house.command("true")
    async with life.session() as session:
        await session.offer(command)
        refusal = await session.hears(FrameType.REJECT)
        assert await life.states() == []

        house.policy.write_text("refuse: ['reboot']\n")
        await session.offer(command)
        done = await session.done()

    assert refusal.header["code"] == "policy"
    assert refusal.header["message"].startswith("policy file broken: line 1: refuse: a list of words")
    assert (refusal.header["offer"], done["status"]) == (command.digest, "ok")


async def test_output_is_told_while_the_command_runs(house: House, life: Life, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with life.session() as session:
        await session.offer(house.command(f"echo first; {waiting(marker, 'echo second')}"))
        assert (await session.hears(FrameType.OUTPUT)).body == b"first\n"
        marker.touch()
        await session.done()

    assert session.output() == b"first\nsecond\n"


async def test_output_over_the_cap_has_a_gap_in_its_middle(house: House, life: Life) -> None:
    command = house.command("head -c 200000 /dev/zero", output_cap=10_000)
    async with life.session() as session:
        await session.offer(command)
        done = await session.done()
        await session.hears_all(done)

    ((stream, start, end),) = done["gaps"]
    assert (stream, done["stdout_length"]) == ("stdout", 200_000)
    assert 200_000 - (end - start) == 10_000
    assert session.output() == 10_000 * b"\0"


async def test_a_timeout_stops_the_command(house: House, life: Life) -> None:
    async with life.session() as session:
        await session.offer(house.command("sleep 600", timeout=0.2))
        done = await session.done()

    assert done["status"] == "timed_out"


class DeafRelay:
    """A channel whose other end offers one command and then reads nothing any more."""

    def __init__(self, offer: Frame) -> None:
        self.welcome = Welcome(epoch=1, uid=UID, server_time=0.0, root=CONTROLLER.public_hex)
        self._offers = [offer]

    async def send(self, frame: Frame) -> None:
        """Never taken."""
        await asyncio.Event().wait()

    async def receive(self) -> Frame:
        """The offer, then nothing."""
        if not self._offers:
            await asyncio.Event().wait()
        return self._offers.pop()

    async def close(self) -> None:
        """Nothing to close."""


async def test_a_timeout_stops_the_command_however_slow_the_relay_is(house: House, life: Life) -> None:
    command = house.command("sleep 600", timeout=0.2)
    header = {"node": UID, "command": command.id, "signature": command.signature}
    deaf = DeafRelay(Frame(FrameType.OFFER, header, command.body))

    talking = asyncio.ensure_future(life.daemon.converse(deaf))
    async with asyncio.timeout(PATIENCE):
        while await life.states() != ["finished"]:
            await asyncio.sleep(0.01)
    talking.cancel()
    await asyncio.wait({talking})

    (row,) = await life.journal.rows()
    assert row.fields["status"] == "timed_out"


async def test_a_cancel_stops_the_command(house: House, life: Life) -> None:
    command = house.command("sleep 600")
    async with life.session() as session:
        await session.offer(command)
        await session.hears(FrameType.STARTED)
        await session.cancel(command)
        done = await session.done()

    assert done["status"] == "killed"


async def test_a_cancel_before_the_offer_means_it_never_starts(
    house: House, life: Life, tmp_path: Path
) -> None:
    command = house.command(f"touch {tmp_path / 'ran'}")
    async with life.session() as session:
        await session.cancel(command)
        assert (await session.done())["status"] == "cancelled"
        await session.offer(command)
        assert (await session.done())["status"] == "cancelled"

    assert not (tmp_path / "ran").exists()


async def test_what_is_acknowledged_is_forgotten_and_its_output_deleted(house: House, life: Life) -> None:
    command = house.command("echo out")
    async with life.session() as session:
        await session.offer(command)
        await session.done()
        assert list((house.folder / "spill").iterdir())
        await session.acknowledge(command)
        await until(lambda: _are(life, ["acked"]))
        standing = await session.reconcile((command.id, 4, 0))

    assert list((house.folder / "spill").iterdir()) == []
    assert standing.header["commands"] == [{"command": command.id, "state": "forgotten"}]


async def _are(life: Life, states: list[str]) -> bool:
    return await life.states() == states


async def test_nothing_is_kept_in_memory_of_what_is_over(house: House, life: Life) -> None:
    async with life.session() as session:
        for line in ("true", "exit 1", "sleep 600"):
            command = house.command(line, timeout=0.2)
            await session.offer(command)
            await session.done()
            await session.acknowledge(command)
        await until(lambda: _are(life, ["acked"] * 3))
        await session.reconcile()

    assert (life.daemon._caps, life.daemon._begun) == ({}, {})


async def test_a_command_that_cannot_start_is_reported_as_failed_and_leaves_nothing(
    house: House, life: Life
) -> None:
    (house.folder / "spill").rmdir()
    (house.folder / "spill").write_text("no folder")
    async with life.session() as session:
        await session.offer(house.command("true"))
        done = await session.done()

    assert (done["status"], done["exit_code"]) == ("failed", None)
    assert "cannot write output" in done["reason"]
    assert life.daemon._begun == {}


async def test_a_command_whose_start_came_too_late_does_not_start(
    house: House, life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "DISK_RETRY", 0.01)
    command = house.command(f"touch {tmp_path / 'ran'} {LONG}")
    await life.database.write(_fill)
    async with life.session() as session:
        await session.offer(command)
        await until(lambda: _has_trouble(life))
        house.clock.skew = 3600.0  # so long the disk was full
        await life.database.write(_make_room)
        done = await session.done()

    assert done["status"] == "expired"
    assert not (tmp_path / "ran").exists()


def _fill(connection: sqlite3.Connection) -> None:
    """Not one more page."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")


def _make_room(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA max_page_count = 1000000")


async def _has_trouble(life: Life) -> bool:
    return bool(life.daemon.trouble)


async def test_while_the_journal_cannot_be_written_nothing_starts_and_nothing_is_said(
    house: House, life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "DISK_RETRY", 0.01)
    await life.database.write(_fill)
    async with life.session() as session:
        await session.offer(house.command(f"touch {tmp_path / 'ran'} {LONG}"))
        await until(lambda: _has_trouble(life))
        assert not (tmp_path / "ran").exists() and session.heard == []

        await life.database.write(_make_room)
        assert (await session.done())["status"] == "ok"

    assert (tmp_path / "ran").exists() and life.daemon.trouble == ""


async def test_a_row_that_cannot_be_deleted_does_not_end_the_daemon(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.daemon() as first, first.session() as session:
        command = house.command("true")
        await session.offer(command)
        await session.done()
        await session.acknowledge(command)
        await until(lambda: _are(first, ["acked"]))

    house.clock.skew = 7 * 86_400.0
    monkeypatch.setattr(Journal, "purge", _full)
    async with house.daemon() as second:
        await until(lambda: _has_trouble(second))
        async with second.session() as session:
            assert (await session.reconcile()).header["commands"] == []
        assert await second.states() == ["acked"]

    monkeypatch.undo()
    async with house.daemon() as third:
        await until(lambda: _are(third, []))


async def _full(journal: object, command: str) -> None:
    raise Damaged("the disk is full")


async def test_a_daemon_that_was_killed_takes_its_command_up_and_reports_it(
    house: House, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    async with house.daemon() as first, first.session() as session:
        command = house.command(f"echo before; {waiting(marker, 'echo after')}")
        await session.offer(command)
        await session.hears(FrameType.STARTED)
        await session.hears(FrameType.OUTPUT)

    async with house.daemon() as second, second.session() as session:
        standing = await session.reconcile((command.id, 0, 0))
        marker.touch()
        done = await session.done()
        await session.hears_all(done)

    assert standing.header["commands"] == [{"command": command.id, "state": "running"}]
    assert (done["status"], session.output(), starts(marker)) == ("ok", b"before\nafter\n", 1)


async def test_what_ended_while_no_daemon_was_there_is_told_by_the_next(house: House, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with house.daemon() as first, first.session() as session:
        command = house.command(waiting(marker, "echo after; exit 4"))
        await session.offer(command)
        await session.hears(FrameType.STARTED)
    marker.touch()

    async with house.daemon() as second, second.session() as session:
        await session.reconcile((command.id, 0, 0))
        done = await session.done()
        await session.hears_all(done)

    assert (done["status"], done["exit_code"], session.output()) == ("failed", 4, b"after\n")
    assert starts(marker) == 1


async def test_a_result_that_was_not_acknowledged_is_told_again_with_its_output(house: House) -> None:
    async with house.daemon() as first, first.session() as session:
        command = house.command("echo out")
        await session.offer(command)
        told = await session.done()

    async with house.daemon() as second, second.session() as session:
        await session.reconcile((command.id, 0, 0))
        again = await session.done()
        await session.hears_all(again)

    assert session.output() == b"out\n"
    same = {"status", "exit_code", "stdout_sha256", "started_at", "duration"}
    assert {name: told[name] for name in same} == {name: again[name] for name in same}


async def test_nothing_is_heard_before_the_journal_was_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.daemon() as first, first.session() as session:
        command = house.command("echo out")
        await session.offer(command)
        await session.done()

    rows, may_read = Journal.rows, asyncio.Event()

    async def slow(journal: Journal) -> object:
        await may_read.wait()
        return await rows(journal)

    monkeypatch.setattr(Journal, "rows", slow)
    async with house.daemon() as second, second.session() as session:
        asking = asyncio.ensure_future(session.reconcile((command.id, 4, 0)))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not asking.done()
        may_read.set()
        standing = await asyncio.wait_for(asking, PATIENCE)

    assert standing.header["commands"] == [{"command": command.id, "state": "finished"}]


async def test_a_timeout_runs_on_while_the_daemon_is_down(house: House) -> None:
    async with house.daemon() as first, first.session() as session:
        command = house.command("sleep 600", timeout=1.0)
        await session.offer(command)
        await session.hears(FrameType.STARTED)

    async with house.daemon() as second, second.session() as session:
        await session.reconcile((command.id, 0, 0))
        done = await session.done()

    assert done["status"] == "timed_out"


async def test_without_a_session_commands_go_on_and_are_told_in_the_next(
    house: House, life: Life, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    command = house.command(waiting(marker, "echo out"))
    async with life.session() as session:
        await session.offer(command)
        await session.hears(FrameType.STARTED)
    marker.touch()
    await until(lambda: _are(life, ["finished"]))

    async with life.session() as session:
        await session.reconcile((command.id, 0, 0))
        done = await session.done()
        await session.hears_all(done)

    assert (done["status"], session.output()) == ("ok", b"out\n")


async def test_a_journal_with_a_senseless_row_ends_the_daemon_with_the_reason(house: House) -> None:
    async with house.daemon() as first, first.session() as session:
        command = house.command("true")
        await session.offer(command)
        await session.done()

    with sqlite3.connect(house.folder / "node.db") as connection:
        connection.execute("UPDATE commands SET fields = ?", (json.dumps(["no", "object"]),))
    connection.close()

    with pytest.raises(Damaged, match="cannot be read"):
        async with house.daemon(), asyncio.timeout(PATIENCE):
            await asyncio.Event().wait()


async def test_a_driver_that_dies_ends_its_process_loudly(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_down(journal: object, records: object) -> None:
        raise ZeroDivisionError("the journal is broken")

    monkeypatch.setattr(Journal, "record", break_down)
    with pytest.raises(ZeroDivisionError, match="the journal is broken"):
        async with house.daemon() as life, asyncio.timeout(PATIENCE):
            async with life.session() as session:
                await session.offer(house.command("true"))
                await asyncio.Event().wait()
