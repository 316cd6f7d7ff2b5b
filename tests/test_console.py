"""The console as a face: how it ends where something in it went wrong. What it shows: tests/screens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from textual.pilot import Pilot

from devopsclaw.boot import GRACE
from devopsclaw.console import LAST_RESORT, QuietConsole, _settings
from devopsclaw.core.paths import Home
from devopsclaw.model.errors import BadConfig, Busy
from devopsclaw.screens.desk import CoreHandle

SECRET = "not for a terminal"


class Surprise(Exception):
    """A defect."""


async def opened_with_a_defect() -> CoreHandle:
    """No core, but an error that nobody expects."""
    token = SECRET
    raise Surprise(f"of {len(token)} letters")


def test_a_defect_ends_the_console_as_itself_and_fills_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console = QuietConsole(opened_with_a_defect)

    console.run(headless=True)

    with pytest.raises(Surprise, match="of 18 letters"):
        assert console.outcome
    told = capsys.readouterr()
    assert SECRET not in told.out + told.err and "Traceback" not in told.err


async def busy() -> CoreHandle:
    """No core, for a reason that a person can do something about."""
    raise Busy("another devopsclaw has this home open", hint="work there")


async def leave(pilot: Pilot[object]) -> None:
    """By key."""
    await pilot.press("q")


def test_a_console_that_was_left_ends_well() -> None:
    console = QuietConsole(busy)

    console.run(headless=True, auto_pilot=leave)

    assert console.outcome == 0


TOLD = """
import signal, sys, time
from devopsclaw.console import QuietConsole, _told_to_leave
from devopsclaw.model.errors import Busy

async def busy():
    raise Busy("another devopsclaw has this home open")

def hand_over():
    print("handed over", flush=True)

async def hung_up(pilot):
    _told_to_leave(console, hand_over, signal.SIGHUP)

console = QuietConsole(busy)
"""
"""A console that is told to leave, in a process that it may end."""

LEAVES = """
console.run(headless=True, auto_pilot=hung_up)
print("left by itself", flush=True)
sys.exit(console.outcome)
"""

HANGS = """
console.exit = lambda return_code: time.sleep(600)  # as one that waits for a terminal that is gone
_told_to_leave(console, hand_over, signal.SIGHUP)
"""


def told(script: str) -> tuple[int, list[str]]:
    """Exit code and words of the console that this script tells to leave."""
    done = subprocess.run(
        [sys.executable, "-c", TOLD + script], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout.splitlines()


def test_a_console_that_is_told_to_leave_hands_over_first_and_says_which_signal_it_was() -> None:
    assert told(LEAVES) == (129, ["handed over", "left by itself"])


def test_a_console_whose_terminal_hangs_ends_all_the_same() -> None:
    assert told(HANGS) == (129, ["handed over"])


def test_the_last_resort_leaves_time_for_the_last_answers_and_comes_within_a_second() -> None:
    assert GRACE < LAST_RESORT < 1


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to somebody else")
def test_the_settings_of_a_home_that_is_anothers_are_that_ones_own_business(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{ not for us")
    with pytest.raises(BadConfig):
        _settings(Home(tmp_path))

    os.chown(tmp_path, 65534, -1)

    assert _settings(Home(tmp_path)).config.ui.theme == "claw-dark"


def test_the_settings_of_a_home_that_is_not_there_yet_are_the_defaults(tmp_path: Path) -> None:
    assert _settings(Home(tmp_path / "none")).config.ui.theme == "claw-dark"
