"""The picture of each state of the console at 80×24 and at 120×40. Looked at before they are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.screens.conftest import Bench, type_text, until
from textual.pilot import Pilot

from devopsclaw.model.errors import Busy
from devopsclaw.model.events import RelayMoved, Warned
from devopsclaw.model.risk import Effect
from devopsclaw.screens.folds import Folds
from devopsclaw.screens.run_form import RunForm
from devopsclaw.widgets.field import Field
from devopsclaw.widgets.glyphs import ASCII
from devopsclaw.widgets.prompt import Prompt

Reach = Callable[[Pilot[Any], Bench], Awaitable[None]]
"""Brings a console to a state."""

TABLE = "Filesystem      Size  Used Avail Use% Mounted on\n/dev/vda1        40G   {}   {} {:>4} /\n"


async def fleet(pilot: Pilot[Any], bench: Bench) -> None:
    """As it opens, two nodes marked."""
    await pilot.press("j", "space", "space")


async def lost(pilot: Pilot[Any], bench: Bench) -> None:
    """The relay is lost, and the core has something to say."""
    gone = {"connection": "lost", "why": "connection refused"}
    bench.door.fleet_status = bench.door.fleet_status.model_copy(update=gone)
    bench.door.bus.publish(RelayMoved("lost", "wss://relay:9443", "connection refused"))
    bench.door.bus.publish(Warned("3 entries of the audit trail could not be written"))
    await until(pilot, lambda: pilot.app.desk.situation.relay == "lost")  # type: ignore[attr-defined]


async def reconnecting(pilot: Pilot[Any], bench: Bench) -> None:
    """Another process's core has ended, and the next is looked for."""
    await running(pilot, bench)
    bench.opens = asyncio.Event()
    bench.core.lost.set()
    await until(pilot, lambda: pilot.app.desk.situation.is_reconnecting)  # type: ignore[attr-defined]


async def filtering(pilot: Pilot[Any], bench: Bench) -> None:
    """A filter is being typed, and is not right yet."""
    await pilot.press("slash")
    await type_text(pilot, "env=")
    trouble = pilot.app.screen.query_one("#trouble")
    await until(pilot, lambda: bool(trouble.display))


async def faults(pilot: Pilot[Any], bench: Bench) -> None:
    """Faults only."""
    await pilot.press("f")


async def node(pilot: Pilot[Any], bench: Bench) -> None:
    """A node in full."""
    await pilot.press("d")
    await until(pilot, lambda: bool(pilot.app.screen.query_one("#page").rows))  # type: ignore[attr-defined]


async def form(pilot: Pilot[Any], bench: Bench) -> None:
    """The run form, a command typed."""
    await pilot.press("x")
    await until(pilot, lambda: isinstance(pilot.app.screen, RunForm))
    pilot.app.screen.query_one("#target", Field).value = "env=prod"
    pilot.app.screen.query_one("#command", Field).value = "systemctl restart nginx"
    await pilot.press("end")


async def plan(pilot: Pilot[Any], bench: Bench) -> None:
    """The plan of a change, to be started with Enter."""
    bench.door.effect = Effect.WRITE
    await form(pilot, bench)
    await pilot.press("enter")
    await armed(pilot, bench)


async def armed(pilot: Pilot[Any], bench: Bench) -> None:
    """Let the quiet time pass before an open question."""
    prompt = pilot.app.screen.query_one(Prompt)
    await until(pilot, lambda: prompt.is_asking and "to its end" not in prompt.render().plain)
    bench.clock.advance(1)
    prompt.refresh()
    await until(pilot, lambda: "arming" not in prompt.render().plain)


async def risk(pilot: Pilot[Any], bench: Bench, word: str) -> None:
    """The question the gate asks for a risk of this word."""
    bench.door.risk, bench.door.effect = word, Effect.WRITE
    await form(pilot, bench)
    await pilot.press("enter")
    prompt = pilot.app.screen.query_one(Prompt)
    await until(pilot, lambda: "RISK" in prompt.render().plain)


async def arming(pilot: Pilot[Any], bench: Bench) -> None:
    """High risk, not armed yet."""
    await risk(pilot, bench, "high")


async def high(pilot: Pilot[Any], bench: Bench) -> None:
    """High risk, armed."""
    await risk(pilot, bench, "high")
    await armed(pilot, bench)


async def critical(pilot: Pilot[Any], bench: Bench) -> None:
    """Critical risk, the phrase half typed."""
    await risk(pilot, bench, "critical")
    await armed(pilot, bench)
    await type_text(pilot, "prod")


async def running(pilot: Pilot[Any], bench: Bench) -> None:
    """A run: one failed, one goes on, the others are well."""
    bench.door.outputs = {each.name: (0, TABLE.format("18G", "22G", "45%"), "") for each in bench.door.nodes}
    full = "df: \x1b[31mwarning\x1b[0m: no space left on device\n"
    bench.door.outputs["prod-web-2"] = (1, TABLE.format("40G", "  0", "100%"), full)
    bench.door.outputs["prod-api-2"] = (-1, "Filesystem      Size  Used Avail Use% Mounted on\n", "")
    await form(pilot, bench)
    pilot.app.screen.query_one("#command", Field).value = "df -h /"
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, Folds) and bool(pilot.app.screen.live.counts()))
    await pilot.pause()


async def cancelling(pilot: Pilot[Any], bench: Bench) -> None:
    """Asked whether the run is to be cancelled."""
    await running(pilot, bench)
    await pilot.press("X")
    await armed(pilot, bench)


