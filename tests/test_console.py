"""The console as a face: how it ends where something in it went wrong. What it shows: tests/screens."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from devopsclaw.console import QuietConsole
from devopsclaw.model.errors import Busy
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
