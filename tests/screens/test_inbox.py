"""Requests for a yes that come from elsewhere: docked, gone to, and read; and how they end."""

from __future__ import annotations

import pytest
from tests.screens.conftest import Bench, type_text, until
from tests.screens.inbox_place import (
    answers,
    armed,
    arrived,
    gone_to,
    header,
    listed,
    notice,
    prompt,
    ringing,
    title,
    tray,
)

from devopsclaw.model.approval import Standing
from devopsclaw.model.errors import Unreachable
from devopsclaw.screens.help import Help
from devopsclaw.screens.inbox import Inbox
from devopsclaw.screens.run_form import RunForm
from devopsclaw.widgets.field import Field
from devopsclaw.widgets.prompt import Prompt
from devopsclaw.widgets.status_line import StatusLine


async def test_a_request_docks_rings_once_and_takes_no_focus(bench: Bench) -> None:
    async with bench.shown() as pilot:
        focused = pilot.app.focused
        with ringing(pilot) as rung:
            await arrived(pilot, bench)
            await until(pilot, lambda: "APPROVAL 1/1" in tray(pilot))
            await pilot.press("j")

        assert rung == [1]
        assert pilot.app.focused is focused
        assert pilot.app.screen.query_one("#fleet-grid").cursor == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", ["5", "J", "d", "x", "question_mark"])
async def test_it_is_docked_and_in_the_header_wherever_the_person_is(bench: Bench, key: str) -> None:
    async with bench.shown() as pilot:
        await pilot.press(key)
        await arrived(pilot, bench)
        await until(pilot, lambda: "A-17" in tray(pilot))

        assert "▲ 1 approval" in header(pilot)


async def test_what_is_being_typed_goes_on_to_where_it_went(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunForm))
        await type_text(pilot, "echo ya")
        await arrived(pilot, bench)
        await type_text(pilot, "y An 7")

        assert pilot.app.screen.query_one("#command", Field).value == "echo yay An 7"
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(pilot.app.screen, Inbox))
    assert answers(bench) == []


async def test_it_closes_with_a_notice_when_it_is_answered_elsewhere(bench: Bench) -> None:
    async with bench.shown() as pilot:
        asked = await arrived(pilot, bench)
        await until(pilot, lambda: bool(tray(pilot)))
        bench.door.desk.end(asked.id, Standing.DENIED, "tomas", "not during the sale")
        await until(pilot, lambda: not tray(pilot))

        assert "A-17 denied by tomas: not during the sale" in notice(pilot)
        assert "approval" not in header(pilot)


async def test_what_waited_before_the_console_opened_is_docked_too(bench: Bench) -> None:
    bench.door.desk.ask(quietly=True)
    async with bench.shown() as pilot:
        await until(pilot, lambda: "A-17" in tray(pilot))


async def test_what_was_answered_while_nobody_here_could_hear_is_gone_after_a_look(bench: Bench) -> None:
    async with bench.shown() as pilot:
        asked = await arrived(pilot, bench)
        bench.door.desk.end(asked.id, Standing.ALLOWED, "tomas", quietly=True)
        pilot.app.list_nodes()  # type: ignore[attr-defined]
        await until(pilot, lambda: "A-17 allowed by tomas" in notice(pilot))

        assert tray(pilot) == ""


# Reading


