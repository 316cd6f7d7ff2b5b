"""What needs somebody else's yes, at either end."""

from __future__ import annotations

from tests.screens.conftest import Bench, type_text, until
from tests.screens.inbox_place import (
    answers,
    armed,
    header,
    notice,
    prompt,
    ringing,
    title,
    tray,
)
from textual.pilot import Pilot

from devopsclaw.model.approval import Standing
from devopsclaw.model.risk import Effect
from devopsclaw.screens.fleet import Fleet
from devopsclaw.screens.run_form import RunForm
from devopsclaw.widgets.field import Field


async def test_what_needs_somebody_else_cannot_be_allowed_by_whoever_asked(bench: Bench) -> None:
    async with bench.shown() as pilot:
        pilot.app.desk.uid = 1001  # type: ignore[attr-defined]
        await armed(pilot, bench, risk="high", needs_other=True)
        assert "YOU ASKED FOR THIS" in prompt(pilot) and "somebody else's" in prompt(pilot)
        await pilot.press("y", "7")
        assert answers(bench) == []
        bench.clock.advance(1)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.focused, Field))


async def test_what_needs_somebody_else_is_allowed_by_somebody_else(bench: Bench) -> None:
    async with bench.shown() as pilot:
        pilot.app.desk.uid = 1000  # type: ignore[attr-defined]
        await armed(pilot, bench, risk="high", needs_other=True)
        await pilot.press("y", "7")
        await until(pilot, lambda: "A-17 allowed by maria" in title(pilot))


async def waiting_form(pilot: Pilot[int], bench: Bench) -> None:
    """A run of this console's own form waits for somebody else's yes."""
    bench.door.effect, bench.door.risk, bench.door.needs_other = Effect.WRITE, "high", True
    await pilot.press("x")
    await until(pilot, lambda: isinstance(pilot.app.screen, RunForm))
    await type_text(pilot, "restart nginx")
    await pilot.press("enter")
    await until(pilot, lambda: "arming" in prompt(pilot))
    bench.clock.advance(1)
    await pilot.press("y", "7")
    await until(pilot, lambda: "waits for somebody else until 03:19Z" in waits(pilot))


def waits(pilot: Pilot[int]) -> str:
    """What the form says of its wait."""
    found = pilot.app.screen.query("#waits")
    return str(found.first().render()) if found else ""


async def test_the_form_waits_for_somebody_else_and_does_not_dock_its_own_request(bench: Bench) -> None:
    bench.door.finish.set()
    async with bench.shown() as pilot:
        with ringing(pilot) as rung:
            await waiting_form(pilot, bench)
        assert rung == [] and tray(pilot) == "" and "approval" not in header(pilot)
        assert "A-17 waits for somebody else" in waits(pilot)
        bench.door.desk.end("A-17", Standing.ALLOWED, "tomas")
        bench.door.risk = ""
        await until(pilot, lambda: not isinstance(pilot.app.screen, RunForm))


async def test_a_denial_of_somebody_else_comes_back_to_the_form(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await waiting_form(pilot, bench)
        bench.door.desk.end("A-17", Standing.DENIED, "tomas", "not now")
        await until(pilot, lambda: pilot.app.focused is pilot.app.screen.query_one("#command"))

        assert "A-17 was denied by tomas: not now" in str(pilot.app.screen.query_one("#trouble").render())


async def test_escape_withdraws_what_waits_for_somebody_else(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await waiting_form(pilot, bench)
        await pilot.press("escape")
        await until(pilot, lambda: "withdrawn; nothing ran" in notice(pilot))
        assert isinstance(pilot.app.screen, RunForm)
        assert pilot.app.screen.query_one("#command", Field).value == "restart nginx"

    assert bench.door.desk.find("A-17").status is Standing.VOID
    assert len(bench.door.cancelled) == 1


async def test_a_form_that_is_closed_takes_its_request_with_it(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await waiting_form(pilot, bench)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: isinstance(pilot.app.screen, Fleet))
        await until(pilot, lambda: bench.door.desk.find("A-17").status is Standing.VOID)
