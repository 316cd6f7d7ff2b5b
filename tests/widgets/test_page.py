"""Names and texts below each other."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.widgets.conftest import Host, lines_of
from tests.widgets.hostile import texts, wrong

from devopsclaw.model.text import one_line, safe
from devopsclaw.widgets.glyphs import ASCII
from devopsclaw.widgets.page import NAME, Page

MANY = [(f"fact {number}", f"value {number}") for number in range(40)]


async def test_a_text_stands_beside_its_name_wrapped_under_itself(host: Host) -> None:
    page = Page()
    async with host(page, (40, 12)):
        page.show([("hash", "0123456789" * 3), ("steps", "one\ntwo")])

        assert lines_of(page)[:4] == [
            "> hash             01234567890123456789",
            "                   0123456789",
            "  steps            one",
            "                   two",
        ]


async def test_a_name_without_a_text_is_a_heading_and_a_text_without_a_name_stands_alone(host: Host) -> None:
    page = Page()
    async with host(page, (40, 12)):
        page.show([("LABELS", ""), ("", "none"), (" ", ""), ("FACTS", "")])

        assert lines_of(page)[:4] == ["> LABELS", "                   none", "", "  FACTS"]


async def test_a_name_that_is_too_long_has_its_text_below_it_and_none_of_it_is_lost(host: Host) -> None:
    page = Page()
    async with host(page, (40, 12)):
        page.show([("network.interfaces.eth0", "0123456789" * 3), ("n" * NAME, "beside")])

        assert lines_of(page)[:4] == [
            "> network.interfaces.eth0",
            "                   01234567890123456789",
            "                   0123456789",
            f"  {'n' * NAME} beside",
        ]


async def test_wide_letters_keep_the_column(host: Host) -> None:
    page = Page()
    async with host(page, (40, 12)):
        page.show([("日本語", "東京" * 8), ("os", "linux")])
        lines = lines_of(page)

    assert lines[0] == "> 日本語           " + "東京" * 5
    assert lines[1] == " " * 19 + "東京" * 3
    assert lines[2] == "  os               linux"


async def test_an_empty_line_within_a_text_stays(host: Host) -> None:
    page = Page()
    async with host(page, (40, 12)):
        page.show([("run", "echo a\n\necho b")])

        assert lines_of(page)[:3] == ["> run              echo a", "", "                   echo b"]


async def test_a_narrower_terminal_wraps_anew_and_loses_nothing(host: Host) -> None:
    page, value = Page(), "0123456789" * 6
    async with host(page, (80, 12)) as pilot:
        page.show([("hash", value)])
        assert len(page.rows) == 1
        await pilot.resize_terminal(50, 12)
        await pilot.pause()

        assert "".join(line[19:] for line in lines_of(page)) == value
        assert len(page.rows) == 2


async def test_keys_move_through_a_long_page_and_the_position_says_where(host: Host) -> None:
    page = Page()
    async with host(page, (80, 10)) as pilot:
        page.show(MANY)
        assert page.position == "1-10 of 40"
        await pilot.press("G")
        assert page.position == "31-40 of 40" and lines_of(page)[-1].startswith("> fact 39")
        await pilot.press("pageup", "k")
        assert page.cursor == 29
        await pilot.press("g")

        assert page.position == "1-10 of 40"


async def test_a_short_page_has_no_position(host: Host) -> None:
    page = Page()
    async with host(page, (80, 10)):
        page.show(MANY[:10])

        assert page.position == ""


async def test_what_is_shown_again_keeps_the_line_one_reads(host: Host) -> None:
    page = Page()
    async with host(page, (80, 10)) as pilot:
        page.show(MANY)
        await pilot.press("G", "k")
        page.show([*MANY[:-1], ("fact 39", "changed")])

        assert lines_of(page)[-1] == "  fact 39          changed"
        assert lines_of(page)[-2].startswith("> fact 38")


async def test_a_page_that_got_shorter_shows_its_end(host: Host) -> None:
    page = Page()
    async with host(page, (80, 10)) as pilot:
        page.show(MANY)
        await pilot.press("G")
        page.show(MANY[:3])

        assert [line.split() for line in lines_of(page)[1:4]] == [
            ["fact", "1", "value", "1"],
            [">", "fact", "2", "value", "2"],
            [],
        ]


@pytest.mark.parametrize("key", ["j", "k", "G", "g", "ctrl+d", "pageup", "enter"])
async def test_on_an_empty_page_every_key_does_nothing(host: Host, key: str) -> None:
    page = Page()
    async with host(page, (80, 10)) as pilot:
        await pilot.press(key)

        assert (page.cursor, page.current, lines_of(page)) == (0, None, [""] * 10)


async def test_in_ascii_it_stays_in_ascii(host: Host) -> None:
    page = Page(ASCII)
    async with host(page, (20, 5)):
        page.show([("a long name that is cut", "and its text")])

        assert all(line.isascii() for line in lines_of(page))


@given(st.lists(st.tuples(texts, texts), max_size=5), st.sampled_from([40, 80]))
@settings(deadline=None, max_examples=8, suppress_health_check=list(HealthCheck))
async def test_whatever_a_node_says_of_itself_is_whole_and_harmless(
    host: Host, said: list[tuple[str, str]], width: int
) -> None:
    page = Page()
    async with host(page, (width, 60)):
        page.show([(one_line(name), safe(text, tab_size=8)) for name, text in said])

        assert [wrong(page.render_line(y).text, width) for y in range(60)] == [""] * 60
