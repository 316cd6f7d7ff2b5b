"""The place where a person answers."""

from __future__ import annotations

from tests.widgets.conftest import Host, heard
from textual.events import Paste
from textual.widgets import Input

from devopsclaw.core.clock import ManualClock
from devopsclaw.widgets.confirmation import Ask
from devopsclaw.widgets.prompt import Prompt


def shown(prompt: Prompt) -> str:
    """What it says."""
    return prompt.render().plain


async def test_it_takes_no_room_until_it_asks(host: Host) -> None:
    prompt = Prompt(ManualClock().steady)
    async with host(prompt) as pilot:
        assert not prompt.display
        prompt.ask("LEAVE?", Ask.YES)
        await pilot.pause()

        assert prompt.display and prompt.has_focus


async def test_it_says_that_it_is_arming_and_then_which_key(host: Host) -> None:
    clock = ManualClock()
    prompt = Prompt(clock.steady)
    async with host(prompt):
        prompt.ask("HIGH RISK", Ask.DIGIT, digit="7")
        assert "arming" in shown(prompt)
        clock.advance(0.5)
        assert " y   then the digit  7 " in shown(prompt)


async def test_a_question_longer_than_the_line_leaves_the_key_on_screen(host: Host) -> None:
    clock = ManualClock()
    prompt = Prompt(clock.steady)
    async with host(prompt) as pilot:
        prompt.ask(f"HIGH RISK: {'word ' * 30}on 43 nodes", Ask.DIGIT, digit="7")
        clock.advance(1)
        prompt.refresh()
        await pilot.pause()

        question, answer = (prompt.render_line(y).text for y in range(2))
        assert question.rstrip().endswith("…") and "then the digit  7 " in answer


async def test_a_y_is_followed_by_the_digit_on_screen(host: Host) -> None:
    clock = ManualClock()
    prompt = Prompt(clock.steady)
    async with host(prompt) as pilot:
        prompt.ask("HIGH RISK", Ask.DIGIT, digit="7")
        clock.advance(1)
        await pilot.press("y")
        assert "now the digit  7 " in shown(prompt)
        await pilot.press("7")
        await pilot.pause()

        assert [message.yes for message in heard(pilot, Prompt.Answered)] == [True]
        assert not prompt.is_asking and not prompt.display


async def test_it_answers_once(host: Host) -> None:
    clock = ManualClock()
    prompt = Prompt(clock.steady)
    async with host(prompt) as pilot:
        prompt.ask("LEAVE?", Ask.YES)
        clock.advance(1)
        await pilot.press("y", "y", "y")

        assert len(heard(pilot, Prompt.Answered)) == 1


async def test_escape_is_a_no_at_any_time(host: Host) -> None:
    prompt = Prompt(ManualClock().steady)
    async with host(prompt) as pilot:
        prompt.ask("LEAVE?", Ask.YES)
        await pilot.press("escape")

        assert [message.yes for message in heard(pilot, Prompt.Answered)] == [False]


async def test_a_paste_begins_the_quiet_time_anew_and_answers_nothing(host: Host) -> None:
    clock = ManualClock()
    prompt = Prompt(clock.steady)
    async with host(prompt) as pilot:
        prompt.ask("CRITICAL", Ask.PHRASE, phrase="prod:3")
        clock.advance(1)
        prompt.post_message(Paste("prod:3"))
        await pilot.pause()

        assert "arming" in shown(prompt)
        assert heard(pilot, Prompt.Answered) == []


async def test_coming_back_to_the_terminal_begins_the_quiet_time_anew(host: Host) -> None:
    clock = ManualClock()
    prompt = Prompt(clock.steady)
    async with host(prompt) as pilot:
        prompt.ask("LEAVE?", Ask.YES)
        clock.advance(1)
        pilot.app.app_focus = False
        pilot.app.app_focus = True
        await pilot.pause()

        assert "arming" in shown(prompt)


async def test_keys_that_scroll_scroll_what_is_asked_about(host: Host) -> None:
    prompt = Prompt(ManualClock().steady)
    async with host(prompt) as pilot:
        prompt.ask("HIGH RISK", Ask.DIGIT, digit="7", seen=False)
        assert "read the plan to its end first" in shown(prompt)
        await pilot.press("pagedown", "up")
        assert [message.pages for message in heard(pilot, Prompt.Scrolled)] == [1, -1]
        prompt.see_all()

        assert "read the plan" not in shown(prompt)


async def test_what_is_typed_of_a_phrase_is_shown(host: Host) -> None:
    clock = ManualClock()
    prompt = Prompt(clock.steady)
    async with host(prompt) as pilot:
        prompt.ask("CRITICAL", Ask.PHRASE, phrase="prod:3")
        clock.advance(1)
        await pilot.press("p", "r", "x", "backspace")

        assert "type  prod:3   > pr_" in shown(prompt)


async def test_no_key_gets_past_it(host: Host) -> None:
    prompt = Prompt(ManualClock().steady)
    async with host(prompt) as pilot:
        await pilot.app.mount(Input())
        prompt.ask("LEAVE?", Ask.YES)
        await pilot.press("tab", "q", "5")

        assert prompt.has_focus
        assert pilot.app.query_one(Input).value == ""
