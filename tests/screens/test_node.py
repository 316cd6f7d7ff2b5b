"""The detail of a node."""

from __future__ import annotations

import pytest
from tests.screens.conftest import Bench, type_text, until
from tests.screens.fake_core import NIGHT
from textual.pilot import Pilot

from devopsclaw.model.errors import NotFound
from devopsclaw.model.events import NodeSeen
from devopsclaw.screens.audit import Audit
from devopsclaw.screens.entry import Entry
from devopsclaw.screens.fleet import Fleet
from devopsclaw.screens.node import Node
from devopsclaw.screens.run_form import RunForm
from devopsclaw.widgets.field import Field
from devopsclaw.widgets.glyphs import ASCII
from devopsclaw.widgets.page import Page
from devopsclaw.widgets.rule import Rule
from devopsclaw.widgets.status_line import StatusLine


def page(pilot: Pilot[int]) -> list[str]:
    """The lines of the page, without blanks at the end."""
    rows = pilot.app.screen.query_one(Page).rows
    return ["".join(text for text, _ in row.cells).rstrip() for row in rows]


def status(pilot: Pilot[int]) -> str:
    """The last two lines."""
    return pilot.app.screen.query_one(StatusLine).render().plain


def field(pilot: Pilot[int], name: str) -> str:
    """The text beside this name."""
    return next(line[17:] for line in page(pilot) if line.startswith(f"{name} "))


async def opened(pilot: Pilot[int]) -> None:
    """Open the node under the cursor, prod-web-2, and wait for what is known of it."""
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, Node) and bool(page(pilot)))


async def test_plain_fields_come_first_then_labels_and_facts_under_their_headings(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot)
        lines = page(pilot)

    assert lines[0] == "name             prod-web-2"
    assert lines.index("LABELS") < lines.index("FACTS")
    below = lines[lines.index("LABELS") + 1 :]
    assert below[:4] == ["env              prod", "role             web", "az               a", ""]


async def test_when_it_was_heard_last_is_a_time_and_an_age(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot)

        assert field(pilot, "last_seen") == "2026-11-22 03:05:02Z, 4m ago"


async def test_of_a_node_that_was_never_heard_no_time_is_made_up(bench: Bench) -> None:
    bench.door.node("prod-web-2").last_seen = None
    async with bench.shown() as pilot:
        await opened(pilot)

        assert not any(line.startswith("last_seen") for line in page(pilot))


async def test_no_labels_and_no_facts_are_said_in_words(bench: Bench) -> None:
    bench.door.node("prod-web-2").labels = {}
    bench.door.node("prod-web-2").facts = {}
    async with bench.shown() as pilot:
        await opened(pilot)
        lines = page(pilot)

    assert lines[lines.index("LABELS") + 1].strip() == "none"
    assert lines[lines.index("FACTS") + 1].strip() == "none"


async def test_the_title_names_it_before_anything_is_known_and_hostile_names_are_harmless(
    bench: Bench,
) -> None:
    bench.door.node("prod-web-2").name = "web\x1b[2J\n-1"
    async with bench.shown() as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Node))

        assert pilot.app.screen.query_one(Rule).render().plain.startswith("── web␛[2J␊-1 ──")


async def test_facts_that_a_hostile_node_reports_break_no_line(bench: Bench) -> None:
    bench.door.node("prod-web-2").facts = {"os\nroot": "a\tb\x9b", "kernel": {"deep\x1b": ["x\ty", "z"]}}
    async with bench.shown() as pilot:
        await opened(pilot)
        lines = page(pilot)

    assert "os␊root          a       b<U+009B>" in lines
    assert lines[-2:] == ["kernel.deep␛     x       y", "                 z"]


async def test_it_follows_the_node_while_it_is_open(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot)
        bench.door.node("prod-web-2").status = "lost"
        bench.door.bus.publish(NodeSeen("prod-web-2", "lost", NIGHT - 900))
        await until(pilot, lambda: field(pilot, "status") == "lost")


