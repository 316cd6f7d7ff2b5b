"""The last two lines."""

from __future__ import annotations

from tests.widgets.conftest import Host

from devopsclaw.widgets.status_line import Standing, StatusLine

KEYS = tuple((letter, f"does {letter}") for letter in "abcdefghijklmnop")


async def shown(host: Host, standing: Standing, width: int = 80) -> list[str]:
    """Both lines."""
    line = StatusLine()
    async with host(line, (width, 3)):
        line.show(standing)
        return line.render().plain.split("\n")


async def test_keys_above_word_and_global_keys_below(host: Host) -> None:
    lines = await shown(host, Standing("FILTER", (("x", "run"),), (("?", "help"),)))

    assert [line.rstrip() for line in lines] == [" x run", " FILTER   ? help"]


async def test_whole_items_are_dropped_from_the_right(host: Host) -> None:
    upper = (await shown(host, Standing(keys=KEYS)))[0]

    assert len(upper) <= 80
    assert upper.split("  ")[-1].strip().startswith(("f does", "g does", "h does", "i does", "j does"))
    assert all(item.strip()[2:6] == "does" for item in upper.strip().split("  "))


async def test_a_notice_takes_the_place_of_the_global_keys(host: Host) -> None:
    lower = (await shown(host, Standing(globals=(("?", "help"),), notice="sent 1 name: tmux")))[1]

    assert "sent 1 name: tmux" in lower and "help" not in lower


async def test_a_long_notice_ends_in_an_ellipsis_before_the_position(host: Host) -> None:
    lower = (await shown(host, Standing(notice="x" * 200, position="1-18 of 43")))[1]

    assert len(lower) == 80
    assert lower.endswith("… 1-18 of 43 ")
