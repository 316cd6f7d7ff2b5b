"""Keys that answer nothing: a person has to have come, read, and waited."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.screens.conftest import Bench, until
from tests.screens.inbox_place import (
    answers,
    armed,
    arrived,
    gone_to,
    prompt,
)
from tests.widgets.requests import plan_of
from textual.events import AppFocus, Key, Paste

from devopsclaw.model.approval import Standing
from devopsclaw.screens.inbox import Inbox
from devopsclaw.widgets.field import Field
from devopsclaw.widgets.prompt import Prompt

NAMES = {" ": "space", ":": "colon", "\r": "enter", "\t": "tab", "-": "minus", "\x1b": "escape", "8": "f8"}
KEYS = st.sampled_from(list("yn7e-jkAxq?2 :\r\t\x1bprod8"))


@pytest.mark.parametrize("key", ["y", "n", "e", "minus"])
async def test_a_key_within_half_a_second_of_another_is_dead_and_that_is_shown(
    bench: Bench, key: str
) -> None:
    async with bench.shown() as pilot:
        await gone_to(pilot, bench, risk="high")
        bench.clock.advance(0.4)
        await pilot.press(key)
        bench.clock.advance(0.4)
        await pilot.press(key)

        assert "arming" in prompt(pilot)
        assert isinstance(pilot.app.screen, Inbox) and not isinstance(pilot.app.focused, Field)
    assert answers(bench) == []


async def test_a_long_command_has_to_be_scrolled_to_its_last_line(bench: Bench) -> None:
    async with bench.shown() as pilot:
        command = "\n".join(f"echo {number}" for number in range(30))
        await arrived(pilot, bench, risk="high", plan=plan_of(command))
        await pilot.press("A")
        await until(pilot, lambda: "to its end first" in prompt(pilot))
        bench.clock.advance(1)
        await pilot.press("y", "7", "pagedown")
        bench.clock.advance(1)
        await pilot.press("y", "7")
        assert answers(bench) == [], "one page is not the whole command"
        await pilot.press("pagedown", "pagedown", "pagedown")
        await until(pilot, lambda: "arming" in prompt(pilot))
        bench.clock.advance(1)
        await pilot.press("y", "7")
        await until(pilot, lambda: bool(answers(bench)))


async def test_keys_right_after_the_terminal_came_to_the_front_are_dead(bench: Bench) -> None:
    async with bench.shown() as pilot:
        pilot.app.post_message(AppFocus())
        await gone_to(pilot, bench, risk="high")
        bench.clock.advance(0.6)
        await pilot.press("y", "7")
        assert answers(bench) == []
        pilot.app.app_focus = False
        pilot.app.app_focus = True
        bench.clock.advance(0.6)
        await pilot.press("y", "7")
        assert answers(bench) == []
        bench.clock.advance(0.6)
        await pilot.press("y", "7")
        await until(pilot, lambda: bool(answers(bench)))


async def test_a_paste_is_never_an_answer(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await armed(pilot, bench)
        await pilot.press("y")
        pilot.app.screen.query_one(Prompt).post_message(Paste("prod:4"))
        await pilot.pause()

        assert "arming" in prompt(pilot)
    assert answers(bench) == []


async def test_keys_that_reach_the_screen_and_not_the_question_answer_nothing(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await armed(pilot, bench, risk="high")
        for key in ("y", "7", "n", "e", "minus"):
            pilot.app.screen.set_focus(None)
            await pilot.press(key)
            bench.clock.advance(1)

    assert answers(bench) == []


@given(
    story=st.lists(st.one_of(KEYS, st.sampled_from(["ask", "ask high", "end"])), max_size=40),
    gap=st.floats(0, 0.01),
)
@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
async def test_random_keys_never_answer_a_request_whenever_it_arrives(story: list[str], gap: float) -> None:
    """Forty keys within less than half a second, `A` and F8 among them: nobody has read anything by then."""
    bench = Bench()
    async with bench.shown() as pilot:
        for each in story:
            bench.clock.advance(gap)
            if each.startswith("ask"):
                await arrived(pilot, bench, risk="high" if each == "ask high" else "critical")
            elif each == "end":
                for waiting in bench.door.desk.waiting()[:1]:
                    bench.door.desk.end(waiting.id, Standing.DENIED, "tomas")
            else:
                pilot.app.post_message(Key(NAMES.get(each, each), each if each.isprintable() else None))
                await pilot.pause()
            if not pilot.app.is_running:
                break

        assert answers(bench) == []
        assert bench.door.started == []


@given(keys=st.lists(st.tuples(KEYS.filter(lambda key: key not in "A8"), st.floats(0, 5)), max_size=25))
@settings(deadline=None, max_examples=8, suppress_health_check=list(HealthCheck))
async def test_whoever_does_not_go_to_it_never_answers_it_however_long_it_takes(
    keys: list[tuple[str, float]],
) -> None:
    bench = Bench()
    async with bench.shown() as pilot:
        await arrived(pilot, bench, risk="high")
        for key, pause in keys:
            bench.clock.advance(pause)
            pilot.app.post_message(Key(NAMES.get(key, key), key if key.isprintable() else None))
            await pilot.pause()
            if not pilot.app.is_running or isinstance(
                pilot.app.screen, Inbox
            ):  # by the palette: it was chosen
                break

        assert answers(bench) == []
