"""The table that repaints what changed."""

from __future__ import annotations

from typing import Any

import pytest
from tests.widgets.conftest import Host, lines_of
from textual.geometry import Region

from devopsclaw.widgets.line_table import Column, LineTable, Row

COLUMNS = (Column("NAME", 6), Column("FAR", 5, at_least=60), Column("REST", 0))


def rows(count: int) -> list[Row]:
    """So many rows of three cells."""
    return [
        Row(f"k{number}", ((f"n{number}", ""), ("far", "dim"), ("rest", "ok"))) for number in range(count)
    ]


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> list[Region]:
    """Every region that a table asks to repaint; empty regions stand for all of it."""
    asked: list[Region] = []
    refresh = LineTable.refresh

    def watched(self: LineTable, *regions: Region, **options: Any) -> LineTable:
        asked.extend(regions or (Region(),))
        return refresh(self, *regions, **options)

    monkeypatch.setattr(LineTable, "refresh", watched)
    return asked


async def test_it_shows_heading_and_rows_in_columns(host: Host) -> None:
    table = LineTable(COLUMNS)
    async with host(table) as pilot:
        table.replace(rows(2))
        await pilot.pause()

        assert lines_of(table)[:3] == ["  NAME   FAR   REST", "> n0     far   rest", "  n1     far   rest"]


async def test_a_column_goes_where_there_is_no_room_for_it(host: Host) -> None:
    table = LineTable(COLUMNS)
    async with host(table, (40, 12)) as pilot:
        table.replace(rows(1))
        await pilot.pause()

        assert lines_of(table)[:2] == ["  NAME   REST", "> n0     rest"]


async def test_what_does_not_fit_ends_in_an_ellipsis(host: Host) -> None:
    table = LineTable((Column("A", 4), Column("B", 0)))
    async with host(table, (20, 5)) as pilot:
        table.replace([Row("1", (("abcdefgh", ""), ("日本語日本語日本語", "")))])
        await pilot.pause()

        assert lines_of(table)[1].startswith("> abc… 日本語日本")
        assert table.render_line(1).cell_length == 20


async def test_a_changed_row_repaints_its_line_and_no_other(host: Host, painted: list[Region]) -> None:
    table = LineTable(COLUMNS)
    async with host(table) as pilot:
        table.replace(rows(100))
        await pilot.pause()
        painted.clear()
        table.update_row(Row("k3", (("new", ""), ("", ""), ("", ""))))

        assert painted == [Region(0, 4, 80, 1)]
        assert lines_of(table)[4] == "  new"


async def test_a_row_off_screen_or_unchanged_or_unknown_repaints_nothing(
    host: Host, painted: list[Region]
) -> None:
    table = LineTable(COLUMNS)
    async with host(table) as pilot:
        table.replace(rows(100))
        await pilot.pause()
        painted.clear()
        table.update_row(Row("k90", (("new", ""),)))
        table.update_row(rows(1)[0])
        table.update_row(Row("stranger", ()))

        assert painted == []


async def test_the_same_rows_again_repaint_nothing(host: Host, painted: list[Region]) -> None:
    table = LineTable(COLUMNS)
    async with host(table) as pilot:
        table.replace(rows(5))
        await pilot.pause()
        painted.clear()
        table.replace(rows(5))

        assert painted == []


async def test_the_cursor_moves_by_the_keys_of_vi_and_by_arrows(host: Host) -> None:
    table = LineTable(COLUMNS)
    async with host(table) as pilot:
        table.replace(rows(50))
        places = []
        for key in ("j", "down", "k", "G", "up", "g", "pagedown", "ctrl+u", "end", "home"):
            await pilot.press(key)
            places.append(table.cursor)

    assert places == [1, 2, 1, 49, 48, 0, 10, 0, 49, 0]


async def test_the_view_follows_the_cursor(host: Host) -> None:
    table = LineTable(COLUMNS)
    async with host(table) as pilot:
        table.replace(rows(50))
        await pilot.press("G")
        await pilot.pause()

        assert lines_of(table)[-1] == "> n49    far   rest"
        assert lines_of(table)[0] == "  NAME   FAR   REST"
        assert table.position == "40-50 of 50"


async def test_the_cursor_stays_on_its_row_when_rows_come_before_it(host: Host) -> None:
    table = LineTable(COLUMNS)
    async with host(table) as pilot:
        table.replace(rows(50)[10:])
        await pilot.press(*"jjj")
        table.replace(rows(50))
        await pilot.pause()

        assert table.current is not None and table.current.key == "k13"
        assert lines_of(table)[4].startswith("> n13")


async def test_the_cursor_finds_a_place_when_its_row_is_gone(host: Host) -> None:
    table = LineTable(COLUMNS)
    async with host(table) as pilot:
        table.replace(rows(9))
        await pilot.press("G")
        table.replace(rows(3))

        assert table.cursor == 2
        table.replace([])
        assert table.current is None


async def test_marks_are_characters_not_only_colour(host: Host) -> None:
    table = LineTable(COLUMNS)
    async with host(table) as pilot:
        table.replace(rows(3))
        table.mark(frozenset({"k1"}))
        await pilot.pause()

        assert [line[:4] for line in lines_of(table)[1:4]] == ["> n0", " *n1", "  n2"]


async def test_ten_thousand_rows_paint_only_what_is_on_screen(host: Host, painted: list[Region]) -> None:
    table = LineTable(COLUMNS)
    async with host(table) as pilot:
        table.replace(rows(10_000))
        await pilot.pause()
        painted.clear()
        for number in range(10_000):
            table.update_row(Row(f"k{number}", (("changed", ""), ("", ""), ("", ""))))

        assert len(painted) == 11
