"""The first line."""

from __future__ import annotations

from tests.widgets.conftest import Host

from devopsclaw.widgets.header_line import HeaderLine, Headline

QUIET = Headline(minute="03:09Z", total=43)
BUSY = Headline(
    minute="03:09Z",
    environments=("prod",),
    failing=2,
    total=43,
    jobs=1,
    relay="lost",
    relay_why="refused",
    demo=True,
)


async def shown(host: Host, headline: Headline, width: int = 80) -> str:
    """What it says."""
    line = HeaderLine()
    async with host(line, (width, 3)):
        line.show(headline)
        return line.render().plain


async def test_a_quiet_fleet_is_said_in_two_words(host: Host) -> None:
    assert (await shown(host, QUIET)).split() == ["all", "quiet", "43", "nodes", "03:09Z"]


async def test_what_is_not_normal_stands_by_its_importance(host: Host) -> None:
    line = await shown(host, BUSY)
    places = [
        line.index(word) for word in ("PROD", "DEMO", "relay lost: refused", "2/43 nodes", "1 job", "03:09Z")
    ]

    assert places == sorted(places)
    assert "quiet" not in line


async def test_the_line_is_exactly_as_wide_as_the_terminal(host: Host) -> None:
    assert [len(await shown(host, BUSY, width)) for width in (40, 80, 120)] == [40, 80, 120]


async def test_what_does_not_fit_is_dropped_whole(host: Host) -> None:
    line = await shown(host, BUSY, 40)

    assert "PROD" in line and "03:09Z" in line
    assert "relay" not in line and "2/43 nodes" in line


async def test_a_lost_relay_is_never_quiet(host: Host) -> None:
    for relay in ("lost", "connecting"):
        assert "quiet" not in await shown(host, Headline(total=3, relay=relay))


async def test_an_empty_fleet_is_not_called_quiet(host: Host) -> None:
    assert "quiet" not in await shown(host, Headline(minute="03:09Z"))


async def test_a_reason_with_escapes_is_harmless(host: Host) -> None:
    assert "\x1b" not in await shown(host, Headline(relay="lost", relay_why="\x1b[2J"))


async def test_the_same_again_repaints_nothing(host: Host) -> None:
    line = HeaderLine()
    painted: list[int] = []
    async with host(line, (80, 3)) as pilot:
        line.show(QUIET)
        await pilot.pause()
        line.refresh = lambda *regions, **options: painted.append(1) or line  # type: ignore[method-assign, func-returns-value]
        line.show(Headline(minute="03:09Z", total=43))

        assert painted == []
