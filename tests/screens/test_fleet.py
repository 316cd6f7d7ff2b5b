"""The fleet pane."""

from __future__ import annotations

from tests.screens.conftest import Bench, type_text, until
from tests.screens.fake_core import NIGHT
from textual.pilot import Pilot

from devopsclaw.model.events import NodeMoved, NodeSeen, RunPlanned
from devopsclaw.model.state import State
from devopsclaw.screens.entry import Entry
from devopsclaw.screens.fleet import Fleet
from devopsclaw.screens.node import Node
from devopsclaw.widgets.field import Field
from devopsclaw.widgets.fleet_grid import FleetGrid
from devopsclaw.widgets.status_line import StatusLine
from devopsclaw.widgets.tone_line import ToneLine


def names(pilot: Pilot[int]) -> list[str]:
    """The nodes in the table, from above."""
    return [row.key for row in pilot.app.screen.query_one(FleetGrid).rows]


def right(pilot: Pilot[int]) -> str:
    """The line of panes."""
    return pilot.app.screen.query_one("#panes", ToneLine).text


def word(pilot: Pilot[int]) -> str:
    """The state word."""
    return pilot.app.screen.query_one(StatusLine).render().plain.split("\n")[1].split()[0]


async def test_what_fails_stands_first_then_by_name(bench: Bench) -> None:
    async with bench.shown() as pilot:
        assert names(pilot)[:4] == ["prod-web-2", "prod-api-2", "db-1", "local"]
        assert right(pilot).endswith("9 of 9")


async def test_the_filter_asks_the_core_with_the_same_grammar(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("slash")
        await until(pilot, lambda: word(pilot) == "FILTER")
        await pilot.press(*"env=stage")
        await until(pilot, lambda: names(pilot) == ["stage-web-1", "stage-web-2"])
        await pilot.press("enter")
        await until(pilot, lambda: word(pilot) == "NORMAL")

    assert ({"target": "env=stage"}, None, False) in bench.door.named("node.list")


async def test_letters_in_the_filter_are_text_not_keys(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("slash")
        await type_text(pilot, "qx5J")

        assert isinstance(pilot.app.screen, Fleet)
        assert pilot.app.screen.query_one(Field).value == "qx5J"


async def test_a_wrong_filter_says_why_under_the_line_and_leaves_the_list(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("slash")
        await type_text(pilot, "env=")
        trouble = pilot.app.screen.query_one("#trouble")
        await until(pilot, lambda: "has no value" in str(trouble.render()))

        assert trouble.display
        assert len(names(pilot)) == 9


async def test_escape_takes_the_filter_away(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("slash")
        await type_text(pilot, "env=stage")
        await until(pilot, lambda: len(names(pilot)) == 2)
        await pilot.press("escape")
        await until(pilot, lambda: len(names(pilot)) == 9)

        assert not pilot.app.screen.query_one(Field).display
        assert isinstance(pilot.app.focused, FleetGrid)


async def test_faults_only_leaves_what_is_not_well(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("f")
        assert names(pilot) == ["prod-web-2", "prod-api-2"]
        assert "faults only" in right(pilot)
        await pilot.press("f")
        assert len(names(pilot)) == 9


async def test_with_faults_only_a_node_that_falls_ill_appears(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("f")
        bench.door.bus.publish(NodeSeen("prod-web-1", "offline", NIGHT - 95))
        await until(pilot, lambda: "prod-web-1" in names(pilot))


async def test_a_list_that_was_empty_for_a_while_has_its_keys_again(bench: Bench) -> None:
    for node in bench.door.nodes:
        node.status = "online"
    async with bench.shown() as pilot:
        grid = pilot.app.screen.query_one(FleetGrid)
        await pilot.press("f")
        await until(pilot, lambda: not grid.display)
        await pilot.press("y", "enter", "j", "space", "v", "o")
        assert isinstance(pilot.app.screen, Fleet)
        assert "no node is shown" in pilot.app.screen.query_one(StatusLine).render().plain
        await pilot.press("f")
        await until(pilot, lambda: grid.display)
        await pilot.press("j", "j")

        assert grid.cursor == 2 and grid.marked == frozenset()
    assert bench.sent == []


async def test_no_faults_is_said_in_words(bench: Bench) -> None:
    for node in bench.door.nodes:
        node.status = "online"
    async with bench.shown() as pilot:
        await pilot.press("f")
        await until(pilot, lambda: "No faults" in str(pilot.app.screen.query_one("#empty").render()))


async def test_a_node_that_moves_keeps_its_place_until_the_list_is_made_anew(bench: Bench) -> None:
    async with bench.shown() as pilot:
        before = names(pilot)
        bench.door.bus.publish(NodeSeen("stage-web-2", "lost", NIGHT - 900))
        grid = pilot.app.screen.query_one(FleetGrid)
        await until(pilot, lambda: "lost" in grid.rows[-1].cells[0][0])

        assert names(pilot) == before


async def test_marks_are_counted_and_outlive_the_filter(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("space", "space")
        assert "marked 2" in right(pilot)
        await pilot.press("slash")
        await type_text(pilot, "env=stage")
        await until(pilot, lambda: len(names(pilot)) == 2)
        await pilot.press("escape", "u")
        assert "marked" not in right(pilot)


async def test_the_marked_nodes_are_what_y_sends(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("space", "space", "y")
        await until(pilot, lambda: bool(bench.sent))

    assert bench.sent == ["prod-api-2\nprod-web-2"]


async def test_enter_opens_all_that_is_known_of_the_node(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Node))
        page = pilot.app.screen.query_one("#page")
        await until(pilot, lambda: bool(page.rows))  # type: ignore[attr-defined]
        text = "\n".join("".join(part for part, _ in row.cells) for row in page.rows)  # type: ignore[attr-defined]

    assert "2026-11-22 03:05:02Z, 4m ago" in text
    assert "Debian 12" in text and "LABELS" in text and "no" in text


async def test_o_opens_the_newest_entry_of_the_node(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("o")
        await until(pilot, lambda: isinstance(pilot.app.screen, Entry))
        await until(pilot, lambda: bool(bench.door.named("audit.show")))

    assert bench.door.named("audit.list") == [({"node": "prod-web-2", "limit": 1}, None, False)]
    assert bench.door.named("audit.show")[0][0] == {"id": "E-8842"}


async def test_o_on_a_node_without_a_past_says_so(bench: Bench) -> None:
    bench.door.entries = []
    async with bench.shown() as pilot:
        await pilot.press("o")
        await until(pilot, lambda: isinstance(pilot.app.screen, Entry))
        empty = pilot.app.screen.query_one("#empty")
        await until(pilot, lambda: "nothing was run on prod-web-2 yet" in str(empty.render()))


async def test_the_last_run_of_a_node_is_its_note(bench: Bench) -> None:
    async with bench.shown() as pilot:
        bench.door.bus.publish(RunPlanned("c", "X-9", "uptime", ("local",)))
        bench.door.bus.publish(NodeMoved("c", "X-9", "local", State.TIMED_OUT))
        grid = pilot.app.screen.query_one(FleetGrid)
        await until(pilot, lambda: grid.rows[3].cells[-1][0] == "X-9 timed out")


async def test_no_nodes_says_how_to_get_one(bench: Bench) -> None:
    bench.door.nodes = []
    console = bench.console()
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "agent-daemon" in str(pilot.app.screen.query_one("#empty").render()))
