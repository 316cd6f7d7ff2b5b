"""Which keys answer a request, and with what."""

from __future__ import annotations

import pytest
from tests.screens.conftest import Bench, type_text, until
from tests.screens.inbox_place import (
    answers,
    armed,
    gone_to,
    notice,
    prompt,
    title,
    tray,
)
from tests.widgets.requests import plan_of

from devopsclaw.screens.fleet import Fleet
from devopsclaw.screens.inbox import Inbox
from devopsclaw.screens.run_form import RunForm
from devopsclaw.widgets.field import Field


async def test_high_risk_is_allowed_by_y_and_the_digit_for_exactly_what_was_read(bench: Bench) -> None:
    async with bench.shown() as pilot:
        asked = await armed(pilot, bench, risk="high")
        await pilot.press("y", "7")
        await until(pilot, lambda: "A-17 allowed by maria" in title(pilot))

    assert answers(bench) == [("approvals.allow", {"id": "A-17", "digest": asked.digest, "phrase": ""})]


async def test_critical_risk_is_allowed_by_y_and_the_phrase(bench: Bench) -> None:
    async with bench.shown() as pilot:
        asked = await armed(pilot, bench)
        assert " y   then type  prod:4 " in prompt(pilot)
        await pilot.press("y")
        await type_text(pilot, "prod:")
        assert "n deny" not in notice(pilot), "while the phrase is typed, n is a letter"
        assert answers(bench) == []
        await type_text(pilot, "4")
        await until(pilot, lambda: "A-17 allowed by maria" in title(pilot))

    assert answers(bench) == [("approvals.allow", {"id": "A-17", "digest": asked.digest, "phrase": "prod:4"})]


async def test_a_phrase_without_its_y_allows_nothing(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await armed(pilot, bench)
        for key in ("p", "r", "o", "d", "colon", "4"):
            bench.clock.advance(1)
            await pilot.press(key)

    assert answers(bench) == []


async def test_n_denies_with_the_reason_that_is_typed(bench: Bench) -> None:
    async with bench.shown() as pilot:
        asked = await armed(pilot, bench)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.focused, Field))
        assert answers(bench) == []
        await type_text(pilot, "not now, y")
        await pilot.press("enter")
        await until(pilot, lambda: "A-17 denied by maria: not now, y" in title(pilot))

    wanted = {"id": "A-17", "digest": asked.digest, "reason": "not now, y"}
    assert answers(bench) == [("approvals.deny", wanted)]


async def test_escape_in_the_line_for_the_reason_denies_without_one(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await armed(pilot, bench)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.focused, Field))
        await type_text(pilot, "hm")
        await pilot.press("escape")
        await until(pilot, lambda: "A-17 denied by maria" in title(pilot))

        assert isinstance(pilot.app.screen, Inbox)
    assert [given["reason"] for _, given in answers(bench)] == [""]


async def test_e_opens_the_form_with_it_and_the_old_one_is_denied(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await armed(pilot, bench)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunForm))

        assert pilot.app.screen.query_one("#command", Field).value == "rm -rf /srv/cache"
        assert pilot.app.screen.query_one("#target", Field).value == "role=web and env=prod"
    assert [(name, given["reason"]) for name, given in answers(bench)] == [("approvals.deny", "edited")]
    assert bench.door.named("fleet.exec") == []


async def test_minus_leaves_out_the_node_under_the_cursor(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await gone_to(pilot, bench)
        await pilot.press("right", "right", "left", "right")
        bench.clock.advance(1)
        await pilot.press("minus")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunForm))

        assert pilot.app.screen.query_one("#target", Field).value == "prod-web-1 or prod-web-3 or prod-web-4"
    assert [(name, given["reason"]) for name, given in answers(bench)] == [("approvals.deny", "narrowed")]


async def test_minus_without_a_cursor_says_how_and_denies_nothing(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await armed(pilot, bench)
        await pilot.press("minus")
        await until(pilot, lambda: "Right and Left choose the node" in notice(pilot))

        assert "arming" in prompt(pilot)
    assert answers(bench) == []


async def test_what_is_no_command_cannot_be_edited_here(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await armed(pilot, bench, plan=plan_of(operation="node.drain"))
        await pilot.press("e")
        await until(pilot, lambda: "node.drain cannot be changed here" in notice(pilot))

    assert answers(bench) == []


async def test_escape_goes_back_and_answers_nothing(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await armed(pilot, bench)
        await pilot.press("y")
        await type_text(pilot, "prod")
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, Inbox) and "arming" in prompt(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Fleet))

        assert "A-17" in tray(pilot)
    assert answers(bench) == []


@pytest.mark.parametrize("key", ["enter", "space"])
async def test_enter_and_space_never_answer(bench: Bench, key: str) -> None:
    async with bench.shown() as pilot:
        await armed(pilot, bench, risk="high")
        await pilot.press(key)
        bench.clock.advance(1)
        await pilot.press(key, "y", key, "7")

    assert answers(bench) == []


async def test_two_presses_of_y_allow_nothing(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await armed(pilot, bench, risk="high")
        await pilot.press("y", "y", "7")

    assert answers(bench) == []