async def test_the_first_four_facts_fit_the_smallest_screen(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await gone_to(pilot, bench)

        facts = pilot.app.screen.query_one("#facts")
        assert facts.region.height == 4
        assert facts.region.bottom <= pilot.app.screen.query_one("#request-view").region.bottom


async def test_a_new_one_neither_replaces_nor_moves_the_one_that_is_read(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await gone_to(pilot, bench)
        places = [each.region for each in pilot.app.screen.query("#request-view, Prompt")]
        for _ in range(5):
            await arrived(pilot, bench, risk="high")

        assert "A-17" in title(pilot) and "A-17 ALLOW" in prompt(pilot)
        assert [each.region for each in pilot.app.screen.query("#request-view, Prompt")] == places
        assert listed(pilot).splitlines()[0].startswith(" ▸ A-17")


async def test_j_and_k_turn_to_the_next_and_the_previous(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await arrived(pilot, bench)
        await arrived(pilot, bench, risk="high")
        await pilot.press("A")
        await until(pilot, lambda: "A-17" in title(pilot))
        await pilot.press("j")
        assert "A-18" in title(pilot) and "arming" in prompt(pilot)
        await pilot.press("j", "k")

        assert "A-17" in title(pilot) and "arming" in prompt(pilot)


async def test_nothing_is_asked_of_what_arrives_in_an_empty_inbox_until_it_is_turned_to(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("A")
        await until(pilot, lambda: isinstance(pilot.app.screen, Inbox))
        await until(pilot, lambda: "no request waits" in listed(pilot))
        await arrived(pilot, bench, risk="high")
        bench.clock.advance(1)
        await pilot.press("y", "7")
        assert answers(bench) == []
        await pilot.press("j")
        await until(pilot, lambda: "A-17" in title(pilot))


async def test_the_keys_are_in_the_help_and_in_the_status_line(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await gone_to(pilot, bench)
        keys = pilot.app.screen.query_one(StatusLine).render().plain
        assert all(
            each in keys for each in ("y allow", "n deny", "e edit", "- drop node", "j next", "ANSWER")
        )
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, Help))
        rows = pilot.app.screen.query_one("#page").rows  # type: ignore[attr-defined]

    said = " ".join(cell for row in rows for cell, _ in row.cells)
    assert all(
        each in said for each in ("approvals.allow", "approvals.deny", "drop node", "previous request")
    )


async def test_coming_back_from_the_help_begins_the_quiet_time_anew(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await armed(pilot, bench, risk="high")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, Help))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Inbox))
        await pilot.press("y", "7")

    assert answers(bench) == []


# Ends


async def test_one_that_is_answered_elsewhere_while_it_is_read_stays_and_asks_nothing(bench: Bench) -> None:
    async with bench.shown() as pilot:
        asked = await armed(pilot, bench, risk="high")
        await arrived(pilot, bench, risk="high")
        await pilot.press("y")
        bench.door.desk.end(asked.id, Standing.DENIED, "tomas", "no")
        await until(pilot, lambda: "A-17 denied by tomas: no" in title(pilot))
        bench.clock.advance(1)
        await pilot.press("7", "y", "7")

        assert "A-18" in listed(pilot) and "A-17" not in listed(pilot)
    assert answers(bench) == []


async def test_one_that_is_over_for_the_core_says_so_and_the_list_is_made_again(bench: Bench) -> None:
    async with bench.shown() as pilot:
        asked = await armed(pilot, bench, risk="high")
        bench.door.desk.end(asked.id, Standing.EXPIRED, reason="nobody answered in time", quietly=True)
        await pilot.press("y", "7")
        await until(pilot, lambda: "A-17 expired: nobody answered in time" in title(pilot))

        assert "no request waits" in listed(pilot)


async def test_where_the_answer_did_not_arrive_the_question_is_put_again(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await armed(pilot, bench, risk="high")
        bench.door.failures["approvals.allow"] = Unreachable("the core does not answer")
        await pilot.press("y", "7")
        await until(pilot, lambda: "the core does not answer" in notice(pilot))

        assert "arming" in prompt(pilot)


async def test_the_time_left_is_shown_and_after_it_nothing_is_asked(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await gone_to(pilot, bench, risk="high")
        assert "expires 03:19:14Z (10:00)" in title(pilot)
        bench.clock.advance(575)
        pilot.app.screen.settle()  # type: ignore[attr-defined]
        assert "(0:25)" in title(pilot)
        bench.clock.advance(26)
        await pilot.press("y", "7")
        await until(pilot, lambda: "A-17 expired" in title(pilot))

        assert not pilot.app.screen.query_one(Prompt).is_asking
    assert answers(bench) == []


async def test_the_line_for_a_reason_closes_with_the_request(bench: Bench) -> None:
    async with bench.shown() as pilot:
        asked = await armed(pilot, bench)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.focused, Field))
        bench.door.desk.end(asked.id, Standing.ALLOWED, "tomas")
        await until(pilot, lambda: "A-17 allowed by tomas" in title(pilot))

        assert not isinstance(pilot.app.focused, Field)
    assert answers(bench) == []
