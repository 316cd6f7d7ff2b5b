"""The system in one look, with a real audit log and without the things that may be missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from devopsclaw.core.audit import AuditLog
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.config import load
from devopsclaw.core.gate import Gate
from devopsclaw.core.keys import Keys
from devopsclaw.core.paths import Home
from devopsclaw.model.audit import Draft
from devopsclaw.model.call import Actor
from devopsclaw.model.errors import BadConfig, Denied
from devopsclaw.model.ports import FleetPort, Reach
from devopsclaw.ops.status import Status, show

TEXT = """\
{
  "relay": { "url": "wss://relay:9443", "auth_token": "hunter2" },
  "model_list": [
    { "model_name": "gpt4", "model": "openai/x", "api_key": "hunter3" },
    { "model_name": "gpt4", "model": "openai/x", "api_key": "hunter4" },
    { "model_name": "claude", "model": "anthropic/y" },
    { "model_name": "local", "model": "ollama/z" },
  ],
}
"""

MakeGate = Callable[..., Gate]


class _Fleet:
    """A fleet with one node, which is known of once the links are open."""

    def __init__(self) -> None:
        self._found: dict[str, int | str] = {"connection": "none"}

    async def ready(self) -> None:
        self._found = {"connection": "connected", "online": 1}

    def summary(self) -> dict[str, int | str]:
        return self._found


async def nobody_to_tell() -> bool:
    """There is no relay."""
    return False


async def unusable() -> None:
    """Links that cannot be opened."""
    raise BadConfig("the token file /x cannot be read", hint="check its path")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with its folders."""
    return Home(tmp_path / "home").make()


@pytest.fixture
async def log(home: Home) -> AsyncIterator[AuditLog]:
    """An open audit log."""
    async with await AuditLog.open(home.audit, Keys(home.keys), ManualClock()) as log:
        yield log


def _gate(make_gate: MakeGate, home: Home, log: AuditLog) -> Gate:
    fleet = _Fleet()
    return make_gate([show], load(home, {}), FleetPort(fleet), Reach(fleet.ready, nobody_to_tell), log)


async def test_a_new_home_has_a_status(home: Home, log: AuditLog, make_gate: MakeGate, viewer: Actor) -> None:
    result: Status = await _gate(make_gate, home, log).run("status.show", {}, viewer)

    lines = [line.split(maxsplit=1) for line in result.text().splitlines()]
    shown = dict(line for line in lines if line[0] != "database")
    assert shown["config"] == f"{home.config} (not there: defaults)"
    assert shown["relay"] == "none set"
    assert shown["models"] == "0 listed, 0 usable"
    assert shown["audit"] == "no entry yet"
    assert (shown["connection"], shown["online"]) == ("connected", "1")


async def test_a_relay_that_cannot_be_used_is_part_of_the_status(
    home: Home, log: AuditLog, make_gate: MakeGate, viewer: Actor
) -> None:
    gate = make_gate([show], load(home, {}), FleetPort(_Fleet()), Reach(unusable, nobody_to_tell), log)

    result: Status = await gate.run("status.show", {}, viewer)

    assert result.fleet == {"connection": "none", "why": "the token file /x cannot be read"}


async def test_listed_models_are_told_from_usable_ones(
    home: Home, log: AuditLog, make_gate: MakeGate, viewer: Actor
) -> None:
    home.config.write_text(TEXT)

    result: Status = await _gate(make_gate, home, log).run("status.show", {}, viewer)

    assert [(each.name, each.usable) for each in result.models] == [
        ("gpt4", True),
        ("gpt4", True),
        ("claude", False),
        ("local", True),
    ]
    assert "4 listed, 3 usable: gpt4, local" in result.text()


async def test_warnings_of_the_configuration_are_shown_and_no_secret(
    home: Home, log: AuditLog, make_gate: MakeGate, viewer: Actor
) -> None:
    home.config.write_text(TEXT)
    home.config.chmod(0o644)

    result: Status = await _gate(make_gate, home, log).run("status.show", {}, viewer)

    assert result.relay == "wss://relay:9443"
    assert result.text().splitlines()[-1].startswith(f"warning: {home.config} holds a secret")
    assert "hunter" not in result.text() + str(result.as_json())


async def test_the_head_of_the_audit_log_is_its_newest_entry(
    home: Home, log: AuditLog, make_gate: MakeGate, viewer: Actor
) -> None:
    await log.append(Draft(user="anna", action="x.y", status="ok"))
    await log.append(Draft(user="anna", action="x.z", status="ok"))

    result: Status = await _gate(make_gate, home, log).run("status.show", {}, viewer)

    assert (result.audit.head, result.audit.problem) == ("E-2", "")
    assert result.audit.time
    assert f"E-2 at {result.audit.time}" in result.text()


async def test_a_log_that_cannot_be_used_is_part_of_the_status(
    home: Home, make_gate: MakeGate, viewer: Actor
) -> None:
    (home.audit / "audit.db").mkdir()

    async with await AuditLog.open(home.audit, Keys(home.keys), ManualClock()) as log:
        result: Status = await _gate(make_gate, home, log).run("status.show", {}, viewer)

    assert result.audit.problem
    assert result.audit.problem in result.text()


async def test_databases_are_listed_with_their_sizes(
    home: Home, log: AuditLog, make_gate: MakeGate, viewer: Actor
) -> None:
    (home.state / "core.db").write_bytes(b"x" * 3_000)
    (home.state / "core.db-wal").write_bytes(b"x" * 1_500_000)
    (home.state / "notes.txt").write_text("")

    result: Status = await _gate(make_gate, home, log).run("status.show", {}, viewer)

    assert [Path(each.file).name for each in result.databases] == ["audit.db", "core.db"]
    assert result.databases[1].size == 1_503_000
    assert f"{home.state}/core.db  2 MB" in result.text()


async def test_a_stranger_sees_no_status(
    home: Home, log: AuditLog, make_gate: MakeGate, stranger: Actor
) -> None:
    with pytest.raises(Denied):
        await _gate(make_gate, home, log).run("status.show", {}, stranger)
