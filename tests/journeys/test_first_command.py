"""The first command on a machine where nothing was set up, and its trace in the audit trail."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
from tests.journeys.processes import House, Machine, flip, lines_of
from tests.journeys.terminal import BEFORE, Terminal

PLACES = (0, 18, 60, 100, 4096, 8192, 12000, 16384, -1)
"""Where a bit is flipped: SQLite's header, its schema, the first and the last page, and unused space."""


@pytest.fixture(scope="module")
def after_one_command(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A home in which one command ran."""
    claw = House(tmp_path_factory.mktemp("first")).machine("desk")
    assert claw("run", "echo here I am").code == 0
    return claw


@pytest.fixture
def copied(after_one_command: Machine, house: House) -> Machine:
    """The same home, to be spoilt."""
    claw = house.machine("desk")
    shutil.copytree(after_one_command.home, claw.home)
    return claw


def test_a_command_runs_with_nothing_set_up(at_a_core: Machine) -> None:
    done = at_a_core("run", "uptime")

    assert done.code == 0
    assert "local (1) ● ok exit 0" in done.out and "load average" in done.out
    assert done.err.startswith("1 node: 1 ok  X-1")


def test_the_audit_list_has_its_entry(after_one_command: Machine) -> None:
    (entry,) = after_one_command("audit", "list", "--json").json["items"]

    assert (entry["id"], entry["action"], entry["target"]) == ("E-1", "fleet.exec", "local")
    assert entry["status"] == "ok" and entry["nodes"] == {"ok": 1} and entry["duration"] > 0
    assert entry["time"].endswith("Z") and entry["user"]


def test_the_audit_trail_is_whole(after_one_command: Machine) -> None:
    done = after_one_command("audit", "verify")

    assert (done.code, done.out[:5]) == (0, "whole")


@pytest.mark.parametrize("place", PLACES)
def test_any_byte_that_was_edited_shows(copied: Machine, place: int) -> None:
    databases = sorted(copied.home.glob("audit/*.db"))
    assert [path.name for path in databases] == ["audit.db"]
    flip(databases[0], place)

    done = copied("audit", "verify")

    assert done.code == 1, done.out + done.err
    assert done.out.startswith("BROKEN: ")


def test_the_seal_s_own_bytes_show_too(copied: Machine) -> None:
    flip(copied.home / "audit" / "seal.json", 40)

    assert copied("audit", "verify").code == 1


def test_the_console_does_the_same_by_keys(at_a_core: Machine, terminal: Callable[..., Terminal]) -> None:
    screen = terminal(at_a_core)
    assert "local" in screen.wait("all quiet  1 node")

    screen.press("x")
    screen.wait("what each node runs")
    screen.type("echo here $((40 + 2)) >>begun; cat begun")
    screen.press("Enter")
    plan = screen.wait("Enter   runs it")
    assert "LOW RISK: echo here" in plan and "nothing has run yet" in plan
    assert not lines_of(at_a_core.user / "begun")
    screen.press("Enter")
    assert "here 42" in screen.wait("ended, exit 0")
    assert lines_of(at_a_core.user / "begun") == ["here 42"]

    screen.press("5")
    assert "E-1" in screen.wait("fleet.exec")
    screen.press("V")
    assert "whole: 2 entries" in screen.wait("chain verified")

    screen.press("q")
    left = screen.wait("left with 0")
    assert BEFORE in left and " icanon " in left and " echo " in left
    assert (screen.mode("alternate_on"), screen.mode("cursor_flag")) == ("0", "1")
    assert screen.mode("mouse_any_flag") == "0"
