"""The table of nodes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.widgets.conftest import Host, heard, lines_of

from devopsclaw.widgets.fleet_grid import FleetGrid, NodeRow, columns_for
from devopsclaw.widgets.glyphs import ASCII

NOW = 1_800_000_000.0


def node(name: str, status: str = "online", **given: object) -> NodeRow:
    """A node in prod."""
    fields: dict[str, object] = {
        "address": "10.0.1.1",
        "labels": {"env": "prod", "role": "web"},
        "last_seen": NOW - 5,
    }
    return NodeRow(name, status, **{**fields, **given})  # type: ignore[arg-type]


def note(row: NodeRow) -> str:
    """The text of its last cell."""
    return FleetGrid().row_of(row, NOW).cells[-1][0]


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("online", "● online"),
        ("late", "▲ late"),
        ("offline", "✖ offline"),
        ("lost", "? lost"),
        ("waiting", "⚑ waiting"),
        ("", "? unknown"),
        ("something new", "? something new"),
    ],
)
def test_each_connection_has_its_sign_and_its_word(status: str, shown: str) -> None:
    assert FleetGrid().row_of(node("web-1", status), NOW).cells[0][0] == shown


def test_no_two_connections_share_sign_and_word_in_ascii() -> None:
    words = ("online", "late", "offline", "lost", "waiting")
    shown = {FleetGrid(ASCII).row_of(node("a", word), NOW).cells[0][0] for word in words}

    assert len(shown) == 5
    assert all(text.isascii() for text in shown)


def test_an_age_is_shown_only_when_a_node_is_not_well() -> None:
    assert note(node("a")) == ""
    assert note(node("a", "late", last_seen=NOW - 51)) == "seen 50s ago"
    assert note(node("a", "lost", last_seen=NOW - 7300)) == "seen 2h ago"
    assert note(node("a", "offline", last_seen=None)) == "never seen"


def test_an_alarm_is_said_before_everything_else() -> None:
    assert note(node("a", "offline", alarm="second key for this name")) == "⚑ second key for this name"


def test_the_last_run_is_the_note_of_a_node_that_is_well() -> None:
    assert note(node("a", last_run="X-31", last_state="failed")) == "X-31 failed"


def test_a_drained_node_says_so_and_one_that_is_away_too_says_both() -> None:
    row = FleetGrid().row_of(node("a", drained=True), NOW)

    assert row.cells[0][0] == "◇ drained"
    assert note(node("a", "offline", drained=True, last_seen=NOW - 300)) == "drained, seen 5m ago"


def test_names_from_elsewhere_are_made_harmless() -> None:
    shown = FleetGrid().row_of(node("web\x1b[31m", labels={"env": "p\u202er"}), NOW)

    assert "\x1b" not in shown.cells[1][0]
    assert "\u202e" not in shown.cells[2][0]


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    long = node("ip-10-0-1-12.eu-west-1.compute", labels={"env": "production"})
    widths = {column.heading: column.width for column in columns_for([node("web-1"), long])}

    assert widths["NODE"] == 30
    assert widths["ENV"] == 10


async def test_space_marks_and_steps_down_v_marks_a_range_and_u_takes_all_away(host: Host) -> None:
    grid = FleetGrid()
    async with host(grid) as pilot:
        grid.show([node(f"web-{number}") for number in range(1, 8)], NOW)
        await pilot.press("space", "j", "j", "v")
        marked = set(grid.marked)
        await pilot.press("u")

        assert marked == {"web-1", "web-2", "web-3", "web-4"}
        assert grid.marked == frozenset()


async def test_a_node_that_moves_changes_its_line_and_keeps_its_place(host: Host) -> None:
    grid = FleetGrid()
    nodes = [node("web-1"), node("web-2"), node("web-3")]
    async with host(grid) as pilot:
        grid.show(nodes, NOW)
        await pilot.press("j")
        grid.show_one(replace(nodes[1], status="offline", last_seen=NOW - 100), NOW)
        await pilot.pause()

        assert lines_of(grid)[2].split() == [
            ">",
            "✖",
            "offline",
            "web-2",
            "prod",
            "web",
            "10.0.1.1",
            "seen",
            "1m",
            "ago",
        ]


async def test_at_80_cells_every_column_is_there(host: Host) -> None:
    grid = FleetGrid()
    async with host(grid):
        grid.show([node("prod-web-12")], NOW)

        assert lines_of(grid)[0].split() == ["STATUS", "NODE", "ENV", "ROLE", "ADDRESS", "NOTE"]


@pytest.mark.parametrize("key", ["enter", "d"])
async def test_enter_and_d_choose_the_node_under_the_cursor(host: Host, key: str) -> None:
    grid = FleetGrid()
    async with host(grid) as pilot:
        grid.show([node("web-1"), node("web-2")], NOW)
        await pilot.press("j", key)
        await pilot.pause()

        assert [message.key for message in heard(pilot, FleetGrid.Chosen)] == ["web-2"]
