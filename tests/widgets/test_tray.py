"""What is docked: the four facts, who asks, how long it waits; and it holds no key."""

from __future__ import annotations

import pytest
from tests.widgets.conftest import Host
from tests.widgets.requests import ASKED_AT, plan_of, request_of

from devopsclaw.model.approval import Approval
from devopsclaw.widgets.glyphs import ASCII
from devopsclaw.widgets.tray import Tray


def shown(tray: Tray) -> list[str]:
    """Its lines."""
    return tray.render().plain.split("\n") if tray.display else []


async def test_it_takes_no_room_while_nothing_waits(host: Host) -> None:
    tray = Tray()
    async with host(tray) as pilot:
        assert not tray.display
        tray.show([request_of()], ASKED_AT)
        await pilot.pause()
        assert tray.size.height == 4
        tray.show([], ASKED_AT)
        await pilot.pause()

        assert not tray.display and not tray.can_focus


async def test_it_says_what_where_how_risky_who_asks_and_how_long_it_waits(host: Host) -> None:
    tray = Tray()
    async with host(tray) as pilot:
        tray.show([request_of(), request_of(id="A-18")], ASKED_AT + 15)
        await pilot.pause()
        title, command, nodes, asker = shown(tray)

    assert " ".join(title.split()) == "▲ APPROVAL 1/2 A-17 CRITICAL fleet.exec on 4 nodes in PROD 9:40 left"
    assert command.strip() == "$ rm -rf /srv/cache"
    assert " ".join(nodes.split()) == "on prod-web-[1-4] risk critical, destructive, undo none"
    assert "asked by tomas at the cli" in asker and "A or F8" in asker


@pytest.mark.parametrize(("size", "lines"), [(1, 2), (2, 4), (3, 6)])
async def test_a_long_command_is_cut_to_its_size_and_says_so(host: Host, size: int, lines: int) -> None:
    tray = Tray()
    async with host(tray) as pilot:
        tray.show([request_of(plan_of("\n".join(f"echo {number}" for number in range(9))))], ASKED_AT, size)
        await pilot.pause()

        said = shown(tray)
        assert len(said) == lines == tray.size.height
        assert size == 1 or f"+{9 - (lines - 3)} lines" in "".join(said)
        assert "A or F8" in said[-1]


@pytest.mark.parametrize("asked", [request_of(plan_of("\x1b[2J" * 40)), request_of(user="to\nmas\x1b[2J")])
async def test_nothing_in_a_request_acts_on_the_terminal(host: Host, asked: Approval) -> None:
    tray = Tray(ASCII)
    async with host(tray) as pilot:
        tray.show([asked], ASKED_AT)
        await pilot.pause()

        assert len(shown(tray)) == 4
        assert "\x1b" not in tray.render().plain


async def test_it_repaints_each_ten_seconds_and_each_second_in_the_last_thirty(host: Host) -> None:
    tray = Tray()
    async with host(tray) as pilot:
        seen = []
        for passed in (0, 4, 9, 10, 570, 571, 572):
            tray.show([request_of()], ASKED_AT + passed)
            await pilot.pause()
            seen.append(shown(tray)[0].split()[-2])

    assert seen == ["10:00", "9:50", "9:50", "9:50", "0:30", "0:29", "0:28"]
