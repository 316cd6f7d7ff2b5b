"""The palette."""

from __future__ import annotations

from tests.screens.conftest import Bench, type_text, until
from textual.pilot import Pilot

from devopsclaw.palette import Palette
from devopsclaw.screens.fleet import Fleet
from devopsclaw.screens.keys import key_actions
from devopsclaw.widgets.line_table import LineTable


def offered(pilot: Pilot[int]) -> list[str]:
    """The labels it offers, from above."""
    return [row.cells[0][0].strip() for row in pilot.app.screen.query_one(LineTable).rows]


async def opened(pilot: Pilot[int], typed: str = "") -> None:
    """Open it and type."""
    await pilot.press("colon")
    await until(pilot, lambda: isinstance(pilot.app.screen, Palette))
    await type_text(pilot, typed)


async def test_it_offers_every_action_that_has_a_key_here_and_no_other(bench: Bench) -> None:
    async with bench.shown() as pilot:
        labels = [each.label for each in key_actions(pilot.app.screen)]
        await opened(pilot)

        assert offered(pilot) == labels


async def test_typing_narrows_by_label_and_by_operation(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot, "fleetexec")

        assert offered(pilot) == ["run"]


async def test_arrows_choose_while_one_types(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot)
        await pilot.press("down", "down", "up")

        assert pilot.app.screen.query_one(LineTable).cursor == 1


async def test_what_matches_nothing_does_nothing(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot, "zzz")
        assert offered(pilot) == []
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Fleet))


async def test_an_action_of_a_widget_is_done_in_that_widget(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot, "mark")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Fleet))
        await until(pilot, lambda: bool(pilot.app.screen.query_one("#fleet-grid").marked))  # type: ignore[attr-defined]