async def leaving(pilot: Pilot[Any], bench: Bench) -> None:
    """Asked whether to leave while it runs."""
    await running(pilot, bench)
    await pilot.press("q")
    await armed(pilot, bench)


async def ended(pilot: Pilot[Any], bench: Bench) -> None:
    """The run is over."""
    await running(pilot, bench)
    bench.door.finish.set()
    await until(pilot, lambda: pilot.app.screen.live.is_settled)  # type: ignore[attr-defined]
    await pilot.press("g")


async def audit(pilot: Pilot[Any], bench: Bench) -> None:
    """The audit pane, verified."""
    await pilot.press("5")
    await until(pilot, lambda: bool(pilot.app.screen.query_one("#audit-table").rows))  # type: ignore[attr-defined]
    await pilot.press("V")
    await until(pilot, lambda: "verified" in pilot.app.screen.query_one("#panes").text)  # type: ignore[attr-defined]


async def broken_chain(pilot: Pilot[Any], bench: Bench) -> None:
    """The audit pane, its chain broken."""
    bench.door.whole = False
    await pilot.press("5")
    await until(pilot, lambda: bool(pilot.app.screen.query_one("#audit-table").rows))  # type: ignore[attr-defined]
    await pilot.press("V")
    await until(pilot, lambda: "BROKEN" in pilot.app.screen.query_one("#panes").text)  # type: ignore[attr-defined]


async def entry(pilot: Pilot[Any], bench: Bench) -> None:
    """An audit entry in full."""
    await audit(pilot, bench)
    await pilot.press("j", "enter")
    await until(pilot, lambda: bool(pilot.app.screen.query("#page")))
    await until(pilot, lambda: bool(pilot.app.screen.query_one("#page").rows))  # type: ignore[attr-defined]


async def help_(pilot: Pilot[Any], bench: Bench) -> None:
    """Every key of the fleet pane."""
    await pilot.press("question_mark")


async def palette(pilot: Pilot[Any], bench: Bench) -> None:
    """The palette, narrowed."""
    await pilot.press("colon")
    await type_text(pilot, "jo")


async def jobs(pilot: Pilot[Any], bench: Bench) -> None:
    """The recent runs."""
    given = {"command": "df -h /", "target": "env=prod"}
    bench.door.outputs["prod-web-2"] = (1, "", "")
    made = bench.door.result("X-31", "E-8851", "df -h /", bench.door.plan(given))
    bench.door.past = [
        made,
        made.model_copy(update={"run": "X-30", "status": "running", "command": "sleep 60"}),
    ]
    await pilot.press("J")
    await until(pilot, lambda: bool(pilot.app.screen.query_one("#jobs-table").rows))  # type: ignore[attr-defined]


STATES: tuple[Reach, ...] = (
    fleet,
    lost,
    reconnecting,
    filtering,
    faults,
    node,
    form,
    plan,
    arming,
    high,
    critical,
    running,
    cancelling,
    leaving,
    ended,
    audit,
    broken_chain,
    entry,
    help_,
    palette,
    jobs,
)

SIZES = ((80, 24), (120, 40))


def reached(bench: Bench, reach: Reach) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """The fleet is listed first, then the state is brought about."""

    async def run(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: bool(pilot.app.desk.situation.nodes))  # type: ignore[attr-defined]
        await reach(pilot, bench)
        await pilot.pause()

    return run


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
@pytest.mark.parametrize("reach", STATES, ids=[each.__name__.strip("_") for each in STATES])
def test_the_state_looks_as_it_did(
    bench: Bench, snap_compare: Any, reach: Reach, size: tuple[int, int]
) -> None:
    assert snap_compare(bench.console(), terminal_size=size, run_before=reached(bench, reach))


@pytest.mark.parametrize("theme", ["claw-light", "high-contrast"])
def test_another_theme_looks_as_it_did(bench: Bench, snap_compare: Any, theme: str) -> None:
    bench.theme = theme

    assert snap_compare(bench.console(), terminal_size=(80, 24), run_before=reached(bench, running))


@pytest.mark.parametrize("reach", [fleet, high, reconnecting], ids=["fleet", "high", "reconnecting"])
def test_without_colour_every_state_is_still_told_apart(
    bench: Bench, snap_compare: Any, reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    assert snap_compare(bench.console(), terminal_size=(80, 24), run_before=reached(bench, reach))


def test_where_the_locale_is_not_utf_8_every_sign_is_ascii(bench: Bench, snap_compare: Any) -> None:
    bench.glyphs = ASCII

    assert snap_compare(bench.console(), terminal_size=(80, 24), run_before=reached(bench, running))


def test_without_utf_8_it_is_said_in_ascii_that_the_core_ended(bench: Bench, snap_compare: Any) -> None:
    bench.glyphs = ASCII

    assert snap_compare(bench.console(), terminal_size=(80, 24), run_before=reached(bench, reconnecting))


def test_the_first_picture_before_the_core_is_open(bench: Bench, snap_compare: Any) -> None:
    bench.opens = asyncio.Event()

    assert snap_compare(bench.console(), terminal_size=(80, 24))


def test_a_core_that_did_not_open(bench: Bench, snap_compare: Any) -> None:
    bench.failure = Busy("another devopsclaw (pid 41, console) has this home open", hint="leave it first")

    async def run(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: bool(pilot.app.desk.situation.broken))  # type: ignore[attr-defined]

    assert snap_compare(bench.console(), terminal_size=(80, 24), run_before=run)
