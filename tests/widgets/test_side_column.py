"""The situation column of wide terminals."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from tests.widgets.conftest import Host

from devopsclaw.widgets.glyphs import ASCII, Glyphs
from devopsclaw.widgets.side_column import Section, SideColumn

LONG = "3 entries of the audit trail could not be written"
NEEDS = Section("NEEDS YOU", ((LONG, "warn"),))
FAILING = Section("FAILING 2/9", (("✖ prod-web-2  offline 4m ago", "bad"), ("✖ db-1  lost 2h ago", "bad")))
NOTHING = Section("RUNNING", ())


def lines(column: SideColumn) -> list[str]:
    """What it shows, without blanks at the end."""
    return [line.rstrip() for line in column.render().plain.split("\n")]


def tones(column: SideColumn, text: str) -> list[str]:
    """The styles that this piece of the picture has."""
    shown = column.render()
    start = shown.plain.index(text)
    return [str(span.style) for span in shown.spans if span.start <= start < span.end]


async def test_sections_stand_below_each_other_with_a_blank_line_between(host: Host) -> None:
    column = SideColumn()
    async with host(column, (40, 8)):
        column.show((NEEDS, FAILING))

        assert lines(column) == [
            "│ NEEDS YOU",
            "│ 3 entries of the audit trail",
            "│   could not be written",
            "│",
            "│ FAILING 2/9",
            "│ ✖ prod-web-2  offline 4m ago",
            "│ ✖ db-1  lost 2h ago",
            "│",
        ]


async def test_a_section_without_lines_is_left_out_heading_and_all(host: Host) -> None:
    column = SideColumn()
    async with host(column, (40, 8)):
        column.show((NOTHING, FAILING, NOTHING))

        assert "RUNNING" not in column.render().plain
        assert lines(column)[0] == "│ FAILING 2/9"


async def test_with_nothing_to_say_only_the_rule_stands(host: Host) -> None:
    column = SideColumn()
    async with host(column, (40, 6)):
        column.show((NOTHING,))

        assert lines(column) == ["│"] * 6


async def test_what_does_not_fit_below_is_the_least_urgent(host: Host) -> None:
    column = SideColumn()
    async with host(column, (40, 4)):
        column.show((NEEDS, FAILING))

        assert lines(column)[0] == "│ NEEDS YOU" and len(lines(column)) == 4
        assert "FAILING" not in column.render().plain


async def test_a_text_takes_three_lines_at_most_and_says_that_it_goes_on(host: Host) -> None:
    column = SideColumn()
    async with host(column, (40, 10)):
        column.show((Section("NEEDS YOU", ((f"{LONG}; " * 6, "warn"),)), FAILING))

        assert lines(column)[3].endswith("...")
        assert lines(column)[5] == "│ FAILING 2/9"


async def test_a_word_without_a_space_is_broken_not_lost(host: Host) -> None:
    column = SideColumn()
    async with host(column, (40, 6)):
        column.show(
            (Section("RUNNING", (("/srv/a-very-long-path-without-any-space-in-it/run.sh", "busy"),)),)
        )

        assert "".join(line.strip("│ ") for line in lines(column)[1:3]).endswith("run.sh")


async def test_each_line_has_the_tone_it_was_given(host: Host) -> None:
    column = SideColumn()
    async with host(column, (40, 8)):
        column.show((NEEDS, FAILING))
        warn, bad = (str(column.get_component_rich_style(f"side-column--{tone}")) for tone in ("warn", "bad"))

        assert tones(column, "could not be")[-1].split()[-1] in warn
        assert tones(column, "prod-web-2")[-1].split()[-1] in bad
        assert warn != bad


@pytest.mark.parametrize("glyphs", [ASCII])
async def test_in_ascii_the_rule_is_a_bar(host: Host, glyphs: Glyphs) -> None:
    column = SideColumn(glyphs)
    async with host(column, (40, 4)):
        column.show((NEEDS,))

        assert all(line.startswith("|") and line.isascii() for line in lines(column))


async def test_the_same_sections_again_repaint_nothing(host: Host) -> None:
    column = SideColumn()
    painted: list[int] = []
    async with host(column, (40, 8)):
        column.show((NEEDS, NOTHING))
        column.refresh = lambda *regions, **options: painted.append(1) or column  # type: ignore[method-assign, func-returns-value]
        column.show((NEEDS,))
        assert painted == []
        column.show((FAILING,))

        assert painted == [1]


async def test_it_holds_no_key_and_never_the_focus(host: Host) -> None:
    column = SideColumn()
    async with host(column, (40, 8)) as pilot:
        await pilot.press("tab")

        assert not column.can_focus and pilot.app.focused is None


@given(st.lists(st.tuples(st.text(max_size=60), st.sampled_from(["", "ok", "bad"])), max_size=6))
@settings(deadline=None, max_examples=5, suppress_health_check=list(HealthCheck))
async def test_whatever_it_is_given_it_is_as_high_and_never_wider_than_it_is(
    host: Host, said: list[tuple[str, str]]
) -> None:
    column = SideColumn()
    async with host(column, (40, 9)):
        column.show((Section("ANY", tuple((" ".join(text.split()), tone) for text, tone in said)),))
        shown = column.render().plain.split("\n")

        assert len(shown) == 9
        assert max(cell_len(line) for line in shown) <= column.size.width