async def test_what_another_node_does_asks_nothing_here(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot)
        asked = len(bench.door.named("node.show"))
        bench.door.bus.publish(NodeSeen("prod-web-1", "late", NIGHT - 50))
        await until(
            pilot,
            lambda: pilot.app.desk.situation.nodes["prod-web-1"].status == "late",  # type: ignore[attr-defined]
        )

        assert len(bench.door.named("node.show")) == asked


async def test_a_node_that_is_gone_says_so_and_goes_on_saying_it(bench: Bench) -> None:
    gone = NotFound("there is no node 'prod-web-2'", hint="node list shows them")
    bench.door.failures["node.show"] = gone
    async with bench.shown() as pilot:
        await opened(pilot)
        assert "there is no node 'prod-web-2'; node list shows them" in status(pilot)
        await pilot.press("j")
        await until(pilot, lambda: "there is no node" not in status(pilot))

        assert [line.strip() for line in page(pilot)] == [gone.message, gone.hint]


async def test_a_failure_later_leaves_what_was_known_on_screen(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot)
        before = page(pilot)
        bench.door.failures["node.show"] = NotFound("there is no node 'prod-web-2'")
        bench.door.bus.publish(NodeSeen("prod-web-2", "lost", NIGHT - 900))
        await until(pilot, lambda: "there is no node" in status(pilot))

        assert page(pilot) == before


async def test_x_opens_the_run_form_on_it(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunForm))

        assert pilot.app.screen.query_one("#target", Field).value == "prod-web-2"


async def test_o_opens_the_newest_entry_that_concerns_it(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot)
        await pilot.press("o")
        await until(pilot, lambda: isinstance(pilot.app.screen, Entry))
        await until(pilot, lambda: bool(bench.door.named("audit.show")))

    assert bench.door.named("audit.list") == [({"node": "prod-web-2", "limit": 1}, None, False)]


async def test_y_sends_its_name(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot)
        await pilot.press("y")
        await until(pilot, lambda: "sent prod-web-2: tmux" in status(pilot))

    assert bench.sent == ["prod-web-2"]


async def test_keys_typed_ahead_change_neither_which_node_is_opened_nor_anything_else(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await type_text(pilot, "\rGgjk")
        await until(pilot, lambda: isinstance(pilot.app.screen, Node) and bool(page(pilot)))

        assert field(pilot, "name") == "prod-web-2"
    assert bench.door.started == []


@pytest.mark.parametrize("key", ["escape", "ctrl+c"])
async def test_escape_and_ctrl_c_go_back_to_the_row_one_came_from(bench: Bench, key: str) -> None:
    async with bench.shown() as pilot:
        await pilot.press("j")
        await opened(pilot)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(pilot.app.screen, Fleet))

        assert pilot.app.screen.query_one("#fleet-grid").cursor == 1  # type: ignore[attr-defined]


async def test_it_stays_open_in_its_pane_while_another_is_looked_at(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot)
        await pilot.press("5")
        assert isinstance(pilot.app.screen, Audit)
        await pilot.press("2")

        assert isinstance(pilot.app.screen, Node) and field(pilot, "name") == "prod-web-2"


async def test_at_80_by_24_what_does_not_fit_below_is_reached_by_key(bench: Bench) -> None:
    bench.door.node("prod-web-2").facts = {f"disk{number:02}": "x" * 70 for number in range(20)}
    async with bench.shown() as pilot:
        await opened(pilot)
        table = pilot.app.screen.query_one(Page)
        assert table.position.startswith("1-18 of ")
        assert status(pilot).rstrip().endswith(table.position)
        await pilot.press("G")
        await until(pilot, lambda: table.position.endswith(f"-{len(table.rows)} of {len(table.rows)}"))

        assert table.render_line(table.size.height - 1).text.startswith(">")
        assert all(table.render_line(y).cell_length == 80 for y in range(table.size.height))


async def test_in_ascii_the_picture_is_ascii(bench: Bench) -> None:
    bench.glyphs = ASCII
    async with bench.shown() as pilot:
        await opened(pilot)
        await until(pilot, lambda: "copy name" in status(pilot))

        assert pilot.app.screen.query_one(Rule).render().plain.isascii()
        assert "".join(page(pilot)).isascii() and status(pilot).isascii()
