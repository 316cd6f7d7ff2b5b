"""The first line."""

from __future__ import annotations

from dataclasses import replace

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


async def test_the_relays_reason_gives_way_first(host: Host) -> None:
    assert "relay lost  ✖ 2/43 nodes" in await shown(host, BUSY, 60)


async def test_what_does_not_fit_is_dropped_whole_and_the_least_first(host: Host) -> None:
    line = await shown(host, BUSY, 40)

    assert "PROD" in line and "relay lost" in line and "03:09Z" in line
    assert "nodes" not in line and "job" not in line


async def test_since_when_the_relay_is_lost_stands_before_the_reason(host: Host) -> None:
    headline = replace(BUSY, relay_since="03:07Z")

    assert "✖ relay lost since 03:07Z: refused  " in await shown(host, headline, 100)
    assert "✖ relay lost since 03:07Z  ✖ 2/43 nodes  ◌ 1 job  " in await shown(host, headline)


async def test_a_lost_relay_is_never_quiet(host: Host) -> None:
    for relay in ("lost", "connecting"):
        assert "quiet" not in await shown(host, Headline(total=3, relay=relay))


async def test_while_the_next_core_is_looked_for_nothing_is_called_quiet_or_opening(host: Host) -> None:
    line = await shown(host, replace(QUIET, reconnecting=True, opening=True))

    assert line.split("  ")[0].strip() == "▲ the core ended, looking for the next"
    assert "quiet" not in line and "opening" not in line


async def test_without_a_core_nobody_is_at_the_relay_and_the_jobs_are_still_counted(host: Host) -> None:
    line = await shown(host, replace(BUSY, demo=False, reconnecting=True))

    assert "the core ended, looking for the next  ✖ 2/43 nodes  ◌ 1 job  " in line
    assert "relay" not in line


async def test_an_empty_fleet_is_not_called_quiet(host: Host) -> None:
    assert "quiet" not in await shown(host, Headline(minute="03:09Z"))


async def test_a_reason_with_escapes_is_harmless(host: Host) -> None:
    line = await shown(host, Headline(relay="lost", relay_why="\x1b[2J\nall quiet"))

    assert "relay lost: ␛[2J␊all quiet" in line


async def test_the_same_again_repaints_nothing(host: Host) -> None:
    line = HeaderLine()
    painted: list[int] = []
    async with host(line, (80, 3)) as pilot:
        line.show(QUIET)
        await pilot.pause()
        line.refresh = lambda *regions, **options: painted.append(1) or line  # type: ignore[method-assign, func-returns-value]
        line.show(Headline(minute="03:09Z", total=43))

        assert painted == []
