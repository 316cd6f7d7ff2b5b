"""The pictures of requests for a yes: docked, in the inbox, answered. Looked at before they are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.screens.conftest import Bench, until
from tests.screens.inbox_place import armed, arrived, gone_to
from tests.widgets.requests import plan_of
from textual.pilot import Pilot

from devopsclaw.widgets.glyphs import ASCII

Reach = Callable[[Pilot[Any], Bench], Awaitable[None]]


async def docked(pilot: Pilot[Any], bench: Bench) -> None:
    """Two wait, and the person is at something else."""
    await arrived(pilot, bench)
    await arrived(pilot, bench, risk="high")


async def arming(pilot: Pilot[Any], bench: Bench) -> None:
    """The person has just come to it: no key counts yet."""
    await gone_to(pilot, bench)


async def critical(pilot: Pilot[Any], bench: Bench) -> None:
    """It counts, and takes `y` and the words."""
    await armed(pilot, bench)
    await pilot.pause(0.6)


async def spelled(pilot: Pilot[Any], bench: Bench) -> None:
    """`y` was pressed, and half of the words are typed."""
    await critical(pilot, bench)
    await pilot.press("y")
    bench.clock.advance(1)
    await pilot.press("p", "r")
    await pilot.pause()


async def high(pilot: Pilot[Any], bench: Bench) -> None:
    """It counts, and takes `y` and a digit."""
    await armed(pilot, bench, risk="high")
    await pilot.pause(0.6)


async def changed(pilot: Pilot[Any], bench: Bench) -> None:
    """The plan is another than the one that was allowed."""
    await gone_to(pilot, bench, before=plan_of(nodes=2))


async def denied(pilot: Pilot[Any], bench: Bench) -> None:
    """Denied, and the reason is being written."""
    await high(pilot, bench)
    await pilot.press("n", *"not now")
    await pilot.pause()


STATES: tuple[Reach, ...] = (docked, arming, critical, spelled, high, changed, denied)
SIZES = [(80, 24), (120, 40)]


def reached(bench: Bench, reach: Reach) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """What brings the console there."""

    async def run(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: bool(pilot.app.desk.situation.nodes))  # type: ignore[attr-defined]
        await reach(pilot, bench)
        await pilot.pause()

    return run


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
@pytest.mark.parametrize("reach", STATES, ids=[each.__name__ for each in STATES])
def test_a_request_looks_as_it_did(
    bench: Bench, snap_compare: Any, reach: Reach, size: tuple[int, int]
) -> None:
    assert snap_compare(bench.console(), terminal_size=size, run_before=reached(bench, reach))


@pytest.mark.parametrize("reach", [docked, critical], ids=["docked", "critical"])
def test_without_colour_a_request_is_still_seen(
    bench: Bench, snap_compare: Any, reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    assert snap_compare(bench.console(), terminal_size=(80, 24), run_before=reached(bench, reach))


def test_without_utf_8_a_request_is_ascii(bench: Bench, snap_compare: Any) -> None:
    bench.glyphs = ASCII

    assert snap_compare(bench.console(), terminal_size=(80, 24), run_before=reached(bench, critical))
