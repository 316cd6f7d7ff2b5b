"""`devopsclaw demo`: a real small fleet with something to find, and nothing left of it afterwards."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.journeys.processes import Machine, living_in, wait_for
from tests.journeys.terminal import Terminal

NO_WALLS = "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n"
"""A bubblewrap as on a machine whose kernel lets users make no namespaces."""


@pytest.fixture
def visitor(claw: Machine) -> Machine:
    """Somebody who tries the demo; its temporary home is under theirs, so that a test sees what is left."""
    scratch = claw.user / "scratch"
    scratch.mkdir()
    claw.extra["TMPDIR"] = str(scratch)
    return claw


@pytest.fixture
def without_walls(visitor: Machine) -> Machine:
    """The same on a machine where bubblewrap does not work."""
    bubblewrap = visitor.user / "bin" / "bwrap"
    bubblewrap.write_text(NO_WALLS)
    bubblewrap.chmod(0o755)
    return visitor


def is_all_gone(visitor: Machine) -> bool:
    """Whether no folder of the demo is left, nor, a moment later, any of its processes."""
    assert list((visitor.user / "scratch").iterdir()) == []
    return wait_for("no process is left", lambda: not living_in(visitor.user))


def folds_of(printed: str, command: str) -> str:
    """What the tour printed for one of its commands."""
    return printed.partition(f"$ devopsclaw {command}")[2].partition("\n#")[0]


def test_the_tour_finds_the_full_disk_and_leaves_nothing(visitor: Machine) -> None:
    done = visitor("demo")

    assert done.code == 0, done.out + done.err
    nodes = folds_of(done.out, "node list")
    assert [nodes.count(name) for name in ("prod-web-1", "prod-web-2", "prod-api-1", "● online")] == [
        1,
        1,
        1,
        3,
    ]
    disks = folds_of(done.out, "run 'df -h /srv")
    well, full = disks.split("── ")[1:]
    assert well.startswith("prod-api-1,prod-web-1 (2) ● ok") and " 1% /srv" in well
    assert full.startswith("prod-web-2 (1) ● ok") and "100% /srv" in full
    assert "whole: " in folds_of(done.out, "audit verify")
    assert done.out.rstrip().endswith("? lists the keys, q leaves.")
    assert is_all_gone(visitor)
    assert not visitor.home.exists()


def test_more_nodes_share_one_process_behind_the_same_walls(visitor: Machine) -> None:
    done = visitor("demo", "--nodes", "6")

    assert done.code == 0
    assert "prod-worker-3" in done.out
    disks = folds_of(done.out, "run 'df -h /srv")
    assert "prod-worker-[1-3] (3) ● ok" in disks and disks.count(" 16M ") >= 3
    assert is_all_gone(visitor)


def test_without_walls_the_tour_only_reads(without_walls: Machine) -> None:
    done = without_walls("demo")

    assert done.code == 0, done.out + done.err
    assert "commands run as this user" in done.out
    assert "prod-api-1,prod-web-[1-2] (3) ● ok" in folds_of(done.out, "run 'df -h /'")
    assert "risk    high" in folds_of(done.out, "run 'touch here'")
    assert is_all_gone(without_walls)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_demo_that_is_told_to_end_leaves_nothing(visitor: Machine, number: signal.Signals) -> None:
    demo = visitor.start("demo")
    wait_for("its relay runs", lambda: list(Path(visitor.extra["TMPDIR"]).glob("*/home/run/relay.json")))

    assert demo.end(number) == 128 + number, demo.said

    assert is_all_gone(visitor) and "Traceback (most" not in demo.said


def test_the_console_says_demo_and_finds_the_disk_by_keys(
    visitor: Machine, terminal: Callable[..., Terminal]
) -> None:
    screen = terminal(visitor, "demo")
    picture = screen.wait("3 of 3")
    assert picture.splitlines()[0].split()[:2] == ["PROD", "DEMO"]
    assert "run here as" not in picture

    screen.press("/")
    screen.wait("target: env=prod")
    screen.type("role=web")
    screen.wait("2 of 3")
    screen.press("Enter")
    screen.wait("NORMAL")
    screen.press("x")
    screen.wait("what each node runs")
    screen.type("df -h /srv")
    screen.press("Enter")
    screen.wait("ended, exit 0")
    screen.press("e")
    opened = screen.wait("100%")
    assert "1 node  prod-web-1" in opened and "1 node  prod-web-2" in opened

    screen.press("q")
    screen.wait("left with 0")
    screen.close()
    assert is_all_gone(visitor)


def test_without_walls_the_console_says_so_and_every_write_asks(
    without_walls: Machine, terminal: Callable[..., Terminal]
) -> None:
    screen = terminal(without_walls, "demo")
    header = screen.wait("3 of 3").splitlines()[0]
    assert "DEMO" in header and "commands run here as" in header and "every write asks" in header

    screen.press("x")
    screen.wait("what each node runs")
    screen.type("touch here")
    screen.press("Enter")
    assert "HIGH RISK" in screen.wait("digit")
    screen.press("Escape")
    screen.wait("nothing ran")
