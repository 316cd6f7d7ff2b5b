"""The checkup: with a core and without, with a relay and without, and when a check itself fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest

from devopsclaw import boot
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.config import load
from devopsclaw.core.paths import Home
from devopsclaw.fleet.inventory import Node
from devopsclaw.model.checkup import Checked, well
from devopsclaw.model.errors import BadConfig, Busy, Damaged
from devopsclaw.ops import doctor
from devopsclaw.ops.doctor import Checkup, Patient, examine_alone, node_skew
from devopsclaw.ops.version import baked
from devopsclaw.relay.address import Endpoint

NOW = 1_800_000_000.0
OWN = baked().version


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def by_check(found: Checkup) -> dict[str, Checked]:
    """Check → what it found last."""
    return {each.check: each for each in found.items}


async def test_a_new_home_has_no_problem(home: Home) -> None:
    async with boot.open(home, face="cli", environment={}) as core:
        found = await core.door.run("doctor.examine", {})

    assert found.exit == 0
    assert {"config", "permissions", "keys saved", "relay", "disk", "audit", "sandbox"} <= set(
        by_check(found)
    )
    assert by_check(found)["relay"].text.startswith("none is set")


async def test_the_whole_audit_trail_is_verified_when_asked(home: Home) -> None:
    async with boot.open(home, face="cli", environment={}) as core:
        quick = by_check(await core.door.run("doctor.examine", {}))["audit"]
        full = by_check(await core.door.run("doctor.examine", {"full": True}))["audit"]

    assert "doctor --full" in quick.text and "from the first on" in full.text


async def test_a_relay_that_is_down_is_a_problem_at_the_step_that_fails(home: Home, unused_port: int) -> None:
    environment = {"DEVOPSCLAW_RELAY_URL": f"wss://127.0.0.1:{unused_port}"}
    async with boot.open(home, face="cli", environment=environment) as core:
        found = await core.door.run("doctor.examine", {})

    steps = {each.check: each.status for each in found.items if each.check.startswith("relay")}
    assert steps == {"relay dns": "ok", "relay tcp": "problem"}
    assert found.exit == 1 and by_check(found)["relay tcp"].fix
    assert by_check(found)["keys saved"].status == "warning"


@pytest.fixture
async def unused_port() -> AsyncIterator[int]:
    """A port where nothing listens: one that was just given back."""
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    yield port


async def test_without_a_core_the_rest_is_said_all_the_same(home: Home) -> None:
    home.make()
    why = Busy("another devopsclaw core has this home open", hint="work there")

    found = await examine_alone(home, {}, why)

    assert found.items[0] == Checked(check="core", status="problem", text=why.message, fix="work there")
    assert {"config", "permissions", "disk", "sandbox"} <= set(by_check(found))
    assert found.exit == 1


async def test_what_a_check_says_is_not_said_twice(home: Home) -> None:
    home.make()
    home.config.write_text('{"rela": 1}')
    with pytest.raises(BadConfig) as refused:
        load(home, {})

    found = await examine_alone(home, {}, refused.value)

    assert [each.text for each in found.items].count(refused.value.message) == 1
    assert "core" not in by_check(found)


async def test_a_home_that_is_not_there_at_all_is_no_traceback(home: Home) -> None:
    found = await examine_alone(home, {}, Damaged("the disk is gone"))

    assert by_check(found)["disk"].status == "problem"
    assert all(each.fix for each in found.items if each.status != "ok")


async def test_a_check_that_fails_is_a_problem_and_the_others_go_on(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(patient: Patient) -> list[Checked]:
        raise ZeroDivisionError("by password=hunter2")

    async def go(patient: Patient) -> list[Checked]:
        return [well("after", "looked at")]

    monkeypatch.setattr(doctor, "CHECKS", {"first": fail, "after": go})

    found = await examine_alone(home, {}, Damaged("x"))

    first = by_check(found)["first"]
    assert (first.status, first.text) == (
        "problem",
        "could not be looked at: ZeroDivisionError: by password=***",
    )
    assert by_check(found)["after"].status == "ok"


async def test_a_check_that_does_not_end_is_a_problem(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(patient: Patient) -> list[Checked]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(doctor, "CHECKS", {"slow": hang})
    monkeypatch.setattr(doctor, "PATIENCE", 0.01)

    found = await examine_alone(home, {}, Damaged("x"))

    assert by_check(found)["slow"].status == "problem"


@pytest.mark.parametrize(
    ("ahead", "status"), [(0, "ok"), (-20, "ok"), (40, "warning"), (-299, "warning"), (301, "problem")]
)
async def test_a_relay_whose_clock_goes_wrong_is_told(ahead: float, status: str) -> None:
    date = format_datetime(datetime.fromtimestamp(NOW + ahead, UTC), usegmt=True)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nDate: {date}\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        place = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1], is_plain=True)
        found = await doctor._relay_clock(place, None, ManualClock(NOW))

    assert (found.status, bool(found.fix)) == (status, status != "ok")


def heard(name: str, ahead: float, version: str = OWN) -> Node:
    """A node that was heard a while after it said what its time is."""
    return Node(name, uid=name, last_seen=NOW, version=version, facts={"time": NOW + ahead})


def test_a_node_that_says_no_time_has_no_skew() -> None:
    assert node_skew(Node("old", last_seen=NOW)) is None
    assert node_skew(heard("web-1", 40.0)) == 40.0


@pytest.mark.parametrize(
    ("ahead", "status"), [(0, "ok"), (-69, "ok"), (45, "warning"), (-200, "warning"), (900, "problem")]
)
def test_a_node_whose_clock_goes_wrong_is_named(ahead: float, status: str) -> None:
    (found,) = doctor._clocks([heard("web-1", 0.0), heard("web-2", float(ahead))])

    assert found.status == status
    assert ("web-2" in found.text) == (status != "ok")


def test_nodes_of_another_release_are_named() -> None:
    assert doctor._versions([heard("web-1", 0)]).status == "ok"

    found = doctor._versions([heard("web-1", 0), heard("web-2", 0, "0.0.1")])

    assert found.status == "warning" and "0.0.1: web-2" in found.text
